"""What another watermark would have done: which rows it would have lost, and when windows would have fired.

Another bound moves a watermark by the difference, exactly, whatever else the policy says. Any other policy
is computed: over the sources, if they end; else over the rows that the plane keeps.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.door import Door
from workbench.engine.ranges import shift
from workbench.errors import DescriptionError, WorkbenchError
from workbench.model.steps import Apply, Date, Read, Step, Union
from workbench.model.watermarks import BoundedOutOfOrderness, Watermark
from workbench.model.windows import Count, Global
from workbench.runtimes.batch import unending
from workbench.runtimes.completeness import bounds_then, present_bound, reached
from workbench.runtimes.fates import FATES, LATE_ACCEPTED, REFUSED, TOO_LATE, fates_of, last_ends
from workbench.runtimes.plane import MOST_STEPS, Plane
from workbench.runtimes.replay import replay
from workbench.time import END_OF_TIME, NO_WATERMARK, Duration, Nanos, duration, spell

NEVER: Final = END_OF_TIME
"""What a row meets that does not come in: no other meets the end of time."""
_TIME: Final = "__event_time"


@dataclass(frozen=True, slots=True, eq=False)
class WhatIf:
    """What another watermark would have done.

    Parameters
    ----------
    words : str
        The other policy.
    steps : int64 array, shape (2, steps)
        When it would have moved, and to where, as of `Plane.steps`.
    real, counts : dict of str to int
        How many of the latest rows met each fate, and would have.
    whole : bool
        Whether these are all rows that there have been.
    later : int64 array
        For each window that fired, by end: how much later it would have, in nanoseconds.
    ended : bool array
        Of each of them: whether it would have fired only because the stream ended.
    waiting : int
        How many windows have fired that would not have yet.
    """

    words: str
    steps: Nanos
    real: dict[str, int]
    counts: dict[str, int]
    whole: bool
    later: Nanos
    ended: npt.NDArray[np.bool_]
    waiting: int


class Other:
    """Another watermark for a time plane.

    Parameters
    ----------
    plane : Plane
        The record.
    policy : Watermark or duration
        The other policy; a duration is another bound of disorder, and the rest as it is.

    Raises
    ------
    DescriptionError
        If no row is ever late, or it cannot be known what the policy would have done.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 65, 8, 90, 9], unit="s"), "v": 1})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(n=("v", "size"))
    >>> other = Other(replay(panes.step), "25s").now()
    >>> other.real["too_late"], other.counts["too_late"], other.later.tolist()
    (1, 0, [25000000000, 0])
    """

    def __init__(self, plane: Plane, policy: Watermark | Duration) -> None:
        self.plane = plane
        self._require_rows()
        bound = None if isinstance(policy, Watermark) else duration(policy, what="bound of disorder")
        self.policy = policy if isinstance(policy, Watermark) else self._with_bound(bound or 0)
        self.words = repr(policy) if bound is None else f"a bound of {spell(bound)}"
        united = any(len(step.upstreams) > 1 for step in plane.step.chain())
        if united and not self._only_bound():
            raise DescriptionError(
                "several streams come together here",
                detail="what another policy would have done is known only if it differs by its bound",
                hint="give what_if another bound, and the streams the same",
            )
        self.now()

    @property
    def policies(self) -> list[Watermark]:
        """What there is at present."""
        return [step.watermark for step in self.plane.step.chain() if isinstance(step, Date)]

    def now(self, key: dict[str, Any] | None = None) -> WhatIf:
        """Tell what it would have done to the latest rows, which the plane keeps one by one.

        Of sessions as if each row were one alone.

        Parameters
        ----------
        key : dict, optional
            The values of the key columns; None for all rows.
        """
        plane, window = self.plane, self.plane.window
        steps, met = self._made()
        rows = plane.rows(latest=True).assign(other=met)
        rows = rows.iloc[plane.places(key, latest=True)] if key else rows
        rows = rows[rows.fate != REFUSED]
        times, met = rows.event_time.to_numpy(), rows.other.to_numpy()
        fates = fates_of(window, times, met)
        late = np.flatnonzero(fates == LATE_ACCEPTED)
        ends = last_ends(window, times) if window is not None else times
        fates[late[shift(ends[late], plane.lateness) <= met[late]]] = TOO_LATE
        fates[met == NEVER] = REFUSED
        fired = _later(plane.steps(), steps, np.unique(ends))
        whole = len(plane.rows(latest=True)) == sum(plane.counts().values())
        return WhatIf(self.words, steps, _count(rows.fate), _count(fates), whole, *fired)

    def _require_rows(self) -> None:
        """See that the plane is of windows that close by time, of rows as their sources gave them."""
        plane = self.plane
        if plane.window is None or isinstance(plane.window, Count | Global):
            raise DescriptionError(
                "another watermark would change nothing",
                detail="no window closes by the watermark",
                hint="what_if is for windows that close by time",
            )
        before = [step for step in plane.step.chain() if step is not plane.step]
        held = [step.name for step in before if not isinstance(step, Read | Date | Apply | Union)]
        if held:
            raise DescriptionError(
                f"with another watermark other rows would come out of {held[0]!r}",
                detail="what_if compares what becomes of the same rows",
                hint=f"ask for the time plane before {held[0]!r}, or run both and compare",
            )

    def _with_bound(self, bound: int) -> Watermark:
        """Give the policy that there is, with another bound."""
        policy = copy.copy(self.policies[0])
        if not isinstance(policy, BoundedOutOfOrderness):
            return BoundedOutOfOrderness(pd.Timedelta(bound))
        object.__setattr__(policy, "bound", bound)
        return policy

    def _only_bound(self) -> bool:
        """Say whether the other watermark has another bound, and nothing else."""
        bounds = {getattr(each, "bound", None) for each in self.policies}
        alike = {_besides(each) for each in (*self.policies, self.policy)}
        return len(bounds) == len(alike) == 1 and None not in bounds

    def _made(self) -> tuple[Nanos, Nanos]:
        """Give the steps of the other watermark, and what each of the latest rows would have met."""
        plane = self.plane
        if not self._only_bound():
            return self._of_rows() if unending(plane.step) else self._of_sources()
        assert isinstance(self.policy, BoundedOutOfOrderness)
        bound, other = present_bound(plane), self.policy.bound
        rows, steps = plane.rows(latest=True), plane.steps()
        met = rows.met.to_numpy()
        met = np.where(met == NO_WATERMARK, met, reached(plane, rows, bound) - other)
        ended = steps[1] == END_OF_TIME
        made = np.where(ended, END_OF_TIME, steps[1] + bounds_then(plane, steps[0], bound) - other)
        steps = np.stack([steps[0], made])
        if plane.bounds:  # where the watermark stood still, the rows tell how the other would have moved
            claimed = np.stack([rows.arrival, np.maximum(met, rows.event_time - other)])
            steps = _rising(np.concatenate([steps, claimed], axis=1))
        return steps, met

    def _of_sources(self) -> tuple[Nanos, Nanos]:
        """Take it from a run of the sources with it, as far as the plane has come."""
        steps = self._again.steps()
        met = self._again.rows().met.reindex(self.plane.rows(latest=True).index, fill_value=NEVER)
        return steps[:, steps[0] <= self.plane.now], met.to_numpy()

    @functools.cached_property
    def _again(self) -> Plane:
        return replay(_dated_by(self.plane.step, self.policy), batch_rows=MOST_STEPS, keep=END_OF_TIME)

    def _of_rows(self) -> tuple[Nanos, Nanos]:
        """Let the engine make it of the rows that are kept, in order of arrival."""
        rows = self.plane.rows(latest=True)
        times = rows.event_time.to_numpy().view("datetime64[ns]")
        frame = self.plane.keyed(latest=True).assign(**{_TIME: times})
        door = Door(None, self.policy, _TIME)
        door.now, door.arrivals = self.plane.now, rows.arrival.to_numpy()
        try:
            stamp = door.process(frame).stamp
        except WorkbenchError as error:
            raise DescriptionError(
                f"it is not known what {self.words} would have done",
                detail=f"the source has no end, and of its rows only keys and times are kept ({error})",
                hint="bound the source, as in wb.stream(..., duration='10min'), or give what_if a bound",
            ) from error
        assert stamp is not None
        after = np.append(stamp.met[1:], stamp.watermark)[: len(stamp.met)]
        moved = np.flatnonzero(after > stamp.met)
        met = np.where(stamp.times == NO_WATERMARK, NEVER, stamp.met)
        return np.stack([rows.arrival.to_numpy()[moved], after[moved]]), met


def _count(fates: Any) -> dict[str, int]:
    return dict(zip(FATES, np.bincount(fates, minlength=len(FATES)).tolist(), strict=True))


def _rising(steps: Nanos) -> Nanos:
    """Give steps in order of time, those that go up."""
    steps = steps[:, np.lexsort(steps[::-1])]
    before = np.append(NO_WATERMARK, np.maximum.accumulate(steps[1]))[:-1]
    return steps[:, steps[1] > before]


def _besides(policy: Watermark) -> tuple[Any, ...]:
    """Give all that a policy says besides its bound."""
    bounded = isinstance(policy, BoundedOutOfOrderness)
    return bounded, policy.by, policy.idle, policy.max_ahead, policy.advance_with_clock


def _dated_by(step: Step, policy: Watermark) -> Any:
    """Give a description with another watermark."""
    before = tuple(_dated_by(each, policy) for each in step.upstreams)
    if isinstance(step, Date):
        return replace(step, upstreams=before, watermark=policy)
    return replace(step, upstreams=before)


def _later(steps: Nanos, other: Nanos, ends: Nanos) -> tuple[Nanos, npt.NDArray[np.bool_], int]:
    """Give how much later each window that has fired would have; of which only since the stream ended.

    And how many would not have yet.
    """
    at, there = np.searchsorted(steps[1], ends), np.searchsorted(other[1], ends)
    fired = at < steps.shape[1]
    both = fired & (there < other.shape[1])
    then = other[:, there[both]]
    return then[0] - steps[0][at[both]], then[1] == END_OF_TIME, int((fired & ~both).sum())
