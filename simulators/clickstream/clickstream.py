"""Clickstream: sessions of people and bots on a site, with the bots labelled.

People arrive as a Cox process (day, week, slow noise) and walk through the site as an absorbing Markov
chain; see ``visits``. A session is born in a block, and reaches into later ones up to a cap on
its length; so a block is put together from the sessions born in it and in the blocks before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd

from simulators.base import Simulator
from simulators.clickstream.catalogue import COUNTRIES, SITES
from simulators.clickstream.sites import Laws, Site, laws
from simulators.clickstream.visits import Codes, Numbers, Visits, browse, crawl, joined
from simulators.columns import EVENT_ID, EVENT_TIME, IDS_PER_BLOCK, Column, Table, Truth
from simulators.delivery.road import WEB, Delivery
from simulators.ordering import IntArray, sort_pairs, stable_order
from simulators.parameters import positive, require, share, whole
from simulators.processes import FloatArray, layered_noise

_USERS, _TIDE, _SESSIONS = 1, 2, 3

_MINUTE = 60_000_000
"""Length of a block, microseconds."""
_BEHIND = 3
"""How many blocks back may be read again without making their sessions anew."""
_NOISE = 0.25
_SORTS = 3
"""Sorts of visitors: people, crawlers, scrapers."""


class _Piece(NamedTuple):
    """What the sessions of one cohort do in one block, by time."""

    time: IntArray
    session: Numbers
    action: Codes
    item: Numbers
    value: FloatArray


class _Cohort(NamedTuple):
    """The sessions born in one block, and what they do from one block on."""

    first: int
    pieces: tuple[_Piece, ...]
    """One for each block, from ``first``."""
    number: IntArray
    user: Numbers
    visit: Codes
    """Channel, and kind of bot, as one code: channel * _SORTS + kind + 1; kind -1 for people."""


class _Rows(NamedTuple):
    """Some events, as narrow as they can be while they are put in order."""

    time: IntArray
    user: Numbers
    number: IntArray
    visit: Codes
    action: Codes
    item: Numbers
    value: FloatArray


class _Usual:
    """A number that was left out and is the site's: with another site it is another."""


class _UsualNumber(_Usual, float):
    pass


class _UsualCount(_Usual, int):
    pass


class _Users(NamedTuple):
    activity: FloatArray
    """Cumulative share of sessions."""
    country: Codes
    device: Codes
    role: Codes


