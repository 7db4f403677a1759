"""How a conformance case is put to an operator: one driver for each kind of operator.

A driver reads a case's ``op``, takes its steps, and hands out what came of them. What it cannot say
in the workbench's words it refuses with `Inexpressible` and the exact construct; it never guesses.
A further operator plugs in as a further class in `DRIVERS`.
"""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.progress import Progress, Stamp
from workbench.engine.slices import assign
from workbench.engine.windowed import window_operator
from workbench.errors import WorkbenchError
from workbench.model.aggregates import Aggregate
from workbench.model.panes import EARLY, RETRACTION, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.triggers import DEFAULT
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
from workbench.testing.replay import Operator, restarted
from workbench.testing.trigger_cases import ACCUMULATIONS, read_trigger, trigger_refusals
from workbench.time import END_OF_TIME, NO_WATERMARK, to_nanos

MILLISECOND = 1_000_000
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
    "accumulation": tuple(ACCUMULATIONS),
    "agg": tuple(FUNCTIONS),
    "batch": ("atomic",),
    "closing_pane": ("if_non_empty", "always"),
    "on_time_pane": ("if_non_empty", "always"),
    "timestamp": ("end_of_window", "earliest", "latest"),
}
"""Options of ``aggregate`` and the values that can be said."""

FIELDS = ("window", "k", "value", "timing", "index", "nonspeculative_index", "retract", "final", "timestamp")
"""Fields of a pane that can be told."""


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

    steps = ("rows", "expect", "watermark", "clock", "snapshot", "end")
    fields = ("out", "late", "rejected", "watermark", "dropped_windows")

    def __init__(self, case: Case, setting: Setting) -> None:
        super().__init__(case, setting)
        op = case.op
        policy, trigger = op.get("watermark"), op.get("trigger", {})
        self.dtypes = read_dtypes(case)
        self.progress = Progress(None if policy is None else policy["delay"] * MILLISECOND)
        if op.get("batch") != "atomic" and trigger.get("type", "default") != "default":
            self.setting = replace(setting, row_by_row=True)
        self.now = 0
        self.window = read_window(op["window"])
        self.panes_of: Counter[Any] = Counter()
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
        yield from watermark_refusals(op.get("watermark"))
        panes = [row for field, rows in self.case.expected() if field == "out" for row in rows]
        yield from (f"expect: {name}" for row in panes for name in row if name not in FIELDS)

    def make(self) -> Operator:
        """Make the operator that the case describes."""
        op = self.case.op
        trigger = read_trigger(op.get("trigger", {"type": "default"}))
        aggregates = [Aggregate("value", "v", FUNCTIONS[op["agg"]])]
        if self.moment:
            aggregates.append(Aggregate("timestamp", "t", self.moment))
        asked = [name for name in ("on_time", "closing") if op.get(f"{name}_pane") == "always"]
        return self.setting.make(
            keys=("k",) if "k" in self.dtypes else (),
            window=self.window,
            lateness=min(op.get("allowed_lateness", 0) * MILLISECOND, END_OF_TIME),
            aggregates=tuple(aggregates),
            time_dtype=self.dtypes["t"],
            trigger=trigger,
            accumulation=ACCUMULATIONS[op.get("accumulation", "accumulating")],
            # the default trigger has no pane before the on-time one, which is never empty then
            empty_panes=tuple(name for name in asked if name != "on_time" or trigger != DEFAULT),
        )

    @property
    def moment(self) -> str | None:
        """Which event time of its rows a pane is asked for, if not the end of its window."""
        return {"earliest": "min", "latest": "max"}.get(self.case.op.get("timestamp", ""))

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step."""
        if "rows" in step:
            rows = step["rows"]
            size = 1 if self.setting.row_by_row else max(len(rows), 1)
            for start in range(0, len(rows) or 1, size):
                self._batch(rows[start : start + size])
        elif "clock" in step:
            self.now = step["clock"] * MILLISECOND
            self._process(self._frame([]), self.progress.advance(self.progress.watermark))
        elif "watermark" in step:
            self._process(self._frame([]), self.progress.advance(step["watermark"] * MILLISECOND))
        elif "end" in step:
            self._process(self._frame([]), self.progress.end())
        elif "snapshot" in step:
            self.operator = restarted(self.operator, self.make)

    def give(self, field: str) -> Any:
        """Hand out what came since the field was last asked for; the watermark as it is."""
        if field == "watermark":
            now = self.progress.watermark
            return {NO_WATERMARK: None, END_OF_TIME: "max"}.get(now, now // MILLISECOND)
        came = super().give(field)
        return sum(came) if field == "dropped_windows" else came

    def _batch(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Admit, date and process a batch."""
        frame = self._frame(rows)
        before = self.progress.watermark
        stamp = self.progress.stamp(to_nanos(frame["t"]))
        if self.setting.freeze:
            stamp = replace(stamp, met=np.full_like(stamp.met, before))
        admitted, refused = Schema(self.dtypes, "t").admit(frame)
        self.came["rejected"] += self._rows(refused)
        self._process(admitted, stamp)

    def _process(self, frame: pd.DataFrame, stamp: Stamp) -> None:
        out = self.operator.process(frame, replace(stamp, now=self.now))
        panes = out.panes.to_dict("records")
        self.came["out"] += [self._pane(*each) for each in zip(panes, out.last.tolist(), strict=True)]
        self.came["late"] += self._rows(out.late)
        self.came["rejected"] += self._rows(out.rejected)
        self.came["dropped_windows"].append(out.dropped)

    def _frame(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        first = self.progress.arrived + 1
        index = pd.RangeIndex(first, first + len(rows))
        columns = {
            name: pd.Series([row.get(name) for row in rows], index=index, dtype=dtype)
            for name, dtype in self.dtypes.items()
        }
        return pd.DataFrame(columns, index=index)

    def _pane(self, pane: Mapping[Any, Any], last: bool) -> dict[str, Any]:
        """Give a pane as the cases write it; they count the panes of a window by its bounds, sessions too."""
        window = [_millis(pane[WINDOW_START]), _millis(pane[WINDOW_END])]
        told: dict[str, Any] = {
            "window": window,
            **({"k": plain(pane["k"])} if "k" in pane else {}),
            "value": plain(pane["value"]),
            "retract": bool(pane.get(RETRACTION, False)),
        }
        if told["retract"]:
            return told
        name, early = (*window, told.get("k")), pane[TIMING] == EARLY
        count, spoken = self.panes_of[name], self.panes_of[name, "spoken"]
        self.panes_of.update({name: 1, (name, "spoken"): int(not early)})
        if not isinstance(self.window, Session | Count) and count != pane[REVISION]:
            raise WorkbenchError(f"pane {count} of {name} says that it is revision {pane[REVISION]}")
        return told | {
            "timing": str(pane[TIMING]).upper(),
            "index": count,
            "nonspeculative_index": -1 if early else spoken,
            "final": last,
            "timestamp": _millis(pane["timestamp"]) if self.moment else (window[1] or 0) - 1,
        }

    def _rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Give rows as the cases write them."""
        return [
            {name: _millis(row[name]) if name == "t" else plain(row[name]) for name in self.dtypes}
            for row in frame.to_dict("records")
        ]


DRIVERS: Mapping[str, type[Driver] | str] = {
    "assign": AssignDriver,
    "aggregate": AggregateDriver,
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
        longest = f"{spec['max_size']}ms" if "max_size" in spec else None
        touching = spec["gap_boundary"] == "inclusive"
        return Session(f"{spec['gap']}ms", merge_touching=touching, max_size=longest)
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
        "session": ("type", "gap", "gap_boundary", "max_size"),
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


def watermark_refusals(policy: Mapping[str, Any] | None) -> Iterator[str]:
    """Give what cannot be said of a watermark policy."""
    if policy is None:
        return
    if policy["kind"] != "bounded":
        yield f"watermark: {policy['kind']}"
        return
    if policy.get("emit", "per_row") not in ("per_row", "per_batch"):
        yield f"watermark: emit {policy['emit']}"
    yield from (f"watermark: {name}" for name in policy if name not in ("kind", "delay", "emit"))


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


def _millis(moment: Any) -> int | None:
    return None if pd.isna(moment) else int(pd.Timestamp(moment).value) // MILLISECOND
