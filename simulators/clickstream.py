"""Clickstream: sessions of people and bots in a web shop, with the bots labelled.

People arrive as a Cox process (day, week, slow noise), walk through the shop as an absorbing Markov
chain with a frailty of their own, and think a log-normal time at each page. A session is born in a
block, and reaches into later ones up to a cap on its length; so a block is put together from the
sessions born in it and in the blocks before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column, Simulator, Table, Truth
from simulators.delivery import WEB, Delivery
from simulators.ordering import IntArray, stable_order
from simulators.parameters import positive, share, whole
from simulators.processes import FloatArray, layered_noise

_USERS, _TIDE, _SESSIONS = 1, 2, 3

_BLOCK = 60.0
_CAP = 1800.0
"""No session is longer, seconds; also the gap that ends a session by convention."""
_LOOK_BACK = int(_CAP / _BLOCK)
_MOST_PAGES = 80

_ACTIONS = ("view", "product", "cart", "checkout", "payment", "purchase")
_VIEW, _PRODUCT, _CART, _CHECKOUT, _PAYMENT, _PURCHASE = range(6)
_COUNTRIES = {
    "US": 0.34, "GB": 0.14, "DE": 0.13, "FR": 0.10, "IN": 0.10, "BR": 0.08, "JP": 0.07, "AU": 0.04,
}  # fmt: skip
_DEVICES = {"mobile": 0.58, "desktop": 0.36, "tablet": 0.06}
_CHANNELS = {"organic": 0.38, "direct": 0.24, "paid": 0.18, "social": 0.12, "email": 0.08}

_BOUNCE = 0.29
"""Probability to leave at the first page, before the usual one."""
_LEAVE = np.array([0.20, 0.185, 0.22, 0.26, 0.10, 0.45])
"""Probability to leave after each action, for a frailty of 1."""
_NEXT = np.array(
    [
        [0.44, 0.56, 0.00, 0.00, 0.00, 0.00],
        [0.38, 0.578, 0.042, 0.00, 0.00, 0.00],
        [0.14, 0.16, 0.18, 0.52, 0.00, 0.00],
        [0.08, 0.04, 0.12, 0.00, 0.76, 0.00],
        [0.00, 0.00, 0.04, 0.06, 0.06, 0.84],
        [0.50, 0.40, 0.10, 0.00, 0.00, 0.00],
    ]
)
"""Probability of the next action of those who stay, a row an action."""
_CHOICES = 2**12
_PAGES_PER_SESSION = 5.2
_THINK, _THINK_SIGMA, _PACE_SIGMA = 20.0, 1.1, 0.5
"""Median time at a page in seconds; sigma of pages, and of people."""
_ZIPF = 0.85

_KINDS = ("crawler", "scraper")
_PAGES_PER_BOT = 30.0
_SLOWEST_BOT = 2.0


class _Visits(NamedTuple):
    """Some sessions' pages: the session of each, seconds since its birth, action, product."""

    session: IntArray
    since: FloatArray
    action: npt.NDArray[np.int8]
    product: IntArray


class _Cohort(NamedTuple):
    """The events of all sessions born in one block, by time."""

    table: Table
    bot: npt.NDArray[np.int8]
    """Kind of bot; -1 for people."""


