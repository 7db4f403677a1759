"""The columnar store: partials of slices, sessions or fired windows in columns that grow by doubling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.partials import Partials
from workbench.engine.parts import Columns, Part
from workbench.errors import SnapshotError

Ints = npt.NDArray[np.int64]
VERSION = 1


class Table:
    """Rows of integer labels and partials; a row keeps its number until it is dropped.

    Parameters
    ----------
    labels : tuple of str
        Names of the int64 columns that say what a row is of.
    parts : list of Part
        What the partials are made of.
    """

    def __init__(self, labels: tuple[str, ...], parts: list[Part]) -> None:
        self.parts = parts
        self._clear(labels)

    def _clear(self, labels: Iterable[str]) -> None:
        self._labels: dict[str, Ints] = {name: np.zeros(0, dtype=np.int64) for name in labels}
        self._columns: list[Columns] | None = None
        self._live = np.zeros(0, dtype=bool)
        self._free = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._live) - len(self._free)

    def __getitem__(self, label: str) -> Ints:
        """Give a label's column, by row number; rows that are not live hold anything."""
        return self._labels[label]

    def live(self) -> Ints:
        """Give the numbers of the live rows, ascending."""
        return np.flatnonzero(self._live)

    def add(self, partials: Partials | None, **labels: Any) -> Ints:
        """Add rows and give their numbers; freed rows are used again first, labels not given are 0."""
        count = len(next(iter(labels.values())))
        if count > len(self._free):
            self._grow(count - len(self._free))
        rows, self._free = self._free[:count], self._free[count:]
        self._live[rows] = True
        for name, held in self._labels.items():
            held[rows] = labels.get(name, 0)
        if partials is not None:
            self._store(rows, partials)
        return rows

    def take(self, rows: Ints) -> Partials:
        """Give the partials of some rows."""
        assert self._columns is not None or len(rows) == 0
        columns = self._columns or [() for _ in self.parts]
        return Partials(self.parts, [tuple(array[rows] for array in arrays) for arrays in columns])

    def merge(self, rows: Ints, partials: Partials) -> None:
        """Merge partials into the rows, each row once."""
        self._store(rows, self.take(rows).merge(partials))

    def put(self, rows: Ints, partials: Partials) -> None:
        """Give rows other partials."""
        self._store(rows, partials)

    def drop(self, rows: Ints) -> None:
        """Free rows."""
        self._live[rows] = False
        self._free = np.concatenate([rows, self._free])
        for arrays in self._columns or []:
            for array in arrays:
                if array.dtype == object:
                    array[rows] = None

    def snapshot(self) -> dict[str, Any]:
        """Give the live rows as plain arrays."""
        rows = self.live()
        partials = self.take(rows) if self._columns is not None else None
        return {
            "labels": {name: values[rows] for name, values in self._labels.items()},
            "columns": None if partials is None else partials.columns,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Start again with the rows of a snapshot."""
        labels, columns = snapshot["labels"], snapshot["columns"]
        if set(labels) != set(self._labels) or (columns is not None and len(columns) != len(self.parts)):
            raise SnapshotError(
                f"the snapshot holds {sorted(labels)}, but the operator {sorted(self._labels)}",
                detail="it was taken of another kind of window or of other aggregates",
            )
        self._clear(self._labels)
        self.add(None if columns is None else Partials(self.parts, columns), **labels)

    def _store(self, rows: Ints, partials: Partials) -> None:
        if self._columns is None:
            self._columns = [
                tuple(np.zeros(len(self._live), dtype=array.dtype) for array in arrays)
                for arrays in partials.columns
            ]
        for i, arrays in enumerate(partials.columns):
            held = self._columns[i]
            if any(new.dtype != old.dtype for new, old in zip(arrays, held, strict=True)):
                held = self._columns[i] = tuple(
                    old.astype(np.result_type(old.dtype, new.dtype))
                    for new, old in zip(arrays, held, strict=True)
                )
            for new, old in zip(arrays, held, strict=True):
                old[rows] = new

    def _grow(self, more: int) -> None:
        size = len(self._live)
        larger = max(2 * size, size + more, 64)
        self._free = np.concatenate([self._free, np.arange(size, larger)])
        self._live = _extend(self._live, larger)
        self._labels = {name: _extend(values, larger) for name, values in self._labels.items()}
        if self._columns is not None:
            self._columns = [tuple(_extend(array, larger) for array in arrays) for arrays in self._columns]


class Cells:
    """A `Table` with a row for each pair of place (a slice or a window, by number) and key.

    The row of a cell is looked up in a grid of int32, places by keys, whose untouched pages cost nothing.
    """

    def __init__(self, parts: list[Part], *more_labels: str) -> None:
        self.table = Table(("place", "key", *more_labels), parts)
        self._line_of: dict[int, int] = {}
        self._free_lines: list[int] = []
        self._grid = np.zeros((0, 0), dtype=np.int32)  # row number + 1; 0 where there is none

    def __len__(self) -> int:
        return len(self.table)

    def places(self) -> Ints:
        """Give the places that have rows, ascending."""
        return np.sort(np.fromiter(self._line_of, dtype=np.int64, count=len(self._line_of)))

    def merge(
        self, places: Ints, keys: Ints, keys_known: int, partials: Partials | None
    ) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Merge partials into cells, each cell once; gives their rows, and which of them were added."""
        flat = self._flat(places, keys, keys_known)
        grid = self._grid.reshape(-1)
        rows = grid[flat].astype(np.int64) - 1
        new = rows < 0
        if partials is not None and not new.all():
            self.table.merge(rows[~new], partials.take(~new))
        if new.any():
            added = None if partials is None else partials.take(new)
            rows[new] = self.table.add(added, place=places[new], key=keys[new])
            grid[flat[new]] = rows[new] + 1
        return rows, new

    def of(self, places: Ints) -> tuple[Ints, Ints]:
        """Give the rows of some places (distinct, ascending): position of the place, and row."""
        rows = self.table.live()
        at = self.table["place"][rows]
        position = np.minimum(np.searchsorted(places, at), max(len(places) - 1, 0))
        wanted = places[position] == at if len(places) else np.zeros(len(rows), dtype=bool)
        return position[wanted], rows[wanted]

    def drop(self, places: Ints) -> None:
        """Free all cells of some places."""
        _, rows = self.of(np.sort(places))
        self.table.drop(rows)
        for place in places.tolist():
            line = self._line_of.pop(place)
            self._grid[line] = 0
            self._free_lines.append(line)

    def renew_keys(self, code_of: Ints) -> None:
        """Take over new key codes, after the dictionary has forgotten some."""
        snapshot = self.snapshot()
        snapshot["labels"]["key"] = code_of[snapshot["labels"]["key"]]
        self.restore(snapshot)

    def snapshot(self) -> dict[str, Any]:
        """Give the live cells as plain arrays."""
        return self.table.snapshot()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Start again with the cells of a snapshot."""
        self.table.restore(snapshot)
        self._line_of, self._free_lines, self._grid = {}, [], np.zeros((0, 0), dtype=np.int32)
        rows = self.table.live()
        keys = self.table["key"][rows]
        flat = self._flat(self.table["place"][rows], keys, int(keys.max(initial=-1)) + 1)
        self._grid.reshape(-1)[flat] = rows + 1

    def _flat(self, places: Ints, keys: Ints, keys_known: int) -> Ints:
        """Give the position of each cell in the flattened grid, which grows as needed."""
        codes, distinct = pd.factorize(places)
        lines = np.array([self._line(place) for place in distinct.tolist()], dtype=np.int64)
        height, width = self._grid.shape
        if (len(lines) and lines.max() >= height) or keys_known > width:
            larger = np.zeros(
                (
                    max(height, _doubled(height, int(lines.max(initial=-1)) + 1)),
                    _doubled(width, keys_known),
                ),
                dtype=np.int32,
            )
            larger[:height, :width] = self._grid
            self._grid = larger
        flat: Ints = lines[codes] * self._grid.shape[1] + keys
        return flat

    def _line(self, place: int) -> int:
        line = self._line_of.get(place)
        if line is None:
            line = self._free_lines.pop() if self._free_lines else len(self._line_of)
            self._line_of[place] = line
        return line


def _extend(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    larger = np.zeros(size, dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def _doubled(size: int, needed: int) -> int:
    return size if needed <= size else max(2 * size, needed)


def check_snapshot(snapshot: Mapping[str, Any], described: str) -> None:
    """Refuse a snapshot of another version or another description.

    Raises
    ------
    SnapshotError
        If it is one.
    """
    if snapshot.get("version") != VERSION or snapshot["described"] != described:
        raise SnapshotError(
            "the snapshot is of another operator",
            detail=f"it is of {snapshot.get('described')} (version {snapshot.get('version')}), "
            f"not of {described} (version {VERSION})",
            hint="restore it into the pipeline that it was taken of",
        )
