"""The queries of Nexmark, as one writes them here.

Each makes a stream of the three that it is given. `READS` says which it reads, for counting rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import workbench as wb
from benchmarks.nexmark.generator import Events

WATERMARK = "4s"
LEAD = "-1s"  # ids of persons and auctions are told a little before they come
OPEN = "1s"  # longer than any auction is open at 10,000 events a second
DAY = wb.Calendar("day")
LOW, HIGH = 10_000, 1_000_000
"""Prices of rank 1 lie below the first, those of rank 3 from the second on."""


@dataclass(frozen=True)
class Streams:
    """The three streams that a query may read."""

    person: wb.EventStream
    auction: wb.EventStream
    bid: wb.EventStream


def streams(events: Events) -> Streams:
    """Read each frame as a stream of its own."""
    return Streams(
        wb.stream(events.person, time="dateTime", watermark=WATERMARK, name="person"),
        wb.stream(events.auction, time="dateTime", watermark=WATERMARK, name="auction"),
        wb.stream(events.bid, time="dateTime", watermark=WATERMARK, name="bid"),
    )


def q0(s: Streams) -> wb.EventStream:
    """Pass all bids through."""
    return s.bid[["auction", "bidder", "price", "dateTime", "extra"]]


def q1(s: Streams) -> wb.EventStream:
    """Prices in euros."""
    euros = s.bid.assign(price=lambda bids: bids["price"] * 0.908)
    return euros[["auction", "bidder", "price", "dateTime", "extra"]]


def q2(s: Streams) -> wb.EventStream:
    """Bids for some auctions."""
    return s.bid.query("auction % 123 == 0")[["auction", "price"]]


def q3(s: Streams) -> wb.EventStream:
    """Who sells in three states."""
    near = s.person.query("state in ('OR', 'ID', 'CA')").rename({"id": "seller"})
    sold = s.auction.query("category == 10")[["id", "seller", "dateTime"]]
    joined = near.interval_join(sold, on="seller", lower=LEAD)
    return joined[["name", "city", "state", "id"]]


def valid(s: Streams, *columns: str) -> wb.EventStream:
    """Bids beside their auctions, made while these were open; the auction's id is called `auction`."""
    auctions = s.auction.rename({"id": "auction"})
    bids = s.bid
    if columns:
        auctions = auctions[["auction", "dateTime", "expires", *columns]]
        bids = bids[["auction", "price", "dateTime"]]
    joined = auctions.interval_join(bids, on="auction", lower=0, upper=OPEN)
    return joined.query("dateTime_right <= expires")


def q4(s: Streams) -> wb.EventStream:
    """Mean winning price of each category. All bids for an auction are one session."""
    one_auction = valid(s, "category").groupby("auction", "category").window(wb.Session(OPEN))
    winning = one_auction.agg(final=("price", "max")).final()
    return winning.groupby("category").window(wb.Global()).agg(mean=("final", "mean"))


def q5(s: Streams) -> wb.EventStream:
    """Hottest auctions of ten seconds. Every two; a pane ends a window of two."""
    counts = s.bid.groupby("auction").window(wb.Sliding("10s", "2s")).agg(num=("price", "size")).final()
    hottest = counts[["auction", "num"]].window("2s").top(1, by="num", ties="rank")
    return hottest[["window_end", "auction", "num"]]


def q6(s: Streams) -> wb.EventStream:
    """Mean price of a seller's last ten."""
    won = valid(s, "seller").groupby("auction", "seller").window(wb.Session(OPEN)).top(1, by="price")
    rolled = won.groupby("seller").rolling(10, min_periods=1).agg(mean=("price", "mean"))
    return rolled[["seller", "auction", "mean"]]


def q7(s: Streams) -> wb.EventStream:
    """Highest bid of each ten seconds."""
    highest = s.bid.window("10s").top(1, by="price", ties="rank")
    return highest[["auction", "bidder", "price", "dateTime", "extra"]]


