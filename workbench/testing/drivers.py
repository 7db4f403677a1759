"""How a conformance case is put to an operator: one driver for each kind of operator.

A driver reads a case's ``op``, takes its steps, and hands out what came of them. What it cannot say
in the workbench's words it refuses with `Inexpressible` and the exact construct; it never guesses.
A further operator plugs in as a further class in `DRIVERS`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.progress import Stamp
from workbench.engine.slices import assign
from workbench.engine.windowed import window_operator
from workbench.model.aggregates import Aggregate
from workbench.model.panes import LATE, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.windows import (
    Aligned,
    Calendar,
    Count,
    Cumulating,
    Global,
    Session,
    Sliding,
    Tumbling,
    Window,
)
from workbench.schema import Schema
from workbench.testing.cases import Case
from workbench.testing.compare import plain
from workbench.testing.policies import MILLISECOND, STEPS, CaseWatermark, watermark_refusals
from workbench.testing.replay import Operator, restarted
from workbench.time import END_OF_TIME, to_nanos

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

FUNCTIONS: Mapping[str, str] = {
    "count": "size",
    "size": "size",
    "count_nonnull": "count",
    **{name: name for name in ("sum", "mean", "min", "max", "var", "std", "nunique")},
    **{name: name for name in ("first", "last", "any", "all", "median", "mode")},
    "list": "collect",
}
"""Aggregates by the cases' names; there, ``count`` counts rows."""

OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "accumulation": ("accumulating",),
    "agg": tuple(FUNCTIONS),
    "batch": ("atomic",),
    "closing_pane": ("if_non_empty",),
    "on_time_pane": ("if_non_empty", "always"),
}
"""Options of ``aggregate`` and the values that can be said.

No closing pane is ever due, since a late row leaves with the batch it came in; and an on-time pane
is never empty, since without early panes there is no window without new rows.
"""

FIELDS = ("window", "k", "value", "timing", "index", "nonspeculative_index", "retract")
"""Fields of a pane that can be told. Without early panes both indices are the revision; what
accumulates is never retracted."""


class Inexpressible(Exception):  # noqa: N818 - it is no error: the case is beyond today's operators
    """A case cannot be said in the workbench's words; the text names the construct."""


@dataclass(frozen=True)
class Setting:
    """How cases are run.

    Parameters
    ----------
    make : callable
        Makes a window operator; the engine's unless another is to be tested.
    row_by_row : bool
        Whether each row is a batch of its own, whatever the script says.
    freeze : bool
        Whether rows meet the watermark of the batch before, as engines do whose watermark moves by
        batch: the other side of the workbench's decision.
    """

    make: Callable[..., Operator] = window_operator
    row_by_row: bool = False
    freeze: bool = False


