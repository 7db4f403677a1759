"""The columnar store: partials of slices, sessions or fired windows in columns that grow by doubling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.operands import Operand
from workbench.engine.partials import Partials
from workbench.engine.parts import Columns, Part, Scattered
from workbench.engine.placing import Rows
from workbench.errors import SnapshotError

Ints = npt.NDArray[np.int64]
VERSION = 1
_FEW, _MANY = 65_536, 1_048_576
"""How many rows may wait to be folded, at least and at most."""


class Table:
    """Rows of integer labels and partials; a row keeps its number, from 1 on, until it is dropped.

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
        self._labels: dict[str, Ints] = {name: np.zeros(1, dtype=np.int64) for name in labels}
        self._columns: list[Columns] = [() for _ in self.parts]  # none as long as nothing is known of them
        self._live = np.zeros(1, dtype=bool)
        self._free = np.zeros(0, dtype=np.int64)
        self._waiting: list[tuple[Ints, Rows]] = []  # to be folded, and where to
        self._waiting_parts: list[int] = []
        self._folded = np.zeros(1, dtype=bool)  # whether those parts of a row hold anything yet
        self._patience = _FEW

    def __len__(self) -> int:
        return len(self._live) - 1 - len(self._free)

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
        self._live[rows], self._folded[rows] = True, False
        for name, held in self._labels.items():
            held[rows] = labels.get(name, 0)
        if partials is not None:
            self.put(rows, partials)
        return rows

    def take(self, rows: Ints) -> Partials:
        """Give the partials of some rows."""
        self._settle()
        return Partials(self.parts, [tuple(array[rows] for array in arrays) for arrays in self._columns])

    def merge(self, rows: Ints, partials: Partials) -> None:
        """Merge partials into the rows, each row once."""
        self.put(rows, self.take(rows).merge(partials))

    def fold(self, at: Ints, fresh: Ints, rows: Rows) -> None:
        """Fold each row of a batch into the row at a number; the fresh ones of these hold nothing yet."""
        others = []
        with np.errstate(over="ignore", invalid="ignore"):
            for i, (part, (_, name)) in enumerate(zip(self.parts, rows.plan.needs, strict=True)):
                if isinstance(part, Scattered):
                    (values,) = part.lift(rows.operands[name], rows.times, rows.arrivals)
                    if values.dtype != object:
                        (column,) = self._fitting(i, (values,))
                        column[fresh] = part.nothing(column.dtype)
                        part.function.at(column, at, values)
                        continue
                others.append(i)
        if others:
            self._waiting.append((at, rows))
            self._waiting_parts = others
            many = sum(len(some) for some, _ in self._waiting) > self._patience
            if many or not all(self.parts[i].patient for i in others):
                self._settle()

    def _settle(self) -> None:
        """Fold the rows that wait, into parts that cannot take them one by one."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        batches = [rows for _, rows in waiting]
        groups, distinct = pd.factorize(np.concatenate([at for at, _ in waiting]))
        times = np.concatenate([rows.times for rows in batches])
        arrivals = np.concatenate([rows.arrivals for rows in batches])
        held, size = self._folded[distinct], 0
        for i in self._waiting_parts:
            part, name = self.parts[i], batches[0].plan.needs[i][1]
            operand = Operand.of_all([rows.operands[name] for rows in batches])
            folded = part.fold(operand, times, arrivals, groups, len(distinct))
            if held.any():
                before = tuple(array[distinct[held]] for array in self._columns[i])
                merged = part.merge(before, tuple(array[held] for array in folded))
                self._store(i, distinct[held], merged)
                size += part.size(merged)
            self._store(i, distinct[~held], tuple(array[~held] for array in folded))
        self._folded[distinct] = True
        self._patience = min(max(_FEW, size), _MANY)  # what is held need not be copied for a few more

    def put(self, rows: Ints, partials: Partials) -> None:
        """Give rows other partials."""
        self._settle()
        self._folded[rows] = True
        for i, arrays in enumerate(partials.columns):
            self._store(i, rows, arrays)

    def drop(self, rows: Ints) -> None:
        """Free rows."""
        self._settle()
        self._live[rows] = False
        self._free = np.concatenate([rows, self._free])
        for arrays in self._columns:
            for array in arrays:
                if array.dtype == object:
                    array[rows] = None

    def snapshot(self) -> dict[str, Any]:
        """Give the live rows as plain arrays."""
        self._settle()
        rows = self.live()
        return {
            "labels": {name: values[rows] for name, values in self._labels.items()},
            "columns": self.take(rows).columns if all(self._columns) else None,
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

    def _store(self, part: int, rows: Ints, arrays: Columns) -> None:
        for held, values in zip(self._fitting(part, arrays), arrays, strict=True):
            held[rows] = values

    def _fitting(self, part: int, arrays: Columns) -> Columns:
        """Give the columns of a part, in types that hold these values too."""
        held = self._columns[part]
        if not held:
            held = tuple(np.zeros(len(self._live), dtype=array.dtype) for array in arrays)
        elif any(new.dtype != old.dtype for new, old in zip(arrays, held, strict=True)):
            held = tuple(
                old.astype(np.result_type(old.dtype, new.dtype))
                for new, old in zip(arrays, held, strict=True)
            )
        self._columns[part] = held
        return held

    def _grow(self, more: int) -> None:
        size = len(self._live)
        larger = max(2 * size, size + more, 64)
        self._free = np.concatenate([self._free, np.arange(size, larger)])
        self._live, self._folded = _extend(self._live, larger), _extend(self._folded, larger)
        self._labels = {name: _extend(values, larger) for name, values in self._labels.items()}
        self._columns = [tuple(_extend(array, larger) for array in arrays) for arrays in self._columns]


class Cells:
    """A `Table` with a row for each pair of place (a slice or a window, by number) and key.

    The row of a cell is looked up in a grid of int64, places by keys, whose untouched pages cost nothing.
    What concerns a place costs its cells, not those of others, and not the keys that it has not.
    """

    def __init__(self, parts: list[Part], *more_labels: str) -> None:
        self.table = Table(("place", "key", *more_labels), parts)
        self._clear()

    def _clear(self) -> None:
        self._line_of: dict[int, int] = {}
        self._place_of = np.zeros(0, dtype=np.int64)  # by line
        self._free_lines: list[int] = []
        self._rows_of: dict[int, list[Ints]] = {}
        self._places: Ints | None = None
        self._grid = np.zeros((0, 0), dtype=np.int64)  # row numbers; 0 where there is none

    def __len__(self) -> int:
        return len(self.table)

    def places(self) -> Ints:
        """Give the places that have rows, ascending; the same array until that changes."""
        if self._places is None:
            self._places = np.sort(np.fromiter(self._line_of, dtype=np.int64, count=len(self._line_of)))
        return self._places

    def fold(self, places: Ints, rows: Rows) -> None:
        """Fold rows of a batch into the cells of their places and keys."""
        self.table.fold(*self.find(places, rows.keys, rows.keys_known), rows)

    def merge(
        self, places: Ints, keys: Ints, keys_known: int, partials: Partials | None
    ) -> tuple[Ints, npt.NDArray[np.bool_]]:
        """Merge partials into cells, each cell once; gives their rows, and which of them were added."""
        rows, added = self.find(places, keys, keys_known)
        new = np.isin(rows, added)
        if partials is not None:
            if not new.all():
                self.table.merge(rows[~new], partials.take(~new))
            self.table.put(rows[new], partials.take(new))
        return rows, new

    def find(self, places: Ints, keys: Ints, keys_known: int) -> tuple[Ints, Ints]:
        """Give the row of each pair, and those that were added, in order of appearance."""
        flat, lines = self._flat(places, keys, keys_known)
        grid = self._grid.reshape(-1)
        rows = grid.take(flat)
        added = np.zeros(0, dtype=np.int64)
        if rows.min(initial=1) == 0:
            cells = self._distinct(flat[rows == 0], lines)
            lines, codes = np.divmod(cells, self._grid.shape[1])
            at = self._place_of[lines]
            added = self.table.add(None, place=at, key=codes)
            grid[cells] = added
            self._note(at, added)
            rows = grid.take(flat)
        return rows, added

    def of(self, places: Ints) -> tuple[Ints, Ints]:
        """Give the rows of some places: position of the place, and row, by position."""
        pieces = [self._piece(place) for place in places.tolist()]
        if len(pieces) == 1:
            return np.zeros(len(pieces[0]), dtype=np.int64), pieces[0]
        sizes = [len(piece) for piece in pieces]
        return np.repeat(np.arange(len(places)), sizes), np.concatenate([self.table.live()[:0], *pieces])

    def drop(self, places: Ints) -> None:
        """Free all cells of some places."""
        for place in places.tolist():
            rows = self._piece(place)
            line = self._line_of.pop(place)
            self._grid[line, self.table["key"][rows]] = 0
            self.table.drop(rows)
            self._free_lines.append(line)
            self._rows_of.pop(place, None)
            self._places = None

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
        self._clear()
        rows = self.table.live()
        places, keys = self.table["place"][rows], self.table["key"][rows]
        flat, _ = self._flat(places, keys, int(keys.max(initial=-1)) + 1)
        self._grid.reshape(-1)[flat] = rows
        order = np.argsort(places, kind="stable")
        self._note(places[order], rows[order])

    def _piece(self, place: int) -> Ints:
        """Give the rows of a place."""
        pieces = self._rows_of.get(place, [])
        if len(pieces) != 1:
            pieces = self._rows_of[place] = [np.concatenate([np.zeros(0, dtype=np.int64), *pieces])]
        return pieces[0]

    def _distinct(self, cells: Ints, lines: Ints) -> Ints:
        """Give the distinct ones of some empty cells of some lines, those of a line together."""
        width = self._grid.shape[1]
        if len(lines) * width > 16 * len(cells):
            cells = pd.unique(cells)
            return cells if len(lines) == 1 else cells[np.argsort(cells // width, kind="stable")]
        self._grid.reshape(-1)[cells] = -1  # they are so many that it is less work to look through the lines
        line, keys = np.nonzero(self._grid[lines] < 0)
        distinct: Ints = lines[line] * width + keys
        return distinct

    def _note(self, places: Ints, rows: Ints) -> None:
        """Note rows that have come to their places, those of a place together."""
        if not len(rows):
            return
        edges = np.flatnonzero(np.diff(places)) + 1
        for part in np.split(rows, edges) if len(edges) else [rows]:
            self._rows_of.setdefault(int(self.table["place"][part[0]]), []).append(part)

    def _flat(self, places: Ints, keys: Ints, keys_known: int) -> tuple[Ints, Ints]:
        """Give the position of each cell in the flattened grid, which grows as needed; and their lines."""
        if not len(places):
            return places, places
        low, span = int(places.min()), int(places.max() - places.min())
        if span > len(places):
            at, distinct = pd.factorize(places)
        else:
            at, seen = places - low if span else places, np.zeros(span + 1, dtype=bool)
            seen[at if span else 0] = True
            distinct = np.flatnonzero(seen) + low
        lines = np.array([self._line(place) for place in distinct.tolist()], dtype=np.int64)
        self._fit(keys_known)
        self._place_of[lines] = distinct
        begin = lines * self._grid.shape[1]
        if len(distinct) == 1:
            return keys + begin, lines
        if span <= len(places):
            every = np.zeros(span + 1, dtype=np.int64)
            every[distinct - low] = begin
            begin = every
        flat: Ints = begin.take(at)
        flat += keys
        return flat, lines

    def _fit(self, keys_known: int) -> None:
        """Make the grid large enough for all lines and keys."""
        (height, width), lines = self._grid.shape, len(self._line_of) + len(self._free_lines)
        if lines > height or keys_known > width:
            larger = np.zeros((_doubled(height, lines), _doubled(width, keys_known)), dtype=np.int64)
            larger[:height, :width] = self._grid
            self._grid = larger
            self._place_of = _extend(self._place_of, len(larger))

    def _line(self, place: int) -> int:
        line = self._line_of.get(place)
        if line is None:
            line = self._free_lines.pop() if self._free_lines else len(self._line_of)
            self._line_of[place] = line
            self._places = None
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
