"""Which runs there are: starting them, on which loop, and the notebook cell that owns each.

Running a cell again replaces its runs: a run remembers the cell, and the execution of it, that started it.
"""

from __future__ import annotations

import asyncio
import difflib
import functools
import inspect
import queue
import sys
import threading
from collections.abc import Mapping
from typing import Any

import pandas as pd
from tornado.ioloop import IOLoop

from workbench.errors import DescriptionError
from workbench.model.rooms import room
from workbench.model.steps import step_of
from workbench.model.stream import EventStream
from workbench.runtimes.loops import running_loop
from workbench.runtimes.pace import Speed
from workbench.runtimes.run import OnError, Run
from workbench.runtimes.trace import KEEP, Past
from workbench.time import Clock, Duration

BREATH = 0.01
"""Seconds left to a server or a kernel between two batches of a run on its loop."""

Cell = tuple[str, str]
"""A notebook's cell, and which execution of it."""

_runs: list[Run] = []


def start(
    *unnamed: EventStream,
    speed: Speed = 1,
    on_error: OnError = "fail",
    clock: Clock | None = None,
    paused: bool = False,
    batch_rows: int = 20_000,
    name: str | None = None,
    past: Past = True,
    keep: int = KEEP,
    keep_for: Duration | None = None,
    **streams: EventStream,
) -> Run:
    """Start a live run of one or several streams; common steps run once.

    Parameters
    ----------
    *unnamed, **streams : EventStream
        The results; a keyword names the result, else it is named as its last step.
    speed : float or "max"
        Seconds of processing time per second of the clock; ``"max"`` reads without waiting.
    on_error : "fail", "reject" or "skip"
        What an error in a user's function does: end the run; set aside the rows for which it raises, and say
        so in the cell that owns the run; or leave them out, and only count them.
    clock : Clock, optional
        For tests; else the machine's.
    paused : bool
        Whether to wait for ``resume()`` or ``step()``.
    batch_rows : int
        The most rows that a batch may have.
    name : str, optional
        The run's name, for people.
    past : bool or list of str
        Whether to keep what ``rewind`` and ``timeplane`` need: some 100 ns a row, and a checkpoint a second.
        Names of results keep the time planes of those, and there is no way back.
    keep : int
        Rows of each result that are kept at hand, about; older ones are forgotten.
    keep_for : duration, optional
        So are those that came out so much processing time ago, but for the last 2,000 of each result.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> times = pd.to_datetime(["2026-01-05 09:00", "2026-01-05 09:02"])
    >>> sales = pd.DataFrame({"time": times, "amount": [10, 7]})
    >>> revenue = wb.stream(sales, time="time", watermark="10s").window("1min").agg(revenue=("amount", "sum"))
    >>> run = wb.start(revenue, speed="max").wait(10)
    >>> run.status, run.panes("revenue").revenue.tolist()
    ('finished', [10, 7])
    """
    named = _results(unnamed, streams)
    shared = running_loop() is not None
    loop = IOLoop.current() if shared else _background_loop()
    run = Run(
        named,
        speed=speed,
        on_error=on_error,
        clock=clock,
        batch_rows=batch_rows,
        name=name,
        loop=loop,
        past=past,
        keep=keep,
        keep_for=keep_for,
    )
    run.owner = cell_in_execution()
    run.breath = BREATH if shared and clock is None else 0.0
    stop_of_before(run.owner)
    _runs.append(run)
    if not paused:
        run.resume()
    if run.owner and shared:
        room("views.notices", "watch")(run)
    driven = run.drive()
    run.task = (
        asyncio.ensure_future(driven)
        if shared
        else asyncio.run_coroutine_threadsafe(driven, loop.asyncio_loop)
    )
    return run


def _results(unnamed: tuple[Any, ...], streams: Mapping[str, Any]) -> dict[str, EventStream]:
    """Give results by name.

    Raises
    ------
    DescriptionError
        If something is no stream, as an option that there is none of, or two have one name.
    """
    for stream in unnamed:
        step_of(stream, "a run")
    for name, stream in streams.items():
        if not isinstance(stream, EventStream):
            options = [each for each, told in inspect.signature(start).parameters.items() if _is_option(told)]
            near = difflib.get_close_matches(name, options, n=1)
            raise DescriptionError(
                f"a run has no option {name!r}, and a result of that name is no {type(stream).__name__}",
                detail=f"there are the options {', '.join(options)}; all else names results",
                hint=f"did you mean {near[0]!r}?" if near else "name results as in wb.start(revenue=revenue)",
            )
    results = [*((stream.name, stream) for stream in unnamed), *streams.items()]
    if len(named := dict(results)) < len(results):
        raise DescriptionError(
            f"two results have the same name: {', '.join(name for name, _ in results)}",
            hint="name them, as in wb.start(first=..., second=...)",
        )
    return named


def _is_option(parameter: inspect.Parameter) -> bool:
    return parameter.kind is inspect.Parameter.KEYWORD_ONLY


def is_before(one: Cell | None, cell: Cell | None) -> bool:
    """Tell whether one is an execution of a cell before another one of it."""
    return one is not None and cell is not None and one[0] == cell[0] and one[1] != cell[1]


def stop_of_before(cell: Cell | None) -> None:
    """Stop the runs that a cell started when it was executed before."""
    for run in runs():
        if is_before(run.owner, cell):
            run.stop()


class Runs(list[Run]):
    """Some runs, shown as a table.

    Examples
    --------
    >>> Runs()
    no runs
    """

    def table(self) -> pd.DataFrame:
        """Give one row a run: ``run, status, results, rows, rows_per_second, watermark, late, rejected``."""
        told = [(run, run.metrics()) for run in self]
        return pd.DataFrame(
            {
                "run": [run.name for run in self],
                "status": [run.status for run in self],
                "results": [", ".join(run.streams) for run in self],
                "rows": [metrics.rows for _, metrics in told],
                "rows_per_second": [round(metrics.rows_per_second) for _, metrics in told],
                "watermark": [metrics.watermark for _, metrics in told],
                "late": [metrics.late for _, metrics in told],
                "rejected": [metrics.rejected for _, metrics in told],
            }
        )

    def __repr__(self) -> str:
        return self.table().to_string(index=False) if self else "no runs"

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False) if self else "no runs"


def runs() -> Runs:
    """Give the runs that are not over, the oldest first; a cell shows them as a table."""
    _runs[:] = [run for run in _runs if not run.over]
    return Runs(_runs)


def stop_all() -> None:
    """Stop every run of this process."""
    for run in runs():
        run.stop()


@functools.cache
def _background_loop() -> Any:
    """Give the loop that drives runs started where none is running; it has a thread of its own."""
    made: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def serve() -> None:
        loop = IOLoop()
        made.put(loop)
        loop.start()

    threading.Thread(target=serve, name="workbench runs", daemon=True).start()
    return made.get()


def cell_in_execution() -> Cell | None:
    """Give the notebook cell that is being executed, and which execution of it; None elsewhere."""
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    parent = shell.kernel.get_parent() if hasattr(shell, "kernel") else {}
    if parent.get("header", {}).get("msg_type") != "execute_request":
        return None
    execution = parent["header"]["msg_id"]
    return parent["metadata"].get("cellId", execution), execution  # not every front end says which cell
