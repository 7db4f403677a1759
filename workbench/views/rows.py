"""The rows of a stream that are to be seen, as HoloViews knows what changes: a `holoviews.streams.Stream`."""

from __future__ import annotations

import datetime
import weakref
from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd
import param
from bokeh.document import Document
from bokeh.io import curdoc

from workbench.model.panes import EARLY, LATE, TIMING, WINDOW_END
from workbench.model.stream import EventStream
from workbench.runtimes.readings import Lens
from workbench.runtimes.registry import is_before, runs, start
from workbench.runtimes.run import Run
from workbench.time import SystemClock
from workbench.views.elements import Part
from workbench.views.pictures import Picture

LOOKED_AT = 5_000
"""Rows that are looked at, the last to come out, unless a single window has more."""

SERVED = 250
"""Milliseconds between two looks for a served page, at least."""
SHARE = 0.15
"""How much of the time drawing for one served page may take."""


_SERVED: weakref.WeakKeyDictionary[Run, set[tuple[Document, Any]]] = weakref.WeakKeyDictionary()
"""The runs that were started for served pages, and who looks at each: a page, and the rows that it shows."""


class Rows(hv.streams.Stream):
    """What a picture shows of a stream: the latest panes, and what open windows hold so far.

    Parameters
    ----------
    stream : EventStream
        Whose.
    picture : Picture
        Which of them are seen, and how.
    """

    frame = param.Parameter(default=None, constant=True, doc="The rows, a DataFrame.")

    def __init__(self, stream: EventStream, picture: Picture) -> None:
        super().__init__(frame=pd.DataFrame())
        self.source_stream, self.picture = stream, picture
        self.version = 0
        self._seen: tuple[Any, ...] = ()
        self._pages: list[Document] = []
        self._parts: tuple[int, Mapping[str, Part]] = (-1, {})

    @property
    def hashkey(self) -> dict[str, int]:
        """What HoloViews tells one state from another by."""
        return {"version": self.version}

    def bring(self, run: Run, result: str) -> bool:
        """Take what a run shows now; tell whether that is something new."""
        seen = (weakref.ref(run), run.trace.version)  # what a notebook keeps of its cells must not keep runs
        if seen == self._seen:
            return False
        self._seen = seen
        panes = self.picture.seen(_latest(run, result, whole=self.picture.whole))
        if isinstance(zoned := panes.dtypes.get(WINDOW_END), pd.DatetimeTZDtype):
            zone, offsets = str(zoned.tz), turned_back(panes)
            self.picture.zone = f"{zone}, as {offsets[zone]}" if zone in offsets else zone
        frame = plain(panes)
        if not len(frame):  # nothing yet, or gone back to before there was something
            frame = self.frame[:0]
            if not len(self.frame):
                return False
        self.update(frame=frame)
        self.version += 1
        return True

    def _serve(self, page: Document) -> None:
        run, result, started = run_of(self.source_stream, None)
        self.bring(run, result)
        clock, rest, form = SystemClock(), 0.0, self.form()

        def look() -> None:
            nonlocal rest, form
            begun = clock.now()
            if begun < rest or not self.bring(run, result):
                return
            if self.form() == form:
                hv.streams.Stream.trigger([self])
            else:  # HoloViews cannot add what a picture had nothing of
                form = self.form()
                for pane in {subscriber.__self__.pane for subscriber in self.subscribers}:
                    forget(pane.object)
                    pane.param.trigger("object")
            rest = begun + (clock.now() - begun) / SHARE

        if started:
            _SERVED[run] = set()
        looking = _SERVED.get(run, set())  # of a run that was there before it is not ours to say when it ends
        looking.add((page, self))

        def leave(_: Any) -> None:
            self._pages.remove(page)
            looking.discard((page, self))
            if run in _SERVED and not looking:
                run.stop()

        page.add_periodic_callback(look, SERVED)
        page.on_session_destroyed(leave)

    def parts(self) -> Mapping[str, Part]:
        """Give the parts of the picture; the same ones until the rows change.

        Raises
        ------
        SchemaError
            If what is drawn as a number is none.
        """
        if self._parts[0] != self.version:
            self.picture.require_numbers(self.frame)
            self._parts = (self.version, self.picture.parts(self.frame))
        return self._parts[1]

    def form(self) -> tuple[Any, ...]:
        """Give what a drawing is made for: whether there are rows, the parts, the names and the zone."""
        return (self.frame.shape[1] > 0, *self.parts(), *self.picture.names, self.picture.zone)

    def words(self, *, over: bool = False) -> str:
        """Say what is seen, also of what is over."""
        return self.picture.words(self.source_stream.name, self.frame, over=over)

    def draw(self, **_: Any) -> Any:
        """Give the picture as it is now; for a page of a server, follow a run while the page is there."""
        page = curdoc()
        if page.session_context is not None and page not in self._pages:
            self._pages.append(page)
            self._serve(page)
        return self.picture.element(self.parts())


