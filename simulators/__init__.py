"""Simulators of event streams: clickstreams, markets and payments, sensors; and small real data.

Endless tables of typed events with their ground truth, deterministic and enterable anywhere, and the faults
with which they arrive. numpy and pandas only.

Examples
--------
>>> from simulators import Sensors
>>> building = Sensors(devices=8, seed=7)
>>> building.block_events(3).equals(building.events("30s", "40s"))
True
"""

from simulators import datasets
from simulators.ahead import Ahead
from simulators.base import Simulator
from simulators.clickstream import Clickstream
from simulators.columns import Column
from simulators.delivery import (
    PRESETS,
    Burst,
    BurstyLoss,
    ClockSkew,
    Corrupt,
    Delivery,
    Fault,
    FutureRows,
    HotKey,
    Idle,
    Outage,
    Reorder,
    SchemaDrift,
    SecondsForMilliseconds,
    bounds,
    completeness,
)
from simulators.rates import at_rate, rate_of
from simulators.realism import scenarios, scorecard
from simulators.replay import Replay
from simulators.score import score
from simulators.sensors import City, Fleet, Sensors, Servers
from simulators.trading import OrderBook, Payments, Trading

__all__ = [
    "PRESETS",
    "Ahead",
    "Burst",
    "BurstyLoss",
    "City",
    "Clickstream",
    "ClockSkew",
    "Column",
    "Corrupt",
    "Delivery",
    "Fault",
    "Fleet",
    "FutureRows",
    "HotKey",
    "Idle",
    "OrderBook",
    "Outage",
    "Payments",
    "Reorder",
    "Replay",
    "SchemaDrift",
    "SecondsForMilliseconds",
    "Sensors",
    "Servers",
    "Simulator",
    "Trading",
    "at_rate",
    "bounds",
    "completeness",
    "datasets",
    "rate_of",
    "scenarios",
    "score",
    "scorecard",
]
