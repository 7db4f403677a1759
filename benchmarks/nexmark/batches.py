"""The queries of Nexmark that pandas answers by batches: what is kept of each, and the answer made of that.

There is no watermark, no late row and no pane before the end here, so this is the least that a stream on
pandas could cost. Left out are queries that need rows of other batches: joins, sessions and what follows.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from benchmarks.nexmark import oracle
from benchmarks.nexmark.generator import Events

Frame = pd.DataFrame
TIME = "dateTime"


def whole(bids: Frame) -> Events:
    return Events(bids[:0], bids[:0], bids)


def straight(name: str) -> tuple[Callable[[Frame], Frame], Callable[[Frame], Frame]]:
    """A query without state: the answers to all batches, one after the other."""
    return lambda batch: oracle.ORACLE[name](whole(batch)), lambda kept: kept


def counted(batch: Frame, size: str, key: str) -> Frame:
    return (
        batch.groupby([batch[TIME].dt.floor(size).rename("window_start"), key])
        .size()
        .rename("bids")
        .reset_index()
    )


def slices(kept: Frame) -> Frame:
    second = pd.Timedelta("1s")
    end = kept["window_start"] + 2 * second
    counts = pd.concat([kept.assign(window_end=end + 2 * k * second) for k in range(5)])
    counts = counts.groupby(["window_end", "auction"])["bids"].sum().rename("num").reset_index()
    return counts[counts["num"] == counts.groupby("window_end")["num"].transform("max")]


def seen(batch: Frame, *keys: str) -> Frame:
    """Who bid for what, once in each rank of prices, and how often; the last time of each."""
    rank = pd.cut(batch["price"], [0, 10_000, 1_000_000, float("inf")], right=False, labels=False) + 1
    day = batch[TIME].dt.floor("D").rename("window_start")
    grouped = batch.groupby([day, *keys, "bidder", "auction", rank.rename("rank")])
    return grouped.agg(bids=("price", "size"), last=(TIME, "max")).reset_index()


def reported(kept: Frame, *keys: str) -> Frame:
    columns = {}
    for name, rank in {"total": None, "rank1": 1, "rank2": 2, "rank3": 3}.items():
        grouped = (kept if rank is None else kept[kept["rank"] == rank]).groupby(list(keys))
        columns[f"{name}_bids"] = grouped["bids"].sum()
        columns[f"{name}_bidders"] = grouped["bidder"].nunique()
        columns[f"{name}_auctions"] = grouped["auction"].nunique()
    return pd.DataFrame(columns).fillna(0).astype("int64").reset_index()


def by_channel(kept: Frame) -> Frame:
    minute = kept.groupby("channel")["last"].max().dt.floor("min").rename("minute")
    return reported(kept, "channel").merge(minute.reset_index(), on="channel")


def priced(batch: Frame) -> Frame:
    price = batch["price"]
    ranks = {"rank1_bids": price < 10_000, "rank3_bids": price >= 1_000_000}
    ranks["rank2_bids"] = ~(ranks["rank1_bids"] | ranks["rank3_bids"])
    grouped = batch.assign(day=batch[TIME].dt.floor("D"), **ranks).groupby(["auction", "day"])
    prices = {f"{name}_price": ("price", name) for name in ("min", "max", "sum")}
    return grouped.agg(
        total_bids=("price", "size"), **{name: (name, "sum") for name in ranks}, **prices
    ).reset_index()


def prices(kept: Frame) -> Frame:
    least_most = {"min_price": "min", "max_price": "max"}
    told = kept.groupby(["auction", "day"]).agg(
        {name: least_most.get(name, "sum") for name in kept.columns.drop(["auction", "day"])}
    )
    return told.assign(mean_price=told["sum_price"] / told["total_bids"]).reset_index()


def last(rows: Frame) -> Frame:
    return rows.sort_values(TIME, kind="stable").drop_duplicates(["bidder", "auction"], keep="last")


def highest(rows: Frame) -> Frame:
    return rows.sort_values("price", ascending=False, kind="stable").groupby("auction").head(10)


BATCHES: dict[str, tuple[Callable[[Frame], Frame], Callable[[Frame], Frame]]] = {
    "q0": straight("q0"),
    "q1": straight("q1"),
    "q2": straight("q2"),
    "q5": (lambda batch: counted(batch, "2s", "auction"), slices),
    "q7": (lambda batch: oracle.q7(whole(batch)), lambda kept: oracle.q7(whole(kept))),
    "q12": (
        lambda batch: counted(batch, "10s", "bidder"),
        lambda kept: kept.groupby(["window_start", "bidder"])["bids"].sum().reset_index(),
    ),
    "q15": (seen, lambda kept: reported(kept, "window_start")),
    "q16": (lambda batch: seen(batch, "channel"), by_channel),
    "q17": (priced, prices),
    "q18": (last, last),
    "q19": (highest, lambda kept: oracle.q19(whole(kept))),
}


def answer(name: str, bids: Frame, batch: int) -> Frame:
    """Go through all bids batch by batch."""
    keep, finish = BATCHES[name]
    kept = [keep(bids.iloc[start : start + batch]) for start in range(0, len(bids), batch)]
    return finish(pd.concat(kept, ignore_index=True))
