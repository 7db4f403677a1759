"""The tables of Tape: the ladder of the book, the last trades, all symbols, and whose watermark is where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.engine.door import Door
from workbench.model.panes import WINDOW_START
from workbench.time import NO_WATERMARK, SECOND, timestamp
from workbench.views import parts, words
from workbench.views.bound import Bound
from workbench.views.dashboards import fraud, review, taperows
from workbench.views.export import origin
from workbench.views.scope import Scope


class Table(NamedTuple):
    """A table of the page.

    Parameters
    ----------
    bound : Bound
        The part of the page.
    values : callable
        Gives what it shows, from a scope and the symbol chosen.
    every : float
        Seconds from one change to the next, at least.
    tab : str
        On which it is.
    """

    bound: Bound
    values: Callable[[Scope, str], dict[str, Any]]
    every: float
    tab: str


MARKET = "market"
"""The first tab; the other is that of `workbench.views.dashboards.fraud`."""
LEVELS = 8
TRADES = 19


def made(symbols: Sequence[str]) -> Mapping[str, Table]:
    """Give all tables by name."""
    ladder = [("side", "", "left"), ("price", "Price", ""), ("size", "Shares", ""), ("bar", "", "bar")]
    trades = [("time", "Time", "left event"), ("price", "Price", "signed"), ("size", "Size", "")]
    every = [
        ("symbol", "Symbol", "left"), ("last", "Last, EUR", ""), ("change", "In 5 min", "signed"),
        ("line", "", "spark"), ("vwap", "VWAP", ""), ("volume", "Shares", ""),
    ]  # fmt: skip
    marks = [
        ("symbol", "Symbol", "left"),
        ("watermark", "Watermark (UTC)", "left event"),
        ("heard", "Last heard", ""),
        ("ahead", "Ahead of all", ""),
        ("state", "", "tag"),
    ]
    count = len(symbols)
    return {
        "ladder": Table(parts.table(ladder, 2 * LEVELS + 1), ladder_values, 0.4, MARKET),
        "trades": Table(parts.table(trades, TRADES), trade_values, 0.0, MARKET),
        "symbols": Table(
            parts.table(every, count), lambda scope, _: symbol_values(scope, symbols), 0.9, MARKET
        ),
        "watermarks": Table(
            parts.table(marks, count), lambda scope, _: mark_values(scope, count), 0.4, MARKET
        ),
        "queue": Table(review.queue(), lambda scope, _: review.queue_values(scope), 0.9, fraud.TAB),
        "verdicts": Table(review.foot(), lambda scope, _: review.foot_values(scope), 0.9, fraud.TAB),
        "quality": Table(fraud.quality(), lambda scope, _: fraud.quality_values(scope), 1.9, fraud.TAB),
    }


def ladder(scope: Scope, symbol: str) -> pd.DataFrame:
    """Give the book of a symbol: ``side, price, size``, best prices first.

    It is the snapshot with which the last 10 s began, and all that has come and gone since.
    """
    panes = scope.panes("depth", last="10s")
    if panes.empty:
        return panes
    begin = panes[WINDOW_START].max()
    since = panes[(panes[WINDOW_START] == begin).to_numpy() & (panes["symbol"] == symbol).to_numpy()]
    book = snapshot(origin(scope, "book").simulator, begin)
    book = book[(book["symbol"] == symbol).to_numpy()]
    is_bid = np.append(book["side"] == "bid", since["side"] == "bid")
    prices = np.append(book["price"], since["price"])
    sizes = np.append(book["size"], since["change"]).astype(float)
    sides = []
    for side, chosen, order in (("ask", ~is_bid, 1), ("bid", is_bid, -1)):
        levels, place = np.unique(np.rint(100 * prices[chosen]) * order, return_inverse=True)
        waiting = np.bincount(place, weights=sizes[chosen], minlength=len(levels))
        best = np.flatnonzero(waiting > 0)[:LEVELS]
        sides.append(pd.DataFrame({"side": side, "price": levels[best] * order / 100, "size": waiting[best]}))
    return pd.concat(sides, ignore_index=True)


@lru_cache(maxsize=16)
def snapshot(simulator: Any, begin: pd.Timestamp) -> pd.DataFrame:
    """Give what waited at each side and price when a block of the simulator began."""
    depth: pd.DataFrame = simulator.depth(int((begin - pd.Timestamp(simulator.start)) // simulator.block))
    return depth


def ladder_values(scope: Scope, symbol: str) -> dict[str, Any]:
    """Give the ladder, the highest ask on top; between the sides the imbalance of what waits."""
    book = ladder(scope, symbol)
    if book.empty:
        return parts.filled(2 * LEVELS + 1, 0)
    asks, bids = (book[book["side"] == side] for side in ("ask", "bid"))
    most, values = book["size"].max(), dict[str, Any](parts.filled(2 * LEVELS + 1, 2 * LEVELS + 1))
    lean = (bids["size"].sum() - asks["size"].sum()) / max(book["size"].sum(), 1)
    rows = [*asks.iloc[::-1].to_dict("records"), None, *bids.to_dict("records")]
    for row, level in enumerate(rows):
        if level is None:
            values |= {
                f"side{row}": "lean",
                f"price{row}": words.signed(100 * lean, 0, " %"),
                f"size{row}": "to bids",
            }
            values |= {f"bar{row}": 50 + 50 * lean}
            continue
        values |= {
            f"side{row}": level["side"],
            f"price{row}": words.number(level["price"], 2),
            f"size{row}": words.number(level["size"]),
            f"bar{row}": round(100 * level["size"] / most, 1),
        }
    return values | {f"row{row}": row < len(rows) for row in range(2 * LEVELS + 1)}


def trade_values(scope: Scope, symbol: str) -> dict[str, Any]:
    """Give the last trades of a symbol, the newest first."""
    events = scope.events()
    events = events[(events["symbol"] == symbol).to_numpy()].head(TRADES) if len(events) else events
    values: dict[str, Any] = parts.filled(TRADES, len(events))
    for row, trade in enumerate(events.to_dict("records")):
        up = trade["side"] == "buy"
        values |= {
            f"time{row}": words.clock(trade["event_time"]),
            f"price{row}": f"{'▲' if up else '▼'} {trade['price']:,.2f}",
            f"price{row}_class": "up" if up else "down",
            f"size{row}": words.number(trade["size"]),
        }
    return values


def symbol_values(scope: Scope, symbols: Sequence[str]) -> dict[str, Any]:
    """Give the table of all symbols, over the last five minutes."""
    average = scope.closed("average")
    values: dict[str, Any] = parts.filled(len(symbols), len(symbols))
    for row, symbol in enumerate(symbols):
        own = taperows.seconds(scope, symbol).tail(300)
        mean = average[(average["symbol"] == symbol).to_numpy()].tail(1) if len(average) else average
        if own.empty or mean.empty:
            continue
        change = 100 * (own["close"].iloc[-1] / own["open"].iloc[0] - 1)
        values |= {
            f"symbol{row}": symbol,
            f"last{row}": words.number(own["close"].iloc[-1], 2),
            f"change{row}": words.signed(change, 2, " %"),
            f"change{row}_class": "up" if change > 0.005 else "down" if change < -0.005 else "",
            f"line{row}": np.round(own["close"].iloc[::5], 3).tolist(),
            f"vwap{row}": words.number((mean["notional"] / mean["volume"]).iloc[0], 2),
            f"volume{row}": words.short(own["volume"].sum()),
        }
    return values


def mark_values(scope: Scope, count: int) -> dict[str, Any]:
    """Give the watermark of each symbol, when it was heard last, and who holds the others back; now only."""
    if scope.at is not None:
        return parts.filled(count, 0)
    doors = [each for _, each in scope.run.graph.operators() if isinstance(each, Door) and each.parts()]
    marks = sorted(doors[0].parts().items()) if doors else []
    awake = [mark for _, (mark, _, idle) in marks if not idle]
    least = min(awake, default=NO_WATERMARK)
    values: dict[str, Any] = parts.filled(count, len(marks))
    for row, (symbol, (mark, heard, idle)) in enumerate(marks[:count]):
        state, style = (
            ("idle", "open") if idle else ("holds the others", "late") if mark == least else ("", "")
        )
        values |= {
            f"symbol{row}": symbol,
            f"watermark{row}": words.clock(timestamp(mark)),
            f"heard{row}": f"{words.seconds((scope.run.now - heard) / SECOND)} ago",
            f"ahead{row}": words.seconds(max(mark - least, 0) / SECOND) if not idle else words.NOTHING,
            f"state{row}": state,
            f"state{row}_class": style,
        }
    return values
