"""Boosting: a good classifier in a few lines, to find out how hard a stream is to classify."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.realism.statistics import FloatArray

_BINS = 32
_PRIOR = 1.0
"""Weight of the belief that a leaf changes nothing."""


class Leaf(NamedTuple):
    """Four leaves over two questions, the second asked on both sides of the first."""

    features: tuple[int, int, int]
    cuts: tuple[int, int, int]
    scores: FloatArray


class Booster(NamedTuple):
    """Trees of two levels that are added up."""

    edges: FloatArray
    trees: list[Leaf]

    def scores(self, features: FloatArray) -> FloatArray:
        """Return how likely each row is a case: the larger the likelier."""
        binned = _binned(features, self.edges)
        total = np.zeros(len(features))
        for tree in self.trees:
            total += tree.scores[_leaves(binned, tree)]
        return total


def boosted(features: FloatArray, labels: npt.NDArray[np.bool_], *, rounds: int = 60) -> Booster:
    """Return gradient-boosted trees of two levels (Friedman 2001, Greedy Function Approximation).

    Parameters
    ----------
    features
        One row a case, one column a feature.
    labels
        Which rows are what is looked for.
    rounds
        How many trees.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> features = rng.standard_normal((2000, 3))
    >>> labels = features[:, 0] * features[:, 1] > 0
    >>> scores = boosted(features, labels).scores(features)
    >>> bool(scores[labels].mean() > scores[~labels].mean() + 1)
    True
    """
    edges = np.quantile(features, np.linspace(0, 1, _BINS + 1)[1:-1], axis=0).T
    binned = _binned(features, edges)
    score, trees = np.zeros(len(features)), []
    for _ in range(rounds):
        likely = 1 / (1 + np.exp(-score))
        tree = _grown(binned, labels - likely, likely * (1 - likely))
        score += tree.scores[_leaves(binned, tree)]
        trees.append(tree)
    return Booster(edges, trees)


def _binned(features: FloatArray, edges: FloatArray) -> npt.NDArray[np.int64]:
    """Return the bin of each value, one row a feature."""
    rows = zip(edges, features.T, strict=True)
    return np.stack([np.searchsorted(edge, column, side="right") for edge, column in rows])


def _grown(binned: npt.NDArray[np.int64], gradient: FloatArray, weight: FloatArray) -> Leaf:
    """Return the tree that goes along the gradient."""
    first = _split(binned, gradient, weight, np.ones(len(gradient), np.bool_))
    right = binned[first[0]] > first[1]
    left = _split(binned, gradient, weight, ~right)
    other = _split(binned, gradient, weight, right)
    tree = Leaf((first[0], left[0], other[0]), (first[1], left[1], other[1]), np.zeros(4))
    leaf = _leaves(binned, tree)
    sums = [np.bincount(leaf, values, 4) for values in (gradient, weight)]
    return tree._replace(scores=0.2 * sums[0] / (sums[1] + _PRIOR))


def _split(
    binned: npt.NDArray[np.int64], gradient: FloatArray, weight: FloatArray, inside: npt.NDArray[np.bool_]
) -> tuple[int, int]:
    """Return the feature and the bin that divide some rows best."""
    rows = np.flatnonzero(inside)
    count = len(binned)
    cells = (binned[:, rows] + _BINS * np.arange(count)[:, None]).ravel()
    sums = [
        np.bincount(cells, np.tile(values[rows], count), count * _BINS).reshape(count, _BINS).cumsum(axis=1)
        for values in (gradient, weight)
    ]
    gains = np.zeros((count, _BINS))
    for slope, mass in ((sums[0], sums[1]), (sums[0][:, -1:] - sums[0], sums[1][:, -1:] - sums[1])):
        gains += slope**2 / (mass + _PRIOR)
    feature, cut = np.unravel_index(gains[:, :-1].argmax(), gains[:, :-1].shape)
    return int(feature), int(cut)


def _leaves(binned: npt.NDArray[np.int64], tree: Leaf) -> npt.NDArray[np.int64]:
    first = binned[tree.features[0]] > tree.cuts[0]
    second = np.where(first, binned[tree.features[2]] > tree.cuts[2], binned[tree.features[1]] > tree.cuts[1])
    leaf: npt.NDArray[np.int64] = 2 * first.astype(np.int64) + second
    return leaf
