"""The tab of payments: which look as if somebody else paid, and how good that guess is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.model.panes import WINDOW_END
from workbench.model.stream import EventStream
from workbench.views import charts, parts, theme, words
from workbench.views.bound import Bound
from workbench.views.export import origin
from workbench.views.pagecard import Card
from workbench.views.scope import Scope

TAB = "payments"
REVIEW = 0.3
"""Score from which on somebody looks at a payment: half of those just above it are fraud, fewer below."""
EARTH = 6_371.0
"""Radius, km."""
HOME = "6h"
"""Within so long nobody honest pays in shops of two cities."""
USUAL, FAR, DEAR = 8, 50.0, 200.0
"""Payments of a card in 10 min, km away, and EUR on the web at an average price, that are nothing yet."""
PRICES = {"groceries": 0.53, "restaurant": 0.46, "fuel": 0.84, "clothes": 0.99, "electronics": 1.82,
          "travel": 1.67, "other": 0.68}  # fmt: skip
"""What is paid in each category, by the mean of all, in the same seeds."""
WEIGHTS = {"base": -6.9, "many": 7.4, "away": 7.0, "web": 2.0, "dear": 7.7}
"""Of a logistic regression on 2.7 million payments, 6 h of each of the seeds 101 to 112; judged on others."""


def pipeline(payments: Any, duration: str | None) -> dict[str, EventStream]:
    """Describe the results of payments.

    Returns
    -------
    dict of str to EventStream
        ``scores``: each payment with ``ten`` (payments of its card in the 10 min up to it), ``away`` (km from
        the first shop that its card was in within 6 h; 0 on the web) and ``score`` (0 to 1). ``payments``:
        how many, and how many to review, by minute.
    """
    paid = wb.stream(payments, watermark="5s", duration=duration, name="payments")
    placed = paid.assign(shop_north=_north, shop_east=_east)
    known = (
        placed.groupby("card").rolling(HOME).agg(north=("shop_north", "first"), east=("shop_east", "first"))
    )
    scored = known.groupby("card").rolling("10min").agg(ten=("event_id", "size"))
    scored = scored.assign(away=away).assign(score=score)
    return {
        "scores": scored,
        "payments": scored.assign(review=_review)
        .window("1min")
        .agg(count=("event_id", "size"), review=("review", "sum"), amount=("amount", "sum")),
    }


def _north(payments: pd.DataFrame) -> Any:
    return payments["latitude"].where(payments["present"])


def _east(payments: pd.DataFrame) -> Any:
    return payments["longitude"].where(payments["present"])


def away(payments: pd.DataFrame) -> Any:
    """Give how far from the first shop of late a card is, km; 0 where it was not there, as on the web."""
    a, b = np.radians(payments["latitude"].to_numpy(float)), np.radians(payments["north"].to_numpy(float))
    turn = np.radians(payments["longitude"].to_numpy(float) - payments["east"].to_numpy(float))
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(turn / 2) ** 2
    way = 2 * EARTH * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return np.where(payments["present"].to_numpy(bool), np.nan_to_num(way), 0.0)


def score(payments: pd.DataFrame) -> Any:
    """Give how much a payment looks like fraud, 0 to 1: many in 10 min, too far away, dear on the web."""
    signs = reasons(payments)
    return 1 / (1 + np.exp(-sum(WEIGHTS[name] * sign for name, sign in signs.items())))


def reasons(payments: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give what speaks for fraud, as `WEIGHTS` weigh it: nothing of it tells the truth of the simulator."""
    web = ~payments["present"].to_numpy(bool)
    fair = payments["amount"].to_numpy(float) / payments["category"].map(PRICES).to_numpy(float)
    return {
        "base": np.ones(len(payments)),
        "many": np.maximum(payments["ten"].to_numpy(float) - USUAL, 0) / 10,
        "away": (payments["away"].to_numpy(float) > FAR).astype(float),
        "web": web.astype(float),
        "dear": web * np.log(np.maximum(fair / DEAR, 1)),
    }


def _review(payments: pd.DataFrame) -> Any:
    return (payments["score"] >= REVIEW).astype("int64")


