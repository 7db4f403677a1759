"""``wb.dashboard``: a page of one's own results in a few lines, in a cell and served."""

from __future__ import annotations

import functools
import html
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import holoviews as hv
import pandas as pd
import panel as pn

from workbench.errors import DescriptionError
from workbench.model.panes import WINDOW_END
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.model.windows import Calendar, Sliding, Tumbling
from workbench.runtimes.loops import running_loop
from workbench.runtimes.registry import cell_in_execution, start
from workbench.views import words
from workbench.views.boardcards import Behind, PictureCard, TableCard
from workbench.views.cells import Table
from workbench.views.credit import Credit
from workbench.views.notebook import Card as Beside
from workbench.views.notebook import display_all
from workbench.views.notices import box
from workbench.views.originals import REST, Original
from workbench.views.page import Page
from workbench.views.pagecard import Card
from workbench.views.parts import complete, kpis
from workbench.views.plots import PlotAccessor
from workbench.views.rows import Rows, rows_in
from workbench.views.service import KEPT_RESULTS
from workbench.views.sharing import SharedFeed, shared_feed, unique
from workbench.views.tables import openness
from workbench.views.transport import wrong

_LOG = logging.getLogger(__name__)
FIGURES = 5
"""Key figures at the top, at the most."""
LINE = 30
"""Windows of which the line of a key figure is."""
PATIENCE = 3.0
"""Seconds after which a browser that has not drawn the last frame is sent another: less than until STALE."""


def dashboard(
    *shown: Any, title: str = "Dashboard", question: str = "", speed: Any = 1, **options: Any
) -> Dashboard:
    """Give a page of results: key figures, pictures, the tables behind them, and how the run is doing.

    At the end of a cell it is live. ``.servable()`` makes it what ``workbench serve FILE`` and ``panel serve
    FILE`` serve: one run in the process, which all browser sessions look at.

    Parameters
    ----------
    *shown : EventStream, HoloViews object, or pair of str and either
        In order; a stream is shown as the picture that suits it, or as a table. A string is its heading.
    title, question : str
        The heading of the page, and what it answers.
    speed : float or "max"
        Seconds of processing time per second.
    **options
        Further ones of `workbench.start`: ``on_error``, ``batch_rows``, ``past``, ...

    Raises
    ------
    DescriptionError
        If there is nothing to show, or something that is neither.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> sales = pd.DataFrame({"time": pd.to_datetime([1, 65], unit="s"), "amount": [10, 7]})
    >>> revenue = wb.stream(sales, time="time", watermark=0).window("1min").agg(revenue=("amount", "sum"))
    >>> wb.dashboard(revenue, ("Largest", revenue.plot.table()), title="Shop").servable()
    <Dashboard 'Shop': revenue, Largest>
    """
    if not shown:
        raise DescriptionError("nothing to show", hint="wb.dashboard(revenue, title='Shop')")
    return Dashboard([_item(each) for each in shown], title, question, {"speed": speed, **options})


@dataclass(frozen=True, eq=False)
class Item:
    """Something that is shown.

    Parameters
    ----------
    title : str
        Its heading.
    what : EventStream or HoloViews object
        What it is.
    """

    title: str
    what: Any


def _item(given: Any) -> Item:
    named = isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str)
    title, what = given if named else ("", given)
    if isinstance(what, EventStream):
        return Item(title or what.name, what)
    if isinstance(what, hv.core.Dimensioned | hv.Layout) and rows_in(what):
        return Item(
            title or ", ".join(dict.fromkeys(rows.source_stream.name for rows in rows_in(what))), what
        )
    raise DescriptionError(
        f"a dashboard cannot show {type(what).__name__}",
        detail="it shows streams, and what stream.plot gives, alone or combined",
        hint="wb.dashboard(revenue, revenue.plot.bars('window_start', 'revenue'))",
    )


