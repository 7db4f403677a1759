"""Tape: what a market does from one second to the next, its book, and payments to look at."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
from bokeh.models import DataRange1d

import workbench as wb
from simulators import PRESETS, Idle, OrderBook, Payments, Trading
from workbench.model.stream import EventStream
from workbench.views import charts, page, theme
from workbench.views.alerts import Alerts
from workbench.views.bound import Bound
from workbench.views.candles import candle_plot
from workbench.views.dashboards import fraud, review, tapetables
from workbench.views.dashboards import taperows as rows
from workbench.views.dashboards.tapetables import MARKET, Table
from workbench.views.page import Page
from workbench.views.pagecard import Card
from workbench.views.scope import Scope
from workbench.views.service import Feed

NAME = "trading"
TITLE = "Tape"
QUESTION = "Where are prices going, who pushes them, and which payments should somebody look at?"

SYMBOLS = ("ALBA", "BRIO", "CETO", "DUNE", "ERGO", "FARO")
BLOCK_TRADE = 3_000
"""Shares from which on a trade is left out of the average price."""


def pipeline(seed: int = 7, duration: str | None = None) -> dict[str, EventStream]:
    """Describe the results: of the tape of trades, of the order books, and of payments by card.

    Parameters
    ----------
    seed : int
        Of the simulators.
    duration : duration, optional
        How long the market is open, in processing time; without it, for ever.

    Returns
    -------
    dict of str to EventStream
        ``candles 1s`` to ``candles 5min``: open, high, low, close, volume, what takers bought of it, notional
        and trades by symbol. ``average``: volume and notional by symbol over a minute, every 5 s, for the
        volume-weighted average price; without block trades, which would pull it away. ``quotes``: the best
        bid and ask, and cancelled orders, by symbol and second. ``depth``: how much more waits at each price
        since the last 10 s began. ``payments``, ``scores``: by minute, and each with its score; see `fraud`.
    """
    delivery = replace(PRESETS["market"], faults=(Idle(every="4min", length="40s", share=0.17),))
    market = Trading(seed=seed, symbols=SYMBOLS, anomalies=0.6, delivery=delivery)
    policy = wb.BoundedOutOfOrderness("500ms", by="symbol", idle="5s")
    tape = wb.stream(market, watermark=policy, duration=duration, name="tape")
    trades = tape.assign(notional=_notional, bought=_bought)
    book = wb.stream(OrderBook(seed=seed, symbols=SYMBOLS), watermark="500ms", duration=duration, name="book")
    orders = book.assign(change=_change, cancelled=_cancelled)
    candles = {
        f"candles {size}": trades.groupby("symbol")
        .window(size)
        .agg(
            open=("price", "first"),
            high=("price", "max"),
            low=("price", "min"),
            close=("price", "last"),
            volume=("size", "sum"),
            bought=("bought", "sum"),
            notional=("notional", "sum"),
            trades=("size", "size"),
        )
        for size in rows.INTERVALS
    }
    return candles | {
        "average": trades.query(_usual)
        .groupby("symbol")
        .window(wb.Sliding("1min", "5s"))
        .agg(volume=("size", "sum"), notional=("notional", "sum")),
        "quotes": orders.groupby("symbol")
        .window("1s")
        .agg(
            bid=("bid", "last"),
            bid_size=("bid_size", "last"),
            ask=("ask", "last"),
            ask_size=("ask_size", "last"),
            cancelled=("cancelled", "sum"),
        ),
        "depth": orders.groupby("symbol", "side", "price").window("10s").agg(change=("change", "sum")),
        **fraud.pipeline(Payments(seed=seed, payments_per_day=10), duration),
    }


def _usual(trades: pd.DataFrame) -> Any:
    return trades["size"] < BLOCK_TRADE


def _notional(trades: pd.DataFrame) -> Any:
    return trades["price"] * trades["size"]


def _bought(trades: pd.DataFrame) -> Any:
    return trades["size"].where(trades["side"] == "buy", 0)


def _change(orders: pd.DataFrame) -> Any:
    return orders["size"].where(orders["kind"] == "limit", -orders["size"])


def _cancelled(orders: pd.DataFrame) -> Any:
    return (orders["kind"] == "cancel").astype("int64")


def view(feed: Feed) -> Page:
    """Build the page of one browser session."""
    choices = {"symbol": SYMBOLS, "interval": rows.INTERVALS[1:2] + rows.INTERVALS[:1] + rows.INTERVALS[2:]}
    scope = Scope(feed, choices=choices | {"tab": (MARKET, fraud.TAB)}, last="5min")
    top = page.kpis(
        ("last", "Last price", "EUR"),
        ("vwap", "VWAP 1 min", "EUR"),
        ("spread", "Spread", "bp"),
        ("trades", "Trades, all symbols", "/s"),
        ("volume", "Shares, all symbols", "/s"),
        ("bought", "Bought, last minute", "%"),
    )
    alerts = Alerts(scope, rows.alerts)
    tables = tapetables.made(SYMBOLS)
    choice = _choice()

    def update() -> None:
        symbol = scope.chosen["symbol"]
        top.show(scope.said(("kpis", symbol), lambda: rows.key_figures(scope, symbol), every=0.4))
        choice.say(symbol=symbol, interval=scope.chosen["interval"])
        said = review.version(scope)
        for name, (bound, values, every, tab) in tables.items():
            if tab == scope.chosen["tab"]:
                key = ("table", name, symbol, said)
                bound.show(scope.said(key, partial(values, scope, symbol), every=every))

    def act(name: str, value: str) -> None:
        review.obey(scope, name, value)

    cards = [*_prices(scope, choice, tables), *_returns(scope, tables, alerts), *fraud.cards(scope, tables)]
    board = sys.modules[__name__]
    return Page(
        [feed], NAME, TITLE, QUESTION, cards, top, update, scope=scope, alerts=alerts, board=board, act=act
    )


def _prices(scope: Scope, choice: Bound, tables: Mapping[str, Table]) -> list[Card]:
    together = DataRange1d(range_padding=0.01)
    candles = candle_plot(
        rows.candles(scope), average="vwap", y_label="EUR", height=310, x_range=together, left=72
    )
    candles.figure.xaxis[0].visible = False
    volume = charts.stacked_plot(
        rows.sides(scope),
        "volume",
        "side",
        categories=("buy", "sell"),
        colors=(theme.UP, theme.DOWN),
        y_label="shares",
        y_format="0a",
        height=150,
        x_label="event time (UTC)",
        x_range=together,
        left=72,
    )
    return [
        Card(
            "Price in windows of event time, EUR",
            candles,
            span=7,
            extra=choice,
            note="Hollow blue up, filled vermillion down; the line is the average price by volume",
            data=lambda: rows.candles(scope),
            every=0.4,
            tab=MARKET,
        ),
        Card(
            "Ladder of the book",
            tables["ladder"].bound,
            span=3,
            rows=2,
            note="What waits at each price, in shares",
            tab=MARKET,
        ),
        Card("Trades", tables["trades"].bound, span=2, rows=2, note="▲ bought, ▼ sold", tab=MARKET),
        Card(
            "Volume by who crossed the spread, shares",
            volume,
            span=7,
            data=lambda: rows.sides(scope),
            every=0.4,
            tab=MARKET,
        ),
    ]


def _returns(scope: Scope, tables: Mapping[str, Table], alerts: Alerts) -> list[Card]:
    returns = charts.line_plot(
        rows.returns(scope), "deviations", "density", "of", categories=("returns", "normal"), dots=True,
        x_time="", x_label="standard deviations", y_label="density, log10", y_format="0.0", height=214,
    )  # fmt: skip
    memory = charts.line_plot(
        rows.memory(scope), "lag", "correlation", "of", categories=("returns", "their size"), dots=True,
        x_time="", x_label="lag, s", y_format="0.00", height=214,
    )  # fmt: skip
    return [
        Card(
            "All symbols",
            tables["symbols"].bound,
            span=5,
            note="VWAP: average price weighted by volume, without block trades",
            tab=MARKET,
        ),
        Card(
            "Returns of 1 s against normal",
            returns,
            span=4,
            note="Fat tails: above the bell far from the middle",
            legend=page.legend(returns.legend, open_windows=""),
            data=lambda: rows.returns(scope),
            every=1.9,
            tab=MARKET,
        ),
        Card(
            "Memory of returns",
            memory,
            span=3,
            note="Autocorrelation of returns, and of their size",
            legend=page.legend(memory.legend, open_windows=""),
            data=lambda: rows.memory(scope),
            every=1.9,
            tab=MARKET,
        ),
        Card(
            "Watermark by symbol",
            tables["watermarks"].bound,
            span=5,
            note="The least of those that are not idle is the watermark of all",
            tab=MARKET,
        ),
        Card("Alerts", alerts.view, span=7, extra=alerts.foot),
    ]


def _choice() -> Bound:
    symbols = "".join(f'<option value="{symbol}">{symbol}</option>' for symbol in SYMBOLS)
    sizes = "".join(f'<option value="{size}">{size}</option>' for size in rows.INTERVALS)
    return Bound(
        html='<div class="pick"><span class="legend"><span><i class="swatch open"></i>still '
        "open</span></span>"
        f'<select data-command="interval" data-value="interval" aria-label="Interval shown">{sizes}</select>'
        f'<select data-command="symbol" data-value="symbol" aria-label="Symbol '
        f'shown">{symbols}</select></div>',
    )
