"""What leaves a page: the data behind a chart as CSV, and the view as a notebook that rebuilds it."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from workbench.model.steps import Read
from workbench.time import spell
from workbench.views.scope import Scope

CSV, NOTEBOOK = "text/csv", "application/x-ipynb+json"


def csv(frame: pd.DataFrame) -> str:
    """Give a table as CSV, times as ISO 8601.

    Examples
    --------
    >>> csv(pd.DataFrame({"t": pd.to_datetime(["2026-01-05 09:00"]), "v": [0.5]})).splitlines()
    ['t,v', '2026-01-05T09:00:00,0.5']
    >>> csv(pd.DataFrame({"v": [0.1 + 0.2, 7.000000000000001]})).splitlines()
    ['v', '0.30000000000000004', '7.000000000000001']
    """
    times = {
        name: column.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.removesuffix(".000000")
        for name, column in frame.select_dtypes(["datetime", "datetimetz"]).items()
    }
    return frame.assign(**times).to_csv(index=False)


def notebook(board: Any, scope: Scope, address: str) -> str:
    """Give a notebook, as text, that rebuilds what a page looks at: its pipeline, moment and filter.

    Parameters
    ----------
    board : module
        Of a dashboard: with ``NAME``, ``TITLE``, ``QUESTION`` and ``pipeline``.
    scope : Scope
        What the session looks at.
    address : str
        The query of the page's address, so that a reader can go back.
    """
    look = {name: [value] for name, value in scope.only.items()}
    source = origin(scope)
    chosen, looks = f"seed={source.simulator.seed}", [f"only={look!r}"] if look else []
    if scope.at is not None:  # as far as that moment, and as it was then
        length = (scope.at - source.start) // 1_000_000_000 + 1
        chosen += f", duration={spell(length * 1_000_000_000)!r}"
        looks = [f"at={pd.Timestamp(scope.at).isoformat()!r}", *looks]
    speed = 10 if scope.at is None else "max"
    code = [
        f"import workbench as wb\nfrom workbench.views.dashboards import {board.NAME}\n\n"
        f"results = {board.NAME}.pipeline({chosen})\n"
        f"run = wb.start(**results, speed={speed!r}, name={board.NAME!r})",
        *([f"run.look({', '.join(looks)});"] if looks else []),
        *(f"results[{name!r}].plot()" for name in scope.feed.streams),
    ]
    cells: list[dict[str, Any]] = [
        _cell("markdown", f"# {board.TITLE}\n\n{board.QUESTION}\n\nFrom the page `/{board.NAME}{address}`.")
    ]
    cells += [_cell("code", source) for source in code]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def origin(scope: Scope, name: str = "") -> Any:
    """Give a source of a pipeline, by default the first, as it was described, not as a run has changed it."""
    steps = (step for stream in scope.run.described.values() for step in stream.step.chain())
    return next(step.source for step in steps if isinstance(step, Read) and name in ("", step.name))


def _cell(kind: str, source: str) -> dict[str, Any]:
    more: dict[str, Any] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": source, **more}
