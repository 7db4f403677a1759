"""The drawer of a page: rows as a table with a filter, and files that are handed to the browser."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd

from workbench.views import words
from workbench.views.bound import Bound

ROWS = 500
"""Rows that a drawer shows at the most."""

_files = itertools.count(1)


class Drawer(Bound):
    """A table that comes up from below, and the way in which files are downloaded; ``drawer.js`` draws it."""

    def __init__(self) -> None:
        super().__init__(data={"table": {}, "file": {}})

    @property
    def table(self) -> dict[str, Any]:
        """``title``, ``note``, ``columns`` and which are ``numbers``, and ``rows``: lists of words.

        Empty while it is closed. All of it is shown as text, and never read as HTML.
        """
        table: dict[str, Any] = self.data["table"]
        return table

    @property
    def file(self) -> dict[str, Any]:
        """The last file handed over: ``name``, ``kind`` (of media), ``text``, and a running ``number``."""
        file: dict[str, Any] = self.data["file"]
        return file

    def open(self, title: str, frame: pd.DataFrame, note: str = "", *, newest_last: bool = False) -> None:
        """Show the first rows of a frame, or the last; a note says so where there are more."""
        if newest_last and len(frame) > ROWS:
            note = f"the last {ROWS:,} of {len(frame):,}; the CSV of the chart has all"
            frame = frame.tail(ROWS)
        table = {
            "title": title,
            "note": note,
            "columns": [str(column) for column in frame.columns],
            "numbers": [bool(pd.api.types.is_numeric_dtype(kind)) for kind in frame.dtypes],
            "rows": written(frame.head(ROWS)),
        }
        self.say(table=table, file=self.file)

    def close(self) -> None:
        """Show nothing."""
        self.say(table={}, file=self.file)

    def hand_over(self, name: str, kind: str, text: str) -> None:
        """Let the browser download a file."""
        file = {"name": name, "kind": kind, "text": text, "number": next(_files)}
        self.say(table=self.table, file=file)


def written(frame: pd.DataFrame) -> list[list[str]]:
    """Write the cells of a frame as words; what is missing is a dash.

    Examples
    --------
    >>> written(pd.DataFrame({"t": pd.to_datetime(["2026-01-05 09:00:01.5"]), "v": [0.25], "w": [None]}))
    [['2026-01-05 09:00:01.500', '0.25', '–']]
    """
    columns = [[_cell(value) for value in frame[name].tolist()] for name in frame.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _cell(value: Any) -> str:
    if value is None or value is pd.NaT or value != value:
        return words.NOTHING
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return f"{value:.6g}" if isinstance(value, float) else str(value)
