"""Clickstream: what people do in a web shop, and where they drop out on the way to an order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from simulators import Clickstream
from workbench.model.panes import EARLY, LATE, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.stream import EventStream
from workbench.views import charts, page, theme, words
from workbench.views.page import Card, Page
from workbench.views.service import Feed

NAME = "clickstream"
TITLE = "Clickstream"
QUESTION = "What do visitors of a web shop do, and where do they drop out on the way to an order?"

STEPS = ("view", "product", "cart", "checkout", "payment", "purchase")
"""The way to an order, in order."""
PAGES = ("view", "product", "cart", "checkout")
COUNTRIES = ("US", "GB", "DE", "FR", "IN", "BR", "JP", "AU")
LENGTHS = (
    ("1 page", 0),
    ("< 30 s", 30),
    ("30–60 s", 60),
    ("1–2 min", 120),
    ("2–5 min", 300),
    ("> 5 min", 1e9),
)
ROWS = 3 * len(COUNTRIES)
"""Of the table: three windows."""
VISITS = 10_000
"""Of how many visits, the last ones, funnel and lengths are shown."""


def pipeline(seed: int = 7, duration: str | None = None) -> dict[str, EventStream]:
    """Describe the results, all from one stream of clicks.

    Parameters
    ----------
    seed : int
        Of the simulator.
    duration : duration, optional
        How long the shop is open, in processing time; without it, for ever.

    Returns
    -------
    dict of str to EventStream
        ``traffic``: events and revenue by action in windows of 10 s. ``countries``: sessions, orders and
        revenue by country and minute, corrected for 30 s. ``visits``: pages, and the furthest step to an
        order, by session; a session ends with 2 min of silence.
    """
    clicks = wb.stream(Clickstream(seed=seed), watermark="2s", duration=duration)
    marked = clicks.assign(order=_is_order, step=_step)
    return {
        "traffic": clicks.groupby("action")
        .window("10s")
        .agg(events=("event_id", "size"), revenue=("amount", "sum")),
        "countries": marked.groupby("country")
        .window("1min", lateness="30s")
        .agg(
            sessions=("session_id", "nunique"),
            events=("event_id", "size"),
            orders=("order", "sum"),
            revenue=("amount", "sum"),
        ),
        "visits": marked.groupby("session_id")
        .window(wb.Session("2min"))
        .agg(pages=("event_id", "size"), furthest=("step", "max")),
    }


def _is_order(clicks: pd.DataFrame) -> Any:
    return (clicks["action"] == "purchase").astype("int64")


def _step(clicks: pd.DataFrame) -> Any:
    return clicks["action"].cat.codes.astype("int64")


def view(feed: Feed) -> Page:
    """Build the page of one browser session."""
    top = page.kpis(
        ("events", "Events, by event time", "/s"),
        ("visits", "Visits that ended", "/min"),
        ("conversion", "Visits with an order", "%"),
        ("orders", "Orders per minute", "/min"),
        ("revenue", "Revenue per minute", "EUR"),
        ("basket", "Average order", "EUR"),
    )
    traffic = charts.stacked_plot(
        feed.panes("traffic", last="10min"),
        "events",
        "action",
        categories=STEPS,
        height=214,
        y_label="events per 10 s",
        x_label="event time (UTC)",
    )
    funnel = charts.bar_plot(
        funnel_rows(feed),
        "action",
        "visits",
        text="said",
        categories=STEPS,
        height=214,
        room=0.34,
    )
    revenue = charts.line_plot(
        revenue_rows(feed),
        "window_end",
        "revenue",
        height=176,
        y_label="EUR per minute",
        y_format="0,0",
        x_label="event time (UTC)",
        zero=True,
    )
    countries = charts.bar_plot(
        country_rows(feed),
        "country",
        "conversion",
        text="said",
        categories=COUNTRIES,
        height=176,
        color=theme.SKY,
        room=0.2,
    )
    lengths = charts.bar_plot(
        length_rows(feed),
        "length",
        "share",
        text="said",
        categories=[name for name, _ in LENGTHS],
        color=theme.GREEN,
        height=176,
        room=0.2,
    )
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
    grid = page.table(columns, ROWS)

    def update() -> None:
        top.say(**feed.once("kpis", lambda: key_figures(feed), every=0.4))
        traffic.show(feed.once("show traffic", lambda: traffic.shape(feed.panes("traffic", last="10min"))))
        funnel.show(feed.once("show funnel", lambda: funnel.shape(funnel_rows(feed)), every=0.4))
        revenue.show(feed.once("show revenue", lambda: revenue.shape(revenue_rows(feed))))
        countries.show(feed.once("show countries", lambda: countries.shape(country_rows(feed)), every=0.4))
        lengths.show(feed.once("show lengths", lambda: lengths.shape(length_rows(feed)), every=0.9))
        grid.say(**feed.once("table", lambda: table_values(feed.panes("countries", last="4min")), every=0.4))

    cards = [
        Card("Traffic by action", traffic, span=8, note="Events in windows of 10 s of event time"),
        Card(
            "Funnel",
            funnel,
            span=4,
            note="The last 10,000 visits; share of the step before",
        ),
        Card(
            "Revenue per minute, EUR",
            revenue,
            span=4,
            note="The last six windows of 10 s together",
            legend=page.legend([], open_windows="dashed"),
        ),
        Card(
            "Conversion by country",
            countries,
            span=4,
            note="Orders per 100 sessions, over the last five closed minutes",
        ),
        Card(
            "Length of visits",
            lengths,
            span=4,
            note="Share of the last 10,000 visits; 2 min without a click end one",
        ),
        Card("Panes by country", grid, span=12, note="The last minutes; a pane may be revised for 30 s"),
    ]
    return Page([feed], NAME, TITLE, QUESTION, cards, top, update)


def revenue_rows(feed: Feed) -> pd.DataFrame:
    """Give revenue per minute at the end of each window of 10 s: ``window_end, revenue, timing``."""

    def rows() -> pd.DataFrame:
        panes = feed.panes("traffic", last="11min")
        if panes.empty:
            return panes
        total = panes.groupby(WINDOW_END).agg(revenue=("revenue", "sum"), timing=(TIMING, "last"))
        total["revenue"] = total["revenue"].rolling(6).sum()
        return total.dropna(subset="revenue").reset_index()

    return feed.once("revenue rows", rows)


def recent_visits(feed: Feed) -> pd.DataFrame:
    """Give the last visits that have ended, some thousands."""
    return feed.once("recent visits", lambda: feed.closed("visits").tail(VISITS))


def funnel_rows(feed: Feed) -> pd.DataFrame:
    """Give how far the last visits came: ``action, visits, said``; a visit counts for all steps before."""
    visits = recent_visits(feed)
    if visits.empty:
        return visits
    ended = np.bincount(visits["furthest"].to_numpy(), minlength=len(STEPS))
    reached = ended[::-1].cumsum()[::-1].astype(float)
    share = reached[1:] / np.maximum(reached[:-1], 1)
    said = [words.number(reached[0])]
    said += [
        f"{words.number(n)}  ·  {words.percent(part)}" for n, part in zip(reached[1:], share, strict=True)
    ]
    return pd.DataFrame({"action": list(STEPS), "visits": reached, "said": said})


def country_rows(feed: Feed) -> pd.DataFrame:
    """Give conversion by country over the last five closed minutes: ``country, conversion, said``."""
    panes = feed.closed("countries")
    if panes.empty:
        return panes
    recent = panes[panes[WINDOW_END] > panes[WINDOW_END].max() - pd.Timedelta("5min")]
    total = recent.groupby("country", observed=True)[["orders", "sessions"]].sum().reset_index()
    total["conversion"] = 100 * total["orders"] / total["sessions"]
    total["said"] = [f"{value:.2f}" for value in total["conversion"]]
    return total


def length_rows(feed: Feed) -> pd.DataFrame:
    """Give how long the last visits were: ``length, share, said``."""
    visits = recent_visits(feed)
    if visits.empty:
        return visits
    lasted = (visits[WINDOW_END] - visits[WINDOW_START]).dt.total_seconds().to_numpy() - 120
    place = np.searchsorted([limit for _, limit in LENGTHS[1:]], lasted, side="right") + 1
    place[visits["pages"].to_numpy() == 1] = 0
    share = 100 * np.bincount(place, minlength=len(LENGTHS))[: len(LENGTHS)] / len(visits)
    return pd.DataFrame(
        {
            "length": [name for name, _ in LENGTHS],
            "share": share,
            "said": [f"{value:.1f} %" for value in share],
        }
    )


def key_figures(feed: Feed) -> dict[str, Any]:
    """Give the values of the row of key figures."""
    traffic = feed.closed("traffic")
    if traffic.empty:
        return {}
    traffic = traffic.tail(67 * len(STEPS))
    traffic = traffic.assign(orders=traffic["events"].where(traffic["action"] == "purchase", 0))
    ten = traffic.groupby(WINDOW_END)[["events", "orders", "revenue"]].sum()
    minute = ten.rolling(6).sum().dropna()
    visits = ended_visits(feed)
    lines = {
        "events": (ten["events"].tail(60) / 10, 0),
        "visits": (visits["ended"], 0),
        "conversion": (100 * visits["ordered"] / visits["ended"], 2),
        "orders": (minute["orders"], 0),
        "revenue": (minute["revenue"], 0),
        "basket": (minute["revenue"] / minute["orders"], 2),
    }
    values: dict[str, Any] = {}
    for name, (line, digits) in lines.items():
        values |= figure(name, line, digits)
    return values


def ended_visits(feed: Feed) -> pd.DataFrame:
    """Give, for each 10 s, how many visits ``ended`` in the minute before, and how many ``ordered``."""
    visits = feed.closed("visits")
    if visits.empty:  # as in the first two minutes, until a first visit has ended
        return pd.DataFrame({"ended": [], "ordered": []})
    slot = visits[WINDOW_END].dt.floor("10s")
    counted = visits.groupby(slot)["furthest"].agg(ended="size", ordered=lambda step: (step == 5).sum())
    return counted.iloc[1:-1].rolling(6).sum().dropna().tail(60)


def figure(name: str, line: pd.Series, digits: int, *, back: int = 6) -> dict[str, Any]:
    """Give a key figure: its last value, its line, and how it compares with a minute before."""
    if line.empty:
        return {}
    last, before = line.iloc[-1], line.iloc[-1 - back] if len(line) > back else 0
    change = 100 * (last / before - 1) if before else None
    return {
        name: words.number(last, digits),
        f"{name}_line": [None if pd.isna(value) else round(float(value), 3) for value in line],
        f"{name}_delta": f"{words.signed(change, unit=' %')} in a minute" if change is not None else "",
    }


def table_values(panes: pd.DataFrame) -> dict[str, Any]:
    """Give the table of panes by country, the newest window first."""
    values: dict[str, Any] = {}
    if len(panes):
        panes = panes.sort_values([WINDOW_END, "country"], ascending=[False, True]).head(ROWS)
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
    return values | {f"row{row}": row < len(panes) for row in range(ROWS)}


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
