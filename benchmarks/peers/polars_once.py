"""A limit: Polars over the whole table at once, with no batches, no watermark and nothing late."""

from __future__ import annotations

import polars as pl

from benchmarks.peers import polars_
from benchmarks.peers.contract import Job, Peer, main

LATE = "over the whole table at once no row is late"
CANNOT = {"W1L": LATE, "W3": "not written", "W4": "not written"}


def load(job: Job) -> pl.DataFrame:
    return pl.concat(polars_.load(job)).rechunk()


def run(job: Job, rows: pl.DataFrame) -> pl.DataFrame:
    start = pl.col("t").dt.truncate(f"{job.work.slide}us").to_physical().alias("start")
    mean = pl.col("v").mean().alias("mean")
    return rows.lazy().group_by(start, "k").agg(*polars_.LIFTED, mean).collect()


def answer(job: Job, panes: pl.DataFrame) -> tuple[object, None]:
    return polars_.answer(job, (panes.with_columns(end=polars_.START + job.work.size), None))


PEER = Peer("polars", load, run, answer, CANNOT, note="limit: the whole table at once")

if __name__ == "__main__":
    main(PEER)
