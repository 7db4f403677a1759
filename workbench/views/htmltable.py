"""Rows as a small HTML table, as cells show them; what comes from data is escaped."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd

from workbench.model.panes import EARLY, TIMING
from workbench.views import theme
from workbench.views.tables import dated, lasting
from workbench.views.words import NOTHING, moment, number, seconds

_TABLE = f"""
.wb-table {{ font: 12px/1.5 {theme.FONT}; border-collapse: collapse; font-variant-numeric: tabular-nums }}
.wb-table th, .wb-table td {{ padding: 2px 14px 2px 0; text-align: left; white-space: nowrap }}
.wb-table th {{ border-bottom: 1px solid {theme.LINE}; font-weight: 600 }}
.wb-table .n {{ text-align: right }}
.wb-table .open {{ opacity: .6; font-style: italic }}
"""


def table(frame: pd.DataFrame) -> str:
    """Give rows as HTML, the latest first; those of windows that are still open are grey.

    Examples
    --------
    >>> "<td class='n'>7</td>" in table(pd.DataFrame({"v": [7]}))
    True
    """
    latest = frame.iloc[::-1]
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in latest.columns)
    still_open = (latest[TIMING] == EARLY).tolist() if TIMING in latest else [False] * len(latest)
    length = lasting(frame)
    columns = [_cells(latest[name], length) for name in latest.columns]
    rows = [
        "<tr" + (" class='open'" if grey else "") + ">" + "".join(cells) + "</tr>"
        for grey, *cells in zip(still_open, *columns, strict=True)
    ]
    body = f"<table class='wb-table'><tr>{head}</tr>{''.join(rows)}</table>"
    return f"<style>{_TABLE}</style><div style='overflow-x:auto'>{body}</div>"


def _cells(column: pd.Series, length: pd.Timedelta | None) -> list[str]:
    """Give the cells of a column; moments of several days have their dates."""
    spelled = None if length is not None else dated(column)
    if spelled is not None:
        return [f"<td>{spelled(value)}</td>" for value in column]
    return [_cell_text(value, length) for value in column]


def _cell_text(value: Any, length: pd.Timedelta | None) -> str:
    if isinstance(value, pd.Timestamp):
        return f"<td>{moment(value, length)}</td>"
    if isinstance(value, pd.Timedelta):
        return f"<td class='n'>{seconds(value)}</td>"
    if isinstance(value, float):
        return f"<td class='n'>{number(value, 2)}</td>"
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return f"<td>{NOTHING}</td>"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"<td class='n'>{value:,}</td>"
    return f"<td>{html.escape(str(value))}</td>"
