"""pandas per batch: group each batch, keep the partial frames of open windows, put them together when due."""

from __future__ import annotations

import pandas as pd

from benchmarks.events import column
from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, Workload

MERGED = {"n": "sum", "sum": "sum", "min": "min", "max": "max"}
PLAIN = {"sort": False, "as_index": False, "observed": True}
MICROSECOND = pd.Timedelta(1, "us")


def load(job: Job) -> list[pd.DataFrame]:
    rows = pd.read_parquet(job.path)
    if job.kind != "str":
        coded = rows["k"].astype("category").cat
        rows["k"] = column(coded.codes.to_numpy(), coded.categories.to_numpy(object), job.kind)
    return cut(rows, job.batch)


def cut(rows: pd.DataFrame, size: int) -> list[pd.DataFrame]:
    return [rows.iloc[start : start + size] for start in range(0, len(rows), size)]


def run(job: Job, batches: list[pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    return (sessions if job.work.gap else windows)(job.work, batches)


def windows(work: Workload, batches: list[pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    """Tumbling windows, and sliding ones from slices as long as the slide."""
    slide, size, bound = (MICROSECOND * length for length in (work.slide, work.size, BOUND))
    high = closed = pd.Timestamp.min.as_unit("us") + 2 * size  # windows that end by then have been told
    parts: list[pd.DataFrame] = []
    panes: list[pd.DataFrame] = []
    late = 0

    def tell(until: pd.Timestamp) -> None:
        """Tell all windows that end by then."""
        nonlocal parts, closed
        state = pd.concat(parts, ignore_index=True).groupby(["start", "k"], **PLAIN).agg(MERGED)
        start = state["start"]
        if work.overlap == 1:
            panes.append(state[start + size <= until])
        else:
            first = max(closed + slide, start.min() + slide)
            for end in pd.date_range(first, until, freq=slide, unit="us"):
                covered = state[(start >= end - size) & (start < end)]
                if len(covered):
                    panes.append(covered.groupby("k", **PLAIN).agg(MERGED).assign(start=end - size))
        parts, closed = [state[start + size > until]], until

    for batch in batches:
        start = batch["t"].dt.floor(slide)
        missed = start + size <= closed
        if missed.any():
            late += int(missed.sum())
            batch, start = batch[~missed], start[~missed]
        grouped = batch.groupby([start.rename("start"), "k"], sort=False, observed=True)["v"]
        partial = {"n": grouped.size(), "sum": grouped.sum(), "min": grouped.min(), "max": grouped.max()}
        # flat at once: putting frames with indices of several levels together takes ten times as long
        parts.append(pd.DataFrame(partial).reset_index())
        high = max(high, batch["t"].max())
        due = (high - bound).floor(slide)
        if due > closed:
            tell(due)
    tell(high.floor(slide) + size)
    told = pd.concat(panes)
    return told.assign(mean=told["sum"] / told["n"]), late


def sessions(work: Workload, batches: list[pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    """Each row is a session of its own; sessions of a key that touch are put together."""
    gap, bound = MICROSECOND * work.gap, MICROSECOND * BOUND
    open_: pd.DataFrame | None = None
    high = pd.Timestamp.min.as_unit("us") + bound
    panes = []
    for batch in batches:
        value, moment = batch["v"], batch["t"]
        columns = {"start": moment, "last": moment, "n": 1, "sum": value, "min": value, "max": value}
        fresh = pd.DataFrame({"k": batch["k"], **columns})
        every = (fresh if open_ is None else pd.concat([open_, fresh])).sort_values(["k", "start"])
        until = every.groupby("k", sort=False, observed=True)["last"].cummax()
        same = (every["k"] == every["k"].shift()) & (every["start"] - until.shift() <= gap)
        grouped = every.groupby((~same).cumsum(), sort=False)
        merged = grouped.agg({"k": "first", "start": "min", "last": "max", **MERGED})
        high = max(high, moment.max())
        due = merged["last"] + gap <= high - bound
        panes.append(merged[due])
        open_ = merged[~due]
    told = pd.concat([*panes, open_])
    told["mean"] = told["sum"] / told["n"]
    return told, 0


def answer(job: Job, result: tuple[pd.DataFrame, int]) -> tuple[pd.DataFrame, int]:
    told, late = result
    told = told.reset_index()
    start = told["start"].to_numpy("M8[us]").view("i8")
    end = told["last"].to_numpy("M8[us]").view("i8") + job.work.gap if job.work.gap else start + job.work.size
    return told.rename(columns={"k": "key"}).assign(start=start, end=end), late


PEER = Peer("pandas", load, run, answer)

if __name__ == "__main__":
    main(PEER)
