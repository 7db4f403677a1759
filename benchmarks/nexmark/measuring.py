"""One measurement: what it cost, in CPU time, and whether the answer was right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

TIMES, PATIENCE = 3, 10.0
"""The least of so many times, but once only where that takes so many CPU seconds."""


def measured(
    run: Callable[[], Any], rows: int, *, read: Callable[[Any], bool] | None = None, **described: Any
) -> dict[str, Any]:
    """Run something, and say what it cost.

    Parameters
    ----------
    run : callable
        What is measured.
    rows : int
        How many rows it reads.
    read : callable, optional
        Says of what it gave whether that was right; without it nothing is said.
    **described
        ``workload``, ``what``, ``peer`` and ``batch`` (None for all rows at once).
    """
    least = np.inf
    for _ in range(TIMES):
        begin = time.process_time()
        given = run()
        took = time.process_time() - begin
        least = min(least, took)
        if took > PATIENCE:
            break
    right = None if read is None else read(given)
    cost = max(least, 1e-9)
    return {
        **described,
        "rows": rows,
        "cpu_s": round(cost, 4),
        "rows_per_s": round(rows / cost),
        "right": right,
    }


def same(given: pd.DataFrame, expected: pd.DataFrame) -> bool:
    """Say whether two tables have the same rows, in any order; floats but for rounding.

    Columns that `expected` does not have are not looked at; one that `given` lacks is an error.
    """
    names = list(expected.columns)
    if len(given) != len(expected):
        return False
    mine, theirs = plain(given[names]), plain(expected)
    for name in names:
        if mine[name].dtype.kind == "f" or theirs[name].dtype.kind == "f":
            if not np.allclose(
                mine[name].astype(float), theirs[name].astype(float), rtol=1e-9, equal_nan=True
            ):
                return False
        elif not np.array_equal(mine[name].to_numpy(), theirs[name].to_numpy()):
            return False
    return True


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Give times as nanoseconds and texts as objects, sorted by all columns, floats last."""
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind == "M":
            column = column.astype("datetime64[ns]").astype("int64")
        elif column.dtype.kind not in "iuf":
            column = column.astype(object)
        columns[name] = column.to_numpy()
    found = pd.DataFrame(columns)
    exact = [name for name in found.columns if found[name].dtype.kind != "f"]
    order = exact + [name for name in found.columns if name not in exact]
    return found.sort_values(order, ignore_index=True)


def told(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Print each measurement as it comes."""
    seen = []
    print(f"{'':8}{'what':<40}{'peer':<22}{'batch':>9}{'rows':>11}{'CPU s':>9}{'rows/s':>13}  right")
    for row in rows:
        verdict = {True: "right", False: "WRONG", None: "-"}[row["right"]]
        batch = "whole" if row["batch"] is None else f"{row['batch']:,}"
        print(
            f"{row['workload']:8}{row['what']:<40}{row['peer']:<22}{batch:>9}{row['rows']:>11,}"
            f"{row['cpu_s']:>9.3f}{row['rows_per_s']:>13,}  {verdict}",
            flush=True,
        )
        seen.append(row)
    return seen
