"""Fraud: episodes in which somebody else pays, and honest ones that look alike.

Each day begins a number of episodes that the seed decides; what is under way at any time is found by
looking back over the longest, so that no past has to be lived through.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.ordering import IntArray
from simulators.processes import FloatArray
from simulators.trading.cities import PEOPLE
from simulators.trading.holders import Holders

DAY = 86_400.0
LONGEST = 28
"""Days that the longest episode takes."""
EPISODES_PER_DAY = 10**6
"""Episode ids are ``day * EPISODES_PER_DAY + position``."""

KINDS = ("compromised_card", "compromised_terminal", "velocity_burst", "impossible_travel", "low_and_slow")
CARD, TERMINAL, BURST, TRAVEL, SLOW, SPREE, HOLIDAY, TRIP = range(8)
"""The kinds, and honest ones behind them: many purchases in an hour, holidays, journeys on business."""


class _Law(NamedTuple):
    """How often episodes of one kind begin, how long they are, and how much is paid in them."""

    begin: float
    """Episodes a card and day; of fraud, where half a per cent of all payments are fraud."""
    days: tuple[float, float]
    payments: tuple[float, float]
    """Payments in the whole episode."""


_HOUR = 1 / 24
_LAWS = (
    _Law(1.7e-4, (7, 14), (8, 25)),
    _Law(0.6e-4, (7, 28), (20, 60)),
    _Law(2.4e-4, (0.15 * _HOUR, 0.7 * _HOUR), (6, 14)),
    _Law(5e-4, (1 * _HOUR, 5 * _HOUR), (1, 4)),
    _Law(2.4e-4, (14, 28), (6, 12)),
    _Law(2e-3, (0.4 * _HOUR, 1.5 * _HOUR), (3, 8)),
    _Law(1.5e-3, (4, 14), (0, 0)),
    _Law(3e-3, (1, 3), (0, 0)),
)


class Episodes(NamedTuple):
    """Episodes, one entry each."""

    number: IntArray
    kind: npt.NDArray[np.int8]
    card: IntArray
    begin: FloatArray
    """Seconds since the start of event time."""
    end: FloatArray
    rate: FloatArray
    """Payments per second."""
    city: npt.NDArray[np.int8]
    """Where it takes place, if it is away from home, or where the terminal is."""
    terminal: IntArray
    strength: FloatArray
    """How much is paid, by what the holder usually pays."""


def chosen(episodes: Episodes, which: npt.NDArray[Any]) -> Episodes:
    """Return some episodes, by position or mask."""
    return Episodes(*(column[which] for column in episodes))


class Paid(NamedTuple):
    """Payments that belong to episodes."""

    episode: IntArray
    """Position of the episode."""
    seconds: FloatArray
    card: IntArray
    terminal: IntArray
    factor: FloatArray
    """What is paid, by what is usual."""


def begun(day: int, holders: Holders, fraud: float, pace: float, rng: np.random.Generator) -> Episodes:
    """Return the episodes that begin on a day.

    Parameters
    ----------
    day
        Index of the day, counted from ``LONGEST + 1`` days before the start.
    holders
        Whose cards they are.
    fraud
        Share of payments that are fraud, by 0.005.
    pace
        Payments of a card a day, by 2: whoever pays more often is robbed more often in an episode.
    rng
        Source of randomness.
    """
    often = np.array([law.begin * (fraud if kind < len(KINDS) else 1) for kind, law in enumerate(_LAWS)])
    kind = np.repeat(np.arange(len(_LAWS)), rng.poisson(often * holders.cards))
    count = len(kind)
    days = rng.uniform(*np.array([law.days for law in _LAWS])[kind].T)
    payments = rng.uniform(*np.array([law.payments for law in _LAWS])[kind].T)
    begin = (day - LONGEST - 1 + rng.random(count)) * DAY
    card = rng.integers(0, holders.cards, count)
    city = rng.choice(len(PEOPLE), count, p=PEOPLE)
    # Nobody travels to where they live.
    city = np.where(city == holders.homes.city[card], (city + 1 + card % 5) % len(PEOPLE), city)
    terminal = holders.within(city, rng.integers(0, 2**31, count))
    return Episodes(
        day * EPISODES_PER_DAY + np.arange(count),
        kind.astype(np.int8),
        card,
        begin,
        begin + days * DAY,
        pace * payments / (days * DAY),
        city.astype(np.int8),
        terminal,
        rng.uniform(0, 1, count),
    )


def paid(episodes: Episodes, first: float, last: float, holders: Holders, rng: np.random.Generator) -> Paid:
    """Return the payments of episodes between two times, seconds since the start, in no order."""
    begin, end = np.maximum(episodes.begin, first), np.minimum(episodes.end, last)
    which = np.repeat(np.arange(len(begin)), rng.poisson(np.maximum(end - begin, 0) * episodes.rate))
    count = len(which)
    kind, card, city = episodes.kind[which], episodes.card[which], episodes.city[which]
    seconds = begin[which] + rng.random(count) * (end - begin)[which]

    # Whoever pays at a compromised terminal lives nearby, or anywhere.
    sizes = np.diff(holders.cities)
    nearby = holders.by_city[
        (holders.cities[:-1][city] + (rng.random(count) * sizes[city]).astype(np.int64)) % holders.cards
    ]
    anybody = rng.integers(0, holders.cards, count)
    local = np.where((rng.random(count) < 0.75) & (sizes[city] > 0), nearby, anybody)
    card = np.where(kind == TERMINAL, local, card)

    on_web = rng.random(count) < np.array([0.9, 0.0, 0.95, 0.0, 0.9, 0.8, 0, 0])[kind]
    web = holders.web(rng.random(count))
    home = holders.within(holders.homes.city[card], rng.integers(0, 2**31, count))
    away = holders.within(city, rng.integers(0, 2**31, count))
    terminal = np.where(on_web, web, np.where(kind == TRAVEL, away, home))
    terminal = np.where(kind == TERMINAL, episodes.terminal[which], terminal)
    return Paid(which, seconds, card, terminal, _factors(kind, episodes.strength[which]))


def _factors(kind: npt.NDArray[np.int8], strength: FloatArray) -> FloatArray:
    least = np.array([1.5, 1.0, 0.3, 1.0, 0.8, 0.5, 1, 1])
    most = np.array([5.0, 2.5, 2.4, 3.0, 1.3, 2.0, 1, 1])
    factors: FloatArray = least[kind] + strength * (most - least)[kind]
    return factors
