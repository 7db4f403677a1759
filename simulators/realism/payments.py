"""What payments by card and their fraud should look like."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.realism.boosting import boosted
from simulators.realism.metric import Card, Metric
from simulators.realism.statistics import FloatArray, area_under_curve
from simulators.trading.cities import distance
from simulators.trading.fraud import KINDS
from simulators.trading.payments import Payments

_CARDS, _DAYS, _SINCE, _SPLIT = 2500, 56, 20, 38
"""Cards and days of the sample; days 20 to 38 are learned from, the later ones are judged."""
_NEGATIVES = 15
"""Honest payments that are learned from, per fraudulent one."""
_HANDBOOK = "Le Borgne et al. 2022, Reproducible Machine Learning for Credit Card Fraud Detection"
_ECB = "European Central Bank 2023, Report on card fraud"
_ECB_PAYMENTS = "European Central Bank 2024, Payments statistics: about 40 EUR a card payment"
_ASKED = "asked of this simulator: each kind of fraud is there to be found"
_DAL_POZZOLO = "Dal Pozzolo et al. 2018, Credit card fraud detection: a realistic modeling"


@dataclass(frozen=True)
class Ledger:
    """Eight weeks of payments, by time.

    Parameters
    ----------
    columns
        The payments.
    kind
        Kind of fraud of each; -1 for none.
    homes
        Latitude and longitude of the holders' homes, by card.
    waited
        Days from payment to report, of fraud.
    """

    columns: dict[str, npt.NDArray[Any]]
    kind: npt.NDArray[np.int8]
    homes: tuple[FloatArray, FloatArray]
    waited: FloatArray

    @property
    def fraud(self) -> npt.NDArray[np.bool_]:
        """Which payments are fraud."""
        return self.kind >= 0

    @cached_property
    def days(self) -> FloatArray:
        """Time of each payment, days since midnight of the first."""
        days: FloatArray = self.columns["event_time"] / 8.64e10
        return days

    @cached_property
    def judged(self) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray]:
        """Of the later payments: which are fraud, the score of the classifier, and that of the rule."""
        features = _features(self)
        late = self.days >= _SPLIT
        early = np.flatnonzero((self.days >= _SINCE) & ~late)
        bad, good = early[self.fraud[early]], early[~self.fraud[early]]
        chosen = np.concatenate([bad, good[:: max(1, len(good) // (_NEGATIVES * len(bad)))]])
        model = boosted(features[chosen], self.fraud[chosen])
        return self.fraud[late], model.scores(features[late]), self.columns["amount"][late]


def ledger(simulator: Payments) -> Ledger:
    """Return eight weeks of a simulator's payments; of fewer cards, if it has many."""
    few = replace(simulator, cards=min(simulator.cards, _CARDS), start=simulator.start.normalize())
    blocks = [few._block(i) for i in range(round(pd.Timedelta(days=_DAYS) / few.block))]
    names = ("event_time", "card", "terminal", "amount", "latitude", "longitude", "present")
    columns = {name: np.concatenate([events[name] for events, _ in blocks]) for name in names}
    sizes = np.cumsum([0, *(len(events["event_time"]) for events, _ in blocks)])
    kind = np.full(sizes[-1], -1, np.int8)
    for begin, (_, truth) in zip(sizes, blocks, strict=False):
        kind[begin + truth.rows] = truth.kind
    homes = few.homes()
    reports = [few._reports(i) for i in range(24 * 7)]
    asked = np.concatenate([report[1] for report in reports]) / 8.64e10
    paid = np.concatenate(
        [few._block(i)[0]["event_time"][report[0] % 10**8] for i, report in enumerate(reports)]
    )
    return Ledger(
        columns, kind, (homes["latitude"].to_numpy(), homes["longitude"].to_numpy()), asked - paid / 8.64e10
    )


class _Past:
    """What was paid before each payment by whoever has the same key."""

    def __init__(self, key: npt.NDArray[np.int64], days: FloatArray) -> None:
        self.order = np.argsort(key, kind="stable")
        # Keys far apart, so that looking back never reaches another's payments.
        self.place = (key * 1000.0 + days)[self.order]

    def sums(self, values: FloatArray, window: float) -> FloatArray:
        """Return the sum over the days before each payment, itself left out."""
        total = np.concatenate([[0.0], np.cumsum(values[self.order])])
        begins = np.searchsorted(self.place, self.place - window)
        found = np.empty(len(values))
        found[self.order] = total[:-1] - total[begins]
        return found

    def last(self, values: FloatArray) -> FloatArray:
        """Return the value of the payment before, of the same key; its own if there is none."""
        sorted_values = values[self.order]
        before = np.concatenate([sorted_values[:1], sorted_values[:-1]])
        first = np.diff(np.floor(self.place / 1000), prepend=-1) > 0
        found = np.empty(len(values))
        found[self.order] = np.where(first, sorted_values, before)
        return found


