"""What the dashboards compute from panes, and how they put it in words."""

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from simulators import City, Clickstream, OrderBook
from workbench.views import words
from workbench.views.dashboards import (
    cityrows,
    clickrows,
    clickstream,
    clicktables,
    sensors,
    taperows,
    tapetables,
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


def test_the_ladder_shows_the_best_levels_of_the_book(standing):
    feed = standing(trading, "3min")
    scope = trading.view(feed).scope
    for symbol in trading.SYMBOLS[:2]:
        panes = scope.panes("depth", last="10s")
        begin = panes["window_start"].max()
        own = panes[(panes["window_start"] == begin) & (panes["symbol"] == symbol)]
        block = int((begin - pd.Timestamp("2026-01-05 09:00")) // pd.Timedelta("10s"))
        depth = OrderBook(seed=7, symbols=trading.SYMBOLS).depth(block)
        waits = {}
        for side, price, size in [
            *depth[depth["symbol"] == symbol][["side", "price", "size"]].itertuples(index=False),
            *own[["side", "price", "change"]].itertuples(index=False),
        ]:
            waits[side, round(price, 2)] = waits.get((side, round(price, 2)), 0) + size
        levels = [(side, price, size) for (side, price), size in waits.items() if size > 0]
        asks = sorted((level for level in levels if level[0] == "ask"), key=lambda level: level[1])
        bids = sorted((level for level in levels if level[0] == "bid"), key=lambda level: -level[1])
        shown = tapetables.ladder(scope, symbol)
        assert len(shown) > tapetables.LEVELS
        assert list(shown.itertuples(index=False, name=None)) == [*asks[:8], *bids[:8]]


def test_alerts_of_trades_are_of_each_symbol_by_itself():
    times = pd.date_range("2026-01-05 09:00", periods=60, freq="1s")
    moves = np.random.default_rng(7).normal(0, 1e-4, size=(2, 60)).cumsum(axis=1)
    panes = []
    for symbol, base, walk in zip(("ALBA", "BRIO"), (10.0, 500.0), moves, strict=True):
        last = base * np.exp(walk)
        own = pd.DataFrame(
            {"window_start": times, "window_end": times + pd.Timedelta("1s"), "symbol": symbol}
        )
        panes.append(own.assign(open=last, high=last * 1.001, low=last * 0.999, close=last))
    panes[0].loc[30:, ["open", "high", "low", "close"]] *= 1.05
    panes[1].loc[40, "low"] *= 0.9
    panes[1] = panes[1].drop(range(10, 30))
    table = pd.concat(panes).sort_values(["window_end", "symbol"], ignore_index=True)
    found = pd.concat(taperows._of_trades(table.astype({"symbol": "category"})), ignore_index=True)
    assert found.to_numpy().tolist() == [
        [
            times[30] + pd.Timedelta("1s"),
            "spike",
            f"ALBA: {100 * (moves[0, 30] - moves[0, 29] + np.log(1.05)):+.2f} % in a second",
        ],
        [times[30] + pd.Timedelta("1s"), "feed gap", "BRIO: silent for 21 s"],
        [times[40] + pd.Timedelta("1s"), "fat finger", "BRIO: a trade 11.2 % away from the others"],
    ]


def test_a_fault_is_told_when_it_begins_and_not_while_it_lasts(standing, monkeypatch):
    scope = sensors.view(standing(sensors, "3min")).scope
    ends = pd.date_range("2026-01-05 09:00:30", periods=4, freq="30s")
    stations = pd.Categorical(["station-000", "station-001"] * 4, categories=cityrows.STATIONS)
    panes = pd.DataFrame({"window_end": ends.repeat(2), "station": stations})
    panes = panes.assign(**dict.fromkeys(cityrows.RULES, False))
    # the first from the beginning and again at last, the second once
    panes.loc[[0, 2, 3, 6], "stuck"] = True
    monkeypatch.setattr(cityrows, "judged", lambda _: panes)
    monkeypatch.setattr(
        cityrows, "places", lambda _: pd.DataFrame({"health": [], "station": [], "window_end": []})
    )
    found = cityrows.alerts(scope)
    assert [f"{time:%M:%S} {what}" for time, what in zip(found["time"], found["what"], strict=True)] == [
        "00:30 station-000: ■ stuck begins",
        "02:00 station-000: ■ stuck begins",
        "01:00 station-001: ■ stuck begins",
    ]


def test_the_truth_about_a_window_is_that_of_its_readings(standing):
    feed = standing(sensors, "3min")
    scope = sensors.view(feed).scope
    panes = scope.closed("stations")
    told = cityrows.truth(scope, panes)
    city = City(seed=7, stations=cityrows.COUNT, hertz=1.0, faults=sensors.USUAL)
    faults = city.truth("4min").merge(city.events("4min"), on="event_id")
    starts = faults["event_time"].dt.floor("30s")
    known = set(zip(faults["station"].astype(str), starts, faults["kind"].astype(str), strict=True))
    for rule in cityrows.RULES:
        windows = zip(panes["station"].astype(str), panes["window_start"], strict=True)
        assert told[rule].tolist() == [(station, start, rule) in known for station, start in windows]
    assert told.to_numpy().any()


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
    [(0, "0"), (999, "999"), (9_994, "9,994"), (9_995, "9,995"), (9_999, "9,999"), (10_000, "10.0k"),
     (123_456, "123k"), (999_950, "1.00M"), (2_500_000, "2.50M"), (1e12, "1.00T"), (2e18, "2.00e+18"),
     (99.96, "100"), (-12_345, "-12.3k"), (None, "–"), (float("nan"), "–"), (float("inf"), "–")],
)  # fmt: skip
def test_short_numbers(value, text):
    assert words.short(value) == text


def test_changes_have_arrows():
    assert words.signed(None) == "–"
    assert words.signed(-12.34, 1, " %") == "▼ −12.3 %"
