"""The review queue of payments: those that look like fraud, until somebody has said what they are."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.views import parts, words
from workbench.views.bound import Bound
from workbench.views.dashboards import fraud
from workbench.views.scope import Scope

ROWS = 12
FRAUD, FINE = "fraud", "fine"
KEPT = 5_000
"""Verdicts that are remembered: by then their payments are long out of the queue."""


def verdicts(scope: Scope) -> dict[str, str]:
    """Give what has been said of payments, by their identifiers, the last last; the same for all sessions."""
    kept: dict[str, str] = scope.feed.keep("verdicts", dict)
    return kept


def version(scope: Scope) -> Any:
    """Give what changes with each verdict."""
    kept = verdicts(scope)
    return len(kept), next(reversed(kept.items()), None)


def obey(scope: Scope, name: str, value: str) -> None:
    """Take a verdict, ``fraud`` or ``fine`` with a payment, or take the last one back: ``undo``."""
    kept, open_now = verdicts(scope), waiting(scope)
    if name == "undo" and kept:
        kept.popitem()
    elif name in (FRAUD, FINE) and len(open_now) and value in set(open_now["event_id"].astype(str)):
        kept[value] = name
        if len(kept) > KEPT:
            del kept[next(iter(kept))]


def waiting(scope: Scope) -> pd.DataFrame:
    """Give the payments to look at of which nobody has said anything, the newest first."""
    scores = scope.closed("scores")
    if scores.empty:
        return scores
    doubtful = scores[(scores["score"] >= fraud.REVIEW).to_numpy()]
    return doubtful[~doubtful["event_id"].astype(str).isin(list(verdicts(scope))).to_numpy()].iloc[::-1]


def queue() -> Bound:
    """Give the table of payments to look at."""
    columns = [
        ("time", "Event time (UTC)", "left event"),
        ("card", "Card", "left"),
        ("amount", "Amount, EUR", ""),
        ("what", "For", "left"),
        ("where", "Where", "left"),
        ("ten", "In 10 min", ""),
        ("away", "Away, km", ""),
        ("score", "Score", ""),
        ("meter", "", "bar"),
        ("fraud", "", "button:fraud:Fraud"),
        ("fine", "", "button:fine:Fine"),
    ]
    return parts.table(columns, ROWS, empty="Nothing to review.")


def foot() -> Bound:
    """Give what is said of the queue, and the button that takes the last verdict back."""
    return Bound(
        html='<div class="legend"><span data-text="said"></span>'
        '<button type="button" data-command="undo" data-show="some" hidden>Undo</button></div>',
    )


def foot_values(scope: Scope) -> dict[str, Any]:
    """Give how many wait, and what has been said."""
    told = list(verdicts(scope).values())
    said = f"{len(waiting(scope))} waiting, {told.count(FRAUD)} fraud, {told.count(FINE)} fine"
    return {"said": said, "some": bool(told)}


def queue_values(scope: Scope) -> dict[str, Any]:
    """Give the last payments with a high score that nobody has looked at."""
    found = waiting(scope).head(ROWS)
    values: dict[str, Any] = parts.filled(ROWS, len(found))
    for row, one in enumerate(found.to_dict("records")):
        payment = f"{one['amount']:,.2f} EUR of card {one['card']}"
        values |= {
            f"time{row}": words.clock(one["event_time"]),
            f"card{row}": str(one["card"]),
            f"amount{row}": words.number(one["amount"], 2),
            f"what{row}": str(one["category"]),
            f"where{row}": f"{one['city']}, {one['country']}",
            f"ten{row}": words.number(one["ten"]),
            f"away{row}": words.number(one["away"]) if one["away"] > fraud.FAR else words.NOTHING,
            f"score{row}": f"{one['score']:.2f}",
            f"meter{row}": round(100 * one["score"], 1),
            f"fraud{row}": str(one["event_id"]),
            f"fraud{row}_label": f"Fraud: {payment}",
            f"fine{row}": str(one["event_id"]),
            f"fine{row}_label": f"Fine: {payment}",
        }
    return values
