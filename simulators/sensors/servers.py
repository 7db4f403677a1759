"""Servers: load, memory, latency and errors of machines in services, with labelled faults and incidents.

The machines of a service share its traffic, which follows the day. The busier a machine, the longer
requests wait (the waiting time of a queue grows as load / (1 - load): Kleinrock 1975), and a few take much
longer than the rest (Dean and Barroso 2013, The Tail at Scale). Memory leaks until a machine is restarted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from simulators.base import EVENT_ID, EVENT_TIME, Column, Table
from simulators.delivery.road import WEB, Delivery
from simulators.ordering import IntArray
from simulators.parameters import require, whole
from simulators.processes import FloatArray, layered_noise
from simulators.sensors.episodes import KINDS, Marks
from simulators.sensors.fields import by_hour
from simulators.sensors.incidents import Incident, Incidents
from simulators.sensors.instruments import BLOCK, Instruments, Quantity

_NOISE, _MACHINES, _RESTARTS, _INCIDENTS = 1, 2, 5, 6

_SPANS = (3, 12, 60, 360, 1440)
"""Slow noise of 30 seconds, 2, 10 minutes, 1 and 4 hours, in blocks of 10 s."""
_SHARED = ((0.2, 0.4, 0.9), (0.3, 0.7, 0.6), (0.4, 0.8, 0.4), (0.6, 0.75, 0.2), (0.6, 0.75, 0.2))
"""What of each is of all machines, of a service, of one: only slow changes are those of all."""
_DAY = 86_400.0
_COLD = 45.0
"""Seconds in which a restarted machine gets over two thirds of its slowness."""
_SLOW, _HEAVY = 0.02, 1.6
"""Share of requests that take much longer than the rest, and the exponent of how much longer."""

# fmt: off
_WORKDAY = (0.45, 0.38, 0.34, 0.32, 0.33, 0.38, 0.48, 0.62, 0.78, 0.88, 0.94, 0.97,
            0.95, 0.96, 0.99, 1.00, 0.98, 0.95, 0.92, 0.93, 0.94, 0.88, 0.74, 0.58)
# fmt: on
_WEEK = 5 * _WORKDAY + 2 * tuple(0.1 + 0.7 * value for value in _WORKDAY)


class _Machines(NamedTuple):
    service: IntArray
    phase: FloatArray
    busy: FloatArray
    """Load at the height of the day, in (0, 1)."""
    capacity: FloatArray
    """Requests per second at a load of 1."""
    quick: FloatArray
    """Latency without load, milliseconds."""
    idle: FloatArray
    """CPU without load, per cent."""
    empty: FloatArray
    """Memory after a restart, per cent."""
    leak: FloatArray
    """Per cent of memory an hour."""


@dataclass(frozen=True, kw_only=True)
class Servers(Instruments):
    """Simulate what machines in a data centre report of themselves.

    Parameters
    ----------
    machines
        Number of machines; they are dealt to the services in turn.
    services
        Number of services.
    hertz
        Reports of a machine per second, a multiple of 0.1.
    incidents
        How many incidents a service has a day on average, in [0, 100]: for 1 to 6 minutes requests take
        longer on all its machines, and more of them fail.
    missing
        Share of reports that are never made, in [0, 1]: the row does not exist.
    faults
        Share of time that a machine spends in an episode of stuck, noise, drift or dropout (10 to 120 s
        each), in [0, 0.5]; spikes, of a single report, begin as often as each of the others. All but a
        dropout hit one of CPU, memory and latency; a dropout silences these three.
    seed
        Seed of all randomness.
    start
        Beginning of event time, UTC.
    delivery
        How the reports arrive.

    Examples
    --------
    >>> reports = Servers(seed=7).events("5min")
    >>> reports.columns.tolist()[2:]
    ['machine', 'service', 'requests', 'cpu', 'memory', 'latency_ms', 'errors']
    >>> Servers().kinds
    ('spike', 'stuck', 'noise', 'drift', 'dropout', 'incident')
    """

    machines: int = 24
    services: int = 4
    hertz: float = 1.0
    incidents: float = 4.0
    missing: float = 0.015
    faults: float = 0.02
    delivery: Delivery = WEB

    name: ClassVar[str] = "servers"
    kinds: ClassVar[tuple[str, ...]] = (*KINDS, "incident")
    key_column: ClassVar[str] = "machine"
    pace: ClassVar[str] = "machines"
    family: ClassVar[int] = 8
    fault_length: ClassVar[tuple[float, float]] = (10.0, 120.0)
    fault_cell: ClassVar[float] = 60.0
    quantities: ClassVar[dict[str, Quantity]] = {
        "requests": Quantity(1, low=0),
        "cpu": Quantity(1, step=8.0, low=0, high=100),
        "memory": Quantity(1, step=3.0, low=0, high=100),
        "latency_ms": Quantity(2, step=0.4, by_factor=True, low=0.05, high=30_000),
        "errors": Quantity(0),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("machines", self.machines, least=1, most=30_000)
        whole("services", self.services, least=1, most=100)
        require(
            0 <= self.incidents <= 100,
            f"incidents is {self.incidents!r}",
            detail="incidents is their number per service and day, in [0, 100].",
            hint="Write incidents=0 for none.",
        )

    @cached_property
    def schema(self) -> tuple[Column, ...]:
        """The columns of the events, in order."""
        machines = tuple(f"machine-{number:03d}" for number in range(self.machines))
        services = tuple(f"service-{number + 1}" for number in range(self.services))
        return (
            EVENT_ID,
            EVENT_TIME,
            Column("machine", "category", "The machine that reported.", categories=machines),
            Column("service", "category", "The service that it is part of.", categories=services),
            Column("requests", "float64", "Requests per second.", unit="1/s"),
            Column("cpu", "float64", "Load of its processors; NaN in a dropout.", unit="%"),
            Column("memory", "float64", "Memory in use; NaN in a dropout.", unit="%"),
            Column("latency_ms", "float64", "Latency of a request; NaN in a dropout.", unit="ms"),
            Column("errors", "int64", "Requests that failed since the report before."),
        )

    @property
    def _count(self) -> int:
        return self.machines

    @cached_property
    def _phase(self) -> FloatArray:
        return self._places.phase

    @cached_property
    def _places(self) -> _Machines:
        rng, count = self._rng(_MACHINES), self.machines
        service = np.arange(count, dtype=np.int64) % self.services
        busy = rng.uniform(0.55, 0.72, self.services)
        quick = 10 ** rng.uniform(0.7, 1.7, self.services)
        return _Machines(
            service=service,
            phase=rng.random(count),
            busy=busy[service] * np.exp(0.06 * rng.standard_normal(count)),
            capacity=rng.uniform(80, 400, self.services)[service],
            quick=quick[service] * np.exp(0.05 * rng.standard_normal(count)),
            idle=rng.uniform(2, 6, count),
            empty=rng.uniform(22, 38, count),
            leak=rng.uniform(0.4, 1.6, count),
        )

    @cached_property
    def _field(self) -> Callable[[int, int], FloatArray]:
        """Give the normal numbers of one place in time: of traffic, then of memory."""

        def make(layer: int, cell: int) -> FloatArray:
            count = self.machines
            drawn = self._rng(_NOISE, layer, cell).standard_normal(1 + self.services + 2 * count)
            services, own = drawn[1 : 1 + self.services], drawn[1 + self.services :]
            all_of, service, one = _SHARED[layer]
            traffic = all_of * drawn[0] + service * services[self._places.service] + one * own[:count]
            return np.concatenate([traffic, own[count:]])

        return lru_cache(maxsize=4 * len(_SPANS))(make)

    def _state(self, block: int, tick: FloatArray, time: FloatArray) -> Table:
        places, count = self._places, self.machines
        slow = layered_noise(self._field, block=block, within=tick, spans=_SPANS)
        curve = by_hour(_WEEK, self._hours(block, tick))
        load = places.busy[:, None] * curve * np.exp(0.14 * slow[:count])
        np.minimum(load, 0.95, out=load)
        up = self._up(block, tick)
        cold = np.exp(-up / _COLD)
        slower, failing = self._suffered(block, tick)
        # Load grows what requests wait, not what they do.
        latency = places.quick[:, None] * (0.75 + 0.7 * load / (1 - load)) * (1 + 3 * cold)
        return {
            "requests": load * places.capacity[:, None],
            "cpu": places.idle[:, None] + 92 * load + 30 * cold * (1 - load),
            "memory": places.empty[:, None] + places.leak[:, None] * up / 3600 + 0.8 * slow[count:],
            "latency_ms": latency * slower[places.service],
            "errors": 2e-4 + failing[places.service],
            "load": load,
        }

    def _up(self, block: int, tick: FloatArray) -> FloatArray:
        """Return seconds since each machine's last restart; there is one on every day since the start."""
        day = int(block * BLOCK // _DAY)
        today, before = (self._restarts(each) for each in (day + 1, day))
        seconds = (block + tick) * BLOCK - day * _DAY
        since = seconds - today[:, None]
        return np.where(since >= 0, since, seconds + (_DAY - before)[:, None])

    @cached_property
    def _restarts(self) -> Callable[[int], FloatArray]:
        """Give the second of a day, counted from 1, at which each machine is restarted."""

        def make(day: int) -> FloatArray:
            return _DAY * self._rng(_RESTARTS, day).random(self.machines)

        return lru_cache(maxsize=4)(make)

    def _suffered(self, block: int, tick: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return by how much incidents slow each service down, and the share that fails in them."""
        seconds = (block + tick) * BLOCK
        slower = np.ones((self.services, len(tick)))
        failing = np.zeros((self.services, len(tick)))
        for incident in self._near(block):
            height = incident.height(seconds)
            slower[incident.service] += (incident.slower - 1) * height
            failing[incident.service] += incident.failing * height
        return slower, failing

    def _near(self, block: int) -> list[Incident]:
        begin = block * BLOCK
        end = begin + BLOCK
        found = [one for hour in self._incidents.hours(begin, end) for one in self._incidents_of(hour)]
        return [one for one in found if one.begin < end and one.begin + one.length > begin]

    @cached_property
    def _incidents(self) -> Incidents:
        return Incidents(services=self.services, daily=self.incidents)

    @cached_property
    def _incidents_of(self) -> Callable[[int], list[Incident]]:
        def make(hour: int) -> list[Incident]:
            return self._incidents.of_hour(hour, self._rng(_INCIDENTS, hour))

        return lru_cache(maxsize=4)(make)

    def _measured(self, state: Table, rng: np.random.Generator, shape: tuple[int, int]) -> Table:
        requests = state["requests"]
        latency = state["latency_ms"] * np.exp(0.45 * rng.standard_normal(shape))
        slow = rng.integers(0, latency.size, rng.poisson(_SLOW * latency.size))
        longer = 4 * (1 + state["load"].ravel()[slow]) * rng.pareto(_HEAVY, len(slow))
        latency.ravel()[slow] *= 1 + longer
        return {
            "requests": requests + np.sqrt(requests) * rng.standard_normal(shape),
            "cpu": state["cpu"] + 2.0 * rng.standard_normal(shape),
            "memory": state["memory"] + 0.1 * rng.standard_normal(shape),
            "latency_ms": latency,
            "errors": rng.poisson(requests / self.hertz * state["errors"]),
        }

    def _broken(self, block: int, time: FloatArray, values: Table, rng: np.random.Generator) -> Marks:
        marks = super()._broken(block, time, values, rng)
        for incident in self._near(block):
            begin = incident.begin - block * BLOCK
            hit = (time >= begin) & (time < begin + incident.length) & (marks.kind < 0)
            hit &= (self._places.service == incident.service)[:, None]
            marks.kind[hit], marks.number[hit] = len(KINDS), incident.number
        return marks

    def _labels(self, device: IntArray) -> Table:
        return {
            "machine": device.astype(np.int16),
            "service": self._places.service[device].astype(np.int8),
        }
