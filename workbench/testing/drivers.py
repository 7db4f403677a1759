"""How a conformance case is put to an operator: one driver for each kind of operator.

A driver reads a case's ``op``, takes its steps, and hands out what came of them. What it cannot say
in the workbench's words it refuses with `Inexpressible` and the exact construct; it never guesses.
A further operator plugs in as a further class in `DRIVERS`.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.windowed import window_operator
from workbench.model.windows import (
    Calendar,
    Count,
    Cumulating,
    Global,
    Session,
    Sliding,
    Tumbling,
    Window,
)
from workbench.testing.cases import Case
from workbench.testing.policies import MILLISECOND
from workbench.testing.replay import Operator

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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


class Driver(ABC):
    """What every driver can do; steps and fields that it does not have are inexpressible."""

    steps: tuple[str, ...] = ("rows", "expect")
    fields: tuple[str, ...] = ()

    def __init__(self, case: Case, setting: Setting) -> None:
        self.case, self.setting = case, setting
        self.came: dict[str, list[Any]] = {name: [] for name in self.fields}
        reasons = list(dict.fromkeys([*self.refusals(), *self._unknown()]))
        if reasons:
            raise Inexpressible("; ".join(reasons))

    @abstractmethod
    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of this case's ``op``."""

    @abstractmethod
    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step."""

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


DRIVERS: Mapping[str, str] = {
    "assign": "workbench.testing.window_drivers:AssignDriver",
    "aggregate": "workbench.testing.window_drivers:AggregateDriver",
    "watermark": "workbench.testing.watermark_drivers:WatermarkDriver",
    "match": "workbench.testing.pattern_drivers:PatternDriver",
    "join": "workbench.testing.join_drivers:IntervalJoinDriver",
    "window_join": "workbench.testing.join_drivers:WindowJoinDriver",
    "asof": "workbench.testing.join_drivers:AsofDriver",
    "dedup": "workbench.testing.join_drivers:DedupDriver",
    "topn": "workbench.testing.join_drivers:TopNDriver",
    "sort": "workbench.testing.join_drivers:SortDriver",
}
"""The driver of each kind of operator, by its name, since its module builds on this one."""


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
    found: type[Driver] = pkgutil.resolve_name(DRIVERS[kind])
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
    if kinds == {bool}:
        return pd.BooleanDtype() if nulls else np.dtype(bool)
    if kinds <= {int, float}:
        return np.dtype("float64")
    return pd.StringDtype(na_value=np.nan) if kinds == {str} else np.dtype("object")


def millis(moment: Any) -> int | None:
    """Give a moment as the cases write it; None for null."""
    return None if pd.isna(moment) else int(pd.Timestamp(moment).value) // MILLISECOND
