"""Joins of a stream with another, or with a table, described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from workbench.errors import DescriptionError
from workbench.model.panes import WINDOW_END, WINDOW_START
from workbench.model.rooms import room
from workbench.model.steps import Columns, Step, step_of
from workbench.model.windows import Window, as_window
from workbench.time import Duration, duration, signed_duration, spell

if TYPE_CHECKING:
    from workbench.model.stream import EventStream

SUFFIXES = ("", "_right")


class _Stream(Protocol):
    """What the joins need of a stream."""

    step: Step

    @property
    def columns(self) -> Columns: ...

    def _operate(self, kind: str, *others: EventStream, **described: Any) -> EventStream: ...


class Joins:
    """The joins of an `EventStream`.

    Rows without a partner are told where `how` asks for their side: ``inner``, ``left``, ``right``,
    ``outer``; ``semi`` gives left rows that have a partner, ``anti`` those that have none. A null key matches
    nothing, as in SQL; with ``null_keys="equal"`` it matches another null, as in pandas. What both sides
    have, keys aside, gets a suffix. Rows that come too late, of either side, are in ``.late``.
    """

    def interval_join(
        self: _Stream,
        other: EventStream,
        *,
        on: str | Sequence[str] = (),
        lower: Duration | None = None,
        upper: Duration | None = None,
        how: str = "inner",
        lateness: Duration = 0,
        null_keys: str = "unmatched",
        suffixes: tuple[str, str] = SUFFIXES,
    ) -> EventStream:
        """Join rows of equal keys whose times lie close: right time less left time in ``[lower, upper]``.

        Flink: ``intervalJoin``; Spark: stream-stream join with a time constraint; Kafka Streams: ``join``
        with ``JoinWindows``. See `workbench.engine.joins.IntervalJoin` for order, dtypes and state.

        Parameters
        ----------
        other : EventStream
            The right side.
        on : str or list of str
            Key columns that both have; none lets all rows meet.
        lower, upper : duration, optional
            Bounds of either sign, inclusive; at least one. Without one, one side is held until the end.
        how, null_keys, suffixes
            See `Joins`.
        lateness : duration
            How far, behind the least of the two watermarks, a row is still taken.

        Examples
        --------
        >>> import pandas as pd, workbench as wb
        >>> views = pd.DataFrame({"t": pd.to_datetime([0, 60], unit="s"), "user": ["a", "b"], "page": [1, 2]})
        >>> buys = pd.DataFrame({"t": pd.to_datetime([5, 90], unit="s"), "user": ["a", "b"], "paid": [9, 7]})
        >>> views, buys = (wb.stream(one, time="t", watermark=0) for one in (views, buys))
        >>> joined = views.interval_join(buys, on="user", lower=0, upper="10s", how="left")
        >>> joined.to_pandas()[["user", "page", "paid"]]
          user  page  paid
        0    a     1     9
        1    b     2  <NA>
        """
        keys = names(on)
        least, most = _interval(lower, upper)
        return self._operate(
            "interval_join",
            other,
            after=_after(self, other, keys, suffixes, how),
            keys=keys,
            lower=least,
            upper=most,
            how=how,
            lateness=duration(lateness, what="lateness"),
            null_keys=null_keys,
            suffixes=suffixes,
        )

    def window_join(
        self: _Stream,
        other: EventStream,
        window: Window | Duration,
        *,
        on: str | Sequence[str] = (),
        how: str = "inner",
        lateness: Duration = 0,
        null_keys: str = "unmatched",
        suffixes: tuple[str, str] = SUFFIXES,
    ) -> EventStream:
        """Join rows of equal keys in the same window, once it has closed for both.

        Flink: window join; Beam: ``CoGroupByKey``. See `workbench.engine.windowjoin.WindowJoin`.

        Parameters
        ----------
        other : EventStream
            The right side.
        window : Window or duration
            Any window but `workbench.Count`; joined rows begin with ``window_start`` and ``window_end``.
        on, how, lateness, null_keys, suffixes
            See `interval_join`.
        """
        keys = names(on)
        after = _after(self, other, keys, suffixes, how)
        return self._operate(
            "window_join",
            other,
            after=None if after is None else (WINDOW_START, WINDOW_END, *after),
            ports=("late", "rejected"),
            keys=keys,
            window=as_window(window),
            how=how,
            lateness=duration(lateness, what="lateness"),
            null_keys=null_keys,
            suffixes=suffixes,
        )

    def asof_join(
        self: _Stream,
        other: EventStream,
        *,
        on: str | Sequence[str] = (),
        direction: str = "backward",
        tolerance: Duration | None = None,
        allow_exact_matches: bool = True,
        how: str = "left",
        lateness: Duration = 0,
        null_keys: str = "unmatched",
        suffixes: tuple[str, str] = SUFFIXES,
    ) -> EventStream:
        """Join each row with one row of the other stream: the last before it, the next, or the nearest.

        pandas: ``merge_asof``; Flink: temporal join with a versioned table (``backward``). Exact in event
        time: a row is answered when the other stream's watermark proves that its answer is final. See
        `workbench.engine.asof.AsofJoin`.

        Parameters
        ----------
        other : EventStream
            Versions, prices, states: what was valid when.
        direction : str
            ``backward``, ``forward`` or ``nearest``.
        tolerance : duration, optional
            The greatest distance, inclusive.
        allow_exact_matches : bool
            Whether a row of the very same time may be chosen.
        on, how, lateness, null_keys, suffixes
            See `interval_join`; ``how`` is ``left`` or ``inner``.
        """
        keys = names(on)
        return self._operate(
            "asof_join",
            other,
            after=joined(self, other, keys, suffixes),
            keys=keys,
            direction=direction,
            tolerance=None if tolerance is None else duration(tolerance, what="tolerance"),
            allow_exact=allow_exact_matches,
            how=how,
            lateness=duration(lateness, what="lateness"),
            null_keys=null_keys,
            suffixes=suffixes,
        )

    def lookup_join(
        self: _Stream,
        table: Any,
        *,
        on: str | Sequence[str] = (),
        how: str = "left",
        null_keys: str = "unmatched",
        suffixes: tuple[str, str] = SUFFIXES,
    ) -> EventStream:
        """Put the columns of a table beside each row, by key.

        Flink: lookup join; Spark: stream-static join; pandas: ``merge(validate="many_to_one")``. The table is
        taken as it is when a batch comes: processing time, unlike `asof_join`.

        Parameters
        ----------
        table : pandas.DataFrame or workbench.Lookup
            At most one row a key. A `workbench.Lookup` can be replaced while runs go on.
        on : str or list of str
            Key columns; those of a `workbench.Lookup` by default.
        how : str
            ``left``, or ``inner``, which puts rows without a match into ``.unmatched``.
        null_keys, suffixes
            See `Joins`.
        """
        held = table
        if isinstance(table, pd.DataFrame):
            if not names(on):
                raise DescriptionError("a lookup join without keys", hint="name them, as in on='country'")
            held = room("engine.lookup", "Lookup")(table, names(on))
        if not hasattr(held, "table"):
            raise DescriptionError(
                f"a lookup join looks into a table, but got {type(table).__name__}",
                hint="give a pandas.DataFrame, or a workbench.Lookup to replace it while runs go on",
            )
        before = self.columns
        after = before
        if before is not None:
            mine, theirs = suffixed(before, [*held.table.columns], held.keys, suffixes)
            after = (*mine.values(), *theirs.values())
        return self._operate(
            "lookup_join",
            after=after,
            ports=("unmatched",) if how == "inner" else (),
            table=held,
            keys=names(on),
            how=how,
            null_keys=null_keys,
            suffixes=suffixes,
        )


def _after(
    one: _Stream, other: EventStream, keys: tuple[str, ...], suffixes: tuple[str, str], how: str
) -> Columns:
    """Give the columns that come out, where they are known; of a ``semi`` or ``anti`` join the left ones."""
    both = joined(one, other, keys, suffixes)
    return one.columns if how in ("semi", "anti") else both


def _interval(lower: Duration | None, upper: Duration | None) -> tuple[int | None, int | None]:
    """Give the bounds of an interval in nanoseconds.

    Raises
    ------
    DescriptionError
        If there are none, or nothing lies between them.
    """
    least = None if lower is None else signed_duration(lower, what="lower bound")
    most = None if upper is None else signed_duration(upper, what="upper bound")
    if least is None and most is None:
        raise DescriptionError(
            "an interval without bounds",
            detail="every row of one side would match every row of the other, and be held for ever",
            hint="give lower, upper or both, as in lower='-5s', upper='10s'",
        )
    if least is not None and most is not None and least > most:
        raise DescriptionError(
            f"no difference lies between a lower bound of {spell(least)} and an upper bound of {spell(most)}",
            detail="the interval is that of right time less left time",
            hint="exchange the bounds",
        )
    return least, most


def names(on: str | Sequence[str]) -> tuple[str, ...]:
    """Give column names as a tuple, of one name or several."""
    keys = (on,) if isinstance(on, str) else tuple(on)
    if len(set(keys)) < len(keys):
        raise DescriptionError(f"a key column is named twice: {keys!r}")
    return keys


def joined(left: _Stream, right: EventStream, keys: Sequence[str], suffixes: tuple[str, str]) -> Columns:
    """Give the columns of a join, as far as both sides' are known."""
    step_of(right, "a join")
    if left.columns is None or right.columns is None:
        return None
    mine, theirs = suffixed(left.columns, right.columns, keys, suffixes)
    return (*mine.values(), *theirs.values())


def suffixed(
    left: Sequence[str], right: Sequence[str], keys: Sequence[str], suffixes: tuple[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Name the columns of two sides: keys once, and what both have with a suffix each, as pandas does.

    Raises
    ------
    DescriptionError
        If two would have one name.

    Examples
    --------
    >>> suffixed(["k", "v", "a"], ["k", "v", "b"], ["k"], ("", "_right"))
    ({'k': 'k', 'v': 'v', 'a': 'a'}, {'v': 'v_right', 'b': 'b'})
    """
    if isinstance(suffixes, str) or len(suffixes) != 2:
        raise DescriptionError(
            f"the suffixes are two, one of each side, but are {suffixes!r}", hint="suffixes=('', '_right')"
        )
    both = (set(left) & set(right)) - set(keys)
    mine = {name: f"{name}{suffixes[0]}" if name in both else name for name in left}
    theirs = {name: f"{name}{suffixes[1]}" if name in both else name for name in right if name not in keys}
    after = Counter([*mine.values(), *theirs.values()])
    if clash := sorted(str(name) for name, often in after.items() if often > 1):
        raise DescriptionError(
            f"both sides have columns {clash} after suffixes {suffixes!r}",
            hint="choose other suffixes, or rename columns before",
        )
    return mine, theirs
