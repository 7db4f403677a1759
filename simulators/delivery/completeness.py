"""Completeness: how long a watermark must wait for how many of the events.

A row is late for a watermark of bound b if a row dated more than b after it had arrived before. So the bound
that reaches a share of completeness is a quantile of that distance: the greatest event time so far, minus
the row's own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from simulators.delivery.parcel import Parcel
from simulators.delivery.road import Delivery
from simulators.parameters import duration, microseconds, positive

SHARES = (0.9, 0.99, 0.999)

_START = pd.Timestamp("2026-01-05T09:00").value // 1_000
"""When the stream begins, microseconds since 1970: some faults tell how long ago that is."""


def bounds(
    arrivals: pd.DataFrame, *, time: str = "event_time", shares: Sequence[float] = SHARES
) -> dict[float, pd.Timedelta]:
    """Return the bound of disorder that reaches each share of completeness.

    Parameters
    ----------
    arrivals
        Rows in the order of arrival.
    time
        The column of event times.
    shares
        Shares of the rows that are to be in time, each in (0, 1]. Without rows, each bound is NaT.

    Examples
    --------
    >>> rows = pd.DataFrame({"event_time": pd.to_datetime([10, 30, 20, 40], unit="s")})
    >>> bounds(rows, shares=(0.75, 1.0))
    {0.75: Timedelta('0 days 00:00:00'), 1.0: Timedelta('0 days 00:00:10')}
    """
    times = arrivals[time].to_numpy().astype("datetime64[us]").astype(np.int64)
    behind = np.sort(np.maximum.accumulate(times) - times)
    if not len(behind):
        return dict.fromkeys(shares, pd.NaT)
    places = [max(0, int(np.ceil(share * len(behind))) - 1) for share in shares]
    return {share: _span(behind[at]) for share, at in zip(shares, places, strict=True)}


def completeness(
    delivery: Delivery, *, rate: float = 50.0, last: Any = "6h", keys: int = 30, seed: int = 0
) -> pd.DataFrame:
    """Return what a delivery does to a steady stream: its delays, its disorder, and the bounds it asks for.

    Parameters
    ----------
    delivery
        How events arrive.
    rate
        Events a second; the time of each is at random.
    last
        How long the stream is, a duration. Long enough for some outages.
    keys
        How many keys there are.
    seed
        Seed of all randomness.

    Returns
    -------
    DataFrame
        A row a share of 0.5, 0.9, 0.95, 0.99, 0.999 (the index, ``share``): ``delay`` (timedelta64), within
        which that share of the rows arrives, and ``bound`` (timedelta64), with which that share is in time;
        NaT if none arrives.

    Examples
    --------
    >>> completeness(Delivery.ideal(), last="1min")["bound"].max()
    Timedelta('0 days 00:00:00')
    """
    positive("rate", rate, unit="events per second")

    def draw(*words: int) -> np.random.Generator:
        return np.random.default_rng([seed, *words])

    span = microseconds(duration("last", last))
    count = int(rate * span / 1e6)
    rng = draw(0)
    time = np.sort(rng.integers(0, span, count))
    parcel = Parcel(time=time, keys=rng.integers(0, keys, count), start=_START)
    rows, arrival = delivery.send(parcel, draw)
    told = pd.DataFrame({"event_time": parcel.claimed()[rows].view("datetime64[us]")})
    shares = (0.5, 0.9, 0.95, 0.99, 0.999)
    delays = np.quantile(arrival - time[rows], shares) if len(rows) else [np.nan] * len(shares)
    return pd.DataFrame(
        {
            "delay": [_span(each) for each in delays],
            "bound": list(bounds(told, shares=shares).values()),
        },
        index=pd.Index(shares, name="share"),
    )


def _span(micros: float) -> pd.Timedelta:
    if np.isnan(micros):
        return pd.NaT
    return pd.Timedelta(int(micros), unit="us").as_unit("us")
