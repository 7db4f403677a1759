"""All queries of Nexmark: here, in pandas batch by batch, and all at once in Polars and in DuckDB.

DuckDB and Polars have all rows before they begin, in their own format, with one thread each: they are a
limit, not streams. Every answer is held against the oracle's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from benchmarks.nexmark import batches
from benchmarks.nexmark.generator import Events, Nexmark
from benchmarks.nexmark.measuring import measured, missing, same
from benchmarks.nexmark.oracle import ORACLE
from benchmarks.nexmark.queries import QUERIES, READS, streams

SIZES = (10_000, 1_000)
LONG = 30.0
"""A query that took so many CPU seconds is not asked again in smaller batches, which would take hours."""
Peer = Callable[[str], Callable[[], Any]]
"""Gives, for a query's name, what runs it."""


def table(rows: int = 1_000_000) -> list[dict[str, Any]]:
    """Measure all queries on so many events."""
    return list(measurements(rows))


def measurements(
    events: int, *, sizes: tuple[int, ...] = SIZES, names: Iterable[str] = tuple(QUERIES)
) -> Iterator[dict[str, Any]]:
    """Measure query by query, and give each measurement as it is made."""
    made = Nexmark(events).generate()
    described = streams(made)
    at_once = {name: WHOLE[name](made) for name in WHOLE if not missing(name)}
    for name in names:
        query, expected = QUERIES[name], ORACLE[name](made)
        told = {
            "workload": "W8",
            "what": f"{name} {(query.__doc__ or '').partition('.')[0]}",
            "rows": sum(len(getattr(made, stream)) for stream in READS[name]),
            "read": partial(right, expected),
        }
        for size in sizes:
            ours = measured(
                partial(query(described).to_pandas, batch_rows=size), peer="workbench", batch=size, **told
            )
            yield ours
            if name in batches.BATCHES:
                theirs = partial(batches.answer, name, made.bid, size)
                yield measured(theirs, peer="pandas per batch", batch=size, **told)
            if ours["cpu_s"] > LONG:
                break
        for peer, run in at_once.items():
            yield measured(run(name), peer=peer, batch=None, **told)


def right(expected: pd.DataFrame, given: Any) -> bool:
    """Hold an answer, of any peer, against the oracle's."""
    return same(given if isinstance(given, pd.DataFrame) else given.to_pandas(), expected)


def polars(events: Events) -> Peer:
    """All at once in Polars."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read when Polars is imported
    from benchmarks.nexmark.lazy import LAZY, frames

    held = frames(events)
    return lambda name: lambda: LAZY[name](held).collect()


def duckdb(events: Events) -> Peer:
    """All at once in DuckDB."""
    import duckdb

    from benchmarks.nexmark.sql import SQL

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    for name in ("person", "auction", "bid"):
        connection.register("given", getattr(events, name))
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return lambda name: lambda: connection.sql(SQL[name]).to_arrow_table()


WHOLE: dict[str, Callable[[Events], Peer]] = {"polars": polars, "duckdb": duckdb}
