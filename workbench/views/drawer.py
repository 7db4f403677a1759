"""The drawer of a page: rows as a table with a filter, and files that are handed to the browser."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pandas as pd
import param
from panel.custom import JSComponent

from workbench.views import theme, words

ROWS = 500
"""Rows that a drawer shows at the most."""

_files = itertools.count(1)


class Drawer(JSComponent):
    """A table that comes up from below, and the way in which files are downloaded.

    Parameters
    ----------
    table : dict
        ``title``, ``note``, ``columns`` (names), ``numbers`` (which of them are numbers) and ``rows``
        (lists of
        words); empty while it is closed. All of it is shown as text, and never read as HTML.
    file : dict
        The last file that was handed over: ``name``, ``kind`` (of media), ``text`` and a running ``number``.
    command : dict
        What a button says, as for `workbench.views.bound.Bound`.
    """

    table = param.Dict(default={})
    file = param.Dict(default={})
    command = param.Dict(default={})

    _esm = Path(theme.ASSETS / "drawer.js")
    _stylesheets = [theme.stylesheet()]  # noqa: RUF012 - Panel's own declaration

    def open(self, title: str, frame: pd.DataFrame, note: str = "") -> None:
        """Show the first rows of a frame."""
        self.table = {
            "title": title,
            "note": note,
            "columns": [str(column) for column in frame.columns],
            "numbers": [bool(pd.api.types.is_numeric_dtype(kind)) for kind in frame.dtypes],
            "rows": written(frame.head(ROWS)),
        }

    def close(self) -> None:
        """Show nothing."""
        self.table = {}

    def hand_over(self, name: str, kind: str, text: str) -> None:
        """Let the browser download a file."""
        self.file = {"name": name, "kind": kind, "text": text, "number": next(_files)}


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
