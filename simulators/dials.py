"""Dials: what of a simulator is turned while people watch: rate, delivery, disorder, late share, faults.

A dial says how something is at present (`dials`), and `turned` gives the simulator with some of them turned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeVar

import pandas as pd

from simulators.base import Simulator
from simulators.delivery.claims import ClockSkew, Corrupt, FutureRows, HotKey
from simulators.delivery.faults import Burst, BurstyLoss, Fault, Idle, Outage, Reorder
from simulators.delivery.road import PRESETS, Delivery
from simulators.parameters import Duration, duration, require, share
from simulators.rates import times_rate

Some = TypeVar("Some", bound=Simulator)

SHARES: Final = ("loss", "duplicates")
"""Faults that are a share of a `Delivery`."""

FAULTS: Final[Mapping[str, Fault]] = {
    "outage": Outage(every="2min", length="30s", share=1 / 3),
    "idle": Idle(every="2min", length="30s", share=1 / 3),
    "burst": Burst(every="1min", length="10s", share=1.0),
    "bursty_loss": BurstyLoss(every="1min", length="10s", share=0.6),
    "clock_skew": ClockSkew(share=0.1, offset="5s"),
    "future": FutureRows(share=0.001, ahead="1h"),
    "hot_key": HotKey(share=0.3),
    "corrupt": Corrupt(share=0.01),
}
"""Faults that can be switched on by their name, as they then are."""

USUAL: Final = {"loss": 0.05, "duplicates": 0.05}
"""How large a share is that is switched on without saying so."""

TAIL: Final = {"tail_scale": pd.Timedelta("5s"), "tail_alpha": 1.0, "cap": pd.Timedelta("1min")}
"""How late the late are where the delivery has no such delays yet."""


@dataclass(frozen=True)
class Dials:
    """How the dials of a simulator stand.

    Parameters
    ----------
    delivery
        The name of its delivery, if it has one.
    disorder
        How far events are put out of order, beyond what the delivery does.
    late
        Share of the events with a delay from the long tail.
    faults
        The faults that are on: `True`, or the share of those that are one.
    """

    delivery: str | None
    disorder: pd.Timedelta
    late: float
    faults: Mapping[str, bool | float]


def dials(simulator: Simulator) -> Dials:
    """Return how the dials of a simulator stand.

    Examples
    --------
    >>> from simulators import Clickstream, Delivery
    >>> web = dials(Clickstream(delivery=Delivery.web()))
    >>> web.delivery, web.late, dict(web.faults)
    ('web', 0.015, {'loss': 0.001, 'duplicates': 0.005})
    """
    road = simulator.delivery
    on: dict[str, bool | float] = {name: getattr(road, name) for name in SHARES if getattr(road, name)}
    every = (road.outage, *road.faults) if road.outage else road.faults
    on |= {name: True for name, usual in FAULTS.items() if any(type(each) is type(usual) for each in every)}
    mixed = [each.by for each in road.faults if isinstance(each, Reorder) and _mixes(each)]
    named = next((name for name, preset in PRESETS.items() if preset == road), None)
    return Dials(named, mixed[0] if mixed else pd.Timedelta(0), road.tail, on)


def turned(
    simulator: Some,
    *,
    factor: float | None = None,
    delivery: str | Delivery | None = None,
    disorder: Duration | None = None,
    late: float | None = None,
    faults: Mapping[str, bool | float | Fault] | None = None,
) -> Some:
    """Return a simulator with some of its dials turned; unless it has another rate, of the same events.

    Parameters
    ----------
    factor
        How many times as many events.
    delivery
        A delivery, or its name among `PRESETS`; the other dials are turned on it.
    disorder
        By how much events are held back at most, each by its own time, so that they overtake each other.
    late
        Share of the events with a delay from the long tail, in [0, 1]; where the delivery has none, from 5 s
        to a minute.
    faults
        By name: whether it is on, or as large a share, or the `Fault` itself. Those that are not named stay.

    Examples
    --------
    >>> from simulators import Sensors
    >>> turned(Sensors(), delivery="ideal", disorder="3s", faults={"loss": 0.1}).delivery.max_delay
    Timedelta('0 days 00:00:03')
    """
    if factor is not None:
        simulator = times_rate(simulator, factor)
    road = simulator.delivery if delivery is None else _delivery(delivery)
    if late is not None:
        road = _with_late(road, late)
    for name, value in (faults or {}).items():
        road = _with_fault(road, name, value)
    if disorder is not None:
        road = _with_disorder(road, duration("disorder", disorder))
    return simulator if road == simulator.delivery else replace(simulator, delivery=road)


def _delivery(delivery: str | Delivery) -> Delivery:
    if isinstance(delivery, Delivery):
        return delivery
    require(
        delivery in PRESETS,
        f"there is no delivery {delivery!r}",
        detail=f"There are {', '.join(PRESETS)}.",
        hint='Write for example delivery="mobile".',
    )
    return PRESETS[delivery]


def _with_late(road: Delivery, late: float) -> Delivery:
    share("late", late)
    if road.tail or not late:
        return replace(road, tail=late)
    scale = max(TAIL["tail_scale"], road.median)
    return replace(road, tail=late, **TAIL | {"tail_scale": scale, "cap": max(TAIL["cap"], road.cap, scale)})


def _with_disorder(road: Delivery, by: pd.Timedelta) -> Delivery:
    others = tuple(fault for fault in road.faults if not _mixes(fault))
    return replace(road, faults=(*others, Reorder(share=1.0, by=by)) if by else others)


def _mixes(fault: Fault) -> bool:
    """Say whether a fault puts all events out of order."""
    return isinstance(fault, Reorder) and fault.share == 1


def _with_fault(road: Delivery, name: str, value: bool | float | Fault) -> Delivery:
    if name in SHARES and not isinstance(value, Fault):
        size = USUAL[name] if value is True else float(value)
        parts: dict[str, Any] = {name: size}
        if name == "duplicates" and not road.duplicate_lag:
            parts["duplicate_lag"] = "10s"
        return replace(road, **parts)
    require(
        name in FAULTS,
        f"there is no fault {name!r}",
        detail=f"There are {', '.join((*SHARES, *FAULTS))}.",
        hint='Write for example faults={"outage": True, "loss": 0.05}.',
    )
    fault = _fault(FAULTS[name], value)
    if name == "outage":
        return replace(road, outage=fault)
    others = tuple(each for each in road.faults if type(each) is not type(FAULTS[name]))
    return replace(road, faults=others if fault is None else (*others, fault))


def _fault(usual: Fault, value: bool | float | Fault) -> Any:
    """Return a fault as it is wanted; None if it is not."""
    if isinstance(value, Fault) or not value:
        return value or None
    if value is True or "share" not in {field.name for field in fields(usual)}:
        return usual
    return replace(usual, share=value)  # type: ignore[call-arg]
