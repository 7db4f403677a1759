"""The stages of a run that there are time planes of: dated sources, where streams meet, windowed results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.model.steps import Aggregated, Date, Step
from workbench.runtimes.plane import Plane
from workbench.time import END_OF_TIME


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A step of a run with a time plane.

    Parameters
    ----------
    name : str
        Of the source, where rows are dated; else of the step.
    plane : Plane
        Its rows and its own watermark.
    inputs : tuple of Stage
        The stages right before it, whose watermarks it has the least of.
    """

    name: str
    plane: Plane
    inputs: tuple[Stage, ...] = ()

    @property
    def watermark(self) -> int:
        """Its watermark, in nanoseconds."""
        return self.plane.watermark

    @property
    def held_by(self) -> str | None:
        """Name the input that holds the watermark back, where there are several; None when all have ended."""
        if len(self.inputs) < 2:
            return self.inputs[0].held_by if self.inputs else None
        least = min(self.inputs, key=lambda stage: stage.watermark)
        return None if least.watermark == END_OF_TIME else least.held_by or least.name


def plane_of(step: Step) -> Plane | None:
    """Make the time plane of a step: of windows, of dated sources, and of streams that are put together.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = wb.stream(pd.DataFrame({"t": pd.to_datetime([1], unit="s")}), time="t", watermark="1s")
    >>> plane_of(rows.step).window is None, plane_of(rows.query("True").step)
    (True, None)
    """
    several = len(step.upstreams) > 1 and step.dated
    return Plane(step) if isinstance(step, Aggregated | Date) or several else None


def stages(run: Any) -> list[Stage]:
    """Give the stages of a run, each after those before it; without a past there are none."""
    planes = {plane.step: (name, plane) for name, plane in run.graph.planes()}
    sources = {read: name for name, (read, _) in run.graph.sources.items()}
    made: dict[Step, tuple[Stage, ...]] = {}

    def of(step: Step) -> tuple[Stage, ...]:
        """Give the stage of a step, or those that it takes from."""
        if step not in made:
            before = tuple(dict.fromkeys(stage for each in step.upstreams for stage in of(each)))
            made[step] = before
            if step in planes:
                name, plane = planes[step]
                named = sources.get(step.upstreams[0], name) if isinstance(step, Date) else name
                made[step] = (Stage(named, plane, before),)
        return made[step]

    for stream in run.streams.values():
        of(stream.step)
    return list(dict.fromkeys(stage for some in made.values() for stage in some))
