"""When a window may be taken as complete: how far a source's rows may be out of order."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import DescriptionError
from workbench.time import Duration, duration, spell


@dataclass(frozen=True, init=False, repr=False)
class BoundedOutOfOrderness:
    """The watermark is the greatest event time seen minus a bound; it never moves backwards.

    It moves row by row: a row meets the watermark that the rows before it have made, whatever the batches.
    The name is Flink's; Spark says ``withWatermark``.

    Parameters
    ----------
    bound : duration
        How far behind the greatest event time a row may come without being late; at least zero.

    Attributes
    ----------
    bound : int
        The same in nanoseconds.

    Examples
    --------
    >>> BoundedOutOfOrderness("10s")
    BoundedOutOfOrderness('10s')
    """

    bound: int

    def __init__(self, bound: Duration) -> None:
        object.__setattr__(self, "bound", duration(bound, what="bound of disorder"))

    def __repr__(self) -> str:
        return f"BoundedOutOfOrderness({spell(self.bound)!r})"


def as_watermark(value: BoundedOutOfOrderness | Duration) -> BoundedOutOfOrderness:
    """Take a watermark policy, or a duration for a bound of disorder.

    Examples
    --------
    >>> as_watermark("10s")
    BoundedOutOfOrderness('10s')
    """
    if isinstance(value, BoundedOutOfOrderness):
        return value
    if value is None:
        raise DescriptionError(
            "the stream has no watermark",
            detail="without one no window can ever close",
            hint="say how far rows may be out of order, as in watermark='10s'",
        )
    return BoundedOutOfOrderness(value)
