"""Payments are where people live or travel, and fraud is what it is called, and known later."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulators.trading.cities import distance
from simulators.trading.payments import Payments

SIM = Payments(cards=3000, fraud=0.02, seed=7)


@pytest.fixture(scope="module")
def payments() -> pd.DataFrame:
    found = SIM.events("10D", "24D").merge(SIM.truth("10D", "24D"), on="event_id", how="left")
    homes = SIM.homes().set_index("card").loc[found["card"]]
    away = distance(
        *(found[name].to_numpy() for name in ("latitude", "longitude")),
        *(homes[name].to_numpy() for name in ("latitude", "longitude")),
    )
    return found.assign(away=away, usual=found.groupby("card")["amount"].transform("median"))


def test_cards_pay_as_often_and_as_much_as_they_do(payments: pd.DataFrame) -> None:
    assert len(payments) / (3000 * 14) == pytest.approx(2.0, rel=0.05)
    counts = payments["card"].value_counts().reindex(range(3000), fill_value=0) / 14
    assert counts.quantile(0.1) < 0.6
    assert counts.quantile(0.9) > 3.3
    cents = payments["amount"] * 100
    assert np.allclose(cents, cents.round(), atol=1e-6)
    assert (payments["amount"] >= 0.5).all()


def test_people_pay_near_home_unless_they_travel(payments: pd.DataFrame) -> None:
    honest = payments[payments["kind"].isna() & payments["present"]]
    assert 0.9 < (honest["away"] < 40).mean() < 0.99
    # Whoever is far away is there for days, and so in one place.
    far = honest[honest["away"] > 100].groupby("card")["city"].agg(["nunique", "size"])
    assert (far["nunique"] <= 2).mean() > 0.95


def test_a_terminal_is_in_one_place_and_sells_one_thing(payments: pd.DataFrame) -> None:
    steady = ["city", "country", "latitude", "longitude", "category", "present"]
    assert (payments.groupby("terminal")[steady].nunique() == 1).all(axis=None)


def test_nights_are_quiet_and_saturdays_are_not(payments: pd.DataFrame) -> None:
    honest = payments[payments["kind"].isna()]
    hours = honest["event_time"].dt.hour.value_counts()
    assert hours[12] > 5 * hours[3]
    days = honest["event_time"].dt.day_of_week.value_counts()
    assert days[5] > days[6]


def test_fraud_is_what_it_is_called(payments: pd.DataFrame) -> None:
    kinds = dict(iter(payments[payments["kind"].notna()].groupby("kind", observed=True)))
    assert set(kinds) == set(SIM.kinds)
    assert 0.01 < payments["kind"].notna().mean() < 0.04
    cards = (
        payments[payments["kind"].notna()].groupby(["kind", "episode_id"], observed=True)["card"].nunique()
    )
    assert (cards.drop("compromised_terminal") == 1).all()
    terminals = kinds["compromised_terminal"].groupby("episode_id")["terminal"].nunique()
    assert (terminals == 1).all()
    burst = kinds["velocity_burst"].groupby("episode_id")["event_time"].agg(["min", "max"])
    assert (burst["max"] - burst["min"]).max() < pd.Timedelta("45min")
    assert (kinds["impossible_travel"]["away"] > 100).all()
    times = {kind: (rows["amount"] / rows["usual"]).median() for kind, rows in kinds.items()}
    assert times["compromised_card"] > 2 > times["low_and_slow"]
    assert len(replace(SIM, fraud=0.0).truth("1D")) == 0


def test_fraud_is_reported_days_later() -> None:
    reports = SIM.labels("32D", "34D")
    truth = SIM.truth("34D").set_index("event_id")["true_time"]
    assert len(reports) > 20
    waited = reports["reported_at"].to_numpy() - truth[reports["event_id"]].to_numpy()
    assert waited.min() >= pd.Timedelta("3D")
    assert waited.max() <= pd.Timedelta("30D")
    assert reports["reported_at"].is_monotonic_increasing
    assert (
        reports["reported_at"].between(*SIM.start + pd.to_timedelta(["32D", "34D"]), inclusive="left").all()
    )
    assert len(SIM.labels("3D")) == 0


def test_all_fraud_is_reported_once_however_reports_are_read() -> None:
    early = set(SIM.truth("2D")["event_id"])
    reports = SIM.labels("32D")
    assert early <= set(reports["event_id"])
    assert reports["event_id"].is_unique
    parts = [replace(SIM).labels(first, last) for first, last in (("20D", "32D"), (0, "7h"), ("7h", "20D"))]
    together = pd.concat([parts[1], parts[2], parts[0]], ignore_index=True)
    pd.testing.assert_frame_equal(together, reports)


@pytest.mark.parametrize(
    ("changes", "block"),
    [({}, "1h"), ({"payments_per_day": 200.0}, "1h"), ({"cards": 10**6, "payments_per_day": 8640.0}, "10s")],
)
def test_a_block_is_as_short_as_it_must_be(changes: dict[str, Any], block: str) -> None:
    assert Payments(**changes).block == pd.Timedelta(block)


def test_a_home_is_a_row_a_card() -> None:
    homes = SIM.homes()
    assert homes["card"].tolist() == list(range(3000))
    assert homes["city"].nunique() == 24
    assert (homes.groupby("city", observed=True)["country"].nunique() == 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Payments(cards=1),
            "cards is 1\nDetail: cards must be a whole number in [100, 10_000_000].\n"
            "Hint: Write for example cards=100.",
        ),
        (
            lambda: Payments(payments_per_day=0),
            "payments_per_day is 0\nDetail: payments_per_day counts payments per card and day, and must be "
            "a finite number above 0.\nHint: Write for example payments_per_day=10.",
        ),
        (
            lambda: Payments(fraud=0.5),
            "fraud is 0.5\nDetail: fraud is a share, a number in [0, 0.05].\n"
            "Hint: Five per cent is written fraud=0.05.",
        ),
    ],
)
def test_errors_teach(make, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message
