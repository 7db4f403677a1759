"""Trading: what a market does from one five seconds to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import DataRange1d

import workbench as wb
from simulators import Trading
from workbench.model.panes import WINDOW_END
from workbench.model.stream import EventStream
from workbench.views import charts, page, theme, words
from workbench.views.bound import Bound
from workbench.views.candles import candle_plot
from workbench.views.page import Card, Page
from workbench.views.service import Feed
from workbench.views.tables import pivoted

NAME = "trading"
TITLE = "Trading"
QUESTION = "Where are prices going, who pushes them, and at which volume?"

SYMBOLS = ("ALBA", "BRIO", "CETO", "DUNE", "ERGO", "FARO")
SIDES = ("buy", "sell")
SPAN = "5min"
BLOCK_TRADE = 3_000
"""Shares from which on a trade is left out of the average price."""


def pipeline(seed: int = 7, duration: str | None = None) -> dict[str, EventStream]:
    """Describe the results, all from one tape of trades.

    Parameters
    ----------
    seed : int
        Of the simulator.
    duration : duration, optional
        How long the market is open, in processing time; without it, for ever.

    Returns
    -------
    dict of str to EventStream
        ``candles``: open, high, low, close, volume, notional and trades by symbol in windows of 5 s.
        ``average``: volume and notional by symbol over a minute, every 5 s, for the volume-weighted average
        price; without block trades, which would pull it away. ``sides``: volume by symbol and side in
        windows of 5 s.
    """
    tape = wb.stream(Trading(seed=seed, symbols=SYMBOLS, anomalies=0.4), watermark="500ms", duration=duration)
    trades = tape.assign(notional=_notional)
    return {
        "candles": trades.groupby("symbol")
        .window("5s")
        .agg(
            open=("price", "first"),
            high=("price", "max"),
            low=("price", "min"),
            close=("price", "last"),
            volume=("size", "sum"),
            notional=("notional", "sum"),
            trades=("size", "size"),
        ),
        "average": trades.query(f"size < {BLOCK_TRADE}")
        .groupby("symbol")
        .window(wb.Sliding("1min", "5s"))
        .agg(volume=("size", "sum"), notional=("notional", "sum")),
        "sides": trades.groupby("symbol", "side").window("5s").agg(volume=("size", "sum")),
    }


def _notional(trades: pd.DataFrame) -> Any:
    return trades["price"] * trades["size"]


def view(feed: Feed) -> Page:
    """Build the page of one browser session."""
    chosen = {"symbol": SYMBOLS[0]}
    top = page.kpis(
        ("last", "Last price", "EUR"),
        ("vwap", "VWAP 1 min", "EUR"),
        ("range", "Range of closes, 5 min", "%"),
        ("trades", "Trades, all symbols", "/s"),
        ("volume", "Shares, all symbols", "/s"),
        ("bought", "Bought, last minute", "%"),
    )
    together = DataRange1d(range_padding=0.01)
    candles = candle_plot(
        candle_rows(feed, SYMBOLS[0]), average="vwap", y_label="EUR", height=386, x_range=together, left=72
    )
    candles.figure.xaxis[0].visible = False
    volume = charts.stacked_plot(
        side_rows(feed, SYMBOLS[0]),
        "volume",
        "side",
        categories=SIDES,
        colors=(theme.UP, theme.DOWN),
        y_label="shares per 5 s",
        y_format="0a",
        height=216,
        x_label="event time (UTC)",
        x_range=together,
        left=72,
    )
    change = charts.line_plot(
        change_rows(feed),
        "window_end",
        "change",
        "symbol",
        categories=SYMBOLS,
        y_label="%",
        dots=False,
        y_format="0.00",
        height=352,
        x_label="event time (UTC)",
    )
    grid = page.table(
        [
            ("symbol", "Symbol", "left"),
            ("last", "Last, EUR", ""),
            ("change", "In 5 min", "signed"),
            ("line", "", "spark"),
            ("vwap", "VWAP", ""),
            ("volume", "Shares", ""),
        ],
        len(SYMBOLS),
    )
    choice = _choice()

    def update() -> None:
        symbol = chosen["symbol"]
        top.say(**feed.once(("kpis", symbol), lambda: key_figures(feed, symbol), every=0.4))
        candles.show(feed.once(("candles", symbol), lambda: candles.shape(candle_rows(feed, symbol))))
        volume.show(feed.once(("volume", symbol), lambda: volume.shape(side_rows(feed, symbol))))
        change.show(feed.once("show change", lambda: change.shape(change_rows(feed)), every=0.4))
        grid.say(**feed.once("table", lambda: table_values(feed), every=0.4))

    both = pn.Column(
        pn.pane.Bokeh(candles.figure, sizing_mode="stretch_width"),
        pn.pane.Bokeh(volume.figure, sizing_mode="stretch_width"),
        sizing_mode="stretch_width",
    )
    cards = [
        Card(
            "Price and volume in windows of 5 s",
            both,
            span=7,
            rows=2,
            extra=choice,
            note="Above: price in EUR. Below: shares, by who crossed the spread",
        ),
        Card(
            "All symbols", grid, span=5, note="VWAP: average price weighted by volume, without block trades"
        ),
        Card(
            "Change in the last 5 min, %",
            change,
            span=5,
            legend=page.legend(change.legend, open_windows="dashed"),
        ),
    ]
    made = Page([feed], NAME, TITLE, QUESTION, cards, top, update)

    def choose(event: Any) -> None:
        if event.new.get("value") in SYMBOLS:
            chosen["symbol"] = event.new["value"]
            made.refresh()

    choice.param.watch(choose, "command")
    return made


def _choice() -> Bound:
    options = "".join(f'<option value="{symbol}">{symbol}</option>' for symbol in SYMBOLS)
    keys = (
        f'<span><i class="swatch hollow" style="border-color:{theme.UP}"></i>up / buy</span>'
        f'<span><i class="swatch" style="background:{theme.DOWN}"></i>down / sell</span>'
        f'<span><i class="swatch line" style="background:{theme.ORANGE}"></i>VWAP 1 min</span>'
        '<span><i class="swatch open"></i>still open</span>'
    )
    return Bound(
        html=f'<div class="pick"><span class="legend">{keys}</span><label for="symbol">Symbol</label>'
        '<select id="symbol" data-command="symbol" data-keep aria-label="Symbol shown">'
        f"{options}</select></div>",
        data={},
    )


def candle_rows(feed: Feed, symbol: str) -> pd.DataFrame:
    """Give the candles of a symbol, with the average price over the minute before: ``vwap``."""

    def rows() -> pd.DataFrame:
        candles, average = feed.panes("candles", last=SPAN), feed.closed("average").tail(80 * len(SYMBOLS))
        if candles.empty or average.empty:
            return candles.assign(vwap=[])
        candles = candles[candles["symbol"] == symbol]
        average = average[average["symbol"] == symbol]
        price = pd.Series((average["notional"] / average["volume"]).to_numpy(), average[WINDOW_END].array)
        return candles.assign(vwap=price.reindex(candles[WINDOW_END].array).to_numpy())

    return feed.once(("candle rows", symbol), rows)


def side_rows(feed: Feed, symbol: str) -> pd.DataFrame:
    """Give the volume of a symbol by side."""
    sides = feed.panes("sides", last=SPAN)
    return sides if sides.empty else sides[sides["symbol"] == symbol]


def change_rows(feed: Feed) -> pd.DataFrame:
    """Give the change in percent since the first candle shown: ``window_end, symbol, change, timing``."""
    candles = feed.panes("candles", last=SPAN)
    if candles.empty:
        return candles
    first = candles.groupby("symbol", observed=True)["open"].transform("first")
    return candles.assign(change=100 * (candles["close"] / first - 1))


def key_figures(feed: Feed, symbol: str) -> dict[str, Any]:
    """Give the values of the row of key figures; those of prices are of one symbol."""
    candles = candle_rows(feed, symbol)
    if len(candles) < 14:
        return {}
    everything = feed.panes("candles", last=SPAN)
    every = everything[everything["timing"] != "early"].groupby(WINDOW_END)[["trades", "volume"]].sum() / 5
    if len(every) < 13:
        return {}
    bought = bought_share(side_rows(feed, symbol))
    close, vwap = candles["close"], candles["vwap"].ffill()
    spread = 100 * (close.max() - close.min()) / close.iloc[-1]
    lines = {
        "last": (close, 2),
        "vwap": (vwap, 2),
        "trades": (every["trades"], 0),
        "volume": (every["volume"], 0),
    }
    values: dict[str, Any] = {
        "range": words.number(spread, 2),
        "range_name": f"{symbol}: range, 5 min",
        "range_delta": "between closes",
    }
    for name, (line, digits) in lines.items():
        before = line.iloc[-13]
        moved = words.signed(100 * (line.iloc[-1] / before - 1), digits=2 if digits else 1, unit=" %")
        values |= {
            name: words.number(line.iloc[-1], digits),
            f"{name}_line": [None if pd.isna(v) else round(float(v), 4) for v in line.tail(60)],
            f"{name}_delta": f"{moved} in a minute",
        }
    return values | {
        "last_name": f"{symbol}: last price",
        "vwap_name": f"{symbol}: VWAP 1 min",
        "bought_name": f"{symbol}: bought, 1 min",
        "bought": words.number(bought[-1], 1),
        "bought_line": np.round(bought, 2).tolist(),
        "bought_delta": "of the volume, by takers",
    }


def bought_share(sides: pd.DataFrame) -> np.ndarray:
    """Give, window by window, which percentage of the volume of the minute before takers bought."""
    _, volume = pivoted(sides, WINDOW_END, "volume", "side", SIDES)
    sums = np.cumsum(np.nan_to_num(volume), axis=0)
    sums[12:] -= sums[:-12].copy()
    return 100 * sums[:, 0] / np.maximum(sums.sum(axis=1), 1)


def table_values(feed: Feed) -> dict[str, Any]:
    """Give the table of all symbols."""
    values: dict[str, Any] = {}
    for row, symbol in enumerate(SYMBOLS):
        candles = candle_rows(feed, symbol)
        if candles.empty:
            continue
        change = 100 * (candles["close"].iloc[-1] / candles["open"].iloc[0] - 1)
        values |= {
            f"row{row}": True,
            f"symbol{row}": symbol,
            f"last{row}": words.number(candles["close"].iloc[-1], 2),
            f"change{row}": words.signed(change, 2, " %"),
            f"change{row}_class": "up" if change > 0.005 else "down" if change < -0.005 else "",
            f"line{row}": [round(float(value), 3) for value in candles["close"]],
            f"vwap{row}": words.number(candles["vwap"].ffill().iloc[-1], 2),
            f"volume{row}": words.short(candles["volume"].sum()),
        }
    return {f"row{row}": False for row in range(len(SYMBOLS))} | values
