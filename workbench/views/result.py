"""A result at the end of a cell: the picture that suits it, its last panes, and how complete they are."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets

from workbench.errors import WorkbenchError
from workbench.model.panestream import PaneStream
from workbench.runtimes.run import Run
from workbench.views import theme
from workbench.views.completeness import Completeness
from workbench.views.htmltable import table
from workbench.views.incell import show
from workbench.views.notebook import display
from workbench.views.plots import PlotAccessor

LAST = 6
"""Panes that are listed."""


def display_result(stream: PaneStream) -> None:
    """Show a result in the cell being executed; elsewhere, its steps."""
    from IPython import display as ipython

    view = display(PlotAccessor(stream)())
    if view is None:  # a terminal, a script: nothing could be updated
        words = f"<{type(stream).__name__} {stream.name!r}>\n{stream.explain()}"
        ipython.display({"text/plain": words}, raw=True)
        return
    run, name = next(iter(view.sources.values()))
    Facts(run, name).display()


class Facts:
    """The last panes of a result of a run, and how complete its panes are.

    Parameters
    ----------
    run : Run
        Whose.
    name : str
        Of the result.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90], unit="s"), "v": [1, 2, 3, 4, 5]})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> Facts(panes.start(speed="max").wait(10), "n").words()[:46]
    'With a bound of 0s 80.0 % of rows come on time'
    """

    def __init__(self, run: Run, name: str) -> None:
        self.run, self.name = run, name
        self._seen: Any = None
        self._completeness: Completeness | None = None

    def display(self) -> None:
        """Show them below the picture, and keep them up to date."""
        run = self.run
        show(
            self.words,
            self.html,
            lambda: ipywidgets.HTML(self.html()),
            self._tell,
            lambda: run.over,
            lambda: run.status,
        )

    def words(self) -> str:
        """Say how complete the panes are; nothing where no one bound says when they are."""
        try:
            if self._completeness is None:
                self._completeness = self.run.timeplane(self.name).completeness()
            return self._completeness.words()
        except WorkbenchError:
            return ""

    def html(self) -> str:
        """Give both as HTML without a script."""
        frame = self.run.seen(self.name, rows=500).tail(LAST)
        words = f'<div style="font:12px/1.6 {escape(theme.FONT, quote=True)}">{escape(self.words())}</div>'
        return f"{table(frame) if len(frame) else ''}{words}"

    def _tell(self, widget: Any) -> None:
        seen = (self.run.trace.version, self.run.status)
        if seen != self._seen:
            self._seen, widget.value = seen, self.html()
