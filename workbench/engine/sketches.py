"""Parts in a small, bounded space: approximate quantiles, distinct counts and heavy hitters.

The sketches are those of Apache DataSketches, kept as bytes, so that a partial is never changed in place and
a snapshot is plain. The library knows nothing of groups: a batch costs some calls for each group, 5 to 60
microseconds in all, and for distinct counts and heavy hitters 0.1 for each distinct value of a group. This
module alone imports it.

What the sketches promise, and which laws hold exactly, is in docs/aggregates.md.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.custom import as_objects
from workbench.engine.operands import Array, Operand, Result, numeric
from workbench.engine.parts import Columns, Groups, Part, by_group, divided
from workbench.errors import SchemaError
from workbench.time import Nanos

try:
    import datasketches
except ImportError:
    datasketches = None

DIGEST = 500
"""The compression of a t-digest: ranks are right to 1 percent, in 12 kB at most."""
REGISTERS = 12
"""The logarithm of a HyperLogLog's registers: a standard error of 1.6 percent, in 4 kB at most."""
COUNTERS = 10
"""The logarithm of the counters of frequent items: counts are right to 0.35 percent of all rows."""


class Sketch(Part):
    """A sketch in each element of an object column, as bytes; of nothing at all it is empty bytes."""

    @abstractmethod
    def new(self) -> Any:
        """Make an empty sketch."""

    @abstractmethod
    def feed(self, sketch: Any, values: Array) -> None:
        """Let a sketch see the values of a group."""

    @abstractmethod
    def unite(self, sketches: list[bytes]) -> bytes:
        """Make one of several sketches."""

    def write(self, sketch: Any) -> bytes:
        """Give a sketch as bytes."""
        return bytes(sketch.serialize())

    def plain(self, operand: Operand) -> Array:
        """Give the values as the sketch takes them."""
        return operand.values

    def fold(self, operand: Operand, times: Nanos, arrivals: Nanos, groups: Groups, count: int) -> Columns:
        """Let a sketch of each group see its rows that are not null."""
        some = operand.only_valid()
        pieces = _pieces(self.plain(some), groups[operand.valid], count)
        return (as_objects(self._made(piece) if len(piece) else b"" for piece in pieces),)

    def reduce(self, columns: Columns, groups: Groups, count: int) -> Columns:
        """Unite the sketches of each group."""
        pieces = (list(filter(None, piece)) for piece in _pieces(columns[0], groups, count))
        return (as_objects(self.unite(some) if len(some) > 1 else b"".join(some) for some in pieces),)

    def _made(self, values: Array) -> bytes:
        sketch = self.new()
        self.feed(sketch, values)
        return self.write(sketch)


class Digest(Sketch):
    """A t-digest: deterministic, and finest at the ends.

    Dunning and Ertl, "Computing extremely accurate quantiles using t-digests" (2019), section 2.
    """

    name = "digest"

    def new(self) -> Any:
        """Make an empty digest."""
        return datasketches.tdigest_double(DIGEST)

    def plain(self, operand: Operand) -> Array:
        """Give the values in float64."""
        return numeric(operand, "approximate quantile").astype(np.float64)

    def feed(self, sketch: Any, values: Array) -> None:
        """Take all values in one call."""
        sketch.update(np.ascontiguousarray(values))

    def unite(self, sketches: list[bytes]) -> bytes:
        """Merge digests."""
        united = self.new()
        for sketch in map(datasketches.tdigest_double.deserialize, sketches):
            united.merge(sketch)
        return self.write(united)


class Registers(Sketch):
    """A HyperLogLog: the same, whatever the order and the batches.

    Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
    algorithm" (2007). Up to 384 distinct values are told apart one by one.
    """

    name = "registers"

    def new(self) -> Any:
        """Make an empty sketch."""
        return datasketches.hll_sketch(REGISTERS, datasketches.tgt_hll_type.HLL_8)

    def feed(self, sketch: Any, values: Array) -> None:
        """Take each distinct value once."""
        for value in _words(pd.unique(values)):
            sketch.update(value)

    def write(self, sketch: Any) -> bytes:
        """Give a sketch as bytes."""
        return bytes(sketch.serialize_compact())

    def unite(self, sketches: list[bytes]) -> bytes:
        """Take the greater of each register."""
        return self.write(_union(sketches).get_result(datasketches.tgt_hll_type.HLL_8))


