"""A hash table of fixed-width keys that lives from batch to batch, all in array operations.

A key is one or more 64-bit words; keys get codes 0, 1, 2 ... in order of first appearance. Open addressing
with linear probing, after Knuth, "The Art of Computer Programming", vol. 3, section 6.4, algorithm L, hashed
by multiplication. A batch costs a fixed number of passes over its rows, however many keys are known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Words = Sequence[npt.NDArray[np.uint64]]
"""The words of the keys of some rows: arrays of equal length, the first words first."""

Codes = npt.NDArray[np.int64]
_ODD = np.random.default_rng(20_260_105).integers(2**63, size=64, dtype=np.uint64) * 2 + 1
_LEAST = 10  # the table has at least 2 to the power of that many slots
_SMALL = 16_384


class WordTable:
    """Gives each key a code; keys with fewer words than others are as if they ended with zeros.

    Examples
    --------
    >>> table = WordTable()
    >>> codes, new = table.encode([np.array([7, 9, 7], dtype=np.uint64)])
    >>> codes.tolist(), new.tolist()
    ([0, 1, 0], [0, 1])
    >>> codes, new = table.encode([np.array([9, 8], dtype=np.uint64)])
    >>> codes.tolist(), new.tolist(), len(table)
    ([1, 2], [1], 3)
    """

    def __init__(self) -> None:
        self._count = 0
        self._words: list[npt.NDArray[np.uint64]] = []  # by code
        self._resize(_LEAST)

    def __len__(self) -> int:
        return self._count

    def words(self) -> Words:
        """Give the words of all keys, by code."""
        return [words[: self._count] for words in self._words]

    def encode(self, words: Words) -> tuple[Codes, Codes]:
        """Give the code of each row's key, and the positions of the rows that brought new keys, ascending."""
        self._widen(len(words))
        codes, missing = self._find(words)
        if not len(missing):
            return codes, missing
        local, first = _distinct([word[missing] for word in words])
        new = missing[first]
        codes[missing] = self._count + local
        self._add([word[new] for word in words])
        return codes, new

    def _find(self, words: Words) -> tuple[Codes, Codes]:
        """Give the codes of known keys, and the rows whose keys are not known."""
        slots = self._slots_of(words)
        codes = self._slots.take(slots).astype(np.int64)
        hit = self._same(words, codes)
        if hit.all():
            return codes, np.zeros(0, dtype=np.int64)
        unknown = []
        rows = np.flatnonzero(~hit)
        slots = slots[rows]
        found = codes[rows]
        while len(rows):
            empty = found < 0
            if empty.any():
                unknown.append(rows[empty])
                rows, slots = rows[~empty], slots[~empty]
            slots = (slots + 1) & self._mask
            found = self._slots.take(slots).astype(np.int64)
            codes[rows] = found
            miss = ~self._same([word[rows] for word in words], found)
            rows, slots, found = rows[miss], slots[miss], found[miss]
        return codes, np.sort(np.concatenate(unknown)) if unknown else rows

    def _same(self, words: Words, codes: Codes) -> npt.NDArray[np.bool_]:
        """Say which rows have the keys of these codes; none has that of -1."""
        same = codes >= 0
        for word, known in zip(words, self._words, strict=False):
            same &= known.take(codes, mode="wrap") == word
        for known in self._words[len(words) :]:
            same &= known.take(codes, mode="wrap") == 0
        return same

    def _add(self, words: Words) -> None:
        """Take in distinct keys that are not known."""
        first, self._count = self._count, self._count + len(words[0])
        capacity = len(self._words[0])
        if self._count > capacity:
            more = np.zeros(max(self._count, 2 * capacity) - capacity, dtype=np.uint64)
            self._words = [np.append(known, more) for known in self._words]
        for i, known in enumerate(self._words):
            known[first : self._count] = words[i] if i < len(words) else 0
        wanted = self._count * (16 if self._count < _SMALL else 4)  # collisions cost more than a small table
        if wanted > self._mask:
            self._resize(wanted.bit_length())
            first = 0
        codes = np.arange(first, self._count, dtype=np.int32)
        slots = self._slots_of([known[first : self._count] for known in self._words])
        while len(codes):  # of those that want the same slot the last has it, the others go on to the next
            free = self._slots[slots] < 0
            self._slots[slots[free]] = codes[free]
            left = self._slots[slots] != codes
            codes, slots = codes[left], (slots[left] + 1) & self._mask

    def _resize(self, bits: int) -> None:
        self._shift, self._mask = np.uint64(64 - bits), (1 << bits) - 1
        self._slots = np.full(1 << bits, -1, dtype=np.int32)

    def _widen(self, width: int) -> None:
        """Give the keys known so far further words."""
        size = len(self._words[0]) if self._words else 1 << _LEAST
        while len(self._words) < width:
            self._words.append(np.zeros(size, dtype=np.uint64))

    def _slots_of(self, words: Words) -> Codes:
        """Give the slot where each key is looked for first; words that are zero change nothing."""
        mixed = words[0] * _ODD[0]
        for word, odd in zip(words[1:], _ODD[1:], strict=False):
            mixed += word * odd
        mixed ^= mixed >> np.uint64(32)
        mixed *= _ODD[-1]
        mixed >>= self._shift
        slots: Codes = mixed.view(np.int64)
        return slots


def _distinct(words: Words) -> tuple[Codes, Codes]:
    """Number the distinct keys in order of appearance: number of each row's, and where each is first."""
    local, distinct = pd.factorize(words[0])
    for word in words[1:]:
        more, others = pd.factorize(word)
        local, distinct = pd.factorize(local * len(others) + more)
    first = np.empty(len(distinct), dtype=np.int64)
    first[local[::-1]] = np.arange(len(local))[::-1]
    return local, first
