"""From parts to the column that a pane shows: the last step of each aggregate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine import sketches
from workbench.engine.kept import flat
from workbench.engine.operands import Array, Operand, Result, numeric
from workbench.engine.parts import Columns, Groups, by_group
from workbench.model.aggregates import Aggregate
from workbench.time import END_OF_TIME, NO_WATERMARK


def result(aggregate: Aggregate, columns: list[Columns], operand: Any) -> Result:
    """Give the output column of an aggregate, an element a group.

    Parameters
    ----------
    aggregate : Aggregate
        What is asked.
    columns : list of tuple of arrays
        Its parts, in the order of ``aggregate.parts``.
    operand : Operand
        Of the input column, whose types the results take; of several, of all.
    """
    match aggregate.function, aggregate.argument:
        case "quantile", share:
            return _quantile(columns, operand, float(share or 0))
        case "approx_quantile", share:
            return sketches.quantiles(columns[0][0], operand, float(share or 0))
        case "heavy_hitters", most:
            return sketches.heavy_hitters(columns[0][0], operand, int(most or 0))
        case function, _:
            return _RESULTS[str(function)](columns, operand)


def _mean(columns: list[Columns], operand: Operand) -> Result:
    (total,), (count,) = columns
    if operand.dtype.kind == "m":
        mean = np.abs(total) // np.maximum(count, 1)  # as pandas cuts it, towards zero
        return operand.restore(np.where(total < 0, -mean, mean), count > 0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sum(columns: list[Columns], operand: Operand) -> Result:
    (total,) = columns[0]
    return operand.restore(total) if operand.dtype.kind == "m" else total


def _extreme(columns: list[Columns], operand: Operand) -> Result:
    (values,), (count,) = columns
    return operand.restore(values, count > 0)


def _variance(columns: list[Columns], operand: Operand) -> Result:
    numeric(operand, "variance", durations=False)
    return _squares(columns)


def _deviation(columns: list[Columns], operand: Operand, *, of_mean: bool = False) -> Result:
    """Give the standard deviation of the values, or of their mean; in the type of durations, if they are."""
    ((count, *_),) = columns
    spread = np.sqrt(_squares(columns) / (np.maximum(count, 1) if of_mean else 1))
    return _duration(spread, operand) if operand.dtype.kind == "m" else spread


def _squares(columns: list[Columns]) -> Array:
    """Give the variance, with one degree of freedom."""
    ((count, _, _, spread),) = columns
    return np.where(count > 1, spread / np.maximum(count - 1, 1), np.nan)


def _duration(values: Array, operand: Operand) -> Result:
    """Give floats in the unit of a column of durations as such, cut to whole units; NaN as null."""
    return operand.restore(np.nan_to_num(values).astype(np.int64), ~np.isnan(values))


def _skew(columns: list[Columns], operand: Operand) -> Result:
    """Give the skewness as pandas does, corrected for bias; null below three values, or if all are equal."""
    ((count, _, _, second, third, _),) = columns
    n = np.where((count > 2) & (second > 0), count, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return n * np.sqrt(n - 1) / (n - 2) * third / second**1.5


def _kurt(columns: list[Columns], operand: Operand) -> Result:
    """Give the excess kurtosis as pandas does, corrected for bias; null below four or for equal values."""
    ((count, _, _, second, _, fourth),) = columns
    n = np.where((count > 3) & (second > 0), count, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = n * (n + 1) * (n - 1) * fourth / ((n - 2) * (n - 3) * second**2)
        return whole - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))


def _cov(columns: list[Columns], operand: Operand) -> Result:
    ((count, *_, products),) = columns
    return np.where(count > 1, products / np.maximum(count - 1, 1), np.nan)


def _corr(columns: list[Columns], operand: Operand) -> Result:
    """Give Pearson's correlation; null below two pairs, or if one of the columns does not vary."""
    ((*_, xx, yy, xy),) = columns
    varies = (xx > 0) & (yy > 0)
    scale = np.sqrt(np.where(varies, xx, 1)) * np.sqrt(np.where(varies, yy, 1))
    return np.where(varies, np.clip(xy / scale, -1, 1), np.nan)


