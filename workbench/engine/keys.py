"""Key columns to dense integer codes, against a dictionary that lives as long as the state does.

Values that are machine words, integers and text in Arrow's layout, are looked up in a `WordTable`; all others
in a Python dict, once for each distinct value of a batch; categories only once each.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import array_of
from workbench.engine.arrow import (
    dictionary_of,
    in_text_order,
    is_arrow_dictionary,
    is_arrow_text,
    same_dictionary,
    text_words,
)
from workbench.engine.dtypes import common
from workbench.engine.hashing import WordTable
from workbench.errors import SchemaError

Codes = npt.NDArray[np.int64]
_FEW = 1024


class _Coder(Protocol):
    """Gives each distinct value a code; null is a value like any other."""

    def __len__(self) -> int:
        """How many values are known."""
        ...

    def encode(self, values: Any) -> tuple[Codes, Codes]:
        """Give the code of each value of an array, and by new code where in the array its value is first."""
        ...

    def order(self, codes: Codes) -> list[npt.NDArray[Any]] | None:
        """Give columns by which the values of some codes are ordered; None if only pandas can tell."""
        ...


class _Objects:
    """Any hashable values."""

    def __init__(self) -> None:
        self._code_of: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._code_of)

    def encode(self, values: Any) -> tuple[Codes, Codes]:
        try:
            local, distinct = pd.factorize(values)
        except TypeError as error:
            raise SchemaError(
                f"a key holds values that cannot be told apart: {error}",
                detail="equal keys are found by their hashes",
                hint="make text or tuples of them first, as with .assign(key=lambda f: f['key'].map(tuple))",
            ) from None
        plain = distinct.tolist()
        if local.min(initial=0) < 0:  # once more, so that null has its place among the others
            local, distinct = pd.factorize(values, use_na_sentinel=False)
            nulls = pd.isna(distinct)
            plain = [None if null else value for value, null in zip(distinct.tolist(), nulls, strict=True)]
        code_of, known = self._code_of, len(self._code_of)
        codes = [code_of.setdefault(value, len(code_of)) for value in plain]
        coded: Codes = np.array(codes, dtype=np.int64)[local]
        return coded, _first(coded - known, len(code_of) - known)

    def order(self, codes: Codes) -> list[npt.NDArray[Any]] | None:
        return None


class _Numbers:
    """Integers that fit into a signed word."""

    def __init__(self) -> None:
        self._table = WordTable()

    def __len__(self) -> int:
        return len(self._table)

    def encode(self, values: Any) -> tuple[Codes, Codes]:
        return self._table.encode([np.asarray(values, dtype=np.int64).view(np.uint64)])

    def order(self, codes: Codes) -> list[npt.NDArray[Any]] | None:
        return [words[codes].view(np.int64) for words in self._table.words()]


class _Text:
    """Text in Arrow's layout."""

    def __init__(self) -> None:
        self._table, self._long = WordTable(), dict[str, int]()

    def __len__(self) -> int:
        return len(self._table)

    def encode(self, values: Any) -> tuple[Codes, Codes]:
        return self._table.encode(text_words(values, self._long))

    def order(self, codes: Codes) -> list[npt.NDArray[Any]] | None:
        return None if self._long else in_text_order([words[codes] for words in self._table.words()])


