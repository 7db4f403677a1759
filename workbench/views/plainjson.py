"""JSON as every browser reads it: what is no number is nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any


def spelled(values: Any) -> str:
    """Write values as JSON, which knows no number that is none.

    Examples
    --------
    >>> spelled({"line": [1.5, float("nan")], "n": 2})
    '{"line": [1.5, null], "n": 2}'
    """
    try:
        return json.dumps(values, allow_nan=False, default=float)
    except ValueError:
        return json.dumps(_known(values), default=float)


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _known(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_known(held) for held in value]
    return None if isinstance(value, float) and not isfinite(value) else value
