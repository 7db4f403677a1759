"""What the dashboards compute from panes, and how they put it in words."""

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from simulators import Clickstream, OrderBook
from workbench.views import words
from workbench.views.dashboards import (
    clickrows,
    clickstream,
    clicktables,
    sensors,
    taperows,
    trading,
)


def test_table_of_panes():
    pane = {
        "window_start": pd.Timestamp("2026-01-05 09:00"), "window_end": pd.Timestamp("2026-01-05 09:01"),
        "country": "FR", "sessions": 1000, "events": 2000, "orders": 25, "revenue": 1234.5,
        "timing": "late", "revision": 2,
    }  # fmt: skip
    values = clicktables.panes_values(pd.DataFrame([pane]))
    assert values["window0"] == "09:00:00 – 09:01:00"
    assert values["conversion0"] == "2.50 %"
    assert values["revenue0"] == "1,234.50"
    assert values["state0"] == "revised, 2×"
    assert values["row0"]
    assert not values["row1"]


def test_abandoned_checkouts_agree_with_pandas():
    left = clickstream.pipeline(seed=7, duration="6min", patience="2min")["abandoned"]
    told = left.to_pandas()
    clicks = Clickstream(seed=7).arrivals("6min").sort_values("event_time", kind="stable")
    end = clicks["event_time"].max()
    bought = clicks[clicks["action"] == "purchase"].groupby("session_id")["event_time"]
    last = bought.max().to_dict()
    for session, moment in zip(told["session_id"], told["match_start"], strict=True):
        others = clicks[(clicks["session_id"] == session) & (clicks["action"] == "purchase")]["event_time"]
        assert not ((others > moment) & (others < moment + pd.Timedelta("2min"))).any()
    assert len(told) > 50
    never = clicks[(clicks["action"] == "checkout") & (clicks["event_time"] < end - pd.Timedelta("3min"))]
    never = {session for session in never["session_id"] if session not in last}
    assert len(never - set(told["session_id"])) <= 0.05 * len(
        never
    )  # rows that came too late for the watermark


def test_the_funnel_counts_visits_as_pandas_does():
    results = clickstream.pipeline(seed=7, duration="5min")
    panes, visits = results["funnel"].to_pandas(), results["visits"].to_pandas()
    assert panes["visits"].sum() == len(visits)
    expected = [(visits["furthest"] >= step).sum() for step in range(6)]
    assert clickrows.reached(panes).tolist() == expected


def test_candles_of_all_intervals_are_of_the_same_events():
    results = trading.pipeline(seed=7, duration="3min")
    panes = {size: results[f"candles {size}"].to_pandas() for size in taperows.INTERVALS}
    volume = {size: frame.groupby("symbol", observed=True)["volume"].sum() for size, frame in panes.items()}
    late = 0.002  # a trade can be late for a short window, and in time for a long one
    for size in taperows.INTERVALS[1:]:
        assert np.allclose(volume[size], volume["1s"], rtol=late)
    minute = panes["1min"].set_index(["symbol", "window_start"]).sort_index()
    seconds = panes["1s"].assign(window_start=panes["1s"]["window_start"].dt.floor("1min"))
    high = seconds.groupby(["symbol", "window_start"], observed=True)["high"].max()
    assert (minute["high"].reindex(high.index) >= high).all()


def test_the_ladder_is_the_book():
    book = OrderBook(seed=7, symbols=trading.SYMBOLS)
    changes = trading.pipeline(seed=7, duration="30s")["depth"].to_pandas()
    first = changes[changes["window_start"] == changes["window_start"].min()]
    keys = [first["symbol"].astype(str), first["side"].astype(str), first["price"].round(2)]
    change = first.groupby(keys)["change"].sum()
    begin, end = (
        depth.groupby([depth["symbol"].astype(str), depth["side"].astype(str), depth["price"].round(2)])[
            "size"
        ].sum()
        for depth in (book.depth(0), book.depth(1))
    )
    both = begin.index.intersection(end.index)
    made = begin.add(change, fill_value=0).reindex(both)
    assert (made == end[both]).mean() > 0.97  # all but levels of orders that came too late
    assert len(both) > 50


def test_autocorrelation_agrees_with_pandas():
    values = np.convolve(np.random.default_rng(7).normal(size=4_000), [1, 0.8, 0.5])
    mine = taperows.autocorrelation(values, 3)
    assert mine == pytest.approx([pd.Series(values).autocorr(lag) for lag in (1, 2, 3)], abs=0.02)


@pytest.mark.parametrize("board", [clickstream, trading, sensors])
def test_a_pipeline_has_results(board):
    assert all(isinstance(stream, wb.EventStream) for stream in board.pipeline().values())
    assert json.dumps(list(board.pipeline()))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (9_994, "9,994"), (10_000, "10.0k"), (123_456, "123k"), (2_500_000, "2.50M"),
     (None, "–"), (float("nan"), "–"), (float("inf"), "–")],
)  # fmt: skip
def test_short_numbers(value, text):
    assert words.short(value) == text


def test_changes_have_arrows():
    assert words.signed(None) == "–"
    assert words.signed(-12.34, 1, " %") == "▼ −12.3 %"
