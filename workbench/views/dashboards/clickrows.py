"""What Store pulse shows, worked out from its panes: tables for charts, key figures and alerts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import EARLY, ON_TIME, TIMING, WINDOW_END, WINDOW_START
from workbench.views import words
from workbench.views.alerts import NONE, alerts_of
from workbench.views.export import origin
from workbench.views.parts import complete
from workbench.views.scope import Scope
from workbench.views.tables import openness

STEPS = ("view", "product", "cart", "checkout", "payment", "purchase")
"""The way to an order, in order."""
ARRIVE = "arrive"
"""What comes before the first page of a visit."""
LENGTHS = (
    ("1 page", 0),
    ("< 30 s", 30),
    ("30–60 s", 60),
    ("1–2 min", 120),
    ("2–5 min", 300),
    ("> 5 min", 1e9),
)
SILENCE = 120
"""Seconds without a click that end a visit."""
QUICK, REGULAR = 25.0, 0.4
"""A bot has more clicks per minute, and less variation of the gaps between them (deviation by mean).

Chosen on the simulator's seeds 101 to 112, judged on others."""
ENOUGH = 5
"""Clicks of a visit that can be judged."""
SHOWN_VISITS = 1_200
SURE = 4.5
"""Standard deviations from which on a product is told of as an alert."""


def length(visits: pd.DataFrame) -> Any:
    """Say of visits that ended how long they were: one of `LENGTHS`, by its place."""
    lasted = (visits[WINDOW_END] - visits[WINDOW_START]).dt.total_seconds().to_numpy() - SILENCE
    place = np.searchsorted([limit for _, limit in LENGTHS[1:]], lasted, side="right") + 1
    return np.where(visits["pages"].to_numpy() == 1, 0, np.minimum(place, len(LENGTHS) - 1))


def traffic(scope: Scope) -> pd.DataFrame:
    """Give events and revenue by window of 10 s and action, all countries that are shown together."""

    def rows() -> pd.DataFrame:
        panes = scope.panes("traffic")
        if panes.empty:
            return panes
        keys = [WINDOW_START, WINDOW_END, "action"]
        total = panes.groupby(keys, observed=True, sort=False)
        sums = total[["events", "revenue"]].sum()  # three times as quick as to name them
        return sums.assign(**{TIMING: total[TIMING].last()}).reset_index()

    return scope.once("traffic rows", rows)


def recent(scope: Scope, result: str) -> pd.DataFrame:
    """Give the closed panes of the range that is looked at."""
    panes = scope.closed(result)
    return panes[panes[WINDOW_END] > _begin(scope, panes)] if len(panes) else panes


def hour_before(scope: Scope, result: str) -> pd.DataFrame:
    """Give the closed panes of the hour before the range that is looked at, as far as they are known."""
    panes = scope.closed(result)
    if panes.empty:
        return panes
    end = _begin(scope, panes)
    return panes[(panes[WINDOW_END] > end - pd.Timedelta("1h")) & (panes[WINDOW_END] <= end)]


def _begin(scope: Scope, panes: pd.DataFrame) -> pd.Timestamp:
    return panes[WINDOW_END].max() - pd.Timedelta(scope.last)


def reached(panes: pd.DataFrame) -> np.ndarray:
    """Count the visits that came as far as each step; a visit counts for all steps before.

    Examples
    --------
    >>> reached(pd.DataFrame({"furthest": [0, 2, 5], "visits": [10, 4, 1]})).tolist()
    [15.0, 5.0, 5.0, 1.0, 1.0, 1.0]
    """
    ended = np.bincount(panes["furthest"], weights=panes["visits"], minlength=len(STEPS))
    return np.asarray(ended[::-1].cumsum()[::-1], dtype=float)