def cards(scope: Scope, tables: Any) -> list[Card]:
    """Give the cards of the tab."""
    rates = charts.line_plot(
        minutes(scope), "window_end", "count", "what", categories=("all", "to review"), dots=False,
        height=230,
        x_label="event time (UTC)", y_label="payments per minute", zero=True,
    )  # fmt: skip
    spread = charts.bar_plot(
        spread_rows(scope), "score", "said_height", text="said", categories=BINS, height=230,
        color=theme.PURPLE, room=0.3,
    )  # fmt: skip
    return [
        Card("Payments per minute", rates, span=5, data=lambda: minutes(scope), every=0.9, tab=TAB,
             legend=parts.legend(rates.legend, open_windows="dashed")),
        Card(
            "Payments by score", spread, span=5, note="Length of a bar: logarithm of how many",
            data=lambda: spread_rows(scope), every=0.9, tab=TAB,
        ),
        Card("How good the scores are", tables["quality"].bound, span=7, tab=TAB,
             note="Against the truth of the simulator, of all payments that are kept"),
        Card("Review queue", tables["queue"].bound, span=12, tab=TAB, extra=tables["verdicts"].bound,
             note="The newest first; what somebody says of a payment holds for all who look"),
    ]  # fmt: skip


def minutes(scope: Scope) -> pd.DataFrame:
    """Give payments by minute, all and to review: ``window_end, what, count, timing``."""
    panes = scope.panes("payments", last="1h")
    if panes.empty:
        return panes
    whole = panes[[WINDOW_END, "timing"]]
    return pd.concat(
        [
            whole.assign(what="all", count=panes["count"]),
            whole.assign(what="to review", count=panes["review"]),
        ]
    )


BINS = tuple(f"{n / 10:.1f} – {n / 10 + 0.1:.1f}" for n in range(10))


def spread_rows(scope: Scope) -> pd.DataFrame:
    """Give how many payments have which score: ``score, payments, said_height, said``."""
    scores = scope.closed("scores")
    if scores.empty:
        return scores
    count = np.histogram(scores["score"], np.linspace(0, 1, 11))[0]
    said = [words.number(n) for n in count]
    return pd.DataFrame({"score": BINS, "payments": count, "said_height": np.log10(1 + count), "said": said})


def quality() -> Bound:
    """Give the table of how good the scores are."""
    columns = [("what", "", "left"), ("value", "", "")]
    return parts.table(columns, 6)


def quality_values(scope: Scope) -> dict[str, Any]:
    """Say how many of those told of are fraud (precision), and how much of the fraud was told of (recall)."""
    scores = scope.closed("scores")
    if scores.empty:
        return parts.filled(6, 0)
    true = scores["event_id"].isin(frauds(scope, scores["event_time"])).to_numpy()
    told = (scores["score"] >= REVIEW).to_numpy()
    hits = int((told & true).sum())
    lines = [
        ("Payments scored", words.number(len(scores))),
        ("To review", words.number(told.sum())),
        ("Fraud, in truth", words.number(true.sum())),
        ("Found", words.number(hits)),
        ("Precision", words.percent(hits / told.sum() if told.any() else None)),
        ("Recall", words.percent(hits / true.sum() if true.any() else None)),
    ]
    values: dict[str, Any] = parts.filled(6, 6)
    for row, (what, value) in enumerate(lines):
        values |= {f"what{row}": what, f"value{row}": value}
    return values


def frauds(scope: Scope, times: pd.Series) -> set[int]:
    """Give the payments that are fraud in truth, of the blocks of the simulator that times are in."""
    simulator = origin(scope, "payments").simulator
    begin = pd.Timestamp(simulator.start)
    blocks = range(
        max(int((times.min() - begin) // simulator.block), 0),
        int((times.max() - begin) // simulator.block) + 1,
    )
    return set().union(*(_frauds(simulator, block) for block in blocks))


@lru_cache(maxsize=32)
def _frauds(simulator: Any, block: int) -> frozenset[int]:
    return frozenset(simulator.block_truth(block)["event_id"].tolist())