def _weighted_mean(columns: list[Columns], operand: Operand) -> Result:
    """Give the weighted sum by the sum of weights; null where that is zero."""
    ((weights, sums),) = columns
    return np.where(weights != 0, sums / np.where(weights != 0, weights, 1), np.nan)


def _chosen(columns: list[Columns], operand: Operand) -> Result:
    ((times, _, values),) = columns
    return operand.restore(values, (times != END_OF_TIME) & (times != NO_WATERMARK))


def _quantile(columns: list[Columns], operand: Operand, share: float) -> Result:
    """Give a quantile of each group's values; all are sorted at once, by group."""
    values, owners = flat(columns[0][0])
    values = numeric(replace(operand, values=values), "quantile")
    sizes = np.bincount(owners, minlength=len(columns[0][0]))
    order = np.argsort(values)
    ordered = np.append(values[order[by_group(owners[order], len(sizes))]], 0)
    begin = np.cumsum(sizes) - sizes
    return quantile(lambda k: ordered[begin + k], sizes, share, operand)


def quantile(kth: Callable[[Groups], Array], sizes: Groups, share: float, operand: Operand) -> Result:
    """Give a quantile of each of some groups, linear between two values; null of none.

    Parameters
    ----------
    kth : callable
        Gives the k-th least value of each group, from 0 on; of an empty group anything.
    sizes : int64 array
        How many values each group has.
    share : float
        Which quantile, from 0 to 1.
    operand : Operand
        Whose type the results take, if it is of durations.
    """
    place = share * np.maximum(sizes - 1, 0)
    low = np.floor(place).astype(np.int64)
    below, above = kth(low), kth(np.ceil(place).astype(np.int64))
    with np.errstate(invalid="ignore"):  # between opposite infinities there is nothing
        step = np.where(above == below, 0, above - below)
        found = np.where(sizes > 0, below + step * (place - low), np.nan)
    return _duration(found, operand) if operand.dtype.kind == "m" else found


def _mode(columns: list[Columns], operand: Operand) -> Result:
    """Give the commonest value of each group, of several the least."""
    values, owners = flat(columns[0][0])
    codes, distinct = pd.factorize(values, sort=True)
    pairs, often = np.unique(owners * max(len(distinct), 1) + codes, return_counts=True)
    of, code = np.divmod(pairs, max(len(distinct), 1))
    order = np.lexsort((-code, often, of))
    chosen = np.full(len(columns[0][0]), -1, dtype=np.int64)
    chosen[of[order]] = code[order]  # of several, the one assigned last stays
    known = np.append(distinct, np.zeros(1, dtype=np.asarray(distinct).dtype))  # -1 finds the last: nothing
    return operand.restore(known[chosen], chosen >= 0)


def _collect(columns: list[Columns], operand: Operand) -> Result:
    """Give each group's values as a list, in the types of the column."""
    values, owners = flat(columns[0][2])
    words = np.asarray(operand.restore(values).astype(object))
    count = len(columns[0][2])
    pieces = np.split(words, np.searchsorted(owners, np.arange(1, count))) if count else []
    return pd.Series(list(map(np.ndarray.tolist, pieces)), dtype=object)


_RESULTS: dict[str, Callable[[list[Columns], Any], Result]] = {
    "size": lambda columns, operand: columns[0][0],
    "count": lambda columns, operand: columns[0][0],
    "sum": _sum,
    "mean": _mean,
    "min": _extreme,
    "max": _extreme,
    "var": _variance,
    "std": _deviation,
    "sem": lambda columns, operand: _deviation(columns, operand, of_mean=True),
    "skew": _skew,
    "kurt": _kurt,
    "prod": lambda columns, operand: columns[0][0],
    "cov": _cov,
    "corr": _corr,
    "weighted_mean": _weighted_mean,
    "approx_nunique": lambda columns, operand: sketches.distinct_counts(columns[0][0]),
    "first": _chosen,
    "last": _chosen,
    "any": lambda columns, operand: columns[0][0] > 0,
    "all": lambda columns, operand: columns[0][0] == columns[1][0],
    "median": lambda columns, operand: _quantile(columns, operand, 0.5),
    "mode": _mode,
    "collect": _collect,
    "nunique": lambda columns, operand: np.fromiter(
        map(len, columns[0][0]), dtype=np.int64, count=len(columns[0][0])
    ),
}
