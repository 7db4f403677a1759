"""The watermark of a conformance case: made by the policy of its ``op``, or moved by its script."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.engine.partitions import Partitions
from workbench.engine.progress import PartitionedProgress, Progress, Stamp
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

MILLISECOND = 1_000_000
STEPS = ("watermark", "clock", "idle", "remove", "end", "partition")
"""The steps, and what belongs to them, that move a watermark without rows."""

_OPTIONS = ("kind", "emit", "advance_with_clock", "partitions", "combine", "wait_all", "idle")
_KINDS: Mapping[str, tuple[str, ...]] = {
    "bounded": ("delay", "delays", "inclusive"),
    "partitioned": ("delay", "delays", "inclusive"),
    "monotonic": ("inclusive",),
    "punctuated": ("column",),
    "combine": (),
    "shared_max": ("delay", "inclusive"),
}
_MARKS = ("watermark", "wm", "mark", "punctuation", "marker")


class CaseWatermark:
    """The watermark of a case as its script goes on.

    A row claims its event time less the delay, which may be each partition's own; with ``inclusive`` a row at
    the watermark is late too, so that ours is a millisecond further. A mark is the moment that a row's column
    holds, or the row's own event time where it holds ``true``.

    Parameters
    ----------
    policy : mapping or None
        As the case has it; `watermark_refusals` must have had nothing against it.
    script : sequence of mapping
        What happens; its partitions are expected from the beginning where the policy does not list them.
    """

    def __init__(self, policy: Mapping[str, Any] | None, script: Sequence[Mapping[str, Any]]) -> None:
        self.policy = policy or {}
        listed = self.policy.get("partitions", self.policy.get("delays"))
        names = _partitions(script) if listed is None else listed
        self.several = listed is not None or len(names) > 0
        self.names = {name: code for code, name in enumerate(names)}
        self.there = set(self.names)
        self.now = 0
        self.progress = self._make()

    @property
    def watermark(self) -> int | str | None:
        """The watermark as the cases write it: milliseconds, None before there is one, ``max`` at the end."""
        now = self.progress.watermark
        if self.policy.get("wait_all") and (self._parts().reached == NO_WATERMARK).any():
            return None
        return {NO_WATERMARK: None, END_OF_TIME: "max"}.get(now, now // MILLISECOND)

    @property
    def idle(self) -> bool:
        """Whether there is something, and all of it is idle."""
        return bool(self.there or not self.several) and not len(self._parts().awake())

    @property
    def heeds_clock(self) -> bool:
        """Whether the watermark may move with processing time."""
        return "advance_with_clock" in self.policy or "idle" in self.policy

    def stamp(self, rows: Sequence[Mapping[str, Any]], times: Nanos, step: Mapping[str, Any]) -> Stamp:
        """Date the rows of a step."""
        if isinstance(self.progress, PartitionedProgress):
            named = [row.get("partition", step.get("partition")) for row in rows]
            codes = np.array([self._code(name) for name in named], dtype=np.int64)
            return self.progress.stamp(times, self.now, claims=self._claims(rows, times, named), codes=codes)
        return self.progress.stamp(times, claims=self._claims(rows, times, [None] * len(rows)))

    def move(self, step: Mapping[str, Any]) -> Stamp:
        """Do a step without rows."""
        if "clock" in step:
            self.now = step["clock"] * MILLISECOND
        if "end" in step or "watermark" in step:
            moment = END_OF_TIME if "end" in step else step["watermark"] * MILLISECOND
            if "partition" not in step:
                return self.progress.advance(moment)
            code = self._code(step["partition"])
            self._parts().wake(code)
            self._parts().move(code, moment)
        for name, for_good in (("idle", False), ("remove", True)):
            if name in step:
                self._parts().sleep(self._code(step[name]), for_good=for_good)
        self.there -= {step.get("remove")}
        return self.progress.stamp(np.zeros(0, dtype=np.int64), self.now)

    def restart(self) -> None:
        """Go on with a new one, restored from a pickled snapshot."""
        snapshot = pickle.loads(pickle.dumps(self.progress.snapshot()))
        self.progress = self._make()
        self.progress.restore(snapshot)

    def _make(self) -> Progress:
        """Make the running watermark, the simplest that does."""
        policy = self.policy
        if not self.heeds_clock and not self.several:
            return Progress(None)
        count = len(self.names) if self.several else 1
        count = 0 if policy.get("wait_all") is False else count
        idle = policy["idle"] * MILLISECOND if "idle" in policy else END_OF_TIME
        return PartitionedProgress(
            None,
            Partitions(
                count,
                idle=idle,
                clock=policy.get("advance_with_clock", False),
                greatest=policy.get("combine") == "max",
            ),
        )

    def _parts(self) -> Partitions:
        assert isinstance(self.progress, PartitionedProgress), "a case without partitions"
        return self.progress.partitions

    def _code(self, name: str | None) -> int:
        if name is None:
            return 0
        self.there.add(name)
        return self.names.setdefault(name, len(self.names))

    def _claims(self, rows: Sequence[Mapping[str, Any]], times: Nanos, named: Sequence[str | None]) -> Nanos:
        """Give the watermark that each row makes its partition's."""
        kind = self.policy.get("kind", "combine")
        if kind == "combine":
            return np.full(len(rows), NO_WATERMARK)
        if kind == "punctuated":
            return np.array([_mark(row, self.policy) for row in rows], dtype=np.int64)
        delays = self.policy.get("delays", {})
        common = self.policy.get("delay", 0)
        delay = np.array([delays.get(name, common) for name in named], dtype=np.int64) * MILLISECOND
        more = MILLISECOND if self.policy.get("inclusive") else 0
        return np.where(times == NO_WATERMARK, NO_WATERMARK, times - delay + more)


def watermark_refusals(
    policy: Mapping[str, Any] | None, script: Sequence[Mapping[str, Any]] = ()
) -> Iterator[str]:
    """Give what cannot be said of a watermark policy, and of the steps that move it."""
    policy = policy or {}
    kind = policy.get("kind", "combine")
    if kind not in _KINDS:
        yield f"watermark: {kind}"
        return
    yield from (f"watermark: {name}" for name in policy if name not in (*_OPTIONS, *_KINDS[kind]))
    if policy.get("emit", "per_row") not in ("per_row", "per_batch"):
        yield f"watermark: emit {policy['emit']}"
    if policy.get("combine", "min") not in ("min", "max"):
        yield f"watermark: combine {policy['combine']}"
    columns = {name for step in script for row in step.get("rows", ()) for name in row}
    if kind == "punctuated" and not columns & {policy.get("column"), *_MARKS}:
        yield "watermark: punctuated without marks"


def _partitions(script: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the partitions that a script names, in the order in which they come."""
    named = [
        each.get(name)
        for step in script
        for each in (step, *step.get("rows", ()))
        for name in ("partition", "idle", "remove")
    ]
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def _mark(row: Mapping[str, Any], policy: Mapping[str, Any]) -> int:
    """Give the moment that a row moves the watermark to."""
    columns = [policy["column"]] if "column" in policy else _MARKS
    found = next((row[name] for name in columns if row.get(name) is not None), None)
    if found is None or found is False:
        return NO_WATERMARK
    return int(row["t"] if found is True else found) * MILLISECOND
