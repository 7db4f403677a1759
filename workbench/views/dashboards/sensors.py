"""Sensors: whether every device is well, and what ails those that are not."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
from bokeh.models import Range1d

import workbench as wb
from simulators import Sensors
from workbench.model.panes import WINDOW_END
from workbench.model.stream import EventStream
from workbench.views import charts, page, theme, words
from workbench.views.bands import band_plots
from workbench.views.bound import Bound
from workbench.views.figures import time_format
from workbench.views.page import Card, Page
from workbench.views.service import Feed

NAME = "sensors"
TITLE = "Sensors"
QUESTION = "Is every device in the building well, and if not, what ails it?"

COUNT = 12
DEVICES = tuple(f"device-{number:03d}" for number in range(COUNT))
EXPECTED = 100
"""Readings of a device in a window of 10 s."""
RULES = ("spike", "stuck", "noise", "dropout")
ICONS = {"spike": "▲", "stuck": "■", "noise": "≈", "dropout": "○"}
RECENT = pd.Timedelta("2min")
COLUMNS = 4


def pipeline(seed: int = 7, duration: str | None = None) -> dict[str, EventStream]:
    """Describe the results, all from one stream of readings.

    Parameters
    ----------
    seed : int
        Of the simulator.
    duration : duration, optional
        How long the building is watched, in processing time; without it, for ever.

    Returns
    -------
    dict of str to EventStream
        ``devices``: what the rules look at, by device in windows of 10 s, corrected for a minute.
        ``zones``: mean temperature and humidity by zone in windows of 30 s.
    """
    readings = wb.stream(Sensors(seed=seed, devices=COUNT, faults=0.12), watermark="10s", duration=duration)
    return {
        "devices": readings.groupby("device")
        .window("10s", lateness="1min")
        .agg(
            mean=("temperature", "mean"),
            low=("temperature", "min"),
            high=("temperature", "max"),
            std=("temperature", "std"),
            values=("temperature", "count"),
            distinct=("temperature", "nunique"),
            rows=("event_id", "size"),
            battery=("battery", "mean"),
        ),
        "zones": readings.groupby("zone")
        .window("30s", lateness="1min")
        .agg(temperature=("temperature", "mean"), humidity=("humidity", "mean")),
    }


def view(feed: Feed) -> Page:
    """Build the page of one browser session."""
    top = page.kpis(
        ("online", f"Devices heard, of {COUNT}", ""),
        ("readings", "Readings per second", "/s"),
        ("faulty", "Faulty devices, last 2 min", ""),
        ("mean", "Mean temperature", "°C"),
        ("complete", "Readings received", "%"),
        ("battery", "Lowest battery", "V"),
    )
    bands, figures = band_plots(
        feed.panes("devices", last="6min"),
        "low",
        "mean",
        "high",
        "device",
        categories=DEVICES,
        height=110,
        y_range=Range1d(13.5, 31.5),
    )
    humidity = charts.line_plot(
        feed.panes("zones", last="8min"),
        "window_end",
        "humidity",
        "zone",
        categories=[f"zone-{n}" for n in range(1, 5)],
        y_label="% relative humidity",
        y_format="0.0",
        height=222,
        x_label="event time (UTC)",
    )
    battery = charts.bar_plot(
        battery_rows(feed),
        "device",
        "charge",
        text="said",
        categories=DEVICES,
        color=theme.GREEN,
        height=222,
        room=0.3,
    )
    board = fault_board()

    def update() -> None:
        top.say(**feed.once("kpis", lambda: key_figures(feed), every=0.4))
        bands.show(feed.once("bands", lambda: bands.shape(feed.panes("devices", last="6min"))))
        board.say(**feed.once("board", lambda: board_values(feed.closed("devices")), every=0.4))
        humidity.show(
            feed.once("humidity", lambda: humidity.shape(feed.panes("zones", last="8min")), every=0.4)
        )
        battery.show(feed.once("battery", lambda: battery.shape(battery_rows(feed)), every=0.9))

    cards = [
        Card(
            "Temperature of each device, °C",
            multiples(figures),
            span=8,
            note="Windows of 10 s: mean as a line, lowest to highest as a band; hatched while still open",
        ),
        Card(
            "Fault board",
            board,
            span=4,
            note="What ails a device now, or did in the last 2 min",
        ),
        Card(
            "Humidity by zone",
            humidity,
            span=8,
            note="Means of 30 s",
            legend=page.legend(humidity.legend, open_windows="dashed"),
        ),
        Card("Batteries", battery, span=4, note="Charge: 0 % at 2.4 V, 100 % at 3.0 V"),
    ]
    return Page([feed], NAME, TITLE, QUESTION, cards, top, update)


def multiples(figures: list[Any]) -> Any:
    """Lay small figures out as a grid, each under its device's name; times only under the last row."""
    rows: list[Any] = []
    for begin in range(0, len(figures), COLUMNS):
        cells = []
        for number, figure in enumerate(figures[begin : begin + COLUMNS], begin):
            figure.xaxis[0].ticker.desired_num_ticks = 3
            time_format(figure, "%H:%M")
            figure.yaxis[0].ticker.desired_num_ticks = 3
            figure.xaxis[0].visible = number >= len(figures) - COLUMNS
            figure.height += 22 if figure.xaxis[0].visible else 0
            figure.title = DEVICES[number]
            figure.title.update(
                text_font=theme.FONT, text_font_size="12px", text_font_style="normal", text_color=theme.INK
            )
            cells.append(pn.pane.Bokeh(figure, sizing_mode="stretch_width"))
        rows.append(pn.Row(*cells, sizing_mode="stretch_width"))
    return pn.Column(*rows, sizing_mode="stretch_width")


