"""DuckDB per batch: each batch is grouped into a table of partials, which is queried and pruned when due."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, Workload

MERGED = "sum(n)::bigint as n, sum(sum) as sum, min(min) as min, max(max) as max"
LIFTED = "count(*) as n, sum(v) as sum, min(v) as min, max(v) as max"


def load(job: Job) -> list[pa.Table]:
    rows = pq.read_table(job.path).combine_chunks()
    if job.kind in ("categorical", "dictionary"):
        rows = rows.set_column(0, "k", rows["k"].combine_chunks().dictionary_encode())
    return [rows.slice(start, job.batch) for start in range(0, len(rows), job.batch)]


def run(job: Job, batches: list[pa.Table]) -> tuple[pa.Table, int]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        return (sessions if job.work.gap else windows)(job.work, batches, connection)


def windows(
    work: Workload, batches: list[pa.Table], connection: duckdb.DuckDBPyConnection
) -> tuple[pa.Table, int]:
    """Tumbling windows, and sliding ones from slices as long as the slide; times in microseconds."""
    size, slide = work.size, work.slide
    start = f"(epoch_us(t) // {slide}) * {slide}"
    high = closed = -(2**62)  # windows that end by then have been told
    panes, late = [], 0
    connection.execute(
        "create table parts (start bigint, k varchar, n bigint, sum double, min double, max double)"
    )

    def tell(until: int) -> None:
        nonlocal closed
        if work.overlap == 1:
            panes.append(
                connection.sql(
                    f"select start, k, {MERGED} from parts where start + {size} <= {until} group by start, k"
                ).to_arrow_table()
            )
        else:
            least = connection.execute("select min(start) from parts").fetchall()[0][0]
            for end in range(max(closed, least) + slide, until + 1, slide):
                query = f"select {end - size}::bigint as start, k, {MERGED} from parts"
                query += f" where start >= {end - size} and start < {end} group by k"
                panes.append(connection.sql(query).to_arrow_table())
        connection.execute(f"delete from parts where start + {size} <= {until}")
        closed = until

    for batch in batches:
        bounds = pc.min_max(batch["t"].cast(pa.int64())).as_py()
        where = ""
        if bounds["min"] // slide * slide + size <= closed:
            where = f"where {start} + {size} > {closed}"
        connection.register("batch", batch)
        query = f"insert into parts select {start} as start, k, {LIFTED} from batch {where} group by 1, 2"
        connection.execute(query)
        if where:
            query = f"select count(*) from batch where {start} + {size} <= {closed}"
            late += connection.execute(query).fetchall()[0][0]
        high = max(high, bounds["max"])
        due = (high - BOUND) // slide * slide
        if due > closed:
            tell(due)
    tell(high // slide * slide + size)
    return pa.concat_tables(panes), late


SESSIONS = f"""
with every as (from open_ union all select k, epoch_us(t), epoch_us(t), 1, v, v, v from batch),
marked as (
    select *, start - max(last) over earlier > $gap as apart from every
    window earlier as (partition by k order by start, last rows between unbounded preceding and 1 preceding)
),
numbered as (
    select *, sum(coalesce(apart, true)::int) over
        (partition by k order by start, last rows unbounded preceding) as session from marked
)
select k, min(start) as start, max(last) as last, {MERGED} from numbered group by k, session
"""


def sessions(
    work: Workload, batches: list[pa.Table], connection: duckdb.DuckDBPyConnection
) -> tuple[pa.Table, int]:
    """Each row is a session of its own; sessions of a key that touch are put together."""
    gap, high, panes = work.gap, -(2**62), []
    query = SESSIONS.replace("$gap", str(gap))
    fields = "k varchar, start bigint, last bigint, n bigint, sum double, min double, max double"
    connection.execute(f"create table open_ ({fields})")
    for batch in batches:
        connection.register("batch", batch)
        merged = connection.sql(query).to_arrow_table()
        high = max(high, pc.max(batch["t"].cast(pa.int64())).as_py())
        due = pc.less_equal(merged["last"], high - BOUND - gap)
        panes.append(merged.filter(due))
        held = merged.filter(pc.invert(due))
        connection.register("held", held)
        connection.execute("create or replace table open_ as from held")
    return pa.concat_tables([*panes, held]), 0


def answer(job: Job, result: tuple[pa.Table, int | None]) -> tuple[Any, int | None]:
    told, late = result
    told = told.to_pandas().rename(columns={"k": "key"})
    end = told["last"] + job.work.gap if job.work.gap else told["start"] + job.work.size
    return told.assign(end=end, mean=told["sum"] / told["n"]), late


PEER = Peer("duckdb", load, run, answer)

if __name__ == "__main__":
    main(PEER)
