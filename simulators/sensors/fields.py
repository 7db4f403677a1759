"""Fields: curves over the day and noise over a plane, which many devices share in part."""

import numpy as np

from simulators.processes import FloatArray


def by_hour(values: tuple[float, ...], hours: FloatArray) -> FloatArray:
    """Return a curve over a day, or a week, at some hours; straight between full hours.

    Parameters
    ----------
    values
        The curve at 0, 1, ... hours; after the last it begins again.
    hours
        Hours since the curve began some time; any number, of any shape.

    Examples
    --------
    >>> by_hour((1.0,) * 12 + (3.0,) * 12, np.array([5.0, 11.5, 47.5])).tolist()
    [1.0, 2.0, 2.0]
    """
    curve = np.array([*values, values[0]])
    found: FloatArray = np.interp(np.asarray(hours) % len(values), np.arange(len(curve)), curve)
    return found


def sunflower(count: int, radius: float) -> FloatArray:
    """Return points spread evenly over a disc, as the seeds of a sunflower are (Vogel 1979).

    Parameters
    ----------
    count
        How many.
    radius
        Of the disc, in any unit.

    Returns
    -------
    array of float64
        One row a point: two coordinates from the middle, in the same unit.
    """
    number = np.arange(count)
    distance = radius * np.sqrt((number + 0.5) / count)
    angle = number * np.pi * (3 - np.sqrt(5))
    return np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1)


def kernels(places: FloatArray, knots: FloatArray, width: float) -> FloatArray:
    """Return weights that turn white noise at knots into noise that is alike at places near each other.

    Noise at a place is the sum of independent normal numbers at knots, weighted by a Gaussian kernel
    around the place (Higdon 1998, A process-convolution approach to modelling temperatures in the North
    Atlantic Ocean). Its variance is 1; the correlation falls as exp(-(distance / (2 * width)) ** 2) as long
    as knots are dense for the width.

    Parameters
    ----------
    places, knots
        One row each: two coordinates.
    width
        Standard deviation of the kernel, in the unit of the coordinates.

    Returns
    -------
    array of float64
        One row a place, one column a knot.

    Examples
    --------
    >>> weights = kernels(sunflower(5, 3.0), sunflower(100, 5.0), width=2.0)
    >>> bool(np.allclose((weights**2).sum(axis=1), 1))
    True
    """
    apart = ((places[:, None, :] - knots) ** 2).sum(axis=2)
    near = apart - apart.min(axis=1, keepdims=True)  # a place far from all knots follows its nearest
    weights = np.exp(-near / (2 * width**2))
    unit: FloatArray = weights / np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return unit
