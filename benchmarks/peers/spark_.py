"""Spark Structured Streaming on one thread: Parquet files as a stream, one file a micro-batch, append mode.

The session, and a first query over a small table, come before what is measured. A last row far ahead moves
the watermark past all windows, since Spark tells nothing at the end of a stream.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, SECOND, Workload

END = "the end"
WARM = 20_000


def load(job: Job) -> tuple[SparkSession, Path]:
    place = Path(tempfile.mkdtemp(prefix="bench-spark-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    rows = pq.read_table(job.path)
    rows = rows.set_column(1, "t", rows["t"].cast(pa.timestamp("us", "UTC")))
    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", 1)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    _cut(rows.slice(0, WARM), WARM // 4, place / "warm")
    run(replace(job, batch=WARM // 4), (session, place / "warm"))
    _cut(rows, job.batch, place / "rows")
    return session, place / "rows"


def _cut(rows: pa.Table, size: int, place: Path) -> None:
    """One file a batch; Spark takes them by their age."""
    place.mkdir()
    pieces = [rows.slice(start, size) for start in range(0, len(rows), size)]
    pieces.append(pa.table([[END], [datetime(2100, 1, 1)], [0.0]], schema=rows.schema))
    for number, piece in enumerate(pieces):
        path = place / f"{number:08}.parquet"
        pq.write_table(piece, path)
        os.utime(path, (1e9 + number, 1e9 + number))


def run(job: Job, given: tuple[SparkSession, Path]) -> Path:
    session, place = given
    out = Path(tempfile.mkdtemp(dir=place.parent))
    stream = session.readStream.schema("k string, t timestamp, v double").option("maxFilesPerTrigger", 1)
    dated = stream.parquet(str(place)).withWatermark("t", f"{BOUND // SECOND} seconds")
    panes = dated.groupBy(window(job.work).alias("w"), "k").agg(
        fn.count("*").alias("n"),
        *(getattr(fn, name)("v").alias(name) for name in ("sum", "min", "max")),
        fn.avg("v").alias("mean"),
    )
    told = panes.select(fn.col("k").alias("key"), "w.start", "w.end", "n", "sum", "mean", "min", "max")
    written = told.writeStream.format("parquet").outputMode("append").trigger(availableNow=True)
    written.option("checkpointLocation", str(out / "checkpoint")).start(str(out / "panes")).awaitTermination()
    return out / "panes"


def window(work: Workload) -> Any:
    if work.gap:
        return fn.session_window("t", f"{work.gap // SECOND} seconds")
    return fn.window("t", f"{work.size // SECOND} seconds", f"{work.slide // SECOND} seconds")


def answer(job: Job, panes: Path) -> tuple[Any, None]:
    told = pd.read_parquet(sorted(panes.glob("*.parquet")))
    told = told[told["key"] != END]
    bounds = {
        name: pd.to_datetime(told[name], utc=True).dt.tz_convert(None).to_numpy("M8[us]").view("i8")
        for name in ("start", "end")
    }
    return told.assign(**bounds), None


PEER = Peer(
    "pyspark",
    load,
    run,
    answer,
    reads=True,
    note="reads one Parquet file a micro-batch; the JVM is up and warm",
)

if __name__ == "__main__":
    main(PEER)
