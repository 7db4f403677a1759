"""The books are those that their events make, and look like books of liquid shares."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import Trading
from simulators.trading.book import OrderBook
from simulators.trading.queues import best, reflected

SIM = OrderBook(seed=7, events_per_second=60, manipulations=10)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return SIM.events("10min")


def in_ticks(events: pd.DataFrame, column: str) -> np.ndarray:
    return (events[column] / events["symbol"].map(SIM.ticks).astype(float)).to_numpy()


def test_a_book_is_never_crossed_and_never_empty(events: pd.DataFrame) -> None:
    assert (events["bid"] < events["ask"]).all()
    assert (events[["bid_size", "ask_size", "size"]] > 0).all(axis=None)
    for column in ("price", "bid", "ask"):
        ticks = in_ticks(events, column)
        assert np.allclose(ticks, ticks.round(), atol=1e-6)


@pytest.mark.parametrize("begin", [0, 40_000])
def test_the_events_of_all_blocks_make_one_book(begin: int) -> None:
    """Row by row, from the depth at the beginning, through three blocks to the depth at their end."""
    depth = SIM.depth(begin)
    queues = dict(
        zip(zip(depth["symbol"], depth["side"], depth["price"], strict=True), depth["size"], strict=True)
    )
    for block in range(begin, begin + 3):
        for row in SIM.block_events(block).itertuples():
            key = row.symbol, row.side, row.price
            queues[key] = queues.get(key, 0) + (row.size if row.kind == "limit" else -row.size)
            assert queues[key] >= 0
            waiting = {k: size for k, size in queues.items() if size and k[0] == row.symbol}
            bid = max(price for _, side, price in waiting if side == "bid")
            ask = min(price for _, side, price in waiting if side == "ask")
            assert (bid, waiting[row.symbol, "bid", bid]) == (row.bid, row.bid_size)
            assert (ask, waiting[row.symbol, "ask", ask]) == (row.ask, row.ask_size)
        after = SIM.depth(block + 1)
        keys = zip(after["symbol"], after["side"], after["price"], strict=True)
        assert {key: size for key, size in queues.items() if size} == dict(
            zip(keys, after["size"], strict=True)
        )


def test_market_orders_take_from_the_best_queue(events: pd.DataFrame) -> None:
    own = events[events["symbol"] == "ALBA"]
    taken, before = own["kind"] == "market", own[["bid", "ask"]].shift()
    front = np.where(own["side"] == "bid", before["bid"], before["ask"])
    assert (own["price"][taken] == front[taken])[1:].all()
    assert 0.01 < taken.mean() < 0.15


def test_the_book_is_where_the_tape_is() -> None:
    tape = (
        Trading(seed=7, anomalies=0).events("2min", "3min").groupby("symbol", observed=True)["price"].median()
    )
    middle = SIM.events("2min", "3min").groupby("symbol", observed=True)[["bid", "ask"]].median().mean(axis=1)
    assert (np.abs(np.log(tape / middle)) < 0.002).all()


def test_spoofing_is_large_and_withdrawn_and_stuffing_is_quick() -> None:
    events = SIM.events("10min").merge(SIM.truth("10min"), on="event_id", how="left")
    kinds = events.groupby("kind_y", observed=True)
    assert set(kinds.groups) == set(SIM.kinds)
    usual = events.loc[events["kind_y"].isna(), "size"].median()
    assert kinds["size"].median()["spoofing"] > 50 * usual
    assert kinds["size"].median()["quote stuffing"] == 100
    assert "market" not in set(events.loc[events["kind_y"].notna(), "kind_x"])
    lasted = events.groupby("episode_id")["event_time"].agg(lambda times: times.max() - times.min())
    assert lasted.max() < pd.Timedelta("3.1s")
    assert len(replace(SIM, manipulations=0).truth("1min")) == 0


def test_the_slowest_book_and_the_only_one_work() -> None:
    slow = OrderBook(symbols=("ONLY",), events_per_second=0.001, manipulations=0)
    assert (slow.events("2min")["bid"] < slow.events("2min")["ask"]).all()


def test_queues_are_what_a_loop_makes_of_them() -> None:
    rng = np.random.default_rng(7)
    queue, lots, first = rng.integers(0, 5, 3000), rng.integers(-6, 6, 3000), rng.integers(0, 9, 5)
    change, depth = reflected(queue, lots, first)
    length = first.copy()
    for row in range(3000):
        before = length[queue[row]]
        length[queue[row]] = max(0, before + lots[row])
        assert (change[row], depth[row]) == (length[queue[row]] - before, length[queue[row]])


def test_best_quotes_are_the_same_in_chunks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    level = rng.integers(1, 11, 500)
    first = np.full(12, 40)
    change, _ = reflected(level, rng.integers(-60, 50, 500), first)
    whole = best(level, change, np.full(500, 5), first)
    monkeypatch.setattr("simulators.trading.queues._CHUNK", 7)
    for one, other in zip(whole, best(level, change, np.full(500, 5), first), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: OrderBook(symbols=()),
            "symbols are ()\nDetail: A market has 1 to 100 symbols, each with a name of its own.\n"
            'Hint: Write for example symbols=("ALBA", "BRIO").',
        ),
        (
            lambda: OrderBook(events_per_second=0),
            "events_per_second is 0\nDetail: events_per_second counts events per second, and must be a "
            "finite number above 0.\nHint: Write for example events_per_second=10.",
        ),
        (
            lambda: OrderBook(manipulations=-1),
            "manipulations is -1\nDetail: manipulations is their number per minute, in [0, 600].\n"
            "Hint: Write manipulations=0 for none.",
        ),
    ],
)
def test_errors_teach(make, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message
