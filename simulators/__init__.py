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

from simulators.ahead import Ahead
from simulators.base import Column, Simulator
from simulators.clickstream import Clickstream
from simulators.delivery import PRESETS, Delivery, Outage
from simulators.sensors import Sensors
from simulators.trading import Trading

__all__ = [
    "PRESETS",
    "Ahead",
    "Clickstream",
    "Column",
    "Delivery",
    "Outage",
    "Sensors",
    "Simulator",
    "Trading",
]