class _Column:
    """The dictionary of one key column."""

    def __init__(self) -> None:
        self.dtype: Any = None
        self._coder: _Coder = _Objects()
        self._known: list[Any] = []  # arrays of the values, one behind the other by code
        self._categories: Any = None
        # by number of the category, null at the end; -1 as long as it has not come
        self._of_category: Codes = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._coder)

    def encode(self, array: Any) -> Codes:
        """Give the code of each value of a column; new ones get the next codes."""
        dtype = array.dtype
        coder = self._coder_for(dtype)  # before: in a dtype for all, large integers may not be exact
        self._learn(dtype)
        if isinstance(array, pd.Categorical):
            same = array.categories is self._categories
            return self._by_category(array, array.codes, array.categories, same)
        if is_arrow_dictionary(dtype):
            local, dictionary = dictionary_of(array)
            return self._by_category(array, local, dictionary, same_dictionary(self._categories, dictionary))
        codes, new = coder.encode(_plain(array))
        if len(new):
            self._note(array.take(new))
        return codes

    def take(self, codes: Codes) -> pd.Series:
        """Give values by code."""
        known = self._known
        if not known:
            return pd.Series([], dtype=self.dtype)
        first, size = len(known) - 1, len(known[-1])
        while first and len(known[first - 1]) <= 2 * size:  # there are never many, and none is copied often
            first -= 1
            size += len(known[first])
        if first < len(known) - 1:
            known[first:] = [_joined(known[first:]).take(np.arange(size))]  # in one piece
        if len(known) == 1:
            return pd.Series(known[0].take(codes), copy=False)
        ends = np.cumsum([len(part) for part in known])
        at = np.searchsorted(ends, codes, side="right")
        order = np.argsort(at, kind="stable")
        split = np.split(codes[order], np.searchsorted(at[order], np.arange(1, len(known))))
        begins = [0, *ends[:-1].tolist()]
        found = _joined(
            [part.take(some - begin) for part, some, begin in zip(known, split, begins, strict=True)]
        )
        place = np.empty(len(codes), dtype=np.int64)
        place[order] = np.arange(len(codes))
        return pd.Series(found.take(place), copy=False)

    def order(self, codes: Codes) -> list[npt.NDArray[Any]] | None:
        """Give columns by which values are ordered, the first first; None if only pandas can tell."""
        return self._coder.order(codes)

    def _by_category(self, array: Any, local: npt.NDArray[Any], categories: Any, same: bool) -> Codes:
        """Give the codes of values that are categories by number; each category is looked up once."""
        if not same:
            self._categories = categories
            self._of_category = np.full(len(categories) + 1, -1, dtype=np.int64)
        codes = self._of_category.take(local, mode="wrap")
        if codes.min(initial=0) < 0:
            rows = np.flatnonzero(codes < 0)
            unseen, distinct = pd.factorize(local[rows])
            values = array.take(rows[_first(unseen, len(distinct))])
            self._of_category[distinct], new = self._coder_for(np.dtype(object)).encode(values.astype(object))
            if len(new):
                self._note(values.take(new))
            codes = self._of_category.take(local, mode="wrap")
        return codes

    def _note(self, new: Any) -> None:
        """Keep values that have come for the first time, in the dtype of all."""
        if new.dtype != self.dtype:
            new = pd.Series(new, copy=False).astype(self.dtype).array
        self._known.append(pd.arrays.NumpyExtensionArray(new) if isinstance(new, np.ndarray) else new)

    def _coder_for(self, dtype: Any) -> _Coder:
        """Give the coder; one that does not do for values of this dtype is replaced by one for all."""
        kind = _coder_of(dtype)
        if type(self._coder) is kind or (isinstance(self._coder, _Objects) and len(self._coder)):
            return self._coder
        if not len(self._coder):
            self._coder = kind()
            return self._coder
        known, self._coder = self.take(np.arange(len(self))), _Objects()
        self._coder.encode(known.astype(object).to_numpy())
        return self._coder

    def _learn(self, dtype: Any) -> None:
        """Take over a dtype; what is known is kept in one that holds the values of all."""
        before = self.dtype
        if before is None:  # which numpy holds for the same as float64
            self.dtype = dtype
        elif before is dtype or before == dtype:
            return
        elif isinstance(dtype, pd.CategoricalDtype) and isinstance(before, pd.CategoricalDtype):
            both = before.categories.append(dtype.categories).unique()
            self.dtype = pd.CategoricalDtype(both, ordered=bool(before.ordered and dtype.ordered))
        elif {before.kind, dtype.kind} <= set("iuf"):
            self.dtype = common(before, dtype)
        else:
            self.dtype = np.dtype(object)
        self._known = [pd.Series(part, copy=False).astype(self.dtype).array for part in self._known]


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
        self._clear()

    def _clear(self) -> None:
        self._columns = [_Column() for _ in self.names]
        self._pairs = WordTable()  # of several columns: the codes of each
        self._ranks: Codes = np.zeros(0, dtype=np.int64)
        # the most state that there was lately, and how many rows have come since that was asked
        self._held, self._rows = 0.0, 0

    def __len__(self) -> int:
        if not self.names:
            return 1
        return len(self._columns[0]) if len(self.names) == 1 else len(self._pairs)

    def encode(self, frame: pd.DataFrame) -> Codes:
        """Give the code of each row's key, int64; new keys get the next codes."""
        self._rows += len(frame)
        if not self.names:
            return np.zeros(len(frame), dtype=np.int64)
        each = zip(self.names, self._columns, strict=True)
        codes = [column.encode(array_of(frame, name)) for name, column in each]
        if len(codes) == 1:
            return codes[0]
        return self._pairs.encode([column.view(np.uint64) for column in codes])[0]

    def take(self, codes: Codes) -> dict[str, pd.Series]:
        """Give the key columns of some codes, in the dtypes of the input."""
        if len(self.names) == 1:
            return {self.names[0]: self._columns[0].take(codes)}
        each = zip(self.names, self._columns, self._parts(codes), strict=False)
        return {name: column.take(part) for name, column, part in each}

    def ranks(self, codes: Codes) -> Codes:
        """Give numbers that order some keys as their values are ordered: null last, several types by text."""
        if not self.names:
            return np.zeros(len(codes), dtype=np.int64)
        if len(self._ranks) < len(self):
            if 2 * len(codes) < len(self):  # it is less work to sort these
                distinct, at = np.unique(codes, return_inverse=True)
                return self._sorted(distinct)[at]
            self._ranks = self._sorted(np.arange(len(self)))
        return self._ranks[codes]

    def worth_forgetting(self, held: int) -> bool:
        """Say whether most keys have no state left, where `held` is how much state there is of all.

        What was held before counts too, half of it after eight rows a key: between two windows there is
        little state, but the keys will be back.
        """
        if not self.names or len(self) <= _FEW:
            return False
        self._held = max(held, self._held * 0.5 ** (self._rows / (8 * len(self))))
        self._rows = 0
        return len(self) > 4 * self._held

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
        self._clear()
        if table is not None and self.names:
            self.encode(table)

    def _parts(self, codes: Codes) -> list[Codes]:
        """Give the codes of each column's values, of several columns."""
        return [words.view(np.int64)[codes] for words in self._pairs.words()] or [codes] * len(self.names)

    def _sorted(self, codes: Codes) -> Codes:
        """Give the ranks of distinct keys among each other."""
        ranks = np.empty(len(codes), dtype=np.int64)
        ranks[self._order(codes)] = np.arange(len(codes))
        return ranks

    def _order(self, codes: Codes) -> Codes:
        """Give the order of keys: null last, several types by text."""
        parts = [codes] if len(self.names) == 1 else self._parts(codes)
        each = [column.order(part) for column, part in zip(self._columns, parts, strict=True)]
        columns = [column for columns in each for column in columns or ()]
        order: Codes
        if all(each):
            order = np.lexsort(columns[::-1]) if len(columns) > 1 else np.argsort(columns[0])
            return order
        order = sorted_table(self.table(codes), list(self.names)).index.to_numpy()
        return order


