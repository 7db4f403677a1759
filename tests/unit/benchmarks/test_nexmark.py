"""The generator of Nexmark, its queries against the oracle, and the workloads that join, match and count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import w5, w6, w7
from benchmarks.nexmark import batches
from benchmarks.nexmark.generator import EVERY, FIRST_ID, Events, Nexmark
from benchmarks.nexmark.measuring import same
from benchmarks.nexmark.oracle import ORACLE
from benchmarks.nexmark.queries import QUERIES, streams

STREAMS = ("person", "auction", "bid")


@pytest.fixture(scope="module")
def events() -> Events:
    """Half a second of events, those of each tenth of a second mixed."""
    return Nexmark(5_000, group=1_000).generate()


def test_of_50_events_one_is_a_person_3_are_auctions_and_46_bids(events: Events) -> None:
    rows = [len(getattr(events, name)) for name in STREAMS]
    assert [EVERY * row / sum(rows) for row in rows] == [1, 3, 46]


def test_the_same_seed_gives_the_same_rows_and_another_others(events: Events) -> None:
    again, other = Nexmark(5_000, group=1_000).generate(), Nexmark(1_000, seed=8).generate()
    for name in STREAMS:
        pd.testing.assert_frame_equal(getattr(events, name), getattr(again, name))
        assert set(getattr(events, name)["extra"]).isdisjoint(getattr(other, name)["extra"])


def test_no_two_events_share_their_time_and_groups_are_out_of_order(events: Events) -> None:
    times = pd.concat([getattr(events, name)["dateTime"] for name in STREAMS])
    assert times.is_unique
    assert times.max() - times.min() == pd.Timedelta("499900us")
    behind = events.bid["dateTime"].cummax() - events.bid["dateTime"]
    assert pd.Timedelta("50ms") < behind.max() < pd.Timedelta("100ms")
    assert Nexmark(1_000).generate().bid["dateTime"].is_monotonic_increasing


def test_the_hot_are_hot(events: Events) -> None:
    hot_bids = (events.bid["auction"] - FIRST_ID) % 100 == 0
    hot_bidders = (events.bid["bidder"] - FIRST_ID) % 100 == 1
    hot_sellers = (events.auction["seller"] - FIRST_ID) % 100 == 0
    hot_channels = ~events.bid["channel"].str.startswith("channel-")
    shares = [hot.mean() for hot in (hot_bids, hot_bidders, hot_sellers, hot_channels)]
    np.testing.assert_allclose(shares, [0.5, 0.75, 0.75, 0.5], atol=0.03)


def test_prices_are_as_many_in_each_power_of_ten_and_most_ids_are_known(events: Events) -> None:
    powers = np.floor(np.log10(events.bid["price"]))
    np.testing.assert_allclose(powers.value_counts(normalize=True).sort_index()[:6], 1 / 6, atol=0.02)
    assert events.bid["auction"].isin(events.auction["id"]).mean() > 0.9
    assert events.auction["id"].is_unique
    assert (events.auction["expires"] > events.auction["dateTime"]).all()
    assert (events.auction["reserve"] > events.auction["initialBid"]).all()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_answers_as_the_oracle_does(name: str, events: Events) -> None:
    expected = ORACLE[name](events)
    assert len(expected)
    assert same(QUERIES[name](streams(events)).to_pandas(batch_rows=1_500), expected)


@pytest.mark.parametrize("name", batches.BATCHES)
def test_pandas_by_batches_answers_as_the_oracle_does(name: str, events: Events) -> None:
    assert same(batches.answer(name, events.bid, 1_500), ORACLE[name](events))


def test_an_answer_is_not_the_same_if_a_value_or_a_row_is_another() -> None:
    table = pd.DataFrame({"k": ["a", "b"], "n": [1, 2], "x": [0.5, np.nan]})
    assert same(table[::-1].assign(n=[2.0, 1.0]).astype({"n": "uint32"}), table)
    assert not same(table.assign(n=[1, 3]), table)
    assert not same(table.assign(x=[0.5, 0.5]), table)
    assert not same(table[:1], table)


@pytest.mark.parametrize("workload", [w5, w6, w7], ids=["w5", "w6", "w7"])
def test_all_answers_of_a_workload_are_right(workload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.nexmark.measuring.TIMES", 1)
    monkeypatch.setattr(workload, "SIZES", (1_000,))
    told = workload.table(2_000)
    assert {row["peer"] for row in told} >= {"workbench"}
    assert all(row["right"] for row in told)
    assert all(row["rows_per_s"] > 0 for row in told)
