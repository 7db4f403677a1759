"""Catalogue: the sites that are shipped.

Their numbers were chosen so that the streams look as published ones do; what those are, and where they
were published, is in ``simulators.realism.clickstream``.
"""

from types import MappingProxyType

from simulators.clickstream.sites import Burst, Rhythm, Robot, Role, Site, Stage
from simulators.columns import Column

COUNTRIES = MappingProxyType(
    {"US": 0.34, "GB": 0.14, "DE": 0.13, "FR": 0.10, "IN": 0.10, "BR": 0.08, "JP": 0.07, "AU": 0.04}
)
"""Where users live, and their shares; the same for all sites."""

_PAGE = 20.0
"""Median time at a page of the shop, seconds."""


def _pages(**weights: float) -> dict[str, tuple[float, float]]:
    return {name: (weight, _PAGE) for name, weight in weights.items()}


SHOP = Site(
    name="shop",
    stages={
        "view": Stage(leave=0.20, onward=_pages(view=0.44, product=0.56), item="none"),
        "product": Stage(leave=0.185, onward=_pages(view=0.38, product=0.580, cart=0.040), item="new"),
        "cart": Stage(leave=0.25, onward=_pages(view=0.14, product=0.16, cart=0.18, checkout=0.52)),
        "checkout": Stage(leave=0.32, onward=_pages(view=0.08, product=0.04, cart=0.12, payment=0.76)),
        "payment": Stage(leave=0.10, onward=_pages(cart=0.04, checkout=0.06, payment=0.06, purchase=0.84)),
        "purchase": Stage(leave=0.45, onward=_pages(view=0.50, product=0.40, cart=0.10)),
    },
    first={"view": 0.55, "product": 0.45},
    bounce=0.29,
    item=Column("product_id", "int64", "Product last looked at, from 1; 0 for none."),
    value=Column("amount", "float64", "Value of the order; NaN but on purchase.", unit="EUR"),
    values={"purchase": (55.0, 0.75)},
    items=2_000,
    zipf=0.85,
    robots=(
        Robot(cycle=("view", "product", "product", "product", "product"), pause=(0.8, 2.0)),
        Robot(cycle=("product",), pause=(0.15, 0.6)),
    ),
    bots=0.1,
    session_events=5.4,
    sessions=80.0,
    rhythm=Rhythm(day=(0.76, 15.3), half_day=(0.25, 3.1), weekend=0.8),
    devices={"mobile": 0.58, "desktop": 0.36, "tablet": 0.06},
    channels={"organic": 0.38, "direct": 0.24, "paid": 0.18, "social": 0.12, "email": 0.08},
)

_WATCHING = {
    "finish": (0.45, 130.0),
    "stop": (0.27, 35.0),
    "seek": (0.13, 40.0),
    "pause": (0.09, 70.0),
    "ad": (0.04, 180.0),
    "like": (0.03, 60.0),
}
"""What follows while a video goes on."""

VIDEO = Site(
    name="video",
    stages={
        "play": Stage(
            leave=0.0,
            onward={
                "ad": (0.25, 6.0),
                "stop": (0.31, 11.0),
                "finish": (0.25, 130.0),
                "seek": (0.10, 40.0),
                "pause": (0.06, 70.0),
                "like": (0.03, 60.0),
            },
            item="new",
            lasts=True,
        ),
        "pause": Stage(leave=0.12, onward={"resume": (0.85, 30.0), "stop": (0.15, 45.0)}),
        "resume": Stage(leave=0.0, onward=_WATCHING, lasts=True),
        "seek": Stage(leave=0.0, onward=_WATCHING, lasts=True),
        "ad": Stage(leave=0.0, onward=_WATCHING, lasts=True),
        "like": Stage(leave=0.0, onward=_WATCHING, lasts=True),
        "stop": Stage(leave=0.125, onward={"play": (1.0, 9.0)}),
        "finish": Stage(leave=0.125, onward={"play": (1.0, 6.0)}),
    },
    first={"play": 1.0},
    bounce=0.04,
    patience=2.0,
    think=(0.9, 0.4),
    most=120,
    cap=3600,
    item=Column("video_id", "int64", "Video that is watched, from 1."),
    value=Column(
        "seconds",
        "float64",
        "Watched since the event before, of the video or of an advertisement; NaN where nothing was.",
        unit="s",
    ),
    values={},
    decimals=1,
    items=5_000,
    zipf=1.0,
    robots=(
        Robot(cycle=("play", "finish"), pause=(28.0, 34.0)),
        Robot(cycle=("play", "stop"), pause=(0.5, 2.0)),
    ),
    bots=0.05,
    session_events=22.3,
    sessions=20.0,
    rhythm=Rhythm(day=(0.80, 19.0), half_day=(0.28, 9.5), weekend=1.2),
    devices={"mobile": 0.55, "television": 0.25, "desktop": 0.15, "tablet": 0.05},
    channels={"recommended": 0.52, "search": 0.20, "subscription": 0.16, "link": 0.12},
)

_BROWSING = {
    "view": (0.925, 11.0),
    "like": (0.045, 7.0),
    "share": (0.006, 10.0),
    "comment": (0.010, 30.0),
    "follow": (0.006, 9.0),
    "post": (0.008, 60.0),
}
"""What follows while somebody reads."""

