"""What the runs of the house keep: the memory of each by hour of its events, for more than a day.

Each run is stepped as a server drives it, as fast as it can be, in a process of its own; what pages ask of it
is asked too. State is what is open, so memory follows traffic: more than ever before takes more than ever
before. It must not grow in the hours that bring no such record.

    python -m benchmarks.keeping [--page clickstream] [--hours 36]

36 hours of events take from ten minutes to an hour, by page and machine. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.checks import Check, tell
from benchmarks.serving import PAGES
from workbench.model.steps import Aggregated
from workbench.views.serve import dashboards
from workbench.views.service import TICK

HOUR = 3_600_000_000_000
FILLED = 7
"""Hours until all is filled that a run keeps; payments are compared with those of six hours before."""
SPEED = 10
"""At which a run is served: each batch is of so many seconds of processing time by one of wall time."""
MINUTE = 27
"""Batches of about a minute."""
ASKED = 4
"""Batches between two questions for all results."""


def megabytes() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def keep(page: str, hours: int) -> None:
    """Step a run through hours of its events, and print the memory after each."""
    feed = dashboards(seed=7)[0].feeds[page]
    await feed.start()
    run = feed.run.pause()
    run.speed = 10 * TICK * SPEED  # a step is a tenth of a second
    begin, results, record, steps = run.now, feed.streams, 0, 0
    for hour in range(1, hours + 1):
        before, broken = run.trace.counters.arrived, False
        while run.now - begin < hour * HOUR:
            run.step()
            steps += 1
            if steps % MINUTE == 0:
                arrived, before = run.trace.counters.arrived - before, run.trace.counters.arrived
                broken, record = broken or arrived > record, max(arrived, record)
            if steps % ASKED == 0:
                for name, stream in results.items():
                    feed.closed(name)
                    if isinstance(stream.step, Aggregated):
                        feed.panes(name, last="1h")
            await asyncio.sleep(0)
        print(f"{hour} {megabytes():.1f} {int(broken)}", flush=True)


def measured(page: str, hours: int) -> Iterator[tuple[float, bool]]:
    """The megabytes after each hour, of a process of its own, and whether it had the most rows so far."""
    command = [sys.executable, "-m", "benchmarks.keeping", "--page", page, "--hours", str(hours), "--inside"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            hour, memory, broken = line.split()
            more = ", with more rows in a minute than before" if broken == "1" else ""
            print(f"  {page} after {hour} h: {memory} MB{more}", flush=True)
            yield float(memory), broken == "1"


def checks(pages: list[str], hours: int) -> Iterator[Check]:
    """How much memory grows in an hour of events that brings no record."""
    for page in pages:
        memory, broken = np.array(list(measured(page, hours))).T
        growth = np.diff(memory)[FILLED:][broken[FILLED + 1 :] == 0]
        yield Check("keeping", f"{page}: growth in an hour of events", float(growth.mean()), 1, "less", "MB")


def main(arguments: list[str] | None = None) -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", choices=PAGES)
    parser.add_argument("--hours", type=int, default=36)
    parser.add_argument("--inside", action="store_true", help="step the run in this process, and do no more")
    chosen = parser.parse_args(arguments)
    if chosen.inside:
        asyncio.run(keep(chosen.page, chosen.hours))
    elif chosen.hours < FILLED + 3:
        parser.error(f"--hours {FILLED + 3} at least: what a run keeps fills for {FILLED}")
    else:
        tell(checks([chosen.page] if chosen.page else list(PAGES), chosen.hours))


if __name__ == "__main__":
    main()
