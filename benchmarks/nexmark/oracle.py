"""What the queries of Nexmark must answer: plain pandas over all rows, and nothing of the workbench."""

from __future__ import annotations

import pandas as pd

from benchmarks.nexmark.generator import Events

TOLD = ["auction", "bidder", "price", "dateTime", "extra"]
SECOND = pd.Timedelta("1s")


def q0(e: Events) -> pd.DataFrame:
    return e.bid[TOLD]


def q1(e: Events) -> pd.DataFrame:
    return e.bid[TOLD].assign(price=e.bid["price"] * 0.908)


def q2(e: Events) -> pd.DataFrame:
    return e.bid.loc[e.bid["auction"] % 123 == 0, ["auction", "price"]]


def q3(e: Events) -> pd.DataFrame:
    near = e.person[e.person["state"].isin(["OR", "ID", "CA"])][["id", "name", "city", "state"]]
    sold = e.auction[e.auction["category"] == 10][["id", "seller"]]
    return near.merge(sold, left_on="id", right_on="seller", suffixes=("_person", ""))[
        ["name", "city", "state", "id"]
    ]


def valid(e: Events) -> pd.DataFrame:
    """All bids that came while their auction was open."""
    auctions = e.auction.rename(columns={"id": "auction"})
    both = auctions.merge(e.bid, on="auction", suffixes=("", "_right"))
    return both[(both["dateTime"] <= both["dateTime_right"]) & (both["dateTime_right"] <= both["expires"])]


def winning(e: Events) -> pd.DataFrame:
    """The highest bid of each auction; the first of equal ones."""
    by_price = valid(e).sort_values(["price", "dateTime_right"], ascending=[False, True])
    return by_price.drop_duplicates("auction")


def q4(e: Events) -> pd.DataFrame:
    return winning(e).groupby("category")["price"].mean().rename("mean").reset_index()


def q5(e: Events) -> pd.DataFrame:
    first_end = e.bid["dateTime"].dt.floor("2s") + 2 * SECOND
    each = [
        pd.DataFrame({"window_end": first_end + 2 * k * SECOND, "auction": e.bid["auction"]})
        for k in range(5)
    ]
    counts = pd.concat(each).value_counts().rename("num").reset_index()
    return counts[counts["num"] == counts.groupby("window_end")["num"].transform("max")]


def q6(e: Events) -> pd.DataFrame:
    ended = valid(e).groupby("auction")["dateTime_right"].max().rename("ended")
    won = winning(e).merge(ended, on="auction").sort_values("ended")
    means = won.groupby("seller")["price"].rolling(10, min_periods=1).mean()
    return won[["seller", "auction"]].assign(mean=means.droplevel(0))


def q7(e: Events) -> pd.DataFrame:
    highest = e.bid.groupby(e.bid["dateTime"].dt.floor("10s"))["price"].transform("max")
    return e.bid.loc[e.bid["price"] == highest, TOLD]


def q8(e: Events) -> pd.DataFrame:
    came = e.person.assign(window_start=e.person["dateTime"].dt.floor("10s"), seller=e.person["id"])
    sold = e.auction.assign(window_start=e.auction["dateTime"].dt.floor("10s"))
    met = sold[["window_start", "seller"]].drop_duplicates()
    return came.merge(met, on=["window_start", "seller"])[["window_start", "seller", "name"]]


def q9(e: Events) -> pd.DataFrame:
    return winning(e)


def q11(e: Events) -> pd.DataFrame:
    bids = e.bid.sort_values(["bidder", "dateTime"])
    begins = (bids.groupby("bidder")["dateTime"].diff() > 10 * SECOND).cumsum().rename("session")
    told = bids.groupby(["bidder", begins]).agg(
        window_start=("dateTime", "min"), window_end=("dateTime", "max"), bids=("price", "size")
    )
    told["window_end"] += 10 * SECOND
    return told.reset_index("bidder").reset_index(drop=True)


def q12(e: Events) -> pd.DataFrame:
    start = e.bid["dateTime"].dt.floor("10s").rename("window_start")
    return e.bid.groupby([start, "bidder"]).size().rename("bids").reset_index()


def reported(bids: pd.DataFrame, key: pd.Series) -> pd.DataFrame:
    """Bids, bidders and auctions of each key, in all and of each rank of prices."""
    rank = pd.cut(bids["price"], [0, 10_000, 1_000_000, float("inf")], right=False, labels=[1, 2, 3])
    parts = {"total": bids} | {f"rank{one}": bids[rank == one] for one in (1, 2, 3)}
    columns = {}
    for name, part in parts.items():
        grouped = part.groupby(key[part.index])
        columns[f"{name}_bids"] = grouped.size()
        columns[f"{name}_bidders"] = grouped["bidder"].nunique()
        columns[f"{name}_auctions"] = grouped["auction"].nunique()
    return pd.DataFrame(columns).fillna(0).astype("int64").reset_index()


def q15(e: Events) -> pd.DataFrame:
    return reported(e.bid, e.bid["dateTime"].dt.floor("D").rename("window_start"))


def q16(e: Events) -> pd.DataFrame:
    minute = e.bid.groupby("channel")["dateTime"].max().dt.floor("min").rename("minute")
    return reported(e.bid, e.bid["channel"]).merge(minute.reset_index(), on="channel")


def q17(e: Events) -> pd.DataFrame:
    counts = reported(e.bid, e.bid["auction"].rename("key")).filter(regex="key|_bids$")
    prices = e.bid.groupby("auction")["price"].agg(["min", "max", "mean", "sum"]).add_suffix("_price")
    return counts.rename(columns={"key": "auction"}).merge(prices.reset_index(), on="auction")


def q18(e: Events) -> pd.DataFrame:
    return e.bid.sort_values("dateTime").drop_duplicates(["bidder", "auction"], keep="last")


def q19(e: Events) -> pd.DataFrame:
    top = e.bid.sort_values("price", ascending=False, kind="stable").groupby("auction").head(10)
    return top.assign(rank=top.groupby("auction").cumcount() + 1)


def q20(e: Events) -> pd.DataFrame:
    sold = e.auction[e.auction["category"] == 10].rename(columns={"id": "auction"})
    return sold.merge(e.bid, on="auction", suffixes=("", "_right"))


ORACLE = {
    query.__name__: query
    for query in (q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q11, q12, q15, q16, q17, q18, q19, q20)
}
