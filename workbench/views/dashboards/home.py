"""Home: which pipelines are live, and how they are doing."""

from __future__ import annotations

import html
from collections.abc import Sequence
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd

from workbench.views import charts, page, theme, words
from workbench.views.bound import Bound
from workbench.views.live import Tables
from workbench.views.page import Page
from workbench.views.pagecard import Card
from workbench.views.service import Feed

TITLE = "Live pipelines"
QUESTION = (
    "Each card is a pipeline at work in this process. Events stream through windows of event time; "
    "a watermark says when a result is final."
)

SHOWN = {
    "clickstream": (
        "Store pulse",
        "Visits to a web shop: traffic, the way to an order, what trends, who gives up, and who is a bot.",
    ),
    "trading": (
        "Tape",
        "Trades of six symbols: candles at four intervals, the book, returns; and payments to look at.",
    ),
    "sensors": (
        "City",
        "Stations that measure a city's air: a map, gaps, faults, and how time passes; break it yourself.",
    ),
}

LATE_ROWS = 3
"""Late rows shown of each pipeline."""
WHAT = (
    "{action} by a visitor from {country}",
    "{side} of {size} {symbol} at {price} EUR",
    "{station}: {temperature} °C",
    "a payment of {amount} EUR in {city}",
)
"""How rows are told of; the first is taken of which a row has all columns."""


def view(feeds: Sequence[Feed]) -> Page:
    """Build the page of one browser session."""
    top = Bound(
        html=f'<div class="cards">{"".join(_card(feed.name) for feed in feeds)}</div>',
    )
    names = [SHOWN[feed.name][0] for feed in feeds]
    colors = [theme.VERMILLION, theme.ORANGE, theme.PURPLE]
    lag = charts.line_plot(
        lag_rows(feeds),
        "now",
        "lag",
        "pipeline",
        categories=names,
        colors=colors,
        x_time="processing",
        x_label="processing time (UTC)",
        y_label="seconds",
        y_format="0.0",
        zero=True,
        height=262,
        dots=False,
    )

    late = page.table(
        [
            ("pipeline", "Pipeline", "left"),
            ("result", "Missed", "left"),
            ("time", "Event time (UTC)", "left event"),
            ("arrival", "Came at (UTC)", "left processing"),
            ("watermark", "Watermark it met (UTC)", "left event"),
            ("by", "Late by", ""),
            ("what", "What", "left"),
        ],
        LATE_ROWS * len(feeds),
    )

    def update() -> None:
        values: dict[str, Any] = {}
        for feed in feeds:
            values |= card_values(feed)
        top.say(**values)
        asked = next((feed for feed in feeds if feed.run.status == "running"), feeds[0])
        lag.show(asked.once("lag", lambda: Tables(lag.shape(lag_rows(feeds))), every=0.4))
        late.show(asked.said("late", lambda: late_values(feeds), every=0.9))

    cards = [
        Card(
            "Lag: how far each watermark is behind processing time, s",
            lag,
            span=8,
            note="The price of waiting for rows out of order: results come later, and fewer rows too late",
            legend=page.legend(lag.legend, open_windows=""),
        ),
        Card("How to read these pages", Bound(html=_WORDS), span=4),
        Card(
            "Rows that came too late",
            late,
            span=12,
            note="They are in no result, but none disappears; the newest of each pipeline",
        ),
    ]
    return Page(list(feeds), "", TITLE, QUESTION, cards, top, update, controls=False)


def _card(name: str) -> str:
    title, text = SHOWN[name]
    facts = (
        ("event", "Watermark", "watermark"),
        ("processing", "Processing time", "now"),
        ("", "Lag", "lag"),
        ("", "Rows so far", "rows"),
        ("", "Late rows", "late"),
        ("", "Rejected rows", "rejected"),
        ("", "Speed", "speed"),
        ("", "State", "size"),
    )
    pieces = "".join(
        f'<div class="{style}"><dt>{word}</dt><dd data-text="{name}_{slot}"></dd></div>'
        for style, word, slot in facts
    )
    return (
        f'<a class="pipe" href="./{name}"><h2>{html.escape(title)}<span class="pill" data-base="pill" '
        f'data-class="{name}_status" data-text="{name}_state"></span></h2><p>{html.escape(text)}</p>'
        f'<div class="big"><div><b data-text="{name}_rate"></b> <span>events/s</span></div>'
        f'<div class="line" data-spark="{name}_line"></div></div><dl>{pieces}</dl>'
        f'<span class="go">Open the {html.escape(title.lower())} dashboard →</span></a>'
    )


