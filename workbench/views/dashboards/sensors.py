"""City: whether every station is well, what ails those that are not, and how late their readings come."""

from __future__ import annotations

import html
import sys
from typing import Any

import workbench as wb
from simulators import City
from simulators.dials import dials
from simulators.switched import present
from workbench.errors import WorkbenchError
from workbench.model.rewriting import bound_of
from workbench.model.steps import Date
from workbench.model.stream import EventStream
from workbench.runtimes.run import Run
from workbench.time import duration, spell
from workbench.views import charts, page, parts, theme, words
from workbench.views.alerts import Alerts
from workbench.views.bands import band_plots, dots_on
from workbench.views.bound import Bound
from workbench.views.citymap import map_plot, where_plot
from workbench.views.dashboards import cityrows as rows
from workbench.views.export import origin
from workbench.views.figures import time_format
from workbench.views.heatmaps import strip_plot
from workbench.views.live import LivePlot, Tables
from workbench.views.page import Page
from workbench.views.pagecard import Card
from workbench.views.plainjson import spelled
from workbench.views.planepart import plane_part
from workbench.views.scope import Scope
from workbench.views.service import Feed
from workbench.views.timeplane import TimePlane

NAME = "sensors"
TITLE = "City"
QUESTION = (
    "Is every station well, and if not, what ails it? And how long should anybody wait for late readings?"
)
PAST = ("districts",)
"""Results whose time planes its run keeps."""

CHOSEN = rows.STATIONS[:6]
"""Stations that have a figure of their own."""
BOUNDS = ("500ms", "1s", "2s", "5s", "10s", "20s", "30s", "1min", "2min", "5min")
"""Where the slider of the bound stops."""
_LENGTHS = [duration(bound) for bound in BOUNDS]
BREAKS = {"outage": "Outage", "clock_skew": "Clock skew", "burst": "Burst", "bursty_loss": "Loss"}
"""Faults of the delivery that a button switches, and what it says."""
USUAL, MANY = 0.06, 0.4
"""Share of time that stations spend with a fault, and that after somebody has injected faults."""


def pipeline(seed: int = 7, duration: str | None = None) -> dict[str, EventStream]:
    """Describe the results, all from one stream of readings.

    Parameters
    ----------
    seed : int
        Of the simulator.
    duration : duration, optional
        How long the city is watched, in processing time; without it, for ever.

    Returns
    -------
    dict of str to EventStream
        ``stations``: what the rules look at, by station in windows of 30 s, corrected for 2 min.
        ``districts``: means by district in windows of a minute, and how many readings there were.
    """
    city = City(seed=seed, stations=rows.COUNT, hertz=1.0, faults=USUAL)
    readings = wb.stream(city, watermark="10s", duration=duration)
    looked_at: dict[str, Any] = {}
    for name, column in rows.COLUMNS.items():
        looked_at |= {
            name: (column, "mean"),
            f"{name}_low": (column, "min"),
            f"{name}_high": (column, "max"),
            f"{name}_std": (column, "std"),
            f"{name}_median": (column, "median"),
            f"{name}_time": ([column, "second"], "corr"),
            f"{name}_distinct": (column, "nunique"),
        }
    places: dict[str, Any] = {
        "latitude": ("latitude", "last"),
        "longitude": ("longitude", "last"),
        "battery": ("battery", "mean"),
    }
    counts: dict[str, Any] = {"values": ("temperature", "count"), "rows": ("event_id", "size")}
    return {
        "stations": readings.assign(second=rows.second)
        .groupby("station", "district")
        .window("30s", lateness="2min")
        .agg(**looked_at, **places, **counts),
        "districts": readings.groupby("district")
        .window("1min", lateness="2min")
        .agg(temperature=("temperature", "mean"), pm25=("pm25", "mean"), rows=("event_id", "size")),
    }


