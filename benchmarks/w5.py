"""W5: quantiles and distinct counts of each minute and key, exact and by sketches.

    python -m benchmarks.w5 [rows]

A median cannot be merged from the medians of batches. So the peers keep all rows of a minute until the
watermark has passed its end, and then answer at once; nothing else of a stream is asked of them. Each has its
batches in its own format before it begins, and one thread. What sketches tell is right if a quantile's rank
is off by no more than one percent, and if 19 of 20 distinct counts are by no more than five: that is what is
said of them here, and DuckDB's, with a standard error of 2.7 percent as measured, may miss it by a hair.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from benchmarks.nexmark.measuring import measured, missing, same, told

BOUND = pd.Timedelta("30s")
P = 0.95
OURS: dict[str, tuple[Any, ...]] = {
    "median": ("v", "median"),
    "quantile 0.95": ("v", "quantile", P),
    "nunique": ("u", "nunique"),
    "approx_quantile 0.95": ("v", "approx_quantile", P),
    "approx_nunique": ("u", "approx_nunique"),
}
KEYS = (1_000, 20)
SIZES = (10_000, 1_000)


def rows(count: int, keys: int, seed: int = 5) -> pd.DataFrame:
    """A thousand rows a second, one of twenty up to 30 s late; 50,000 users."""
    random = np.random.default_rng(seed)
    seconds = np.arange(count) / 1_000
    late = random.random(count) < 0.05
    seconds[late] -= random.uniform(0, BOUND.total_seconds(), late.sum())
    names = np.array([f"key {number}" for number in range(keys)], dtype=object)
    return pd.DataFrame(
        {
            "t": pd.Timestamp("2026-01-05") + pd.to_timedelta(seconds, unit="s"),
            "k": pd.Series(names[random.integers(0, keys, count)], dtype="str"),
            "v": random.lognormal(size=count),
            "u": random.integers(0, 50_000, count),
        }
    )


@dataclass(frozen=True)
class Peer:
    """How a library keeps batches and answers.

    Parameters
    ----------
    own : callable
        Makes a batch of its own of a frame.
    joined : callable
        Puts batches together.
    split : callable
        Parts a batch into what lies before a moment and what does not.
    asked : mapping
        Answers by name: of a batch with whole minutes, a table with the columns ``window_start, k, x``.
    """

    own: Callable[[pd.DataFrame], Any]
    joined: Callable[[Sequence[Any]], Any]
    split: Callable[[Any, pd.Timestamp], tuple[Any, Any]]
    asked: dict[str, Callable[[Any], Any]]


def until_closed(peer: Peer, what: str, batches: Sequence[tuple[Any, pd.Timestamp]]) -> Any:
    """Keep batches, each with the watermark after it, and answer for minutes as it closes them."""
    held, answers, closed = [], [], batches[0][1].floor("min")
    for batch, watermark in batches:
        held.append(batch)
        if watermark.floor("min") > closed:
            closed = watermark.floor("min")
            whole, rest = peer.split(peer.joined(held), closed)
            answers.append(peer.asked[what](whole))
            held = [rest]
    return peer.joined([*answers, peer.asked[what](peer.joined(held))])


def with_pandas() -> Peer:
    def asked(function: Callable[[Any], Any]) -> Callable[[pd.DataFrame], pd.DataFrame]:
        return lambda f: (
            function(f.groupby([f["t"].dt.floor("min").rename("window_start"), "k"]))
            .rename("x")
            .reset_index()
        )

    return Peer(
        own=lambda frame: frame,
        joined=lambda parts: pd.concat(parts, ignore_index=True),
        split=lambda f, end: (f[f["t"] < end], f[f["t"] >= end]),
        asked={
            "median": asked(lambda grouped: grouped["v"].median()),
            "quantile 0.95": asked(lambda grouped: grouped["v"].quantile(P)),
            "nunique": asked(lambda grouped: grouped["u"].nunique()),
        },
    )


def with_polars() -> Peer:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read when Polars is imported
    import polars as pl

    def asked(expression: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
        return lambda f: f.group_by(window_start=pl.col("t").dt.truncate("1m"), k="k").agg(x=expression)

    v, u, t = pl.col("v"), pl.col("u"), pl.col("t")
    return Peer(
        own=pl.from_pandas,
        joined=pl.concat,
        split=lambda f, end: (f.filter(t < end), f.filter(t >= end)),
        asked={
            "median": asked(v.median()),
            "quantile 0.95": asked(v.quantile(P, interpolation="linear")),
            "nunique": asked(u.n_unique()),
            "approx_nunique": asked(u.approx_n_unique()),
        },
    )


def with_duckdb() -> Peer:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    connection.execute("SET threads = 1")

    def sql(query: str, held: pa.Table) -> pa.Table:  # DuckDB finds `held` by its name
        return connection.sql(query).to_arrow_table()

    def asked(expression: str) -> Callable[[pa.Table], pa.Table]:
        grouped = (
            f"SELECT date_trunc('minute', t) AS window_start, k, {expression} AS x FROM held GROUP BY ALL"
        )
        return partial(sql, grouped)

    return Peer(
        own=lambda frame: sql("FROM held", pa.Table.from_pandas(frame, preserve_index=False)),
        joined=pa.concat_tables,
        split=lambda f, end: (
            sql(f"SELECT * FROM held WHERE t < TIMESTAMP '{end}'", f),
            sql(f"SELECT * FROM held WHERE t >= TIMESTAMP '{end}'", f),
        ),
        asked={
            "median": asked("median(v)"),
            "quantile 0.95": asked(f"quantile_cont(v, {P})"),
            "nunique": asked("count(DISTINCT u)"),
            "approx_quantile 0.95": asked(f"approx_quantile(v, {P})"),
            "approx_nunique": asked("approx_count_distinct(u)"),
        },
    )


PEERS = {"pandas": with_pandas, "polars": with_polars, "duckdb": with_duckdb}


def right(what: str, data: pd.DataFrame, given: Any) -> bool:
    """Hold an answer against pandas over all rows."""
    found = given if isinstance(given, pd.DataFrame) else given.to_pandas()
    whole = with_pandas().asked
    if not what.startswith("approx"):
        return same(found, whole[what](data))
    minutes = data.assign(window_start=data["t"].dt.floor("min"))
    both = found.set_index(["window_start", "k"])[["x"]].rename_axis(["window_start", "k"])
    if what == "approx_nunique":
        exact = minutes.groupby(["window_start", "k"])["u"].nunique()
        off = (both["x"].reindex(exact.index) / exact - 1).abs()
        return bool((off <= 0.05).mean() >= 0.95)
    told_of = minutes.merge(both.reset_index(), on=["window_start", "k"], how="left")
    of_window = [told_of["window_start"], told_of["k"]]
    below = (told_of["v"] < told_of["x"]).groupby(of_window).mean()
    up_to = (told_of["v"] <= told_of["x"]).groupby(of_window).mean()
    one = 1 / told_of.groupby(of_window).size()
    return bool(((below - one <= P + 0.01) & (up_to + one >= P - 0.01)).all())


def measurements(count: int) -> Iterator[dict[str, Any]]:
    """Measure each aggregate for many keys and for few."""
    sketches = not missing("datasketches")
    peers = {name: make() for name, make in PEERS.items() if name == "pandas" or not missing(name)}
    for keys in KEYS:
        data = rows(count, keys)
        grouped = wb.stream(data, time="t", watermark=BOUND).groupby("k").window("1min")
        for size in SIZES:
            cuts = range(0, count, size)
            frames = [data.iloc[start : start + size] for start in cuts]
            marks = [
                mark - BOUND for mark in data["t"].cummax().iloc[[min(c + size, count) - 1 for c in cuts]]
            ]
            own = {name: [*zip(map(peer.own, frames), marks, strict=True)] for name, peer in peers.items()}
            for what, aggregate in OURS.items():
                described = {
                    "rows": count,
                    "read": partial(right, what, data),
                    "workload": "W5",
                    "what": f"{what} a minute of {keys:,} keys",
                    "batch": size,
                }
                if sketches or not what.startswith("approx"):
                    ours = partial(grouped.agg(x=aggregate).to_pandas, batch_rows=size)
                    yield measured(ours, peer="workbench", **described)
                for name, peer in peers.items():
                    if what in peer.asked:
                        yield measured(partial(until_closed, peer, what, own[name]), peer=name, **described)


def table(rows: int = 1_000_000) -> list[dict[str, Any]]:
    """Measure all of it on so many rows."""
    return list(measurements(rows))


if __name__ == "__main__":
    if missing("polars", "duckdb", "datasketches"):
        print(f"left out, not installed here: {', '.join(missing('polars', 'duckdb', 'datasketches'))}")
    told(measurements(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
