"""What holds for all tests: Hypothesis takes the same examples each time, and no run outlives its test."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("workbench", deadline=None, derandomize=True)
settings.load_profile("workbench")


@pytest.fixture(autouse=True)
def _own_runs() -> Iterator[None]:
    """Stop what the test started; what a wider fixture started goes on."""
    registry = sys.modules.get("workbench.runtimes.registry")
    before = [*registry.runs()] if registry else []
    yield
    registry = sys.modules.get("workbench.runtimes.registry")
    for run in registry.runs() if registry else []:
        if run not in before:
            run.stop()
