"""Many sessions at once: each is told what is new, none is forgotten, and what they took is given back."""

import asyncio
import os

import pytest

from benchmarks.serving import Served, empty, wave

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SESSIONS, SECONDS = 30, float(os.environ.get("WORKBENCH_LOAD_SECONDS", "30"))
PAGES = {"house": ([], "clickstream"), "own": (["my_dashboard.py"], "")}


@pytest.fixture(params=PAGES)
def served(request, tmp_path):
    files, place = PAGES[request.param]
    server = Served(tmp_path, files)
    yield server, place
    server.end()
    assert not any("Traceback" in line or "ERROR" in line for line in server.said), "".join(server.said)


def test_sessions_are_served_alike_and_leave_nothing(served):
    server, place = served

    async def go():
        await wave(server, [place], SESSIONS, 5)  # what is imported, compiled and cached once
        before = await empty(server)
        opened, (rates, _, _) = await wave(server, [place], SESSIONS, SECONDS)
        after = await empty(server)
        pushed = server.look()[1]
        await asyncio.sleep(3)
        return opened, rates, before, after, server.look()[1] - pushed

    opened, rates, before, after, leftover = asyncio.run(go())
    assert opened == SESSIONS
    assert max(rates) <= 5.0  # a screen is not told more often than anybody reads
    assert min(rates) > 0.3 * max(rates)  # nobody is left behind
    assert after - before <= 2.5 * SESSIONS  # MB: what the run keeps still fills; each session would be five
    assert leftover == 0  # nobody is pushed to any more
