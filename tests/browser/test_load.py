"""Many sessions at once: each is told what is new, none is forgotten, and what they took is given back."""

import asyncio

import pytest

from benchmarks.serving import Served, empty, wave

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SESSIONS, SECONDS = 12, 20
PAGES = {"house": ([], "clickstream"), "own": (["my_dashboard.py"], "")}


@pytest.fixture(params=PAGES)
def server(request, tmp_path):
    served = Served(tmp_path, *PAGES[request.param])
    yield served
    served.end()
    assert not any("Traceback" in line or "ERROR" in line for line in served.said), "".join(served.said)


def test_sessions_are_served_alike_and_leave_nothing(server):
    async def go():
        await wave(server, SESSIONS, 5)  # what is imported, compiled and cached once
        before = await empty(server)
        opened, (rates, _, _) = await wave(server, SESSIONS, SECONDS)
        after = await empty(server)
        pushed = server.look()[1]
        await asyncio.sleep(3)
        return opened, rates, before, after, server.look()[1] - pushed

    opened, rates, before, after, leftover = asyncio.run(go())
    assert opened == SESSIONS
    assert max(rates) <= 5.0  # a screen is not told more often than anybody reads
    assert min(rates) > 0.3 * max(rates)  # nobody is left behind
    assert after - before <= 60  # MB: the records of the run still fill, and each session would be five
    assert leftover == 0  # nobody is pushed to any more