def faults(panes: pd.DataFrame) -> pd.DataFrame:
    """Tell which rules each pane breaks: a boolean column a rule.

    A reading far from the others is a spike, many of them are noise; one value only is stuck; a third of the
    readings without a value, or missing, is a dropout.

    Examples
    --------
    >>> pane = {"low": 20.9, "high": 35.4, "std": 1.5, "values": 95, "distinct": 28, "rows": 95}
    >>> faults(pd.DataFrame([pane])).iloc[0].to_dict()
    {'spike': True, 'stuck': False, 'noise': False, 'dropout': False}
    """
    reach = panes["high"] - panes["low"]
    noisy = (panes["std"] > 0.6) & (reach < 8 * panes["std"])
    return pd.DataFrame(
        {
            "spike": (reach > 3) & ~noisy,
            "stuck": (panes["distinct"] == 1) & (panes["values"] >= 20),
            "noise": noisy,
            "dropout": panes["values"] < 0.67 * EXPECTED,
        }
    ).astype(bool)


def fault_board() -> Bound:
    """Give the board: a row a device, a column a rule."""
    head = "".join(f'<th scope="col">{ICONS[rule]} {rule}</th>' for rule in RULES)
    body = "".join(
        f'<tr><th scope="row" class="left">{html.escape(device)}</th>'
        + "".join(f'<td data-class="{rule}{row}_class" data-text="{rule}{row}"></td>' for rule in RULES)
        + "</tr>"
        for row, device in enumerate(DEVICES)
    )
    return Bound(
        html=f'<table class="faults"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>',
        data={},
        sizing_mode="stretch_width",
    )


def board_values(panes: pd.DataFrame) -> dict[str, Any]:
    """Give what the fault board says: ``now``, or how many seconds ago, or that all is well."""
    values: dict[str, Any] = {}
    if panes.empty:
        return values
    end = panes[WINDOW_END].max()
    panes = panes[panes[WINDOW_END] > end - RECENT]
    device = panes["device"].astype(str)
    heard = set(device[(panes[WINDOW_END] == end).to_numpy()])
    broken = faults(panes)
    for rule in RULES:
        last = panes[WINDOW_END].where(broken[rule]).groupby(device).max()
        for row, (name, when) in enumerate(last.reindex(list(DEVICES)).items()):
            word, style = _cell(rule, when, end, name not in heard)
            values |= {f"{rule}{row}": word, f"{rule}{row}_class": style}
    return values


def _cell(rule: str, when: Any, end: pd.Timestamp, silent: bool) -> tuple[str, str]:
    if rule == "dropout" and silent:
        return f"{ICONS[rule]} silent", "now"
    if when == end:
        return f"{ICONS[rule]} {rule}", "now"
    if when is not pd.NaT:
        return f"{(end - when).total_seconds():.0f} s ago", "recent"
    return ("–", "unknown") if silent else ("ok", "")


def battery_rows(feed: Feed) -> pd.DataFrame:
    """Give the last voltage of each device: ``device, charge, said``."""
    panes = feed.closed("devices")
    if panes.empty:
        return panes
    last = panes.tail(40 * COUNT).dropna(subset="battery").drop_duplicates("device", keep="last")
    charge = (100 * (last["battery"] - 2.4) / 0.6).clip(0, 100)
    said = [f"{volts:.2f} V" for volts in last["battery"]]
    return pd.DataFrame(
        {"device": last["device"].astype(str).to_numpy(), "charge": charge.to_numpy(), "said": said}
    )


def key_figures(feed: Feed) -> dict[str, Any]:
    """Give the values of the row of key figures."""
    panes = feed.closed("devices")
    if panes.empty:
        return {}
    end = panes[WINDOW_END].max()
    panes = panes[panes[WINDOW_END] > end - pd.Timedelta("10min")]
    panes = panes.assign(fault=faults(panes).any(axis=1))
    by_window = panes.groupby(WINDOW_END).agg(
        rows=("rows", "sum"), online=("device", "size"), faulty=("fault", "sum"), mean=("mean", "mean")
    )
    recent = panes[panes[WINDOW_END] > end - RECENT]
    lines = {
        "online": (by_window["online"], 0),
        "readings": (by_window["rows"] / 10, 0),
        "faulty": (by_window["faulty"], 0),
        "mean": (by_window["mean"], 2),
        "complete": (by_window["rows"] / EXPECTED / COUNT * 100, 1),
    }
    values: dict[str, Any] = {}
    for name, (line, digits) in lines.items():
        values[name] = words.number(line.iloc[-1], digits)
        values[f"{name}_line"] = [None if np.isnan(v) else round(float(v), 3) for v in line.tail(60)]
    last = battery_rows(feed)
    lowest = recent.groupby("device", observed=True)["battery"].mean()
    silent = COUNT - int(by_window["online"].iloc[-1])
    return values | {
        "faulty": str(recent.loc[recent["fault"], "device"].nunique()),
        "online_delta": f"{silent} silent in the last window" if silent else "all of them",
        "readings_delta": f"of {COUNT * EXPECTED // 10} taken",
        "faulty_delta": f"{int(by_window['faulty'].iloc[-1])} in the last window",
        "mean_delta": f"{words.signed(by_window['mean'].diff(6).iloc[-1], 2, ' °C')} in a minute",
        "complete_delta": "of those taken",
        "battery": words.number(lowest.min(), 2),
        "battery_delta": f"{lowest.idxmin()}; 2.4 V is empty" if len(last) else "",
    }
