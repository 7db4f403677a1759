"""Ours: a streamz graph of pandas batches through a watermark and a window node into a sink."""

from __future__ import annotations

import pandas as pd
import streamz

import workbench as wb
import workbench.runtimes.streamz  # registers the nodes
from benchmarks.peers import pandas_
from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, Workload

NAMED = {"n": ("v", "size")} | {name: ("v", name) for name in ("sum", "mean", "min", "max")}
MICROSECOND = pd.Timedelta(1, "us")


def load(job: Job) -> list[pd.DataFrame]:
    return pandas_.load(job)


def window(work: Workload) -> object:
    if work.gap:
        return wb.Session(work.gap * MICROSECOND)
    return wb.Sliding(work.size * MICROSECOND, work.slide * MICROSECOND)


def run(job: Job, batches: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], int]:
    source, panes, late = streamz.Stream(), [], []
    dated = source.watermark(BOUND * MICROSECOND, time="t")
    told = dated.window(window(job.work), by="k", **NAMED)
    told.sink(panes.append)
    told.late.map(len).sink(late.append)
    for batch in batches:
        source.emit(batch)
    dated.end()
    return panes, sum(late)


def answer(job: Job, result: tuple[list[pd.DataFrame], int]) -> tuple[pd.DataFrame, int]:
    panes, late = result
    told = pd.concat([pane.assign(k=pane["k"].astype("str")) for pane in panes], ignore_index=True)
    bounds = {name: told[f"window_{name}"].to_numpy("M8[us]").view("i8") for name in ("start", "end")}
    columns = ["k", *NAMED]
    return told[columns].rename(columns={"k": "key"}).assign(**bounds), late


PEER = Peer("streaming-workbench", load, run, answer)

if __name__ == "__main__":
    main(PEER)
