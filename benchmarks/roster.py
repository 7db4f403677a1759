"""Who takes part, and with how many rows: slow peers get fewer, and the count stands beside the figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.workloads import WORKLOADS, Workload

MILLION = 1_000_000


@dataclass(frozen=True)
class Entrant:
    """One peer.

    Parameters
    ----------
    name : str
        As in the table.
    module : str
        In `benchmarks.peers`.
    environment : str
        The name of its requirements.
    rows : int
        The most it is given.
    fewer : mapping of str to int
        The most for single workloads, where it takes much longer.
    repeats : int
        Of which the least counts.
    batches : tuple of int
        Sizes beside 10,000, for the table of batch sizes.
    heavy : bool
        Whether it is an engine of its own, and so takes part in the main table only.
    """

    name: str
    module: str
    environment: str
    rows: int = 20 * MILLION
    fewer: dict[str, int] = field(default_factory=dict)
    repeats: int = 3
    batches: tuple[int, ...] = (100, 1_000, 100_000)
    heavy: bool = False


OURS = "workbench"
ENTRANTS = {
    entrant.name: entrant
    for entrant in (
        Entrant(OURS, "workbench_", "workbench"),
        Entrant("pandas per batch", "pandas_", "pandas", fewer={"W3": 4 * MILLION, "W4": 2 * MILLION}),
        Entrant("Polars per batch", "polars_", "polars", fewer={"W4": 4 * MILLION}),
        Entrant("DuckDB per batch", "duckdb_", "duckdb", fewer={"W4": 4 * MILLION}),
        Entrant("Python loop", "loop", "pandas", 2 * MILLION, {"W3": 200_000}, 1, ()),
        Entrant("streamz's own", "streamz_", "streamz", 2 * MILLION, {"W2": MILLION}, 1, ()),
        Entrant("Bytewax", "bytewax_", "bytewax", 500_000, {"W3": 50_000, "W4": 50_000}, 1, (), True),
        Entrant("Pathway", "pathway_", "pathway", 200_000, {"W3": 50_000}, 1, (), True),
        Entrant("Flink SQL", "flink_", "flink", 2 * MILLION, {}, 1, (), True),
        Entrant("Spark", "spark_", "pyspark", 500_000, {}, 1, (100_000,), True),
        Entrant("limit: compiled pass", "compiled", "numba", batches=()),
        Entrant("limit: Polars at once", "polars_once", "polars", batches=()),
        Entrant("limit: DuckDB at once", "duckdb_once", "duckdb", batches=()),
    )
}
KINDS = {
    OURS: ("python", "categorical", "dictionary"),
    "pandas per batch": ("python", "categorical"),
    "Polars per batch": ("categorical",),
    "DuckDB per batch": ("categorical",),
}
"""The kinds of keys beside text as it comes. pandas cannot group by Arrow's dictionaries; Polars and DuckDB
have one kind of text and one of codes."""


@dataclass(frozen=True)
class Task:
    """One figure to be measured."""

    entrant: Entrant
    work: Workload
    rows: int
    batch: int = 10_000
    kind: str = "str"


def tasks(most: int, names: list[str], works: list[str]) -> Iterator[Task]:
    """All figures: the workloads at batches of 10,000; for W1 also other batches, keys, and kinds of keys."""
    entrants = [ENTRANTS[name] for name in names]
    for work in (WORKLOADS[name] for name in works):
        for entrant in entrants:
            yield Task(entrant, work, _rows(most, entrant, work))
    if "W1" not in works:
        return
    plain = WORKLOADS["W1"]
    for entrant in entrants:
        for batch in entrant.batches:
            # a small batch costs much the same whatever it holds: fewer rows tell as much
            yield Task(entrant, plain, min(_rows(most, entrant, plain), batch * 5_000), batch)
    for entrant in entrants:
        if entrant.batches and not entrant.heavy:
            yield Task(entrant, plain.with_keys(MILLION), min(_rows(most, entrant, plain), 12 * MILLION))
    for entrant in entrants:
        for kind in KINDS.get(entrant.name, ()):
            for batch in (10_000, 100_000):
                yield Task(entrant, plain, min(most, 4 * MILLION), batch, kind)


def _rows(most: int, entrant: Entrant, work: Workload) -> int:
    return min(most, entrant.fewer.get(work.name, entrant.rows))
