"""What a dashboard of one's own shows: pictures, drawn once a session and streamed into, and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import panel as pn

from workbench.model.panes import TIMING, WINDOW_END, WINDOW_START
from workbench.views import page, theme, words
from workbench.views.bound import Bound
from workbench.views.live import Drawn
from workbench.views.originals import REST, Copy, Original
from workbench.views.rows import plain
from workbench.views.service import Feed
from workbench.views.tables import dated

ROWS = 12
"""Rows of a table."""


class PictureCard:
    """A picture as one session sees it: a copy of the original, and the rows that it shows.

    Parameters
    ----------
    original : Original
        What is drawn once for all.

    Attributes
    ----------
    figures : list of bokeh figure
        Those that are seen, also after it had to be drawn anew.
    dark : callable
        Tells whether the page is dark.
    rows : Drawn
        What the wire of the page tells the figures.
    """

    def __init__(self, original: Original) -> None:
        self._original = original
        self._copy: Copy | None = None
        self.figures: list[Any] = []
        self.dark: Callable[[], bool] = bool
        self.rows = Drawn({})
        self._pane = pn.pane.Bokeh(None, sizing_mode="stretch_width", min_height=260)
        self.body = pn.Column(pn.pane.HTML(_WAITING), sizing_mode="stretch_width", margin=0)

    def update(self) -> None:
        """Show what is new."""
        self._original.update()
        self.rows.show(self._original.tables)
        if self._copy is not None and self._copy.follow():
            return
        self._copy = self._original.copy()
        if self._copy is None:
            return
        self._copy.follow()
        self.rows.sources = self._copy.sources
        self.figures[:] = self._copy.figures
        if self.dark():
            for figure in self.figures:
                theme.paint(figure, dark=True)
        self._pane.object = self._copy.root
        self.body.objects = [self._pane]


class TableCard:
    """The last rows of a result as words, the newest first.

    Parameters
    ----------
    result : str
        Its name in the run.
    feed : Feed
        Whose result.
    """

    def __init__(self, result: str, feed: Feed) -> None:
        self._result, self._feed = result, feed
        self._columns: list[tuple[str, str, str]] = []
        self.body = Bound()

    def update(self) -> None:
        """Show what is new."""
        wanted, told = self._feed.once(("table", self._result), self._read, every=REST)
        if not wanted:
            return
        if wanted != self._columns:
            self._columns = wanted
            self.body.rewrite(page.table(wanted, ROWS).html)
        self.body.say(**told)

    def close(self) -> None:
        """Show nothing."""
        self._columns = []
        self.body.rewrite("")

    def _read(self) -> tuple[list[tuple[str, str, str]], dict[str, Any]]:
        """Give columns and cells; the same for all sessions."""
        frame = plain(self._feed.run.seen(self._result, rows=ROWS))
        return columns(frame), values(frame)


class Behind:
    """The table behind a picture: there when somebody asks for it, and until then nothing is sent of it."""

    def __init__(self, table: TableCard) -> None:
        self._table, self.open = table, False
        self.button = Bound(html=_BUTTON, data={"word": "Show table"}, obey=self._turn)

    def update(self) -> None:
        """Show what is new, if it is seen."""
        if self.open:
            self._table.update()

    def _turn(self, *_: str) -> None:
        self.open = not self.open
        self.button.say(word="Hide table" if self.open else "Show table")
        self.update() if self.open else self._table.close()


_WAITING = '<p class="empty">Waiting for the first rows</p>'
_BUTTON = '<div class="bar"><button type="button" data-command="table" data-text="word"></button></div>'


def columns(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Give the columns of a table as `page.table` wants them: numbers to the right, event time in blue.

    Examples
    --------
    >>> columns(pd.DataFrame({"k": ["a"], "n": [1]}))
    [('c0r', 'k', 'left'), ('c1r', 'n', '')]
    """
    styles = {WINDOW_START: "left event", WINDOW_END: "left event"}
    return [
        (
            f"c{place}r",
            str(name),
            styles.get(name, "" if pd.api.types.is_numeric_dtype(frame[name]) else "left"),
        )
        for place, name in enumerate(frame.columns)
    ]


def values(frame: pd.DataFrame) -> dict[str, Any]:
    """Give the cells of the last rows, the newest first, as words.

    Examples
    --------
    >>> told = values(pd.DataFrame({"k": ["a", "b"], "n": [1, 2_000]}))
    >>> told["c0r0"], told["c1r0"], told["row1"], told["row2"]
    ('b', '2,000', True, False)
    """
    last = frame.iloc[: -ROWS - 1 : -1]
    told: dict[str, Any] = {f"row{row}": row < len(last) for row in range(ROWS)}
    for place, name in enumerate(last.columns):
        spelled = dated(last[name]) or word
        for row, value in enumerate(last[name].tolist()):
            told[f"c{place}r{row}"] = spelled(value) if name != TIMING else str(value).replace("_", " ")
    return told


def word(value: Any) -> str:
    """Write a value of a cell.

    Examples
    --------
    >>> word(12.3456), word(7), word(pd.Timestamp("2026-01-05 09:01")), word(None), word("x")
    ('12.35', '7', '09:01:00', '–', 'x')
    """
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT:
        return words.NOTHING
    if isinstance(value, pd.Timestamp):
        return words.clock(value)
    if isinstance(value, pd.Timedelta):
        return words.seconds(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return words.number(value, 0 if isinstance(value, int) else 2)
    return str(value)