def sorted_table(table: pd.DataFrame, by: list[str], *, ignore_index: bool = False) -> pd.DataFrame:
    """Sort a table by some columns: null last, values of several types by their text."""
    try:
        return table.sort_values(by, kind="stable", ignore_index=ignore_index, key=_comparable)
    except TypeError:
        return table.sort_values(
            by,
            kind="stable",
            ignore_index=ignore_index,
            key=lambda column: column.astype("str") if column.dtype == object else _comparable(column),
        )


def _comparable(column: pd.Series) -> pd.Series:
    """Give a column as pandas can sort it: Arrow does not compare what is in a dictionary."""
    if not is_arrow_dictionary(column.dtype):
        return column
    return column.astype(pd.ArrowDtype(column.dtype.pyarrow_dtype.value_type))


def _coder_of(dtype: Any) -> type[_Objects | _Numbers | _Text]:
    if isinstance(dtype, np.dtype) and (dtype.kind == "i" or (dtype.kind == "u" and dtype.itemsize < 8)):
        return _Numbers
    return _Text if is_arrow_text(dtype) else _Objects


def _plain(array: Any) -> Any:
    """Give an array as the coders take it: Python's text as the objects that it is."""
    dtype = array.dtype
    return (
        array.to_numpy(dtype=object)
        if isinstance(dtype, pd.StringDtype) and not is_arrow_text(dtype)
        else array
    )


def _joined(arrays: Sequence[Any]) -> Any:
    """Put arrays of pandas, of one dtype, one behind the other, in a thirtieth of the time of `concat`."""
    return type(arrays[0])._concat_same_type(arrays)


def _first(codes: Codes, count: int) -> Codes:
    """Give for 0, 1, ... count - 1 where each is first; other codes are passed over."""
    first = np.empty(count, dtype=np.int64)
    if count:
        rows = np.flatnonzero(codes >= 0)[::-1]
        first[codes[rows]] = rows
    return first
