"""Episodes: when devices are at fault, and what their readings look like then.

The kinds are those of Sharma, Golubchik and Govindan (2010), Sensor Faults: SHORT (here spike), CONSTANT
(stuck) and NOISE, and drift, dropout. All families of devices break in these ways, and only here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.base import IDS_PER_BLOCK
from simulators.ordering import IntArray
from simulators.processes import FloatArray

KINDS = ("spike", "stuck", "noise", "drift", "dropout")
SPIKE, STUCK, NOISE, DRIFT, DROPOUT = range(len(KINDS))


class Episode(NamedTuple):
    """One device at fault for a while."""

    number: int
    device: int
    kind: int
    channel: int
    """Which of its quantities is wrong; a dropout silences all of them."""
    begin: float
    """Seconds since the start."""
    length: float
    """Seconds; a spike has none, and hits the first reading at or after its beginning."""
    size: float
    """How far readings go astray, in steps of the channel, with a sign; for drift, reached at the end."""


class Channel(NamedTuple):
    """A quantity that can be wrong."""

    values: FloatArray
    """Its readings; a row a device."""
    step: float
    """By how much it is wrong: in its unit, or in its logarithm."""
    by_factor: bool
    """Whether it is wrong by a factor, as quantities are that are never negative."""


class Marks(NamedTuple):
    """What is true of each reading; a row a device, a column a reading."""

    kind: npt.NDArray[np.int8]
    """Position of the kind; -1 for none."""
    number: IntArray
    """The episode."""


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Say how often devices are at fault, and how long.

    Time is cut into cells; the episodes that begin in a cell depend on nothing else.

    Parameters
    ----------
    devices
        Number of devices.
    share
        Share of time that a device spends in an episode other than a spike; spikes begin as often as
        each of the others.
    shortest, longest
        Length of an episode other than a spike, seconds, both included.
    cell
        Length of a cell, seconds.
    channels
        Number of quantities that can be wrong.

    Examples
    --------
    >>> episodes = Episodes(devices=5, share=0.2, shortest=10, longest=60, cell=10, channels=1)
    >>> found = episodes.of_cell(3, np.random.default_rng(7))
    >>> all(30 <= episode.begin < 40 for episode in found)
    True
    """

    devices: int
    share: float
    shortest: float
    longest: float
    cell: float
    channels: int

    @property
    def look_back(self) -> int:
        """How many cells an episode can reach beyond its own."""
        return int(-(-self.longest // self.cell))

    def cells(self, begin: float, end: float) -> range:
        """Return the cells whose episodes can reach into ``[begin, end)``, seconds since the start."""
        return range(int(begin // self.cell) - self.look_back, int(-(-end // self.cell)))

    def of_cell(self, cell: int, rng: np.random.Generator) -> list[Episode]:
        """Return the episodes that begin in a cell; before the start, no device is stuck."""
        often = self.share / (4 * (self.shortest + self.longest) / 2) * len(KINDS)
        count = rng.poisson(often * self.devices * self.cell)
        device = rng.integers(0, self.devices, count)
        kind = rng.integers(0, len(KINDS), count)
        begin = (cell + rng.random(count)) * self.cell
        length = rng.uniform(self.shortest, self.longest, count)
        size = rng.uniform(2.5, 5.0, count) * rng.choice([-1.0, 1.0], count)
        channel = rng.integers(0, self.channels, count) if self.channels > 1 else np.zeros(count, np.int64)
        first = (cell + self.look_back) * IDS_PER_BLOCK
        # There is nothing to be stuck at before the start.
        born = np.flatnonzero((begin >= 0) | (kind != STUCK))
        columns = (first + born, *(each[born] for each in (device, kind, channel, begin, length, size)))
        return [Episode(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def put_in(
    episodes: Iterable[Episode],
    *,
    origin: float,
    time: FloatArray,
    channels: list[Channel],
    lost: list[FloatArray],
    usual: Callable[[float, int, int], float],
    rng: np.random.Generator,
) -> Marks:
    """Put faults into the readings of some time, in place, and return which readings they hit.

    Parameters
    ----------
    episodes
        All that can reach into that time.
    origin
        When it begins, seconds since the start.
    time
        When each reading was taken, seconds since ``origin``; a row a device, ascending.
    channels
        The quantities that can be wrong, each shaped as ``time``.
    lost
        Those that a dropout silences beside them.
    usual
        ``usual(when, channel, device)``: the true value, at which a device gets stuck.
    rng
        Source of the noise.
    """
    marks = Marks(np.full(time.shape, -1, np.int8), np.zeros(time.shape, np.int64))
    # By kind: where episodes meet on a device, a dropout has the last word.
    for episode in sorted(episodes, key=lambda episode: episode.kind):
        row, begin = episode.device, episode.begin - origin
        here = _hit(episode, time[row], begin)
        if here.start == here.stop:
            continue
        marks.kind[row, here], marks.number[row, here] = episode.kind, episode.number
        channel = channels[episode.channel]
        if episode.kind == DROPOUT:
            for values in (*lost, *(each.values for each in channels)):
                values[row, here] = np.nan
        elif episode.kind == STUCK:
            channel.values[row, here] = usual(episode.begin, episode.channel, row)
        else:
            off = _off(episode, time[row, here] - begin, rng) * channel.step
            right = channel.values[row, here]
            channel.values[row, here] = right * np.exp(off) if channel.by_factor else right + off
    return marks


def _hit(episode: Episode, time: FloatArray, begin: float) -> slice:
    """Return which readings of its device an episode hits."""
    first, last = np.searchsorted(time, [begin, begin + episode.length])
    if episode.kind == SPIKE:
        last = first + (begin >= 0 and first < len(time))
    return slice(int(first), int(last))


def _off(episode: Episode, since: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return how far readings are off in a spike, noise or drift, in steps."""
    if episode.kind == SPIKE:
        return np.full(len(since), 3 * episode.size)
    if episode.kind == NOISE:
        return 2.0 * rng.standard_normal(len(since))
    return episode.size * (since / episode.length)
