"""What all devices have in common: a sample of their readings, and what is measured of any of them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.realism.metric import Metric
from simulators.realism.statistics import area_under_curve

FloatArray = npt.NDArray[np.float64]

DAYS = 14
_EVERY = pd.Timedelta("40min")
_AGAIN = pd.Timedelta("30s")
"""The sample: a block of every 40 minutes of two weeks, and the one half a minute later."""

INTEL = "Intel Lab data, Madden 2004"
FAULTS = "Sharma, Golubchik and Govindan 2010"


class Readings(NamedTuple):
    """Readings of two weeks, now and then."""

    columns: dict[str, npt.NDArray[Any]]
    device: npt.NDArray[np.int64]
    block: npt.NDArray[np.int64]
    """Position of the block in the sample; even ones are 40 minutes apart, odd ones follow them."""
    hour: FloatArray
    """Of the day, by block."""
    weekend: npt.NDArray[np.bool_]
    """By block."""
    kind: npt.NDArray[np.int64]
    """Position of the fault's kind; -1 for none."""
    possible: int
    """How many readings there would be without any missing."""
    hertz: float
    """Readings of a device per second."""

    @property
    def healthy(self) -> npt.NDArray[np.bool_]:
        """Which readings belong to no fault."""
        return self.kind < 0

    def single(self, name: str, *, later: bool = False) -> FloatArray:
        """Return one healthy reading of each device in each block: a row a block, a column a device."""
        table = np.full((len(self.hour), int(self.device.max()) + 1), np.nan)
        good = self.healthy
        table[self.block[good], self.device[good]] = self.columns[name][good]
        return table[1::2] if later else table[::2]

    def daily(self, name: str) -> FloatArray:
        """Return the mean of a quantity at each hour of the day."""
        good = self.healthy
        hour = self.hour[self.block[good]].astype(np.int64)
        count = np.bincount(hour, minlength=24)
        mean: FloatArray = np.bincount(hour, self.columns[name][good], minlength=24) / count
        return mean


def sampled(simulator: Any) -> Readings:
    """Return a sample of a simulator's readings."""
    step, again = (int(span / simulator.block) for span in (_EVERY, _AGAIN))
    first = np.arange(0, int(pd.Timedelta(DAYS, unit="D") / simulator.block), step)
    blocks = np.stack([first, first + again], axis=1).ravel()
    made = [simulator._generate(int(block)) for block in blocks]
    sizes = [len(table["event_time"]) for table, _ in made]
    columns = {name: np.concatenate([table[name] for table, _ in made]) for name in made[0][0]}
    kind = np.full(sum(sizes), -1, np.int64)
    for begin, (_, truth) in zip(np.cumsum([0, *sizes]), made, strict=False):
        kind[begin + truth.rows] = truth.kind
    when = simulator.start + pd.to_timedelta(blocks * simulator.block.total_seconds(), unit="s")
    return Readings(
        columns=columns,
        device=columns[simulator.key_column].astype(np.int64),
        block=np.repeat(np.arange(len(blocks)), sizes),
        hour=np.array(when.hour + when.minute / 60),
        weekend=np.array(when.day_of_week >= 5),
        kind=kind,
        possible=len(blocks) * simulator._count * round(simulator.hertz * simulator.block.total_seconds()),
        hertz=simulator.hertz,
    )


def together(sample: Readings, name: str) -> float:
    """Return the mean correlation between two devices, at the same times."""
    table = pd.DataFrame(sample.single(name)).corr(min_periods=20).to_numpy()
    return float(np.nanmean(table[np.triu_indices(len(table), 1)]))


def kept(sample: Readings, name: str) -> float:
    """Return the mean correlation of a device's readings with those half a minute later."""
    now, then = pd.DataFrame(sample.single(name)), pd.DataFrame(sample.single(name, later=True))
    return float(now.corrwith(then).mean())


