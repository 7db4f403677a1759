"""Holders: who has a card, and where they pay; made from a number, so that there may be millions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from simulators.ordering import IntArray
from simulators.processes import FloatArray
from simulators.trading.cities import LATITUDE, LONGITUDE, PEOPLE

CATEGORIES = ("groceries", "restaurant", "fuel", "clothes", "electronics", "travel", "other")
_CATEGORY_SHARES = np.array([0.38, 0.2, 0.1, 0.12, 0.05, 0.05, 0.1])
_CATEGORY_PRICES = np.array([0.7, 0.6, 1.1, 1.3, 2.4, 2.2, 0.9])
"""What is paid in each category, by what the holder usually pays."""
_ONLINE_SHARES = np.array([0.08, 0.1, 0.0, 0.27, 0.2, 0.15, 0.2])
ONLINE = 0.1
"""Share of the terminals that are shops on the web."""
_SUBURB = 0.04
"""Degrees within which most people and shops of a city are."""
_FAVOURITES = 24


@dataclass(frozen=True)
class Places:
    """Where cards or terminals are, one entry each."""

    city: npt.NDArray[np.int8]
    latitude: npt.NDArray[np.float32]
    longitude: npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Holders:
    """The holders of cards, and the terminals around them.

    Parameters
    ----------
    cards
        How many cards.
    draw
        ``draw(component)``: a new generator of one of four components.

    Examples
    --------
    >>> people = Holders(cards=500, draw=np.random.default_rng)
    >>> shops = people.near(np.array([3, 3]), np.array([0.1, 0.1]))
    >>> bool(shops[0] == shops[1]), bool(people.shops.city[shops[0]] == people.homes.city[3])
    (True, True)
    """

    cards: int
    draw: Callable[[int], np.random.Generator]

    @cached_property
    def homes(self) -> Places:
        """Where each card's holder lives."""
        rng = self.draw(0)
        return _placed(rng.choice(len(PEOPLE), self.cards, p=PEOPLE), rng)

    @cached_property
    def usual(self) -> npt.NDArray[np.float32]:
        """What each holder usually pays: from 5 to 100 EUR, all as likely (Le Borgne et al. 2022)."""
        return self.draw(1).uniform(5, 100, self.cards).astype(np.float32)

    @cached_property
    def by_city(self) -> IntArray:
        """The cards in the order of their city."""
        return np.argsort(self.homes.city, kind="stable")

    @cached_property
    def cities(self) -> IntArray:
        """Where the cards of each city begin in `by_city`, and where the last ends."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.homes.city, minlength=len(PEOPLE)))])

    @cached_property
    def terminals(self) -> IntArray:
        """Where the terminals of each city begin, where the last ends; the rest are on the web."""
        counts = np.ceil(PEOPLE * max(self.cards / 10, 240) * (1 - ONLINE)).astype(np.int64)
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def online(self) -> int:
        """How many terminals are on the web."""
        return int(self.terminals[-1] * ONLINE / (1 - ONLINE)) + 1

    @cached_property
    def shops(self) -> Places:
        """Where each terminal is; shops on the web are where their firms are."""
        counts = np.diff(self.terminals)
        rng = self.draw(2)
        web = rng.choice(len(PEOPLE), self.online, p=PEOPLE)
        return _placed(np.concatenate([np.repeat(np.arange(len(PEOPLE)), counts), web]), rng)

    @cached_property
    def category(self) -> npt.NDArray[np.int8]:
        """What each terminal sells."""
        rng = self.draw(3)
        street = rng.choice(len(CATEGORIES), int(self.terminals[-1]), p=_CATEGORY_SHARES)
        web = rng.choice(len(CATEGORIES), self.online, p=_ONLINE_SHARES)
        return np.concatenate([street, web]).astype(np.int8)

    @cached_property
    def prices(self) -> npt.NDArray[np.float32]:
        """What is paid at each terminal, by what the holder usually pays."""
        return _CATEGORY_PRICES[self.category].astype(np.float32)

    def near(self, card: IntArray, coin: FloatArray) -> IntArray:
        """Return terminals in the streets where holders live; a coin in [0, 1) picks one of 24 of each.

        The small picks are the ones paid at most.
        """
        favourite = (_FAVOURITES * coin**2).astype(np.int64)
        return self.within(self.homes.city[card], _hashed(card * 32 + favourite))

    def within(self, city: npt.NDArray[Any], number: IntArray) -> IntArray:
        """Return terminals in the streets of cities, picked by whole numbers of any size."""
        found: IntArray = self.terminals[:-1][city] + number % np.diff(self.terminals)[city]
        return found

    def web(self, coin: FloatArray) -> IntArray:
        """Return terminals on the web; some are far more popular than others."""
        found: IntArray = self.terminals[-1] + (self.online * coin**3).astype(np.int64)
        return found


def _placed(city: npt.NDArray[Any], rng: np.random.Generator) -> Places:
    off = rng.standard_normal((2, len(city)), np.float32) * np.float32(_SUBURB)
    return Places(
        city.astype(np.int8),
        (LATITUDE[city] + off[0]).astype(np.float32),
        (LONGITUDE[city] + 1.4 * off[1]).astype(np.float32),
    )


def _hashed(numbers: IntArray) -> IntArray:
    """Return numbers that look random, below 2**31, always the same (Steele et al. 2014, SplitMix)."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(33)).astype(np.int64)