def funnel(scope: Scope) -> pd.DataFrame:
    """Give how far visits came: ``action, visits, rate, before, said``; rates in % of the step before."""
    now, before = recent(scope, "funnel"), hour_before(scope, "funnel")
    if now.empty:
        return now
    count = reached(now)
    rate = rates(count)
    earlier = rates(reached(before)) if len(before) else np.full(len(STEPS), np.nan)
    said = [words.number(count[0])]
    for n, part, then in zip(count[1:], rate[1:], earlier[1:], strict=True):
        change = "" if np.isnan(then) or np.isnan(part) else f"  {words.signed(part - then, 1)}"
        said.append(f"{words.number(n)} · {words.number(part, 1)} %{change}")
    return pd.DataFrame({"action": STEPS, "visits": count, "rate": rate, "before": earlier, "said": said})


def rates(count: np.ndarray) -> np.ndarray:
    """Give each step in percent of the one before; the first is all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 100 * count[1:] / count[:-1]
    return np.append(100.0, np.where(count[:-1] > 0, share, np.nan))


def lengths(scope: Scope) -> pd.DataFrame:
    """Give how long visits were: ``length, visits, share, said``."""
    panes = recent(scope, "funnel")
    if panes.empty:
        return panes
    count = np.bincount(panes["length"], weights=panes["visits"], minlength=len(LENGTHS))
    share = 100 * count / count.sum()
    names = [name for name, _ in LENGTHS]
    said = [f"{value:.1f} %" for value in share]
    return pd.DataFrame({"length": names, "visits": count, "share": share, "said": said})


def countries(scope: Scope) -> pd.DataFrame:
    """Give conversion by country over the last five closed minutes: ``country, conversion, said``."""
    panes = scope.closed("countries")
    if panes.empty:
        return panes
    last = panes[panes[WINDOW_END] > panes[WINDOW_END].max() - pd.Timedelta("5min")]
    total = last.groupby("country", observed=True)[["orders", "sessions"]].sum().reset_index()
    total["conversion"] = 100 * total["orders"] / total["sessions"]
    return total.assign(said=[f"{value:.2f}" for value in total["conversion"]])


def paths(scope: Scope) -> pd.DataFrame:
    """Give where people went from each page: ``previous, action, steps, share, said``; shares in %."""
    panes = recent(scope, "paths")
    if panes.empty:
        return panes
    total = panes.groupby(["previous", "action"], observed=True)["steps"].sum().reset_index()
    total["share"] = 100 * total["steps"] / total.groupby("previous")["steps"].transform("sum")
    return total.assign(said=[f"{value:.0f}" if value >= 0.5 else "·" for value in total["share"]])


def channels(scope: Scope) -> pd.DataFrame:
    """Give events by channel in windows of 5 min, and by the hour as soon as three hours are known."""
    return scope.once("channel hours", lambda: by_hour(scope.panes("channels", last="1D")), every=0.9)


def by_hour(panes: pd.DataFrame) -> pd.DataFrame:
    """Put windows of 5 min by channel together to hours, if they are of three hours and more.

    Examples
    --------
    >>> starts = pd.date_range("2026-01-05 09:00", periods=37, freq="5min")
    >>> panes = pd.DataFrame({"window_start": starts, "window_end": starts + pd.Timedelta("5min")})
    >>> hours = by_hour(panes.assign(channel="paid", events=1, timing="on_time"))
    >>> hours["events"].tolist(), hours["timing"].tolist()[-2:]
    ([12, 12, 12, 1], ['on_time', 'early'])
    """
    if panes.empty or panes[WINDOW_END].max() - panes[WINDOW_START].min() < pd.Timedelta("3h"):
        return panes
    panes = panes[panes[WINDOW_START] >= panes[WINDOW_START].min().ceil("h")]  # whole hours
    hour = panes[WINDOW_START].dt.floor("h")
    total = panes.groupby([hour, "channel"], observed=True)["events"].sum().reset_index()
    ends = total[WINDOW_START] + pd.Timedelta("1h")
    still_open = (ends > panes[WINDOW_END].max()) | ends.isin(hour[openness(panes)] + pd.Timedelta("1h"))
    return total.assign(**{WINDOW_END: ends, TIMING: np.where(still_open, EARLY, ON_TIME)})


def trending(scope: Scope) -> pd.DataFrame:
    """Give the products that are viewed more than before: ``product_id, views, usual, z, line``.

    ``z`` is how many standard deviations the last minute's views are above the mean of the minutes before,
    as if views came by themselves (Poisson); so few views more of a rare product are nothing.
    """
    return scope.once("trending", lambda: _trending(scope.closed("products")), every=1.9, of=["products"])


def _trending(panes: pd.DataFrame, most: int = 10) -> pd.DataFrame:
    ends: Any = np.sort(panes[WINDOW_END].unique())[-8:] if len(panes) else []
    if len(ends) < 3:
        return pd.DataFrame()
    table = panes[panes[WINDOW_END].isin(ends)].pivot_table(
        index="product_id", columns=WINDOW_END, values="views", fill_value=0
    )
    now, usual = table.iloc[:, -1].to_numpy(), table.iloc[:, :-1].mean(axis=1).to_numpy()
    z = (now - usual) / np.sqrt(np.maximum(usual, 0.5))
    found = pd.DataFrame(
        {"product_id": table.index.to_numpy(), "views": now, "usual": usual, "z": z, "time": ends[-1]}
    )
    found["line"] = table.to_numpy().tolist()
    return found.sort_values(["z", "product_id"], ascending=[False, True], ignore_index=True).head(most)


def abandoned(scope: Scope) -> pd.DataFrame:
    """Give the checkouts that no purchase has followed in time, the last first."""
    rows = scope.closed("abandoned")
    return rows.iloc[::-1] if len(rows) else rows


def judge(visits: pd.DataFrame) -> pd.DataFrame:
    """Give the visits that can be judged, and who made them, as the rules say: ``people`` or ``bot``.

    Examples
    --------
    >>> visits = pd.DataFrame({"pages": [3, 30, 30], "gap": [1.0, 1.0, 9.0], "spread": [0.1, 0.1, 8.0]})
    >>> judge(visits)["who"].to_dict()
    {1: 'bot', 2: 'people'}
    """
    visits = visits[(visits["pages"] >= ENOUGH) & (visits["gap"] > 0)]
    pace, variation = 60 / visits["gap"], visits["spread"] / visits["gap"]
    who = np.where((pace > QUICK) & (variation < REGULAR), "bot", "people")
    return visits.assign(pace=np.log10(pace), variation=variation, who=who)


def judged(scope: Scope) -> pd.DataFrame:
    """Give the last visits that can be judged, with who made them."""

    def rows() -> pd.DataFrame:
        visits = scope.closed("visits")
        if visits.empty:
            return visits
        visits = judge(visits).tail(SHOWN_VISITS)
        return visits.assign(key=visits["session_id"])

    return scope.once("judged", rows, every=0.9, of=["visits"])


def radar(scope: Scope, *, reveal: bool) -> pd.DataFrame:
    """Give the visits that can be judged, with the truth in ``bot`` if it is to be revealed."""
    if not reveal:
        return judged(scope)

    def revealed() -> pd.DataFrame:
        visits = judged(scope)
        return visits.assign(bot=truth(scope, visits)) if len(visits) else visits

    return scope.once("revealed", revealed, every=0.9, of=["visits"])


def truth(scope: Scope, visits: pd.DataFrame) -> np.ndarray:
    """Tell which visits were made by bots, as the simulator knows."""
    simulator = origin(scope).simulator
    begin, minute = pd.Timestamp(simulator.start), pd.Timedelta("1min")
    first = int((visits[WINDOW_START].min() - begin) // minute)
    last = int((visits[WINDOW_END].max() - begin) // minute)
    bots = set().union(*(_bots(simulator, block) for block in range(max(first, 0), last + 1)))
    return visits["session_id"].isin(bots).to_numpy()


@lru_cache(maxsize=256)
def _bots(simulator: Any, block: int) -> frozenset[int]:
    """Give the sessions of bots in a block of the simulator, which is a minute."""
    return frozenset(simulator.block_truth(block)["episode_id"].tolist())


def radar_score(scope: Scope, *, reveal: bool) -> dict[str, Any]:
    """Say how good the rules are, if the truth is to be known."""
    visits = radar(scope, reveal=reveal)
    if visits.empty or not reveal:
        return {"score": ""}
    told, true = (visits["who"] == "bot").to_numpy(), visits["bot"].to_numpy()
    hits = (told & true).sum()
    precision, recall = hits / max(told.sum(), 1), hits / max(true.sum(), 1)
    return {"score": f"precision {words.percent(precision, 0)}, recall {words.percent(recall, 0)}; ○ truth"}


def alerts(scope: Scope) -> pd.DataFrame:
    """Find what needs somebody: bots, products that take off, conversion that breaks down."""
    visits, products, minutes = judged(scope), trending(scope), recent(scope, "countries")
    found = [NONE]
    if len(visits):
        bots = visits[(visits["who"] == "bot") & (visits["pages"] >= 40)]
        found.append(
            alerts_of(
                bots,
                "bot",
                WINDOW_END,
                [f"session {s}: {n} clicks, {60 / g:.0f} a minute" for s, n, g in _columns(bots)],
            )
        )
    if len(products):
        rising = products[products["z"] > SURE]
        said = [f"product {p}: {v:.0f} views in a minute, {z:.1f} deviations above its usual" for p, v, z in
                zip(rising["product_id"], rising["views"], rising["z"], strict=True)]  # fmt: skip
        found.append(alerts_of(rising, "trending", "time", said))
    if len(minutes):
        ordered = minutes.groupby("country", observed=True)["orders"].transform("mean")
        none = minutes[(minutes["orders"] == 0) & (ordered >= 6)]
        found.append(
            alerts_of(
                none, "no orders", WINDOW_END, [f"{c}: a minute without an order" for c in none["country"]]
            )
        )
    return pd.concat([each for each in found if len(each)] or [NONE], ignore_index=True)


def _columns(bots: pd.DataFrame) -> Any:
    return zip(bots["session_id"], bots["pages"], bots["gap"], strict=True)


def key_figures(scope: Scope) -> dict[str, Any]:
    """Give the values of the row of key figures."""
    closed = scope.closed("traffic")
    if closed.empty:
        return {}
    keep = closed[WINDOW_END] > closed[WINDOW_END].max() - pd.Timedelta("12min")
    closed = closed[keep.to_numpy()]
    closed = closed.assign(orders=closed["events"].where(closed["action"] == "purchase", 0))
    ten = closed.groupby(WINDOW_END)[["events", "orders", "revenue"]].sum()
    minute = ten.rolling(6).sum().dropna()
    visits = ended_visits(scope)
    lines = {
        "events": ("traffic", ten["events"].tail(60) / 10, 0, 6),
        "visits": ("visits", visits["ended"], 0, 1),
        "conversion": ("visits", 100 * visits["ordered"] / visits["ended"], 2, 1),
        "orders": ("traffic", minute["orders"], 0, 6),
        "revenue": ("traffic", minute["revenue"], 0, 6),
        "basket": ("traffic", minute["revenue"] / minute["orders"], 2, 6),
    }
    values: dict[str, Any] = {}
    for name, (result, line, digits, back) in lines.items():
        values |= figure(name, line, digits, back=back) | complete(name, scope.in_time(result))
    return values


def ended_visits(scope: Scope) -> pd.DataFrame:
    """Give, for each minute, how many visits ``ended``, and how many of them had ``ordered``."""
    panes = scope.closed("funnel")
    if panes.empty:  # as in the first minutes, until a first visit has ended
        return pd.DataFrame({"ended": [], "ordered": []})
    panes = panes.assign(ordered=panes["visits"].where(panes["furthest"] == len(STEPS) - 1, 0))
    return panes.groupby(WINDOW_END)[["visits", "ordered"]].sum().tail(60).rename(columns={"visits": "ended"})


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
