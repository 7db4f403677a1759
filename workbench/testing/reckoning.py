"""What the rows of a window come to: each aggregate by its definition, one row at a time."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.aggregates import Aggregate
from workbench.model.custom import Custom
from workbench.testing.compare import Key, plain


@dataclass(frozen=True)
class Row:
    """One row: its arrival number, event time, key, and all its values."""

    number: int
    time: int
    key: Key
    values: dict[str, Any]


def aggregate(what: Aggregate, rows: Sequence[Row]) -> Any:
    """Compute one aggregate of some rows, as `Aggregate` defines it.

    Approximate aggregates are computed exactly: what a sketch gives as long as it holds few values.
    """
    if what.function == "size":
        return len(rows)
    by_time = sorted(rows, key=lambda row: (row.time, row.number))
    columns = [[row.values[name] for name in what.columns] for row in by_time]
    values = [each for each in columns if not any(map(pd.isna, each))]
    if isinstance(what.function, Custom):
        return by_hand(what.function, values)
    if what.function in PAIRS:
        return PAIRS[what.function](values)
    singles = [value for (value,) in values]
    if what.argument is not None:
        return ASKED[what.function](singles, what.argument)
    return SINGLES[what.function](singles)


def by_hand(custom: Custom, rows: Sequence[Sequence[Any]]) -> Any:
    """Compute a user's own aggregate: lift each row by itself, merge them in turn, give the result."""
    if not rows:
        return None
    return resulting(custom, reduce(lambda a, b: merged(custom, a, b), (lifted(custom, row) for row in rows)))


def lifted(custom: Custom, row: Sequence[Any]) -> Any:
    """Lift one row: to an object, or to arrays of one element."""
    if not custom.ufuncs:
        return custom.lift(*row)
    arrays = custom.lift(*(np.array([value]) for value in row))
    several = arrays if isinstance(arrays, tuple) else (arrays,)
    columns = [np.broadcast_to(array, (1,)) for array in several]
    sums = [ufunc in (np.add, np.multiply) for ufunc in custom.ufuncs]
    return tuple(  # what is true counts as one
        column.astype(np.int64) if added and column.dtype == bool else column
        for column, added in zip(columns, sums, strict=True)
    )


def merged(custom: Custom, one: Any, other: Any) -> Any:
    """Merge two partial results."""
    if not custom.ufuncs:
        return custom.merge(one, other)  # type: ignore[operator]
    return tuple(ufunc(a, b) for ufunc, a, b in zip(custom.ufuncs, one, other, strict=True))


def resulting(custom: Custom, partial: Any) -> Any:
    """Give the result of a partial one."""
    return plain(np.asarray(custom.result(*partial))[0]) if custom.ufuncs else custom.result(partial)


def _quantile(values: Sequence[Any], share: float) -> float | None:
    """Give the value at a share of the way from the first to the last, linear between two."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(below + (above - below) * (place - math.floor(place)))


def _ranked(values: Sequence[Any], share: float) -> Any:
    """Give the value that a share of the values come before."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else None


def _commonest(values: Sequence[Any], most: float) -> list[tuple[Any, int]]:
    """Give the commonest values and their counts, of equal counts the lesser value first."""
    return sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))[: int(most)]


def _sum(values: Sequence[Any]) -> Any:
    return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)


def _product(values: Sequence[Any]) -> Any:
    """Multiply; integers beyond 64 bits wrap."""
    product = math.prod(values)
    return (product + 2**63) % 2**64 - 2**63 if isinstance(product, int) else product


def _mean(values: Sequence[Any]) -> Any:
    return _sum(values) / len(values) if values else None


def _apart(values: Sequence[Any]) -> list[Fraction]:
    """Give the differences from the mean, exactly."""
    exact = [Fraction(value) for value in values]
    mean = sum(exact, Fraction()) / len(exact)
    return [value - mean for value in exact]


def _power(values: Sequence[Any], exponent: int) -> float:
    """Give the sum of a power of the differences from the mean."""
    return float(sum(apart**exponent for apart in _apart(values)))


def _variance(values: Sequence[Any]) -> float | None:
    """Give the variance, with one degree of freedom."""
    return _power(values, 2) / (len(values) - 1) if len(values) > 1 else None


def _root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def _sem(values: Sequence[Any]) -> float | None:
    return math.sqrt((_variance(values) or 0) / len(values)) if len(values) > 1 else None


def _skew(values: Sequence[Any]) -> float | None:
    """Give the skewness, corrected for bias: G1 of Joanes and Gill (1998)."""
    n = len(values)
    if len(set(values)) < 2 or n < 3:
        return None
    return n * math.sqrt(n - 1) / (n - 2) * _power(values, 3) / math.pow(_power(values, 2), 1.5)


def _kurt(values: Sequence[Any]) -> float | None:
    """Give the excess kurtosis, corrected for bias: G2 of Joanes and Gill (1998)."""
    n = len(values)
    if len(set(values)) < 2 or n < 4:
        return None
    g2 = n * _power(values, 4) / _power(values, 2) ** 2 - 3
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)


def _cov(pairs: Sequence[Sequence[Any]]) -> float | None:
    """Give the covariance, with one degree of freedom."""
    if len(pairs) < 2:
        return None
    x, y = (_apart(values) for values in zip(*pairs, strict=True))
    return float(sum(a * b for a, b in zip(x, y, strict=True)) / (len(pairs) - 1))


def _corr(pairs: Sequence[Sequence[Any]]) -> float | None:
    """Give the covariance by both standard deviations; null if a column does not vary."""
    columns = list(zip(*pairs, strict=True))
    if any(len(set(values)) < 2 for values in columns) or not columns:
        return None
    x, y = (_variance(values) or 0.0 for values in columns)
    return (_cov(pairs) or 0) / math.sqrt(x) / math.sqrt(y)


def _weighted_mean(pairs: Sequence[Sequence[Any]]) -> float | None:
    weights = math.fsum(weight for _, weight in pairs)
    return math.fsum(value * weight for value, weight in pairs) / weights if weights else None


PAIRS: Mapping[str, Callable[[Sequence[Sequence[Any]]], Any]] = {
    "cov": _cov,
    "corr": _corr,
    "weighted_mean": _weighted_mean,
}
ASKED: Mapping[str, Callable[[Sequence[Any], float], Any]] = {
    "quantile": _quantile,
    "approx_quantile": _ranked,
    "heavy_hitters": _commonest,
}
SINGLES: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "count": len,
    "sum": _sum,
    "mean": _mean,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "prod": _product,
    "var": _variance,
    "std": lambda values: _root(_variance(values)),
    "sem": _sem,
    "skew": _skew,
    "kurt": _kurt,
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
    "nunique": lambda values: len(set(values)),
    "approx_nunique": lambda values: len(set(values)),
    "any": lambda values: any(value != 0 for value in values),
    "all": lambda values: all(value != 0 for value in values),
    "median": lambda values: statistics.median(values) if values else None,
    "mode": lambda values: min(statistics.multimode(values), default=None),
    "collect": list,
}
