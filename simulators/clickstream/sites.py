"""Sites: what distinguishes a shop from a game, for whoever walks people through them.

A site is a Markov chain with times: stages, where each leads to and how long that takes, and who its
people, items and bots are. It says nothing of how the walking is done; see ``visits``. The
five that are shipped are in ``simulators.clickstream.catalogue``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.columns import Column
from simulators.parameters import require
from simulators.processes import FloatArray

DRAWS = 2**12
"""Choices are looked up in tables of so many equally likely draws."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One action of a site, and what comes after it.

    Parameters
    ----------
    leave
        Probability that the session ends after it, for a person of average patience.
    onward
        For each action that may follow: its weight among those who stay, and the median number of
        seconds until it.
    item
        Whether an item is chosen at it (``"new"``), the one before stays (``"same"``), or it has none.
    lasts
        Whether the time until the next event is that event's value, as seconds watched are.

    Examples
    --------
    >>> Stage(leave=0.2, onward={"view": (0.4, 20.0), "product": (0.6, 20.0)}).item
    'same'
    """

    leave: float
    onward: Mapping[str, tuple[float, float]]
    item: str = "same"
    lasts: bool = False


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Events that come in a heap after an action, before the next one.

    Parameters
    ----------
    after
        The actions that have one.
    actions
        What the events are, with their shares.
    mean
        Their number on average; Poisson.
    span
        Over which part of the time until the next action they spread, in (0, 1).
    fights
        Around how many moments in it they crowd; 0 for evenly.
    fresh
        Whether each has an item of its own; the first of them stays the session's.

    Examples
    --------
    >>> Burst(after=("scroll",), actions={"impression": 1.0}, mean=4.0, span=0.3).fresh
    False
    """

    after: tuple[str, ...]
    actions: Mapping[str, float]
    mean: float
    span: float
    fights: int = 0
    fresh: bool = False


