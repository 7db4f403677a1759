"""A limit: DuckDB over the whole table at once, with no batches, no watermark and nothing late."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from benchmarks.peers import duckdb_
from benchmarks.peers.contract import Job, Peer, main


def load(job: Job) -> pa.Table:
    return pa.concat_tables(duckdb_.load(job))


def run(job: Job, rows: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.register("rows", rows)
        start = f"(epoch_us(t) // {job.work.slide}) * {job.work.slide} as start"
        query = f"select {start}, k, {duckdb_.LIFTED} from rows group by 1, 2"
        return connection.sql(query).to_arrow_table()


def answer(job: Job, panes: pa.Table) -> tuple[object, None]:
    return duckdb_.answer(job, (panes, None))


CANNOT = {
    "W1L": "over the whole table at once no row is late",
    "W3": "not written",
    "W4": "not written",
}
PEER = Peer("duckdb", load, run, answer, CANNOT, note="limit: the whole table at once")

if __name__ == "__main__":
    main(PEER)