def _latest(run: Run, result: str, *, whole: bool) -> pd.DataFrame:
    """Give the last rows to come out; if asked, panes of whole windows, at least of one that is closed."""
    rows = LOOKED_AT
    while True:
        panes = run.seen(result, rows=rows)
        cut = whole and rows < run.trace.results[result].total and {WINDOW_END, TIMING} <= set(panes)
        if not cut or run.lens != Lens():
            return panes
        ends = panes[WINDOW_END]  # windows close in order: only of the first some panes may be missing
        later = panes[ends > ends[panes[TIMING] != LATE].min()]
        if (later[TIMING] != EARLY).any():
            return later
        rows *= 2


def turned_back(frame: pd.DataFrame) -> dict[str, datetime.timezone]:
    """Give the zones whose clocks go back, so that they show a time of a frame twice; and their last offset.

    Examples
    --------
    >>> at = pd.date_range("2026-10-25 00:00", periods=3, freq="h", tz="UTC").tz_convert("Europe/Paris")
    >>> print(*turned_back(pd.DataFrame({"at": at})).values(), turned_back(pd.DataFrame({"at": at[:1]})))
    UTC+01:00 {}
    """
    zones: dict[str, list[pd.Series]] = {}
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.DatetimeTZDtype):
            zones.setdefault(str(dtype.tz), []).append(frame[name].drop_duplicates())
    found = {}
    for zone, columns in zones.items():
        times = pd.concat(columns).drop_duplicates().dropna().sort_values()
        shown = times.dt.tz_localize(None)
        if not (shown.is_monotonic_increasing and shown.is_unique):
            found[zone] = datetime.timezone(times.iloc[-1].utcoffset())
    return found


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Give times as a clock of their zone shows them; one that is not turned back within a frame.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05 09:00"]).tz_localize("Asia/Tokyo")
    >>> plain(pd.DataFrame({"at": at})).at[0, "at"]
    Timestamp('2026-01-05 09:00:00')
    """
    zoned = {name: dtype.tz for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.DatetimeTZDtype)}
    if not zoned:
        return frame
    offsets = turned_back(frame)
    clocks = {name: frame[name].dt.tz_convert(offsets.get(str(zone), zone)) for name, zone in zoned.items()}
    return frame.assign(**{name: column.dt.tz_localize(None) for name, column in clocks.items()})


def rows_in(shown: Any) -> list[Rows]:
    """Give the rows of streams that a HoloViews object shows, each once."""
    found: dict[Rows, None] = {}
    for each in shown.traverse(lambda part: part, [hv.DynamicMap]):
        for stream in hv.plotting.util.get_nested_streams(each):
            if isinstance(stream, Rows):
                found[stream] = None
    return list(found)


def forget(shown: Any) -> None:
    """Let HoloViews ask for everything anew: it keeps what it had before rows came, or of fewer names."""
    for each in shown.traverse(lambda part: part, [hv.DynamicMap]):
        each.reset()
        for inner in each.callback.inputs:
            forget(inner)


def run_of(stream: EventStream, cell: tuple[str, str] | None) -> tuple[Run, str, bool]:
    """Find the newest run that has this stream, or start one; what the cell started before is replaced.

    Returns
    -------
    tuple of Run, str and bool
        The run, the name of the stream in it, and whether it was started.
    """
    for run in reversed(runs()):
        for name, other in run.streams.items():
            if other.step is stream.step and not is_before(run.owner, cell):
                return run, name, False
    return start(stream), stream.name, True
