"""Pathway as its guide writes it: `windowby` with a behaviour, each window told once."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pathway as pw

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, Workload


class Rows(pw.Schema):
    k: str
    t: pw.DateTimeNaive
    v: float


def load(job: Job) -> pd.DataFrame:
    """Batches are moments of its logical time, two apart as it wants them."""
    rows = pd.read_parquet(job.path)
    return rows.assign(__time__=[2 + row // job.batch * 2 for row in range(len(rows))], __diff__=1)


def run(job: Job, rows: pd.DataFrame) -> list[tuple]:
    pw.internals.parse_graph.G.clear()
    table = pw.debug.table_from_pandas(rows, schema=Rows)
    told = table.windowby(table.t, window=window(job.work), instance=table.k, behavior=behaviour(job.work))
    panes = told.reduce(
        key=pw.this._pw_instance,
        start=pw.this._pw_window_start,
        end=pw.this._pw_window_end,
        n=pw.reducers.count(),
        sum=pw.reducers.sum(pw.this.v),
        mean=pw.reducers.avg(pw.this.v),
        min=pw.reducers.min(pw.this.v),
        max=pw.reducers.max(pw.this.v),
    )
    result: dict[Any, dict] = {}

    def change(key: Any, row: dict, time: int, is_addition: bool) -> None:
        if is_addition:
            result[key] = row
        else:
            result.pop(key, None)

    pw.io.subscribe(panes, on_change=change)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    return list(result.values())


def window(work: Workload) -> Any:
    if work.gap:
        return pw.temporal.session(max_gap=datetime.timedelta(microseconds=work.gap))
    size, slide = (datetime.timedelta(microseconds=span) for span in (work.size, work.slide))
    return pw.temporal.sliding(hop=slide, duration=size) if work.overlap > 1 else pw.temporal.tumbling(size)


def behaviour(work: Workload) -> Any:
    bound = datetime.timedelta(microseconds=BOUND)
    return None if work.gap else pw.temporal.exactly_once_behavior(shift=bound)


def answer(job: Job, panes: list[tuple]) -> tuple[Any, None]:
    told = pd.DataFrame(panes)
    bounds = {name: pd.to_datetime(told[name]).to_numpy("M8[us]").view("i8") for name in ("start", "end")}
    if job.work.gap:
        bounds["end"] = bounds["end"] + job.work.gap
    return told.assign(**bounds), None


NOTE = "includes building its table from pandas row by row"
PEER = Peer("pathway", load, run, answer, note=NOTE)

if __name__ == "__main__":
    main(PEER)
