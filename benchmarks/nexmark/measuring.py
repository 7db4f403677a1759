"""One measurement: what it cost, in CPU time, and whether the answer was right."""

from __future__ import annotations

import importlib.util
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
    if len(given) != len(expected):
        return False
    mine, theirs = plain(given[expected.columns]), plain(expected)
    floats = [name for name in theirs if theirs[name].dtype.kind == "f"]
    mine, theirs = in_order(mine, floats), in_order(theirs, floats)
    return bool(
        np.array_equal(mine["rest"], theirs["rest"])
        and all(np.allclose(mine[name], theirs[name], rtol=1e-9, equal_nan=True) for name in floats)
    )


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Give times and integers as int64 and texts as objects, whatever library has made them."""
    columns = {}
    for name, column in frame.items():
        if column.dtype.kind == "M":
            column = column.astype("datetime64[ns]").astype("int64")
        else:
            column = column.astype(
                {"i": "int64", "u": "int64", "f": "float64"}.get(column.dtype.kind, object)
            )
        columns[name] = column.to_numpy()
    return pd.DataFrame(columns)


def in_order(frame: pd.DataFrame, floats: list[Any]) -> pd.DataFrame:
    """Sort by a hash of all columns but the floats, then by these."""
    exact = pd.util.hash_pandas_object(frame.drop(columns=floats), index=False).to_numpy()
    told = frame[floats].astype("float64").assign(rest=exact)
    return told.sort_values(["rest", *floats], ignore_index=True)


def missing(*peers: str) -> list[str]:
    """Name those of the peers that cannot be imported here; all of them hand over Arrow's tables."""
    return [peer for peer in peers if not all(map(importlib.util.find_spec, (peer, "pyarrow")))]


def told(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Print each measurement as it comes."""
    seen = []
    print(f"{'':8}{'what':<46}{'peer':<22}{'batch':>9}{'rows':>11}{'CPU s':>9}{'rows/s':>13}  right")
    for row in rows:
        verdict = {True: "right", False: "WRONG", None: "-"}[row["right"]]
        batch = "whole" if row["batch"] is None else f"{row['batch']:,}"
        print(
            f"{row['workload']:8}{row['what']:<46}{row['peer']:<22}{batch:>9}{row['rows']:>11,}"
            f"{row['cpu_s']:>9.3f}{row['rows_per_s']:>13,}  {verdict}",
            flush=True,
        )
        seen.append(row)
    return seen
