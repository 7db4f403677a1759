"""The time plane of a result: event time across, processing time up; rows, watermark, windows and panes.

After the figures of Akidau's *Streaming 101* and of *Streaming Systems*, drawn of what the pipeline did. A
result that is not running is replayed as a whole, if it has an end; a run is followed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.runtimes.batch import unending
from workbench.runtimes.plane import Plane, replay
from workbench.runtimes.registry import cell_in_execution, runs, start
from workbench.runtimes.run import Run, running_loop
from workbench.runtimes.sought import key_values
from workbench.time import SECOND, Duration, duration
from workbench.views.completeness import Completeness
from workbench.views.planescene import scene
from workbench.views.planesvg import static

PERIOD = 0.2
"""Seconds between two looks at the record, at least."""
SHARE = 0.15
"""How much of the time may be spent on drawing."""
WINDOWS = 6
"""How many windows of a run are followed, unless said otherwise."""

_shown: list[TimePlane] = []


class TimePlane:
    """A picture of when rows came and what became of them; made by ``result.timeplane()``.

    Parameters
    ----------
    plane : Plane
        The record.
    name : str
        Of the result.
    key : value, tuple or dict, optional
        The values of the key columns; without it all keys together, with counts.
    last : duration, optional
        Show only so much processing time, the last; without it all, or of a run that goes on some windows.
    run : Run, optional
        That is followed.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90], unit="s"), "v": [1, 2, 3, 4, 5]})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(total=("v", "sum"))
    >>> panes.timeplane()
    Time plane of total: event time across, processing time up. Every window has fired. Of 5 rows, 4 came on
    time and 1 was late but accepted.
    """

    def __init__(
        self,
        plane: Plane,
        name: str,
        *,
        key: Any = None,
        last: Duration | None = None,
        run: Run | None = None,
    ) -> None:
        self.plane, self.name, self.run = plane, name, run
        self.key = None if key is None else key_values(plane.step.keys, key)
        if self.key:
            plane.watch(self.key)
        self.last = None if last is None else duration(last, what="time to be seen", positive=True)
        self.task: Any = None
        self._seen: tuple[Any, ...] = ()
        self._owner = cell_in_execution()

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.run is not None and not self.run.over

    def scene(self) -> dict[str, Any]:
        """Draw it as it is now: see `workbench.views.planescene`."""
        held = None if self.run is None else _holder(self.run)
        last = self.last
        if last is None and self.live:
            last = WINDOWS * max(self.plane.step.window.lengths, default=0) or 60 * SECOND
        return scene(self.plane, name=self.name, key=self.key, last=last, held_by=held, live=self.live)

    def completeness(self) -> Completeness:
        """Give, for every bound of disorder, how many rows would have come in time."""
        return Completeness(self.plane, self.key)

    def close(self) -> None:
        """Stop following."""
        if self.task is not None:
            self.task.cancel()
        if self in _shown:
            _shown.remove(self)

    def _repr_html_(self) -> str:
        return static(self.scene())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Give words, the static picture, and in a notebook the view that takes its place."""
        drawn = self.scene()
        bundle: dict[str, Any] = {"text/plain": drawn["label"], "text/html": static(drawn)}
        if self._owner is None:
            return bundle
        shown = self._widget(drawn)._repr_mimebundle_()
        view = shown[0] if isinstance(shown, tuple) else shown
        return {**(view or {}), **bundle}

    def _ipython_display_(self) -> None:
        from IPython import display as ipython

        self._owner = cell_in_execution()
        for other in [each for each in _shown if each is self or _replaced(each._owner, self._owner)]:
            other.close()
        handle = ipython.display(self._repr_mimebundle_(), raw=True, display_id=True)
        if self.live and self._owner is not None and running_loop() is not None:
            _shown.append(self)
            self.task = asyncio.ensure_future(self.follow(self._view, handle))

    def __panel__(self) -> Any:
        """Give it as a part of a served page."""
        import panel as pn

        from workbench.views.planewidget import PlaneComponent

        part = PlaneComponent(scene=self.scene(), sizing_mode="stretch_width")
        if self.live:
            pn.state.add_periodic_callback(lambda: self._tell(part), period=int(PERIOD * 1_000))
        return part

    def _widget(self, drawn: dict[str, Any]) -> Any:
        from workbench.views.planewidget import PlaneWidget

        self._view = PlaneWidget(scene=drawn)
        return self._view

    async def follow(self, view: Any, handle: Any = None) -> None:
        """Show what is new until the run is over; then leave the whole as a static picture too."""
        loop = asyncio.get_running_loop()
        while True:
            over, begun = not self.live, loop.time()
            self._tell(view)
            if over:
                break
            await asyncio.sleep(max(PERIOD, (loop.time() - begun) / SHARE))
        if handle is not None:
            handle.update({**self._bundle_of(view), "text/html": static(view.scene)}, raw=True)
        self.close()

    def _bundle_of(self, view: Any) -> dict[str, Any]:
        shown = view._repr_mimebundle_()
        return dict((shown[0] if isinstance(shown, tuple) else shown) or {})

    def _tell(self, view: Any) -> None:
        """Show what is new, if anything is."""
        seen = (self.plane.version, self.live)
        if seen != self._seen:
            self._seen, view.scene = seen, self.scene()

    def __repr__(self) -> str:
        label: str = self.scene()["label"]
        return label


def of_stream(
    stream: EventStream, *, key: Any = None, last: Duration | None = None, batch_rows: int | None = None
) -> TimePlane:
    """Give the time plane of a result: of a run of it, if there is one; else of the whole; else of a new run.

    Raises
    ------
    DescriptionError
        If the key does not fit.
    """
    step = stream.step
    assert isinstance(step, Aggregated)
    for run in reversed(runs()):
        for name, other in run.streams.items():
            if other.step is step:
                return of_run(run, name, key=key, last=last)
    if not unending(step):
        chosen = None if key is None else key_values(step.keys, key)
        plane = replay(step, batch_rows=batch_rows, key=chosen)
        return TimePlane(plane, stream.name, key=chosen, last=last)
    return of_run(start(stream), stream.name, key=key, last=last)


def of_run(run: Run, result: str, *, key: Any = None, last: Duration | None = None) -> TimePlane:
    """Give the time plane of a result of a run.

    Raises
    ------
    DescriptionError
        If there is no such result, or it has no windows.
    """
    run.require_past()
    plane = run.graph.plane(result)
    if plane is None:
        windowed = [name for name in run.streams if run.graph.plane(name) is not None]
        raise DescriptionError(
            f"no windows in {result!r}" if result in run.streams else f"no result called {result!r}",
            detail="a time plane shows the windows of a result",
            hint=f"one of {', '.join(map(repr, windowed))}"
            if windowed
            else "window and aggregate rows first",
        )
    return TimePlane(plane, result, key=key, last=last, run=run)


def _holder(run: Run) -> str | None:
    """Say who holds the watermark of a run back."""
    return ", ".join(run.held_back_by.values()) or None


def _replaced(one: tuple[str, str] | None, other: tuple[str, str] | None) -> bool:
    """Say whether a cell has been executed again."""
    return one is not None and other is not None and one[0] == other[0] and one[1] != other[1]
