"""The shop's figures lie where published ones lie (bands of the realism scorecard, widened)."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulators import Clickstream
from simulators.clickstream.catalogue import SITES
from simulators.rates import times_rate

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


each_site = pytest.mark.parametrize("site", SITES)
"""Sites, at a low rate so that tests are quick."""


def thin(site: str) -> Clickstream:
    return replace(Clickstream(site=site, seed=7), sessions_per_second=min(3.0, SITES[site].sessions))


def test_there_are_five_sites_and_the_shop_is_the_default() -> None:
    assert list(Clickstream.scenarios()) == ["shop", "video", "social", "feed", "game"]
    assert Clickstream() == Clickstream(site="shop", sessions_per_second=80.0, bots=0.1, products=2_000)
    assert [column.name for column in Clickstream().schema[-2:]] == ["product_id", "amount"]
    assert [column.name for column in Clickstream(site="video").schema[-2:]] == ["video_id", "seconds"]


def test_an_unknown_site_is_named() -> None:
    with pytest.raises(ValueError) as caught:
        Clickstream(site="bank")
    assert str(caught.value) == (
        "site is 'bank'\nDetail: There are the sites shop, video, social, feed, game.\n"
        'Hint: Write for example site="shop".'
    )
    with pytest.raises(ValueError, match="block is -31\nDetail: At the start, sessions of up to 30 blocks"):
        Clickstream().block_sessions(-31)


@each_site
def test_blocks_are_the_same_whatever_was_read_before(site: str) -> None:
    read = thin(site)
    seen = {i: read.block_events(i) for i in [0, 1, 2, 9, 10, 3]}
    for i in [10, 9, 0, 2]:  # sessions that were forgotten are made again
        pd.testing.assert_frame_equal(read.block_events(i), seen[i])
        pd.testing.assert_frame_equal(thin(site).block_events(i), seen[i])


@each_site
def test_far_away_is_as_quick_as_the_start(site: str) -> None:
    sim = thin(site)
    sim.block_events(300 * 1440)
    assert len(sim._underway) == SITES[site].look_back + 1


@each_site
def test_what_is_done_with_is_forgotten(site: str) -> None:
    sim = thin(site)
    for i in range(8):
        sim.block_events(i)
    assert min(cohort.first for cohort in sim._underway.values()) == 4
    assert len(sim._underway) <= SITES[site].look_back + 4


@each_site
def test_whole_sessions_are_those_of_the_blocks(site: str) -> None:
    sim = thin(site)
    whole = sim.block_sessions(0)
    assert whole["event_time"].is_monotonic_increasing
    events = sim.events(pd.Timedelta(minutes=SITES[site].look_back + 1))
    same = events[events["session_id"].isin(whole["session_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        same.drop(columns="event_id").sort_values(["session_id", "event_time"], ignore_index=True),
        whole.drop(columns="bot").sort_values(["session_id", "event_time"], ignore_index=True),
    )


@pytest.fixture(scope="module")
def walks() -> dict[str, pd.DataFrame]:
    """Return whole sessions of people and bots of each site, by session and time, with the action before."""
    found = {}
    for site in SITES:
        sim = Clickstream(site=site, seed=7)
        events = pd.concat([sim.block_sessions(60 * i) for i in range(6)], ignore_index=True)
        events = events.sort_values(["session_id", "event_time"], kind="stable", ignore_index=True)
        events["before"] = events.groupby("session_id")["action"].shift()
        events["gap"] = events.groupby("session_id")["event_time"].diff().dt.total_seconds()
        found[site] = events
    return found


@each_site
def test_sessions_are_as_long_and_bots_as_many_as_the_site_says(
    site: str, walks: dict[str, pd.DataFrame]
) -> None:
    events, usual = walks[site], SITES[site]
    people = events[~events["bot"]]
    assert people.groupby("session_id").size().mean() == pytest.approx(usual.session_events, rel=0.1)
    assert events["bot"].mean() == pytest.approx(usual.bots, rel=0.35)
    times = events.groupby("session_id")["event_time"]
    assert (times.max() - times.min()).max() < pd.Timedelta(seconds=usual.cap)


@each_site
def test_people_do_only_what_follows(site: str, walks: dict[str, pd.DataFrame]) -> None:
    usual, people = SITES[site], walks[site][~walks[site]["bot"]]
    if usual.burst:
        people = people[~people["action"].isin(list(usual.burst.actions))].copy()
        people["before"] = people.groupby("session_id")["action"].shift()
    pairs = set(people[["before", "action"]].dropna().itertuples(index=False, name=None))
    assert pairs <= {(name, then) for name, stage in usual.stages.items() for then in stage.onward}
    assert set(people.loc[people["before"].isna(), "action"]) == set(usual.first)


def test_what_was_watched_is_the_time_since_the_event_before(walks: dict[str, pd.DataFrame]) -> None:
    events = walks["video"]
    watching = events["before"].isin(["play", "resume", "seek", "ad", "like"])
    assert (events["seconds"].notna() == watching).all()
    people = events[watching & ~events["bot"]]
    assert (people["seconds"] - people["gap"]).abs().max() < 0.051
    assert (events["video_id"] > 0).all()


def test_clicks_are_on_what_was_shown_and_impressions_come_in_heaps(walks: dict[str, pd.DataFrame]) -> None:
    people = walks["feed"][~walks["feed"]["bot"]]
    shown = people[people["action"] == "impression"]
    clicked = people[people["action"] == "click"]
    pairs = set(zip(shown["session_id"], shown["story_id"], strict=True))
    on_shown = [pair in pairs for pair in zip(clicked["session_id"], clicked["story_id"], strict=True)]
    assert np.mean(on_shown) > 0.97  # the rest: nothing was shown yet
    assert (shown.loc[shown["before"] == "impression", "gap"] < 3).mean() > 0.9
    assert (people["price"].notna() == (people["action"] == "click")).all()


def test_a_hero_is_kept_for_a_match_and_kills_crowd(walks: dict[str, pd.DataFrame]) -> None:
    people = walks["game"][~walks["game"]["bot"]]
    match = (people["action"] == "match_start").cumsum()
    inside = people["action"].isin(["match_start", "kill", "death", "score", "match_end"])
    assert (people[inside].groupby([match, "session_id"])["hero_id"].nunique() == 1).all()
    fight = people.loc[people["action"].isin(["kill", "death", "score"]), "gap"]
    assert fight.std() > 1.2 * fight.mean()


def test_few_users_write_and_few_pay(walks: dict[str, pd.DataFrame]) -> None:
    social = walks["social"][~walks["social"]["bot"]]
    wrote = social["action"].isin(["comment", "post"])
    assert (social["characters"].notna() == wrote).all()
    assert social.loc[wrote, "user_id"].nunique() < 0.15 * social["user_id"].nunique()
    game = walks["game"][~walks["game"]["bot"]]
    assert game.loc[game["amount"].notna(), "user_id"].nunique() < 0.03 * game["user_id"].nunique()


def test_another_site_has_numbers_of_its_own_where_none_were_chosen() -> None:
    video = replace(Clickstream(seed=7, users=9), site="video")
    assert video == Clickstream(seed=7, users=9, site="video")
    assert pickle.loads(pickle.dumps(video)) == video
    assert replace(video, site="shop") == Clickstream(seed=7, users=9)
    assert replace(Clickstream(bots=0.3, products=7), site="feed").bots == 0.3
    assert times_rate(Clickstream(), 2).sessions_per_second == 2 * Clickstream().sessions_per_second
