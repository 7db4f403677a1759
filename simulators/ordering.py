"""Ordering: sorting by time, fast.

Time and a second integer are packed into one 64-bit number and sorted together, which is several
times faster than a stable argsort or a lexsort, and gives the same order.
"""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

_BITS = 28


def sort_pairs(time: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
    """Return times and a second number, sorted by both.

    Parameters
    ----------
    time
        Microseconds, in [0, 2**35): about 9 hours.
    second
        The second number of each, in [0, 2**28).

    Examples
    --------
    >>> [column.tolist() for column in sort_pairs(np.array([30, 10, 10]), np.array([0, 2, 1]))]
    [[10, 10, 30], [1, 2, 0]]
    """
    packed = (time << _BITS) | second
    packed.sort()
    return packed >> _BITS, packed & ((1 << _BITS) - 1)


def stable_order(time: IntArray) -> IntArray:
    """Return the positions that sort times, equal times in the order they came in.

    Parameters
    ----------
    time
        Microseconds, in [0, 2**35).

    Examples
    --------
    >>> stable_order(np.array([30, 10, 20, 10])).tolist()
    [1, 3, 2, 0]
    """
    return sort_pairs(time, np.arange(len(time), dtype=np.int64))[1]
