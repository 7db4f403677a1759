"""When a window may be taken as complete: what moves the watermark, and who may hold it back.

Each policy says what a row claims: that nothing older is expected any more. The watermark is the greatest
claim so far, row by row: a row meets what the rows before it have made, whatever the batches. The options are
the same for all of them, see `Watermark`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.columns import require
from workbench.errors import DescriptionError, SchemaError
from workbench.schema import Schema
from workbench.time import Duration, duration, spell


@dataclass(frozen=True, init=False, repr=False)
class Watermark:
    """What all policies have in common: `BoundedOutOfOrderness`, `Ascending` and `Punctuated`.

    Parameters
    ----------
    by : str or list of str
        Columns whose values are partitions: each has a watermark of its own, and the stream's is the least
        of those that are not idle. A partition counts from its first row on; null is one too. Flink has them
        by Kafka partition, or split.
    idle : duration, optional
        How long, in processing time, a partition may be without rows before it does not hold the watermark
        back any more; when it has rows again it counts again, and they may be late. If all are idle the
        watermark is the greatest of theirs. The same goes for the whole stream where it is united with
        others, unless the union says otherwise. Flink: ``withIdleness``.
    max_ahead : duration, optional
        A row whose event time, or mark, is further ahead of its arrival than that is rejected, with the
        reason, and does not move the watermark.
    advance_with_clock : bool
        Whether the watermark moves on with processing time since the row that made it. Bytewax:
        ``EventClock``.
    """

    by: tuple[str, ...]
    idle: int | None
    max_ahead: int | None
    advance_with_clock: bool

    def __init__(
        self,
        *,
        by: str | Sequence[str] = (),
        idle: Duration | None = None,
        max_ahead: Duration | None = None,
        advance_with_clock: bool = False,
    ) -> None:
        if not isinstance(advance_with_clock, bool):
            raise DescriptionError(
                f"advance_with_clock cannot be {advance_with_clock!r}",
                detail="the watermark moves on with processing time, or it does not",
                hint="advance_with_clock=True",
            )
        after = None if idle is None else duration(idle, what="idleness", positive=True)
        ahead = None if max_ahead is None else duration(max_ahead, what="greatest lead over arrival")
        for name, value in (
            ("by", _columns(by)),
            ("idle", after),
            ("max_ahead", ahead),
            ("advance_with_clock", advance_with_clock),
        ):
            object.__setattr__(self, name, value)

    @property
    def heeds_clock(self) -> bool:
        """Whether processing time has a say in what the watermark is."""
        return self.idle is not None or self.advance_with_clock

    @property
    def needs_arrivals(self) -> bool:
        """Whether it matters when a row arrived."""
        return self.heeds_clock or self.max_ahead is not None

    def check(self, schema: Schema) -> None:
        """See that a stream has the columns that the policy looks at.

        Raises
        ------
        SchemaError
            If one is missing, or is of a type that the policy cannot use.
        """
        require(schema.dtypes, self.by, "the partitions of the watermark")

    def __repr__(self) -> str:
        told = [f"by={list(self.by) if len(self.by) > 1 else self.by[0]!r}"] if self.by else []
        lengths = {"idle": self.idle, "max_ahead": self.max_ahead}
        told += [f"{name}={spell(value)!r}" for name, value in lengths.items() if value is not None]
        told += ["advance_with_clock=True"] if self.advance_with_clock else []
        return f"{type(self).__name__}({', '.join([*self._own(), *told])})"

    def _own(self) -> list[str]:
        """Spell the arguments that other policies do not have."""
        return []


@dataclass(frozen=True, init=False, repr=False)
class BoundedOutOfOrderness(Watermark):
    """The watermark is the greatest event time seen minus a bound; it never moves backwards.

    The name is Flink's (``forBoundedOutOfOrderness``); Spark says ``withWatermark``.

    Parameters
    ----------
    bound : duration
        How far behind the greatest event time a row may come without being late; at least zero.
    by, idle, max_ahead, advance_with_clock
        See `Watermark`.

    Attributes
    ----------
    bound : int
        The same in nanoseconds.

    Examples
    --------
    >>> BoundedOutOfOrderness("10s", by="sensor", idle="30s")
    BoundedOutOfOrderness('10s', by='sensor', idle='30s')
    """

    bound: int

    def __init__(
        self,
        bound: Duration,
        *,
        by: str | Sequence[str] = (),
        idle: Duration | None = None,
        max_ahead: Duration | None = None,
        advance_with_clock: bool = False,
    ) -> None:
        object.__setattr__(self, "bound", duration(bound, what="bound of disorder"))
        super().__init__(by=by, idle=idle, max_ahead=max_ahead, advance_with_clock=advance_with_clock)

    def _own(self) -> list[str]:
        return [repr(spell(self.bound))]


@dataclass(frozen=True, init=False, repr=False)
class Ascending(BoundedOutOfOrderness):
    """The watermark is the greatest event time seen: rows come in order, and one that does not may be late.

    A row with the same event time as the one before is in time. Flink: ``forMonotonousTimestamps``.

    Parameters
    ----------
    by, idle, max_ahead, advance_with_clock
        See `Watermark`; with `by`, rows need be in order only within each partition.

    Examples
    --------
    >>> Ascending(by=["site", "sensor"])
    Ascending(by=['site', 'sensor'])
    """

    def __init__(
        self,
        *,
        by: str | Sequence[str] = (),
        idle: Duration | None = None,
        max_ahead: Duration | None = None,
        advance_with_clock: bool = False,
    ) -> None:
        super().__init__(0, by=by, idle=idle, max_ahead=max_ahead, advance_with_clock=advance_with_clock)

    def _own(self) -> list[str]:
        return []


@dataclass(frozen=True, init=False, repr=False)
class Punctuated(Watermark):
    """The rows themselves say what the watermark is: a column holds it, null in most rows.

    A row whose column holds a moment moves the watermark to it, after the row; a lesser one changes nothing,
    and event times move nothing. Flink: ``WatermarkGenerator.onEvent``, and before that
    ``AssignerWithPunctuatedWatermarks``.

    Parameters
    ----------
    column : str
        The datetime column of the marks; naive ones are taken as UTC.
    by, idle, max_ahead, advance_with_clock
        See `Watermark`; with `by`, a mark speaks for its row's partition.

    Examples
    --------
    >>> Punctuated("mark", max_ahead="1h")
    Punctuated('mark', max_ahead='1h')
    """

    column: str

    def __init__(
        self,
        column: str,
        *,
        by: str | Sequence[str] = (),
        idle: Duration | None = None,
        max_ahead: Duration | None = None,
        advance_with_clock: bool = False,
    ) -> None:
        if not isinstance(column, str):
            raise DescriptionError(
                f"the column of the marks cannot be {column!r}",
                detail="a punctuated watermark is read from one column of the rows",
                hint="name it, as in wb.Punctuated('mark')",
            )
        object.__setattr__(self, "column", column)
        super().__init__(by=by, idle=idle, max_ahead=max_ahead, advance_with_clock=advance_with_clock)

    def check(self, schema: Schema) -> None:
        """See that a stream has the columns that the policy looks at."""
        super().check(schema)
        require(schema.dtypes, [self.column], "the marks of the watermark")
        dtype = schema.dtypes[self.column]
        if not pd.api.types.is_datetime64_any_dtype(dtype):
            raise SchemaError(
                f"the column of marks {self.column!r} is {dtype}, not a datetime",
                detail="a mark is the moment that the watermark moves to; most rows have none (NaT)",
                hint="convert it first, as with pandas.to_datetime",
            )

    def _own(self) -> list[str]:
        return [repr(self.column)]


def as_watermark(value: Watermark | Duration) -> Watermark:
    """Take a watermark policy, or a duration for a bound of disorder.

    Examples
    --------
    >>> as_watermark("10s")
    BoundedOutOfOrderness('10s')
    """
    if isinstance(value, type) and issubclass(value, Watermark):
        raise DescriptionError(
            f"the class {value.__name__} was given for a watermark",
            detail="a policy is made from it, with its arguments",
            hint=f"write watermark=wb.{value.__name__}(...)",
        )
    if isinstance(value, Watermark):
        return value
    if value is None:
        raise DescriptionError(
            "the stream has no watermark",
            detail="without one no window can ever close",
            hint="say how far rows may be out of order, as in watermark='10s'",
        )
    return BoundedOutOfOrderness(value)


def _columns(by: str | Sequence[str]) -> tuple[str, ...]:
    columns = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, list | tuple) else (by,)
    if not all(isinstance(name, str) for name in columns) or len(set(columns)) < len(columns):
        raise DescriptionError(
            f"the partitions of a watermark cannot be by {by!r}",
            detail="they are the values of one or several different columns",
            hint="name them, as in by='sensor' or by=['site', 'sensor']",
        )
    return columns