def _features(found: Ledger) -> FloatArray:
    """Return what a bank would compute of each payment and of those before it."""
    columns, days = found.columns, found.days
    amount, present = columns["amount"], columns["present"]
    cards, shops = _Past(columns["card"], days), _Past(columns["terminal"], days)
    one = np.ones(len(days))
    home = [place[columns["card"]] for place in found.homes]
    away = np.where(present, distance(columns["latitude"], columns["longitude"], *home), 0.0)
    recent, month = cards.sums(one, 1.0), cards.sums(one, 30.0)
    usual = (cards.sums(amount, 30.0) + 50) / (month + 1)
    known = _Past(columns["card"] * 10**6 + columns["terminal"], days).sums(one, 30.0)
    busy, always = shops.sums(one, 1.0), shops.sums(one, 30.0)
    large = np.log(amount / usual)
    features = [
        amount,
        large,
        recent,
        month,
        cards.sums(one, 1 / 24),
        cards.sums(one, 7.0) / (month + 1),
        cards.sums(amount, 1.0) / usual,
        cards.sums(amount, 7.0) / (usual * (month + 1)),
        cards.sums(~present, 1.0),
        cards.sums(~present, 7.0) / (month + 1),
        cards.sums(~present, 30.0) / (month + 1),
        busy / (always + 1),
        shops.sums(away, 7.0) / (shops.sums(one, 7.0) + 1),
        shops.sums(large, 3.0) / (shops.sums(one, 3.0) + 3),
        always,
        known,
        away,
        _speed(found),
        np.abs(days % 1 - 0.6),
        present,
    ]
    return np.stack(features, axis=1).astype(np.float64)


def _speed(found: Ledger) -> FloatArray:
    """Return how fast the card came from where it was last, km/h; 0 on the web."""
    rows = np.flatnonzero(found.columns["present"])
    here = {name: found.columns[name][rows] for name in ("card", "latitude", "longitude")}
    days = found.days[rows]
    past = _Past(here["card"], days)
    far = distance(
        here["latitude"], here["longitude"], past.last(here["latitude"]), past.last(here["longitude"])
    )
    speed = np.zeros(len(found.days))
    speed[rows] = far / (24 * (days - past.last(days)) + 0.2)
    return speed


def _peak(found: Ledger) -> float:
    hours = np.bincount((found.days * 24).astype(np.int64) % 24, minlength=24)
    return float(hours.max() / hours.min())


def _rarest(found: Ledger) -> float:
    counts = np.bincount(found.kind[found.fraud], minlength=len(KINDS))
    return float(counts.min() / counts.sum())


def _classified(found: Ledger) -> float:
    fraud, scores, _ = found.judged
    return area_under_curve(scores, fraud)


def _ruled(found: Ledger) -> float:
    fraud, _, amounts = found.judged
    return area_under_curve(amounts, fraud)


def _activity(found: Ledger) -> float:
    """Return the standard deviation of payments between cards, by their mean."""
    counts = np.bincount(found.columns["card"])
    return float(counts.std() / counts.mean())


_METRICS = (
    Metric("fraud, share of payments", 0.001, 0.01, lambda found: float(found.fraud.mean()), _HANDBOOK),
    Metric("rarest kind of fraud, share", 0.02, 0.2, _rarest, _ASKED),
    Metric("area under curve, amount alone", 0.6, 0.8, _ruled, _HANDBOOK),
    Metric("area under curve, boosted trees", 0.85, 0.97, _classified, _HANDBOOK),
    Metric(
        "fraud on the web, share",
        0.5,
        0.9,
        lambda found: float(1 - found.columns["present"][found.fraud].mean()),
        _ECB,
    ),
    Metric(
        "amount, mean", 25, 70, lambda found: float(found.columns["amount"].mean()), _ECB_PAYMENTS, unit="EUR"
    ),
    Metric("payments at the peak hour by the quietest", 5, 60, _peak, _HANDBOOK),
    Metric("variation of activity between cards", 0.4, 1, _activity, _HANDBOOK),
    Metric(
        "report after, median", 5, 20, lambda found: float(np.median(found.waited)), _DAL_POZZOLO, unit="days"
    ),
)


def card(simulator: Payments) -> Card:
    """Return how payments are sampled, and what is measured of them."""
    return Card(ledger, _METRICS)
