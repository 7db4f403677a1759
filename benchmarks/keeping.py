"""What the runs of the house keep: the memory of each by hour of its events, for more than a day.

Each run is stepped as a server drives it, as fast as it can be, in a process of its own; what pages ask of it
is asked too. Traffic has hours of the day, and so has memory: it is held against the same hour a day before.

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
DAY = 24
FILLED = 7
"""Hours until all is filled that a run keeps; payments are compared with those of six hours before."""
SPEED = 10
"""At which a run is served: each batch is of so many seconds of processing time by one of wall time."""
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
    begin, results = run.now, feed.streams
    for hour in range(1, hours + 1):
        steps = 0
        while run.now - begin < hour * HOUR:
            run.step()
            steps += 1
            if steps % ASKED == 0:
                for name, stream in results.items():
                    feed.closed(name)
                    if isinstance(stream.step, Aggregated):
                        feed.panes(name, last="1h")
            await asyncio.sleep(0)
        print(f"{hour} {megabytes():.1f}", flush=True)


def measured(page: str, hours: int) -> Iterator[float]:
    """The megabytes after each hour, of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.keeping", "--page", page, "--hours", str(hours), "--inside"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            hour, memory = line.split()
            print(f"  {page} after {hour} h: {memory} MB", flush=True)
            yield float(memory)


def checks(pages: list[str], hours: int) -> Iterator[Check]:
    """How much more memory a run takes than at the same hour of the day before."""
    for page in pages:
        memory = np.array(list(measured(page, hours)))
        more = memory[DAY + FILLED - 1 :] - memory[FILLED - 1 : -DAY]
        yield Check(
            "keeping", f"{page}: median growth in a day of events", float(np.median(more)), 10, "less", "MB"
        )


def main(arguments: list[str] | None = None) -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", choices=PAGES)
    parser.add_argument("--hours", type=int, default=36)
    parser.add_argument("--inside", action="store_true", help="step the run in this process, and do no more")
    chosen = parser.parse_args(arguments)
    if chosen.inside:
        asyncio.run(keep(chosen.page, chosen.hours))
    elif chosen.hours < DAY + FILLED:
        parser.error(f"--hours {DAY + FILLED} at least: each hour is held against that of the day before")
    else:
        tell(checks([chosen.page] if chosen.page else list(PAGES), chosen.hours))


if __name__ == "__main__":
    main()
