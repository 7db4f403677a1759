"""Tape, book and payments look like real ones; each on one seed, all metrics but those that need more."""

from typing import Any

import numpy as np
import pytest

from simulators import Trading
from simulators.realism import scorecard
from simulators.realism.boosting import boosted
from simulators.realism.statistics import area_under_curve
from simulators.trading.book import OrderBook
from simulators.trading.payments import Payments

NOISY = {"autocorrelation of r, 300 s", "area under curve, amount alone", "area under curve, boosted trees"}
"""Of one seed they scatter about as far as their interval is wide; the median of 20 is judged."""


@pytest.mark.parametrize("make", [Trading, OrderBook, Payments])
def test_what_is_shipped_looks_real(make: Any) -> None:
    card = scorecard(make(seed=7))
    failed = card[~card["passed"] & ~card["metric"].isin(NOISY)]
    assert failed[["metric", "value", "low", "high"]].to_dict("records") == []
    assert (card["source"] != "").all()


def test_fraud_is_neither_given_away_nor_hidden() -> None:
    values = scorecard(Payments(seed=7)).set_index("metric")["value"]
    assert 0.55 < values["area under curve, amount alone"] < 0.85
    assert 0.85 < values["area under curve, boosted trees"] < 0.99


def test_boosting_finds_what_one_question_does_not() -> None:
    rng = np.random.default_rng(7)
    features = rng.standard_normal((6000, 4))
    labels = (features[:, 1] > 0) != (features[:, 2] > 0.5)
    model = boosted(features[:4000], labels[:4000])
    assert area_under_curve(model.scores(features[4000:]), labels[4000:]) > 0.95
    nothing = boosted(features[:4000, [0, 3]], labels[:4000])
    assert area_under_curve(nothing.scores(features[4000:, [0, 3]]), labels[4000:]) == pytest.approx(
        0.5, abs=0.06
    )
