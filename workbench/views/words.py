"""How numbers and moments are written, everywhere the same: short, with their unit, never ``nan``."""

from __future__ import annotations

import math

import pandas as pd

NOTHING = "–"


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with thousands separated; a dash where there is none.

    Examples
    --------
    >>> number(12345.6), number(0.256, 2), number(float("nan"))
    ('12,346', '0.26', '–')
    """
    return NOTHING if _missing(value) else f"{value:,.{digits}f}"


def short(value: float | None) -> str:
    """Write a number in few characters: three digits, and of whole ones below ten thousand all.

    Examples
    --------
    >>> short(950), short(12_345), short(3_450_000), short(21.37), short(0.2689), short(0.0)
    ('950', '12.3k', '3.45M', '21.4', '0.269', '0')
    """
    if value is None or _missing(value):
        return NOTHING
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size * 9.995 or (unit != "k" and abs(value) >= size):
            scaled = value / size
            return f"{scaled:.{max(0, 2 - math.floor(math.log10(abs(scaled))))}f}{unit}"
    whole = value == round(value) or abs(value) >= 100
    return f"{value:,.0f}" if whole else f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share as percent.

    Examples
    --------
    >>> percent(0.0345), percent(None)
    ('3.5 %', '–')
    """
    return NOTHING if share is None or _missing(share) else f"{share * 100:.{digits}f} %"


def signed(value: float | None, digits: int = 1, unit: str = "") -> str:
    """Write a change with an arrow and a sign, so that colour is not needed to read it.

    Examples
    --------
    >>> signed(2.34, unit=" %"), signed(-0.5), signed(0.0)
    ('▲ +2.3 %', '▼ −0.5', '▬ 0.0')
    """
    if value is None or _missing(value):
        return NOTHING
    size = f"{abs(value):,.{digits}f}{unit}"
    if float(f"{abs(value):.{digits}f}") == 0:
        return f"▬ {size}"
    return f"▲ +{size}" if value > 0 else f"▼ −{size}"


def clock(moment: pd.Timestamp | None) -> str:
    """Write a moment of the day, UTC.

    Examples
    --------
    >>> clock(pd.Timestamp("2026-01-05 09:00:07.9")), clock(None)
    ('09:00:07', '–')
    """
    return NOTHING if moment is None or moment is pd.NaT else f"{moment:%H:%M:%S}"


def seconds(length: pd.Timedelta | float | None) -> str:
    """Write a length of time with one unit or two.

    Examples
    --------
    >>> seconds(pd.Timedelta("1.26s")), seconds(95), seconds(7_300)
    ('1.3 s', '1 min 35 s', '2 h 1 min')
    """
    if length is None or length is pd.NaT:
        return NOTHING
    total = length.total_seconds() if isinstance(length, pd.Timedelta) else float(length)
    if total < 60:
        return f"{total:.1f} s"
    if total < 3600:
        return f"{int(total // 60)} min {int(total % 60)} s"
    return f"{int(total // 3600)} h {int(total % 3600 // 60)} min"


def _missing(value: float | None) -> bool:
    return value is None or bool(pd.isna(value)) or math.isinf(value)