def q8(s: Streams) -> wb.EventStream:
    """Who came and sold in ten seconds."""
    came = s.person.rename({"id": "seller"})[["seller", "name", "dateTime"]]
    both = came.window_join(s.auction[["seller", "dateTime"]], "10s", on="seller", how="semi")
    return both[["window_start", "seller", "name"]]


def q9(s: Streams) -> wb.EventStream:
    """Winning bid of each auction. All that is known of both."""
    return valid(s).groupby("auction").window(wb.Session(OPEN)).top(1, by="price")


def q11(s: Streams) -> wb.EventStream:
    """Bids in each session of a bidder."""
    return s.bid.groupby("bidder").window(wb.Session("10s")).agg(bids=("price", "size"))


def q12(s: Streams) -> wb.EventStream:
    """Bids of each bidder in ten seconds."""
    return s.bid.groupby("bidder").window("10s").agg(bids=("price", "size"))


def ranked(bids: wb.EventStream, *columns: str) -> wb.EventStream:
    """Say of each bid which rank its price has, and who bid for what in it; null in the others."""
    ranks = bids.assign(
        rank1=lambda f: f["price"] < LOW,
        rank2=lambda f: f["price"].between(LOW, HIGH, inclusive="left"),
        rank3=lambda f: f["price"] >= HIGH,
    )
    told = {
        f"rank{rank}_{column}": lambda f, rank=rank, column=column: f[column].where(f[f"rank{rank}"])
        for column in columns
        for rank in (1, 2, 3)
    }
    return ranks.assign(**told) if told else ranks


COUNTED = {
    "total_bids": ("price", "size"),
    **{f"rank{rank}_bids": (f"rank{rank}", "sum") for rank in (1, 2, 3)},
}
DISTINCT = {
    f"{rank}_{column}s": (column if rank == "total" else f"{rank}_{column}", "nunique")
    for column in ("bidder", "auction")
    for rank in ("total", "rank1", "rank2", "rank3")
}


def q15(s: Streams) -> wb.EventStream:
    """A day's bids, bidders and auctions. In all and by rank."""
    return ranked(s.bid, "bidder", "auction").window(DAY).agg(**COUNTED, **DISTINCT)


def q16(s: Streams) -> wb.EventStream:
    """The same of each channel."""
    bids = ranked(s.bid, "bidder", "auction").assign(at=lambda f: f["dateTime"].dt.floor("min"))
    return bids.groupby("channel").window(DAY).agg(minute=("at", "max"), **COUNTED, **DISTINCT)


def q17(s: Streams) -> wb.EventStream:
    """A day's bids for each auction."""
    prices = {f"{name}_price": ("price", name) for name in ("min", "max", "mean", "sum")}
    return ranked(s.bid).groupby("auction").window(DAY).agg(**COUNTED, **prices)


def q18(s: Streams) -> wb.EventStream:
    """Last bid of a bidder for an auction."""
    return s.bid.groupby("bidder", "auction").window(wb.Global()).top(1, by="dateTime")


def q19(s: Streams) -> wb.EventStream:
    """Ten highest bids for each auction."""
    return s.bid.groupby("auction").window(wb.Global()).top(10, by="price")


def q20(s: Streams) -> wb.EventStream:
    """Bids in a category with auctions."""
    sold = s.auction.query("category == 10").rename({"id": "auction"})
    return sold.interval_join(s.bid, on="auction", lower=LEAD)


QUERIES = {
    query.__name__: query
    for query in (q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q11, q12, q15, q16, q17, q18, q19, q20)
}
READS = dict.fromkeys(QUERIES, ("bid",)) | {
    "q3": ("person", "auction"),
    "q4": ("auction", "bid"),
    "q6": ("auction", "bid"),
    "q8": ("person", "auction"),
    "q9": ("auction", "bid"),
    "q20": ("auction", "bid"),
}
