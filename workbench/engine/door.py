"""Where rows come in: admitted by the schema, numbered by arrival, and dated by the watermark's policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.columns import array_of
from workbench.engine.keys import KeyDictionary
from workbench.engine.outcomes import OUT, REJECTED, Outcome
from workbench.engine.partitions import Partitions
from workbench.engine.progress import PartitionedProgress, Progress, Stamp
from workbench.engine.ranges import shift
from workbench.model.watermarks import BoundedOutOfOrderness, Punctuated, Watermark
from workbench.schema import REASON, Schema, told_of
from workbench.time import END_OF_TIME, FIRST, LAST, NO_WATERMARK, Nanos, spell, to_nanos


class Door:
    """Admits rows by the schema, numbers them by arrival, and dates them: event time, and the watermark met.

    Parameters
    ----------
    schema : Schema or None
        The columns; None takes those of the first batch.
    policy : Watermark
        What moves the watermark, and who may hold it back.
    time : str
        The event-time column.

    Attributes
    ----------
    now : int
        Processing time; whoever brings a batch says it.
    arrivals : int64 array, shape (rows,), or None
        When each row of the batch arrived, if whoever brings it knows.
    """

    def __init__(self, schema: Schema | None, policy: Watermark, time: str) -> None:
        self.schema, self.policy, self.time = schema, policy, time
        self.progress = progress_by(policy)
        self.now = NO_WATERMARK
        self.arrivals: Nanos | None = None
        self._partitions = KeyDictionary(policy.by)

    @property
    def size(self) -> int:
        """How many partitions are remembered."""
        return len(self.progress.partitions) if isinstance(self.progress, PartitionedProgress) else 0

    @property
    def heeds_clock(self) -> bool:
        """Whether its watermark may move without a row."""
        return self.policy.heeds_clock

    def process(self, frame: pd.DataFrame, stamp: Stamp | None = None, side: int = 0) -> Outcome:
        """Take a batch as it arrived."""
        arrivals, self.arrivals = self.arrivals, None
        if self.schema is None:
            self.schema = Schema.infer(frame, self.time)
            self.policy.check(self.schema)
        first = self.progress.arrived + 1
        frame = frame.set_axis(pd.RangeIndex(first, first + len(frame)))
        admitted, rejected, times = self._admit(frame, self.schema)
        if self.policy.max_ahead is not None:
            came = np.full(len(frame), self.now) if arrivals is None else arrivals
            limits = np.where(came == NO_WATERMARK, END_OF_TIME, shift(came, self.policy.max_ahead))
            limits = limits[admitted.index.to_numpy() - first]
            admitted, rejected = self._not_ahead(admitted, rejected, limits)
            times = to_nanos(array_of(admitted, self.time))
        at = admitted.index.to_numpy() - first if len(rejected) else slice(None)
        read = {name: _spread(values, at, len(frame)) for name, values in self._read(admitted, times).items()}
        dates = self.progress.stamp(now=self.now, arrivals=arrivals, **read)
        return Outcome({OUT: admitted, REJECTED: rejected}, dates)

    def tick(self) -> Outcome:
        """Let processing time pass up to `now`, without rows."""
        return Outcome({OUT: self._nothing()}, self.progress.stamp(np.empty(0, dtype=np.int64), self.now))

    def end(self) -> Outcome:
        """End a bounded stream."""
        return Outcome({OUT: self._nothing()}, self.progress.end())

    def change_policy(self, policy: BoundedOutOfOrderness) -> None:
        """Let rows claim with another bound from now on; the watermark never goes back, so it may stand."""
        self.policy, self.progress.bound = policy, policy.bound

    def parts(self) -> dict[str, tuple[int, int, bool]]:
        """Give, by partition, its watermark, when it was heard last, and whether it is idle; none without."""
        if not isinstance(self.progress, PartitionedProgress):
            return {}
        parts = self.progress.partitions
        values = self._partitions.take(np.arange(len(parts)))
        names = [" ".join(map(str, row)) for row in zip(*values.values(), strict=True)]
        idle = ~np.isin(np.arange(len(parts)), parts.awake())
        told = zip(parts.reached.tolist(), parts.heard.tolist(), idle.tolist(), strict=True)
        return dict(zip(names, told, strict=True))

    def holding(self) -> str | None:
        """Name the partition that holds the watermark back; None if none does, or there are none."""
        if not self.policy.by or not isinstance(self.progress, PartitionedProgress):
            return None
        part = self.progress.partitions.holding()
        if part is None:
            return None
        values = self._partitions.take(np.array([part]))
        return ", ".join(f"{name}={values[name].tolist()[0]!r}" for name in self.policy.by)

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        return {**self.progress.snapshot(), "keys": self._partitions.snapshot()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self.progress.restore(snapshot)
        self._partitions.restore(snapshot["keys"])

    def _nothing(self) -> pd.DataFrame:
        return pd.DataFrame() if self.schema is None else self.schema.empty()

    def _admit(self, frame: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, pd.DataFrame, Nanos]:
        """Divide a batch into rows that fit and rows that do not; gives the event times of the former too."""
        if schema.fits(frame):
            times = to_nanos(array_of(frame, self.time))
            most, least = times.max(initial=NO_WATERMARK), times.min(initial=END_OF_TIME)
            if least > FIRST and most < LAST:  # what most batches are, read once
                return frame, schema.none_rejected, times
        admitted, rejected = schema.admit(frame)
        return admitted, rejected, to_nanos(array_of(admitted, self.time))

    def _read(self, admitted: pd.DataFrame, times: Nanos) -> dict[str, Nanos]:
        """Give what the watermark is made of: event times, and what the policy looks at besides."""
        told = {"times": times}
        if isinstance(self.policy, Punctuated):
            told["claims"] = to_nanos(array_of(admitted, self.policy.column))
        if self.policy.by:
            told["codes"] = self._partitions.encode(admitted)
        return told

    def _not_ahead(
        self, admitted: pd.DataFrame, rejected: pd.DataFrame, limits: Nanos
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Reject the rows whose event time, or mark, is beyond their limit."""
        columns = [self.time, self.policy.column] if isinstance(self.policy, Punctuated) else [self.time]
        ahead = np.logical_or.reduce([to_nanos(array_of(admitted, name)) > limits for name in columns])
        if not ahead.any():
            return admitted, rejected
        most = spell(self.policy.max_ahead or 0)
        refused = told_of(admitted[ahead], **{REASON: f"more than {most} ahead of its arrival"})
        refused = refused.astype({REASON: "str"})
        both = pd.concat([rejected, refused]).sort_index() if len(rejected) else refused
        return admitted[~ahead], both


def progress_by(policy: Watermark) -> Progress:
    """Make the running watermark of a policy; the simplest that does."""
    bound = policy.bound if isinstance(policy, BoundedOutOfOrderness) else None
    if not policy.by and not policy.advance_with_clock:
        return Progress(bound)  # its own idleness matters only where it is united with others
    idle = END_OF_TIME if policy.idle is None else policy.idle
    return PartitionedProgress(bound, Partitions(idle=idle, clock=policy.advance_with_clock))


def _spread(values: Nanos, at: Nanos | slice, count: int) -> Nanos:
    """Give the values of admitted rows a place among all rows."""
    if isinstance(at, slice):
        return values
    every = np.full(count, NO_WATERMARK)
    every[at] = values
    return every