class Frequent(Sketch):
    """Counters of frequent items, exact while they are fewer than 768.

    Anderson, Bevan, Lang, Liberty, Rhodes and Thaler, "A high-performance algorithm for identifying frequent
    items in data streams" (2017), section 2.
    """

    name = "frequent"

    def new(self) -> Any:
        """Make an empty sketch."""
        return datasketches.frequent_strings_sketch(COUNTERS)

    def plain(self, operand: Operand) -> Array:
        """Give the values, minus zero as zero."""
        return operand.values + 0.0 if operand.values.dtype.kind == "f" else operand.values

    def feed(self, sketch: Any, values: Array) -> None:
        """Take each distinct value once, with its count."""
        codes, distinct = pd.factorize(values)
        for word, count in zip(_words(distinct), np.bincount(codes).tolist(), strict=True):
            sketch.update(str(word), count)

    def unite(self, sketches: list[bytes]) -> bytes:
        """Add up the counters."""
        united = self.new()
        for sketch in map(datasketches.frequent_strings_sketch.deserialize, sketches):
            united.merge(sketch)
        return self.write(united)


def quantiles(column: Array, operand: Operand, share: float) -> Result:
    """Give the value at a share of the ranks of each t-digest; null of nothing."""
    digests = (datasketches.tdigest_double.deserialize(each) if each else None for each in column)
    found = [np.nan if digest is None else digest.get_quantile(share) for digest in digests]
    values = np.array(found, dtype=np.float64)
    if operand.dtype.kind != "m":
        return values
    return operand.restore(np.nan_to_num(values).astype(np.int64), ~np.isnan(values))


def distinct_counts(column: Array) -> pd.Series:
    """Give the distinct count of each HyperLogLog, to the nearest integer."""
    # seen twice by a union, a sketch is judged by its registers alone, not by the order in which they grew
    found = [round(_union([each, each]).get_estimate()) if each else 0 for each in column]
    return pd.Series(found, dtype=np.int64)


def heavy_hitters(column: Array, operand: Operand, most: int) -> pd.Series:
    """Give the most frequent values of each sketch as a list of (value, count), the commonest first."""
    everything = [_counts(each, most) for each in column]
    flat = [
        int(word) if operand.values.dtype.kind == "i" else word for counts in everything for word, _ in counts
    ]
    values = np.array(flat, dtype=operand.values.dtype)
    words = iter(operand.restore(values).astype(object).tolist())
    pairs = [[(next(words), count) for _, count in counts] for counts in everything]
    ranked = (sorted(sorted(each), key=lambda pair: -pair[1])[:most] for each in pairs)
    return pd.Series(as_objects(ranked), dtype=object)


def _counts(sketch: bytes, most: int) -> list[tuple[str, int]]:
    """Give the most frequent items of a sketch, and how often each came (an estimate); all that tie."""
    if not sketch:
        return []
    held = datasketches.frequent_strings_sketch.deserialize(sketch)
    kind = datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES
    counts = [(word, count) for word, count, *_ in held.get_frequent_items(kind)]
    least = sorted((count for _, count in counts), reverse=True)[:most][-1]
    return [(word, count) for word, count in counts if count >= least]


def _union(sketches: Sequence[bytes]) -> Any:
    union = datasketches.hll_union(REGISTERS)
    for sketch in sketches:
        union.update(datasketches.hll_sketch.deserialize(sketch))
    return union


def _words(distinct: Any) -> list[Any]:
    """Give distinct values as a sketch takes them: integers, floats or text.

    Raises
    ------
    SchemaError
        If they are other objects.
    """
    words: list[Any] = np.asarray(distinct).tolist()
    if distinct.dtype.kind not in "if":
        strange = next((word for word in words if not isinstance(word, str)), "")
        if strange != "":
            raise SchemaError(
                f"a sketch takes numbers, text, moments and durations, but got {strange!r}",
                hint="convert the column first, or choose nunique or mode, which are exact",
            )
    return words


def _pieces(values: Array, groups: Groups, count: int) -> Array:
    """Divide values by group, in their order."""
    order = by_group(groups, count)
    return divided(values[order], np.searchsorted(groups[order], np.arange(count)))
