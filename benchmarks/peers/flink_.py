"""Flink SQL on one thread: a CSV file as a stream through a windowing table function.

CSV, since the Python package brings no Parquet reader. The virtual machine, and a first query over a small
table, come before what is measured; what a mere scan of the same file costs is taken off for the figure in
memory, and told as loading.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyflink.table import EnvironmentSettings, TableEnvironment

from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND, SECOND, Workload

WARM = 20_000
COLUMNS = ("key", "start", "end", "n", "sum", "mean", "min", "max")


def load(job: Job) -> tuple[TableEnvironment, Path]:
    place = Path(tempfile.mkdtemp(prefix="bench-flink-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    rows = pq.read_table(job.path)
    rows = rows.set_column(1, "t", rows["t"].cast(pa.timestamp("ms")).cast(pa.string()))
    for name, part in (("warm", rows.slice(0, WARM)), ("rows", rows)):
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        pyarrow.csv.write_csv(part, place / name, options)
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for key, value in {
        "parallelism.default": "1",
        "table.local-time-zone": "UTC",
        "execution.checkpointing.interval": "10 s",
        "execution.checkpointing.dir": f"file://{place / 'checkpoints'}",
        "pipeline.auto-watermark-interval": "1 ms",
        "pipeline.object-reuse": "true",
    }.items():
        tables.get_config().set(key, value)
    run(job, (tables, place / "warm"))
    return tables, place / "rows"


def run(job: Job, given: tuple[TableEnvironment, Path]) -> Path:
    tables, path = given
    out = Path(tempfile.mkdtemp(dir=path.parent))
    _source(tables, path)
    tables.execute_sql("DROP TABLE IF EXISTS sink_table")
    tables.execute_sql(
        f"""CREATE TABLE sink_table (`key` STRING, `start` TIMESTAMP(3), `end` TIMESTAMP(3), n BIGINT,
        `sum` DOUBLE, `mean` DOUBLE, `min` DOUBLE, `max` DOUBLE)
        WITH ('connector' = 'filesystem', 'path' = 'file://{out}', 'format' = 'csv')"""
    )
    tables.execute_sql(
        f"""INSERT INTO sink_table SELECT k, window_start, window_end,
        COUNT(*), SUM(v), AVG(v), MIN(v), MAX(v) FROM {window(job.work)}
        GROUP BY k, window_start, window_end"""
    ).wait()
    return out


def scan(job: Job, given: tuple[TableEnvironment, Path]) -> None:
    """Read the same file, and do nothing with it."""
    tables = given[0]
    tables.execute_sql("DROP TABLE IF EXISTS hole")
    tables.execute_sql(
        "CREATE TABLE hole (k STRING, t TIMESTAMP(3), v DOUBLE) WITH ('connector' = 'blackhole')"
    )
    _source(tables, given[1])
    tables.execute_sql("INSERT INTO hole SELECT k, t, v FROM source_table").wait()


def _source(tables: TableEnvironment, path: Path) -> None:
    tables.execute_sql("DROP TABLE IF EXISTS source_table")
    tables.execute_sql(
        f"""CREATE TABLE source_table (k STRING, t TIMESTAMP(3), v DOUBLE,
        WATERMARK FOR t AS t - {interval(BOUND)})
        WITH ('connector' = 'filesystem', 'path' = 'file://{path}', 'format' = 'csv')"""
    )


def window(work: Workload) -> str:
    """The windowing table function."""
    if work.gap:
        return f"TABLE(SESSION(TABLE source_table PARTITION BY k, DESCRIPTOR(t), {interval(work.gap)}))"
    lengths = [work.slide, work.size] if work.overlap > 1 else [work.size]
    name = "HOP" if work.overlap > 1 else "TUMBLE"
    return f"TABLE({name}(TABLE source_table, DESCRIPTOR(t), {', '.join(map(interval, lengths))}))"


def interval(length: int) -> str:
    """A length as SQL spells it: no more than two digits of a unit."""
    minutes, rest = divmod(length, 60 * SECOND)
    return f"INTERVAL '{minutes}' MINUTE" if not rest else f"INTERVAL '{length // SECOND}' SECOND"


def answer(job: Job, out: Path) -> tuple[Any, None]:
    parts = [
        pd.read_csv(path, names=COLUMNS) for path in out.rglob("*") if path.is_file() and path.stat().st_size
    ]
    told = pd.concat(parts, ignore_index=True)
    bounds = {
        name: pd.to_datetime(told[name], format="ISO8601").to_numpy("M8[us]").view("i8")
        for name in ("start", "end")
    }
    return told.assign(**bounds), None


NOTE = "the JVM is up and warm; less what it costs to read the CSV"
PEER = Peer("apache-flink", load, run, answer, reads=True, scan=scan, note=NOTE)

if __name__ == "__main__":
    main(PEER)
