"""The tables of Store pulse: their columns, and what is in them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.model.panes import EARLY, LATE, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.views import parts, words
from workbench.views.bound import Bound
from workbench.views.dashboards import clickrows
from workbench.views.scope import Scope

PANES = 24
"""Rows of the table of panes: three windows of eight countries."""
PRODUCTS = 7
LEFT = 8


def panes() -> Bound:
    """Give the table of panes by country."""
    columns = [
        ("window", "Window (UTC)", "left event"),
        ("country", "Country", "left"),
        ("sessions", "Sessions", ""),
        ("events", "Events", ""),
        ("orders", "Orders", ""),
        ("conversion", "Conversion", ""),
        ("revenue", "Revenue, EUR", ""),
        ("state", "Pane", "tag"),
    ]
    return parts.table(columns, PANES)


def panes_values(panes: pd.DataFrame) -> dict[str, Any]:
    """Give the table of panes by country, the newest window first."""
    values: dict[str, Any] = {}
    if len(panes):
        panes = panes.sort_values([WINDOW_END, "country"], ascending=[False, True]).head(PANES)
    for row, pane in enumerate(panes.to_dict("records")):
        word, style = pane_state(pane[TIMING], pane[REVISION])
        values |= {
            f"window{row}": f"{words.clock(pane[WINDOW_START])} – {words.clock(pane[WINDOW_END])}",
            f"country{row}": pane["country"],
            f"sessions{row}": words.number(pane["sessions"]),
            f"events{row}": words.number(pane["events"]),
            f"orders{row}": words.number(pane["orders"]),
            f"conversion{row}": words.percent(pane["orders"] / pane["sessions"], 2),
            f"revenue{row}": words.number(pane["revenue"], 2),
            f"state{row}": word,
            f"state{row}_class": style,
        }
    return values | parts.filled(PANES, len(panes))


def pane_state(timing: str, revision: int) -> tuple[str, str]:
    """Say what kind of pane it is, in words, and its style.

    Examples
    --------
    >>> pane_state("late", 2)
    ('revised, 2×', 'late')
    """
    if timing == EARLY:
        return "still open", "open"
    return (f"revised, {revision}×", "late") if timing == LATE else ("on time", "")


def trending() -> Bound:
    """Give the table of trending products."""
    columns = [
        ("product", "Product", "left"),
        ("line", "By minute", "spark"),
        ("views", "Views", ""),
        ("usual", "Usual", ""),
        ("z", "z-score", ""),
    ]
    return parts.table(columns, PRODUCTS, empty="Known after three minutes.")


def trending_values(scope: Scope) -> dict[str, Any]:
    """Give the products that are viewed more than usual, the strangest first."""
    found = clickrows.trending(scope).head(PRODUCTS)
    values: dict[str, Any] = parts.filled(PRODUCTS, len(found))
    for row, one in enumerate(found.to_dict("records")):
        values |= {
            f"product{row}": f"no. {one['product_id']}",
            f"line{row}": one["line"],
            f"views{row}": words.number(one["views"]),
            f"usual{row}": words.number(one["usual"], 1),
            f"z{row}": words.number(one["z"], 1),
        }
    return values


def abandoned() -> Bound:
    """Give the table of abandoned checkouts."""
    columns = [
        ("began", "Checkout (UTC)", "left event"),
        ("session", "Session", "left"),
        ("user", "User", ""),
        ("said", "", "left"),
    ]
    return parts.table(columns, LEFT, empty="None yet: the first can be known when its 30 min are over.")


def abandoned_values(scope: Scope) -> dict[str, Any]:
    """Give the last checkouts that no purchase followed."""
    found = clickrows.abandoned(scope).head(LEFT)
    values: dict[str, Any] = parts.filled(LEFT, len(found))
    for row, one in enumerate(found.to_dict("records")):
        values |= {
            f"began{row}": words.clock(one["match_start"]),
            f"session{row}": str(one["session_id"]),
            f"user{row}": str(one.get("user", "")),
            f"said{row}": "no purchase in time",
        }
    return values
