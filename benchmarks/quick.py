"""All targets that a few minutes can tell, each as a line; noise may fail one, so it never fails the command.

python -m benchmarks.quick [targets graphs ...]
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
import traceback
from collections.abc import Iterator

from benchmarks.checks import Check, tell

MODULES = ("targets", "graphs", "latency", "startup", "growth")


def checks(modules: list[str]) -> Iterator[Check]:
    """The checks of each module; one that breaks is told, and counts as one that fails."""
    for name in modules:
        begin = time.perf_counter()
        try:
            yield from importlib.import_module(f"benchmarks.{name}").checks()
        except Exception:
            traceback.print_exc()
            yield Check("-", f"benchmarks.{name} could not be run", float("nan"), 0, "less", "")
        print(f"  ({name} took {time.perf_counter() - begin:.0f} s)")


if __name__ == "__main__":
    there = [name for name in MODULES if importlib.util.find_spec(f"benchmarks.{name}")]
    tell(checks(sys.argv[1:] or there))
