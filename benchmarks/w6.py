"""W6: trades joined with quotes, by interval and as of the trade.

    python -m benchmarks.w6 [rows]

Half of the rows are trades and half are quotes, a thousand of each a second, of a thousand symbols, one of
twenty up to five seconds late. The interval join gives each trade all quotes of the two seconds before it.
Polars and DuckDB have all rows before they begin, in their own format, with one thread each: they are a
limit. pandas goes by batches as the workbench does: trades are held until the watermark has passed them,
quotes as long as a trade may need them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

import workbench as wb
from benchmarks.nexmark.measuring import measured, missing, same, told

BOUND, WIDTH = pd.Timedelta("5s"), pd.Timedelta("2s")
SYMBOLS = 1_000
SIZES = (10_000, 1_000)
TOLD = ["t", "symbol", "price", "bid"]
Table = pd.DataFrame


def rows(count: int, column: str, seed: int) -> Table:
    """Rows of one side, in the order in which they come."""
    random = np.random.default_rng(seed)
    seconds = np.arange(count) / 1_000 + random.uniform(0, 0.001, count)
    late = random.random(count) < 0.05
    seconds[late] -= random.uniform(0, BOUND.total_seconds(), late.sum())
    names = np.array([f"symbol {number}" for number in range(SYMBOLS)], dtype=object)
    return pd.DataFrame(
        {
            "t": (np.datetime64("2026-01-05", "ns") + (seconds * 1e9).astype("timedelta64[ns]")),
            "symbol": pd.Series(names[random.integers(0, SYMBOLS, count)], dtype="str"),
            column: random.uniform(10, 20, count),
        }
    )


def expected(trades: Table, quotes: Table) -> dict[str, Table]:
    """Find partners by binary search in quotes sorted by symbol and time."""
    quotes = quotes.sort_values(["symbol", "t"], ignore_index=True)
    symbols = np.unique([*quotes["symbol"], *trades["symbol"]])
    begin = quotes["t"].min() - pd.Timedelta("1D")

    def place(side: Table) -> npt.NDArray[np.int64]:  # a symbol has room for eleven days
        since = (side["t"] - begin).astype("timedelta64[ns]").astype("int64")
        return np.searchsorted(symbols, side["symbol"]) * 10**15 + since.to_numpy()

    quoted, traded = place(quotes), place(trades)
    first = np.searchsorted(quoted, traded - WIDTH.value, side="left")
    stop = np.searchsorted(quoted, traded, side="right")
    last = quotes.iloc[stop - 1].reset_index(drop=True)
    found = (stop > 0) & (last["symbol"].to_numpy() == trades["symbol"].to_numpy())
    pairs = stop - first
    left = trades.loc[trades.index.repeat(pairs)].reset_index(drop=True)
    offsets = np.arange(pairs.sum()) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    right = np.repeat(first, pairs) + offsets
    return {
        "as-of join": trades.assign(bid=last["bid"].where(found).to_numpy()),
        "interval join": left.assign(bid=quotes["bid"].to_numpy()[right]),
    }


def as_of(trades: Table, quotes: Table) -> Table:
    return pd.merge_asof(trades.sort_values("t"), quotes.sort_values("t"), on="t", by="symbol")


def within(trades: Table, quotes: Table) -> Table:
    """Meet in pieces of time as long as the interval, of which a trade needs two."""
    piece = trades["t"].dt.floor(WIDTH)
    twice = pd.concat([trades.assign(piece=piece), trades.assign(piece=piece - WIDTH)])
    pieces = quotes.assign(piece=quotes["t"].dt.floor(WIDTH))
    met = twice.merge(pieces, on=["symbol", "piece"], suffixes=("", "_right"))
    age = met["t"] - met["t_right"]
    return met.loc[(age >= pd.Timedelta(0)) & (age <= WIDTH), TOLD]


def newest(quotes: Table, watermark: pd.Timestamp) -> Table:
    """What trades after the watermark may need: the last quote of each symbol before it, and those after."""
    past = quotes[quotes["t"] <= watermark].sort_values("t").drop_duplicates("symbol", keep="last")
    return pd.concat([past, quotes[quotes["t"] > watermark]])


def recent(quotes: Table, watermark: pd.Timestamp) -> Table:
    return quotes[quotes["t"] >= watermark - WIDTH]


def by_batches(
    join: Callable[[Table, Table], Table],
    keep: Callable[[Table, pd.Timestamp], Table],
    trades: Table,
    quotes: Table,
    size: int,
) -> Table:
    """Join batch by batch: trades that the watermark has passed, with the quotes that are kept."""
    held, kept, answers = trades[:0], quotes[:0], []
    latest = np.minimum(trades["t"].cummax(), quotes["t"].cummax()) - BOUND
    for start in range(0, len(trades), size):
        stop = min(start + size, len(trades))
        held, kept = pd.concat([held, trades[start:stop]]), pd.concat([kept, quotes[start:stop]])
        watermark = latest.iloc[stop - 1]
        answers.append(join(held[held["t"] <= watermark], kept))
        held, kept = held[held["t"] > watermark], keep(kept, watermark)
    return pd.concat([*answers, join(held, kept)])


PANDAS = {"as-of join": (as_of, newest), "interval join": (within, recent)}


def ours(trades: Table, quotes: Table) -> dict[str, wb.EventStream]:
    left, right = (wb.stream(side, time="t", watermark=BOUND) for side in (trades, quotes))
    return {
        "as-of join": left.asof_join(right, on="symbol"),
        "interval join": left.interval_join(right, on="symbol", lower=-WIDTH, upper=0),
    }


def polars(trades: Table, quotes: Table) -> dict[str, Callable[[], Any]]:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read when Polars is imported
    import polars as pl

    left, right = pl.from_pandas(trades), pl.from_pandas(quotes)
    t, piece = pl.col("t"), pl.col("t").dt.truncate("2s")
    in_time = t.is_between(pl.col("t_right"), pl.col("t_right").dt.offset_by("2s"))

    def as_of() -> pl.DataFrame:
        return left.sort("t").join_asof(right.sort("t"), on="t", by="symbol", check_sortedness=False)

    def within() -> pl.DataFrame:
        pieces = [left.lazy().with_columns(piece=piece.dt.offset_by(offset)) for offset in ("0s", "-2s")]
        met = pl.concat(pieces).join(right.lazy().with_columns(piece=piece), on=["symbol", "piece"])
        return met.filter(in_time).select(TOLD).collect()

    return {"as-of join": as_of, "interval join": within}


def duckdb(trades: Table, quotes: Table) -> dict[str, Callable[[], Any]]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    for name, side in (("trades", trades), ("quotes", quotes)):
        connection.register("given", side)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    chosen = "SELECT t.t, t.symbol, price, bid FROM"
    queries = {
        "as-of join": f"{chosen} trades t ASOF LEFT JOIN quotes q ON t.symbol = q.symbol AND t.t >= q.t",
        "interval join": f"""
            {chosen} (SELECT *, time_bucket(INTERVAL 2 SECOND, t) - k * INTERVAL 2 SECOND AS piece
                FROM trades, range(2) AS r(k)) t
            JOIN (SELECT *, time_bucket(INTERVAL 2 SECOND, t) AS piece FROM quotes) q
            ON t.symbol = q.symbol AND t.piece = q.piece
            WHERE q.t BETWEEN t.t - INTERVAL 2 SECOND AND t.t""",
    }
    return {
        what: lambda query=query: connection.sql(query).to_arrow_table() for what, query in queries.items()
    }


WHOLE = {"polars": polars, "duckdb": duckdb}


def right(expected: Table, given: Any) -> bool:
    """Hold an answer, of any peer, against the one by binary search."""
    return same(given if isinstance(given, Table) else given.to_pandas(), expected[TOLD])


def measurements(count: int) -> Iterator[dict[str, Any]]:
    """Measure both joins."""
    trades, quotes = rows(count // 2, "price", 1), rows(count // 2, "bid", 2)
    streams, answers = ours(trades, quotes), expected(trades, quotes)
    at_once = {name: make(trades, quotes) for name, make in WHOLE.items() if not missing(name)}
    for what, answer in answers.items():
        described = {"workload": "W6", "what": what, "rows": 2 * len(trades), "read": partial(right, answer)}
        for size in SIZES:
            go = partial(streams[what].to_pandas, batch_rows=size)
            yield measured(go, peer="workbench", batch=size, **described)
            go = partial(by_batches, *PANDAS[what], trades, quotes, size)
            yield measured(go, peer="pandas per batch", batch=size, **described)
        go = partial(PANDAS[what][0], trades, quotes)
        yield measured(go, peer="pandas", batch=None, **described)
        for name, runs in at_once.items():
            yield measured(runs[what], peer=name, batch=None, **described)


def table(rows: int = 1_000_000) -> list[dict[str, Any]]:
    """Measure all of it on so many rows."""
    return list(measurements(rows))


if __name__ == "__main__":
    if missing(*WHOLE):
        print(f"left out, not installed here: {', '.join(missing(*WHOLE))}")
    told(measurements(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
