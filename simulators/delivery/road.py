"""Delivery: what the road does to events between the device and us.

Turns event order into arrival order: delay, disorder, duplicates, loss, outages, and whatever faults are put
together. It works on plain arrays of microseconds, knows no simulator, and its randomness depends only on the
generator that it is handed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulators.delivery.claims import SchemaDrift
from simulators.delivery.faults import Fault, Outage
from simulators.delivery.parcel import Parcel
from simulators.ordering import IntArray, sort_pairs
from simulators.parameters import Duration, duration, microseconds, positive, require, share

FloatArray = npt.NDArray[np.float64]
Draw = Callable[..., np.random.Generator]
"""``draw(component, *index)``: the generator of one component at one place."""

DELAYS, OUTAGES, FAULTS = 101, 102, 103
"""Components of randomness, the last of the first fault; the families use those below 100."""

KINDS = (
    "outage", "idle", "burst", "loss", "reorder", "duplicate",
    "clock_skew", "unit", "future", "hot_key", "corrupt", "schema_drift",
)  # fmt: skip
"""All that can befall an event, as ``delivery_truth`` names it."""

LONGEST = pd.Timedelta("6h")


class Arrivals(NamedTuple):
    """The copies of one block's events that arrive, by (time, row, copy)."""

    rows: IntArray
    """Position of the event in its block; a duplicate repeats it."""
    time: IntArray
    """Arrival, microseconds on the clock of the event times handed in."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Say how late, how often and whether events arrive.

    A delay is log-normal; a share ``tail`` of the events draws from a Pareto tail instead,
    truncated at ``cap``. No event arrives before its event time, and none later than ``max_delay``
    after it.

    Parameters
    ----------
    median
        Median of the log-normal delay, a duration; zero for none.
    sigma
        Standard deviation of the delay's natural logarithm.
    tail
        Share of events whose delay comes from the tail, in [0, 1].
    tail_scale
        Shortest delay in the tail, a duration above 0.
    tail_alpha
        Exponent of the tail; the smaller, the heavier.
    cap
        Longest delay on the road, a duration.
    duplicates
        Probability that an event arrives a second time, in [0, 1].
    duplicate_lag
        Longest time by which the second copy follows the first, a duration.
    loss
        Probability that an event never arrives, in [0, 1].
    outage
        When keys lose their connection; None for never.
    faults
        What else befalls events, in this order; see the modules `faults` and `claims`. All is labelled in a
        simulator's ``delivery_truth``.

    Examples
    --------
    >>> Delivery.web().max_delay
    Timedelta('0 days 00:00:40')
    >>> Delivery(loss=1.5)
    Traceback (most recent call last):
        ...
    ValueError: loss is 1.5
    Detail: loss is a share, a number in [0, 1].
    Hint: Five per cent is written loss=0.05.
    """

    median: Duration = "0s"
    sigma: float = 0.0
    tail: float = 0.0
    tail_scale: Duration = "1s"
    tail_alpha: float = 1.0
    cap: Duration = "0s"
    duplicates: float = 0.0
    duplicate_lag: Duration = "0s"
    loss: float = 0.0
    outage: Outage | None = None
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        for name in ("median", "tail_scale", "cap", "duplicate_lag"):
            object.__setattr__(self, name, duration(name, getattr(self, name)))
        for name in ("tail", "duplicates", "loss"):
            share(name, getattr(self, name))
        require(
            0 <= self.sigma <= 5,
            f"sigma is {self.sigma!r}",
            detail="sigma is the standard deviation of the logarithm of the delay, in [0, 5].",
            hint="Networks lie between 0.5 and 1.5.",
        )
        positive("tail_alpha", self.tail_alpha, unit="powers of the tail")
        object.__setattr__(self, "faults", tuple(self.faults))
        require(
            all(isinstance(fault, Fault) for fault in self.faults),
            f"faults are {self.faults!r}",
            detail="faults are Fault objects of simulators.delivery.",
            hint='Write for example faults=(Reorder(share=0.1, by="3s"),).',
        )
        shortest = max(self.median, self.tail_scale if self.tail else pd.Timedelta(0))
        require(
            self.cap >= shortest and self.tail_scale > pd.Timedelta(0),
            f"cap is {self.cap}, tail_scale is {self.tail_scale}, median is {self.median}",
            detail="cap is the longest delay: at least the median and, with a tail, tail_scale.",
            hint=f'Write for example cap="{max(10, int(10 * shortest.total_seconds()))}s".',
        )
        require(
            self.max_delay <= LONGEST,
            f"the longest delay is {self.max_delay}",
            detail=f"cap + duplicate_lag + outage length + delays of faults may be {LONGEST} at most.",
            hint="Shorten cap or the outage.",
        )

    @classmethod
    def ideal(cls) -> "Delivery":
        """Return a delivery at once, in order, complete."""
        return cls()

    @classmethod
    def market(cls) -> "Delivery":
        """Return a co-located feed: median 1.5 ms, next to no disorder."""
        return cls(
            median="1500us",
            sigma=0.5,
            tail=0.0005,
            tail_scale="5ms",
            tail_alpha=2.0,
            cap="50ms",
        )

    @classmethod
    def web(cls) -> "Delivery":
        """Return browsers on the web: median 80 ms, 99 % in 1 s, 99.9 % in 9 s."""
        return cls(
            median="80ms",
            sigma=0.8,
            tail=0.015,
            tail_scale="500ms",
            tail_alpha=1.0,
            cap="30s",
            duplicates=0.005,
            duplicate_lag="10s",
            loss=0.001,
        )

    @classmethod
    def iot(cls) -> "Delivery":
        """Return radio devices: median 150 ms, 99 % in 10 s but for outages of 2 minutes."""
        return cls(
            median="150ms",
            sigma=1.0,
            tail=0.03,
            tail_scale="3s",
            tail_alpha=0.9,
            cap="2min",
            duplicates=0.01,
            duplicate_lag="20s",
            loss=0.02,
            outage=Outage(every="20min", length="2min", share=1 / 3),
        )

    @classmethod
    def mobile(cls) -> "Delivery":
        """Return telephones: median 0.4 s, 95 % in 11 s, 99 % in 2 min, 99.9 % in 15 min."""
        return cls(
            median="350ms",
            sigma=1.0,
            tail=0.12,
            tail_scale="3500ms",
            tail_alpha=0.7,
            cap="30min",
            duplicates=0.01,
            duplicate_lag="30s",
            loss=0.005,
        )

    @property
    def max_delay(self) -> pd.Timedelta:
        """The longest time from event to arrival, duplicates, outages and faults included."""
        lag = self.duplicate_lag if self.duplicates else pd.Timedelta(0)
        return self.cap + lag + sum((fault.max_delay for fault in self._every), pd.Timedelta(0))

    @property
    def _every(self) -> tuple[Fault, ...]:
        return (self.outage, *self.faults) if self.outage else self.faults

    def __str__(self) -> str:
        """Give the delays, and the bounds that reach a completeness, of a steady stream so delivered."""
        from simulators.delivery.completeness import completeness  # which needs this module

        told = completeness(self).map(lambda span: f"{span.total_seconds():.3g} s")
        lines = (f"{share:>8.1%} {row['delay']:>12} {row['bound']:>12}" for share, row in told.iterrows())
        return "\n".join([f"{'of rows':>8} {'delay':>12} {'bound':>12}", *lines])

    def deliver(self, time: IntArray, keys: IntArray, block: int, draw: Draw) -> Arrivals:
        """Return which events of one block arrive, and when.

        Parameters
        ----------
        time
            Event times, microseconds since the start, ascending.
        keys
            The key of each event, as an integer; outages cut off whole keys.
        block
            Index of the block; with ``draw``, all that the randomness depends on.
        draw
            Source of generators.

        Returns
        -------
        Arrivals
            Sorted by time, then row, then copy.
        """
        return self.send(Parcel(time=time, keys=keys, block=block), draw)

    def send(self, parcel: Parcel, draw: Draw) -> Arrivals:
        """Send a parcel on its way: as `deliver`, but what events say may change, and all is marked."""
        time = parcel.time
        if not len(time):
            return Arrivals(time, time)
        rng = draw(DELAYS, parcel.block)
        self._strike(parcel, draw, at_device=True)
        parcel.arrival += self._delays(len(time), rng)
        self._strike(parcel, draw, at_device=False)
        if self.loss:
            lost = np.flatnonzero((rng.random(len(time)) < self.loss) & parcel.kept)
            parcel.kept[lost] = False
            parcel.mark("loss", lost, 0)
        rows = np.flatnonzero(parcel.kept)
        arrival, copies = parcel.arrival[rows], rows << 1
        if self.duplicates:
            again = np.flatnonzero(rng.random(len(arrival)) < self.duplicates)
            parcel.mark("duplicate", rows[again], 0)
            lag = rng.random(len(again)) * microseconds(self.duplicate_lag)
            arrival = np.concatenate([arrival, arrival[again] + lag.astype(np.int64)])
            copies = np.concatenate([copies, copies[again] | 1])
        origin = int(time[0])
        arrival, copies = sort_pairs(arrival - origin, copies)
        arrivals = Arrivals(copies >> 1, arrival + origin)
        for fault in self.faults:
            fault.arrived(parcel, *arrivals)
        return arrivals

    def reshaped(self, frame: pd.DataFrame, begin: int) -> pd.DataFrame:
        """Return a block of arrivals, which begins so many microseconds after the start, as it is sent."""
        for fault in self.faults:
            if isinstance(fault, SchemaDrift):
                frame = fault.reshaped(frame, begin)
        return frame

    def _strike(self, parcel: Parcel, draw: Draw, *, at_device: bool) -> None:
        if at_device and self.outage:
            self.outage.strike(parcel, partial(draw, OUTAGES))
        for number, fault in enumerate(self.faults):
            if fault.at_device == at_device:
                fault.strike(parcel, partial(draw, FAULTS + number))

    def _delays(self, count: int, rng: np.random.Generator) -> IntArray:
        cap = self.cap.total_seconds()
        delays: FloatArray = np.full(count, self.median.total_seconds())
        if self.sigma:
            delays *= np.exp(self.sigma * rng.standard_normal(count))
        if self.tail:
            slow = np.flatnonzero(rng.random(count) < self.tail)
            scale, alpha = self.tail_scale.total_seconds(), self.tail_alpha
            reached = rng.random(len(slow)) * (1 - (scale / cap) ** alpha)
            delays[slow] = scale * (1 - reached) ** (-1 / alpha)
        micros: IntArray = (np.minimum(delays, cap) * 1e6).astype(np.int64)
        return micros


IDEAL, MARKET = Delivery.ideal(), Delivery.market()
WEB, IOT, MOBILE = Delivery.web(), Delivery.iot(), Delivery.mobile()

PRESETS: Mapping[str, Delivery] = MappingProxyType(
    {"ideal": IDEAL, "market": MARKET, "web": WEB, "iot": IOT, "mobile": MOBILE}
)
"""The deliveries that have a name."""
