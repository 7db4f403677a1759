"""Columns in Arrow's layout as plain arrays, without a Python object for each value.

Text becomes 64-bit words. The first byte of the first word is the length in bytes, the text follows: two
texts have the same words if and only if they are the same. Texts too long for that are numbered, and null has
a mark of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_LONGEST = 55  # bytes: seven words, with the length
_NULL, _NUMBERED = 255, 254  # in the place of the length
_OFFSETS = {"string": np.int32, "large_string": np.int64}

_byte = np.arange(_LONGEST + 1)
_kept = (_byte > 0) & (_byte <= np.arange(_LONGEST + 1)[:, None])  # by length: whether of the text
_MASKS = np.ascontiguousarray(np.where(_kept, 255, 0).astype(np.uint8).view("<u8").T)
"""By word and length: the bits that are of the text."""


def is_arrow_text(dtype: Any) -> bool:
    """Say whether a column of this dtype holds text in Arrow's layout."""
    if isinstance(dtype, pd.StringDtype):
        return bool(dtype.storage == "pyarrow")
    return isinstance(dtype, pd.ArrowDtype) and str(dtype.pyarrow_dtype) in _OFFSETS


def is_arrow_dictionary(dtype: Any) -> bool:
    """Say whether a column of this dtype holds indices into an Arrow dictionary."""
    return isinstance(dtype, pd.ArrowDtype) and str(dtype.pyarrow_dtype).startswith("dictionary<")


def dictionary_of(values: Any) -> tuple[npt.NDArray[np.integer], Any]:
    """Give the indices of a dictionary-encoded array, -1 for null, and its dictionary."""
    arrow = _one(values)
    indices = arrow.indices.fill_null(-1) if arrow.null_count else arrow.indices
    return indices.to_numpy(), arrow.dictionary


def same_dictionary(one: Any, other: Any) -> bool:
    """Say whether two dictionaries are the same memory."""
    if one is None or len(one) != len(other) or one.offset != other.offset:
        return False
    mine, theirs = one.buffers(), other.buffers()
    return [part and part.address for part in mine] == [part and part.address for part in theirs]


def text_words(values: Any, numbers: dict[str, int]) -> list[npt.NDArray[np.uint64]]:
    """Give the words of texts.

    Parameters
    ----------
    values : pandas array
        Text in Arrow's layout.
    numbers : dict of str to int
        The numbers of texts that are too long; those that are not among them yet are added.
    """
    arrow = _one(values)
    if not len(arrow):
        return [np.zeros(0, dtype=np.uint64)]
    _, offsets, data = arrow.buffers()
    bounds = np.frombuffer(offsets, dtype=_OFFSETS[str(arrow.type)])[arrow.offset :][: len(arrow) + 1]
    begin, end = int(bounds[0]), int(bounds[-1])
    lengths = (bounds[1:] - bounds[:-1]).astype(np.int64, copy=False)
    special = np.zeros(0, dtype=np.int64)
    if arrow.null_count or lengths.max() > _LONGEST:
        nulls = arrow.is_null().to_numpy(zero_copy_only=False)
        special = np.flatnonzero(nulls | (lengths > _LONGEST))
        lengths[special] = 0
    width = int(lengths.max()) // 8 + 1
    padded = np.zeros(1 + end - begin + 8 * width, dtype=np.uint8)
    padded[1 : 1 + end - begin] = np.frombuffer(data, dtype=np.uint8)[begin:end]
    everywhere = np.ndarray((1 + end - begin,), dtype=f"V{8 * width}", buffer=padded, strides=(1,))
    raw = everywhere.take(bounds[:-1] - begin).view("<u8").reshape(-1, width)
    words = [raw[:, i] & _MASKS[i].take(lengths) for i in range(width)]
    words[0] |= lengths.view(np.uint64)
    for row in special.tolist():
        text = arrow[row].as_py()
        number = None if text is None else numbers.setdefault(text, len(numbers))
        words[0][row] = _NULL if number is None else _NUMBERED | number << 8
    return words


def in_text_order(words: list[npt.NDArray[np.uint64]]) -> list[npt.NDArray[np.uint64]]:
    """Give numbers by which texts are ordered, the first first, for words of `text_words`; null is last."""
    nulls = words[0] == _NULL
    first, *others = [word.byteswap() for word in (words[0] & ~np.uint64(255), *words[1:])]
    first[nulls] = np.iinfo(np.uint64).max
    return [first, *others]


def _one(values: Any) -> Any:
    """Give the Arrow array of a pandas array, in one piece."""
    arrow = values.__arrow_array__()
    return arrow.chunk(0) if arrow.num_chunks == 1 else arrow.combine_chunks()
