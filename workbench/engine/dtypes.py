"""Dtypes of columns that are held from batch to batch: one that holds the values of all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def common(one: Any, other: Any) -> Any:
    """Give a dtype that holds the values of both.

    Examples
    --------
    >>> common(np.dtype("int64"), np.dtype("float64")), common(pd.Int64Dtype(), np.dtype("int64"))
    (dtype('float64'), Int64Dtype())
    """
    if one is other or one == other:
        return one
    if isinstance(one, pd.CategoricalDtype) and isinstance(other, pd.CategoricalDtype):
        return pd.CategoricalDtype(one.categories.append(other.categories).unique(), ordered=False)
    if isinstance(one, np.dtype) and isinstance(other, np.dtype) and {one.kind, other.kind} <= set("iuf"):
        return np.result_type(one, other)
    return pd.concat([pd.Series([], dtype=one), pd.Series([], dtype=other)]).dtype


def is_ordered(dtype: Any) -> bool:
    """Tell whether values are categories that come one after the other.

    Examples
    --------
    >>> is_ordered(pd.CategoricalDtype(["low", "high"], ordered=True)), is_ordered(pd.CategoricalDtype(["a"]))
    (True, False)
    """
    return isinstance(dtype, pd.CategoricalDtype) and bool(dtype.ordered)
