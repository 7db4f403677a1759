"""Triggers and accumulation as the conformance cases write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workbench.model.triggers import (
    ACCUMULATING,
    DEFAULT,
    DISCARDING,
    RETRACTING,
    AfterAll,
    AfterAny,
    AfterCount,
    AfterEach,
    AfterProcessingTime,
    AfterWatermark,
    ContinuousEventTime,
    Repeatedly,
    Trigger,
)

ACCUMULATIONS: Mapping[str, str] = {
    "accumulating": ACCUMULATING,
    "discarding": DISCARDING,
    "accumulating_retracting": RETRACTING,
}
"""Ours by the cases' names."""

_SEVERAL: Mapping[str, Any] = {"after_any": AfterAny, "after_all": AfterAll, "after_each": AfterEach}
_KNOWN = {
    "default": (),
    "always": (),
    "after_watermark": ("early", "late"),
    "after_count": ("n",),
    "after_processing_time": ("delay", "align"),
    "continuous_event_time": ("every",),
    "repeatedly": ("of",),
    **dict.fromkeys(_SEVERAL, ("of",)),
}


def read_trigger(spec: Mapping[str, Any]) -> Trigger:
    """Make the trigger of a case; `trigger_refusals` must have had nothing against it.

    Examples
    --------
    >>> read_trigger({"type": "after_watermark", "early": {"type": "after_count", "n": 2}})
    AfterWatermark(early=AfterCount(2), late=None)
    """
    of = spec.get("of")
    match spec["type"]:
        case "default":
            return DEFAULT
        case "always":
            return Repeatedly(AfterCount(1))
        case "after_count":
            return AfterCount(spec["n"])
        case "after_processing_time":
            delay, align = (f"{spec[name]}ms" if name in spec else None for name in ("delay", "align"))
            return AfterProcessingTime(delay, align=align)
        case "continuous_event_time":
            return ContinuousEventTime(f"{spec['every']}ms")
        case "after_watermark":
            early, late = (read_trigger(spec[name]) if name in spec else None for name in ("early", "late"))
            return AfterWatermark(early=early, late=late)
        case "repeatedly":
            return Repeatedly(read_trigger(of or {}))
        case kind:
            combine: Callable[..., Trigger] = _SEVERAL[kind]
            return combine(*map(read_trigger, of or ()))


def trigger_refusals(spec: Mapping[str, Any]) -> Iterator[str]:
    """Give what cannot be said of a trigger."""
    kind = spec["type"]
    if kind not in _KNOWN:
        yield f"trigger: {kind}"
        return
    yield from (f"trigger: {kind} with {name}" for name in spec if name not in ("type", *_KNOWN[kind]))
    of = spec.get("of", [])
    for part in [spec.get("early"), spec.get("late"), *(of if isinstance(of, list) else [of])]:
        if part is not None:
            yield from trigger_refusals(part)