def card_values(feed: Feed) -> dict[str, Any]:
    """Give what a card shows."""
    metrics = feed.metrics()
    values = {
        "state": {"running": "LIVE"}.get(metrics.status, metrics.status.upper()),
        "status": metrics.status,
        "rate": words.short(metrics.rows_per_second),
        "line": feed.rates(),
        "watermark": words.clock(metrics.watermark),
        "now": words.clock(metrics.now),
        "lag": words.seconds(metrics.lag),
        "rows": words.short(metrics.rows),
        "late": words.number(metrics.late),
        "rejected": words.number(metrics.rejected),
        "speed": "max" if feed.speed == "max" else f"{feed.speed:g}×",
        "size": f"{words.short(metrics.state)} entries",
    }
    return {f"{feed.name}_{name}": value for name, value in values.items()}


def late_values(feeds: Sequence[Feed]) -> dict[str, Any]:
    """Give the table of late rows: the newest of each pipeline."""
    values: dict[str, Any] = {f"row{row}": False for row in range(LATE_ROWS * len(feeds))}
    row = 0
    for feed in feeds:
        frames = feed.run.trace.late.since(feed.run.trace.late.total - LATE_ROWS)
        newest = [one for frame in reversed(frames) for one in frame.tail(LATE_ROWS).to_dict("records")[::-1]]
        for one in newest[:LATE_ROWS]:
            values |= {
                f"row{row}": True,
                f"pipeline{row}": SHOWN[feed.name][0],
                f"result{row}": one["result"],
                f"time{row}": words.clock(one["event_time"]),
                f"arrival{row}": words.clock(one["arrival_time"]),
                f"watermark{row}": words.clock(one["watermark"]),
                f"by{row}": words.seconds(one["late_by"]),
                f"what{row}": what(one),
            }
            row += 1
    return values


def what(row: dict[str, Any]) -> str:
    """Say what a row is about.

    Examples
    --------
    >>> what({"action": "cart", "country": "FR"}), what({"visits": 3})
    ('cart by a visitor from FR', 'a row of another result')
    """
    for words_of_it in WHAT:
        if all(name in row for _, name, _, _ in Formatter().parse(words_of_it) if name):
            return words_of_it.format(**row)
    return "a row of another result"


def lag_rows(feeds: Sequence[Feed]) -> pd.DataFrame:
    """Give the lag of the last watermarks by processing time: ``now, lag`` in s, ``pipeline``."""
    lags = {}
    for feed in feeds:
        marks = np.array(list(feed.run.trace.watermarks)[-1_200:], dtype=np.int64).reshape(-1, 2)
        now = pd.DatetimeIndex(marks[:, 0]).floor("5s")
        lags[SHOWN[feed.name][0]] = pd.Series((marks[:, 0] - marks[:, 1]) / 1e9).groupby(now).max()
    table = pd.DataFrame(lags)
    table = table.ffill().where(table.bfill().notna())  # nothing is known of a run beyond its last mark
    table = table[table.index > table.index.max() - pd.Timedelta("8min")]
    return table.rename_axis("now").reset_index().melt("now", var_name="pipeline", value_name="lag")


_WORDS = """<dl class="words">
<dt class="event">Event time</dt><dd>when something happened. Always blue.</dd>
<dt class="processing">Processing time</dt><dd>when we got to know. Always green.</dd>
<dt>Window</dt><dd>a stretch of event time whose rows are counted together;
hatched or dashed while still open.</dd>
<dt class="event">Watermark</dt><dd>no row older than this is waited for;
a window closes when it passes the window's end.</dd>
<dt>Lag</dt><dd>processing time minus watermark.</dd>
<dt>Late rows</dt><dd>came after their window had closed for good; kept aside, and counted.</dd>
</dl>"""
