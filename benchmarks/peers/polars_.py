"""Polars per batch: group each batch, keep the partial frames of open windows, put them together when due."""

from __future__ import annotations

from typing import Any

import polars as pl

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, Workload

LIFTED = [
    pl.len().alias("n"),
    pl.col("v").sum().alias("sum"),
    pl.col("v").min().alias("min"),
    pl.col("v").max().alias("max"),
]
MERGED = [pl.col("n").sum(), pl.col("sum").sum(), pl.col("min").min(), pl.col("max").max()]
START = pl.col("start")


def load(job: Job) -> list[pl.DataFrame]:
    rows = pl.read_parquet(job.path).rechunk()
    if job.kind in ("categorical", "dictionary"):
        rows = rows.with_columns(pl.col("k").cast(pl.Categorical))
    return list(rows.iter_slices(job.batch))


def run(job: Job, batches: list[pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    return (sessions if job.work.gap else windows)(job.work, batches)


def windows(work: Workload, batches: list[pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    """Tumbling windows, and sliding ones from slices as long as the slide; times in microseconds."""
    size, slide = work.size, work.slide
    start = pl.col("t").dt.truncate(f"{slide}us").to_physical().alias("start")
    high = closed = -(2**62)  # windows that end by then have been told
    parts: list[pl.DataFrame] = []
    panes: list[pl.DataFrame] = []
    late = 0

    def tell(until: int) -> None:
        nonlocal parts, closed
        state = pl.concat(parts).group_by("start", "k").agg(MERGED)
        if work.overlap == 1:
            panes.append(state.filter(START + size <= until))
        else:
            first = max(closed + slide, state["start"].min() + slide)
            for end in range(first, until + 1, slide):
                pane = state.filter((end - size <= START) & (end > START)).group_by("k").agg(MERGED)
                panes.append(pane.select(pl.lit(end - size).cast(pl.Int64).alias("start"), pl.all()))
        parts, closed = [state.filter(START + size > until)], until

    for batch in batches:
        oldest, newest = batch.select(
            pl.col("t").min().to_physical().alias("a"), pl.col("t").max().to_physical()
        ).row(0)
        dated = batch.lazy().with_columns(start)
        if oldest // slide * slide + size <= closed:
            kept = dated.filter(START + size > closed).collect()
            late += len(batch) - len(kept)
            dated = kept.lazy()
        parts.append(dated.group_by("start", "k").agg(LIFTED).collect())
        high = max(high, newest)
        due = (high - BOUND) // slide * slide
        if due > closed:
            tell(due)
    tell(high // slide * slide + size)
    told = pl.concat(panes)
    return told.with_columns(end=START + size, mean=pl.col("sum") / pl.col("n")), late


def sessions(work: Workload, batches: list[pl.DataFrame]) -> tuple[pl.DataFrame, int]:
    """Each row is a session of its own; sessions of a key that touch are put together."""
    gap, high, panes = work.gap, -(2**62), []
    moment, value = pl.col("t").to_physical(), pl.col("v")
    lifted = [
        "k",
        moment.alias("start"),
        moment.alias("last"),
        pl.lit(1).cast(pl.UInt32).alias("n"),
        *(value.alias(name) for name in ("sum", "min", "max")),
    ]
    until = pl.col("last").cum_max().over("k").shift()
    apart = (pl.col("k") != pl.col("k").shift()) | (START - until > gap)
    merged = [pl.col("k").first(), START.min(), pl.col("last").max(), *MERGED]
    open_ = pl.DataFrame()
    for batch in batches:
        fresh = batch.select(lifted)
        every = pl.concat([open_, fresh]) if len(open_) else fresh
        grouped = (
            every.lazy()
            .sort("k", "start")
            .with_columns(apart.fill_null(True).cum_sum().alias("session"))
            .group_by("session")
            .agg(merged)
            .drop("session")
            .collect()
        )
        high = max(high, batch["t"].to_physical().max())
        due = pl.col("last") + gap <= high - BOUND
        panes.append(grouped.filter(due))
        open_ = grouped.filter(~due)
    told = pl.concat([*panes, open_])
    return told.with_columns(end=pl.col("last") + gap, mean=pl.col("sum") / pl.col("n")), 0


def answer(job: Job, result: tuple[pl.DataFrame, int | None]) -> tuple[Any, int | None]:
    told, late = result
    return told.rename({"k": "key"}).with_columns(pl.col("key").cast(pl.String)).to_pandas(), late


PEER = Peer("polars", load, run, answer)

if __name__ == "__main__":
    main(PEER)
