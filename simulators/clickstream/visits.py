"""Visits: people and bots walk through a site, all sessions one step at a time.

People follow an absorbing Markov chain with a patience of their own, which makes their hazard of leaving
differ, and log-normal times between events at a pace of their own. Bots repeat a cycle at a steady one.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.clickstream.sites import DRAWS, Laws, Site
from simulators.ordering import IntArray
from simulators.processes import FloatArray

Codes = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int32]

_CROWD = 0.08
"""How long a fight lasts, as a part of the span of a burst."""


class Visits(NamedTuple):
    """Events of some sessions, in no order of time."""

    session: Numbers
    """The session of each, from 0."""
    since: FloatArray
    """Seconds since the session began, in [0, cap)."""
    action: Codes
    item: Numbers
    """From 1; 0 for none."""
    value: FloatArray
    """NaN for none."""


def zipf(uniform: FloatArray, count: int, exponent: float) -> Numbers:
    """Turn uniform numbers into ranks 1 to count, with frequency about rank ** -exponent.

    Examples
    --------
    >>> zipf(np.array([0.0, 0.5, 0.999]), 1000, 1.0).tolist()
    [1, 31, 994]
    """
    power = 1 - exponent
    if abs(power) < 1e-9:
        rank = (count + 1.0) ** uniform
    else:
        rank = (uniform * ((count + 1) ** power - 1) + 1) ** (1 / power)
    ranks: Numbers = np.minimum(rank.astype(np.int32), count)
    return ranks


def browse(site: Site, laws: Laws, role: IntArray, items: int, rng: np.random.Generator) -> Visits:
    """Walk people through a site; one session for each entry of ``role``."""
    count, width = len(role), len(laws.leave)
    session = np.arange(count, dtype=np.int32)
    since, value = np.zeros(count), np.full(count, np.nan)
    action = laws.first[rng.integers(0, DRAWS, count)]
    item = np.zeros(count, np.int32)
    patience = rng.standard_gamma(site.patience, count) / site.patience
    pace = np.exp(site.think[1] * rng.standard_normal(count))
    steps: list[Visits] = []
    for step in range(site.most):
        looks = np.flatnonzero(laws.fresh[action])
        item[looks] = zipf(rng.random(len(looks)), items, site.zipf)
        row = role[session] * width + action if len(site.roles) > 1 else action
        onward = laws.onward[row, rng.integers(0, DRAWS, len(session))]
        seconds = laws.seconds[action.astype(np.intp) * width + onward]
        think = pace[session] * seconds * np.exp(site.think[0] * rng.standard_normal(len(session)))
        here = Visits(session, since, action, np.where(laws.blank[action], 0, item), value)
        steps.append(here)
        if site.burst:
            steps.append(_burst(here, item, think, site, laws, items, rng))
        leave = laws.leave[action] * patience[session]
        if step == 0:
            leave = site.bounce + (1 - site.bounce) * leave
        later = since + think
        stay = np.flatnonzero((rng.random(len(session)) >= leave) & (later < site.cap))
        if not len(stay):
            break
        value = np.where(laws.lasts[action[stay]], np.round(think[stay], site.decimals), np.nan)
        session, since, item, action = session[stay], later[stay], item[stay], onward[stay]
    return _priced(joined(steps), site, rng)


def crawl(site: Site, laws: Laws, kind: IntArray, first: int, items: int, rng: np.random.Generator) -> Visits:
    """Send bots through a site, one for each entry of ``kind``; their sessions count from ``first``."""
    count = len(kind)
    slowest = max(robot.pause[1] for robot in site.robots)
    pages = 1 + rng.poisson(rng.gamma(3.0, (site.robot_events - 1) / 3.0, count))
    pages = np.minimum(pages, int(site.cap / slowest) - 1)
    low, high = np.array([robot.pause for robot in site.robots]).T
    pause = rng.uniform(low[kind], high[kind])
    session = np.repeat(np.arange(count), pages)
    page = np.arange(len(session)) - np.repeat(np.cumsum(pages) - pages, pages)
    action, looked = _cycled(site, laws, kind[session], page)
    item = (rng.integers(0, items, count)[session] + looked) % items + 1
    value = np.full(len(session), np.nan)
    lasted = 1 + np.flatnonzero(laws.lasts[action[:-1]] & (page[1:] > 0))
    value[lasted] = np.round(pause[session[lasted]], site.decimals)
    return _priced(
        Visits(
            (session + first).astype(np.int32),
            pause[session] * (page + 0.05 * rng.random(len(session))),
            action,
            np.where(laws.blank[action], 0, item).astype(np.int32),
            value,
        ),
        site,
        rng,
    )


def _cycled(site: Site, laws: Laws, kind: IntArray, page: IntArray) -> tuple[Codes, IntArray]:
    """Return the action of each page of a bot, and how many items it has chosen by then."""
    action = np.zeros(len(page), np.int8)
    looked = np.zeros(len(page), np.int64)
    for which, robot in enumerate(site.robots):
        cycle = np.array([site.actions.index(name) for name in robot.cycle])
        rows = np.flatnonzero(kind == which)
        turn, place = np.divmod(page[rows], len(cycle))
        action[rows] = cycle[place]
        fresh = np.cumsum(laws.fresh[cycle])
        looked[rows] = turn * fresh[-1] + fresh[place]
    return action, looked


def joined(visits: list[Visits]) -> Visits:
    """Put visits one after the other."""
    return Visits(*(np.concatenate(column) for column in zip(*visits, strict=True)))


def _burst(
    here: Visits,
    item: Numbers,
    think: FloatArray,
    site: Site,
    laws: Laws,
    items: int,
    rng: np.random.Generator,
) -> Visits:
    """Return the events that come in heaps; sets the item that each session is left with."""
    burst = site.burst
    assert burst is not None
    parents = np.flatnonzero(laws.heads[here.action])
    size = rng.poisson(burst.mean, len(parents))
    parent = np.repeat(parents, size)
    room = np.minimum(burst.span * think[parents], 0.999 * (site.cap - here.since[parents]))
    since = here.since[parent] + np.repeat(room, size) * _places(size, burst.fights, rng)
    if burst.fresh:
        shown = zipf(rng.random(len(parent)), items, site.zipf)
        some = size > 0
        item[parents[some]] = shown[(np.cumsum(size) - size)[some]]
    else:
        shown = item[parent]
    return Visits(
        here.session[parent],
        since,
        laws.inside[rng.integers(0, DRAWS, len(parent))],
        shown,
        np.full(len(parent), np.nan),
    )


def _places(size: IntArray, fights: int, rng: np.random.Generator) -> FloatArray:
    """Return where in their spans the events of bursts of some sizes are, in [0, 1)."""
    place = rng.random(int(size.sum()))
    if not fights:
        return place
    moments = rng.random((len(size), fights))
    own = np.repeat(np.arange(len(size)), size)
    crowded: FloatArray = _CROWD * place
    crowded += (1 - _CROWD) * moments[own, rng.integers(0, fights, len(own))]
    return crowded


def _priced(visits: Visits, site: Site, rng: np.random.Generator) -> Visits:
    """Draw the values of those actions that have a law for them."""
    for name, (median, sigma) in site.values.items():
        rows = np.flatnonzero(visits.action == site.actions.index(name))
        drawn = median * np.exp(sigma * rng.standard_normal(len(rows)))
        visits.value[rows] = np.maximum(np.round(drawn, site.decimals), 10.0**-site.decimals)
    return visits
