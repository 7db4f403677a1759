"""What is looked at of the visits to a site, and the figures that are asked of every site.

Figures about people leave out the bots, who are known from the truth. Sessions are looked at whole: those
born in one minute of every hour of a week.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.clickstream.catalogue import SITES
from simulators.clickstream.clickstream import Clickstream
from simulators.realism.statistics import power_law_slope

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_HOURS = 7 * 24
_EVENTS = 400_000
"""About how many events of people are looked at."""
_MINUTES = 45
"""How many minutes on end are counted."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What is looked at: events of people by session and time, and some counts.

    Parameters
    ----------
    actions
        Names of the codes in ``action``.
    users, items
        How many there are, seen or not.
    session
        The session of each event, from 0, ascending.
    user, action, item, value
        As in the stream.
    gap
        Seconds since the event before of the same session; NaN for its first.
    hours
        Events of people in each hour of the week, from Monday, midnight.
    minutes
        Events in each of some minutes on end, bots included.
    bots
        Share of all events that bots cause.
    """

    actions: tuple[str, ...]
    users: int
    items: int
    session: IntArray
    user: IntArray
    action: npt.NDArray[np.int8]
    item: IntArray
    value: FloatArray
    gap: FloatArray
    hours: IntArray
    minutes: IntArray
    bots: float

    def of(self, *names: str) -> npt.NDArray[np.bool_]:
        """Say which events are one of these actions."""
        return np.isin(self.action, [self.actions.index(name) for name in names])

    def count(self, *names: str) -> int:
        """Return how many events are one of these actions."""
        return int(self.of(*names).sum())

    def lengths(self) -> IntArray:
        """Return the number of events of each session."""
        return np.bincount(self.session)

    def reached(self, name: str) -> npt.NDArray[np.bool_]:
        """Say which sessions have the action."""
        return np.bincount(self.session, self.of(name)) > 0

    def durations(self) -> FloatArray:
        """Return the time from first to last event of each session, seconds."""
        return np.bincount(self.session, np.nan_to_num(self.gap)).astype(np.float64)


def draw(simulator: Clickstream) -> Sample:
    """Return a sample: a minute of each hour of a week, and some minutes on end."""
    site = SITES[simulator.site]
    rate = min(simulator.sessions_per_second, _EVENTS / (_HOURS * 60 * site.session_events))
    thin = replace(simulator, sessions_per_second=rate)
    born = [thin.block_sessions(60 * hour) for hour in range(_HOURS)]
    events = pd.concat(born, ignore_index=True)
    people = events[~events["bot"].to_numpy()].sort_values(["session_id", "event_time"], kind="stable")
    session = pd.factorize(people["session_id"])[0].astype(np.int64)
    half = replace(simulator, sessions_per_second=simulator.sessions_per_second / 2)
    return Sample(
        actions=site.actions,
        users=simulator.users,
        items=simulator.products,
        session=session,
        user=people["user_id"].to_numpy(),
        action=people["action"].cat.codes.to_numpy(),
        item=people[site.item.name].to_numpy(),
        value=people[site.value.name].to_numpy(),
        gap=_gaps(people, session),
        hours=_hours(simulator, [int((~each["bot"]).sum()) for each in born]),
        minutes=np.array([len(half.block_events(i)) for i in range(_MINUTES)]),
        bots=float(events["bot"].mean()),
    )


def _gaps(people: pd.DataFrame, session: IntArray) -> FloatArray:
    """Return the time since the event before of the same session, seconds."""
    seconds = people["event_time"].to_numpy().astype(np.int64) / 1e6
    gap: FloatArray = np.diff(seconds, prepend=np.nan)
    gap[np.diff(session, prepend=-1) > 0] = np.nan
    return gap


def _hours(simulator: Clickstream, counts: list[int]) -> IntArray:
    """Turn counts by hour since the start into counts by hour of the week."""
    begin = simulator.start
    return np.roll(np.array(counts), 24 * begin.day_of_week + begin.hour)


# Figures of any site.


def _by_hour(sample: Sample) -> FloatArray:
    mean: FloatArray = sample.hours.reshape(7, 24).mean(axis=0)
    return mean


def peak_to_trough(sample: Sample) -> float:
    """Return how much busier the busiest hour of the day is than the quietest."""
    hours = _by_hour(sample)
    return float(hours.max() / hours.min())


def busiest_hour(sample: Sample) -> float:
    """Return the middle of the busiest hours, as the direction in which the day leans."""
    lean = np.sum(_by_hour(sample) * np.exp(1j * np.pi / 12 * (np.arange(24) + 0.5)))
    return float(np.angle(lean) * 12 / np.pi % 24)


def weekend_factor(sample: Sample) -> float:
    """Return how much busier a day of the weekend is than another."""
    days = sample.hours.reshape(7, 24).sum(axis=1)
    return float(days[5:].mean() / days[:5].mean())


def burstiness(sample: Sample) -> float:
    """Return how bursty people's events are within sessions: -1 regular, 0 Poisson, towards 1 bursts."""
    gap = sample.gap[sample.gap > 0]
    return float((gap.std() - gap.mean()) / (gap.std() + gap.mean()))


def zipf(sample: Sample, *, of: str) -> float:
    """Return the exponent of the popularity of items, ranks 5 to 1000, by how often one action met them."""
    seen = np.sort(np.bincount(sample.item[sample.of(of)]))[::-1]
    ranks = np.arange(5, min(1000, int((seen > 4).sum())) + 1)
    return -power_law_slope(ranks.astype(float), seen[ranks - 1].astype(float))


def top_items(sample: Sample, *, of: str) -> float:
    """Return what part of one action meets the most popular tenth of the items."""
    seen = np.bincount(sample.item[sample.of(of)], minlength=sample.items + 1)[1:]
    return top(seen, 0.1)


def top_users(sample: Sample, *, of: tuple[str, ...] = (), part: float) -> float:
    """Return what part of some events, or of all sessions, the most active part of the users makes."""
    some = sample.of(*of) if of else np.isnan(sample.gap)
    return top(by_user(sample, some), part)


def by_user(sample: Sample, some: npt.NDArray[np.bool_]) -> IntArray:
    """Return how many of some events each user has."""
    return np.bincount(sample.user[some], minlength=sample.users + 1)[1:]


def top(counts: npt.NDArray[np.generic], part: float) -> float:
    """Return the share of the whole that the largest part of its members has.

    >>> top(np.array([1, 7, 1, 1]), 0.25)
    0.7
    """
    ordered = np.sort(counts)[::-1]
    return float(ordered[: max(1, round(part * len(ordered)))].sum() / ordered.sum())


def ratio(sample: Sample, *, of: tuple[str, ...], to: tuple[str, ...]) -> float:
    """Return how many events of some actions there are for each of others."""
    return sample.count(*of) / sample.count(*to)


def mean_value(sample: Sample, *, of: str) -> float:
    """Return the mean value of one action."""
    return float(sample.value[sample.of(of)].mean())


def mean_minutes(sample: Sample) -> float:
    """Return how long a session lasts on average, minutes."""
    return float(sample.durations().mean()) / 60
