"""The time plane of a result: event time across, processing time up; rows, watermark, windows and panes.

After the figures of Akidau's *Streaming 101* and of *Streaming Systems*, drawn of what the pipeline did. A
result that is not running is replayed as a whole, if it has an end; a run is followed.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.model.watermarks import Watermark
from workbench.runtimes.batch import unending
from workbench.runtimes.inflight import NONE, Pending, pending
from workbench.runtimes.plane import Plane
from workbench.runtimes.registry import runs, start
from workbench.runtimes.replay import replay
from workbench.runtimes.run import Run
from workbench.runtimes.sought import key_values
from workbench.runtimes.stages import Stage, stages
from workbench.runtimes.whatif import Other
from workbench.time import SECOND, Duration, duration
from workbench.views.completeness import Completeness
from workbench.views.inflight import InFlightView
from workbench.views.planes import Planes
from workbench.views.planescene import WIDTH, Extent, extent_of, scene
from workbench.views.sceneview import SceneView

WINDOWS = 6
"""How many windows of a run are followed, unless said otherwise."""


class TimePlane(SceneView):
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
    ahead : bool
        Whether rows that have happened and not arrived yet are shown, of a run whose sources know them.
    what_if : Watermark or duration, optional
        Another policy, or bound, whose watermark is drawn as a ghost.

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
        ahead: bool = True,
        what_if: Watermark | Duration | None = None,
    ) -> None:
        super().__init__(run)
        self.plane, self.name, self.ahead = plane, name, ahead
        self.key = None if key is None else key_values(plane.keys, key)
        if self.key:
            plane.watch(self.key)
        self.last = None if last is None else duration(last, what="time to be seen", positive=True)
        self.other = None if what_if is None else Other(plane, what_if)

    def __or__(self, other: TimePlane | Planes) -> Planes:
        """Put two next to each other, on the same scales of event time and processing time."""
        return Planes([self, *(other.planes if isinstance(other, Planes) else [other])])

    def of(self, run: Run) -> TimePlane:
        """Give the same plane as another view of its run shows it: see `Run.look`."""
        other = copy(self)
        other.run = run
        return other

    @property
    def version(self) -> Any:
        """What changes when there is something new to be seen."""
        return self.plane.version, None if self.run is None else self.run.lens.at

    @property
    def span(self) -> int | None:
        """How much processing time is shown, in nanoseconds; None for all."""
        if self.last is not None or not self.live:
            return self.last
        return WINDOWS * max(getattr(self.plane.window, "lengths", ()), default=0) or 60 * SECOND

    def extent(self, last: int | None) -> Extent:
        """Give what is to be seen: see `workbench.views.planescene`."""
        return extent_of(self.plane, self.key, last)

    def scene(
        self, *, last: int | None = None, extent: Extent | None = None, width: int = WIDTH
    ) -> dict[str, Any]:
        """Draw it as it is now: see `workbench.views.planescene`."""
        return scene(
            self.plane,
            name=self.name,
            key=self.key,
            last=last or self.span,
            held_by=self._holder(),
            live=self.live,
            other=None if self.other is None else self.other.now(self.key),
            pending=self._pending() if self.ahead else NONE,
            extent=extent,
            width=width,
            at=None if self.run is None else self.run.lens.at,
        )

    def completeness(self) -> Completeness:
        """Give, for every bound of disorder, how many rows would have come in time; live of a live run."""
        return Completeness(self.plane, self.key, run=self.run)

    def in_flight(self, *, at: Any = None) -> InFlightView:
        """Give how many rows have arrived, and how many are under way, by event time; and how long they take.

        Parameters
        ----------
        at : timestamp, optional
            The moment of processing time; naive is UTC. By default the last.
        """
        return InFlightView(self.plane, self.name, key=self.key, at=at, last=self.span, run=self.run)

    def _pending(self) -> Pending:
        return NONE if self.run is None or self.key else pending(self.run, self.plane.step)

    def _holder(self) -> str | None:
        """Say who holds the watermark back."""
        return None if self.run is None else ", ".join(self.run.held_back_by.values()) or None


class StagePlane(TimePlane):
    """The time plane of a stage of a run: it says which of its own inputs holds its watermark back."""

    def __init__(self, stage: Stage, **told: Any) -> None:
        super().__init__(stage.plane, stage.name, **told)
        self.stage = stage

    def _holder(self) -> str | None:
        return self.stage.held_by


def of_stream(
    stream: EventStream,
    *,
    key: Any = None,
    last: Duration | None = None,
    batch_rows: int | None = None,
    what_if: Watermark | Duration | None = None,
    ahead: bool = True,
    **keys: Any,
) -> TimePlane:
    """Give the time plane of a result: of a run of it, if there is one; else of the whole; else of a new run.

    Parameters
    ----------
    key, last
        See ``PaneStream.timeplane``.
    batch_rows : int, optional
        Rows that are read at once, where the whole is shown; late panes are one a batch.
    what_if : duration or Watermark, optional
        Another bound, or policy, whose watermark is drawn over the real one, with what it would change.
    ahead : bool
        Whether rows that have happened and not arrived yet are shown (the default), of a run whose sources
        know them, as simulators do.
    **keys
        The values of the key columns, instead of ``key``: ``timeplane(country="FR")``.

    Raises
    ------
    DescriptionError
        If the key does not fit, or it cannot be known what the other policy would have done.
    """
    step, key = stream.step, keys or key
    assert isinstance(step, Aggregated)
    chosen = None if key is None else key_values(step.keys, key)
    told: dict[str, Any] = {"key": chosen, "last": last, "what_if": what_if, "ahead": ahead}
    for run in reversed(runs()):
        for name, other in run.described.items():
            if other.step is step:
                return of_run(run, name, **told)
    if not unending(step):
        return TimePlane(replay(step, batch_rows=batch_rows, key=chosen), stream.name, **told)
    return of_run(start(stream), stream.name, **told)


def of_run(
    run: Run,
    result: str,
    *,
    key: Any = None,
    last: Duration | None = None,
    what_if: Watermark | Duration | None = None,
    ahead: bool = True,
    **keys: Any,
) -> TimePlane:
    """Give the time plane of a result of a run; ``keys`` are values of key columns, instead of ``key``.

    Raises
    ------
    DescriptionError
        If there is no such result, or it has no windows.
    """
    plane = run.graph.plane(result)
    if plane is None:
        windowed = [name for name, stream in run.streams.items() if isinstance(stream.step, Aggregated)]
        run.require_past(result if result in windowed else None)
        raise DescriptionError(
            f"no windows in {result!r}" if result in run.streams else f"no result called {result!r}",
            detail="a time plane shows the windows of a result",
            hint=f"one of {', '.join(map(repr, windowed))}"
            if windowed
            else "window and aggregate rows first",
        )
    return TimePlane(plane, result, key=keys or key, last=last, run=run, what_if=what_if, ahead=ahead)


def of_stages(run: Run, *, last: Duration | None = None, ahead: bool = True) -> Planes:
    """Give the time planes of all stages of a run, side by side: sources, where they meet, and results.

    Raises
    ------
    DescriptionError
        If there is nothing to be seen.
    """
    run.require_past()
    found = stages(run)
    if not found:
        raise DescriptionError("no stage of this run has a time plane", hint="date and window rows first")
    return Planes([StagePlane(stage, last=last, run=run, ahead=ahead) for stage in found])
