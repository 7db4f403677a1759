"""Store pulse: what people do in a web shop, where they drop out on the way to an order, and who is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

import pandas as pd
from bokeh.models import Range1d

import workbench as wb
from simulators import Clickstream
from workbench.model.stream import EventStream
from workbench.views import charts, page, theme
from workbench.views.alerts import Alerts
from workbench.views.bound import Bound
from workbench.views.dashboards import clickrows as rows
from workbench.views.dashboards import clicktables as tables
from workbench.views.figures import category_axis, time_format
from workbench.views.heatmaps import matrix_plot, strip_plot
from workbench.views.page import Page
from workbench.views.pagecard import Card
from workbench.views.scatters import scatter_plot
from workbench.views.scope import Scope
from workbench.views.service import Feed

NAME = "clickstream"
TITLE = "Store pulse"
QUESTION = "What do visitors of a web shop do, and where do they drop out on the way to an order?"

COUNTRIES = ("US", "GB", "DE", "FR", "IN", "BR", "JP", "AU")
CHANNELS = ("organic", "direct", "paid", "social", "email")


def pipeline(
    seed: int = 7, duration: str | None = None, *, patience: str = "30min"
) -> dict[str, EventStream]:
    """Describe the results, all from one stream of clicks.

    Parameters
    ----------
    seed : int
        Of the simulator.
    duration : duration, optional
        How long the shop is open, in processing time; without it, for ever.
    patience : duration
        How long a checkout may take until it is abandoned.

    Returns
    -------
    dict of str to EventStream
        ``traffic``: events and revenue by action and country in windows of 10 s. ``countries``: sessions,
        orders and revenue by country and minute, corrected for 30 s. ``visits``: pages, the furthest step to
        an order and the pace of clicks, by session; a session ends with 2 min of silence. ``funnel``: visits
        that ended, by minute, furthest step, country and length. ``products``: views by product and minute.
        ``paths``: from which action to which, by minute. ``channels``: events by channel in windows of 5 min.
        ``abandoned``: checkouts that no purchase has followed in time.
    """
    clicks = wb.stream(Clickstream(seed=seed), watermark="2s", duration=duration)
    marked = clicks.assign(order=_is_order)
    held = clicks[
        ["event_id", "event_time", "arrival_time", "session_id", "action", "country"]
    ]  # and no more
    stepped = held.groupby("session_id").lag(before="event_time", previous="action", ttl="5min")
    stepped = stepped.assign(step=_step, gap=_gap, previous=_previous)
    visits = (
        stepped.groupby("session_id")
        .window(wb.Session("2min"))
        .agg(
            pages=("event_id", "size"),
            furthest=("step", "max"),
            country=("country", "last"),
            gap=("gap", "mean"),
            spread=("gap", "std"),
        )
        .final()
    )
    checkout = wb.begin("checkout", _is("checkout")).followed_by("purchase", _is("purchase"))
    return {
        "traffic": clicks.groupby("action", "country")
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
        "visits": visits,
        "funnel": visits.assign(length=rows.length)
        .groupby("furthest", "country", "length")
        .window("1min")
        .agg(visits=("pages", "size")),
        "products": clicks.query(_is("product"))
        .groupby("product_id")
        .window("1min")
        .agg(views=("event_id", "size")),
        "paths": stepped.groupby("previous", "action").window("1min").agg(steps=("event_id", "size")),
        "channels": clicks.groupby("channel").window("5min").agg(events=("event_id", "size")),
        "abandoned": clicks.query(_is("checkout", "purchase"))
        .groupby("session_id")
        .match(checkout.within(patience).measuring(user=["last", "checkout", "user_id"]))
        .timed_out,
    }


def _is(*actions: str) -> Callable[[pd.DataFrame], Any]:
    """Give the condition that it is one of some actions; pandas would parse a string anew each time."""
    return lambda clicks: reduce(or_, (clicks["action"] == action for action in actions))


def _is_order(clicks: pd.DataFrame) -> Any:
    return (clicks["action"] == "purchase").astype("int64")


def _step(clicks: pd.DataFrame) -> Any:
    return clicks["action"].cat.codes.astype("int64")


def _gap(clicks: pd.DataFrame) -> Any:
    return (clicks["event_time"] - clicks["before"]).dt.total_seconds()


def _previous(clicks: pd.DataFrame) -> Any:
    return clicks["previous"].cat.add_categories([rows.ARRIVE]).fillna(rows.ARRIVE)


def view(feed: Feed) -> Page:
    """Build the page of one browser session."""
    scope = Scope(
        feed,
        filters={"country": COUNTRIES, "action": rows.STEPS, "channel": CHANNELS},
        choices={"truth": ("hidden", "shown")},
    )
    top = page.kpis(
        ("events", "Events, by event time", "/s"),
        ("visits", "Visits that ended", "/min"),
        ("conversion", "Visits with an order", "%"),
        ("orders", "Orders per minute", "/min"),
        ("revenue", "Revenue per minute", "EUR"),
        ("basket", "Average order", "EUR"),
    )
    alerts = Alerts(scope, rows.alerts, of=["visits", "products", "countries"])
    trending, left, panes = tables.trending(), tables.abandoned(), tables.panes()
    radar = _radar_controls()

    def update() -> None:
        figures = scope.said("kpis", lambda: rows.key_figures(scope), every=0.4, of=["traffic", "funnel"])
        top.show(figures)
        trending.show(scope.said("table of products", lambda: tables.trending_values(scope), every=1.9))
        left.show(scope.said("table of checkouts", lambda: tables.abandoned_values(scope), every=1.9))
        panes.show(
            scope.said("table", lambda: tables.panes_values(scope.panes("countries", last="4min")), every=0.4)
        )
        shown = scope.chosen["truth"] == "shown"
        radar.say(**rows.radar_score(scope, reveal=shown), button="Hide truth" if shown else "Reveal truth")

    def act(name: str, value: str) -> None:
        if name == "reveal":
            scope.set("truth", "hidden" if scope.chosen["truth"] == "shown" else "shown")

    cards = [*_upper(scope), *_middle(scope, trending), *_lower(scope, left, radar, alerts, panes)]
    board = sys.modules[__name__]
    return Page(
        [feed], NAME, TITLE, QUESTION, cards, top, update, scope=scope, alerts=alerts, board=board, act=act
    )


def _upper(scope: Scope) -> list[Card]:
    traffic = charts.stacked_plot(
        rows.traffic(scope),
        "events",
        "action",
        categories=rows.STEPS,
        height=236,
        y_label="events per 10 s",
        x_label="event time (UTC)",
    )
    funnel = charts.bar_plot(
        rows.funnel(scope), "action", "visits", text="said", categories=rows.STEPS, height=236, room=0.62
    )
    return [
        Card(
            "Traffic by page type",
            traffic,
            span=8,
            note="Events in windows of 10 s of event time; click an entry to see it alone",
            data=lambda: rows.traffic(scope),
            every=0.4,
            filter="action",
        ),
        Card(
            "Funnel",
            funnel,
            span=4,
            note="Visits that came so far; share of the step before, and its change against the hour before",
            data=lambda: rows.funnel(scope),
            of=["funnel"],
            filter="action",
        ),
    ]


def _middle(scope: Scope, trending: Bound) -> list[Card]:
    lengths = charts.bar_plot(
        rows.lengths(scope),
        "length",
        "share",
        text="said",
        categories=[name for name, _ in rows.LENGTHS],
        color=theme.GREEN,
        height=212,
        room=0.24,
    )
    countries = charts.bar_plot(
        rows.countries(scope),
        "country",
        "conversion",
        text="said",
        categories=COUNTRIES,
        height=212,
        color=theme.SKY,
        room=0.24,
    )
    return [
        Card(
            "Trending products", trending, span=4, note="Views in the last minute against the minutes before"
        ),
        Card(
            "Length of visits",
            lengths,
            span=4,
            note="Share of the visits that ended; 2 min without a click end one",
            data=lambda: rows.lengths(scope),
            of=["funnel"],
        ),
        Card(
            "Conversion by country, %",
            countries,
            span=4,
            note="Orders per 100 sessions, over the last five closed minutes; click a bar to see it alone",
            data=lambda: rows.countries(scope),
            of=["countries"],
            filter="country",
        ),
    ]


def _lower(scope: Scope, left: Bound, radar: Bound, alerts: Alerts, panes: Bound) -> list[Card]:
    paths = matrix_plot(
        rows.paths(scope),
        "action",
        "previous",
        "share",
        "said",
        columns=rows.STEPS,
        rows=(rows.ARRIVE, *rows.STEPS),
        height=244,
        x_label="to",
    )
    bots = scatter_plot(
        rows.radar(scope, reveal=False),
        "pace",
        "variation",
        "who",
        kinds={"people": (theme.BLUE, "circle"), "bot": (theme.VERMILLION, "triangle")},
        true="bot",
        x_label="clicks per minute",
        y_label="variation of gaps",
        height=244,
        ranges=(Range1d(-0.6, 3.0), Range1d(-0.08, 2.6)),
    )
    category_axis(bots.figure, ["1", "10", "100", "1,000"], axis="x")
    hours = strip_plot(
        rows.channels(scope), "channel", "events", categories=CHANNELS, height=214, y_format="0,0",
        among=lambda: scope.among("channels", "channel", CHANNELS),
    )  # fmt: skip
    time_format(hours.figure, "%H:%M")
    return [
        Card(
            "Paths: from which page to which, %",
            paths,
            span=4,
            note="Of all that followed the page on the left; a visit begins with arrive",
            data=lambda: rows.paths(scope),
            of=["paths"],
        ),
        Card(
            "Bot radar",
            bots,
            span=4,
            note="Visits of 5 clicks and more: quick and regular is a bot (▲)",
            data=lambda: rows.radar(scope, reveal=scope.chosen["truth"] == "shown"),
            every=0.9,
            extra=radar,
        ),
        Card(
            "Events by channel and hour",
            hours,
            span=4,
            note="By 5 min until three hours are known; hatched while still open",
            data=lambda: rows.channels(scope),
            every=1.9,
            filter="channel",
        ),
        Card("Alerts", alerts.view, span=6, extra=alerts.foot),
        Card("Abandoned checkouts", left, span=6, note="No purchase within 30 min after the checkout"),
        Card("Panes by country", panes, span=12, note="The last minutes; a pane may be revised for 30 s"),
    ]


def _radar_controls() -> Bound:
    return Bound(
        html='<div class="legend"><span data-text="score"></span>'
        '<button type="button" data-command="reveal" data-text="button">Reveal truth</button></div>',
    )