def view(feed: Feed) -> Page:
    """Build the page of one browser session."""
    scope = Scope(feed, filters={"district": rows.DISTRICTS, "station": rows.STATIONS})
    top = page.kpis(
        ("online", f"Stations heard, of {rows.COUNT}", ""),
        ("readings", "Readings per second", "/s"),
        ("faulty", "Stations at fault", ""),
        ("temperature", "Mean temperature", "°C"),
        ("pm25", "Mean fine dust, PM2.5", "µg/m³"),
        ("complete", "Readings received", "%"),
    )
    alerts = Alerts(scope, rows.alerts, of=["stations"])
    board, breaker, bound, plane = _board(), _breaker(), _bound(), _plane(feed)
    multiples, dots = _multiples(scope)
    picture = plane_part()

    def update() -> None:
        top.show(scope.said("kpis", lambda: rows.key_figures(scope), every=0.9, of=["stations"]))
        dots.show(scope.once("dots", lambda: Tables(dots.shape(rows.raw(scope, CHOSEN))), every=0.4))
        board.show(scope.said("table of faults", lambda: board_values(scope), every=1.9))
        breaker.say(**breaker_values(feed))
        bound.say(**bound_values(feed.run))
        if plane is not None:
            picture.say(scene=scope.once("plane", lambda: spelled(_seen(plane, scope).scene()), every=1.9))

    def act(name: str, value: str) -> None:
        if name in ("break", "bound"):
            change(feed, name, value)

    cards = [*_upper(scope, board), multiples, *_lower(scope, breaker, bound)]
    if plane is not None:
        said = "Event time across, processing time up; the step line is the watermark"
        cards.append(Card("Time plane of the district centre", picture, span=7, note=said))
    cards.append(Card("Alerts", alerts.view, span=12 if plane is None else 5, extra=alerts.foot))
    return Page(
        [feed], NAME, TITLE, QUESTION, cards, top, update,
        scope=scope, alerts=alerts, board=sys.modules[__name__], act=act,
    )  # fmt: skip


def _upper(scope: Scope, board: Bound) -> list[Card]:
    stations = map_plot(rows.places(scope), origin(scope).simulator.borders(), height=352)
    strips = strip_plot(
        scope.panes("stations"),
        "station",
        "temperature",
        categories=rows.STATIONS,
        height=352,
        y_format="0.00",
        among=lambda: scope.among("stations", "station", rows.STATIONS),
    )
    return [
        Card(
            "Map: temperature, health, and how long silent",
            stations,
            span=5,
            note="Colour: temperature; shape: ● well, ▲ faulty, ✕ silent; a larger ring: silent for longer",
            data=lambda: rows.places(scope),
            every=0.9,
            of=["stations"],
        ),
        Card(
            "Temperature by station and time, °C",
            strips,
            span=7,
            note="Windows of 30 s, hatched while open; crosses: nothing heard. Click a row to see it alone",
            data=lambda: scope.panes("stations"),
            every=0.9,
            filter="station",
        ),
        Card(
            "Fault board", board, span=5, note="Panes of the last 10 min, against the truth of the simulator"
        ),
    ]


def _lower(scope: Scope, breaker: Bound, bound: Bound) -> list[Card]:
    delay = charts.bar_plot(
        rows.delays(scope), "delay", "share", text="said", categories=rows.DELAYS, color=theme.GREEN,
        height=236, room=0.3,
    )  # fmt: skip
    return [
        Card(
            "Delay, and the bound",
            delay,
            span=5,
            note="Of the last readings; the bound is how long the watermark waits, for all who look",
            data=lambda: rows.delays(scope),
            every=0.9,
            extra=bound,
        ),
        Card(
            "Where that is", where_plot(height=240), span=4, note="Outlines: Natural Earth, without a network"
        ),
        Card("Break it", breaker, span=3, note="Acts on the run of all"),
    ]


def _plane(feed: Feed) -> TimePlane | None:
    """Give the time plane of a district, one for all sessions, and None of a run that keeps no past."""
    if not feed.run.past:
        return None
    made: TimePlane = feed.keep("plane", lambda: feed.run.timeplane("districts", key="centre", last="6min"))
    return made


def _seen(plane: TimePlane, scope: Scope) -> TimePlane:
    """Give a time plane as a session sees it: now, or as it was at a moment."""
    return plane if scope.at is None else plane.of(scope.then)


def _multiples(scope: Scope) -> tuple[Card, LivePlot]:
    """Give the card of the small figures, and what puts single readings into them."""
    bands, figures = band_plots(
        rows.bands(scope),
        "low",
        "temperature",
        "high",
        "station",
        categories=CHOSEN,
        height=118,
        y_format="0.[0]",
    )
    dots = dots_on(
        figures, rows.raw(scope, CHOSEN), "event_time", "temperature", "station", categories=CHOSEN
    )
    card = Card(
        "Temperature of six stations, °C",
        _laid_out(figures),
        span=7,
        note="Readings as dots; means of 30 s as a line, lowest to highest as a band, hatched while open",
        plot=bands,
        further=(dots,),
        data=lambda: rows.bands(scope),
        every=0.9,
    )
    return card, dots


