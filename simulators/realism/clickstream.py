"""What the streams of a shop, a video site, a social network, a feed and a game should look like."""

from functools import partial

import numpy as np

from simulators.clickstream.clickstream import Clickstream
from simulators.realism.metric import Card, Metric
from simulators.realism.statistics import dispersion
from simulators.realism.visits import (
    FloatArray,
    Sample,
    burstiness,
    busiest_hour,
    by_user,
    draw,
    mean_minutes,
    mean_value,
    peak_to_trough,
    ratio,
    top,
    top_items,
    top_users,
    weekend_factor,
    zipf,
)


def card(simulator: Clickstream) -> Card:
    """Return what a site is judged by.

    Examples
    --------
    >>> [metric.name for metric in card(Clickstream(site="feed")).metrics][:2]
    ['click-through rate', 'mean session']
    """
    return Card(draw, _METRICS[simulator.site] + _everywhere(simulator.site))


def _everywhere(site: str) -> tuple[Metric, ...]:
    """Return the figures that every site has, with its own intervals."""
    swing, hour, weekend, bots, burst = _EVERYWHERE[site]
    return (
        Metric("peak to trough by hour", *swing, peak_to_trough, "daily cycle: Gill et al. 2007"),
        Metric("hour of the peak", *hour, busiest_hour, "Sandvine 2013; Gill et al. 2007", unit="h UTC"),
        Metric("weekend to weekday", *weekend, weekend_factor, "Gill et al. 2007; Chambers et al. 2005"),
        Metric("index of dispersion, 60 s", 5, 2000, lambda s: dispersion(s.minutes), "Paxson & Floyd 1995"),
        Metric("burstiness of intervals", *burst, burstiness, "Goh & Barabási 2008"),
        Metric("events by bots", *bots, lambda s: s.bots, _BOTS[site]),
    )


_EVERYWHERE = {
    "shop": ((4, 9), (11, 19), (0.65, 1.05), (0.05, 0.5), (0.15, 0.6)),
    "video": ((4, 9), (16, 22), (1.0, 1.5), (0.01, 0.5), (0.05, 0.6)),
    "social": ((4, 9), (14, 22), (0.85, 1.25), (0.05, 0.2), (0.15, 0.6)),
    "feed": ((4, 9), (14, 22), (0.8, 1.2), (0.05, 0.5), (0.15, 0.75)),
    "game": ((4, 9), (15, 22), (1.05, 1.6), (0.01, 0.1), (0.05, 0.6)),
}
"""Intervals of peak to trough, hour of the peak, weekend, bots and burstiness."""

_BOTS = {
    "shop": "Imperva 2025: 37 % bad bots, half of all requests automated",
    "video": "Imperva 2025",
    "social": "Varol et al. 2017: 9-15 % of the accounts",
    "feed": "Imperva 2025",
    "game": "Blackburn et al. 2014: 6 % of the accounts marked as cheaters",
}

# Figures of a shop.


def _abandoned(sample: Sample) -> float:
    cart = sample.reached("cart")
    return float(1 - (cart & sample.reached("purchase")).sum() / cart.sum())


def _thinking(sample: Sample) -> FloatArray:
    return sample.gap[sample.gap > 0]


_RETAIL = "RetailRocket 2016"
_DEPTH = "Berendt & Spiliopoulou 2000; ECML/PKDD Challenge 2005"
_POPULAR = "Breslau et al. 1999"

