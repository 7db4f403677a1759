"""A target and what was measured of it: one line each, and a count at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """One figure beside its limit.

    Parameters
    ----------
    target : str
        Which target it belongs to, such as "1".
    what : str
        What was measured, in a few words.
    value : float
        What was measured; NaN if it could not be, which never holds.
    limit : float
        What it is held against; equal to it holds.
    better : "more" or "less"
        On which side of the limit the value should be.
    unit : str
        Of value and limit, such as "x", "us" or "bytes".
    """

    target: str
    what: str
    value: float
    limit: float
    better: Literal["more", "less"]
    unit: str

    @property
    def holds(self) -> bool:
        return self.value >= self.limit if self.better == "more" else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.better == "more" else "≤"
        verdict = "holds" if self.holds else "FAILS"
        measured = f"{figure(self.value):>9} {sign} {figure(self.limit)} {self.unit}"
        return f"{verdict}  ({self.target}) {self.what:<70} {measured}"


def figure(value: float) -> str:
    """Three digits, no more than a measurement gives."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def tell(checks: Iterable[Check]) -> list[Check]:
    """Print each check as it comes, and how many hold at the end."""
    seen = []
    for check in checks:
        print(check, flush=True)
        seen.append(check)
    passed = sum(check.holds for check in seen)
    print(f"{passed} passed, {len(seen) - passed} failed")
    return seen
