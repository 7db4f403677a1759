"""WHEN panes are told beside the watermark, and HOW a pane relates to the one before it.

Triggers are those of the Beam model, after Akidau et al., "The Dataflow Model" (2015), section 2.3. They say
when a window of a key puts out a pane, and have no influence on what its rows come to in the end. Where a
batch brings several reasons to fire, it fires once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast, get_args

from workbench.errors import DescriptionError
from workbench.model.windows import Window
from workbench.time import Duration, duration, spell

ACCUMULATING: Final = "accumulating"
DISCARDING: Final = "discarding"
RETRACTING: Final = "retracting"
ACCUMULATIONS: Final = (ACCUMULATING, DISCARDING, RETRACTING)
"""A pane holds all rows of its window so far; only those since the pane before; or all, and the pane before
is told again as a retraction."""


@dataclass(frozen=True)
class AfterCount:
    """Fires once, when at least `n` rows have come since the last pane."""

    n: int

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise DescriptionError(f"a trigger counts at least one row, but got {self.n!r}")

    def __repr__(self) -> str:
        return f"AfterCount({self.n})"


@dataclass(frozen=True, init=False, repr=False)
class AfterProcessingTime:
    """Fires once, so much processing time after the first row since the last pane.

    Parameters
    ----------
    delay : duration, optional
        How long after that row.
    align : duration, optional
        In place of a delay: at the next moment, after that row, that is a multiple of this since 1970.
    """

    delay: int
    align: int

    def __init__(self, delay: Duration | None = None, *, align: Duration | None = None) -> None:
        if (delay is None) == (align is None):
            raise DescriptionError(
                f"a processing time needs a delay or an alignment, but got delay={delay!r}, align={align!r}",
                hint="write AfterProcessingTime('5s'), or AfterProcessingTime(align='1min')",
            )
        after = 0 if delay is None else duration(delay, what="delay")
        every = 0 if align is None else duration(align, what="alignment", positive=True)
        object.__setattr__(self, "delay", after)
        object.__setattr__(self, "align", every)

    def __repr__(self) -> str:
        said = f"align={spell(self.align)!r}" if self.align else repr(spell(self.delay))
        return f"AfterProcessingTime({said})"


@dataclass(frozen=True, init=False, repr=False)
class ContinuousEventTime:
    """Fires again and again, when the watermark passes a multiple of a duration; with or without new rows.

    The first multiple is the next after the first row of the window. It fires at the end of the window too,
    and for every batch of late rows. Flink's ``ContinuousEventTimeTrigger``.
    """

    every: int

    def __init__(self, every: Duration) -> None:
        object.__setattr__(self, "every", duration(every, what="interval", positive=True))

    def __repr__(self) -> str:
        return f"ContinuousEventTime({spell(self.every)!r})"


@dataclass(frozen=True)
class AfterWatermark:
    """Fires when the watermark passes the end of the window; before and after as two further triggers say.

    Parameters
    ----------
    early : Trigger, optional
        Fires before the end, each time anew.
    late : Trigger or None
        Fires for late rows, each time anew; by default for every batch of them. With None it never fires
        again, so no row may be accepted after the end.
    """

    early: Trigger | None = None
    late: Trigger | None = AfterCount(1)

    def __post_init__(self) -> None:
        for name in ("early", "late"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, as_trigger(given, what=name))


@dataclass(frozen=True)
class AtExpiry:
    """Fires when no row is accepted any more: once, with all rows.

    Spark's append mode, RisingWave's emit on window close, ``suppress`` in Kafka Streams.
    """


@dataclass(frozen=True)
class Repeatedly:
    """Fires whenever another trigger does, which then begins anew."""

    of: Trigger

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", as_trigger(self.of, what="of"))


@dataclass(frozen=True, init=False)
class _Several:
    of: tuple[Trigger, ...]

    def __init__(self, *of: Trigger) -> None:
        if len(of) < 2:
            raise DescriptionError(f"{type(self).__name__} combines several triggers, but got {len(of)}")
        object.__setattr__(self, "of", tuple(as_trigger(each, what="of") for each in of))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.of))})"


@dataclass(frozen=True, init=False, repr=False)
class AfterAny(_Several):
    """Fires when one of several triggers does, until one has finished: once, unless some are repeated.

    With `Repeatedly` among them it is Beam's ``orFinally``: ``AfterAny(Repeatedly(AfterCount(100)),
    AfterWatermark(late=None))`` fires for every hundred rows up to the end.
    """


@dataclass(frozen=True, init=False, repr=False)
class AfterAll(_Several):
    """Fires when all of several triggers would, until all have finished: once, unless some are repeated."""


@dataclass(frozen=True, init=False, repr=False)
class AfterEach(_Several):
    """Fires as the first of several triggers until that has finished, then as the second, and so on."""


Trigger = (
    AfterWatermark
    | AfterCount
    | AfterProcessingTime
    | ContinuousEventTime
    | AtExpiry
    | Repeatedly
    | AfterAny
    | AfterAll
    | AfterEach
)


def finishes(trigger: Trigger) -> bool:
    """Say whether a trigger comes to an end, so that rows after it would never be told.

    Examples
    --------
    >>> finishes(AfterCount(3)), finishes(Repeatedly(AfterCount(3))), finishes(AfterWatermark(late=None))
    (True, False, True)
    """
    match trigger:
        case Repeatedly() | ContinuousEventTime() | AtExpiry():
            return False
        case AfterWatermark(late=late):
            return late is None
        case AfterEach(of=of) | AfterAll(of=of):
            return all(map(finishes, of))
        case AfterAny(of=of):
            return any(map(finishes, of))
        case _:
            return True


def heeds_clock(trigger: Trigger) -> bool:
    """Say whether a trigger looks at processing time.

    Examples
    --------
    >>> heeds_clock(Repeatedly(AfterAny(AfterCount(3), AfterProcessingTime("1s"))))
    True
    """
    match trigger:
        case AfterProcessingTime():
            return True
        case AfterWatermark(early=early, late=late):
            return any(part is not None and heeds_clock(part) for part in (early, late))
        case Repeatedly(of=part):
            return heeds_clock(part)
        case AfterAny(of=of) | AfterAll(of=of) | AfterEach(of=of):
            return any(map(heeds_clock, of))
        case _:
            return False


def as_trigger(value: Trigger | Duration | int, *, what: str) -> Trigger:
    """Take a trigger; a duration for processing time after the first new row; a number for so many rows.

    Raises
    ------
    DescriptionError
        If it is none of these.

    Examples
    --------
    >>> as_trigger("5s", what="early"), as_trigger(100, what="early")
    (AfterProcessingTime('5s'), AfterCount(100))
    """
    if isinstance(value, get_args(Trigger)):
        return cast(Trigger, value)
    if isinstance(value, int) and not isinstance(value, bool):
        return AfterCount(value)
    example = f"{what}='5s' for processing time, {what}=100 for rows, or {what}=AfterCount(100)"
    if what == "trigger":  # of the whole window, where those would lose rows
        example = "trigger=wb.AfterWatermark(early='5s'), or early='5s'"
    if isinstance(value, type) and issubclass(value, get_args(Trigger)):
        raise DescriptionError(
            f"{what} is no trigger: the class {value.__name__}",
            hint=f"make one of it, as in {what}=wb.{value.__name__}(...)",
        )
    try:
        return AfterProcessingTime(value)
    except DescriptionError as error:
        raise DescriptionError(
            f"{what} is no trigger: {value!r}",
            detail=f"it is neither a trigger nor a number of rows, and as a duration: {error.what}",
            hint=f"write {example}",
        ) from error


DEFAULT: Final = AfterWatermark()
"""When the watermark passes the end of the window, and for every batch of late rows."""


def require_lossless(trigger: Trigger, window: Window, lateness: int) -> None:
    """Refuse a trigger after whose end rows could still come, and would never be told.

    Raises
    ------
    DescriptionError
        If it is one.

    Examples
    --------
    >>> from workbench.model.windows import Tumbling
    >>> require_lossless(AfterWatermark(late=None), Tumbling("1min"), lateness=0)
    """
    if not finishes(trigger):
        return
    if isinstance(trigger, AfterWatermark):
        if not lateness:
            return
        raise DescriptionError(
            f"{trigger!r} would lose the late rows of {window!r}",
            detail=f"rows are accepted for {spell(lateness)} after the end, but never told",
            hint="leave out late=None, or the lateness",
        )
    raise DescriptionError(
        f"{trigger!r} would lose rows of {window!r}",
        detail="it fires once; rows that come after that would never be told",
        hint=f"write Repeatedly({trigger!r}), or give it to early= or late=, where it is repeated",
    )
