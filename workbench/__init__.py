"""Streaming analytics in Jupyter: event-time windows over pandas micro-batches, exact and live.

>>> import workbench as wb
>>> wb.Tumbling("1min")
Tumbling('1min')
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.engine.lookup import Lookup
    from workbench.errors import (
        DescriptionError,
        RunError,
        SchemaError,
        SnapshotError,
        StepError,
        WorkbenchError,
    )
    from workbench.model.custom import Custom
    from workbench.model.panestream import PaneStream
    from workbench.model.patterns import begin, recognize
    from workbench.model.stream import EventStream
    from workbench.model.triggers import (
        AfterAll,
        AfterAny,
        AfterCount,
        AfterEach,
        AfterProcessingTime,
        AfterWatermark,
        ContinuousEventTime,
        Repeatedly,
    )
    from workbench.model.watermarks import Ascending, BoundedOutOfOrderness, Punctuated
    from workbench.model.windows import Calendar, Count, Cumulating, Global, Session, Sliding, Tumbling
    from workbench.runtimes.registry import runs, start, stop_all
    from workbench.runtimes.run import Run
    from workbench.schema import Schema
    from workbench.sources import stream
    from workbench.views.board import dashboard
    from workbench.views.notebook import extension

__version__ = "0.1.0"

_HOMES = {
    "engine.lookup": ("Lookup",),
    "errors": (
        "DescriptionError",
        "RunError",
        "SchemaError",
        "SnapshotError",
        "StepError",
        "WorkbenchError",
    ),
    "model.custom": ("Custom",),
    "model.patterns": ("begin", "recognize"),
    "model.panestream": ("PaneStream",),
    "model.stream": ("EventStream",),
    "model.triggers": (
        "AfterAll",
        "AfterAny",
        "AfterCount",
        "AfterEach",
        "AfterProcessingTime",
        "AfterWatermark",
        "ContinuousEventTime",
        "Repeatedly",
    ),
    "model.watermarks": ("Ascending", "BoundedOutOfOrderness", "Punctuated"),
    "model.windows": ("Calendar", "Count", "Cumulating", "Global", "Session", "Sliding", "Tumbling"),
    "runtimes.registry": ("runs", "start", "stop_all"),
    "runtimes.run": ("Run",),
    "schema": ("Schema",),
    "sources": ("stream",),
    "views.board": ("dashboard",),
    "views.notebook": ("extension",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AfterAll",
    "AfterAny",
    "AfterCount",
    "AfterEach",
    "AfterProcessingTime",
    "AfterWatermark",
    "Ascending",
    "BoundedOutOfOrderness",
    "Calendar",
    "ContinuousEventTime",
    "Count",
    "Cumulating",
    "Custom",
    "DescriptionError",
    "EventStream",
    "Global",
    "Lookup",
    "PaneStream",
    "Punctuated",
    "Repeatedly",
    "Run",
    "RunError",
    "Schema",
    "SchemaError",
    "Session",
    "Sliding",
    "SnapshotError",
    "StepError",
    "Tumbling",
    "WorkbenchError",
    "begin",
    "dashboard",
    "extension",
    "recognize",
    "runs",
    "start",
    "stop_all",
    "stream",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import workbench`` costs next to nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"workbench.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
