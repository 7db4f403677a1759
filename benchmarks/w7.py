"""W7: patterns of each key, in the order of event time.

    python -m benchmarks.w7 [rows]

A thousand rows a second of a thousand accounts, one of twenty up to five seconds late. *Small, then large*: a
payment below 2 and the next one above 500 after it, less than a minute later, whatever lies between. *Three
failures, then success*: four payments in a row of one account, of which only the last was accepted, within a
minute. The peers have all rows before they begin, and sort them: Python goes row by row, with what it must
remember of each account; pandas, Polars and DuckDB look ahead or back in columns, which is another program
for each pattern. The loop is what the others are held against.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from benchmarks.nexmark.measuring import measured, missing, same, told

BOUND, MINUTE = pd.Timedelta("5s"), pd.Timedelta("1min")
ACCOUNTS = 1_000
SMALL, LARGE = 2.0, 500.0
SIZES = (10_000, 1_000)
TOLD = ["account", "match_start", "match_end"]
PAIR, RUN = "small, then large", "three failures, then success"
PATTERNS = {
    PAIR: wb.begin("small", "amount < 2").followed_by("large", "amount > 500").within("1min"),
    RUN: wb.begin("failures", "not accepted", times=3, inner="strict")
    .next("success", "accepted")
    .within("1min"),
}
Table = pd.DataFrame
Runs = dict[str, Callable[[], Any]]


def rows(count: int, seed: int = 7) -> Table:
    """Payments; one of twenty is small, one of fifty large, three of ten are refused."""
    random = np.random.default_rng(seed)
    seconds = np.arange(count) / 1_000 + random.uniform(0, 0.001, count)
    late = random.random(count) < 0.05
    seconds[late] -= random.uniform(0, BOUND.total_seconds(), late.sum())
    names = np.array([f"account {number}" for number in range(ACCOUNTS)], dtype=object)
    kind = random.random(count)
    amount = np.select([kind < 0.05, kind < 0.07], [1.0, 900.0], 50.0) * random.uniform(0.9, 1.1, count)
    return pd.DataFrame(
        {
            "t": np.datetime64("2026-01-05", "ns") + (seconds * 1e9).astype("timedelta64[ns]"),
            "account": pd.Series(names[random.integers(0, ACCOUNTS, count)], dtype="str"),
            "amount": amount,
            "accepted": random.random(count) > 0.3,
        }
    )


def looped_pairs(data: Table) -> Table:
    """Row by row: the small payments of each account that still wait for a large one."""
    data = data.sort_values("t")
    waiting: dict[str, list[int]] = defaultdict(list)
    found = []
    times = data["t"].astype("int64").tolist()
    for t, account, amount in zip(times, data["account"].tolist(), data["amount"].tolist(), strict=True):
        if amount < SMALL:
            waiting[account].append(t)
        elif amount > LARGE:
            found += [(account, begun, t) for begun in waiting.pop(account, ()) if t - begun < MINUTE.value]
    return matches(found)


def looped_runs(data: Table) -> Table:
    """Row by row: the last three payments of each account."""
    data = data.sort_values("t")
    before: dict[str, deque[tuple[int, bool]]] = defaultdict(lambda: deque(maxlen=3))
    found = []
    times = data["t"].astype("int64").tolist()
    for t, account, accepted in zip(times, data["account"].tolist(), data["accepted"].tolist(), strict=True):
        last = before[account]
        if accepted and len(last) == 3 and not any(ok for _, ok in last) and t - last[0][0] < MINUTE.value:
            found.append((account, last[0][0], t))
        last.append((t, accepted))
    return matches(found)


def matches(found: list[tuple[str, int, int]]) -> Table:
    told = pd.DataFrame(found, columns=TOLD)
    return told.astype({"match_start": "datetime64[ns]", "match_end": "datetime64[ns]"})


def python(data: Table) -> Runs:
    return {PAIR: partial(looped_pairs, data), RUN: partial(looped_runs, data)}


def pandas(data: Table) -> Runs:
    def chosen(f: Table, start: pd.Series, end: pd.Series, where: pd.Series) -> Table:
        found = pd.DataFrame({"account": f["account"], "match_start": start, "match_end": end})
        return found[where & (end - start < MINUTE)]

    def pairs() -> Table:
        f = data.sort_values("t")
        large = f["t"].where(f["amount"] > LARGE).groupby(f["account"]).bfill()
        return chosen(f, f["t"], large, f["amount"] < SMALL)

    def runs() -> Table:
        f = data.sort_values("t")
        by = f.groupby("account")
        refused = [~by["accepted"].shift(n, fill_value=True) for n in (1, 2, 3)]
        return chosen(f, by["t"].shift(3), f["t"], f["accepted"] & refused[0] & refused[1] & refused[2])

    return {PAIR: pairs, RUN: runs}


def polars(data: Table) -> Runs:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read when Polars is imported
    import polars as pl

    held = pl.from_pandas(data).lazy()
    t, accepted = pl.col("t"), pl.col("accepted")

    def chosen(start: pl.Expr, end: pl.Expr, where: pl.Expr) -> pl.DataFrame:
        told = held.sort("t").select("account", match_start=start, match_end=end, where=where)
        in_time = pl.col("match_end") - pl.col("match_start") < pl.duration(minutes=1)
        return told.filter(pl.col("where") & in_time).select(TOLD).collect()

    def pairs() -> pl.DataFrame:
        large = pl.when(pl.col("amount") > LARGE).then(t).backward_fill().over("account")
        return chosen(t, large, pl.col("amount") < SMALL)

    def runs() -> pl.DataFrame:
        refused = [~accepted.shift(n).over("account") for n in (1, 2, 3)]
        return chosen(t.shift(3).over("account"), t, accepted & refused[0] & refused[1] & refused[2])

    return {PAIR: pairs, RUN: runs}


def duckdb(data: Table) -> Runs:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("given", data)
    connection.execute("CREATE TABLE payments AS SELECT * FROM given")
    told = "SELECT account, match_start, match_end FROM"
    in_time = "match_end - match_start < INTERVAL 1 MINUTE"
    pairs = f"""
        {told} (SELECT account, amount, t AS match_start, min(t) FILTER (amount > {LARGE}) OVER (
            PARTITION BY account ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS match_end
            FROM payments)
        WHERE amount < {SMALL} AND {in_time}"""
    runs = f"""
        {told} (SELECT account, accepted, t AS match_end, lag(t, 3) OVER w AS match_start,
            lag(accepted, 1) OVER w AS a, lag(accepted, 2) OVER w AS b, lag(accepted, 3) OVER w AS c
            FROM payments WINDOW w AS (PARTITION BY account ORDER BY t))
        WHERE accepted AND NOT a AND NOT b AND NOT c AND {in_time}"""
    return {
        PAIR: lambda: connection.sql(pairs).to_arrow_table(),
        RUN: lambda: connection.sql(runs).to_arrow_table(),
    }


WHOLE = {"python loop": python, "pandas": pandas, "polars": polars, "duckdb": duckdb}
INSTALLED = ("polars", "duckdb")


def right(expected: Table, given: Any) -> bool:
    """Hold an answer, of any peer, against that of the loop over rows."""
    return same(given if isinstance(given, Table) else given.to_pandas(), expected)


def measurements(count: int) -> Iterator[dict[str, Any]]:
    """Measure both patterns."""
    data = rows(count)
    stream = wb.stream(data, time="t", watermark=BOUND).groupby("account")
    absent = missing(*INSTALLED)
    at_once = {name: make(data) for name, make in WHOLE.items() if name not in absent}
    for what, pattern in PATTERNS.items():
        expected = at_once["python loop"][what]()
        described = {"workload": "W7", "what": what, "rows": count, "read": partial(right, expected)}
        for size in SIZES:
            ours = partial(stream.match(pattern).to_pandas, batch_rows=size)
            yield measured(ours, peer="workbench", batch=size, **described)
        for name, runs in at_once.items():
            yield measured(runs[what], peer=name, batch=None, **described)


def table(rows: int = 1_000_000) -> list[dict[str, Any]]:
    """Measure all of it on so many rows."""
    return list(measurements(rows))


if __name__ == "__main__":
    if missing(*INSTALLED):
        print(f"left out, not installed here: {', '.join(missing(*INSTALLED))}")
    told(measurements(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
