"""The windows of a time plane: how the state of each fills, when it closes, and when its state is freed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.placing import assign
from workbench.engine.ranges import shift
from workbench.engine.sessions import cluster
from workbench.model.windows import Count, Session
from workbench.runtimes.fates import LATE_ACCEPTED
from workbench.runtimes.plane import Plane
from workbench.time import END_OF_TIME, NO_WATERMARK, Nanos

Ints = npt.NDArray[np.int64]

PIECES: Final = 240
"""How many pieces all lanes may have together, about."""
MOST_LEVELS: Final = 12
"""How often a lane may change its shade."""
MOST_MERGES: Final = 48
"""How often the lane of a session may change its outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A part of a lane: for some processing time, so many rows were held for ``[start, end)``."""

    begin: int
    until: int
    start: int
    end: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One window, ``[start, end)``, of one key or of all.

    Parameters
    ----------
    start, end : int
        Its bounds, in nanoseconds; those of a session at last.
    rows : int
        How many rows it has taken.
    closes, freed : int or None
        Processing time when the watermark passed its end, and its end and the lateness; None if it has not.
    pieces : list of Piece
        How it filled; for a session, how it was merged of others.
    came : pandas.DataFrame
        Its rows, as of `Plane.rows`; ``rows`` says how many each stands for.
    """

    start: int
    end: int
    rows: int
    closes: int | None
    freed: int | None
    pieces: list[Piece]
    came: pd.DataFrame

    def held(self, moment: int, *, on_time: bool) -> int:
        """Give how many rows a pane held that fired at a moment; an on-time pane those before it closed."""
        took = self.came.met < self.end if on_time else self.came.arrival <= moment
        return int(self.came.rows[took].sum())


