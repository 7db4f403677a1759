"""The shop's figures lie where published ones lie (bands of the realism scorecard, widened)."""

import numpy as np
import pandas as pd
import pytest

from simulators import Clickstream

SIM = Clickstream(users=5_000, seed=7)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return SIM.events("2h").merge(SIM.truth("2h"), on="event_id", how="left")


@pytest.fixture(scope="module")
def people(events: pd.DataFrame) -> pd.DataFrame:
    """Return the pages of people whose session lies within the two hours."""
    pages = events[events["kind"].isna()].copy()
    born = pages.groupby("session_id")["event_time"].transform("min")
    hidden = SIM.start + pd.Timedelta("31min")
    return pages[(born >= hidden) & (born < SIM.start + pd.Timedelta("89min"))]


def test_half_of_the_sessions_bounce_and_some_are_long(people: pd.DataFrame) -> None:
    pages = people.groupby("session_id").size()
    assert 0.36 <= (pages == 1).mean() <= 0.55
    assert 4 <= pages.mean() <= 8
    assert 25 <= pages.quantile(0.99) <= 60


def test_few_buy_and_most_carts_are_abandoned(people: pd.DataFrame) -> None:
    reached = people.groupby(["session_id", "action"], observed=False).size().unstack() > 0
    cart, purchase = reached["cart"], reached["purchase"]
    assert 0.05 <= cart.mean() <= 0.10
    assert 0.015 <= purchase.mean() <= 0.035
    assert 0.62 <= 1 - (cart & purchase).sum() / cart.sum() <= 0.80


def test_people_think_log_normal_times(people: pd.DataFrame) -> None:
    think = people.groupby("session_id")["event_time"].diff().dt.total_seconds().dropna()
    assert 10 <= think.median() <= 30
    assert 1.0 <= np.log(think[think > 0]).std() <= 1.5


def test_a_funnel_is_walked_in_order(people: pd.DataFrame) -> None:
    before = people.groupby("session_id")["action"].shift()
    bought = people["action"] == "purchase"
    assert set(before[bought]) == {"payment"}
    assert (people.loc[bought, "product_id"] > 0).all()
    assert set(people.loc[people["action"] == "view", "product_id"]) == {0}


def test_only_purchases_have_an_amount(events: pd.DataFrame) -> None:
    bought = events["action"] == "purchase"
    assert (events["amount"].notna() == bought).all()
    assert (events.loc[bought, "amount"] > 0).all()


def test_popularity_is_zipf_and_activity_uneven(events: pd.DataFrame) -> None:
    looked = events.loc[events["kind"].isna() & (events["action"] == "product"), "product_id"]
    counts = looked.value_counts().to_numpy()[4:500]
    slope = np.polyfit(np.log(np.arange(5, 5 + len(counts))), np.log(counts), 1)[0]
    assert -1.05 <= slope <= -0.7
    sessions = events.drop_duplicates("session_id")["user_id"].value_counts()
    assert sessions.iloc[:500].sum() / sessions.sum() > 0.3
    assert events["user_id"].between(1, 5_000).all()


def test_a_session_has_one_user_who_lives_somewhere(events: pd.DataFrame) -> None:
    steady = ["user_id", "country", "device", "channel"]
    assert (events.groupby("session_id")[steady].nunique() == 1).all(axis=None)
    assert (events.groupby("user_id")[["country", "device"]].nunique() == 1).all(axis=None)
    times = events.groupby("session_id")["event_time"]
    assert (times.max() - times.min()).max() < pd.Timedelta("30min")


def test_bots_have_their_share_and_are_quick_and_buy_nothing(events: pd.DataFrame) -> None:
    bots = events[events["kind"].notna()]
    assert 0.05 <= len(bots) / len(events) <= 0.2
    assert (bots["episode_id"] == bots["session_id"]).all()
    assert set(bots["action"]) == {"view", "product"}
    pause = bots.groupby("session_id")["event_time"].diff().dt.total_seconds().dropna()
    assert pause.max() < 2.2
    assert set(bots["kind"]) == {"crawler", "scraper"}
    assert len(Clickstream(bots=0).truth("1min")) == 0


def test_sessions_are_under_way_at_the_start() -> None:
    first = SIM.block_events(0)
    later = SIM.block_events(5)
    assert len(first) > 0.7 * len(later)


def test_the_day_has_a_peak_and_a_trough() -> None:
    sim = Clickstream(seed=7, sessions_per_second=10)
    hours = [len(sim.block_events(60 * hour)) for hour in range(24)]
    assert 2.5 <= max(hours) / min(hours) <= 15
