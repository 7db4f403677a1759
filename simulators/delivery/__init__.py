"""Delivery: what the road does to events between the device and us."""

from simulators.delivery.claims import (
    ClockSkew,
    Corrupt,
    FutureRows,
    HotKey,
    SchemaDrift,
    SecondsForMilliseconds,
)
from simulators.delivery.completeness import bounds, completeness
from simulators.delivery.faults import Burst, BurstyLoss, Fault, Idle, Outage, Reorder
from simulators.delivery.road import PRESETS, Delivery

__all__ = [
    "PRESETS",
    "Burst",
    "BurstyLoss",
    "ClockSkew",
    "Corrupt",
    "Delivery",
    "Fault",
    "FutureRows",
    "HotKey",
    "Idle",
    "Outage",
    "Reorder",
    "SchemaDrift",
    "SecondsForMilliseconds",
    "bounds",
    "completeness",
]
