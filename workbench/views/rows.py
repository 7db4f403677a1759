"""The rows of a stream that are to be seen, as HoloViews knows what changes: a `holoviews.streams.Stream`."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import holoviews as hv
import pandas as pd
import param
from bokeh.document import Document
from bokeh.io import curdoc

from workbench.model.panes import WINDOW_END
from workbench.model.stream import EventStream
from workbench.runtimes.registry import runs, start
from workbench.runtimes.run import Run
from workbench.time import SystemClock
from workbench.views.elements import Part
from workbench.views.pictures import Picture

LOOKED_AT = 5_000
"""Rows that are looked at, the last to come out; more would not be seen."""


SERVED = 250
"""Milliseconds between two looks for a served page, at least."""
SHARE = 0.15
"""How much of the time drawing for one served page may take."""


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
        panes = run.seen(result, rows=LOOKED_AT)
        if isinstance(zoned := panes.dtypes.get(WINDOW_END), pd.DatetimeTZDtype):
            self.picture.zone = str(zoned.tz)
        frame = self.picture.seen(plain(panes))
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

        def leave(_: Any) -> None:
            self._pages.remove(page)
            if started and not self._pages:
                run.stop()

        page.add_periodic_callback(look, SERVED)
        page.on_session_destroyed(leave)

    def parts(self) -> Mapping[str, Part]:
        """Give the parts of the picture; the same ones until the rows change."""
        if self._parts[0] != self.version:
            self._parts = (self.version, self.picture.parts(self.frame))
        return self._parts[1]

    def form(self) -> tuple[Any, ...]:
        """Give what a drawing is made for: whether there are rows, the parts, and the names along an axis."""
        return (self.frame.shape[1] > 0, *self.parts(), *self.picture.names)

    def words(self) -> str:
        """Say what is seen."""
        return self.picture.words(self.source_stream.name, self.frame)

    def draw(self, **_: Any) -> Any:
        """Give the picture as it is now; for a page of a server, follow a run while the page is there."""
        page = curdoc()
        if page.session_context is not None and page not in self._pages:
            self._pages.append(page)
            self._serve(page)
        return self.picture.element(self.parts())


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Give times as a clock of their zone shows them.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05 09:00"]).tz_localize("Asia/Tokyo")
    >>> plain(pd.DataFrame({"at": at})).at[0, "at"]
    Timestamp('2026-01-05 09:00:00')
    """
    zoned = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.DatetimeTZDtype)]
    return frame.assign(**{name: frame[name].dt.tz_localize(None) for name in zoned}) if zoned else frame


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
        replaced = cell and run.owner and run.owner[0] == cell[0] and run.owner[1] != cell[1]
        for name, other in run.streams.items():
            if other.step is stream.step and not replaced:
                return run, name, False
    return start(stream), stream.name, True
