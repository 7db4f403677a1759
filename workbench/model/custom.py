"""Aggregates of your own: lift, merge, result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import DescriptionError


@dataclass(frozen=True, repr=False)
class Custom:
    """An aggregate of your own, of one column or of several: used as ``agg(output=("column", custom))``.

    A value is *lifted* to a partial result, partial results are *merged* in any order, and the last one gives
    the *result*. The laws: ``merge(a, merge(b, c))`` is ``merge(merge(a, b), c)``, ``merge(a, b)`` is
    ``merge(b, a)``, and merging changes neither. `workbench.testing.laws.check_aggregate` tries them.

    Parameters
    ----------
    lift : function
        If `merge` is of ufuncs: from the arrays of the columns to one array for each ufunc (or a value, the
        same for all rows). Otherwise: from one value of each column to any object. It never sees a null: rows
        with one are left out.
    merge : numpy ufunc, tuple of ufuncs, or function
        With ufuncs of two arguments, such as ``(np.add, np.maximum)``, everything goes by whole arrays, and
        what is true counts as one where it is added. A function merges two lifted objects; it is called once
        a row, which costs about a microsecond.
    result : function
        With ufuncs: from one array for each to the array of results, an element a group. Otherwise: from one
        object to one result. Of no values at all the result is null, without a call.

    Raises
    ------
    DescriptionError
        If something cannot be called, or a ufunc does not merge two values into one.

    Notes
    -----
    Numbers come as int64 or float64, booleans as bool, moments and durations as ``datetime64`` (UTC) and
    ``timedelta64``, all else as objects. Beam: ``CombineFn``; Flink: ``AggregateFunction``; Spark:
    ``Aggregator``.

    Examples
    --------
    >>> import numpy as np, pandas as pd, workbench as wb
    >>> geometric = wb.Custom(
    ...     lift=lambda v: (np.log(v), 1),
    ...     merge=(np.add, np.add),
    ...     result=lambda logs, count: np.exp(logs / count),
    ... )
    >>> rows = pd.DataFrame({"t": pd.to_datetime([0, 1, 2], unit="s"), "v": [1.0, 10.0, 100.0]})
    >>> stream = wb.stream(rows, time="t", watermark=0).window("1min")
    >>> stream.agg(mean=("v", geometric)).to_pandas()["mean"].round(6).tolist()
    [10.0]

    The same with any object, slowly:

    >>> longest = wb.Custom(lift=str, merge=lambda a, b: max(a, b, key=len), result=len)
    >>> stream.agg(digits=("v", longest)).to_pandas()["digits"].tolist()
    [5]
    """

    lift: Callable[..., Any]
    merge: Callable[..., Any] | tuple[np.ufunc, ...]
    result: Callable[..., Any]

    def __post_init__(self) -> None:
        for what in ("lift", "merge", "result"):
            given = getattr(self, what)
            if not (callable(given) or (what == "merge" and given and isinstance(given, tuple))):
                raise DescriptionError(
                    f"{what} is {given!r}, which cannot be called",
                    hint="write wb.Custom(lift=lambda v: (v, 1), merge=(np.add, np.add), "
                    "result=lambda total, count: total / count)",
                )
        for ufunc in self.ufuncs:
            if not isinstance(ufunc, np.ufunc) or (ufunc.nin, ufunc.nout) != (2, 1):
                raise DescriptionError(
                    f"{ufunc!r} cannot merge two values into one",
                    detail="a tuple holds numpy ufuncs of two arguments, one for each array that lift gives",
                    hint="choose np.add, np.multiply, np.minimum, np.maximum, np.logical_or ...; "
                    "or give one function of two lifted objects",
                )

    @property
    def ufuncs(self) -> tuple[np.ufunc, ...]:
        """The ufuncs that merge; none if a function merges objects."""
        if isinstance(self.merge, tuple):
            return self.merge
        return (self.merge,) if isinstance(self.merge, np.ufunc) else ()

    def __repr__(self) -> str:
        merge = ", ".join(each.__name__ for each in self.ufuncs) or _name(self.merge)
        return f"Custom({_name(self.lift)}, {merge}, {_name(self.result)})"


def _name(function: Any) -> str:
    """Give a name that is the same in every process."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))
