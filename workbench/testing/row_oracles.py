"""The oracles of operators that remember rows: slow, readable twins that take one row at a time.

Each is made with the arguments of its twin in the engine, and used like it. Instead of frames it gives lists
of ids: a row is named by the number that its ``id`` column has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.engine.progress import Stamp
from workbench.model.windows import Aligned, Session, Window
from workbench.testing.compare import Key, plain
from workbench.testing.covering import windows_of
from workbench.time import END_OF_TIME, NO_WATERMARK

Pair = tuple[Any, ...]
"""Ids of a left and a right row, None where there is none; before them the window, if there is one."""


@dataclass(eq=False)
class Row:
    """A row as it came."""

    id: int
    side: str
    time: int
    key: Key
    limit: int
    """The watermark that it met, less the lateness."""
    values: dict[str, Any]
    matched: bool = False

    def matches(self, other: Row, null_keys: str) -> bool:
        """Say whether two rows have the same key; null is no key."""
        return self.key == other.key and (null_keys == "equal" or None not in self.key)


@dataclass(eq=False)
class Told:
    """What came of a batch: pairs (or ids), and late rows as (id, by how much, watermark met)."""

    out: list[Any] = field(default_factory=list)
    late: list[tuple[int, int, int]] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    duplicate: list[int] = field(default_factory=list)


class RowOracle(ABC):
    """Takes rows one by one, and moves the watermark before each and after all."""

    own_watermark: tuple[str, ...] = ()
    """Sides whose rows are late by their own side's watermark, whatever the other's."""

    def __init__(self, *, keys: Sequence[str] = (), lateness: int = 0, null_keys: str = "unmatched") -> None:
        self.keys, self.lateness, self.null_keys = tuple(keys), lateness, null_keys
        self.watermarks: dict[str, int] = {}
        self.told = Told()

    def process(self, side: str, frame: pd.DataFrame, stamp: Stamp) -> Told:
        """Take a batch of a side."""
        self.told = Told()
        for number, values in zip(frame.index.tolist(), frame.to_dict("records"), strict=True):
            place = number - stamp.first
            self.watermarks[side] = int(stamp.met[place])
            met = self.watermarks[side] if side in self.own_watermark else self.combined()
            key = tuple(plain(values[name]) for name in self.keys)
            row = Row(values["id"], side, int(stamp.times[place]), key, self.behind(met), values)
            self.advance(self.behind(self.combined()))
            self.take(row, met)
        self.watermarks[side] = max(stamp.watermark, self.watermarks.get(side, NO_WATERMARK))
        self.advance(self.behind(self.combined()))
        return self.told

    def combined(self) -> int:
        """Give the least watermark of the sides."""
        return min(self.watermarks.get(side, NO_WATERMARK) for side in self.sides())

    def sides(self) -> tuple[str, ...]:
        """Give the sides that there are."""
        return ("left", "right")

    def behind(self, watermark: int) -> int:
        """Give the moment before which rows are late."""
        extreme = watermark in (NO_WATERMARK, END_OF_TIME)
        return watermark if extreme else watermark - self.lateness

    def is_late(self, row: Row, met: int) -> bool:
        """Say whether a row is late; if so, put it aside."""
        if row.time < row.limit:
            self.told.late.append((row.id, row.limit - row.time, met))
            return True
        return False

    @abstractmethod
    def take(self, row: Row, met: int) -> None:
        """Take a row that met a watermark."""

    def advance(self, limit: int) -> None:  # noqa: B027 - there are twins of which nothing is ever due
        """Do what is due at a watermark less the lateness."""


class IntervalJoinOracle(RowOracle):
    """Keeps the rows of both sides in a list, and compares each new one with all of the other side."""

    def __init__(
        self,
        *,
        lower: int | None,
        upper: int | None,
        how: str = "inner",
        lower_inclusive: bool = True,
        upper_inclusive: bool = True,
        drop_late: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.lower, self.upper, self.how, self.drop_late = lower, upper, how, drop_late
        self.lower_inclusive, self.upper_inclusive = lower_inclusive, upper_inclusive
        self.held: list[Row] = []

    def take(self, row: Row, met: int) -> None:
        """Pair a row with those of the other side that are held."""
        if self.drop_late and self.is_late(row, met):
            return
        for other in self.held:
            left, right = (row, other) if row.side == "left" else (other, row)
            if (
                other.side != row.side
                and row.matches(other, self.null_keys)
                and self.within(right.time - left.time)
            ):
                if self.how == "semi" and not left.matched:
                    self.told.out.append((left.id, None))
                elif self.how not in ("semi", "anti"):
                    self.told.out.append((left.id, right.id))
                row.matched = other.matched = True
        self.held.append(row)

    def within(self, difference: int) -> bool:
        """Say whether a difference lies between the bounds."""
        above = self.lower is None or difference > self.lower
        below = self.upper is None or difference < self.upper
        at_lower = self.lower_inclusive and difference == self.lower
        return (above or at_lower) and (below or (self.upper_inclusive and difference == self.upper))

    def advance(self, limit: int) -> None:
        """Drop rows for which no partner can come any more."""
        for row in [row for row in self.held if self.is_past(row, limit)]:
            self.held.remove(row)
            outer = "left" if self.how == "anti" else self.how
            if not row.matched and outer in (row.side, "outer"):
                self.told.out.append((row.id, None) if row.side == "left" else (None, row.id))

    def is_past(self, row: Row, limit: int) -> bool:
        """Say whether all moments that a row reaches to are before the limit."""
        if row.side == "left":
            reach, inclusive = self.upper, self.upper_inclusive
        else:
            reach, inclusive = None if self.lower is None else -self.lower, self.lower_inclusive
        if limit == END_OF_TIME or reach is None:
            return limit == END_OF_TIME
        return row.time + reach < limit if inclusive else row.time + reach <= limit


@dataclass(eq=False)
class Place:
    """A window of a key, and its rows."""

    start: int
    end: int
    key: Key
    rows: list[Row]


class ByWindow(RowOracle):
    """Puts rows into windows, and gives each window when it has closed."""

    def __init__(self, *, window: Window, **common: Any) -> None:
        super().__init__(**common)
        self.window = window
        self.places: list[Place] = []

    def take(self, row: Row, met: int) -> None:
        """Put a row into its windows."""
        if isinstance(self.window, Session):
            self.take_into_session(row, met, self.window)
            return
        assert isinstance(self.window, Aligned)
        intervals = windows_of(self.window, row.time)
        if not intervals:
            self.told.rejected.append(row.id)
        elif all(end <= row.limit for _, end in intervals):
            self.told.late.append((row.id, row.limit - max(end for _, end in intervals), met))
        for start, end in intervals:
            if end > row.limit:
                wanted = (start, end, row.key)
                found = [place for place in self.places if (place.start, place.end, place.key) == wanted]
                self.places += [] if found else [Place(start, end, row.key, [])]
                (found or self.places[-1:])[0].rows.append(row)

    def take_into_session(self, row: Row, met: int, window: Session) -> None:
        """Merge a row with the sessions of its key that it meets."""
        end = row.time + window.gap
        parts = [
            place
            for place in self.places
            if place.key == row.key
            and (
                place.start <= end and row.time <= place.end
                if window.merge_touching
                else place.start < end and row.time < place.end
            )
        ]
        if not parts and end <= row.limit:
            self.told.late.append((row.id, row.limit - end, met))
            return
        self.places = [place for place in self.places if place not in parts]
        start = min([row.time, *(part.start for part in parts)])
        end = max([end, *(part.end for part in parts)])
        self.places.append(Place(start, end, row.key, [*(old for part in parts for old in part.rows), row]))

    def advance(self, limit: int) -> None:
        """Give the windows that have closed."""
        for place in [place for place in self.places if place.end <= limit]:
            self.places.remove(place)
            self.close(place)

    @abstractmethod
    def close(self, place: Place) -> None:
        """Tell a window."""


class WindowJoinOracle(ByWindow):
    """Pairs all left with all right rows of a window."""

    def __init__(self, *, how: str = "inner", **common: Any) -> None:
        super().__init__(**common)
        self.how = how

    def close(self, place: Place) -> None:
        """Tell pairs, and rows without partner."""
        bounds = (place.start, place.end)
        lefts = [row for row in place.rows if row.side == "left"]
        rights = [row for row in place.rows if row.side == "right"]
        pairs = [(left, right) for left in lefts for right in rights if left.matches(right, self.null_keys)]
        paired = {row for pair in pairs for row in pair}
        alone = [row for row in lefts if row not in paired]
        if self.how in ("semi", "anti"):
            chosen = alone if self.how == "anti" else [row for row in lefts if row in paired]
            self.told.out += [(*bounds, row.id, None) for row in chosen]
            return
        self.told.out += [(*bounds, left.id, right.id) for left, right in pairs]
        if self.how in ("left", "outer"):
            self.told.out += [(*bounds, row.id, None) for row in alone]
        if self.how in ("right", "outer"):
            self.told.out += [(*bounds, None, row.id) for row in rights if row not in paired]


class AsofOracle(RowOracle):
    """Keeps everything, and answers at the end: when an answer is given cannot change what it is."""

    own_watermark = ("right",)

    def __init__(
        self,
        *,
        direction: str = "backward",
        allow_exact: bool = True,
        tolerance: int | None = None,
        nearest_tie: str = "backward",
        how: str = "left",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.direction, self.allow_exact, self.tolerance = direction, allow_exact, tolerance
        self.nearest_tie, self.how = nearest_tie, how
        self.held: list[Row] = []

    def take(self, row: Row, met: int) -> None:
        """Keep a row that is not late."""
        if not self.is_late(row, met):
            self.held.append(row)

    def advance(self, limit: int) -> None:
        """Answer, once nothing can come any more."""
        if limit < END_OF_TIME:
            return
        for left in [row for row in self.held if row.side == "left"]:
            best = self.best(left)
            if best is not None or self.how == "left":
                self.told.out.append((left.id, best))
        self.held = []

    def best(self, left: Row) -> int | None:
        """Give the right row for a left one; of equal ones the last, but the first of those ahead."""
        found: tuple[tuple[int, int], int] | None = None
        for right in self.held:
            ahead = right.time - left.time
            if right.side == "left" or not left.matches(right, self.null_keys):
                continue
            if (ahead == 0 and not self.allow_exact) or (
                self.tolerance is not None and abs(ahead) > self.tolerance
            ):
                continue
            if (self.direction == "backward" and ahead > 0) or (self.direction == "forward" and ahead < 0):
                continue
            loses_tie = ahead > 0 if self.nearest_tie == "backward" else ahead < 0
            rank = (abs(ahead), int(loses_tie))
            forward = self.direction == "forward" or ahead > 0
            if found is None or rank < found[0] or (rank == found[0] and not forward):
                found = (rank, right.id)
        return None if found is None else found[1]


class DedupOracle(RowOracle):
    """Remembers until when each key is hidden."""

    def __init__(self, *, within: int | None, by: str = "key", **common: Any) -> None:
        super().__init__(**common)
        self.by = by
        self.within = 1 + self.lateness if within is None else within
        self.hidden: dict[Any, int] = {}

    def sides(self) -> tuple[str, ...]:
        """Give the one input."""
        return ("",)

    def take(self, row: Row, met: int) -> None:
        """Let a row pass, or not."""
        if self.is_late(row, met):
            return
        same = (row.key, row.time) if self.by == "key_and_time" else row.key
        if self.hidden.get(same, NO_WATERMARK) > met:
            self.told.duplicate.append(row.id)
        else:
            self.hidden[same] = row.time + self.within
            self.told.out.append(row.id)


class TopNOracle(ByWindow):
    """Sorts the rows of a window when it has closed."""

    def __init__(
        self, *, n: int, by: str, ascending: bool = False, ties: str = "row_number", **common: Any
    ) -> None:
        super().__init__(**common)
        self.n, self.by, self.ascending, self.ties = n, by, ascending, ties

    def sides(self) -> tuple[str, ...]:
        """Give the one input."""
        return ("",)

    def close(self, place: Place) -> None:
        """Tell the first rows: (start, end, id, rank)."""
        rows = sorted(place.rows, key=lambda row: row.id)  # those of merged sessions, by arrival
        values = {row: plain(row.values[self.by]) for row in rows}
        some = sorted(
            [row for row in rows if values[row] is not None],
            key=lambda row: values[row],
            reverse=not self.ascending,
        )
        ordered = some + [row for row in rows if values[row] is None]
        ranks: dict[str, Callable[[int], int]] = {
            "row_number": lambda at: at + 1,
            "rank": lambda at: [values[row] for row in ordered].index(values[ordered[at]]) + 1,
            "dense_rank": lambda at: len({values[row] for row in ordered[: at + 1]}),
        }
        for at, row in enumerate(ordered):
            rank = ranks[self.ties](at)
            if rank <= self.n:
                self.told.out.append((place.start, place.end, row.id, rank))


class SortOracle(RowOracle):
    """Releases rows that the watermark has passed, least first."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)
        self.held: list[Row] = []

    def sides(self) -> tuple[str, ...]:
        """Give the one input."""
        return ("",)

    def take(self, row: Row, met: int) -> None:
        """Hold a row that is not late."""
        if not self.is_late(row, met):
            self.held.append(row)

    def advance(self, limit: int) -> None:
        """Release what is due."""
        due = sorted([row for row in self.held if row.time < limit], key=lambda row: row.time)
        self.held = [row for row in self.held if row not in due]
        self.told.out += [row.id for row in due]
