"""Simulators of event streams: clickstream, trading, sensors.

Endless tables of typed events with their ground truth, deterministic and enterable anywhere, and
the delays, disorder, duplicates, losses and outages with which they arrive. numpy and pandas only.

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
from simulators.claims import ClockSkew, Corrupt, FutureRows, HotKey, SchemaDrift, SecondsForMilliseconds
from simulators.clickstream import Clickstream
from simulators.columns import Column
from simulators.completeness import bounds, completeness
from simulators.delivery import PRESETS, Delivery
from simulators.faults import Burst, BurstyLoss, Fault, Idle, Outage, Reorder
from simulators.realism import scorecard
from simulators.replay import Replay
from simulators.score import score
from simulators.sensors import Sensors
from simulators.trading import Trading

__all__ = [
    "PRESETS",
    "Ahead",
    "Burst",
    "BurstyLoss",
    "Clickstream",
    "ClockSkew",
    "Column",
    "Corrupt",
    "Delivery",
    "Fault",
    "FutureRows",
    "HotKey",
    "Idle",
    "Outage",
    "Reorder",
    "Replay",
    "SchemaDrift",
    "SecondsForMilliseconds",
    "Sensors",
    "Simulator",
    "Trading",
    "bounds",
    "completeness",
    "datasets",
    "score",
    "scorecard",
]
