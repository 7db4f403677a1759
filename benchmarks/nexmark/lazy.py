"""The queries of Nexmark in Polars, over whole frames."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from benchmarks.nexmark.generator import Events

TOLD = ["auction", "bidder", "price", "dateTime", "extra"]
TIME = pl.col("dateTime")
PRICE = pl.col("price")
RANKS = {
    "total": pl.lit(True),
    "rank1": PRICE < 10_000,
    "rank2": PRICE.is_between(10_000, 1_000_000, closed="left"),
    "rank3": PRICE >= 1_000_000,
}
BIDS = [
    which.sum().alias(f"{rank}_bids") if rank != "total" else pl.len().alias("total_bids")
    for rank, which in RANKS.items()
]
DISTINCT = [
    pl.col(column).filter(which).n_unique().alias(f"{rank}_{column}s")
    if rank != "total"
    else pl.col(column).n_unique().alias(f"total_{column}s")
    for column in ("bidder", "auction")
    for rank, which in RANKS.items()
]


@dataclass(frozen=True)
class Frames:
    """The three streams as lazy frames."""

    person: pl.LazyFrame
    auction: pl.LazyFrame
    bid: pl.LazyFrame


def frames(events: Events) -> Frames:
    return Frames(*(pl.from_pandas(frame).lazy() for frame in (events.person, events.auction, events.bid)))


def q0(f: Frames) -> pl.LazyFrame:
    return f.bid.select(TOLD)


def q1(f: Frames) -> pl.LazyFrame:
    return f.bid.with_columns(PRICE * 0.908).select(TOLD)


def q2(f: Frames) -> pl.LazyFrame:
    return f.bid.filter(pl.col("auction") % 123 == 0).select("auction", "price")


def q3(f: Frames) -> pl.LazyFrame:
    near = f.person.filter(pl.col("state").is_in(["OR", "ID", "CA"])).rename({"id": "seller"})
    sold = f.auction.filter(pl.col("category") == 10)
    return near.join(sold, on="seller").select("name", "city", "state", "id")


def valid(f: Frames) -> pl.LazyFrame:
    both = f.auction.rename({"id": "auction"}).join(f.bid, on="auction", suffix="_right")
    return both.filter(pl.col("dateTime_right").is_between(TIME, pl.col("expires")))


def winning(f: Frames) -> pl.LazyFrame:
    ended = valid(f).with_columns(ended=pl.col("dateTime_right").max().over("auction"))
    return ended.sort("price", "dateTime_right", descending=[True, False]).unique(
        "auction", keep="first", maintain_order=True
    )


def q4(f: Frames) -> pl.LazyFrame:
    final = valid(f).group_by("auction", "category").agg(PRICE.max())
    return final.group_by("category").agg(PRICE.mean().alias("mean"))


def q5(f: Frames) -> pl.LazyFrame:
    end = TIME.dt.truncate("2s") + pl.duration(seconds=2)
    slices = f.bid.group_by(window_end=end, auction="auction").agg(num=pl.len())
    later = [slices.with_columns(pl.col("window_end") + pl.duration(seconds=2 * k)) for k in range(5)]
    counts = pl.concat(later).group_by("window_end", "auction").agg(pl.col("num").sum())
    return counts.filter(pl.col("num") == pl.col("num").max().over("window_end"))


def q6(f: Frames) -> pl.LazyFrame:
    mean = PRICE.rolling_mean(10, min_samples=1).over("seller")
    return winning(f).sort("ended").select("seller", "auction", mean=mean)


def q7(f: Frames) -> pl.LazyFrame:
    return f.bid.filter(PRICE.max().over(TIME.dt.truncate("10s")) == PRICE).select(TOLD)


def q8(f: Frames) -> pl.LazyFrame:
    window = TIME.dt.truncate("10s").alias("window_start")
    came = f.person.with_columns(window).rename({"id": "seller"})
    sold = f.auction.with_columns(window)
    return came.join(sold, on=["window_start", "seller"], how="semi").select("window_start", "seller", "name")


def q9(f: Frames) -> pl.LazyFrame:
    return winning(f).drop("ended")


def q11(f: Frames) -> pl.LazyFrame:
    begins = (TIME.diff() > pl.duration(seconds=10)).fill_null(False).cum_sum().over("bidder")
    sessions = f.bid.select("bidder", "dateTime").sort("dateTime").with_columns(session=begins)
    told = sessions.group_by("bidder", "session").agg(
        window_start=TIME.min(), window_end=TIME.max() + pl.duration(seconds=10), bids=pl.len()
    )
    return told.drop("session")


def q12(f: Frames) -> pl.LazyFrame:
    return f.bid.group_by(window_start=TIME.dt.truncate("10s"), bidder="bidder").agg(bids=pl.len())


def q15(f: Frames) -> pl.LazyFrame:
    return f.bid.group_by(window_start=TIME.dt.truncate("1d")).agg(*BIDS, *DISTINCT)


def q16(f: Frames) -> pl.LazyFrame:
    minute = TIME.max().dt.truncate("1m").alias("minute")
    return f.bid.group_by("channel", day=TIME.dt.truncate("1d")).agg(minute, *BIDS, *DISTINCT)


def q17(f: Frames) -> pl.LazyFrame:
    prices = [getattr(PRICE, name)().alias(f"{name}_price") for name in ("min", "max", "mean", "sum")]
    return f.bid.group_by("auction", day=TIME.dt.truncate("1d")).agg(*BIDS, *prices)


def q18(f: Frames) -> pl.LazyFrame:
    return f.bid.sort("dateTime").unique(["bidder", "auction"], keep="last", maintain_order=True)


def q19(f: Frames) -> pl.LazyFrame:
    rank = PRICE.rank("ordinal", descending=True).over("auction").alias("rank")
    return f.bid.with_columns(rank).filter(pl.col("rank") <= 10)


def q20(f: Frames) -> pl.LazyFrame:
    sold = f.auction.filter(pl.col("category") == 10).rename({"id": "auction"})
    return sold.join(f.bid, on="auction", suffix="_right")


LAZY = {
    query.__name__: query
    for query in (q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q11, q12, q15, q16, q17, q18, q19, q20)
}
