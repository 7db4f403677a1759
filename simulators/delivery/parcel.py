"""Parcel: the events of one block on their way, as each fault finds them and leaves them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simulators.columns import Column
from simulators.ordering import IntArray

Mask = npt.NDArray[np.bool_]
Draw = Callable[..., np.random.Generator]
"""``draw(*index)``: the generator of one place."""

_GOLDEN = (5**0.5 - 1) / 2


class Mark(NamedTuple):
    """What has befallen some events."""

    kind: str
    rows: IntArray
    """Positions in the block, ascending."""
    episodes: IntArray
    """Number of the spell, or of the key, that they have in common."""


@dataclass(kw_only=True)
class Parcel:
    """The events of one block on their way; an element an event, in event order.

    Parameters
    ----------
    time
        When they happened, microseconds since the start, ascending.
    keys
        The key of each, as an integer.
    columns
        What they say, by name; categories as codes, times in microseconds since the start. Columns are
        replaced, never written into. Without any, they say when they happened and of which key they are.
    time_column, key_column
        Which of the columns those two are.
    schema
        What the columns are.
    block, length
        Index of the block, and how long it is, microseconds.
    start
        The start, microseconds since 1970.
    """

    time: IntArray
    keys: IntArray
    block: int = 0
    length: int = 1
    start: int = 0
    columns: dict[str, Any] = field(default_factory=dict)
    time_column: str = "event_time"
    key_column: str = "key"
    schema: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        self.columns = self.columns or {self.time_column: self.time, self.key_column: self.keys}
        self.arrival = self.time.copy()
        """When they get here, as far as is known by now."""
        self.kept: Mask = np.ones(len(self.time), dtype=np.bool_)
        """Whether they get here."""
        self.marks: list[Mark] = []

    def mark(self, kind: str, rows: IntArray, episodes: IntArray | int) -> None:
        """Note what has befallen some events."""
        if len(rows):
            self.marks.append(Mark(kind, rows, np.broadcast_to(np.asarray(episodes, np.int64), rows.shape)))

    def of_keys(self, share: float, phase: float) -> Mask:
        """Say which events are of a share of the keys; ``phase`` in [0, 1) decides of which."""
        # Multiples of the golden ratio spread evenly: close to `share` of any few keys.
        return np.asarray((self.keys * _GOLDEN + phase) % 1 < share)

    def described(self, name: str) -> Column | None:
        """Return what a column is, if that is known."""
        return next((column for column in self.schema if column.name == name), None)

    def claim(self, rows: IntArray, time: IntArray) -> None:
        """Let some events say another time, microseconds since the start."""
        said = self.claimed().copy()
        said[rows] = time
        self.columns[self.time_column] = said

    def claimed(self) -> IntArray:
        """Return the times that the events say, microseconds since the start."""
        times: IntArray = self.columns[self.time_column]
        return times