SOCIAL = Site(
    name="social",
    stages={
        "view": Stage(leave=0.034, onward=_BROWSING, item="new"),
        "like": Stage(leave=0.02, onward=_BROWSING),
        "comment": Stage(leave=0.05, onward=_BROWSING),
        "share": Stage(leave=0.05, onward=_BROWSING),
        "follow": Stage(leave=0.03, onward=_BROWSING),
        "post": Stage(leave=0.10, onward=_BROWSING, item="none"),
    },
    first={"view": 1.0},
    bounce=0.10,
    patience=2.0,
    think=(1.0, 0.4),
    most=140,
    item=Column("post_id", "int64", "Post that is read, from 1; 0 for one that is written."),
    value=Column("characters", "float64", "Length of what was written; NaN but on comment and post."),
    values={"comment": (55.0, 0.9), "post": (110.0, 1.0)},
    decimals=0,
    items=5_000,
    zipf=0.95,
    robots=(
        Robot(cycle=("view",), pause=(0.8, 2.0)),
        Robot(cycle=("view", "like"), pause=(1.0, 3.0)),
    ),
    bots=0.12,
    session_events=33.0,
    sessions=11.0,
    rhythm=Rhythm(day=(0.72, 18.0), half_day=(0.26, 9.0), weekend=1.05),
    devices={"mobile": 0.82, "desktop": 0.15, "tablet": 0.03},
    channels={"direct": 0.55, "notification": 0.30, "link": 0.15},
    roles=(
        Role(share=0.90, leaning={"comment": 0.0, "post": 0.0}),
        Role(share=0.09, leaning={}),
        Role(share=0.01, leaning={"comment": 8.0, "post": 20.0}),
    ),
)

FEED = Site(
    name="feed",
    stages={
        "open": Stage(
            leave=0.04, onward={"scroll": (0.93, 7.0), "click": (0.06, 7.0), "hide": (0.01, 6.0)}, item="none"
        ),
        "scroll": Stage(
            leave=0.04, onward={"scroll": (0.92, 8.0), "click": (0.07, 7.0), "hide": (0.01, 6.0)}, item="none"
        ),
        "impression": Stage(leave=0.0, onward={}, item="new"),
        "click": Stage(leave=0.12, onward={"scroll": (1.0, 35.0)}),
        "hide": Stage(leave=0.10, onward={"scroll": (1.0, 4.0)}),
    },
    first={"open": 1.0},
    bounce=0.12,
    patience=2.0,
    think=(1.0, 0.4),
    most=120,
    item=Column("story_id", "int64", "Story that is shown, from 1; 0 for none."),
    value=Column("price", "float64", "What the click costs the advertiser; NaN but on click.", unit="EUR"),
    values={"click": (0.6, 0.7)},
    items=3_000,
    zipf=0.9,
    robots=(
        Robot(cycle=("scroll", "impression", "impression", "impression", "impression"), pause=(0.3, 0.8)),
        Robot(cycle=("impression", "impression", "click"), pause=(0.5, 2.0)),
    ),
    bots=0.12,
    robot_events=120.0,
    session_events=124.0,
    sessions=3.0,
    rhythm=Rhythm(day=(0.70, 17.0), half_day=(0.26, 8.5), weekend=0.95),
    devices={"mobile": 0.85, "desktop": 0.11, "tablet": 0.04},
    channels={"direct": 0.60, "notification": 0.28, "link": 0.12},
    burst=Burst(after=("open", "scroll"), actions={"impression": 1.0}, mean=4.0, span=0.3, fresh=True),
)

GAME = Site(
    name="game",
    stages={
        "login": Stage(
            leave=0.06, onward={"match_start": (0.97, 15.0), "purchase": (0.03, 40.0)}, item="none"
        ),
        "match_start": Stage(leave=0.05, onward={"match_end": (1.0, 165.0)}, item="new"),
        "kill": Stage(leave=0.0, onward={}),
        "death": Stage(leave=0.0, onward={}),
        "score": Stage(leave=0.0, onward={}),
        "match_end": Stage(leave=0.38, onward={"match_start": (0.97, 25.0), "purchase": (0.03, 30.0)}),
        "purchase": Stage(leave=0.15, onward={"match_start": (1.0, 20.0)}),
    },
    first={"login": 1.0},
    bounce=0.03,
    think=(0.5, 0.25),
    most=60,
    item=Column("hero_id", "int64", "Hero that is played, from 1; 0 for none yet."),
    value=Column("amount", "float64", "What was paid; NaN but on purchase.", unit="EUR"),
    values={"purchase": (6.5, 0.95)},
    items=80,
    zipf=0.8,
    robots=(
        Robot(cycle=("match_start", "score", "kill", "score", "death", "match_end"), pause=(8.0, 14.0)),
        Robot(cycle=("match_start", *["kill"] * 8, "match_end"), pause=(0.8, 2.5)),
    ),
    bots=0.06,
    robot_events=60.0,
    session_events=31.0,
    sessions=12.0,
    rhythm=Rhythm(day=(0.72, 18.5), half_day=(0.28, 9.0), weekend=1.25),
    devices={"mobile": 0.70, "desktop": 0.20, "console": 0.10},
    channels={"direct": 0.62, "notification": 0.28, "invitation": 0.10},
    roles=(
        Role(share=0.944, leaning={"purchase": 0.0}),
        Role(share=0.05, leaning={"purchase": 0.8}),
        Role(share=0.006, leaning={"purchase": 30.0}),
    ),
    burst=Burst(
        after=("match_start",),
        actions={"kill": 0.34, "death": 0.34, "score": 0.32},
        mean=9.0,
        span=0.97,
        fights=3,
    ),
)

SITES = MappingProxyType({site.name: site for site in (SHOP, VIDEO, SOCIAL, FEED, GAME)})
"""The sites, by name."""