_SHOP = (
    Metric("bounce rate", 0.38, 0.55, lambda s: float((s.lengths() == 1).mean()), "ECML/PKDD Challenge 2005"),
    Metric("pages a session, mean", 4, 8, lambda s: float(s.lengths().mean()), _DEPTH),
    Metric("pages a session, p99", 30, 60, lambda s: float(np.quantile(s.lengths(), 0.99)), _DEPTH),
    Metric("session, mean", 1.5, 5, mean_minutes, "Wolfgang Digital 2020: 3 min", unit="min"),
    Metric(
        "sessions with a cart", 0.05, 0.09, lambda s: float(s.reached("cart").mean()), "Dynamic Yield 2023"
    ),
    Metric(
        "sessions with a purchase",
        0.015,
        0.035,
        lambda s: float(s.reached("purchase").mean()),
        "IRP Commerce 2023",
    ),
    Metric("cart abandonment", 0.66, 0.78, _abandoned, "Baymard Institute 2023"),
    Metric("carts per product seen", 0.02, 0.06, partial(ratio, of=("cart",), to=("product",)), _RETAIL),
    Metric(
        "purchases per product seen",
        0.006,
        0.015,
        partial(ratio, of=("purchase",), to=("product",)),
        _RETAIL,
    ),
    Metric(
        "think time, median", 10, 30, lambda s: float(np.median(_thinking(s))), "Liu et al. 2010", unit="s"
    ),
    Metric("think time, log-sd", 1.0, 1.5, lambda s: float(np.log(_thinking(s)).std()), "Liu et al. 2010"),
    Metric("Zipf exponent, ranks 5-1000", 0.7, 1.05, partial(zipf, of="product"), _POPULAR),
    Metric("views of the top tenth of products", 0.5, 0.95, partial(top_items, of="product"), _POPULAR),
    Metric(
        "sessions of the top fifth of users",
        0.5,
        0.85,
        partial(top_users, part=0.2),
        "Schmittlein et al. 1993",
    ),
)

# Figures of a video site.


def _lost_within(sample: Sample, *, seconds: float) -> float:
    """Return the share of plays that are stopped before so much was watched."""
    play = np.cumsum(sample.of("play")) - 1
    watched = np.bincount(play, np.where(sample.of("play"), 0, np.nan_to_num(sample.value)))
    stopped = np.bincount(play, sample.of("stop")) > 0
    return float((stopped & (watched <= seconds)).mean())


_LOST = "Visible Measures 2010"

_VIDEO = (
    Metric("plays lost within 10 s", 0.12, 0.28, partial(_lost_within, seconds=10), _LOST),
    Metric("plays lost within 30 s", 0.25, 0.42, partial(_lost_within, seconds=30), _LOST),
    Metric("plays lost within 60 s", 0.34, 0.55, partial(_lost_within, seconds=60), _LOST),
    Metric("plays finished", 0.39, 0.66, partial(ratio, of=("finish",), to=("play",)), "Vidyard 2023"),
    Metric("mean session", 12, 25, mean_minutes, "Similarweb 2023: YouTube 20 min", unit="min"),
    Metric("Zipf exponent, ranks 5-1000", 0.7, 1.05, partial(zipf, of="play"), _POPULAR),
    Metric(
        "plays of the top tenth of videos", 0.6, 0.9, partial(top_items, of="play"), "Cha et al. 2007: 80 %"
    ),
)

# Figures of a social network.

_WRITING = ("comment", "post")


def _silent(sample: Sample) -> float:
    """Return the share of users seen who wrote nothing."""
    seen = by_user(sample, np.ones(len(sample.user), bool)) > 0
    wrote = by_user(sample, sample.of(*_WRITING)) > 0
    return float(1 - (wrote & seen).sum() / seen.sum())


_NIELSEN = "Nielsen 2006: 90-9-1"
_VISIT = "Similarweb 2023: Instagram 8, Facebook and X 10 min"

_SOCIAL = (
    Metric("users who write nothing", 0.85, 0.95, _silent, _NIELSEN),
    Metric(
        "written by the top hundredth",
        0.4,
        0.9,
        partial(top_users, of=_WRITING, part=0.01),
        _NIELSEN,
    ),
    Metric(
        "written by the top tenth",
        0.9,
        1.0,
        partial(top_users, of=_WRITING, part=0.1),
        "Heil & Piskorski 2009",
    ),
    Metric(
        "reactions per view",
        0.02,
        0.08,
        partial(ratio, of=("like", "comment", "share"), to=("view",)),
        "Socialinsider 2023: 5.1 %",
    ),
    Metric("likes per comment", 5, 60, partial(ratio, of=("like",), to=("comment",)), "Socialinsider 2023"),
    Metric("mean session", 6, 12, mean_minutes, _VISIT, unit="min"),
    Metric("Zipf exponent, ranks 5-1000", 0.7, 1.05, partial(zipf, of="view"), _POPULAR),
    Metric("views of the top tenth of posts", 0.5, 0.95, partial(top_items, of="view"), _POPULAR),
)

