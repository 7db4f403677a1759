"""Which card belongs to which family, and which simulators are scored as they are shipped."""

from importlib import import_module
from typing import Any

from simulators.parameters import problem
from simulators.realism.metric import Card

_CARDS = {
    "Clickstream": "clickstream",
    "Trading": "trading",
    "OrderBook": "book",
    "Payments": "payments",
    "Sensors": "sensors",
    "City": "city",
    "Fleet": "fleet",
    "Servers": "servers",
    "Road": "roads",
}
"""The module of each family; it has a function ``card(simulator)``."""


def card_of(simulator: Any) -> Card:
    """Return the card of a simulator.

    Raises
    ------
    ValueError
        If there is none for its family.
    """
    name = type(simulator).__name__
    if name not in _CARDS:
        raise problem(
            f"there is no scorecard for {name}",
            detail=f"There is one for {', '.join(_CARDS)}.",
            hint="Write a module like those in simulators/realism, and name it in the registry.",
        )
    card: Card = import_module(f"simulators.realism.{_CARDS[name]}").card(simulator)
    return card


def scenarios() -> dict[str, Any]:
    """Return all simulators as they are shipped, by name: each family and each of its scenarios."""
    import simulators

    families = [getattr(simulators, family) for family in _CARDS if hasattr(simulators, family)]
    return {name: made for family in families for name, made in family.scenarios().items()}
