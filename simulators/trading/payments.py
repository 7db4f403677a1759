"""Payments: what the holders of cards pay, with labelled fraud that becomes known days later.

Everybody pays a random number of times a day, amounts around what is usual for them, mostly in a few
shops near their home (an idea of Le Borgne, Siblini, Lebichot and Bontempi 2022, Reproducible Machine
Learning for Credit Card Fraud Detection). Fraud is of five kinds, from blatant to next to invisible.
Honest holders look alike at times: they go on holiday or on business, buy something big, or many
things within an hour. Those carry no label.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.base import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column, Simulator, Table, Truth
from simulators.delivery.road import WEB, Delivery
from simulators.ordering import IntArray, stable_order
from simulators.parameters import microseconds, positive, share, whole
from simulators.processes import FloatArray
from simulators.trading.cities import CITIES, COUNTRIES, COUNTRY
from simulators.trading.fraud import DAY, HOLIDAY, KINDS, LONGEST, SPREE, TRIP, Episodes, begun, chosen, paid
from simulators.trading.holders import CATEGORIES, Holders

_HOLDERS, _EPISODES, _PAYMENTS, _FRAUD, _REPORTS = 1, 2, 3, 4, 5

_BLOCKS = tuple(pd.Timedelta(length) for length in ("1h", "10min", "1min", "10s", "1s"))
_BLOCK_PAYMENTS = 1_200_000
_ON_WEB = 0.15
_ELSEWHERE = 0.08
"""Share of payments in the holder's city, but not in one of the favourite shops."""
_BIG = 0.006
"""Share of payments for something big, 3 to 8 times the usual amount."""
_TRAVEL_HOURS = 6.0
"""Nobody pays in a shop while on the way to a holiday, or back."""
_SOONEST, _LATEST = 3 * DAY, 30 * DAY
_FREQUENT = 1024


