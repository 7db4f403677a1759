"""What of a picture can be told wrong when it is described: options, whole numbers, and what is no number."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from workbench.errors import DescriptionError, SchemaError
from workbench.model.panes import TIMING, WINDOW_END, WINDOW_START
from workbench.model.steps import Aggregated, Apply, Date, Step
from workbench.views.pictures import NUMBERS, Picture

_OF_VALUES: Final = ("first", "last", "min", "max", "mode")
"""Aggregates that are what their column is."""
_LISTS: Final = ("collect", "heavy_hitters")
_SELECTING: Final = ("query", "filter", "assign")
"""Steps that leave the columns alone that they do not name."""


def require_drawable(step: Step, picture: Picture) -> None:
    """See that a picture of a stream can be drawn, as far as is known before there are rows.

    Raises
    ------
    DescriptionError
        If HoloViews has no such option, or something is no number, or less than 1.
    """
    for name in ("last", "most", "bins"):
        count = getattr(picture, name, 1)
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise DescriptionError(f"{name} is {count!r}", hint=f"{name} is a whole number, 1 or more")
    for name in picture.numbers:
        if is_no_number(step, name):
            raise SchemaError(f"{name!r} is no number", hint=NUMBERS)
    if picture.opts:
        _require_options(picture)


def is_no_number(step: Step, column: str) -> bool:
    """Tell whether a column is known to hold words, moments or lists.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "k": ["a"], "v": [1]})
    >>> panes = wb.stream(rows, time="t", watermark=0).groupby("k").window("1min").agg(n=("v", "size"))
    >>> [is_no_number(panes.step, column) for column in ("k", "n", "window_end")]
    [True, False, True]
    """
    match step:
        case Aggregated() if column in (WINDOW_START, WINDOW_END, TIMING):
            return True
        case Aggregated() if column in step.keys:
            return is_no_number(step.upstreams[0], column)
        case Aggregated():
            made = next((each for each in step.aggregates if each.output == column), None)
            if made is None or made.function not in _OF_VALUES:
                return made is not None and made.function in _LISTS
            return is_no_number(step.upstreams[0], str(made.column))
        case Apply(method=method, keywords=keywords) if method in _SELECTING and column not in keywords:
            return is_no_number(step.upstreams[0], column)
        case Date():
            return _is_no_number(step.schema.dtypes.get(column))
        case _:
            return False


def _is_no_number(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return isinstance(dtype, pd.StringDtype) or pd.api.types.is_datetime64_any_dtype(dtype)


def _require_options(picture: Picture) -> None:
    """Let HoloViews say which options it has not, by a picture of nothing."""
    try:
        picture.element(picture.parts(pd.DataFrame()))
    except ValueError as error:
        told, _, similar = str(error).partition(" Similar options are: ")
        wrong = next((name for name in picture.opts if repr(name) in told), None)
        if wrong is None:
            raise
        raise DescriptionError(
            f"plot.{picture.kind} has no option {wrong!r}",
            detail="further keywords are options of HoloViews",
            hint=f"it has {similar.strip('[].')}" if similar else "leave it out",
        ) from None
