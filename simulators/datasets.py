"""Datasets: small real data that comes with us, each with a card."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from simulators.delivery.road import IDEAL, Delivery
from simulators.parameters import problem, require
from simulators.replay import Replay

_HERE = Path(__file__).parent
_FOLDER = next(
    (place for place in (_HERE / "_datasets", _HERE.parent / "datasets") if place.is_dir()),
    _HERE / "_datasets",
)
"""In a wheel they are in this package; in the repository beside it."""


def names() -> list[str]:
    """Return the names of all data sets.

    Examples
    --------
    >>> names()
    ['earthquakes', 'flights', 'outlines', 'temperatures']
    """
    return sorted(path.parent.name for path in _FOLDER.glob("*/card.toml"))


def card(name: str) -> dict[str, Any]:
    """Return a data set's card: ``title, about, origin, package, licence, cut, file, sha256, rows, columns``.

    Those that are streams also have ``time``, ``key`` and, if it is known, ``arrival``.

    Raises
    ------
    ValueError
        If there is no such data set.

    Examples
    --------
    >>> card("flights")["licence"]
    'CC0'
    """
    if name not in names():
        raise problem(
            f"there is no data set {name!r}",
            detail=f"There are {', '.join(names())}.",
            hint='Write for example datasets.table("flights").',
        )
    return tomllib.loads(_text(name))


@cache
def _text(name: str) -> str:
    return (_FOLDER / name / "card.toml").read_text(encoding="utf-8")


def table(name: str) -> pd.DataFrame:
    """Return a data set, with the dtypes of its card.

    Raises
    ------
    ValueError
        If there is no such data set, or its file is not the one that the card describes.

    Examples
    --------
    >>> len(table("earthquakes"))
    1707
    """
    told = card(name)
    path = _FOLDER / name / told["file"]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    require(
        found == told["sha256"],
        f"the checksum of {told['file']} is {found[:12]}...",
        detail=f"The card says {told['sha256'][:12]}...: the file has been changed.",
        hint="Take it from the repository again, or cut it anew with datasets/cut.py.",
    )
    dtypes = {column: dtype for column, (dtype, _) in told["columns"].items()}
    times = [column for column, dtype in dtypes.items() if dtype.startswith("datetime")]
    # only an empty field is null: "NA" is a country's code, and a network's
    frame = pd.read_csv(
        path,
        dtype={column: dtype for column, dtype in dtypes.items() if column not in times},
        keep_default_na=False,
        na_values=[""],
    )
    return frame.assign(**{column: frame[column].astype("datetime64[us]") for column in times})


def replay(name: str, *, by: str = "arrival", delivery: Delivery = IDEAL, seed: int = 0) -> Replay:
    """Return a data set as a stream that can be read, paced and rewound as a simulator.

    Parameters
    ----------
    name
        The data set.
    by
        ``arrival``, as it really arrived, if that is known; or ``event``, in event order, as the delivery
        brings it.
    delivery
        How it arrives by event time.
    seed
        Seed of the delivery.

    Raises
    ------
    ValueError
        If there is no such stream.

    Examples
    --------
    >>> quakes = replay("earthquakes").arrivals("1D")
    >>> [bool(quakes[time].is_monotonic_increasing) for time in ("arrival_time", "event_time")]
    [True, False]
    """
    told = card(name)
    require(
        "time" in told,
        f"{name} is no stream",
        detail="Its rows have no time.",
        hint=f'Read it with datasets.table("{name}").',
    )
    require(
        by in ("arrival", "event"),
        f"by is {by!r}",
        detail="A data set is replayed by arrival or by event.",
        hint='Write by="event".',
    )
    arrival = told.get("arrival") if by == "arrival" else None
    frame = table(name)
    if by == "event" and "arrival" in told:
        frame = frame.drop(columns=told["arrival"])
    return Replay(
        table=frame,
        time=told["time"],
        arrival=arrival,
        key=told["key"],
        title=name,
        delivery=delivery,
        seed=seed,
    )
