"""Random processes that can be entered anywhere.

A process in time usually needs its own past. These do not: each value is put together from a
handful of random numbers that belong to fixed places in time, so that block one million costs what
block one costs, and always comes out the same.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def layered_noise(
    normals: Callable[[int, int], FloatArray],
    *,
    block: int,
    within: FloatArray,
    spans: tuple[int, ...],
) -> FloatArray:
    """Return slow, continuous, stationary Gaussian noise of variance 1.

    A layer of span s has one normal number every s blocks and fades from each to the next with
    weights cos and sin, whose squares add up to 1; layers of several spans add up to noise with
    long memory ("value noise", Lewis 1989, Algorithms for Solid Noise Synthesis).

    Parameters
    ----------
    normals
        ``normals(layer, cell)`` gives the standard normal numbers, one a series, of one place.
    block
        Index of the block, 0 or more.
    within
        Times within the block, in [0, 1).
    spans
        The spans of the layers, in blocks.

    Returns
    -------
    array of float64
        One row a series, one column a time.

    Examples
    --------
    >>> def normals(layer, cell):
    ...     return np.ones(2)
    >>> flat = layered_noise(normals, block=5, within=np.zeros(3), spans=(5,))
    >>> flat.shape, float(flat[0, 0])
    ((2, 3), 1.0)
    """
    corners, weights = [], []
    for layer, span in enumerate(spans):
        cell, place = divmod(block, span)
        angle = (place + within) / span * (np.pi / 2)
        corners += [normals(layer, cell), normals(layer, cell + 1)]
        weights += [np.cos(angle), np.sin(angle)]
    noise: FloatArray = np.stack(corners, axis=1) @ np.stack(weights)
    noise /= np.sqrt(len(spans))
    return noise


class Step(NamedTuple):
    """One step of several walks at once; arrays with one entry a walk."""

    left: FloatArray
    """The walks at the step's beginning."""
    right: FloatArray
    """The walks at the step's end."""
    variance: FloatArray
    """The variance of this step; 1 on average."""


def multifractal_step(
    normals: Callable[[int, int, int], FloatArray], n: int, *, roughness: float, depth: int
) -> Step:
    """Return the n-th step of random walks whose variance comes in clusters.

    The walk is a Brownian motion in a deformed time: every dyadic interval hands a random part m of
    its variance to its left half and the rest to its right half, and the walk's value in the middle
    is drawn from the bridge between the ends (Levy's construction). Increments are uncorrelated,
    large ones come together, and the tails get lighter with the horizon (Mandelbrot, Fisher and
    Calvet 1997, A Multifractal Model of Asset Returns). Costs O(log n).

    Parameters
    ----------
    normals
        ``normals(level, index, rows)`` gives standard normal numbers of one place, one column a
        walk.
    n
        Index of the step, 1 or more. The walks are 0 at 0.
    roughness
        Standard deviation of the logit of m; 0 is plain Brownian motion.
    depth
        Intervals longer than ``2**depth`` steps are halved evenly, so that the law of the step does
        not change as n grows.

    Examples
    --------
    >>> def normals(level, index, rows):
    ...     return np.random.default_rng([level, index]).standard_normal((rows, 2))
    >>> one = multifractal_step(normals, 1000, roughness=0.8, depth=8)
    >>> two = multifractal_step(normals, 1001, roughness=0.8, depth=8)
    >>> bool(np.allclose(one.right, two.left))
    True
    """
    top = n.bit_length() - 1
    jumps = normals(0, 0, 64)[: top + 2]
    # The walk at 1, 2, 4, ... 2**(top + 1): each doubling adds an independent increment.
    scale = np.sqrt(2.0 ** np.maximum(np.arange(-1, top + 1), 0))
    left, right = np.cumsum(jumps * scale[:, None], axis=0)[-2:]
    variance = np.full(len(left), 2.0**top)
    for level in range(top, 0, -1):
        bend, tilt = normals(level, n >> level, 2)
        part = 1 / (1 + np.exp(roughness * tilt)) if level <= depth else np.full(len(left), 0.5)
        middle = left + part * (right - left) + np.sqrt(variance * part * (1 - part)) * bend
        if n >> (level - 1) & 1:
            left, variance = middle, variance * (1 - part)
        else:
            right, variance = middle, variance * part
    return Step(left, right, variance)