class _Users(NamedTuple):
    activity: FloatArray
    """Cumulative share of sessions."""
    country: npt.NDArray[np.int8]
    device: npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class Clickstream(Simulator):
    """Simulate the pages that people and bots ask a web shop for.

    Parameters
    ----------
    users
        Number of users; their activity is log-normal, so that few make most sessions.
    sessions_per_second
        Sessions of people that begin per second, on the average of a day; 5 pages each.
    bots
        Share of all events that bots cause, in [0, 0.9]: quick, regular, without purchases. Their
        ``episode_id`` in the truth is the ``session_id``.
    products
        Number of products; their popularity is Zipf with exponent 0.85, number 1 the best seller.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC. Sessions that began before are under way.
    delivery
        How the events arrive.

    Examples
    --------
    >>> clicks = Clickstream(users=5_000, seed=7)
    >>> clicks.events("10s").columns.tolist()
    ['event_id', 'event_time', 'user_id', 'session_id', 'country', 'device', 'channel', 'action',
     'product_id', 'amount']
    >>> bots = clicks.truth("2min")
    >>> bots["kind"].cat.categories.tolist()
    ['crawler', 'scraper']
    """

    users: int = 5_000
    sessions_per_second: float = 80.0
    bots: float = 0.1
    products: int = 2_000
    delivery: Delivery = WEB

    name: ClassVar[str] = "clickstream"
    block: ClassVar[pd.Timedelta] = pd.Timedelta(_BLOCK, unit="s")
    label: ClassVar[str] = "bot"
    kinds: ClassVar[tuple[str, ...]] = _KINDS
    key_column: ClassVar[str] = "user_id"
    family: ClassVar[int] = 1
    schema: ClassVar[tuple[Column, ...]] = (
        EVENT_ID,
        EVENT_TIME,
        Column("user_id", "int64", "Who asked, from 1."),
        Column("session_id", "int64", "Number of the visit, unique."),
        Column("country", "category", "Where the user lives.", categories=tuple(_COUNTRIES)),
        Column("device", "category", "What the user has.", categories=tuple(_DEVICES)),
        Column("channel", "category", "What led to the visit.", categories=tuple(_CHANNELS)),
        Column("action", "category", "The page asked for.", categories=_ACTIONS),
        Column("product_id", "int64", "Product last looked at, from 1; 0 for none."),
        Column("amount", "float64", "Value of the order; NaN but on purchase.", unit="EUR"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("users", self.users, least=1, most=100_000_000)
        whole("products", self.products, least=1, most=10_000_000)
        positive("sessions_per_second", self.sessions_per_second, unit="sessions per second")
        share("bots", self.bots, below=0.9)

    @cached_property
    def _people(self) -> _Users:
        rng = self._rng(_USERS)
        activity = np.cumsum(np.exp(1.3 * rng.standard_normal(self.users)))
        return _Users(
            activity / activity[-1],
            _pick(_COUNTRIES, rng.random(self.users)),
            _pick(_DEVICES, rng.random(self.users)),
        )

    def _tide(self, block: int) -> float:
        """Return how busy the shop is in a block, 1 on average."""
        day = self.start.day_of_week + (self.start - self.start.normalize()) / pd.Timedelta("1D")
        day += (block + 0.5) * _BLOCK / 86_400
        angle = 2 * np.pi * (day % 1)
        swing = np.exp(0.65 * np.cos(angle - 4.0) + 0.25 * np.cos(2 * angle - 1.6)) / 1.1395
        week = 1.06 if day % 7 < 5 else 0.85
        noise = layered_noise(
            lambda layer, cell: self._rng(_TIDE, layer, cell).standard_normal(1),
            block=block + _LOOK_BACK,
            within=np.array([0.5]),
            spans=(4, 15, 60),
        )
        return float(swing * week * np.exp(0.25 * noise[0, 0] - 0.25**2 / 2))

    @cached_property
    def _born(self) -> Callable[[int], _Cohort]:
        return lru_cache(maxsize=_LOOK_BACK + 2)(self._cohort)

    def _cohort(self, block: int) -> _Cohort:
        """Return all events, in this block and later, of the sessions born in one block."""
        code = block + _LOOK_BACK
        rng = self._rng(_SESSIONS, code)
        expected = self.sessions_per_second * self._tide(block) * _BLOCK
        ratio = self.bots / (1 - self.bots) * _PAGES_PER_SESSION / _PAGES_PER_BOT
        people, bots = rng.poisson([expected, expected * ratio])
        sort = rng.integers(0, len(_KINDS), bots)
        crawled = _crawl(sort, people, self.products, rng)
        pages = _joined([_browse(people, self.products, rng), crawled])

        count = people + bots
        born = rng.random(count) * _BLOCK
        number = np.empty(count, np.int64)
        number[np.argsort(born)] = np.arange(code * IDS_PER_BLOCK, code * IDS_PER_BLOCK + count)
        user = np.searchsorted(self._people.activity, rng.random(count)).clip(0, self.users - 1)
        channel = _pick(_CHANNELS, rng.random(count))

        micros = ((born[pages.session] + pages.since) * 1e6).astype(np.int64)
        order = stable_order(micros)
        session, action = pages.session[order], pages.action[order]
        table: Table = {
            "event_time": micros[order] + round(block * _BLOCK * 1e6),
            "user_id": user[session] + 1,
            "session_id": number[session],
            "country": self._people.country[user][session],
            "device": self._people.device[user][session],
            "channel": channel[session],
            "action": action.astype(np.int8),
            "product_id": pages.product[order],
            "amount": _amounts(action, rng),
        }
        bot = np.concatenate([np.full(people, -1, np.int8), sort.astype(np.int8)])
        return _Cohort(table, bot[session])

    def _generate(self, block: int) -> tuple[Table, Truth]:
        limits = np.array([block, block + 1]) * round(_BLOCK * 1e6)
        parts: list[tuple[_Cohort, slice]] = []
        for born in range(block - _LOOK_BACK, block + 1):
            cohort = self._born(born)
            first, last = np.searchsorted(cohort.table["event_time"], limits)
            parts.append((cohort, slice(first, last)))
        time = np.concatenate([cohort.table["event_time"][rows] for cohort, rows in parts])
        order = stable_order(time - limits[0])
        table: Table = {
            name: np.concatenate([cohort.table[name][rows] for cohort, rows in parts])[order]
            for name in parts[0][0].table
        }
        bot = np.concatenate([cohort.bot[rows] for cohort, rows in parts])[order]
        rows = np.flatnonzero(bot >= 0)
        return table, Truth(rows, bot[rows], table["session_id"][rows])


def _pick(shares: dict[str, float], uniform: FloatArray) -> npt.NDArray[np.int8]:
    """Turn uniform numbers into positions in a table of shares."""
    limits = np.cumsum(list(shares.values()))[:-1]
    positions: npt.NDArray[np.int8] = np.searchsorted(limits, uniform, side="right").astype(np.int8)
    return positions


def _zipf(uniform: FloatArray, count: int) -> IntArray:
    """Turn uniform numbers into ranks 1 to count, with frequency about rank ** -0.85."""
    power = 1 - _ZIPF
    rank = (uniform * ((count + 1) ** power - 1) + 1) ** (1 / power)
    ranks: IntArray = np.minimum(rank.astype(np.int64), count)
    return ranks


def _choices() -> npt.NDArray[np.int8]:
    """Return the next action for each action and each of 4096 equally likely draws."""
    limits = np.cumsum(_NEXT, axis=1)[:, None, :-1]
    draws = (np.arange(_CHOICES) + 0.5)[None, :, None] / _CHOICES
    choices: npt.NDArray[np.int8] = (draws >= limits).sum(axis=2).astype(np.int8)
    return choices


_CHOICE = _choices()


def _browse(count: int, products: int, rng: np.random.Generator) -> _Visits:
    """Walk people through the shop, all sessions one page at a time."""
    session = np.arange(count)
    since = np.zeros(count)
    action = np.where(rng.random(count) < 0.55, _VIEW, _PRODUCT).astype(np.int8)
    product = np.zeros(count, np.int64)
    frailty = rng.standard_gamma(3.0, count) / 3.0
    pace = _THINK * np.exp(_PACE_SIGMA * rng.standard_normal(count))
    pages: list[_Visits] = []
    for page in range(_MOST_PAGES):
        looks = np.flatnonzero(action == _PRODUCT)
        product[looks] = _zipf(rng.random(len(looks)), products)
        pages.append(_Visits(session, since, action, np.where(action == _VIEW, 0, product)))
        leave = _LEAVE[action] * frailty[session]
        if page == 0:
            leave = _BOUNCE + (1 - _BOUNCE) * leave
        think = pace[session] * np.exp(_THINK_SIGMA * rng.standard_normal(len(session)))
        stay = np.flatnonzero((rng.random(len(session)) >= leave) & (since + think < _CAP))
        session, since, product = session[stay], (since + think)[stay], product[stay]
        action = _CHOICE[action[stay], rng.integers(0, _CHOICES, len(stay))]
        if not len(stay):
            break
    return _joined(pages)


def _crawl(sort: IntArray, first: int, products: int, rng: np.random.Generator) -> _Visits:
    """Send bots through the shop: crawlers page by page, scrapers from product to product.

    Their sessions are numbered from ``first``.
    """
    count = len(sort)
    pages = 1 + rng.poisson(rng.gamma(3.0, (_PAGES_PER_BOT - 1) / 3.0, count))
    pages = np.minimum(pages, int(_CAP / _SLOWEST_BOT) - 1)
    crawls = sort == 0
    pause = np.where(crawls, rng.uniform(0.8, _SLOWEST_BOT, count), rng.uniform(0.15, 0.6, count))
    session = np.repeat(np.arange(count), pages)
    page = np.arange(len(session)) - np.repeat(np.cumsum(pages) - pages, pages)
    since = pause[session] * (page + 0.05 * rng.random(len(session)))
    lists = crawls[session] & (page % 5 == 0)
    product = (rng.integers(0, products, count)[session] + page) % products + 1
    return _Visits(
        session + first,
        since,
        np.where(lists, _VIEW, _PRODUCT).astype(np.int8),
        np.where(lists, 0, product),
    )


def _joined(visits: list[_Visits]) -> _Visits:
    return _Visits(
        np.concatenate([each.session for each in visits]),
        np.concatenate([each.since for each in visits]),
        np.concatenate([each.action for each in visits]),
        np.concatenate([each.product for each in visits]),
    )


def _amounts(action: npt.NDArray[np.int8], rng: np.random.Generator) -> FloatArray:
    """Return order values on purchases: log-normal, median 55 EUR; NaN elsewhere."""
    amount = np.full(len(action), np.nan)
    bought = np.flatnonzero(action == _PURCHASE)
    amount[bought] = np.round(55 * np.exp(0.75 * rng.standard_normal(len(bought))), 2)
    return amount