class Driver:
    """What every driver can do; steps and fields that it does not have are inexpressible."""

    steps: tuple[str, ...] = ("rows", "expect")
    fields: tuple[str, ...] = ()

    def __init__(self, case: Case, setting: Setting) -> None:
        self.case, self.setting = case, setting
        self.came: dict[str, list[Any]] = {name: [] for name in self.fields}
        reasons = list(dict.fromkeys([*self.refusals(), *self._unknown()]))
        if reasons:
            raise Inexpressible("; ".join(reasons))

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of this case's ``op``."""
        raise NotImplementedError

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step."""
        raise NotImplementedError

    def give(self, field: str) -> Any:
        """Hand out what came since the field was last asked for."""
        came, self.came[field] = self.came[field], []
        return came

    def _unknown(self) -> Iterator[str]:
        for step in self.case.script:
            yield from (f"step: {name}" for name in step if name not in self.steps)
        for field, _ in self.case.expected():
            if field not in (*self.fields, "ordered"):
                yield f"expect: {field}"


class AssignDriver(Driver):
    """Which windows a row belongs to."""

    fields = ("assigned",)

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the window."""
        yield from unknown(self.case.op, ("kind", "window"))
        spec = self.case.op["window"]
        if spec["type"] in ("session", "count"):
            yield f"window: {spec['type']}"
        yield from window_refusals(spec)

    def take(self, step: Mapping[str, Any]) -> None:
        """Assign rows."""
        window = read_window(self.case.op["window"])
        assert isinstance(window, Aligned)
        times = np.array([row["t"] for row in step["rows"]], np.int64) * MILLISECOND
        found: list[list[list[int]]] = [[] for _ in times]
        for row, start, end in zip(*assign(window, times), strict=True):
            found[row].append([int(start) // MILLISECOND, int(end) // MILLISECOND])
        self.came["assigned"] += found


class AggregateDriver(Driver):
    """Aggregates of windows: watermarks, panes, late and rejected rows, snapshots."""

    steps = ("rows", "expect", "snapshot", *STEPS)
    fields = ("out", "late", "rejected", "watermark", "dropped_windows")

    def __init__(self, case: Case, setting: Setting) -> None:
        super().__init__(case, setting)
        op = case.op
        policy, trigger = op.get("watermark"), op.get("trigger", {})
        self.dtypes = read_dtypes(case)
        self.watermarks = CaseWatermark(policy, case.script)
        self.once = trigger.get("type") == "after_watermark" and "late" not in trigger
        each_late_row = "late" in trigger and op.get("batch") != "atomic"
        if each_late_row:
            self.setting = replace(setting, row_by_row=True)
        self.operator = self.make()

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the aggregate."""
        op = self.case.op
        named = ("kind", "window", "trigger", "watermark", "allowed_lateness", "ignore_unchecked")
        yield from unknown(op, (*named, *OPTIONS))
        yield from window_refusals(op["window"])
        yield from (
            f"{name}: {op[name]}" for name, known in OPTIONS.items() if name in op and op[name] not in known
        )
        yield from trigger_refusals(op.get("trigger", {"type": "default"}))
        yield from watermark_refusals(op.get("watermark"), self.case.script)
        if op.get("allowed_lateness", 0) * MILLISECOND > END_OF_TIME:
            yield "allowed_lateness: more than int64 nanoseconds can say"
        panes = [row for field, rows in self.case.expected() if field == "out" for row in rows]
        yield from (f"expect: {name}" for row in panes for name in row if name not in FIELDS)

    def make(self) -> Operator:
        """Make the operator that the case describes."""
        op = self.case.op
        return self.setting.make(
            keys=("k",) if "k" in self.dtypes else (),
            window=read_window(op["window"]),
            lateness=op.get("allowed_lateness", 0) * MILLISECOND,
            aggregates=(Aggregate("value", "v", FUNCTIONS[op["agg"]]),),
            time_dtype=self.dtypes["t"],
        )

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step; of what is expressible, only the watermark looks at the clock."""
        if "rows" in step:
            rows = step["rows"]
            size = 1 if self.setting.row_by_row else max(len(rows), 1)
            for start in range(0, len(rows) or 1, size):
                self._batch(rows[start : start + size], step)
        elif "snapshot" in step:
            self.operator = restarted(self.operator, self.make)
            self.watermarks.restart()
        else:
            self._process(self._frame([]), self.watermarks.move(step))

    def give(self, field: str) -> Any:
        """Hand out what came since the field was last asked for; the watermark as it is."""
        if field == "watermark":
            return self.watermarks.watermark
        came = super().give(field)
        return sum(came) if field == "dropped_windows" else came

    def _batch(self, rows: Sequence[Mapping[str, Any]], step: Mapping[str, Any]) -> None:
        """Admit, date and process a batch."""
        frame = self._frame(rows)
        before = self.watermarks.progress.watermark
        stamp = self.watermarks.stamp(rows, to_nanos(frame["t"]), step)
        if self.setting.freeze:
            stamp = replace(stamp, met=np.full_like(stamp.met, before))
        admitted, refused = Schema(self.dtypes, "t").admit(frame)
        self.came["rejected"] += self._rows(refused)
        self._process(admitted, stamp)

    def _process(self, frame: pd.DataFrame, stamp: Stamp) -> None:
        out = self.operator.process(frame, stamp)
        if self.once and (out.panes[TIMING] == LATE).any():
            raise Inexpressible("trigger: after_watermark that fires once, and there were late panes")
        self.came["out"] += [_pane(pane) for pane in out.panes.to_dict("records")]
        self.came["late"] += self._rows(out.late)
        self.came["rejected"] += self._rows(out.rejected)
        self.came["dropped_windows"].append(out.dropped)

    def _frame(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        first = self.watermarks.progress.arrived + 1
        index = pd.RangeIndex(first, first + len(rows))
        columns = {
            name: pd.Series([row.get(name) for row in rows], index=index, dtype=dtype)
            for name, dtype in self.dtypes.items()
        }
        return pd.DataFrame(columns, index=index)

    def _rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Give rows as the cases write them."""
        return [
            {name: _millis(row[name]) if name == "t" else plain(row[name]) for name in self.dtypes}
            for row in frame.to_dict("records")
        ]


DRIVERS: Mapping[str, type[Driver] | str] = {
    "assign": AssignDriver,
    "aggregate": AggregateDriver,
    "watermark": "workbench.testing.watermark_drivers:WatermarkDriver",
    "match": "workbench.testing.pattern_drivers:PatternDriver",
    "join": "workbench.testing.join_drivers:IntervalJoinDriver",
    "window_join": "workbench.testing.join_drivers:WindowJoinDriver",
    "asof": "workbench.testing.join_drivers:AsofDriver",
    "dedup": "workbench.testing.join_drivers:DedupDriver",
    "topn": "workbench.testing.join_drivers:TopNDriver",
    "sort": "workbench.testing.join_drivers:SortDriver",
}
"""The driver of each kind of operator; that of another module by its name, since it builds on this one."""


def driver_for(case: Case, setting: Setting) -> Driver:
    """Make the driver of a case.

    Raises
    ------
    Inexpressible
        If there is none, or it cannot say the case; the text gives all reasons that can be seen
        without running it.
    """
    kind = case.op["kind"]
    if kind not in DRIVERS:
        raise Inexpressible(f"op: {kind}")
    driver = DRIVERS[kind]
    found: type[Driver] = pkgutil.resolve_name(driver) if isinstance(driver, str) else driver
    return found(case, setting)


def read_window(spec: Mapping[str, Any]) -> Window:
    """Make the window of a case; `window_refusals` must have had nothing against it."""
    if spec["type"] == "session":
        return Session(f"{spec['gap']}ms", merge_touching=spec["gap_boundary"] == "inclusive")
    if spec["type"] == "global":
        return Global()
    if spec["type"] == "count":
        return Count(spec["size"], spec.get("slide"))
    if spec["type"] == "calendar":
        week_start = WEEKDAYS[spec.get("week_start", 0)]
        return Calendar(spec["unit"], spec.get("n", 1), tz=spec["tz"], week_start=week_start)
    size, offset = f"{spec['size']}ms", f"{spec.get('offset', 0)}ms"
    if spec["type"] == "tumbling":
        return Tumbling(size, offset=offset)
    if spec["type"] == "cumulate":
        return Cumulating(size, f"{spec['step']}ms", offset=offset)
    return Sliding(size, f"{spec['slide']}ms", offset=offset)


def window_refusals(spec: Mapping[str, Any]) -> Iterator[str]:
    """Give what cannot be said of a window."""
    known = {
        "tumbling": ("type", "size", "offset"),
        "sliding": ("type", "size", "slide", "offset"),
        "session": ("type", "gap", "gap_boundary"),
        "cumulate": ("type", "size", "step", "offset"),
        "calendar": ("type", "unit", "n", "tz", "week_start"),
        "global": ("type",),
        "count": ("type", "size", "slide"),
    }
    kind = spec["type"]
    if kind not in known:
        yield f"window: {kind}"
    else:
        yield from (f"window: {kind} with {name}" for name in spec if name not in known[kind])


def trigger_refusals(trigger: Mapping[str, Any]) -> Iterator[str]:
    """Give what cannot be said of a trigger.

    By default a window fires when the watermark passes its end, and after that once for each batch
    that changed it. That is ``default``. It is also ``after_watermark`` with a late trigger
    ``after_count 1``, if a step is one batch (``batch: atomic``); otherwise such cases are run row
    by row. Without a late trigger ``after_watermark`` fires once: it can be said as long as no late
    pane comes, which the driver watches for.
    """
    kind = trigger["type"]
    if kind not in ("default", "after_watermark"):
        yield f"trigger: {kind}"
        return
    if "early" in trigger:
        yield f"trigger: {kind} with early {trigger['early']['type']}"
    late = trigger.get("late")
    if late not in (None, {"type": "after_count", "n": 1}):
        yield f"trigger: {kind} with late {late['type']} {late.get('n', '')}".rstrip()
    yield from (f"trigger: {kind} with {name}" for name in trigger if name not in ("type", "early", "late"))


def unknown(op: Mapping[str, Any], known: Sequence[str]) -> Iterator[str]:
    """Give the options that a driver has not heard of."""
    yield from (f"{name}: {value}" for name, value in op.items() if name not in known)


def read_dtypes(case: Case) -> dict[str, Any]:
    """Find the columns of a case, and a dtype for each that holds all its values."""
    values: dict[str, list[Any]] = {"t": [], "v": []}
    for row in case.rows():
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    count = sum(1 for _ in case.rows())
    for column in values.values():
        column += [None] * (count - len(column))
    return {name: _dtype(name, column) for name, column in values.items()}


def _dtype(name: str, values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values} - {type(None)}
    nulls = None in values
    if name == "t":
        return np.dtype("datetime64[ms]")
    if kinds == {int} and (name == "k" or not nulls):
        return pd.Int64Dtype() if nulls else np.dtype("int64")
    if kinds <= {int, float}:
        return np.dtype("float64")
    return pd.StringDtype(na_value=np.nan) if kinds == {str} else np.dtype("object")


def _pane(pane: Mapping[Any, Any]) -> dict[str, Any]:
    """Give a pane as the cases write it."""
    revision = int(pane[REVISION])
    return {
        "window": [_millis(pane[WINDOW_START]), _millis(pane[WINDOW_END])],
        **({"k": plain(pane["k"])} if "k" in pane else {}),
        "value": plain(pane["value"]),
        "timing": str(pane[TIMING]).upper(),
        "index": revision,
        "nonspeculative_index": revision,
        "retract": False,
    }


def _millis(moment: Any) -> int | None:
    return None if pd.isna(moment) else int(pd.Timestamp(moment).value) // MILLISECOND