def _laid_out(figures: list[Any]) -> tuple[Any, ...]:
    """Let small figures stand in a grid, each under its station's name; times only under the last row."""
    for number, (figure, name) in enumerate(zip(figures, CHOSEN, strict=True)):
        figure.xaxis[0].ticker.desired_num_ticks = figure.yaxis[0].ticker.desired_num_ticks = 3
        time_format(figure, "%H:%M")
        figure.xaxis[0].visible = number >= len(CHOSEN) // 2
        figure.height += 22 if figure.xaxis[0].visible else 0
        figure.title = name
        figure.title.update(
            text_font=theme.FONT, text_font_size="12px", text_font_style="normal", text_color=theme.INK
        )
    return tuple(figures)


def _board() -> Bound:
    columns = [
        ("kind", "Kind", "left"), ("now", "Now", ""), ("found", "Found", ""), ("true", "In truth", ""),
        ("precision", "Precision", ""), ("recall", "Recall", ""),
    ]  # fmt: skip
    return parts.table(columns, len(rows.RULES))


def board_values(scope: Scope) -> dict[str, Any]:
    """Give what the fault board says."""
    found = rows.board(scope)
    values: dict[str, Any] = parts.filled(len(rows.RULES), len(found))
    for row, one in enumerate(found.to_dict("records")):
        values |= {
            f"kind{row}": f"{rows.ICONS[one['kind']]} {one['kind']}",
            f"now{row}": words.number(one["now"]),
            f"found{row}": words.number(one["found"]),
            f"true{row}": words.number(one["true"]),
            f"precision{row}": words.percent(one["precision"], 0),
            f"recall{row}": words.percent(one["recall"], 0),
        }
    return values


def _breaker() -> Bound:
    names = {"faults": "Faults", **BREAKS}
    buttons = "".join(
        f'<button type="button" data-command="break" data-value="{name}" '
        f'data-class="{name}_class" data-base="toggle">'
        f'{html.escape(word)} <b data-text="{name}_word"></b></button>'
        for name, word in names.items()
    )
    return Bound(
        html=f'<div class="toggles">{buttons}<p class="muted" data-text="told"></p></div>',
    )


def breaker_values(feed: Feed) -> dict[str, Any]:
    """Give how the buttons stand, and what the last change did."""
    on = _broken(feed.run)
    values: dict[str, Any] = {name: name for name in ("faults", *BREAKS)}
    for name in ("faults", *BREAKS):
        values |= {f"{name}_word": "on" if name in on else "off", f"{name}_class": "on" if name in on else ""}
    return values | {"told": feed.told}


def _source(run: Run) -> Any:
    source: Any = next(read.source for read, _ in run.graph.sources.values())
    return present(source.simulator)


def _broken(run: Run) -> set[str]:
    """Give what is switched on."""
    simulator = _source(run)
    stand = dials(simulator)
    return {name for name in BREAKS if stand.faults.get(name)} | (
        {"faults"} if simulator.faults > USUAL else set()
    )


def change(feed: Feed, name: str, value: str) -> None:
    """Switch a fault, or set the bound, of the run of all; everybody is told what came of it."""
    run = feed.run
    try:
        if name == "bound" and value.isdecimal() and int(value) < len(BOUNDS):
            feed.told = str(run.change(bound=BOUNDS[int(value)]))
        elif value in BREAKS:
            feed.told = str(run.change(faults={value: value not in _broken(run)}))
        elif value == "faults":
            share = USUAL if "faults" in _broken(run) else MANY
            run.change(source=City(seed=_source(run).seed, stations=rows.COUNT, hertz=1.0, faults=share))
            feed.told = f"faults {share:.0%} of the time: at once"
    except WorkbenchError as error:
        feed.told = error.what


def _bound() -> Bound:
    """Give the slider of the bound."""
    return Bound(
        html='<div class="pick"><label for="bound">Bound <b data-text="said"></b></label>'
        f'<input type="range" id="bound" min="0" max="{len(BOUNDS) - 1}" step="1" data-command="bound" '
        'data-value="place" data-label="label"></div>',
    )


def bound_values(run: Run) -> dict[str, Any]:
    """Give where the slider stands: at the bound that the run has, or the next greater one."""
    bound = bound_of(next(iter(run.named(Date).values()))) or 0
    place = next((at for at, each in enumerate(_LENGTHS) if each >= bound), len(BOUNDS) - 1)
    return {"place": place, "said": spell(bound), "label": f"Bound of disorder: {spell(bound)}"}
