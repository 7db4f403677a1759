"""Queues: how many lots wait at each price, after each of many events, all at once.

A queue that is never negative is a walk that is pushed up wherever it would fall below zero
(Skorokhod 1961), and that needs no loop: the walk less its smallest value so far.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

EVERYTHING = 2**24
"""Lots to take from a queue to empty it whatever waits there."""

_CHUNK = 8192


def reflected(queue: npt.NDArray[Any], lots: npt.NDArray[Any], first: IntArray) -> tuple[IntArray, IntArray]:
    """Return by how much each event changes its queue, and how long the queue is then.

    Parameters
    ----------
    queue
        The queue of each event, in [0, len(first)); events in the order of time.
    lots
        Lots that come, or go if negative; never more go than are there.
    first
        Lots in each queue before the first event.

    Examples
    --------
    >>> change, depth = reflected(np.array([0, 1, 0]), np.array([-3, 2, 4]), np.array([2, 5]))
    >>> change.tolist(), depth.tolist()
    ([-2, 2, 4], [0, 7, 4])
    """
    every = np.arange(len(first))
    # Each queue begins by being emptied, which cuts it off from the one before, and filled.
    dtype = np.int16 if len(first) < 2**15 else np.int32
    order = np.argsort(np.concatenate([every, every, queue]).astype(dtype), kind="stable")
    steps = np.concatenate([np.full(len(first), -EVERYTHING), first, lots])
    walk = np.cumsum(steps[order])
    walk -= np.minimum.accumulate(walk)
    change, depth = np.empty_like(walk), np.empty_like(walk)
    depth[order] = walk
    change[order] = np.diff(walk, prepend=0)
    return change[2 * len(first) :], depth[2 * len(first) :]


class Best(NamedTuple):
    """The best quotes after each event; positions of levels, and lots there."""

    bid: IntArray
    bid_lots: IntArray
    ask: IntArray
    ask_lots: IntArray


def best(level: IntArray, change: IntArray, middle: IntArray, first: IntArray) -> Best:
    """Return the best quotes of one book after each event.

    Parameters
    ----------
    level
        The level of each event, in [0, len(first)), in the order of time.
    change
        Lots that come to it, or go if negative.
    middle
        Bids wait at levels up to here, asks above; on both sides somebody always waits.
    first
        Lots at each level before the first event.

    Examples
    --------
    >>> found = best(np.array([2, 1]), np.array([-4, -3]), np.array([1, 1]), np.array([9, 3, 4, 7]))
    >>> found.bid.tolist(), found.ask.tolist()
    ([1, 0], [3, 3])
    """
    found = Best(*(np.empty(len(level), np.int64) for _ in range(4)))
    lots = first.astype(np.int32)
    for begin in range(0, len(level), _CHUNK):
        here = slice(begin, begin + _CHUNK)
        lots = _chunk(level[here], change[here], middle[here], lots, Best(*(part[here] for part in found)))
    return found


def _chunk(
    level: IntArray, change: IntArray, middle: IntArray, first: npt.NDArray[np.int32], found: Best
) -> npt.NDArray[np.int32]:
    """Fill in the best quotes of a few thousand events, and return the book after them."""
    width = len(first)
    depth = np.zeros((len(level), width), np.int32)
    flat = depth.ravel()
    begins = np.arange(0, len(flat), width)
    flat[begins + level] = change
    depth[0] += first
    np.cumsum(depth, axis=0, out=depth)
    places = np.arange(width)
    sides = ((found.bid, found.bid_lots, middle), (found.ask, found.ask_lots, middle + 1))
    for side, (at, lots, nearest) in enumerate(sides):
        at[:] = nearest
        lots[:] = flat[begins + nearest]
        bare = np.flatnonzero(lots == 0)
        there, own = depth[bare] > 0, middle[bare, None]
        if side:
            at[bare] = (there & (places > own)).argmax(axis=1)
        else:
            at[bare] = width - 1 - (there & (places <= own))[:, ::-1].argmax(axis=1)
        lots[bare] = flat[begins[bare] + at[bare]]
    after: npt.NDArray[np.int32] = depth[-1].copy()
    return after
