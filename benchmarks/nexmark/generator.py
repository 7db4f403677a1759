"""The three streams of Nexmark: of every 50 events one is a person, 3 are auctions and 46 are bids.

What is said here of ids, prices, hot items and lengths is what the generators of Beam and of nexmark-flink do
by default. Two things differ. Times are in microseconds and not cut to milliseconds, so that no two events
share theirs and no answer depends on how ties are broken. Texts that nobody asks about are drawn from a pool,
so that a million bids fit in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

PERSONS, AUCTIONS, BIDS = 1, 3, 46
EVERY = PERSONS + AUCTIONS + BIDS
FIRST_ID, FIRST_CATEGORY, CATEGORIES = 1_000, 10, 5
HOT_AUCTION, HOT_BIDDER, HOT_SELLER, HOT_CHANNEL = 2, 4, 4, 2  # all but one of so many are for a hot one
HOT_OF = 100  # of so many persons or auctions one is hot
IN_FLIGHT, ACTIVE, LEAD = 100, 1_000, 10
STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"]
CITIES = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
]
FIRST_NAMES = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"]
LAST_NAMES = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"]
HOT_CHANNELS, CHANNELS = ["Google", "Facebook", "Baidu", "Apple"], 10_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"
POOL = 4_096

Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Events:
    """What was generated: a frame a stream, in the order of arrival."""

    person: pd.DataFrame
    auction: pd.DataFrame
    bid: pd.DataFrame


@dataclass(frozen=True)
class Nexmark:
    """Describes a run of the generator.

    Parameters
    ----------
    events : int
        How many events, of all three kinds.
    seed : int
        The same seed gives the same rows.
    rate : int
        Events a second, in event time.
    group : int
        Of so many events that follow each other the times are mixed; 1 for none out of order.
    """

    events: int
    seed: int = 7
    rate: int = 10_000
    group: int = 1
    start: str = "2026-01-05"

    def generate(self) -> Events:
        """Make all events; each stream draws from a random generator of its own."""
        order = np.arange(self.events, dtype=np.int64)
        mixed = order // self.group * self.group + order * 953 % self.group
        full = self.events // self.group * self.group
        number = np.where(order < full, mixed, order)
        place = number % EVERY
        sold, bought = place >= PERSONS, place >= PERSONS + AUCTIONS
        seeds = np.random.SeedSequence(self.seed).spawn(3)
        draws = [_Draw(np.random.default_rng(seed)) for seed in seeds]
        return Events(
            self._persons(number[~sold], draws[0]),
            self._auctions(number[sold & ~bought], draws[1]),
            self._bids(number[bought], draws[2]),
        )

    def _times(self, number: Ints) -> pd.DatetimeIndex:
        begin = np.datetime64(self.start, "us")
        return pd.DatetimeIndex(begin + (number * 1_000_000 // self.rate).astype("timedelta64[us]"))

    def _persons(self, number: Ints, draw: _Draw) -> pd.DataFrame:
        rows = len(number)
        cards = np.array([f"{digits:04d}" for digits in range(10_000)], dtype=object)
        quarters = [draw.of(cards, rows) for _ in range(4)]
        return _frame(
            id=last_person(number) + FIRST_ID,
            name=draw.of(FIRST_NAMES, rows) + " " + draw.of(LAST_NAMES, rows),
            emailAddress=draw.words(7, rows) + "@" + draw.words(5, rows) + ".com",
            creditCard=quarters[0] + " " + quarters[1] + " " + quarters[2] + " " + quarters[3],
            city=draw.of(CITIES, rows),
            state=draw.of(STATES, rows),
            dateTime=self._times(number),
            extra=draw.extra(200 - 70, rows),
        )

    def _auctions(self, number: Ints, draw: _Draw) -> pd.DataFrame:
        rows = len(number)
        times = self._times(number)
        horizon = IN_FLIGHT * EVERY // AUCTIONS * 1_000_000 // self.rate  # until so many more have begun
        lasts = 1_000 * (1 + draw.below(np.full(rows, max(2 * horizon // 1_000, 1))))
        first = draw.prices(rows)
        hot = last_person(number) // HOT_OF * HOT_OF
        return _frame(
            id=last_auction(number) + FIRST_ID,
            itemName=draw.words(20, rows),
            description=draw.words(100, rows),
            initialBid=first,
            reserve=first + draw.prices(rows),
            dateTime=times,
            expires=times + lasts.astype("timedelta64[us]"),
            seller=np.where(draw.hot(HOT_SELLER, rows), hot, draw.persons(number)) + FIRST_ID,
            category=draw.below(np.full(rows, CATEGORIES)) + FIRST_CATEGORY,
            extra=draw.extra(500 - 110, rows),
        )

    def _bids(self, number: Ints, draw: _Draw) -> pd.DataFrame:
        rows = len(number)
        hot_auction = last_auction(number) // HOT_OF * HOT_OF
        hot_bidder = last_person(number) // HOT_OF * HOT_OF + 1  # the second, so that no hot seller bids
        channels, urls = draw.channels()
        cold = len(HOT_CHANNELS) + draw.below(np.full(rows, CHANNELS))
        hot = draw.below(np.full(rows, len(HOT_CHANNELS)))
        channel = np.where(draw.hot(HOT_CHANNEL, rows), hot, cold)
        return _frame(
            auction=np.where(draw.hot(HOT_AUCTION, rows), hot_auction, draw.auctions(number)) + FIRST_ID,
            bidder=np.where(draw.hot(HOT_BIDDER, rows), hot_bidder, draw.persons(number)) + FIRST_ID,
            price=draw.prices(rows),
            channel=channels[channel],
            url=urls[channel],
            dateTime=self._times(number),
            extra=draw.extra(100 - 32, rows),
        )


def last_person(number: Ints) -> Ints:
    """Count the persons before an event, itself included, from 0."""
    return number // EVERY * PERSONS + np.minimum(number % EVERY, PERSONS - 1)


def last_auction(number: Ints) -> Ints:
    """Count the auctions before an event, itself included, from 0; events are no persons."""
    return number // EVERY * AUCTIONS + np.minimum(number % EVERY - PERSONS, AUCTIONS - 1)


@dataclass(frozen=True)
class _Draw:
    """What is drawn at random."""

    random: np.random.Generator

    def of(self, values: list[str] | Texts, rows: int) -> Texts:
        chosen: Texts = np.asarray(values, dtype=object)[self.random.integers(0, len(values), rows)]
        return chosen

    def hot(self, ratio: int, rows: int) -> npt.NDArray[np.bool_]:
        return self.random.integers(0, ratio, rows) > 0

    def below(self, limits: Ints) -> Ints:
        return self.random.integers(0, limits)

    def prices(self, rows: int) -> Ints:
        """From 1 to a million dollars, in cents, as many in each power of ten."""
        return np.rint(10.0 ** (self.random.random(rows) * 6) * 100).astype(np.int64)

    def persons(self, number: Ints) -> Ints:
        """One of those who came last, or of a few who are yet to come."""
        known = last_person(number) + 1
        active = np.minimum(known, ACTIVE)
        return known - active + self.below(active + LEAD)

    def auctions(self, number: Ints) -> Ints:
        """One of those likely to be open, or of a few yet to come."""
        last = last_auction(number)
        least = np.maximum(last - IN_FLIGHT, 0)
        return least + self.below(last - least + 1 + LEAD)

    def words(self, most: int, rows: int, blank: str = " ") -> Texts:
        """Texts of 3 letters to fewer than `most`, one letter of 13 a blank."""
        cuts = self.cut(LETTERS * 12 + blank * 26, self.random.integers(3, most, POOL))
        return self.of([text.strip() for text in cuts], rows)

    def extra(self, size: int, rows: int) -> Texts:
        """Texts that make an event about as long as it should be."""
        return self.of(self.cut(LETTERS, self.random.integers(size * 4 // 5, size * 6 // 5, POOL)), rows)

    def cut(self, letters: str, lengths: Ints) -> list[str]:
        """Texts of so many letters each, cut out of a long one."""
        drawn = self.random.integers(0, len(letters), 1 << 16)
        long = np.frombuffer(letters.encode(), dtype="u1")[drawn].tobytes().decode()
        starts = self.random.integers(0, len(long) - lengths)
        return [long[start:stop] for start, stop in zip(starts, starts + lengths, strict=True)]

    def channels(self) -> tuple[Texts, Texts]:
        """Name all channels, the hot ones first, and the page that each of them sells on."""
        names = HOT_CHANNELS + [f"channel-{number}" for number in range(CHANNELS)]
        parts = [self.words(5, len(names), "_") for _ in range(3)]
        pages = "https://www.nexmark.com/" + parts[0] + "/" + parts[1] + "/" + parts[2] + "/item.htm?query=1"
        marked = np.append([False] * len(HOT_CHANNELS), self.hot(10, CHANNELS))
        marks = [""] * len(HOT_CHANNELS) + [f"&channel_id={_reversed(number)}" for number in range(CHANNELS)]
        return np.array(names, dtype=object), pages + np.where(marked, np.array(marks, dtype=object), "")


def _reversed(number: int) -> int:
    """Read the 32 bits of a number backwards, and leave the sign out."""
    backwards = int(f"{number:032b}"[::-1], 2)
    return min(backwards, 2**32 - backwards)


def _frame(**columns: Ints | Texts | pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype="str") if values.dtype == object else values
            for name, values in columns.items()
        }
    )
