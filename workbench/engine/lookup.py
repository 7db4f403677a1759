"""LookupJoin: beside each row what a table has for its key; process(batch) -> frame, unmatched.

No state: the table is as it is when the row comes, and may be replaced while a run goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import require
from workbench.engine.progress import Stamp
from workbench.engine.rows import RowStore
from workbench.engine.sides import EQUAL, INNER, UNMATCHED, choose
from workbench.engine.state import VERSION, check_snapshot
from workbench.errors import DescriptionError, SchemaError
from workbench.model.joins import suffixed

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LookedUp:
    """What comes of a batch; all rows in order of arrival, with their arrival numbers.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows, with the columns of the table beside theirs.
    unmatched : pandas.DataFrame
        The rows that are left out for want of a match; none with ``how="left"``.
    stamp : Stamp
        That of the batch: the rows keep their numbers.
    """

    frame: pd.DataFrame
    unmatched: pd.DataFrame
    stamp: Stamp


class Lookup:
    """A table with one row for each key, which may be replaced while streams look things up in it.

    Parameters
    ----------
    table : pandas.DataFrame
        Key columns and others, in any order of rows. It is copied.
    keys : sequence of str
        Key columns, at least one.

    Raises
    ------
    DescriptionError
        If two rows have the same key.
    SchemaError
        If a key column is missing.

    Examples
    --------
    >>> lookup = Lookup(pd.DataFrame({"country": ["FR", "US"], "vat": [0.2, 0.0]}), keys=["country"])
    >>> lookup.replace(pd.DataFrame({"country": ["FR", "US"], "vat": [0.25, 0.0]}))
    >>> lookup.table["vat"].tolist(), lookup.version
    ([0.25, 0.0], 2)
    """

    def __init__(self, table: pd.DataFrame, keys: Sequence[str]) -> None:
        if not keys:
            raise DescriptionError("a lookup without keys", hint="give keys=['country']")
        self.keys = tuple(keys)
        self.version = 1
        self._held = _Held(table.copy(), self.keys)

    @property
    def table(self) -> pd.DataFrame:
        """The table as it is now."""
        return self._held.table

    @property
    def held(self) -> _Held:
        """The table as it is now, ready to be searched."""
        return self._held

    def replace(self, table: pd.DataFrame) -> None:
        """Put another table in place of this one; batches that come after find that.

        Raises
        ------
        DescriptionError
            If two rows have the same key; the table stays as it is.
        SchemaError
            If it has not the columns of the first, or not in their dtypes; the table stays as it is.
        """
        have, new = [*self.table.columns], [*table.columns]
        if {*have} != {*new}:
            raise SchemaError(
                f"the table has the columns {have}, but the new one {new}",
                detail="what is joined keeps its columns as long as a run goes on",
                hint="give it the same columns",
            )
        try:
            table = table[have].astype(self.table.dtypes.to_dict())
        except (TypeError, ValueError) as error:
            raise SchemaError(
                f"the new table has other dtypes: {error}",
                detail="what is joined keeps its dtypes as long as a run goes on",
            ) from None
        self._held = _Held(table, self.keys)
        self.version += 1


class _Held:
    """A table that rows can be found in by key."""

    def __init__(self, table: pd.DataFrame, keys: tuple[str, ...]) -> None:
        require(table.columns, keys, "the keys of a table")
        again = table.duplicated([*keys])
        if again.any():
            key = table.loc[again, [*keys]].iloc[0].to_dict()
            raise DescriptionError(
                f"the table has more than one row of the key {key}",
                detail="each row of the stream takes the columns of one row of the table",
                hint="drop_duplicates, or join a stream of changes with .asof_join",
            )
        self.table, self.keys = table, keys
        self.store = RowStore()
        self.store.add(table)  # a row's slot is its position
        self._index = _index(table, keys)

    def find(self, frame: pd.DataFrame) -> Ints:
        """Give the position of the row of each key, -1 where there is none; null is found where null is."""
        for name in self.keys:
            _check_alike(name, frame[name].dtype, self.table[name].dtype)
        return np.asarray(self._index.get_indexer(_index(frame, self.keys)), dtype=np.int64)


class LookupJoin:
    """Enriches each row with the row of its key in a table.

    Known as lookup join in Flink SQL (``FOR SYSTEM_TIME AS OF proctime``), stream-static join in Spark, side
    input or enrichment transform in Beam, ``merge(validate="many_to_one")`` in pandas.

    The table is taken as it is when a batch comes: by processing time. As long as it is never replaced, the
    result depends on the rows only. Once it is, when rows come decides what they find, and a run that is
    played again may find otherwise. Where what a row finds must depend on event time, give the changes as a
    stream of their own to `AsofJoin`.

    Parameters
    ----------
    table : pandas.DataFrame or Lookup
        At most one row for each key. A frame stays as it is now; a `Lookup` can be replaced.
    keys : sequence of str
        Key columns, the same on both sides; those of a `Lookup` by default.
    how : str
        ``left`` tells rows without a match with nulls, ``inner`` sets them aside.
    null_keys : str
        ``unmatched``: a null key matches nothing, as in SQL, Flink and Spark; ``equal``: it matches a null
        key of the table, as in pandas.
    suffixes : tuple of str
        For names that both sides have, as in ``pandas.merge``.

    Notes
    -----
    A batch costs a hash look-up a row and the taking of the columns. No state; the table is no part of
    snapshots. With ``left``, the table's integers become ``Int64`` and the like, booleans ``boolean``, so
    that all batches have the same dtypes.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> countries = pd.DataFrame({"country": ["FR", "US"], "vat": [20, 0]})
    >>> join = LookupJoin(table=countries, keys=["country"])
    >>> frame = pd.DataFrame({"country": ["US", "XX"], "amount": [5, 7]}, index=pd.RangeIndex(1, 3))
    >>> join.process(frame, Progress(bound=0).stamp(np.array([1, 2]))).frame
      country  amount   vat
    1      US       5     0
    2      XX       7  <NA>
    """

    size = 0
    """No state."""

    def __init__(
        self,
        *,
        table: pd.DataFrame | Lookup,
        keys: Sequence[str] = (),
        how: str = "left",
        null_keys: str = UNMATCHED,
        suffixes: tuple[str, str] = ("", "_right"),
    ) -> None:
        choose("how", how, ("left", INNER))
        choose("null_keys", null_keys, (UNMATCHED, EQUAL))
        self.lookup = table if isinstance(table, Lookup) else Lookup(table, keys)
        if keys and tuple(keys) != self.lookup.keys:
            raise DescriptionError(f"the lookup is by {self.lookup.keys}, not by {tuple(keys)}")
        self.how, self.null_keys, self.suffixes = how, null_keys, suffixes
        self._described = repr((self.lookup.keys, how, null_keys, suffixes))

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> LookedUp:
        """Take a batch, whose index holds arrival numbers of the stamp.

        Raises
        ------
        SchemaError
            If a key column is missing, or cannot be compared with that of the table.
        """
        if not len(frame.columns):
            return LookedUp(frame, frame, stamp)
        held, keys = self.lookup.held, self.lookup.keys
        require(frame.columns, keys, "the keys of a lookup")
        slots = held.find(frame)
        if self.null_keys == UNMATCHED:
            slots[frame[[*keys]].isna().any(axis=1).to_numpy()] = -1
        lacking = slots < 0
        unmatched = frame[:0]
        if self.how == INNER and lacking.any():
            frame, unmatched, slots = frame[~lacking], frame[lacking], slots[~lacking]
        return LookedUp(self._joined(frame, held, slots), unmatched, stamp)

    def snapshot(self) -> dict[str, Any]:
        """Give the state: none; the table is not in it."""
        return {"version": VERSION, "described": self._described}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on from a snapshot.

        Raises
        ------
        SnapshotError
            If it was taken of another version, or of another description.
        """
        check_snapshot(snapshot, self._described)

    def _joined(self, frame: pd.DataFrame, held: _Held, slots: Ints) -> pd.DataFrame:
        """Put the columns of the table beside those of the rows."""
        found = held.store.take(slots, nullable=self.how != INNER)
        mine, theirs = suffixed([*frame.columns], [*found], self.lookup.keys, self.suffixes)
        columns = {
            theirs[name]: column.set_axis(frame.index) for name, column in found.items() if name in theirs
        }
        return pd.DataFrame({**{mine[name]: frame[name] for name in mine}, **columns}, copy=False)


def _index(frame: pd.DataFrame, keys: tuple[str, ...]) -> pd.Index:
    return pd.Index(frame[keys[0]]) if len(keys) == 1 else pd.MultiIndex.from_frame(frame[[*keys]])


def _check_alike(name: str, ours: Any, theirs: Any) -> None:
    """Refuse numbers against text and the like: they would match nothing, and say nothing."""
    kinds = [
        "numbers"
        if pd.api.types.is_numeric_dtype(dtype)
        else "moments"
        if pd.api.types.is_datetime64_any_dtype(dtype)
        else "text"
        for dtype in (_values(ours), _values(theirs))
        if not pd.api.types.is_object_dtype(_values(dtype))
    ]
    if len({*kinds}) > 1:
        raise SchemaError(
            f"the key {name!r} is {ours} in the stream, but {theirs} in the table",
            detail="they would never be equal",
            hint="convert one of them first, as with astype",
        )


def _values(dtype: Any) -> Any:
    """Give the dtype of the values, which for categories is another one."""
    return dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
