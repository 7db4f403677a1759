"""What blocks are made of: columns, and what is true of some rows."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.ordering import IntArray

Table = dict[str, npt.NDArray[Any]]
"""Columns of equal length: times in microseconds since the start, categories as codes."""

IDS_PER_BLOCK = 10**8
"""Event ids are ``block * IDS_PER_BLOCK + position``, sessions and episodes likewise."""


@dataclass(frozen=True)
class Column:
    """One column of a schema.

    Parameters
    ----------
    name
        The column's name.
    dtype
        Its dtype, spelled as pandas spells it.
    description
        What a value says.
    unit
        The unit of a value; empty for none.
    categories
        All categories, in order, of a column of dtype ``category``.

    Examples
    --------
    >>> Column("temperature", "float64", "Air temperature.", unit="°C").unit
    '°C'
    """

    name: str
    dtype: str
    description: str
    unit: str = ""
    categories: tuple[str, ...] = ()


EVENT_ID = Column("event_id", "int64", "Number of the event, unique, ascending with event time.")
EVENT_TIME = Column("event_time", "datetime64[us]", "When it happened, as the device says; UTC.")
ARRIVAL_TIME = Column("arrival_time", "datetime64[us]", "When it got here; UTC.")


class Truth(NamedTuple):
    """What is true of some rows of a block, which the events themselves do not say."""

    rows: IntArray
    """Positions in the block, ascending, each at most once."""
    kind: npt.NDArray[np.int8]
    """Position of the kind in ``kinds``."""
    episode_id: IntArray
    """The episode that the row belongs to."""


def truth_columns(label: str, kinds: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns of a table of truth."""
    return (
        EVENT_ID,
        Column("label", "category", "What the event belongs to.", categories=(label,)),
        Column("kind", "category", "Which sort of it.", categories=kinds),
        Column("episode_id", "int64", "Number of the episode, unique."),
        Column("true_time", "datetime64[us]", "When it happened in truth, whatever its device says; UTC."),
    )


def frame_of(table: Table, schema: tuple[Column, ...], start: int, *, copy: bool = True) -> pd.DataFrame:
    """Return a block as a frame; times count from ``start``, microseconds since 1970."""

    def values(column: Column) -> Any:
        given = table[column.name]
        if column.dtype == "category":
            return pd.Categorical.from_codes(given, dtype=_categories(column.categories))
        if column.dtype == "datetime64[us]":
            return (given + start).view("datetime64[us]")
        return pd.array(given, dtype=column.dtype) if is_nullable(column.dtype) else given

    return pd.DataFrame({column.name: values(column) for column in schema}, copy=copy)


@lru_cache(maxsize=256)
def is_nullable(dtype: str) -> bool:
    """Say whether pandas keeps what is missing apart from the values, as in ``Int64``."""
    return isinstance(pd.api.types.pandas_dtype(dtype), pd.api.extensions.ExtensionDtype)


@lru_cache(maxsize=256)
def _categories(names: tuple[str, ...]) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(names)