@dataclass(frozen=True, kw_only=True)
class Clickstream(Simulator):
    """Simulate what people and bots do on a site.

    All sites have the same columns; what is looked at and what it is worth are named by the site:
    ``product_id`` and ``amount`` (shop), ``video_id`` and ``seconds`` watched (video), ``post_id`` and
    ``characters`` written (social), ``story_id`` and ``price`` of a click (feed), ``hero_id`` and ``amount``
    (game).

    Parameters
    ----------
    site
        Which: ``"shop"``, ``"video"``, ``"social"``, ``"feed"`` or ``"game"``.
    users
        Number of users; their activity is log-normal, so that few make most sessions.
    sessions_per_second
        Sessions of people that begin per second, on the average of a week; the site's usual number, about
        400 events per second, if left out. In the shop a session has 5 events.
    bots
        Share of all events that bots cause, in [0, 0.9]: quick, regular, without purchases; the site's
        usual share, in the shop 0.1, if left out. Crawlers go through everything, scrapers take what they
        want; in a game the ones play by themselves, and the others aim too well. Their ``episode_id`` in
        the truth is the ``session_id``.
    products
        Number of items; their popularity is Zipf, in the shop with exponent 0.85, number 1 the best seller.
        The site's usual number, in the shop 2,000, if left out.
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
    >>> Clickstream(site="feed").events("10s")["action"].cat.categories.tolist()
    ['open', 'scroll', 'impression', 'click', 'hide']
    """

    site: str = "shop"
    users: int = 5_000
    sessions_per_second: float = None  # type: ignore[assignment] # the site's, filled in when it is made
    bots: float = None  # type: ignore[assignment]
    products: int = None  # type: ignore[assignment]
    delivery: Delivery = WEB

    name: ClassVar[str] = "clickstream"
    block: ClassVar[pd.Timedelta] = pd.Timedelta(_MINUTE, unit="us")
    label: ClassVar[str] = "bot"
    kinds: ClassVar[tuple[str, ...]] = ("crawler", "scraper")
    key_column: ClassVar[str] = "user_id"
    pace: ClassVar[str] = "sessions_per_second"
    numbered: ClassVar[tuple[str, ...]] = ("session_id", "episode_id")
    family: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.site in SITES,
            f"site is {self.site!r}",
            detail=f"There are the sites {', '.join(SITES)}.",
            hint='Write for example site="shop".',
        )
        usual = {
            "sessions_per_second": self._site.sessions,
            "bots": self._site.bots,
            "products": self._site.items,
        }
        for name, value in usual.items():
            if getattr(self, name) is None or isinstance(getattr(self, name), _Usual):
                kind = _UsualCount if name == "products" else _UsualNumber
                object.__setattr__(self, name, kind(value))
        whole("users", self.users, least=1, most=100_000_000)
        whole("products", self.products, least=1, most=10_000_000)
        positive("sessions_per_second", self.sessions_per_second, unit="sessions per second")
        share("bots", self.bots, below=0.9)

    @classmethod
    def scenarios(cls) -> dict[str, Self]:
        """Return one simulator a site, by its name."""
        return {name: cls(site=name) for name in SITES}

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        site = self._site
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("user_id", "int64", "Who asked, from 1."),
            Column("session_id", "int64", "Number of the visit, unique."),
            Column("country", "category", "Where the user lives.", categories=tuple(COUNTRIES)),
            Column("device", "category", "What the user has.", categories=tuple(site.devices)),
            Column("channel", "category", "What led to the visit.", categories=tuple(site.channels)),
            Column("action", "category", "What was asked for.", categories=site.actions),
            site.item,
            site.value,
        )

    def block_sessions(self, i: int) -> pd.DataFrame:
        """Return all that the sessions born in block i do, in it and in the blocks after.

        Costs one block, where reading the same sessions as events would cost all blocks that they reach
        into.

        Parameters
        ----------
        i
            Index of the block; below 0 for those that are under way at the start, down to -30 (video: -60).

        Returns
        -------
        DataFrame
            The columns of ``schema`` but ``event_id``, and ``bot`` (bool); by event time.

        Examples
        --------
        >>> visits = Clickstream(seed=7).block_sessions(0)
        >>> int(visits["session_id"].nunique()) > 3000, visits.columns[-1]
        (True, 'bot')
        """
        require(
            i >= -self._site.look_back,
            f"block is {i!r}",
            detail=f"At the start, sessions of up to {self._site.look_back} blocks before are under way.",
            hint=f"Ask for block {-self._site.look_back} or later, or move start.",
        )
        cohort = self._cohort(i, i)
        whole = self._finished(_joined([_rows(cohort, piece) for piece in cohort.pieces]))
        frame = self._frame(whole, self.schema[1:], copy=False)
        frame["bot"] = whole["bot"] >= 0
        return frame

    def _generate(self, block: int) -> tuple[Table, Truth]:
        parts: list[_Rows] = []
        for born in range(block - self._site.look_back, block + 1):
            cohort = self._underway.get(born)
            if cohort is None or cohort.first > block:
                self._underway[born] = cohort = self._cohort(born, block)
            parts.append(_rows(cohort, cohort.pieces[block - cohort.first]))
        self._forget(block)
        together = _joined(parts)
        order = stable_order(together.time - block * _MINUTE, runs=True)
        table = self._finished(_taken(together, order))
        bot = table.pop("bot")
        rows = np.flatnonzero(bot >= 0)
        return table, Truth(rows, bot[rows], table["session_id"][rows])

    @cached_property
    def _site(self) -> Site:
        return SITES[self.site]

    @cached_property
    def _laws(self) -> Laws:
        return laws(self._site)

    @cached_property
    def _underway(self) -> dict[int, _Cohort]:
        """Cohorts by block of birth; a cache, which may be emptied at any time."""
        return {}

    def _forget(self, block: int) -> None:
        """Drop what was done before the blocks that are likely to be asked for next."""
        oldest = block - _BEHIND
        for born, cohort in list(self._underway.items()):
            if not oldest - self._site.look_back <= born <= block:
                self._underway.pop(born, None)
            elif cohort.first < oldest:
                kept = cohort.pieces[oldest - cohort.first :]
                self._underway[born] = cohort._replace(first=oldest, pieces=kept)

    @cached_property
    def _people(self) -> _Users:
        rng = self._rng(_USERS)
        activity = np.cumsum(np.exp(self._site.activity * rng.standard_normal(self.users)))
        return _Users(
            activity / activity[-1],
            _pick(COUNTRIES, rng.random(self.users)),
            _pick(self._site.devices, rng.random(self.users)),
            _pick({str(i): role.share for i, role in enumerate(self._site.roles)}, rng.random(self.users)),
        )

    def _tide(self, block: int) -> float:
        """Return how busy the site is in a block, 1 on average."""
        day = self.start.day_of_week + (self.start - self.start.normalize()) / pd.Timedelta("1D")
        day += (block + 0.5) * _MINUTE / 86_400e6
        noise = layered_noise(
            lambda layer, cell: self._rng(_TIDE, layer, cell).standard_normal(1),
            block=block + self._site.look_back,
            within=np.array([0.5]),
            spans=(4, 15, 60),
        )
        return self._site.rhythm.at(day) * float(np.exp(_NOISE * noise[0, 0] - _NOISE**2 / 2))

    def _cohort(self, born: int, first: int) -> _Cohort:
        """Return what the sessions born in one block do from block ``first`` on."""
        code = born + self._site.look_back
        rng = self._rng(_SESSIONS, code)
        expected = self.sessions_per_second * self._tide(born) * _MINUTE / 1e6
        ratio = self.bots / (1 - self.bots) * self._site.session_events / self._site.robot_events
        people, bots = rng.poisson([expected, expected * ratio])
        count = people + bots
        kind = rng.integers(0, len(self.kinds), bots)
        user = np.searchsorted(self._people.activity, rng.random(count)).clip(0, self.users - 1)
        user = user.astype(np.int32)
        begin = rng.random(count) * (_MINUTE / 1e6)
        number = np.empty(count, np.int64)
        number[np.argsort(begin)] = np.arange(code * IDS_PER_BLOCK, code * IDS_PER_BLOCK + count)
        channel = _pick(self._site.channels, rng.random(count))
        role = self._people.role[user[:people]].astype(np.int64)
        walked = browse(self._site, self._laws, role, self.products, rng)
        crawled = crawl(self._site, self._laws, kind, people, self.products, rng)
        visits = joined([walked, crawled])
        sort = np.concatenate([np.zeros(people, np.int64), kind + 1])
        pieces = _pieces(visits, begin, born, first, born + self._site.look_back)
        return _Cohort(first, pieces, number, user, (channel * _SORTS + sort).astype(np.int8))

    def _finished(self, rows: _Rows) -> Table:
        """Return rows as columns of the stream, and ``bot``, the kind of bot."""
        channel, bot = np.divmod(np.arange(_SORTS * len(self._site.channels)), _SORTS)
        return {
            "event_time": rows.time,
            "user_id": rows.user + np.int64(1),
            "session_id": rows.number,
            "country": self._people.country[rows.user],
            "device": self._people.device[rows.user],
            "channel": channel.astype(np.int8)[rows.visit],
            "action": rows.action,
            self._site.item.name: rows.item.astype(np.int64),
            self._site.value.name: rows.value,
            "bot": (bot - 1).astype(np.int8)[rows.visit],
        }


