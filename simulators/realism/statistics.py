"""Statistics that are asked of more than one family; plain arrays in, one number out."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def autocorrelation(values: FloatArray, lag: int) -> float:
    """Return the correlation of a series with itself, ``lag`` places on.

    Examples
    --------
    >>> autocorrelation(np.array([1.0, -1.0] * 50), 1) < -0.9
    True
    """
    centred = np.asarray(values, dtype=np.float64) - np.mean(values)
    return float(centred[lag:] @ centred[:-lag] / (centred @ centred))


def excess_kurtosis(values: FloatArray) -> float:
    """Return how much heavier the tails are than normal ones, for which it is 0."""
    centred = np.asarray(values, dtype=np.float64) - np.mean(values)
    return float(np.mean(centred**4) / np.mean(centred**2) ** 2 - 3)


def hill(values: FloatArray, share: float = 0.05) -> float:
    """Return the exponent of the tail of absolute values (Hill 1975), from the largest share of them.

    Examples
    --------
    >>> drawn = np.random.default_rng(7).pareto(3.0, 100_000) + 1
    >>> bool(abs(hill(drawn, 0.01) - 3.0) < 0.2)
    True
    """
    largest = np.sort(np.abs(values))[::-1]
    count = max(2, int(len(largest) * share))
    return float(1 / np.mean(np.log(largest[:count] / largest[count])))


def power_law_slope(places: FloatArray, values: FloatArray) -> float:
    """Return the slope of a straight line through logarithms; points that are not positive are left out."""
    some = (np.asarray(places) > 0) & (np.asarray(values) > 0)
    return float(np.polyfit(np.log(np.asarray(places)[some]), np.log(np.asarray(values)[some]), 1)[0])


def dispersion(counts: FloatArray) -> float:
    """Return variance by mean: 1 for a Poisson process, more where events come in bursts."""
    return float(np.var(counts) / np.mean(counts))


def area_under_curve(scores: FloatArray, labels: npt.NDArray[np.bool_]) -> float:
    """Return the probability that a labelled case has a higher score than another; 0.5 is chance.

    Examples
    --------
    >>> area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    _, rank, count = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2  # equal scores share their ranks
    positives = int(labels.sum())
    above = middle[rank][labels].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(labels) - positives)))
