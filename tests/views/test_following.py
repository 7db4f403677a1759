"""Displays are kept up to date together, give way to those that replace them, and end with what they show."""

import asyncio
from types import SimpleNamespace

import IPython
import pandas as pd
import pytest
from IPython.core.events import EventManager

import workbench as wb
from workbench.testing.clock import ManualClock
from workbench.views import following


class Widget:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def cell(monkeypatch):
    """Sets the cell that is being executed."""
    now = [None]
    monkeypatch.setattr(following, "cell_in_execution", lambda: now[0])
    monkeypatch.setattr(following, "PERIOD", 0.0)
    monkeypatch.setattr(following, "_shown", [])

    def execute(*cell):
        now[0] = cell or None

    return execute


async def until(true):
    for _ in range(10_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


def test_a_display_is_refreshed_until_it_is_over_and_then_once_more(cell):
    async def main():
        told, left, done = [], [3], []
        over = lambda: left[0] == 0  # noqa: E731

        def refresh():
            told.append(left[0])
            left[0] = max(0, left[0] - 1)

        cell("a", "first")
        shown = following.follow(refresh, over, done=lambda: done.append(True))
        await until(lambda: shown.ended)
        assert (told, done) == ([3, 2, 1, 0], [True])
        await until(following._task.done)
        assert following._shown == [shown]  # its widgets live on until the cell is run again
        shown.close()

    asyncio.run(main())


def test_a_cell_that_is_run_again_closes_what_it_displayed(cell):
    async def main():
        first, second, other = Widget(), Widget(), Widget()
        cell("b", "first")
        following.follow(int, lambda: False, widgets=(other,))
        cell("a", "first")
        for widget in (first, second):  # of one execution both stay
            following.follow(int, lambda: False, widgets=(widget,))
        assert not first.closed
        cell("a", "second")
        following.replace(("a", "second"))
        assert (first.closed, second.closed, other.closed) == (True, True, False)
        assert len(following._shown) == 1
        following._shown[0].close()

    asyncio.run(main())


def test_a_display_that_fails_is_said_and_does_not_stop_the_others(cell, capsys):
    async def main():
        told = []

        def fail():
            raise ValueError("no such picture")

        bad = following.follow(fail, lambda: False)
        good = following.follow(lambda: told.append(1), lambda: len(told) > 3)
        await until(lambda: good.ended)
        assert bad.ended
        assert len(told) == 5

    asyncio.run(main())
    assert "no such picture" in capsys.readouterr().err


def test_drawing_takes_only_a_part_of_the_time(cell, monkeypatch):
    async def main():
        slept, now = [], [0.0]
        loop, sleep = asyncio.get_running_loop(), asyncio.sleep
        monkeypatch.setattr(loop, "time", lambda: now[0])

        async def wait(seconds):
            slept.append(seconds)
            now[0] += seconds
            await sleep(0)

        monkeypatch.setattr(following.asyncio, "sleep", wait)
        count = [0]

        def slow():
            now[0] += 0.4
            count[0] += 1

        shown = [following.follow(slow, lambda: count[0] > 40) for _ in range(3)]
        for _ in range(10_000):
            if all(each.ended for each in shown):
                break
            await sleep(0)
        drawn = 0.4 * count[0]
        assert drawn / now[0] <= following.SHARE * 1.15

    asyncio.run(main())


@pytest.fixture
def shell(monkeypatch):
    """The shell of a notebook; ``begin`` lets a cell begin."""
    parent = {}
    kernel = SimpleNamespace(get_parent=lambda: parent)
    shell = SimpleNamespace(kernel=kernel, events=EventManager(None, ["pre_run_cell"]))

    def begin(cell, execution):
        header = {"msg_type": "execute_request", "msg_id": execution}
        parent.update(header=header, metadata={"cellId": cell})
        shell.events.trigger("pre_run_cell", None)

    shell.begin = begin
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(following, "_shown", [])
    return shell


def test_a_cell_that_has_nothing_of_ours_any_more_lets_go_of_what_it_had(shell):
    rows = pd.DataFrame({"t": pd.to_datetime([1, 2], unit="s"), "v": 1})

    async def main():
        shell.begin("a", "first")
        run, widget = wb.stream(rows, time="t", watermark=0).start(clock=ManualClock()), Widget()
        following.follow(int, lambda: False, widgets=(widget,))
        assert len(shell.events.callbacks["pre_run_cell"]) == 1
        shell.begin("b", "second")
        assert not run.over
        assert not widget.closed
        shell.begin("a", "third")
        assert run.over
        assert widget.closed
        assert following._shown == []

    asyncio.run(main())


def test_outside_of_a_notebook_no_cell_is_heeded(monkeypatch):
    for shell in (None, SimpleNamespace()):
        monkeypatch.setattr(IPython, "get_ipython", lambda shell=shell: shell)
        following._heed_cells()
    following._begins(None)
