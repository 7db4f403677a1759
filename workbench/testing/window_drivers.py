"""How conformance cases of windows are put to the engine: assignment, and aggregates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.placing import assign
from workbench.engine.progress import Stamp
from workbench.errors import WorkbenchError
from workbench.model.aggregates import Aggregate
from workbench.model.panes import EARLY, RETRACTION, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.triggers import DEFAULT
from workbench.model.windows import Aligned, Count, Session
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
from workbench.testing.policies import MILLISECOND, STEPS, CaseWatermark, watermark_refusals
from workbench.testing.replay import Operator, restarted
from workbench.testing.trigger_cases import ACCUMULATIONS, read_trigger, trigger_refusals
from workbench.time import END_OF_TIME, to_nanos

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


class AssignDriver(Driver):
    """Which windows a row belongs to."""

    fields = ("assigned",)

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the window."""
        yield from unknown(self.case.op, ("kind", "window"))
        spec = self.case.op["window"]
        if spec["type"] == "count":
            yield "window: count"
        yield from window_refusals(spec)

    def take(self, step: Mapping[str, Any]) -> None:
        """Assign rows; a session is that of the row alone."""
        window = read_window(self.case.op["window"])
        if isinstance(window, Session):
            gap = window.gap // MILLISECOND
            self.came["assigned"] += [[[row["t"], row["t"] + gap]] for row in step["rows"]]
            return
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
        rowwise = trigger.get("type", "default") != "default" or op.get("allowed_lateness")
        if op.get("batch") != "atomic" and rowwise and not setting.freeze:
            self.setting = replace(setting, row_by_row=True)
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
        yield from watermark_refusals(op.get("watermark"), self.case.script)
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
        out = self.operator.process(frame, replace(stamp, now=self.watermarks.now))
        panes = out.panes.to_dict("records")
        self.came["out"] += [self._pane(*each) for each in zip(panes, out.last.tolist(), strict=True)]
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

    def _pane(self, pane: Mapping[Any, Any], last: bool) -> dict[str, Any]:
        """Give a pane as the cases write it; they count the panes of a window by its bounds, sessions too."""
        window = [millis(pane[WINDOW_START]), millis(pane[WINDOW_END])]
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
            "timestamp": millis(pane["timestamp"]) if self.moment else (window[1] or 0) - 1,
        }

    def _rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Give rows as the cases write them."""
        return [
            {name: millis(row[name]) if name == "t" else plain(row[name]) for name in self.dtypes}
            for row in frame.to_dict("records")
        ]
