"""How good the rules of the served dashboards are: ``python -m benchmarks.rules [first seed] [last seed]``.

By default on seeds 201 to 208, which have judged the rules and not made them: 101 to 112 did. A pane of a
station, a payment and a visit count once each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from simulators import City, Clickstream, Payments
from workbench.views.dashboards import cityrows, clickrows, clickstream, fraud, sensors

Found = Iterator[tuple[str, np.ndarray, np.ndarray]]
"""What is looked for, what a rule tells, and what is true."""


def faults(seed: int) -> Found:
    """Judge an hour of 24 stations in panes of 30 s."""
    city = City(seed=seed, stations=cityrows.COUNT, hertz=1.0, faults=sensors.USUAL)
    truth = city.truth("1h").merge(city.events("1h"), on="event_id")
    true = set(zip(truth["station"], truth["event_time"].dt.floor("30s"), truth["kind"], strict=True))
    panes = sensors.pipeline(seed=seed, duration="1h")["stations"].to_pandas()
    panes = panes.drop_duplicates(["window_start", "station"], keep="last")
    panes = cityrows.judge(panes.sort_values("window_end", kind="stable", ignore_index=True))
    for kind in cityrows.RULES:
        keys = zip(panes["station"], panes["window_start"], strict=True)
        yield kind, panes[kind].to_numpy(), np.array([(*key, kind) in true for key in keys])


def frauds(seed: int) -> Found:
    """Judge six hours of payments: all fraud, and by kind how much of it is found."""
    payments = Payments(seed=seed, payments_per_day=10)
    scores = fraud.pipeline(payments, "6h")["scores"].to_pandas()
    kinds = scores["event_id"].map(payments.truth("6h").set_index("event_id")["kind"].astype(str))
    told = (scores["score"] >= fraud.REVIEW).to_numpy()
    yield "fraud", told, kinds.notna().to_numpy()
    for kind in payments.kinds:
        yield kind, told, (kinds == kind).to_numpy()


def bots(seed: int) -> Found:
    """Judge ten minutes of visits that are long enough to be judged."""
    visits = clickrows.judge(clickstream.pipeline(seed=seed, duration="10min")["visits"].to_pandas())
    true = visits["session_id"].isin(Clickstream(seed=seed).truth("10min")["episode_id"].unique())
    yield "bot", (visits["who"] == "bot").to_numpy(), true.to_numpy()


def table(seeds: range) -> pd.DataFrame:
    """Give precision and recall in percent by kind: mean, least and most of the seeds.

    A score does not say which kind of fraud it is, so that a kind has no precision.
    """
    rows = [
        (kind, 100 * (told & true).sum() / max(told.sum(), 1), 100 * (told & true).sum() / max(true.sum(), 1))
        for seed in seeds
        for judged in (faults, frauds, bots)
        for kind, told, true in judged(seed)
    ]
    by_kind = pd.DataFrame(rows, columns=["kind", "precision", "recall"]).groupby("kind", sort=False)
    found = by_kind.agg(["mean", "min", "max"]).round(1)
    found.loc[list(Payments.kinds), "precision"] = np.nan
    return found


if __name__ == "__main__":
    first, last = (int(each) for each in (sys.argv[1:] or ["201", "208"]))
    print(table(range(first, last + 1)).to_string())