@dataclass(frozen=True, kw_only=True)
class Payments(Simulator):
    """Simulate payments by card.

    A block is an hour, or shorter where an hour would hold more than about a million payments.

    Parameters
    ----------
    cards
        How many cards there are, in [100, 10_000_000]; their numbers are below this.
    payments_per_day
        Payments of a card a day, on average; cards differ, evenly from none to twice as many.
    fraud
        Share of the payments that are fraud, about, in [0, 0.05].
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC.
    delivery
        How the payments arrive.

    Examples
    --------
    >>> payments = Payments(cards=1000, seed=7).events("6h")
    >>> payments.columns.tolist()[2:6]
    ['card', 'terminal', 'amount', 'category']
    >>> bool((payments["amount"] > 0).all())
    True
    """

    cards: int = 50_000
    payments_per_day: float = 2.0
    fraud: float = 0.005
    delivery: Delivery = WEB

    name: ClassVar[str] = "payments"
    label: ClassVar[str] = "fraud"
    kinds: ClassVar[tuple[str, ...]] = KINDS
    key_column: ClassVar[str] = "terminal"
    pace: ClassVar[str] = "payments_per_day"
    family: ClassVar[int] = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("cards", self.cards, least=100, most=10_000_000)
        positive("payments_per_day", self.payments_per_day, unit="payments per card and day")
        share("fraud", self.fraud, below=0.05)

    @cached_property
    def block(self) -> pd.Timedelta:
        """Length of a block."""
        rate = self.cards * self.payments_per_day / DAY
        fitting = [each for each in _BLOCKS if rate * each.total_seconds() <= _BLOCK_PAYMENTS]
        return (fitting or _BLOCKS[-1:])[0]

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("card", "int64", "Number of the card."),
            Column("terminal", "int64", "Number of the terminal, or of the shop on the web."),
            Column("amount", "float64", "What was paid.", unit="EUR"),
            Column("category", "category", "What the shop sells.", categories=CATEGORIES),
            Column("city", "category", "Where the shop is.", categories=CITIES),
            Column("country", "category", "Where the shop is.", categories=COUNTRIES),
            Column("latitude", "float64", "Where the shop is.", unit="°"),
            Column("longitude", "float64", "Where the shop is.", unit="°"),
            Column("present", "bool", "Whether the card was there; it was not on the web."),
        )

    def homes(self) -> pd.DataFrame:
        """Return where the holders live: ``card, city, country, latitude, longitude``, by card.

        Examples
        --------
        >>> len(Payments(cards=1000).homes())
        1000
        """
        homes = self._holders.homes
        table: Table = {
            "card": np.arange(self.cards),
            "city": homes.city,
            "country": COUNTRY[homes.city],
            "latitude": homes.latitude.astype(float),
            "longitude": homes.longitude.astype(float),
        }
        columns = {column.name: column for column in self.schema}
        return self._frame(table, tuple(columns[name] for name in table))

    def labels(self, first: Any, last: Any = None) -> pd.DataFrame:
        """Return the fraud that is reported between two times: 3 to 30 days after the payment.

        Costs the blocks of the 27 days before, of which the last thousand or so read are remembered.

        Parameters
        ----------
        first, last
            As for `events`, but of the time of the report.

        Returns
        -------
        DataFrame
            ``event_id`` (int64), ``label`` (category) and ``reported_at`` (datetime64[us]), by report,
            then event id.

        Examples
        --------
        >>> reports = Payments(cards=1000, seed=7).labels("10D", "11D")
        >>> reports.columns.tolist()
        ['event_id', 'label', 'reported_at']
        """
        begin, end = self._range(first, last)
        length = microseconds(self.block)
        oldest = max(0, (begin - round(_LATEST * 1e6)) // length)
        newest = max(oldest, (end - round(_SOONEST * 1e6)) // length + 1)
        reports = [np.zeros((2, 0), np.int64), *(self._reports(i) for i in range(oldest, newest))]
        number, reported = np.concatenate(reports, axis=1)
        inside = np.flatnonzero((reported >= begin) & (reported < end))
        order = inside[np.argsort(reported[inside], kind="stable")]
        table: Table = {
            "event_id": number[order],
            "label": np.zeros(len(order), np.int8),
            "reported_at": reported[order],
        }
        label = self.truth_schema[1]
        return self._frame(table, (EVENT_ID, label, Column("reported_at", "datetime64[us]", "When.")))

    # Who pays, and what is under way.

    @cached_property
    def _holders(self) -> Holders:
        return Holders(cards=self.cards, draw=lambda component: self._rng(_HOLDERS, component))

    @cached_property
    def _begun(self) -> Callable[[int], Episodes]:
        def found(day: int) -> Episodes:
            rng = self._rng(_EPISODES, day)
            return begun(day, self._holders, self.fraud / 0.005, self.payments_per_day / 2, rng)

        return lru_cache(maxsize=2 * LONGEST)(found)

    @cached_property
    def _known(self) -> Callable[[int], Episodes]:
        """``_known(day)``: the episodes that began on a day, or so long before that they may go on."""

        def found(day: int) -> Episodes:
            days = [self._begun(each) for each in range(day, day + LONGEST + 2)]
            return Episodes(*(np.concatenate(columns) for columns in zip(*days, strict=True)))

        return lru_cache(maxsize=2)(found)

    def _under_way(self, first: float, last: float) -> Episodes:
        known = self._known(int(first // DAY))
        return chosen(known, (known.begin < last) & (known.end > first))

    @cached_property
    def _reports(self) -> Callable[[int], IntArray]:
        def found(block: int) -> IntArray:
            events, truth = self._block(block)
            wait = self._rng(_REPORTS, block).beta(1.5, 3.5, len(truth.rows))
            waited = ((_SOONEST + wait * (_LATEST - _SOONEST)) * 1e6).astype(np.int64)
            return np.stack([truth.rows + block * IDS_PER_BLOCK, events["event_time"][truth.rows] + waited])

        return lru_cache(maxsize=_FREQUENT)(found)

    # What is paid.

    def _generate(self, block: int) -> tuple[Table, Truth]:
        length = self.block.total_seconds()
        first = block * length
        going_on = self._under_way(first, first + length)
        seconds, card, terminal, factor = self._ordinary(first, length, going_on, self._rng(_PAYMENTS, block))
        own = paid(going_on, first, first + length, self._holders, self._rng(_FRAUD, block))
        kind = np.concatenate([np.full(len(card), SPREE), going_on.kind[own.episode]])
        number = np.concatenate([np.zeros(len(card), np.int64), going_on.number[own.episode]])

        inside = np.clip((np.concatenate([seconds, own.seconds]) - first) * 1e6, 0, length * 1e6 - 1)
        micros = inside.astype(np.int64)
        order = stable_order(micros, runs=True)  # only the few of episodes are in disorder
        card = np.concatenate([card, own.card])[order]
        terminal = np.concatenate([terminal, own.terminal])[order]
        factor = np.concatenate([factor, own.factor])[order]
        kind = kind[order]
        table = self._table(card, terminal, factor, self._rng(_PAYMENTS, block, 1))
        rows = np.flatnonzero(kind < len(KINDS))
        truth = Truth(rows, kind[rows].astype(np.int8), number[order][rows])
        return {"event_time": micros[order] + block * microseconds(self.block), **table}, truth

    def _ordinary(
        self, first: float, length: float, going_on: Episodes, rng: np.random.Generator
    ) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
        """Return seconds, cards, terminals and factors of the payments that holders make themselves."""
        ends = [self._day(first), self._day(first + length)]
        expected = self.cards * self.payments_per_day * length / DAY * (ends[0] + ends[1]) / 2
        count = rng.poisson(expected)
        # The rate changes evenly within a block, from one end to the other.
        level, slope = ends[0], ends[1] - ends[0]
        coin = _sorted(count, rng)
        along = coin if slope == 0 else (np.sqrt(level**2 + (ends[1] ** 2 - level**2) * coin) - level) / slope
        seconds = first + along * length
        # Cards pay evenly from none to twice as often as the mean: the root of a coin finds them.
        rank = (self.cards * np.sqrt(rng.random(count))).astype(np.int64)
        card = rank * _coprime(self.cards) % self.cards
        terminal = self._holders.near(card, rng.random(count))

        what = rng.random(count)
        other = np.flatnonzero(what < _ON_WEB + _ELSEWHERE)
        web = what[other] < _ON_WEB
        anywhere = self._holders.within(
            self._holders.homes.city[card[other]], rng.integers(0, 2**31, len(other))
        )
        terminal[other] = np.where(web, self._holders.web(rng.random(len(other))), anywhere)
        factor = np.ones(count)
        big = np.flatnonzero(what > 1 - _BIG)
        factor[big] = rng.uniform(3, 8, len(big))
        self._go_away(seconds, card, terminal, factor, going_on, rng)
        return seconds, card, terminal, factor

    def _go_away(
        self,
        seconds: FloatArray,
        card: IntArray,
        terminal: IntArray,
        factor: FloatArray,
        going_on: Episodes,
        rng: np.random.Generator,
    ) -> None:
        """Let those who are away pay where they are, a little more, and only on the web while on the way."""
        away = np.flatnonzero((going_on.kind == HOLIDAY) | (going_on.kind == TRIP))
        trip = np.full(self.cards, -1, np.int32)
        trip[going_on.card[away]] = away
        rows = np.flatnonzero(trip[card] >= 0)
        own = trip[card[rows]]
        begin, end = going_on.begin[own], going_on.end[own]
        there = (seconds[rows] >= begin) & (seconds[rows] < end)
        rows, own, begin, end = rows[there], own[there], begin[there], end[there]
        on_the_way = np.minimum(seconds[rows] - begin, end - seconds[rows]) < _TRAVEL_HOURS * 3600
        web = on_the_way | (terminal[rows] >= self._holders.terminals[-1])
        shops = self._holders.within(going_on.city[own], rng.integers(0, 2**31, len(rows)))
        terminal[rows] = np.where(web, self._holders.web(rng.random(len(rows))), shops)
        factor[rows] *= 1.3

    def _table(
        self, card: IntArray, terminal: IntArray, factor: FloatArray, rng: np.random.Generator
    ) -> dict[str, npt.NDArray[Any]]:
        """Return the columns that follow from who pays where."""
        holders = self._holders
        usual = holders.usual[card]
        # Normal around the usual amount, half as wide, and above nothing (Le Borgne et al. 2022).
        amount = usual * np.abs(1 + 0.5 * rng.standard_normal(len(card), np.float32))
        amount *= factor * holders.prices[terminal]
        shops, city = holders.shops, holders.shops.city[terminal]
        return {
            "card": card,
            "terminal": terminal,
            "amount": np.maximum(np.round(amount.astype(np.float64), 2), 0.5),
            "category": holders.category[terminal],
            "city": city,
            "country": COUNTRY[city],
            "latitude": shops.latitude[terminal].astype(np.float64),
            "longitude": shops.longitude[terminal].astype(np.float64),
            "present": terminal < holders.terminals[-1],
        }

    def _day(self, seconds: float) -> float:
        """Return how many pay at a time, 1 on the average of a week: at noon and after work, few at night."""
        passed = (self.start - pd.Timestamp("2024-01-01")).total_seconds() + seconds  # a Monday
        weekday, hour = int(passed // DAY % 7), passed % DAY / 3600
        day = 0.08 + 1.6 * np.exp(-(((hour - 12.5) / 3.2) ** 2)) + 1.5 * np.exp(-(((hour - 18) / 2.4) ** 2))
        mean = 0.08 + (1.6 * 3.2 + 1.5 * 2.4) * np.sqrt(np.pi) / 24
        return float(day / mean * (0.97, 0.97, 0.98, 1.0, 1.12, 1.16, 0.8)[weekday])


def _sorted(count: int, rng: np.random.Generator) -> FloatArray:
    """Return numbers between 0 and 1, all as likely, in order: the arrivals of a Poisson process."""
    passed = np.cumsum(rng.standard_exponential(count + 1))
    numbers: FloatArray = passed[:-1] / passed[-1]
    return numbers


def _coprime(count: int) -> int:
    """Return a multiplier that mixes all numbers below a count, each onto another."""
    found = int(count * 0.6180339887) | 1
    while np.gcd(found, count) != 1:
        found += 2
    return found