@dataclass(frozen=True, kw_only=True)
class Role:
    """A sort of user, who does some things more, or less, or never.

    Parameters
    ----------
    share
        Of the users.
    leaning
        For some actions, by what their weights are multiplied.

    Examples
    --------
    >>> Role(share=0.9, leaning={"post": 0.0}).share
    0.9
    """

    share: float
    leaning: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Robot:
    """A sort of bot: it repeats some actions, at a steady pace of its own.

    Parameters
    ----------
    cycle
        The actions, in order, again and again.
    pause
        Shortest and longest time between two actions, in seconds; each bot keeps to one.

    Examples
    --------
    >>> Robot(cycle=("view", "product"), pause=(0.8, 2.0)).pause
    (0.8, 2.0)
    """

    cycle: tuple[str, ...]
    pause: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How busy a site is over the day and the week; times of day in hours, UTC.

    Parameters
    ----------
    day
        Amplitude and hour of the daily wave, in the logarithm of the rate.
    half_day
        Amplitude and hour of the wave that comes twice a day.
    weekend
        A weekend's day, compared with another.

    Examples
    --------
    >>> evening = Rhythm(day=(0.8, 19.0), half_day=(0.2, 9.0), weekend=1.2)
    >>> evening.at(20 / 24) > 1 > evening.at(5 / 24)
    True
    """

    day: tuple[float, float]
    half_day: tuple[float, float]
    weekend: float

    def at(self, day: float) -> float:
        """Return how busy it is, 1 on the average of a week; ``day`` in days since a Monday, midnight."""
        weekday = 7 / (5 + 2 * self.weekend)
        week = weekday if day % 7 < 5 else weekday * self.weekend
        return float(np.exp(self._wave(24 * day)) / self._level()) * week

    def _wave(self, hours: float | FloatArray) -> FloatArray:
        angle = np.pi / 12
        (once, hour), (twice, other) = self.day, self.half_day
        wave: FloatArray = once * np.cos(angle * (hours - hour)) + twice * np.cos(2 * angle * (hours - other))
        return wave

    @lru_cache(maxsize=16)  # noqa: B019 - it is a value: equal rhythms share it
    def _level(self) -> float:
        return float(np.exp(self._wave(np.arange(0, 24, 0.1))).mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """Everything that distinguishes one site from another.

    Parameters
    ----------
    name
        As `Clickstream` is asked for it.
    stages
        Its actions, in order, and what follows on each.
    first
        With which actions sessions begin, and their shares.
    bounce
        Probability to leave at the first event, before the usual one.
    patience
        Shape of the gamma law of the people's patience; the smaller, the more they differ.
    think
        Sigma of the log-normal times between events, and of the people's pace.
    most
        Most actions of a session, those of bursts not counted.
    cap
        No session is longer, seconds; a whole number of minutes.
    item, value
        The columns of what is looked at and of what it is worth.
    values
        For some actions, median and sigma of a log-normal value.
    decimals
        To how many decimals values are rounded.
    items
        How many items there are, unless somebody asks for another number.
    zipf
        Exponent of their popularity.
    activity
        Sigma of the log-normal activity of the users.
    robots
        Crawlers and scrapers.
    bots
        Their usual share of all events.
    robot_events
        Events of a bot's session on average.
    session_events
        Events of a person's session on average; known from measuring.
    sessions
        Usual number of sessions per second.
    rhythm, devices, channels, roles, burst
        When and who, by shares; see there.
    """

    name: str
    stages: Mapping[str, Stage]
    first: Mapping[str, float]
    bounce: float
    patience: float = 3.0
    think: tuple[float, float] = (1.1, 0.5)
    most: int = 80
    cap: int = 1800
    item: Column
    value: Column
    values: Mapping[str, tuple[float, float]]
    decimals: int = 2
    items: int
    zipf: float
    activity: float = 1.3
    robots: tuple[Robot, Robot]
    bots: float
    robot_events: float = 30.0
    session_events: float
    sessions: float
    rhythm: Rhythm
    devices: Mapping[str, float]
    channels: Mapping[str, float]
    roles: tuple[Role, ...] = (Role(share=1.0, leaning={}),)
    burst: Burst | None = None

    def __post_init__(self) -> None:
        inner = tuple(self.burst.actions) if self.burst else ()
        led = {name for stage in self.stages.values() for name in stage.onward}
        unknown = {*led, *self.first, *self.values, *inner} - set(self.stages)
        require(
            not unknown,
            f"the site {self.name} leads to {sorted(unknown)}",
            detail="Every action that is led to must be one of its stages.",
            hint=f"Write a stage for it; there are {', '.join(self.stages)}.",
        )

    @property
    def actions(self) -> tuple[str, ...]:
        """Its actions, in order."""
        return tuple(self.stages)

    @property
    def look_back(self) -> int:
        """How many minutes a session may reach on."""
        return self.cap // 60


class Laws(NamedTuple):
    """A site as arrays, to be looked up by the codes of actions."""

    first: npt.NDArray[np.int8]
    """The first action, by draw."""
    onward: npt.NDArray[np.int8]
    """The next action, by role * actions + action, and by draw."""
    leave: FloatArray
    """Probability to leave, by action."""
    seconds: FloatArray
    """Median time, by action * actions + next action."""
    fresh: npt.NDArray[np.bool_]
    blank: npt.NDArray[np.bool_]
    lasts: npt.NDArray[np.bool_]
    heads: npt.NDArray[np.bool_]
    """After which actions a burst comes."""
    inside: npt.NDArray[np.int8]
    """What its events are, by draw; nothing where there are none."""


def laws(site: Site) -> Laws:
    """Return a site as arrays.

    Examples
    --------
    >>> from simulators.clickstream.catalogue import SITES
    >>> laws(SITES["shop"]).onward.shape
    (6, 4096)
    """
    actions = site.actions
    stages = list(site.stages.values())
    weights = np.array(
        [
            [stage.onward.get(name, (0, 0))[0] * role.leaning.get(name, 1.0) for name in actions]
            for role in site.roles
            for stage in stages
        ]
    )
    # An action that only a burst brings leads nowhere; it is never asked where.
    weights[weights.sum(axis=1) == 0, 0] = 1.0
    return Laws(
        lookup(np.array([site.first.get(name, 0.0) for name in actions])),
        np.stack([lookup(row) for row in weights]),
        np.array([stage.leave for stage in stages]),
        np.array([stage.onward.get(name, (0, 1.0))[1] for stage in stages for name in actions]),
        np.array([stage.item == "new" for stage in stages]),
        np.array([stage.item == "none" for stage in stages]),
        np.array([stage.lasts for stage in stages]),
        np.array([site.burst is not None and name in site.burst.after for name in actions]),
        lookup(np.array([site.burst.actions.get(name, 0.0) for name in actions]))
        if site.burst
        else np.empty(0, np.int8),
    )


def lookup(weights: FloatArray) -> npt.NDArray[np.int8]:
    """Return a table of draws: position i in as many of them as its weight says.

    Examples
    --------
    >>> np.bincount(lookup(np.array([1.0, 3.0]))).tolist()
    [1024, 3072]
    """
    limits = np.cumsum(weights)[:-1] / np.sum(weights)
    draws = (np.arange(DRAWS) + 0.5) / DRAWS
    return np.searchsorted(limits, draws, side="right").astype(np.int8)