# Figures of a feed.


def _dwell(sample: Sample) -> float:
    """Return the median time until somebody is back from a click."""
    back = 1 + np.flatnonzero(sample.of("click")[:-1])
    return float(np.nanmedian(sample.gap[back]))


_FEED = (
    Metric(
        "click-through rate",
        0.009,
        0.03,
        partial(ratio, of=("click",), to=("impression",)),
        "WordStream 2017: 0.90 %; 2024: 1.5 %",
    ),
    Metric("mean session", 3, 11, mean_minutes, "Similarweb 2023: TikTok 4, Facebook 10 min", unit="min"),
    Metric(
        "price of a click, mean",
        0.4,
        1.9,
        partial(mean_value, of="click"),
        "WordStream 2017, 2024",
        unit="EUR",
    ),
    Metric("away after a click, median", 15, 60, _dwell, "Kim et al. 2014; Liu et al. 2010", unit="s"),
    Metric(
        "clicks of the top tenth of users",
        0.5,
        0.9,
        partial(top_users, of=("click",), part=0.1),
        "comScore 2009: 8 % make 85 %",
    ),
    Metric("Zipf exponent, ranks 5-1000", 0.7, 1.05, partial(zipf, of="impression"), _POPULAR),
    Metric(
        "impressions of the top tenth of stories", 0.5, 0.95, partial(top_items, of="impression"), _POPULAR
    ),
)

# Figures of a game.


def _match_minutes(sample: Sample) -> float:
    """Return the median length of a match that is played to its end."""
    elapsed = np.cumsum(np.nan_to_num(sample.gap))
    start, end = sample.of("match_start"), sample.of("match_end")
    number = np.cumsum(start)
    begin = np.append(0.0, elapsed[start])
    return float(np.median((elapsed - begin[number])[end])) / 60


def _spent(sample: Sample) -> FloatArray:
    """Return what each user paid who paid at all."""
    bought = sample.of("purchase")
    spent: FloatArray = np.bincount(
        sample.user[bought], sample.value[bought], minlength=sample.users + 1
    ).astype(np.float64)
    return spent[spent > 0]


def _paying(sample: Sample) -> float:
    return len(_spent(sample)) / int((by_user(sample, np.isnan(sample.gap)) > 0).sum())


def _one_purchase(sample: Sample) -> float:
    bought = by_user(sample, sample.of("purchase"))
    return float((bought == 1).sum() / (bought > 0).sum())


_SWRVE = "Swrve 2014, 2015, 2016"
_BENCHMARK = "GameAnalytics 2025: median game 5-6, top quarter 8-9 min"

_GAME = (
    Metric("session, median", 4.5, 9, lambda s: float(np.median(s.durations())) / 60, _BENCHMARK, unit="min"),
    Metric(
        "match, median", 2, 5, _match_minutes, "Supercell 2016: Clash Royale 3 min, and overtime", unit="min"
    ),
    Metric("kills per death", 0.85, 1.15, partial(ratio, of=("kill",), to=("death",)), "by definition, 1"),
    Metric("users who pay", 0.01, 0.03, _paying, _SWRVE),
    Metric("payers who pay once", 0.35, 0.7, _one_purchase, _SWRVE),
    Metric("paid by the top tenth of payers", 0.4, 0.7, lambda s: top(_spent(s), 0.1), _SWRVE),
    Metric("purchase, mean", 7, 14, partial(mean_value, of="purchase"), _SWRVE, unit="EUR"),
)

_METRICS = {"shop": _SHOP, "video": _VIDEO, "social": _SOCIAL, "feed": _FEED, "game": _GAME}