@dataclass(eq=False)
class Dashboard:
    """A page of one's own results; `dashboard` makes it.

    Parameters
    ----------
    items : sequence of Item
        What is shown, in order.
    title, question : str
        The heading, and what the page answers.
    options : dict
        Of `workbench.start`.
    """

    items: Sequence[Item]
    title: str
    question: str
    options: dict[str, Any]
    _streams: list[EventStream] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._results: dict[Any, str] = {}
        for item in self.items:
            shown = [item.what] if isinstance(item.what, EventStream) else []
            for stream in shown or [rows.source_stream for rows in rows_in(item.what)]:
                self._add(stream)

    def __repr__(self) -> str:
        return f"<Dashboard {self.title!r}: {', '.join(item.title for item in self.items)}>"

    def servable(self) -> Self:
        """Make it a page of the server that runs this; elsewhere it stays what it is.

        A page that cannot be made says why.
        """
        if pn.state.curdoc is not None and pn.state.curdoc.session_context is not None:
            usual = {"past": False, "keep": KEPT_RESULTS}  # nothing on the page goes back
            try:
                page = self.page(shared_feed(self.title, self._streams, usual | self.options))
            except Exception as error:
                _LOG.exception("%s cannot be shown", self.title)
                notice = box(f"{self.title} cannot be shown: {wrong(error)}")
                pn.pane.HTML(notice, sizing_mode="stretch_width", margin=24).servable(title=self.title)
            else:
                page.view().servable(title=self.title)
        return self

    def page(self, feed: SharedFeed) -> Page:
        """Build the page of one browser session, of a feed that has begun."""
        originals = [
            feed.keep(place, functools.partial(self._original, item, feed))
            for place, item in enumerate(self.items)
        ]
        spans = _spans([original.shown for original in originals])
        made = [
            self._card(item, original, span, feed)
            for item, original, span in zip(self.items, originals, spans, strict=True)
        ]
        figures = [
            figure
            for item, original in zip(self.items, originals, strict=True)
            for figure in _figure(item, *next(iter(original.results.items())))
        ][:FIGURES]
        top = kpis(*(each.words(place) for place, each in enumerate(figures)))

        def update() -> None:
            top.show(feed.said("figures", lambda: _told(figures, feed), every=REST))

        cards = [card for card, _ in made]
        credit = Credit(frames=1, patience=PATIENCE)
        page = Page([feed], "", self.title, self.question, cards, top, update, places=(), credit=credit)
        for _, picture in made:
            if picture is not None:
                picture.dark = lambda: page.theme == "dark"
        return page

    def _ipython_display_(self) -> None:
        """Show it in the cell being executed: pictures that follow one run of all results."""
        from IPython import display as ipython

        heading = f"<h3>{html.escape(self.title)}</h3><p>{html.escape(self.question)}</p>"
        ipython.display({"text/plain": repr(self), "text/html": heading}, raw=True)
        if cell_in_execution() is None or running_loop() is None:  # nothing could be updated
            return
        start(*self._streams, name=self.title, **self.options)
        shown = [self._shown(item) for item in self.items]
        cards = zip(self.items, shown, _spans(shown), strict=True)
        display_all([Beside(item.title, each, wide=span == 12) for item, each, span in cards])

    def _shown(self, item: Item) -> Any:
        """Give what is shown of an item."""
        alone = isinstance(item.what, EventStream)
        return PlotAccessor(self._own(item.what))() if alone else item.what

    def _original(self, item: Item, feed: SharedFeed) -> Original:
        """Give what pages show of an item, and the results that it is of."""
        shown = self._shown(item)
        results = {rows: self._results[rows.source_stream.step] for rows in rows_in(shown)}
        return Original(shown, results, feed)

    def _card(
        self, item: Item, original: Original, span: int, feed: SharedFeed
    ) -> tuple[Card, PictureCard | None]:
        """Give the card of an item, and the picture in it."""
        table = TableCard(next(iter(original.results.values())), feed)
        if _is_table(original.shown):
            return Card(item.title, table.body, span=span, note=_LAST, update=table.update), None
        picture = PictureCard(original)
        drawn = Card(
            item.title,
            picture.body,
            span,
            figures=picture.figures,
            further=(picture.rows,),
            update=picture.update,
        )
        if not isinstance(item.what, EventStream):
            return drawn, picture
        behind = Behind(table)

        def update() -> None:
            picture.update()
            behind.update()

        return replace(drawn, note=_DASHED, extra=behind.button, below=table.body, update=update), picture

    def _add(self, stream: EventStream) -> None:
        """Note a result, under a name of its own."""
        if stream.step not in self._results:
            name = unique(stream.name, self._results.values())
            own = stream if name == stream.name else stream.named(name)
            self._results |= {stream.step: name, own.step: name}
            self._streams.append(own)

    def _own(self, stream: EventStream) -> EventStream:
        """Give a stream under the name of its result."""
        return next(each for each in self._streams if each.name == self._results[stream.step])


