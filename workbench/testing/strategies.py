"""Hypothesis strategies: tables in arrival order, windows, lateness, bounds, aggregates and cuts.

All moments and durations are multiples of half a second, so that rows often fall exactly on the
edge of a window, of a gap, or of the watermark. Only this module and `laws` import Hypothesis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd

from workbench.model.aggregates import FUNCTIONS, Aggregate
from workbench.model.custom import Custom
from workbench.model.windows import Calendar, Cumulating, Global, Session, Sliding, Tumbling, Window
from workbench.time import SECOND

TICK = SECOND // 2
"""The nanoseconds that every moment and duration is a multiple of."""

NUMERIC = ("v", "n")
OF_ANY = frozenset(
    ("size", "count", "first", "last", "nunique", "mode", "collect", "approx_nunique", "heavy_hitters")
)
"""The aggregates that text has too."""

ARGUMENTS = {
    "": st.none(),
    "share": st.sampled_from((0, 0.25, 0.5, 0.9, 1)),
    "number": st.integers(1, 3),
}
CUSTOMS: Mapping[str, tuple[str | tuple[str, ...], Custom]] = {
    "span": ("v", Custom(lambda v: (v, v), (np.minimum, np.maximum), lambda low, high: high - low)),
    "evens": ("n", Custom(lambda n: n % 2 == 0, np.add, lambda count: count)),
    "heaviest": (("v", "n"), Custom(lambda v, n: (v, n), max, lambda pair: pair[0])),
    "letters": ("s", Custom(frozenset, frozenset.union, len)),
}
"""Aggregates of one's own: by ufuncs, and by functions of objects; of one column and of two."""

EPOCHS = (0, -20, 3_500_000_000)
"""Ticks near which tables begin: 1970, before 1970, and some day in 2025."""

TIME_DTYPES = ("datetime64[ns]", "datetime64[ms]", "datetime64[us, Europe/Berlin]")
KEY_DTYPES = ("str", "category", "int64", "Int64", "float64")


@dataclass(frozen=True)
class Example:
    """A stream, and what is asked of it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in arrival order: event time ``t``, keys ``k`` and ``k2``, and values ``v`` (float64,
        with nulls), ``n`` (int64) and ``s`` (str, with nulls).
    keys : tuple of str
        None, one or two of the key columns.
    window : Tumbling, Sliding or Session
        Where rows are put together.
    lateness, bound : int
        Nanoseconds.
    aggregates : tuple of Aggregate
        The first is the size, named ``rows``.
    cuts : tuple of int
        Where batches begin; may repeat, which makes an empty batch.
    """

    frame: pd.DataFrame
    keys: tuple[str, ...]
    window: Window
    lateness: int
    bound: int
    aggregates: tuple[Aggregate, ...]
    cuts: tuple[int, ...]

    @property
    def question(self) -> dict[str, Any]:
        """The arguments that describe the window operator."""
        return {
            "keys": self.keys,
            "window": self.window,
            "lateness": self.lateness,
            "aggregates": self.aggregates,
        }


def durations(least: int = 0, most: int = 20) -> st.SearchStrategy[int]:
    """Give durations in nanoseconds, from `least` to `most` ticks."""
    return st.integers(least, most).map(lambda ticks: ticks * TICK)


def windows(*, sessions: bool | None = None) -> st.SearchStrategy[Window]:
    """Give windows; sliding ones may have gaps between them.

    Parameters
    ----------
    sessions : bool, optional
        True for sessions only, False for none.
    """
    lengths = durations(1, 16).map(pd.Timedelta)
    offsets = st.integers(-9, 9).map(lambda ticks: f"{ticks * 500}ms")
    zones = st.sampled_from(("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"))
    aligned = st.one_of(
        st.builds(Tumbling, lengths, offset=offsets),
        st.builds(Sliding, lengths, durations(1, 8).map(pd.Timedelta), offset=offsets),
        st.builds(_cumulating, st.integers(1, 4), durations(1, 6), offset=offsets),
        st.builds(Calendar, st.sampled_from(("day", "week", "month")), st.integers(1, 3), tz=zones),
        st.just(Global()),
    )
    gaps = st.builds(Session, durations(1, 8).map(pd.Timedelta), merge_touching=st.booleans())
    if sessions is None:
        return st.one_of(aligned, gaps)
    return gaps if sessions else aligned


def _cumulating(steps: int, step: int, *, offset: str) -> Cumulating:
    return Cumulating(pd.Timedelta(steps * step), pd.Timedelta(step), offset=offset)


@st.composite
def aggregates(draw: st.DrawFn) -> tuple[Aggregate, ...]:
    """Give some aggregates, of which the first is the size, named ``rows``; some are of one's own."""
    known = [name for name, function in FUNCTIONS.items() if function.installed]
    functions = draw(st.lists(st.sampled_from([*known, *CUSTOMS]), unique=True, max_size=4))
    found = [Aggregate("rows", "v", "size")]
    for name in functions:
        if name in CUSTOMS:
            found.append(Aggregate(name, *CUSTOMS[name]))
            continue
        one = draw(st.sampled_from((*NUMERIC, "s") if name in OF_ANY else NUMERIC))
        column = draw(st.permutations(NUMERIC)) if FUNCTIONS[name].columns == 2 else one
        argument = draw(ARGUMENTS[FUNCTIONS[name].argument])
        of = column if isinstance(column, str) else tuple(column)
        found.append(Aggregate(f"{name}_{one}", of, name, argument))
    return tuple(found)