def share_of(sample: Readings, kinds: tuple[int, ...]) -> float:
    """Return the share of readings that belong to faults of some kinds."""
    return float(np.isin(sample.kind, kinds).mean())


def detected(sample: Readings, names: tuple[str, ...], group: str | None) -> float:
    """Return the area under the curve of a simple detector.

    A reading is as suspect as it is far from the median of its peers in the same ten seconds, or from the
    reading before it, beyond what is usual for the device, in robust standard deviations; the most suspect
    counts. Dropouts, which tell themselves, and incidents, which are no fault of a device, are left out.
    """
    order = np.lexsort((sample.columns["event_time"], sample.device, sample.block))
    order = order[~np.isnan(sample.columns[names[0]][order])]
    device, block, kind = sample.device[order], sample.block[order], sample.kind[order]
    peers = block if group is None else block * 1000 + sample.columns[group][order].astype(np.int64)
    begins = np.concatenate([[True], (np.diff(device) != 0) | (np.diff(block) != 0)])
    score = np.zeros(len(order))
    for name in names:
        values = pd.Series(sample.columns[name][order])
        jumps = values.diff().mask(begins, 0.0)
        for off in (values - values.groupby(peers).transform("median"), jumps):
            np.maximum(score, _unusual(off, device), out=score)
    plain = kind < 5
    found = kind[plain] >= 0
    return area_under_curve(score[plain], found) if found.any() else float("nan")


def _unusual(off: Any, device: npt.NDArray[np.int64]) -> FloatArray:
    """Return how many robust standard deviations values are from the median of their device."""
    off = off - off.groupby(device).transform("median")
    scale = 1.4826 * off.abs().groupby(device).transform("median")
    # Where most values are equal there is no such deviation; the mean one will do.
    scale = scale.where(scale > 0, off.abs().groupby(device).transform("mean"))
    unusual: FloatArray = (off.abs() / scale.clip(lower=1e-9)).to_numpy()
    return unusual


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Return how far the larger of one goes with the larger of another (Spearman 1904); NaN is left out.

    Examples
    --------
    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 1000.0]))
    1.0
    """
    good = np.isfinite(one) & np.isfinite(other)
    ranks = [pd.Series(values[good]).rank() for values in (one, other)]
    return float(round(ranks[0].corr(ranks[1]), 12))


def hour_of(curve: FloatArray, *, highest: bool) -> float:
    """Return the hour at which a daily curve, smoothed over three hours, is highest or lowest."""
    smooth = (np.roll(curve, 1) + curve + np.roll(curve, -1)) / 3
    return float(np.argmax(smooth) if highest else np.argmin(smooth))


def shared(slow: str, names: tuple[str, ...], group: str | None = None) -> tuple[Metric, ...]:
    """Return what is asked of all families of devices.

    Parameters
    ----------
    slow
        The quantity that changes slowly, and on all devices alike.
    names
        The quantities that can be wrong.
    group
        The column that says who a device's peers are; none for all.
    """
    shown = slow.replace("_", " ")
    kinds = ("spike", "stuck", "noise", "drift", "dropout")
    each = tuple(
        Metric(f"share of {kind}", 1e-6, 0.03, partial(share_of, kinds=(number,)), FAULTS)
        for number, kind in enumerate(kinds)
    )
    return (
        Metric(f"correlation of {shown} between devices", 0.5, 0.95, lambda s: together(s, slow), INTEL),
        Metric(f"correlation of {shown} with 30 s later", 0.85, 1.0, lambda s: kept(s, slow), INTEL),
        Metric("share of readings in faults", 0.005, 0.05, lambda s: share_of(s, tuple(range(5))), FAULTS),
        *each,
        Metric("share of readings missing", 0.01, 0.4, lambda s: 1 - len(s.kind) / s.possible, INTEL),
        Metric(
            "area under curve of a robust detector", 0.6, 0.95, lambda s: detected(s, names, group), FAULTS
        ),
    )
