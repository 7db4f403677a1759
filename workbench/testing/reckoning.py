"""What the rows of a window come to: each aggregate by its definition, one row at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.model.aggregates import Aggregate
from workbench.testing.compare import Key


@dataclass(frozen=True)
class Row:
    """One row: its arrival number, event time, key, and all its values."""

    number: int
    time: int
    key: Key
    values: dict[str, Any]


def aggregate(what: Aggregate, rows: Sequence[Row]) -> Any:
    """Compute one aggregate of some rows, as `Aggregate` defines it."""
    if what.function == "size":
        return len(rows)
    by_time = sorted(rows, key=lambda row: (row.time, row.number))
    values = [row.values[what.column] for row in by_time if not pd.isna(row.values[what.column])]
    if what.function in ("var", "std"):
        return _spread(values, root=what.function == "std")
    if what.function == "count":
        return len(values)
    if what.function == "nunique":
        return len(set(values))
    if what.function == "sum":
        return _sum(values)
    if what.function in ("any", "all"):
        return (any if what.function == "any" else all)(value != 0 for value in values)
    if what.function == "collect":
        return values
    if not values:
        return None
    if what.function == "mean":
        return _sum(values) / len(values)
    if what.function == "median":
        return statistics.median(values)
    if what.function == "quantile":
        return _quantile(sorted(values), what.argument or 0)
    if what.function == "mode":
        return min(statistics.multimode(values))
    if what.function in ("min", "max"):
        return min(values) if what.function == "min" else max(values)
    return values[0] if what.function == "first" else values[-1]


def _quantile(ordered: Sequence[Any], share: float) -> float:
    """Give the value at a share of the way from the first to the last, linear between two."""
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(below + (above - below) * (place - math.floor(place)))


def _sum(values: Sequence[Any]) -> Any:
    return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)


def _spread(values: Sequence[Any], *, root: bool) -> float | None:
    """Give the variance or the standard deviation, with one degree of freedom."""
    if len(values) < 2:
        return None
    mean = _sum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance) if root else variance