def _rows(cohort: _Cohort, piece: _Piece) -> _Rows:
    """Add to a piece what is known of its sessions."""
    session = piece.session
    visit = cohort.visit[session]
    return _Rows(
        piece.time, cohort.user[session], cohort.number[session], visit, piece.action, piece.item, piece.value
    )


def _taken(rows: _Rows, order: IntArray) -> _Rows:
    return _Rows._make(column.take(order) for column in rows)


def _joined(parts: list[_Rows]) -> _Rows:
    return _Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _pieces(visits: Visits, begin: FloatArray, born: int, first: int, last: int) -> tuple[_Piece, ...]:
    """Sort a cohort's events by time, and cut them into blocks ``first`` to ``last``."""
    time = ((begin[visits.session] + visits.since) * 1e6).astype(np.int64)
    row = np.arange(len(time))
    if first > born:
        row = np.flatnonzero(time >= (first - born) * _MINUTE)
        time = time[row]
    time, row = sort_pairs(time, row)
    cuts = np.searchsorted(time, np.arange(first - born, last - born + 2) * _MINUTE)
    time += born * _MINUTE

    def piece(a: int, b: int) -> _Piece:
        rows = row[a:b]
        columns = (visits.session[rows], visits.action[rows], visits.item[rows], visits.value[rows])
        return _Piece(time[a:b].copy(), *columns)

    return tuple(piece(a, b) for a, b in pairwise(cuts))


def _pick(shares: Mapping[str, float], uniform: FloatArray) -> Codes:
    """Turn uniform numbers into positions in a table of shares."""
    limits = np.cumsum(list(shares.values()))[:-1]
    positions: Codes = np.searchsorted(limits, uniform, side="right").astype(np.int8)
    return positions
