"""What deliveries should do to a stream: as late, as lossy and as disordered as each says it is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulators.delivery import PRESETS, Delivery
from simulators.realism.metric import Card, Metric

_RATE, _SPAN, _KEYS = 50, 6 * 3_600_000_000, 30
"""Events a second, the length of the sample in microseconds, and the number of keys."""

_NEXMARK = "Tucker et al. 2008, NEXMark: one in ten is up to 3 s late"
_PRACTICE = "Akidau et al. 2018, Streaming Systems; practitioners' figures, unsourced"
_EXCHANGE = "MacKenzie 2021, Trading at the Speed of Light"
_RADIO = "Szewczyk et al. 2004, Great Duck Island: 4 % of motes lost a day; Intel Lab data, Madden 2004"


@dataclass(frozen=True, kw_only=True)
class Road:
    """A delivery to be scored, over a steady stream."""

    preset: str
    seed: int = 0

    @classmethod
    def scenarios(cls) -> dict[str, "Road"]:
        """Return one road a preset, by its name."""
        return {f"delivery: {name}": cls(preset=name) for name in PRESETS}


@dataclass(frozen=True)
class _Sample:
    delivery: Delivery
    sent: int
    rows: npt.NDArray[np.int64]
    delay: npt.NDArray[np.int64]
    """Microseconds, of what arrives for the first time."""
    behind: npt.NDArray[np.int64]
    """Microseconds that each arrival is behind the greatest event time before it."""

    def late(self, share: float) -> float:
        return float(np.quantile(self.delay, share)) / 1e6

    def bound(self, share: float) -> float:
        return float(np.quantile(self.behind, share)) / 1e6


def card(road: Road) -> Card:
    """Return the card of a delivery."""
    delivery = PRESETS[road.preset]
    lost, twice = delivery.loss, delivery.duplicates
    return Card(
        _sampled,
        (
            Metric("delay, median", *_LATE[road.preset][0], lambda s: s.late(0.5), _SOURCE[road.preset], "s"),
            Metric("delay, p99", *_LATE[road.preset][1], lambda s: s.late(0.99), _SOURCE[road.preset], "s"),
            Metric(
                "bound for 90 %", *_LATE[road.preset][2], lambda s: s.bound(0.9), _SOURCE[road.preset], "s"
            ),
            Metric(
                "bound for 99 %", *_LATE[road.preset][3], lambda s: s.bound(0.99), _SOURCE[road.preset], "s"
            ),
            Metric("share lost", 0.9 * lost, 1.1 * lost, _lost, "as the preset says, within a tenth"),
            Metric("share repeated", 0.9 * twice, 1.1 * twice, _twice, "as the preset says, within a tenth"),
        ),
    )


_LATE = {
    "ideal": ((0, 0), (0, 0), (0, 0), (0, 0)),
    "market": ((0.001, 0.002), (0.003, 0.008), (0, 0.001), (0, 0.005)),
    "web": ((0.05, 0.15), (0.8, 3), (0.05, 0.5), (0.8, 3)),
    "iot": ((0.1, 0.3), (5, 120), (0.3, 3), (5, 120)),
    "mobile": ((0.3, 0.6), (60, 300), (1, 10), (60, 300)),
}
"""Seconds: the interval of the median delay, of its 99th percentile, and of the two bounds."""

_SOURCE = {"ideal": "exactly", "market": _EXCHANGE, "web": _NEXMARK, "iot": _RADIO, "mobile": _PRACTICE}


def _sampled(road: Road) -> _Sample:
    def draw(*words: int) -> np.random.Generator:
        return np.random.default_rng([road.seed, *words])

    rng = draw(0)
    count = _RATE * _SPAN // 1_000_000
    time = np.sort(rng.integers(0, _SPAN, count))
    rows, arrival = PRESETS[road.preset].deliver(time, rng.integers(0, _KEYS, count), 0, draw)
    _, first = np.unique(rows, return_index=True)
    behind = np.maximum.accumulate(time[rows]) - time[rows]
    return _Sample(PRESETS[road.preset], count, rows, (arrival - time[rows])[first], behind)


def _lost(sample: _Sample) -> float:
    return 1 - len(np.unique(sample.rows)) / sample.sent


def _twice(sample: _Sample) -> float:
    once = len(np.unique(sample.rows))
    return (len(sample.rows) - once) / once
