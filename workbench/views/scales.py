"""Scales of time: from moments to places on a picture, and the ticks beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.time import SECOND, spell

_MINUTE, _HOUR, _DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
_STEPS = (
    *(factor * 10**power for power in range(9) for factor in (1, 2, 5)),
    *(factor * SECOND for factor in (1, 2, 5, 10, 15, 30)),
    *(factor * _MINUTE for factor in (1, 2, 5, 10, 15, 30)),
    *(factor * _HOUR for factor in (1, 2, 3, 6, 12)),
    *(factor * _DAY for factor in (1, 2, 7, 14, 28, 91, 182, 365, 730, 1_825, 3_650)),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """From moments (``low`` to ``high``, nanoseconds) to places (``first`` to ``last``, pixels).

    Examples
    --------
    >>> scale = Scale(0, 100, 10, 60)
    >>> scale(50), scale.within(400)
    (35.0, 60)
    """

    low: int
    high: int
    first: float
    last: float

    def __call__(self, moment: int) -> float:
        """Give the place of a moment, to a tenth."""
        share = (int(moment) - self.low) / (self.high - self.low)
        return round(self.first + share * (self.last - self.first), 1)

    def within(self, moment: int) -> float:
        """Give the place of a moment, or the nearest there is."""
        if moment <= self.low or moment >= self.high:
            return self.first if moment <= self.low else self.last
        return self(moment)

    def many(self, moments: Any) -> npt.NDArray[np.float64]:
        """Give the places of moments."""
        share = (np.asarray(moments, dtype=np.int64) - self.low) / (self.high - self.low)
        places: npt.NDArray[np.float64] = self.first + share * (self.last - self.first)
        return places

    def told(self, zone: Any) -> list[float]:
        """Give it for a page: two places, and their moments in milliseconds of the zone's own clock."""
        ends = [_local(moment, zone).timestamp() * 1e3 for moment in (self.low, self.high)]
        return [self.first, self.last, *ends]


def ticks(scale: Scale, zone: Any, *, most: int, wanted: int = 0) -> list[tuple[float, str]]:
    """Give places and words of round moments.

    Parameters
    ----------
    scale : Scale
        Of the axis.
    zone : time zone or None
        Of the words; None is UTC.
    most : int
        How many there may be.
    wanted : int
        The distance that is preferred, if it fits: the length of a window.

    Examples
    --------
    >>> ticks(Scale(0, 120 * SECOND, 0, 120), None, most=3)
    [(0.0, '00:00'), (60.0, '00:01'), (120.0, '00:02')]
    >>> ticks(Scale(0, SECOND, 0, 10), None, most=3)
    [(0.0, '00.0'), (5.0, '00.5'), (10.0, '01.0')]
    """
    span = scale.high - scale.low
    step = next((each for each in _STEPS if span / each <= most), _STEPS[-1])
    if wanted and 2 <= span / wanted <= 1.6 * most:
        step = wanted
    offset = 0 if zone is None else int(_local(scale.low, zone).value - scale.low)
    first = -(-(scale.low + offset) // step) * step - offset
    moments = range(first, scale.high + 1, step)
    return [(scale(moment), _words(moment, step, zone)) for moment in moments]


def tick(name: str, at: float, y: float, words: str, edge: float) -> list[Any]:
    """Give the words at a tick, in the middle of it; where the edge would cut them, they end at it.

    Examples
    --------
    >>> tick("tick", 500, 9, "09:00:00", 960), tick("tick", 944, 9, "09:00:00", 960)
    (['text', 'tick middle', 500, 9, '09:00:00'], ['text', 'tick end', 959, 9, '09:00:00'])
    """
    fits = at + 3.3 * len(words) < edge
    return ["text", f"{name} middle" if fits else f"{name} end", at if fits else edge - 1, y, words]


def length_ticks(scale: Scale, *, most: int) -> list[tuple[float, str]]:
    """Give places and words of round lengths of time.

    Examples
    --------
    >>> length_ticks(Scale(0, 40 * SECOND, 0, 40), most=3)
    [(0.0, '0s'), (15.0, '15s'), (30.0, '30s')]
    """
    step = next((each for each in _STEPS if (scale.high - scale.low) / each <= most), _STEPS[-1])
    return [(scale(length), spell(length)) for length in range(scale.low, scale.high + 1, step)]


def _local(moment: int, zone: Any) -> pd.Timestamp:
    """Give what a clock of the zone shows, as a naive moment."""
    at = pd.Timestamp(moment, unit="ns", tz="UTC")
    return at.tz_convert(zone).tz_localize(None) if zone is not None else at.tz_localize(None)


def _words(moment: int, step: int, zone: Any) -> str:
    at = _local(moment, zone)
    if step >= _DAY:
        return f"{at:%d %b}" if step < 300 * _DAY else f"{at:%b %Y}"
    if step >= _MINUTE and step % _MINUTE == 0:
        return f"{at:%H:%M}" if at.hour or at.minute or step < _HOUR else f"{at:%d %b}"
    digits = next(digits for digits in range(10) if step * 10**digits % SECOND == 0)
    part = f"{at.microsecond * 1_000 + at.nanosecond:09}"[:digits]
    return f"{at:%S}.{part}" if digits else f"{at:%H:%M:%S}"
