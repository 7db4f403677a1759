"""How numbers and moments are written, everywhere the same: short, with their unit, never ``nan``."""

from __future__ import annotations

import html
import math
import re

import pandas as pd

NOTHING = "–"
_DAY, _SECOND = pd.Timedelta("1D"), pd.Timedelta("1s")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no XML may hold, not even escaped."""

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


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
    >>> short(950), short(9_999), short(12_345), short(999_950), short(21.37), short(0.2689), short(0.0)
    ('950', '9,999', '12.3k', '1.00M', '21.4', '0.269', '0')
    """
    if value is None or _missing(value):
        return NOTHING
    if round(abs(value)) < 10_000 and (value == round(value) or abs(value) >= 100):
        return f"{value:,.0f}"
    rounded = float(f"{value:.2e}")  # or 999,950 would be 1000k
    size = abs(rounded)
    scale, unit = next((each for each in _UNITS if size >= each[0]), (1.0, ""))
    if size >= 1e3 * _UNITS[0][0]:
        return f"{rounded:.2e}"
    return f"{rounded / scale:.{2 - math.floor(math.log10(size / scale))}f}{unit}"


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


def pattern(length: pd.Timedelta | None) -> str:
    """Give how moments are written where windows are so long: with the date from a day on.

    It is what ``strftime`` and BokehJS know, but for the digits of a second, as in ``%3N``; see `moment`.

    Examples
    --------
    >>> pattern(pd.Timedelta("1min")), pattern(pd.Timedelta("1D")), pattern(pd.Timedelta("50ms"))
    ('%H:%M:%S', '%Y-%m-%d %H:%M', '%H:%M:%S.%3N')
    """
    if length is None or pd.isna(length) or not length:
        return "%H:%M:%S"
    if length >= _DAY:
        return "%Y-%m-%d %H:%M"
    digits = next((digits for digits in (0, 3, 6) if length * 10**digits >= _SECOND), 9)
    return f"%H:%M:%S.%{digits}N" if digits else "%H:%M:%S"


def moment(at: pd.Timestamp | None, length: pd.Timedelta | None = None) -> str:
    """Write a moment where windows are so long: with the date from a day on, parts of a second below one.

    Examples
    --------
    >>> at = pd.Timestamp("2026-01-05 09:00:07.25")
    >>> [moment(at, pd.Timedelta(length)) for length in ("1min", "1D", "50ms")]
    ['09:00:07', '2026-01-05 09:00', '09:00:07.250']
    """
    if at is None or at is pd.NaT:
        return NOTHING
    part = f"{at.microsecond * 1_000 + at.nanosecond:09}"
    return at.strftime(re.sub(r"%(\d)N", lambda digits: part[: int(digits[1])], pattern(length)))


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
    >>> seconds(pd.Timedelta("1.26s")), seconds(95), seconds(7_300), seconds(0.0124), seconds(0)
    ('1.3 s', '1 min 35 s', '2 h 1 min', '12.4 ms', '0.0 s')
    """
    if length is None or length is pd.NaT:
        return NOTHING
    total = length.total_seconds() if isinstance(length, pd.Timedelta) else float(length)
    if 0 < total < 0.1:
        return f"{total * 1e3:.3g} ms"
    if total < 60:
        return f"{total:.1f} s"
    if total < 3600:
        return f"{int(total // 60)} min {int(total % 60)} s"
    return f"{int(total // 3600)} h {int(total % 3600 // 60)} min"


def marked(words: str) -> str:
    r"""Write words as XML and HTML have them, without the characters that no XML may hold.

    Examples
    --------
    >>> marked("<b>\x07"), marked('"')
    ('&lt;b&gt;', '&quot;')
    """
    return html.escape(_CONTROL.sub("", words))


def _missing(value: float | None) -> bool:
    return value is None or bool(pd.isna(value)) or math.isinf(value)
