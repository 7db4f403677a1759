"""Cities: where people live and pay; positions in degrees, and how many people, in millions."""

import numpy as np

from simulators.processes import FloatArray

_CITIES = (
    ("Amsterdam", "NL", 52.37, 4.90, 1.2),
    ("Athens", "GR", 37.98, 23.73, 3.2),
    ("Barcelona", "ES", 41.39, 2.17, 4.8),
    ("Berlin", "DE", 52.52, 13.40, 3.7),
    ("Brussels", "BE", 50.85, 4.35, 2.1),
    ("Budapest", "HU", 47.50, 19.04, 1.8),
    ("Copenhagen", "DK", 55.68, 12.57, 1.4),
    ("Dublin", "IE", 53.35, -6.26, 1.3),
    ("Hamburg", "DE", 53.55, 9.99, 1.9),
    ("Helsinki", "FI", 60.17, 24.94, 1.3),
    ("Lisbon", "PT", 38.72, -9.14, 2.9),
    ("Lyon", "FR", 45.76, 4.84, 1.7),
    ("Madrid", "ES", 40.42, -3.70, 6.6),
    ("Milan", "IT", 45.46, 9.19, 3.2),
    ("Munich", "DE", 48.14, 11.58, 1.5),
    ("Naples", "IT", 40.85, 14.27, 2.2),
    ("Oslo", "NO", 59.91, 10.75, 1.1),
    ("Paris", "FR", 48.86, 2.35, 10.9),
    ("Porto", "PT", 41.15, -8.61, 1.3),
    ("Prague", "CZ", 50.08, 14.44, 1.3),
    ("Rome", "IT", 41.90, 12.50, 4.3),
    ("Stockholm", "SE", 59.33, 18.07, 1.6),
    ("Vienna", "AT", 48.21, 16.37, 1.9),
    ("Warsaw", "PL", 52.23, 21.01, 1.8),
)

CITIES = tuple(name for name, *_ in _CITIES)
COUNTRIES = tuple(sorted({country for _, country, *_ in _CITIES}))
COUNTRY = np.array([COUNTRIES.index(country) for _, country, *_ in _CITIES], np.int8)
"""The country of each city, as its position."""
LATITUDE = np.array([city[2] for city in _CITIES])
LONGITUDE = np.array([city[3] for city in _CITIES])
PEOPLE = np.array([city[4] for city in _CITIES])
PEOPLE /= PEOPLE.sum()


def distance(
    latitude: FloatArray, longitude: FloatArray, other_latitude: FloatArray, other_longitude: FloatArray
) -> FloatArray:
    """Return distances in km; within Europe they are right to a few per cent.

    Examples
    --------
    >>> paris, lyon = CITIES.index("Paris"), CITIES.index("Lyon")
    >>> float(distance(LATITUDE[paris], LONGITUDE[paris], LATITUDE[lyon], LONGITUDE[lyon]).round(-1))
    390.0
    """
    east = (longitude - other_longitude) * np.cos(np.radians((latitude + other_latitude) / 2))
    apart: FloatArray = 111.2 * np.hypot(latitude - other_latitude, east)
    return apart
