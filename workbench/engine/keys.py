"""Key columns to dense integer codes, against a dictionary that lives as long as the state does."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int64]
_FEW = 1024


class _Column:
    """The dictionary of one key column; null is a value like any other."""

    def __init__(self) -> None:
        self.dtype: Any = None
        self.code_of: dict[Hashable, int] = {}
        self._values: npt.NDArray[np.object_] = np.zeros(0, dtype=object)  # by code, as far as asked for

    def encode(self, column: pd.Series) -> Codes:
        self._learn(column.dtype)
        local, distinct = pd.factorize(column)
        code_of = self.code_of
        codes = [code_of.setdefault(value, len(code_of)) for value in distinct.tolist()]
        if (local < 0).any():
            codes.append(code_of.setdefault(None, len(code_of)))  # local -1 finds it at the end
        coded: Codes = np.asarray(codes, dtype=np.int64)[local]
        return coded

    def fill(self, column: pd.Series) -> None:
        """Start again with distinct values, coded in their order; null takes its place among them."""
        self._learn(column.dtype)
        values = column.astype(object).where(column.notna(), None).tolist()
        self.code_of = {value: code for code, value in enumerate(values)}
        self._values = np.zeros(0, dtype=object)

    def take(self, codes: Codes) -> pd.Series:
        if len(self._values) < len(self.code_of):
            more = np.empty(len(self.code_of) - len(self._values), dtype=object)
            more[:] = list(islice(self.code_of, len(self._values), None))
            self._values = np.append(self._values, more)
        return pd.Series(self._values[codes], dtype=self.dtype)

    def _learn(self, dtype: Any) -> None:
        if self.dtype is dtype:
            return
        if self.dtype is None or self.dtype == dtype:
            self.dtype = dtype
        elif isinstance(dtype, pd.CategoricalDtype) and isinstance(self.dtype, pd.CategoricalDtype):
            both = self.dtype.categories.append(dtype.categories).unique()
            self.dtype = pd.CategoricalDtype(both, ordered=bool(self.dtype.ordered and dtype.ordered))
        elif {self.dtype.kind, dtype.kind} <= set("iuf"):
            self.dtype = np.result_type(self.dtype, dtype)
        else:
            self.dtype = np.dtype(object)


class KeyDictionary:
    """Gives each key, of one or several columns or none, a code from 0 on, in order of first appearance.

    Parameters
    ----------
    names : sequence of str
        The key columns; with none, all rows have code 0.

    Examples
    --------
    >>> keys = KeyDictionary(["country", "device"])
    >>> keys.encode(pd.DataFrame({"country": ["FR", "US", "FR"], "device": ["pc", None, "pc"]})).tolist()
    [0, 1, 0]
    >>> keys.encode(pd.DataFrame({"country": ["US"], "device": [None]})).tolist(), len(keys)
    ([1], 2)
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._columns = [_Column() for _ in self.names]
        self._code_of: dict[tuple[int, ...], int] = {}

    def __len__(self) -> int:
        if not self.names:
            return 1
        return len(self._columns[0].code_of) if len(self.names) == 1 else len(self._code_of)

    def encode(self, frame: pd.DataFrame) -> Codes:
        """Give the code of each row's key, int64; new keys get the next codes."""
        codes = [column.encode(frame[name]) for name, column in zip(self.names, self._columns, strict=True)]
        if not codes:
            return np.zeros(len(frame), dtype=np.int64)
        if len(codes) == 1:
            return codes[0]
        local = codes[0]
        for column, more in zip(self._columns[1:], codes[1:], strict=True):
            local = pd.factorize(local)[0] * len(column.code_of) + more
        local, distinct = pd.factorize(local)
        where = np.empty(len(distinct), dtype=np.int64)
        where[local] = np.arange(len(local))
        code_of = self._code_of
        keys = zip(*(column[where].tolist() for column in codes), strict=True)
        coded: Codes = np.array([code_of.setdefault(key, len(code_of)) for key in keys], dtype=np.int64)[
            local
        ]
        return coded

    def take(self, codes: Codes) -> dict[str, pd.Series]:
        """Give the key columns of some codes, in the dtypes of the input."""
        if not self.names:
            return {}
        if len(self.names) == 1:
            return {self.names[0]: self._columns[0].take(codes)}
        parts = np.array(list(self._code_of), dtype=np.int64).reshape(-1, len(self.names))[codes]
        return {name: self._columns[i].take(parts[:, i]) for i, name in enumerate(self.names)}

    def worth_forgetting(self, held: int) -> bool:
        """Say whether most keys have no state left, where `held` is how much state there is of all."""
        return bool(self.names) and len(self) > max(_FEW, 4 * held)

    def retain(self, codes: Codes) -> Codes:
        """Forget all keys but these (distinct codes); give the new code of each old one, -1 if forgotten."""
        kept = self.table(codes)
        renewed = np.full(len(self), -1, dtype=np.int64)
        self.restore(kept)
        renewed[codes] = np.arange(len(codes))
        return renewed

    def table(self, codes: Codes | None = None) -> pd.DataFrame:
        """Give the keys, in order of their codes, as a frame that `restore` takes."""
        return pd.DataFrame(self.take(np.arange(len(self)) if codes is None else codes))

    def snapshot(self) -> pd.DataFrame | None:
        """Give the keys as a table; None as long as nothing is known of their types."""
        return self.table() if self.names and self._columns[0].dtype is not None else None

    def restore(self, table: pd.DataFrame | None) -> None:
        """Start again with the keys of a table, coded 0, 1, ... in its order."""
        self._columns = [_Column() for _ in self.names]
        self._code_of = {}
        if table is None:
            return
        if len(self.names) == 1:
            self._columns[0].fill(table[self.names[0]])
        elif self.names:
            self.encode(table)