@dataclass(frozen=True, eq=False)
class Figure:
    """A key figure: the sum of an aggregate over the keys of the last window that is closed."""

    title: str
    column: str
    rows: Rows
    result: str

    def words(self, place: int) -> tuple[str, str, str]:
        """Give its name in the page, its title, and its unit."""
        return f"figure{place}", f"{self.title}, last closed window", ""

    def told(self, place: int, in_time: float) -> dict[str, Any]:
        """Give what is shown of it, and of the share of its rows that came in time."""
        sums = totals(self.rows.frame, self.column)
        name = f"figure{place}"
        change = float(sums.iloc[-1] / sums.iloc[-2] - 1) * 100 if len(sums) > 1 and sums.iloc[-2] else None
        return complete(name, in_time) | {
            f"{name}_name": self.words(place)[1],
            name: words.short(float(sums.iloc[-1])) if len(sums) else words.NOTHING,
            f"{name}_line": [round(float(value), 3) for value in sums.tail(LINE)],
            f"{name}_delta": f"{words.signed(change, 1, ' %')} on the window before",
        }


def totals(frame: pd.DataFrame, column: str) -> pd.Series:
    """Give the sum of a column by window, over those that are closed, in order.

    Examples
    --------
    >>> ends = pd.to_datetime([60, 60, 120], unit="s")
    >>> panes = pd.DataFrame({"window_end": ends, "n": [1, 2, 4], "timing": ["on_time", "on_time", "early"]})
    >>> totals(panes, "n").tolist()
    [3]
    """
    if column not in frame or WINDOW_END not in frame or not pd.api.types.is_numeric_dtype(frame[column]):
        return pd.Series(dtype=float)
    closed = frame[~openness(frame)]
    return closed.groupby(WINDOW_END)[column].sum()


def _told(figures: Sequence[Figure], feed: SharedFeed) -> dict[str, Any]:
    """Give what is shown of all key figures."""
    told: dict[str, Any] = {}
    for place, each in enumerate(figures):
        told |= each.told(place, feed.in_time(each.result))
    return told


def _figure(item: Item, rows: Rows, result: str) -> list[Figure]:
    """Give the key figure of a result, if its windows are the same for all keys, and sums mean something."""
    step = item.what.step if isinstance(item.what, EventStream) else None
    if not isinstance(step, Aggregated) or not isinstance(step.window, Tumbling | Sliding | Calendar):
        return []
    first = step.aggregates[0]
    if step.keys and first.function not in ("sum", "size", "count"):
        return []
    title = item.title if item.title != item.what.name else first.output
    return [Figure(title, first.output, rows, result)]


def _spans(shown: Sequence[Any]) -> list[int]:
    """Give the columns of twelve that each takes: two beside each other, a whole row to what is wide."""
    spans: list[int] = []
    for each in shown:
        wide = _is_table(each) or isinstance(each, hv.Layout)
        if wide and sum(spans) % 12:  # nothing comes beside the one before
            spans[-1] = 12
        spans.append(12 if wide else 6)
    return [*spans[:-1], 12] if sum(spans) % 12 else spans


def _is_table(shown: Any) -> bool:
    """Tell whether something is a table and nothing else."""
    return isinstance(shown, hv.DynamicMap) and all(
        isinstance(rows.picture, Table) for rows in rows_in(shown)
    )


_DASHED = "Dashed where windows are still open"
_LAST = "The last rows, the newest first"