@st.composite
def tables(draw: st.DrawFn, *, most: int = 30) -> pd.DataFrame:
    """Give tables in arrival order, with disorder, duplicates, and nulls in time, key and value.

    Parameters
    ----------
    most : int
        The greatest number of rows, before some are repeated.
    """
    count = draw(st.integers(0, most))
    rows = draw(st.lists(_rows(), min_size=count, max_size=count))
    for position in draw(st.lists(st.integers(0, most), max_size=2)):
        rows = [*rows, *rows[position : position + 1]]
    step, behind, undated, key, second, value, number, word = zip(*rows, strict=True) if rows else [()] * 8
    ticks = draw(st.sampled_from(EPOCHS)) + np.cumsum(step, dtype=np.int64) - np.array(behind, np.int64)
    moments = pd.Series((ticks * TICK).view("datetime64[ns]"))
    moments[np.array(undated, dtype=bool)] = pd.NaT
    shift = draw(st.sampled_from((0.0, 0.0, 1e9)))
    return pd.DataFrame(
        {
            "t": _as_time(moments, draw(st.sampled_from(TIME_DTYPES))),
            "k": _as_key(key, draw(st.sampled_from(KEY_DTYPES))),
            "k2": pd.Series(second, dtype="str"),
            "v": pd.Series(value, dtype="float64") + shift,
            "n": pd.Series(number, dtype="int64"),
            "s": pd.Series(word, dtype="str"),
        }
    )


@st.composite
def crowds(
    draw: st.DrawFn,
    *,
    values: st.SearchStrategy[float | None],
    numbers: st.SearchStrategy[int],
    most: int = 40,
) -> pd.DataFrame:
    """Give tables of few keys and moments, so that rows often meet, to the very tick; columns as `tables`.

    Parameters
    ----------
    values, numbers : strategy
        Of the columns ``v`` and ``n``.
    most : int
        The greatest number of rows.
    """
    steps = st.sampled_from((0, 0, 1, 1, 2, 3))
    behind = st.sampled_from((0, 0, 0, 1, 2, 3, 5, 8))
    keys = st.sampled_from(("a", "a", "a", "a", "b", "b", None))
    count = draw(st.integers(0, most))
    row = st.tuples(steps, behind, keys, values, numbers)
    rows = draw(st.lists(row, min_size=count, max_size=count))
    step, back, key, value, number = zip(*rows, strict=True) if rows else [()] * 5
    ticks = np.cumsum(step, dtype=np.int64) - np.array(back, np.int64)
    return pd.DataFrame(
        {
            "t": (ticks * TICK).view("datetime64[ns]"),
            "k": pd.Series(key, dtype="str"),
            "k2": pd.Series(["x"] * count, dtype="str"),
            "v": pd.Series(value, dtype="float64"),
            "n": pd.Series(number, dtype="int64"),
            "s": pd.Series(["u"] * count, dtype="str"),
        }
    )


def cuts(rows: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Give the positions at which batches begin, for a table of so many rows."""
    return st.lists(st.integers(0, rows), max_size=6).map(lambda found: tuple(sorted(found)))


@st.composite
def examples(
    draw: st.DrawFn, *, sessions: bool | None = None, in_time: bool = False, most: int = 30
) -> Example:
    """Give streams with questions to ask of them.

    Parameters
    ----------
    sessions : bool, optional
        True for sessions only, False for none.
    in_time : bool
        Whether the bound is so great that every row is ahead of the watermark that it meets.
    most : int
        The greatest number of rows, before some are repeated.
    """
    frame = draw(tables(most=most))
    return Example(
        frame=frame,
        keys=draw(st.sampled_from(((), ("k",), ("k",), ("k", "k2"), ("k2",)))),
        window=draw(windows(sessions=sessions)),
        lateness=draw(st.one_of(st.just(0), durations(1, 12))),
        bound=disorder(frame) + TICK if in_time else draw(st.one_of(st.just(0), durations(0, 8))),
        aggregates=draw(aggregates()),
        cuts=draw(cuts(len(frame))),
    )


def disorder(frame: pd.DataFrame) -> int:
    """Give by how many nanoseconds rows come, at most, behind the greatest time before them."""
    moments = frame["t"].dropna()
    behind = (moments.cummax() - moments).max() if len(moments) else pd.Timedelta(0)
    return int(behind.as_unit("ns").value)


def _rows() -> st.SearchStrategy[tuple[Any, ...]]:
    """Give rows as (step ahead, ticks behind, no time?, key, second key, value, number, word)."""
    values = st.integers(-400, 400).map(lambda quarters: quarters / 4)
    return st.tuples(
        st.sampled_from((0, 0, 1, 1, 2, 5, 30)),
        st.sampled_from((0, 0, 0, 1, 2, 4, 9, 20)),
        st.sampled_from((*(False,) * 19, True)),
        st.sampled_from((1, 2, 3, None)),
        st.sampled_from(("x", "y", None)),
        st.one_of(values, values, st.none()),
        st.integers(-1000, 1000),
        st.sampled_from(("a", "b", "c", None)),
    )


def _as_key(values: Sequence[int | None], dtype: str) -> pd.Series:
    if dtype == "int64":
        return pd.Series([value or 0 for value in values], dtype="int64")
    if dtype in ("Int64", "float64"):
        return pd.Series(values, dtype=dtype)
    words = pd.Series([None if value is None else "abcd"[value] for value in values], dtype="str")
    return words.astype(pd.CategoricalDtype(["d", "c", "b", "a"])) if dtype == "category" else words


def _as_time(moments: pd.Series, dtype: str) -> pd.Series:
    if "," not in dtype:
        return moments.astype(dtype)
    zoned = pd.api.types.pandas_dtype(dtype)
    return moments.dt.tz_localize("UTC").dt.tz_convert(zoned.tz).dt.as_unit(zoned.unit)
