"""Verbs that outer rooms carry out: found by name, since a description imports none of them."""

from __future__ import annotations

import importlib
from typing import Any


def room(module: str, name: str) -> Any:
    """Find what an outer room has under a name.

    Examples
    --------
    >>> room("engine.lookup", "Lookup").__name__
    'Lookup'
    """
    return getattr(importlib.import_module(f"workbench.{module}"), name)
