"""What City shows, worked out from its panes: rules that find faults, tables for charts, alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from workbench.model.panes import TIMING, WINDOW_END, WINDOW_START
from workbench.views import words
from workbench.views.alerts import NONE, alerts_of
from workbench.views.parts import complete
from workbench.views.scope import Scope

COUNT = 24
STATIONS = tuple(f"station-{number:03d}" for number in range(COUNT))
DISTRICTS = ("centre", "north", "east", "south", "west")
EXPECTED = 30
"""Readings of a station in a window of 30 s."""
RULES = ("spike", "stuck", "noise", "drift", "dropout")
ICONS = {"spike": "▲", "stuck": "■", "noise": "≈", "drift": "↗", "dropout": "○"}
# What follows was read off the panes of the simulator's seeds 101 to 112, and judged on others.
USUAL = {"temperature": (0.08, 0.0), "pm25": (0.29, 0.049), "sound": (1.14, 0.0)}
"""Deviation of each quantity within a window where nothing ails: °C, µg/m³, dB; and by how much it grows with
the median."""
FAR = {"temperature": 1.6, "pm25": 0.34, "sound": 1.4}
"""How far 1 in 100 medians are from those before, where nothing ails: °C, by factor (logarithm), dB."""
STEEP = {"temperature": 0.30, "pm25": 0.071, "sound": 0.66}
"""Deviation that a straight slope makes in 1 in 100 windows, where nothing ails; of dust, by its median."""
COLUMNS = {"temperature": "temperature", "pm25": "pm25", "sound": "noise"}
"""Where each quantity is in a reading; noise is also a fault."""
WILD = 2.5
"""Deviation by the usual one from which on readings scatter too much."""
LONE = 0.8
"""Share of the sum of squares from which on one reading makes it."""
STRAIGHT = 0.5
"""Correlation with time from which on a slope or a step makes the deviation, not noise."""
SAME = 0.38
"""Distinct values by values up to which a quantity is stuck; usual are 0.6 to 0.8."""
DRIFTED = 1.7
"""How far away, by `FAR`, plus half of how steep, by `STEEP`, from which on a quantity drifts."""
BEFORE = 12
"""Windows that a median is compared with: 6 min, for a drift takes up to 3."""
RECENT = pd.Timedelta("3min")
STALE = pd.Timedelta("90s")
"""Without a reading for so long, by the watermark, a station is silent."""


def second(readings: pd.DataFrame) -> Any:
    """Give how far into its window of 30 s each reading is, seconds; its correlation tells of slopes."""
    times = readings["event_time"]
    return (times - times.dt.floor("30s")).dt.total_seconds()


def faults(panes: pd.DataFrame) -> pd.DataFrame:
    """Tell which rules each pane breaks: a boolean column a rule.

    One reading far from the others is a spike, many of them are noise; few distinct values are stuck; a
    median that has moved away from those before, or a steep slope, is drift; rows without values, dropout.

    Examples
    --------
    >>> parts = dict(low=5, high=5.4, std=0.1, median=5.2, time=0.0, distinct=20, moved=0.0)
    >>> pane = {f"{name}_{part}": value for name in USUAL for part, value in parts.items()}
    >>> pane |= {"values": 30, "rows": 30, "temperature_high": 19.0, "temperature_std": 2.5}
    >>> faults(pd.DataFrame([pane])).iloc[0].to_dict()
    {'spike': True, 'stuck': False, 'noise': False, 'drift': False, 'dropout': False}
    """
    broken = {rule: np.zeros(len(panes), dtype=bool) for rule in RULES}
    for name in USUAL:
        for rule, told in _ails(panes, name).items():
            broken[rule] |= told
    broken["dropout"] = panes["rows"].to_numpy() > panes["values"].to_numpy()
    return pd.DataFrame(broken, index=panes.index)


def _ails(panes: pd.DataFrame, name: str) -> dict[str, np.ndarray]:
    """Tell what ails one quantity."""
    low, high, std, median, time, distinct, moved = (
        panes[f"{name}_{part}"].to_numpy(float)
        for part in ("low", "high", "std", "median", "time", "distinct", "moved")
    )
    values, slope = panes["values"].to_numpy(float), np.abs(np.nan_to_num(time))
    base, share = USUAL[name]
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = np.maximum(high - median, median - low)
        lone = (std > WILD * (base + share * median)) & (reach**2 > LONE * std**2 * (values - 1))
        wild = (std * np.sqrt(1 - slope**2) > WILD * (base + share * median)) & ~lone
        noise = wild & (slope < STRAIGHT)
        steep = slope * std / STEEP[name] / (np.maximum(median, 2) if share else 1)
        away = np.abs(np.nan_to_num(moved)) / FAR[name] + 0.5 * np.nan_to_num(steep)
    stuck = (distinct <= SAME * values) & (values >= EXPECTED / 2)
    return {"spike": lone, "noise": noise, "stuck": stuck, "drift": (away > DRIFTED) & ~lone & ~noise}


def judge(panes: pd.DataFrame) -> pd.DataFrame:
    """Add the rules that each pane breaks, to the latest panes of windows in order.

    A pane is judged by itself, and by how far its medians have moved from the windows of its station before.
    """
    levels = panes[[f"{name}_median" for name in USUAL]].to_numpy(float, copy=True)
    dust = list(USUAL).index("pm25")
    levels[:, dust] = np.log(np.maximum(levels[:, dust], 0.3))
    (when, ends), (who, stations) = pd.factorize(panes[WINDOW_END]), pd.factorize(panes["station"])
    table = np.full((len(ends), len(stations), len(USUAL)), np.nan)
    table[when, who] = levels
    moved = (levels - _before(table)[when, who]).T
    panes = panes.assign(**{f"{name}_moved": own for name, own in zip(USUAL, moved, strict=True)})
    return pd.concat([panes, faults(panes)], axis=1)


def _before(levels: np.ndarray) -> np.ndarray:
    """Give the median of the last rows before each row, without nulls; sorted, quicker than pandas."""
    nothing = np.full((BEFORE, *levels.shape[1:]), np.nan)
    past = sliding_window_view(np.concatenate([nothing, levels[:-1]]), BEFORE, axis=0)
    past = np.sort(past, axis=-1)  # nulls come last
    count = (~np.isnan(past)).sum(axis=-1, keepdims=True)
    middle = np.concatenate([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    median: np.ndarray = np.take_along_axis(past, middle, axis=-1).mean(axis=-1)
    return median


def judged(scope: Scope) -> pd.DataFrame:
    """Give the closed panes of stations of the last half hour with the rules that each breaks."""

    def made() -> pd.DataFrame:
        panes = recent(scope.closed("stations"), "30min")
        return panes if panes.empty else judge(panes)

    return scope.once("judged", made, every=0.9, of=["stations"])


def recent(panes: pd.DataFrame, span: str | pd.Timedelta) -> pd.DataFrame:
    """Give the panes of the last while."""
    if panes.empty:
        return panes
    return panes[(panes[WINDOW_END] > panes[WINDOW_END].max() - pd.Timedelta(span)).to_numpy()]


def places(scope: Scope) -> pd.DataFrame:
    """Give the stations as they are: where, what was measured last, ``health, silent, window_end``.

    ``silent`` is how many seconds the watermark has gone on without a reading in a closed window, the last of
    which ended at ``window_end``.
    """

    def made() -> pd.DataFrame:
        panes = judged(scope)
        if panes.empty:
            return panes
        last = heard(scope).merge(
            panes[[WINDOW_END, "station", *RULES]], on=[WINDOW_END, "station"], how="left"
        )
        silent = (panes[WINDOW_END].max() - last[WINDOW_END]).dt.total_seconds()
        broken = last[list(RULES)].eq(True).any(axis=1).to_numpy()
        health = np.where(silent > STALE.total_seconds(), "silent", np.where(broken, "faulty", "well"))
        named = last[["station", "longitude", "latitude", "temperature", "pm25", "sound", WINDOW_END]]
        return named.assign(health=health, silent=silent, key=last["station"].cat.codes.astype(float))

    return scope.once("places", made, every=0.9, of=["stations"])


def heard(scope: Scope) -> pd.DataFrame:
    """Give the last closed pane of each station, however long ago that is."""
    if scope.at is not None:
        return scope.closed("stations").drop_duplicates("station", keep="last")
    known: list[pd.DataFrame] = scope.feed.keep("stations heard", list)  # what the run keeps has an end

    def last() -> pd.DataFrame:
        panes = pd.concat([*known, scope.feed.closed("stations")]).drop_duplicates("station", keep="last")
        known[:] = [panes]
        return panes

    return scope.shown(scope.feed.once("stations heard", last, of=["stations"]))


def bands(scope: Scope) -> pd.DataFrame:
    """Give lowest, mean and highest temperature by station and window of 30 s."""
    panes = scope.panes("stations").rename(columns={"temperature_low": "low", "temperature_high": "high"})
    shown = [WINDOW_START, WINDOW_END, "station", "low", "temperature", "high", TIMING]
    return panes[shown] if len(panes) else panes


def raw(scope: Scope, stations: Sequence[str]) -> pd.DataFrame:
    """Give the readings of some stations in the range that is looked at, in the order in which they came."""

    def told() -> pd.DataFrame:
        events = scope.events()[::-1]
        events = events[events["station"].isin(stations).to_numpy()] if len(events) else events
        return events.tail(len(stations) * int(pd.Timedelta(scope.last).total_seconds()))

    return scope.once(("raw", *stations), told, every=0.4)


def board(scope: Scope) -> pd.DataFrame:
    """Give how well each rule finds its fault: ``kind, now, found, true, precision, recall``.

    A pane counts; it is truly at fault if any of its readings is, of that kind, in the simulator's truth.
    """

    def made() -> pd.DataFrame:
        panes = recent(judged(scope), "10min")
        if panes.empty:
            return panes
        true = truth(scope, panes)
        rows = []
        for rule in RULES:
            told, real = panes[rule].to_numpy(), true[rule].to_numpy()
            hits = int((told & real).sum())
            rows.append(
                {
                    "kind": rule,
                    "now": int(recent(panes, "30s")[rule].sum()),
                    "found": int(told.sum()),
                    "true": int(real.sum()),
                    "precision": hits / told.sum() if told.any() else None,
                    "recall": hits / real.sum() if real.any() else None,
                }
            )
        return pd.DataFrame(rows)

    return scope.once("board", made, every=1.9, of=["stations"])


def truth(scope: Scope, panes: pd.DataFrame) -> pd.DataFrame:
    """Tell of each pane which kinds of fault befell its readings, as the simulator knows.

    It is the simulator that the run reads now: somebody may have injected faults since it was described.
    """
    source: Any = next(read.source for read, _ in scope.run.graph.sources.values())
    simulator = source.simulator
    begin, block = pd.Timestamp(simulator.start), simulator.block
    first = int((panes[WINDOW_START].min() - begin) // block)
    last = int((panes[WINDOW_END].max() - begin) // block)
    known = [_true(simulator, number) for number in range(max(first, 0), last)]
    keys = _windows(panes["station"], panes[WINDOW_START])
    true = {
        rule: np.isin(keys, np.concatenate([keys[:0], *(block[rule] for block in known)])) for rule in RULES
    }
    return pd.DataFrame(true, index=panes.index)


@lru_cache(maxsize=512)
def _true(simulator: Any, number: int) -> Mapping[str, np.ndarray]:
    """Give, by kind of fault, the windows of stations that have it in a block of the simulator."""
    found = simulator.block_truth(number)
    events = simulator.block_events(number).set_index("event_id").loc[found["event_id"]]
    keys, kinds = _windows(events["station"], events["event_time"].dt.floor("30s")), found["kind"].astype(str)
    return {rule: np.unique(keys[(kinds == rule).to_numpy()]) for rule in RULES}


def _windows(stations: pd.Series, starts: pd.Series) -> np.ndarray:
    """Give a number for each window of a station."""
    seconds = starts.to_numpy().astype("datetime64[s]").astype(np.int64)
    return seconds * COUNT + pd.Categorical(stations, categories=STATIONS).codes


def delays(scope: Scope) -> pd.DataFrame:
    """Give how late the last events arrived: ``delay`` (words), ``events``, ``share`` and ``said``."""
    events = scope.events()
    if events.empty:
        return events
    late = (events["arrival_time"] - events["event_time"]).dt.total_seconds()
    count = np.histogram(late, [-1e9, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 1e9])[0]
    share = 100 * count / count.sum()
    said = [f"{value:.1f} %" for value in share]
    return pd.DataFrame({"delay": list(DELAYS), "events": count, "share": share, "said": said})


DELAYS = ("< 0.2 s", "0.5 s", "1 s", "2 s", "5 s", "10 s", "30 s", "1 min", "more")


def alerts(scope: Scope) -> pd.DataFrame:
    """Find what needs somebody: a fault that begins, a station that falls silent."""
    panes = recent(judged(scope), "10min")
    if panes.empty:
        return NONE
    found, panes = [NONE], panes[[WINDOW_END, "station", *RULES]]  # of 40 columns
    panes = panes.iloc[np.argsort(pd.factorize(panes["station"])[0], kind="stable")]
    stations = panes["station"].astype(str).to_numpy(object)
    same = np.append(False, stations[1:] == stations[:-1])
    for rule in RULES:
        broken = panes[rule].to_numpy()
        begins = panes[broken & ~(same & np.append(False, broken[:-1]))]
        said = [f"{station}: {ICONS[rule]} {rule} begins" for station in begins["station"]]
        found.append(alerts_of(begins, rule, WINDOW_END, said))
    silent = places(scope)
    silent = silent[(silent["health"] == "silent").to_numpy()]
    said = [f"{station}: no reading since" for station in silent["station"]]
    found.append(alerts_of(silent, "silent", WINDOW_END, said))
    return pd.concat([each for each in found if len(each)] or [NONE], ignore_index=True)


def key_figures(scope: Scope) -> dict[str, Any]:
    """Give the values of the row of key figures."""
    panes = recent(judged(scope), "20min")
    if panes.empty:
        return {}
    panes = panes.assign(fault=panes[list(RULES)].any(axis=1))
    by_window = panes.groupby(WINDOW_END)
    sums, means = by_window[["rows", "fault"]].sum(), by_window[["temperature", "pm25"]].mean()
    shown = len(panes["station"].unique())
    lines = {
        "online": (by_window.size(), 0),
        "readings": (sums["rows"] / 30, 1),
        "faulty": (sums["fault"], 0),
        "temperature": (means["temperature"], 2),
        "pm25": (means["pm25"], 1),
        "complete": (100 * sums["rows"] / EXPECTED / max(shown, 1), 1),
    }
    values: dict[str, Any] = {}
    for name, (line, digits) in lines.items():
        moved = line.diff(2).iloc[-1] if len(line) > 2 else None
        values |= complete(name, scope.in_time("stations")) | {
            name: words.number(line.iloc[-1], digits),
            f"{name}_line": [None if np.isnan(v) else round(float(v), 3) for v in line.tail(40)],
            f"{name}_delta": f"{words.signed(moved, max(digits, 1))} in a minute",
        }
    return values