def lanes(plane: Plane, key: dict[str, Any] | None = None, *, since: int | None = None) -> list[Lane]:
    """Give the windows of a plane, by end.

    Parameters
    ----------
    plane : Plane
        The record.
    key : dict, optional
        The values of the key columns; None for all rows.
    since : int, optional
        Leave out windows that end before, in nanoseconds.

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.runtimes.replay import replay
    >>> rows = pd.DataFrame({"t": pd.to_datetime([5, 50, 65, 8, 90], unit="s"), "v": [1, 2, 3, 4, 5]})
    >>> panes = wb.stream(rows, time="t", watermark=0).window("1min", lateness="10s").agg(total=("v", "sum"))
    >>> [(lane.rows, [piece.rows for piece in lane.pieces]) for lane in lanes(replay(panes.step))]
    [(3, [1, 2, 3]), (2, [1])]
    """
    window = plane.window
    if window is None or isinstance(window, Count):
        return []
    rows = _accepted(plane, key).sort_values("arrival", kind="stable")
    if since is not None and not isinstance(window, Session):  # a session may reach far back
        rows = rows[rows.event_time >= since - max(window.lengths, default=0)]
    if rows.empty:
        return []
    owners, starts, ends = _sessions(plane, rows) if isinstance(window, Session) else _aligned(plane, rows)
    bounds = pd.MultiIndex.from_arrays([ends, starts])
    found = []
    groups = sorted(pd.Series(range(len(owners))).groupby(bounds).indices.items())
    detail = max(2, PIECES // max(len(groups), 1))
    for _, chosen in groups:
        start, end = int(starts[chosen[0]]), int(ends[chosen[0]])
        if since is None or end >= since:
            found.append(_lane(plane, start, end, rows.iloc[np.sort(owners[chosen])], detail))
    return found


def _accepted(plane: Plane, key: dict[str, Any] | None) -> pd.DataFrame:
    """Give the rows that windows took; ``rows`` says how many each stands for, ``code`` tells keys apart."""
    code = 0 if key or not isinstance(plane.window, Session) else _codes(plane)
    rows = plane.rows(key).assign(rows=1, code=code)
    if len(bins := plane.binned(key)):
        bins = bins.assign(met=NO_WATERMARK, code=0)
        rows = pd.concat([bins[list(rows)], rows], ignore_index=True)
    return rows[rows.fate <= LATE_ACCEPTED]


def _codes(plane: Plane) -> Any:
    """Give a number for the key of each row, from 1 on; those of bins are not known."""
    keys = list(plane.keys)
    return plane.keyed().groupby(keys, dropna=False, sort=False).ngroup().to_numpy() + 1 if keys else 0


def _aligned(plane: Any, rows: pd.DataFrame) -> tuple[Ints, Nanos, Nanos]:
    """Give every pair of a row and a window that took it."""
    owners, starts, ends = assign(plane.window, rows.event_time.to_numpy())
    took = shift(ends, plane.lateness) > rows.met.to_numpy()[owners]
    return owners[took], starts[took], ends[took]


def _sessions(plane: Any, rows: pd.DataFrame) -> tuple[Ints, Nanos, Nanos]:
    """Give the session of each row, as it was at last."""
    session, starts, ends = _together(plane.window, rows.event_time.to_numpy(), rows.code.to_numpy())
    return np.arange(len(rows)), starts[session], ends[session]


def _together(window: Session, times: Nanos, codes: Ints) -> tuple[Ints, Nanos, Nanos]:
    """Give the number of the session of each row, and the bounds of each, in order of their starts.

    As the engine does it; where sessions have a maximum size, as if their rows had come in order.
    """
    until, touching = shift(times, window.gap), window.merge_touching
    numbers, count = cluster(codes, times, until, touching=touching, longest=window.max_size)
    starts, ends = np.full(count, END_OF_TIME), np.full(count, NO_WATERMARK)
    np.minimum.at(starts, numbers, times)
    np.maximum.at(ends, numbers, until)
    return numbers, starts, ends


def _lane(plane: Plane, start: int, end: int, rows: pd.DataFrame, detail: int) -> Lane:
    """Give one window, in about so many pieces."""
    closes = passed(plane, end)
    freed = passed(plane, int(shift(np.array([end]), plane.lateness)[0]))
    until = max(plane.now if freed is None else freed, int(rows.arrival.iloc[-1]))
    window = plane.window
    if isinstance(window, Session):
        pieces = _merging(_some(rows, min(detail, MOST_MERGES)), until, window)
    else:
        pieces = _filling(_some(rows, min(detail, MOST_LEVELS)), until, start, end)
    return Lane(start, end, int(rows.rows.sum()), closes, freed, pieces, rows)


def passed(plane: Plane, moment: int) -> int | None:
    """Give when the watermark passed a moment of event time; None if it has not."""
    moments, watermarks = plane.steps()
    at = int(np.searchsorted(watermarks, moment))
    return None if at == len(watermarks) else int(moments[at])


def _some(rows: pd.DataFrame, most: int) -> tuple[pd.DataFrame, Ints]:
    """Choose some moments of a lane, when it has filled by another part; the first row is among them."""
    counts = rows.rows.to_numpy().cumsum()
    return rows, np.unique(np.searchsorted(counts, np.linspace(counts[0], counts[-1], most)))


def _filling(some: tuple[pd.DataFrame, Ints], until: int, start: int, end: int) -> list[Piece]:
    """Give how a window with fixed bounds fills."""
    rows, chosen = some
    arrivals, counts = rows.arrival.to_numpy(), rows.rows.to_numpy().cumsum()
    ends = [*arrivals[chosen[1:]].tolist(), until]
    begins = zip(arrivals[chosen].tolist(), ends, counts[chosen].tolist(), strict=True)
    return [Piece(begin, stop, start, end, count) for begin, stop, count in begins if stop > begin]


def _merging(some: tuple[pd.DataFrame, Ints], until: int, window: Session) -> list[Piece]:
    """Give how a session grows and takes in others."""
    rows, chosen = some
    arrivals, times, counts = (rows[name].to_numpy() for name in ("arrival", "event_time", "rows"))
    one = np.zeros(len(rows), dtype=np.int64)
    pieces: list[Piece] = []
    standing: dict[tuple[int, int, int], int] = {}  # bounds and rows of the parts, and since when
    for at in chosen.tolist():
        numbers, starts, ends = _together(window, times[: at + 1], one[: at + 1])
        held = np.bincount(numbers, counts[: at + 1]).astype(np.int64)
        parts = list(zip(starts.tolist(), ends.tolist(), held.tolist(), strict=True))
        now = int(arrivals[at])
        pieces += [Piece(since, now, *part) for part, since in standing.items() if part not in parts]
        standing = {part: standing.get(part, now) for part in parts}
    pieces += [Piece(since, until, *part) for part, since in standing.items()]
    return [piece for piece in pieces if piece.until > piece.begin]
