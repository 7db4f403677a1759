"""How conformance cases are put to operators that remember rows: joins, deduplication, top-n, sorting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.asof import AsofJoin
from workbench.engine.dedup import Dedup
from workbench.engine.joins import IntervalJoin
from workbench.engine.progress import Progress, Stamp
from workbench.engine.sides import SIDES
from workbench.engine.sorting import EventTimeSort
from workbench.engine.topn import TopN
from workbench.engine.windowed import window_operator
from workbench.engine.windowjoin import WindowJoin
from workbench.model.aggregates import Aggregate
from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.schema import Schema
from workbench.testing.cases import Case
from workbench.testing.compare import plain
from workbench.testing.drivers import (
    Driver,
    Setting,
    millis,
    read_dtypes,
    read_window,
    unknown,
    window_refusals,
)
from workbench.testing.policies import MILLISECOND
from workbench.testing.replay import Operator, restarted
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos, to_nanos

ONLY = ""
"""The input of operators that have one."""

_ALWAYS = 2**62
"""More nanoseconds than lie between any two moments of a case."""
_NULL_KEYS = {"unmatched": "unmatched", "equal": "equal", "match": "equal"}


class RowDriver(Driver):
    """Inputs with a watermark each: dates rows by the case's policy, and hands batches to the operator."""

    steps = ("rows", "input", "watermark", "clock", "snapshot", "end", "expect")
    fields: tuple[str, ...] = ("out", "late", "rejected")
    inputs: tuple[str, ...] = (ONLY,)
    options: tuple[str, ...] = ()

    def __init__(self, case: Case, setting: Setting) -> None:
        super().__init__(case, setting)
        self.policy = case.op.get("watermark") or {}
        rows: dict[str, list[dict[str, Any]]] = {
            each: [
                {"rows": step["rows"]}
                for step in case.script
                if step.get("input", ONLY) == each and "rows" in step
            ]
            for each in self.inputs
        }
        self.dtypes = {each: read_dtypes(Case("", "", {}, steps)) for each, steps in rows.items()}
        self.progress = {each: Progress(None) for each in self.inputs}
        keyed = any("k" in dtypes for dtypes in self.dtypes.values())
        self.keys = ("k",) if keyed and case.op.get("keyed", True) else ()
        for dtypes in self.dtypes.values():
            if self.keys:
                dtypes.setdefault("k", np.dtype("object"))
        self.operator = self.make()
        for each in self.inputs:
            self._process(each, self._frame(each, []), self.progress[each].advance(NO_WATERMARK))

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the operator."""
        op = self.case.op
        yield from unknown(op, ("kind", "watermark", "allowed_lateness", "ignore_unchecked", *self.options))
        if "window" in op:
            yield from window_refusals(op["window"])
            if op["window"]["type"] == "count":
                yield "window: count"
        yield from policy_refusals(op.get("watermark"), self.inputs)
        given = {step.get("input", ONLY) for step in self.case.script if "rows" in step}
        yield from (f"input: {each or 'none'}" for each in sorted(given - set(self.inputs)))

    @abstractmethod
    def make(self) -> Any:
        """Make the operator that the case describes."""

    def tell(self, side: str, frame: pd.DataFrame, stamp: Stamp) -> Any:
        """Hand a batch to the operator, and give what came of it."""
        return self.operator.process(frame, stamp)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Give a row that came out as the cases write it."""
        return {name: millis(value) if name == "t" else plain(value) for name, value in row.items()}

    @property
    def lateness(self) -> int:
        """The lateness in nanoseconds."""
        return int(self.case.op.get("allowed_lateness", 0)) * MILLISECOND

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step; the clock may move, but nothing expressible looks at it."""
        if "rows" in step:
            self._take(step.get("input", ONLY), step["rows"])
        elif "watermark" in step:
            given = (step["input"],) if "input" in step else self.inputs
            self._advance(step["watermark"] * MILLISECOND, given)
        elif "end" in step:
            self._advance(END_OF_TIME, (step["input"],) if "input" in step else self.inputs)
        elif "snapshot" in step:
            self.operator = restarted(self.operator, self.make)

    def _take(self, side: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Process rows; one by one if they move the watermark of the other side too."""
        shared = self.policy.get("kind") == "shared_max"
        size = 1 if self.setting.row_by_row or shared else max(len(rows), 1)
        for start in range(0, len(rows) or 1, size):
            frame = self._frame(side, rows[start : start + size])
            admitted, refused = Schema(self.dtypes[side], "t").admit(frame)
            self.came["rejected"] += self._rows(refused)
            stamp = self._stamp(side, to_nanos(frame["t"]))
            self._process(side, admitted, stamp)
            if shared:
                self._advance(stamp.watermark, tuple(each for each in self.inputs if each != side))

    def _stamp(self, side: str, times: Nanos) -> Stamp:
        """Date rows by the policy: `Progress` made by hand, for what it does not know."""
        progress = self.progress[side]
        if not self.policy:
            return progress.stamp(times)
        policy = self.policy.get(side, self.policy)
        ahead = (MILLISECOND if policy.get("inclusive") else 0) - policy.get("delay", 0) * MILLISECOND
        made = np.append(progress.watermark, np.where(times == NO_WATERMARK, NO_WATERMARK, times + ahead))
        made = np.maximum.accumulate(made)
        met = np.full(len(times), made[0]) if self.setting.freeze else made[:-1]
        stamp = progress.stamp(times)
        progress.watermark = int(made[-1])
        return Stamp(stamp.first, times, met, progress.watermark)

    def _advance(self, watermark: int, inputs: Sequence[str]) -> None:
        for each in inputs:
            self._process(each, self._frame(each, []), self.progress[each].advance(watermark))

    def _process(self, side: str, frame: pd.DataFrame, stamp: Stamp) -> None:
        came = self.tell(side, frame, stamp)
        self.came["out"] += [self.row(row) for row in came.frame.to_dict("records")]
        for name in self.fields[1:]:
            self.came[name] += self._rows(getattr(came, name, frame[:0]))

    def _frame(self, side: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        first = self.progress[side].arrived + 1
        index = pd.RangeIndex(first, first + len(rows))
        columns = {
            name: pd.Series([row.get(name) for row in rows], index=index, dtype=dtype)
            for name, dtype in self.dtypes[side].items()
        }
        return pd.DataFrame(columns, index=index)

    def _rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        names = [name for name in frame.columns if any(name in dtypes for dtypes in self.dtypes.values())]
        return [
            {name: millis(row[name]) if name == "t" else plain(row[name]) for name in names}
            for row in frame.to_dict("records")
        ]


class PairDriver(RowDriver):
    """Two inputs; a joined row is told by the values of its two rows, and its window."""

    inputs = SIDES

    def tell(self, side: str, frame: pd.DataFrame, stamp: Stamp) -> Any:
        """Hand a batch of a side to the operator."""
        return self.operator.process(side, frame, stamp)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Give ``l``, ``r``, ``k`` and ``window``."""
        told = {"l": plain(row.get("v_left", row.get("v"))), "r": plain(row.get("v_right"))}
        if "k" in row:
            told["k"] = plain(row["k"])
        return told | _window(row)

    @property
    def common(self) -> dict[str, Any]:
        """What all joins are asked for."""
        null_keys = _NULL_KEYS[self.case.op.get("null_key", "unmatched")]
        common = {"keys": self.keys, "lateness": self.lateness, "null_keys": null_keys}
        return {**common, "suffixes": ("_left", "_right")}

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the join."""
        yield from super().refusals()
        null_key = self.case.op.get("null_key", "unmatched")
        if null_key not in _NULL_KEYS:
            yield f"null_key: {null_key}"


class IntervalJoinDriver(PairDriver):
    """Interval joins."""

    options = (
        "how",
        "lower",
        "upper",
        "lower_inclusive",
        "upper_inclusive",
        "drop_late",
        "keyed",
        "null_key",
    )

    def make(self) -> IntervalJoin:
        """Make the join that the case describes."""
        op = self.case.op
        switches = ("lower_inclusive", "upper_inclusive", "drop_late")
        lower, upper = _nanos(op.get("lower")), _nanos(op.get("upper"))
        return IntervalJoin(
            lower=-_ALWAYS if lower is None and upper is None else lower,
            upper=upper,
            how=_how(op),
            **{name: op[name] for name in switches if name in op},
            **self.common,
        )


class WindowJoinDriver(PairDriver):
    """Window joins."""

    options = ("how", "window", "keyed", "null_key")

    def make(self) -> WindowJoin:
        """Make the join that the case describes."""
        op = self.case.op
        return WindowJoin(
            window=read_window(op["window"]),
            how=_how(op),
            time_dtype=self.dtypes["left"]["t"],
            **self.common,
        )


class AsofDriver(PairDriver):
    """As-of joins; answers are told when the watermark proves them, which is ``emit: watermark``."""

    options = ("direction", "allow_exact", "tolerance", "nearest_tie", "how", "emit", "keyed", "null_key")

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the join."""
        yield from super().refusals()
        if self.case.op.get("emit", "watermark") != "watermark":
            yield f"emit: {self.case.op['emit']}"

    def make(self) -> AsofJoin:
        """Make the join that the case describes."""
        op = self.case.op
        given = {name: op[name] for name in ("direction", "allow_exact", "nearest_tie", "how") if name in op}
        return AsofJoin(tolerance=_nanos(op.get("tolerance")), **given, **self.common)


class DedupDriver(RowDriver):
    """Deduplication."""

    fields = (*RowDriver.fields, "duplicate")
    options = ("by", "within", "keyed")

    def make(self) -> Dedup:
        """Make the operator that the case describes."""
        op = self.case.op
        return Dedup(
            keys=self.keys,
            within=_nanos(op.get("within")),
            by=op.get("by", "key"),
            lateness=self.lateness,
        )


class SortDriver(RowDriver):
    """Sorting by event time."""

    def make(self) -> EventTimeSort:
        """Make the operator that the case describes."""
        return EventTimeSort(lateness=self.lateness)


class TopNDriver(RowDriver):
    """Top-n of a window: of its rows, or (``group_sum``) of its keys by their sums."""

    options = ("window", "n", "by", "desc", "ties", "group_sum")

    def __init__(self, case: Case, setting: Setting) -> None:
        self.sums = self._sums(case.op) if "group_sum" in case.op else None
        self.panes = Progress(None)
        super().__init__(case, setting)

    def make(self) -> TopN:
        """Make the operator that the case describes."""
        op = self.case.op
        return TopN(
            window=read_window(op["window"]),
            n=op["n"],
            by=op["by"],
            ascending=not op.get("desc", False),
            lateness=self.lateness,
            time_dtype=self.dtypes[ONLY]["t"],
            **({"ties": op["ties"]} if "ties" in op else {}),
        )

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the ranking."""
        yield from super().refusals()
        if "group_sum" in self.case.op:
            yield from (f"group_sum with {name}" for name in ("allowed_lateness",) if name in self.case.op)

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step; a snapshot is also of the sums."""
        super().take(step)
        if "snapshot" in step and self.sums is not None:
            self.sums = restarted(self.sums, partial(self._sums, self.case.op))

    @staticmethod
    def _sums(op: Mapping[str, Any]) -> Operator:
        """Make the operator that sums by key."""
        sums = (Aggregate(op["group_sum"], op["group_sum"], "sum"),)
        return window_operator(keys=("k",), window=read_window(op["window"]), aggregates=sums)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Give the columns, ``rank`` and ``window``."""
        columns = {name: value for name, value in row.items() if name not in (WINDOW_START, WINDOW_END)}
        return super().row(columns) | _window(row)

    def tell(self, side: str, frame: pd.DataFrame, stamp: Stamp) -> Any:
        """Rank rows; or sums, each dated with the last moment of its window."""
        if self.sums is None:
            return super().tell(side, frame, stamp)
        came = self.sums.process(frame, stamp)
        times = to_nanos(came.panes[WINDOW_END]) - 1
        dated = self.panes.stamp(times)
        panes = came.panes[["k", self.case.op["group_sum"]]].set_axis(
            pd.RangeIndex(dated.first, dated.first + len(times))
        )
        self.panes.watermark = stamp.watermark
        return self.operator.process(panes, Stamp(dated.first, times, dated.met, stamp.watermark))


def _how(op: Mapping[str, Any]) -> str:
    how = op.get("how", "inner")
    return "outer" if how == "full" else str(how)


def policy_refusals(policy: Mapping[str, Any] | None, inputs: Sequence[str]) -> Iterator[str]:
    """Give what cannot be said of a watermark policy, for one input or each of two."""
    if not policy:
        return
    known = {"bounded": ("delay", "inclusive", "emit", *inputs), "shared_max": ("delay", "emit")}
    kind = policy["kind"]
    if kind not in known:
        yield f"watermark: {kind}"
        return
    yield from (f"watermark: {name}" for name in policy if name not in ("kind", *known[kind]))
    if policy.get("emit", "per_row") not in ("per_row", "per_batch"):
        yield f"watermark: emit {policy['emit']}"
    for each in inputs:
        own = policy.get(each, {})
        yield from (f"watermark: {each} {name}" for name in own if name not in ("delay", "inclusive"))


def _nanos(millis: int | None) -> int | None:
    return None if millis is None else millis * MILLISECOND


def _window(row: Mapping[str, Any]) -> dict[str, Any]:
    if WINDOW_START not in row:
        return {}
    return {"window": [millis(row[WINDOW_START]), millis(row[WINDOW_END])]}
