"""Whether what is served is well: for whoever restarts it, takes it out of a pool, or wakes somebody up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.runtimes.run import Run
from workbench.time import SECOND, Clock, SystemClock

STALE_AFTER = 30 * SECOND
"""Nanoseconds of wall time without a row after which a run that is running counts as stale."""

Runs = Callable[[], Mapping[str, Run | None]]
"""Gives the runs by the names of their pipelines; None for one that has not been started."""

ILL = {"failed": "run failed", "paused": "paused", "stopped": "stopped"}
"""What is wrong with a run that does not go; one that has read all of its sources has finished well."""


@dataclass
class _Seen:
    run: Run
    rows: int
    changed: int


@dataclass(frozen=True)
class Health:
    """How the pipelines are: by name, what is wrong with each; nothing if it is well.

    Examples
    --------
    >>> Health({"shop": (), "city": ("paused",)}).told()["status"]
    'degraded'
    """

    reasons: Mapping[str, tuple[str, ...]]

    @property
    def well(self) -> bool:
        """Whether nothing is wrong with any of them."""
        return not any(self.reasons.values())

    def told(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "status": _word(self.well),
            "pipelines": {
                name: {"status": _word(not reasons), "reasons": list(reasons)}
                for name, reasons in self.reasons.items()
            },
        }


class Watch:
    """Looks at runs now and then, and says how they are.

    Parameters
    ----------
    runs : callable
        Gives them by name.
    stale_after : int
        Nanoseconds of wall time without a row after which a run counts as stale.
    clock : Clock, optional
        For tests; else the machine's.
    """

    def __init__(self, runs: Runs, *, stale_after: int = STALE_AFTER, clock: Clock | None = None) -> None:
        self._runs, self._stale_after = runs, stale_after
        self._clock = clock or SystemClock()
        self._seen: dict[str, _Seen] = {}

    def look(self) -> Health:
        """Look at the runs, and say how they are."""
        return Health({name: self._reasons(name, run) for name, run in self._runs().items()})

    def _reasons(self, name: str, run: Run | None) -> tuple[str, ...]:
        if run is None:
            return ("not started yet",)
        now, rows, seen = self._clock.now(), run.metrics().rows, self._seen.get(name)
        if seen is None or seen.run is not run or seen.rows != rows or run.status != "running":
            seen = self._seen[name] = _Seen(run, rows, now)
        if run.status in ILL:
            return (ILL[run.status],)
        silent = now - seen.changed
        return (f"stale: no row for {silent // SECOND} s",) if silent >= self._stale_after else ()


def _word(well: bool) -> str:
    return "ok" if well else "degraded"
