"""streamz's own windows, as far as they go: a streaming group-by over minute and key.

streamz has no watermark and no event time: its windows are the last n rows, or what lies so far behind the
newest row of an index in order. A group-by over the minute and the key is the one way to a right answer; it
has no minimum and no maximum, never closes a window, and tells its whole state with every batch.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamz
from streamz.dataframe import DataFrame

from benchmarks.peers import pandas_
from benchmarks.peers.contract import Job, Peer, main

WINDOW = pd.Timedelta(1, "us")


def load(job: Job) -> list[pd.DataFrame]:
    return pandas_.load(job)


def run(job: Job, batches: list[pd.DataFrame]) -> dict[str, pd.Series]:
    source = streamz.Stream()
    every = DataFrame(source, example=batches[0].iloc[:1].assign(start=batches[0]["t"].iloc[:1]))
    grouped = every.groupby(["start", "k"])["v"]
    last: dict[str, pd.Series] = {}
    for name, stream in {"n": grouped.size(), "sum": grouped.sum(), "mean": grouped.mean()}.items():
        stream.stream.sink(lambda series, name=name: last.__setitem__(name, series))
    for batch in batches:
        source.emit(batch.assign(start=batch["t"].dt.floor(job.work.slide * WINDOW)))
    return last


def answer(job: Job, last: dict[str, pd.Series]) -> tuple[Any, None]:
    told = pd.DataFrame(last).reset_index()
    start = told["start"].to_numpy("M8[us]").view("i8")
    return told.rename(columns={"k": "key"}).assign(start=start, end=start + job.work.size), None


CANNOT = {
    "W1L": "it has no watermark, so no row is late",
    "W3": "its sliding windows want an index in order",
    "W4": "it has no sessions",
}
PEER = Peer("streamz", load, run, answer, CANNOT, note="no min and max; keeps every window for ever")

if __name__ == "__main__":
    main(PEER)
