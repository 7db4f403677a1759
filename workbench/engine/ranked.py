"""Order within many ranges of rows at once: quantiles and distinct values, whatever the ranges' lengths.

Rows have numbers, and are parted by the highest bit of these, then by the next, and so on, zeros before ones,
each time in their order. How many zeros there are before each place says where a range goes, and how many of
its rows go which way; so all ranges are followed together, some array operations a bit (the wavelet matrix of
Claude and Navarro, "The Wavelet Matrix", SPIRE 2012, sections 3 and 4). Nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.operands import Operand, Result, numeric
from workbench.engine.results import quantile
from workbench.model.aggregates import Aggregate

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

RANKED: Final = ("median", "quantile", "nunique")
"""The aggregates that are found here."""


def ranked(aggregates: Sequence[Aggregate], operand: Operand, starts: Ints, ends: Ints) -> dict[str, Result]:
    """Give the aggregates of ranges ``[start, end)`` of rows of one column, nulls left out.

    Takes a sort of the rows, and for each aggregate some passes over rows and ranges for each bit of their
    number.

    Examples
    --------
    >>> half, kinds = Aggregate("half", "v", "median"), Aggregate("kinds", "v", "nunique")
    >>> column = Operand.of(np.array([4.0, 1.0, np.nan, 1.0]))
    >>> ranked([half, kinds], column, np.array([0, 0, 2]), np.array([2, 4, 3]))
    {'half': array([2.5, 1. , nan]), 'kinds': array([2, 2, 0])}
    """
    place = np.append(0, np.cumsum(operand.valid))
    starts, ends, some = place[starts], place[ends], operand.only_valid()
    return {each.output: _ranked(each, some, starts, ends) for each in aggregates}


def _ranked(aggregate: Aggregate, operand: Operand, starts: Ints, ends: Ints) -> Result:
    if aggregate.function == "nunique":
        return distinct(operand.values, starts, ends)
    share = 0.5 if aggregate.function == "median" else float(aggregate.argument or 0)
    values = numeric(operand, "quantile")
    order = np.argsort(values)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    ordered = np.append(values[order], 0)  # the last is what an empty range finds
    return quantile(lambda k: ordered[kth(rank, starts, ends, k)], ends - starts, share, operand)


def distinct(values: npt.NDArray[np.generic], starts: Ints, ends: Ints) -> Ints:
    """Count the distinct values of ranges: those whose like came last before the range, or never."""
    codes, _ = pd.factorize(values)
    order = np.argsort(codes, kind="stable")
    again = np.flatnonzero(codes[order][1:] == codes[order][:-1])
    before = np.zeros(len(codes), dtype=np.int64)  # where the like of each was last, and 1; 0 is nowhere
    before[order[again + 1]] = order[again] + 1
    return below(before, starts, ends, starts + 1)


def kth(numbers: Ints, starts: Ints, ends: Ints, k: Ints) -> Ints:
    """Give the k-th least number of each range, from 0 on; of an empty range, how many numbers there are.

    Examples
    --------
    >>> kth(np.array([3, 0, 2, 1]), np.array([0, 1, 2]), np.array([3, 4, 2]), np.array([1, 2, 0])).tolist()
    [2, 2, 4]
    """
    found = np.where(starts < ends, 0, len(numbers))
    for bit, zeros in _levels(numbers, len(numbers)):
        low, high = zeros[starts], zeros[ends]
        ones = (k >= high - low) & (starts < ends)
        k = np.where(ones, k - (high - low), k)
        found |= ones.astype(np.int64) << bit
        starts, ends = _parted(zeros, starts, ones), _parted(zeros, ends, ones)
    return found


def below(numbers: Ints, starts: Ints, ends: Ints, limits: Ints) -> Ints:
    """Count the numbers of each range that are less than its limit.

    Examples
    --------
    >>> below(np.array([3, 0, 2, 1]), np.array([0, 1]), np.array([3, 4]), np.array([3, 9])).tolist()
    [2, 3]
    """
    count = np.zeros(len(limits), dtype=np.int64)
    for bit, zeros in _levels(numbers, int(limits.max(initial=0))):
        ones = limits >> bit & 1 == 1
        count += np.where(ones, zeros[ends] - zeros[starts], 0)
        starts, ends = _parted(zeros, starts, ones), _parted(zeros, ends, ones)
    return count


def _levels(numbers: Ints, limit: int) -> Iterator[tuple[int, Ints]]:
    """Give each bit, from the highest that there is, and how many have none of it before each place."""
    for bit in reversed(range(max(limit, int(numbers.max(initial=0))).bit_length())):
        zero = numbers >> bit & 1 == 0
        yield bit, np.append(0, np.cumsum(zero))
        numbers = np.concatenate([numbers[zero], numbers[~zero]])


def _parted(zeros: Ints, places: Ints, ones: Mask) -> Ints:
    """Give where places are among the zeros, or among the ones behind them, of a level."""
    before = zeros[places]
    return np.where(ones, zeros[-1] + places - before, before)
