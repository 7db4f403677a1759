"""Parts about means: spread, shape and the link of two columns, merged without cancellation.

A mean is kept as two numbers, a value near it (the anchor) and how far the mean is from there, so that a
large common offset costs no digits; sums of powers of differences from the mean are moved from the old means
to the new one. Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
variances" (1982), section 2; Pébay, "Formulas for robust, one-pass parallel computation of covariances and
arbitrary-order statistical moments" (2008), sections 2 and 3.
"""

from __future__ import annotations

import numpy as np

from workbench.engine.operands import Array, Operand, numeric
from workbench.engine.parts import Columns, Groups, Lifted
from workbench.time import Nanos


class Moments(Lifted):
    """Count, mean (anchor and distance), and sum of squared differences from the mean."""

    name = "moments"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take each value as its own mean."""
        nothing = np.zeros(len(operand.valid))
        values = _floats(operand, "variance", durations=True)
        return operand.valid.astype(np.int64), values, nothing, nothing

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge means and spreads about the common mean."""
        n, anchor, distance, spread = columns
        with np.errstate(invalid="ignore"):  # of infinities there is no spread
            total, anchor, distance, apart = _centred(n, anchor, distance, groups, count)
            return total, anchor, distance, _add(spread + n * apart**2, groups, count)


class Shape(Lifted):
    """Count, mean, and sums of the second, third and fourth powers of differences from the mean."""

    name = "shape"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take each value as its own mean."""
        nothing = np.zeros(len(operand.valid))
        return operand.valid.astype(np.int64), _floats(operand, "shape"), nothing, nothing, nothing, nothing

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Move the sums of powers to the common mean."""
        n, anchor, distance, second, third, fourth = columns
        with np.errstate(invalid="ignore", over="ignore"):
            total, anchor, distance, apart = _centred(n, anchor, distance, groups, count)
            square = apart**2
            powers = (
                second + n * square,
                third + 3 * apart * second + n * apart * square,
                fourth + 4 * apart * third + 6 * square * second + n * square**2,
            )
            return total, anchor, distance, *(_add(power, groups, count) for power in powers)


class Comoments(Lifted):
    """Of pairs: count, both means, both sums of squared differences, and the sum of their products."""

    name = "comoments"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take each pair as its own means."""
        x, y = (_floats(one, "covariance") for one in operand.each())
        nothing = np.zeros(len(x))
        return operand.valid.astype(np.int64), x, nothing, y, nothing, nothing, nothing, nothing

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Merge means, spreads and products about the common means."""
        n, *means, xx, yy, xy = columns
        with np.errstate(invalid="ignore"):
            total, *x, dx = _centred(n, means[0], means[1], groups, count)
            _, *y, dy = _centred(n, means[2], means[3], groups, count)
            sums = (xx + n * dx**2, yy + n * dy**2, xy + n * dx * dy)
            return total, *x, *y, *(_add(each, groups, count) for each in sums)


class Weighted(Lifted):
    """Of pairs of value and weight: the sum of weights, and the weighted sum of values."""

    name = "weighted"

    def lift(self, operand: Operand, times: Nanos, arrivals: Nanos) -> Columns:
        """Take weight, and value times weight."""
        value, weight = (_floats(one, "weighted mean") for one in operand.each())
        with np.errstate(invalid="ignore", over="ignore"):
            return weight, value * weight

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Add up."""
        return tuple(_add(column, groups, count) for column in columns)


def _floats(operand: Operand, what: str, *, durations: bool = False) -> Array:
    """Give the values in float64, null as 0."""
    return np.where(operand.valid, numeric(operand, what, durations=durations), 0).astype(np.float64)


def _add(values: Array, groups: Groups, count: int) -> Array:
    return np.bincount(groups, weights=values, minlength=count).astype(np.float64, copy=False)


def _centred(n: Array, anchor: Array, distance: Array, groups: Groups, count: int) -> tuple[Array, ...]:
    """Give count, anchor and distance of each group's mean, and how far each mean is from its group's."""
    total = _add(n, groups, count)
    some = n > 0
    near = np.zeros(count)
    near[groups[some]] = anchor[some]
    # the difference of two close numbers is exact
    offset = np.where(some, anchor - near[groups] + distance, 0.0)
    shift = _add(n * offset, groups, count) / np.maximum(total, 1)
    return total.astype(np.int64), near, shift, np.where(some, offset - shift[groups], 0.0)
