"""Bytewax as its guide writes it: a fold for each window and key, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import pandas as pd
import pyarrow.parquet as pq
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, EPOCH, SECOND

ALIGNED = datetime.fromtimestamp(EPOCH // SECOND, tz=UTC)
Row = tuple[str, tuple[datetime, float]]
Fold = tuple[int, float, float, float, datetime, datetime]


def load(job: Job) -> list[Row]:
    rows = pq.read_table(job.path)
    times = [moment.replace(tzinfo=UTC) for moment in rows["t"].to_pylist()]
    return list(zip(rows["k"].to_pylist(), zip(times, rows["v"].to_pylist(), strict=True), strict=True))


def run(job: Job, rows: list[Row]) -> tuple[list, int]:
    work, panes, late = job.work, [], []
    length, every, gap, bound = (
        timedelta(microseconds=span) for span in (work.size, work.slide, work.gap, BOUND)
    )
    if work.gap:
        windower = win.SessionWindower(gap=gap)
    elif work.overlap > 1:
        windower = win.SlidingWindower(length=length, offset=every, align_to=ALIGNED)
    else:
        windower = win.TumblingWindower(length=length, align_to=ALIGNED)
    # its watermark also moves on with the clock, so the answer would depend on the machine: ours stands still
    clock = win.EventClock(
        ts_getter=lambda row: row[0], wait_for_system_duration=bound, now_getter=lambda: ALIGNED
    )
    flow = Dataflow("benchmark")
    source = op.input("rows", flow, TestingSource(rows, batch_size=job.batch))
    told = win.fold_window("fold", source, clock, windower, nothing, fold, merge)
    op.output("panes", told.down, TestingSink(panes))
    op.output("late", told.late, TestingSink(late))
    run_main(flow)
    return panes, len(late)


def nothing() -> Fold | None:
    return None


def fold(held: Fold | None, row: tuple[datetime, float]) -> Fold:
    moment, value = row
    if held is None:
        return (1, value, value, value, moment, moment)
    n, total, least, most, first, last = held
    return (
        n + 1,
        total + value,
        min(least, value),
        max(most, value),
        min(first, moment),
        max(last, moment),
    )


def merge(one: Fold | None, other: Fold | None) -> Fold | None:
    if one is None or other is None:
        return one or other
    return (
        one[0] + other[0],
        one[1] + other[1],
        min(one[2], other[2]),
        max(one[3], other[3]),
        min(one[4], other[4]),
        max(one[5], other[5]),
    )


def answer(job: Job, result: tuple[list, int]) -> tuple[Any, int | None]:
    panes, late = result
    told = pd.DataFrame(
        [(key, number, *held) for key, (number, held) in panes],
        columns=["key", "number", "n", "sum", "min", "max", "first", "last"],
    )
    if job.work.gap:
        start, last = (
            told[name].dt.tz_convert(None).to_numpy("M8[us]").view("i8") for name in ("first", "last")
        )
        end = last + job.work.gap
    else:
        start = told["number"].to_numpy() * job.work.slide + EPOCH
        end = start + job.work.size
    columns = ["key", "n", "sum", "min", "max"]
    return told[columns].assign(start=start, end=end, mean=told["sum"] / told["n"]), late


PEER = Peer("bytewax", load, run, answer, note="the system clock held still")

if __name__ == "__main__":
    main(PEER)
