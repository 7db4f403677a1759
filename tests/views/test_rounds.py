"""Pages are looked at together; one is called when it has something to show, and holds up no other."""

import asyncio

from bokeh.document import Document

from workbench.testing.clock import ManualClock
from workbench.views.rounds import PERIOD, Rounds


class Page:
    """Has something to show when it is told so."""

    def __init__(self):
        self.due, self.shown, self.looks = False, 0, 0

    def is_due(self):
        self.looks += 1
        if self.due is None:
            raise RuntimeError("cannot be looked at")
        return self.due

    def tick(self):
        self.due, self.shown = False, self.shown + 1


def called(document):
    """Call what waits for the lock of a document, as its session does."""
    for callback in document.session_callbacks:
        callback.callback()


def end(document):
    """End the session of a document, as the server does."""
    for callback in document.session_destroyed_callbacks:
        callback(None)


async def go_round(clock, times=1):
    for _ in range(times):
        clock.advance(PERIOD)
        for _ in range(20):
            await asyncio.sleep(0)


async def joined(rounds, count=2):
    pages = [(Page(), Document()) for _ in range(count)]
    for page, document in pages:
        rounds.join(page, document)
    await asyncio.sleep(0)
    return pages


def test_only_pages_that_are_due_are_called():
    async def main():
        clock = ManualClock()
        (one, first), (two, second) = await joined(Rounds(clock))
        two.due = True
        await go_round(clock)
        assert (len(first.session_callbacks), len(second.session_callbacks)) == (0, 1)
        called(second)
        assert (one.shown, two.shown) == (0, 1)
        await go_round(clock, 3)
        assert not first.session_callbacks + second.session_callbacks

    asyncio.run(main())


def test_a_page_whose_document_is_locked_is_not_called_twice():
    async def main():
        clock = ManualClock()
        ((page, document),) = await joined(Rounds(clock), 1)
        page.due = True
        await go_round(clock, 5)
        assert len(document.session_callbacks) == 1
        called(document)
        page.due = True
        await go_round(clock)
        assert len(document.session_callbacks) == 1

    asyncio.run(main())


def test_a_page_that_cannot_be_looked_at_is_not_the_end_of_the_others(caplog):
    async def main():
        clock = ManualClock()
        (one, _), (two, second) = await joined(Rounds(clock))
        one.due, two.due = None, True
        await go_round(clock, 3)
        assert len(second.session_callbacks) == 1
        assert caplog.text.count("cannot be looked at any more") == 1

    asyncio.run(main())


def test_a_document_that_cannot_be_called_is_not_the_end_of_the_others(caplog):
    async def main():
        clock = ManualClock()
        (one, first), (two, second) = await joined(Rounds(clock))
        first.add_next_tick_callback = None
        one.due = two.due = True
        await go_round(clock, 3)
        assert len(second.session_callbacks) == 1
        assert caplog.text.count("cannot be looked at any more") == 1

    asyncio.run(main())


def test_whoever_was_called_comes_after_those_that_have_waited():
    async def main():
        clock = ManualClock()
        rounds = Rounds(clock)
        (one, first), (two, second) = await joined(rounds)
        order = []
        for name, document in ("one", first), ("two", second):
            document.add_next_tick_callback = lambda show, name=name: (order.append(name), show())
        one.due = True
        await go_round(clock)
        one.due = two.due = True
        await go_round(clock)
        assert order == ["one", "two", "one"]

    asyncio.run(main())


def test_a_session_may_end_while_a_round_is_under_way():
    async def main():
        clock = ManualClock()
        pages = await joined(Rounds(clock), 3)
        (one, first), (two, second), (three, third) = pages
        one.due = two.due = three.due = True
        clock.advance(PERIOD)
        while not first.session_callbacks:
            await asyncio.sleep(0)
        end(second)
        await go_round(clock)
        assert (len(second.session_callbacks), len(third.session_callbacks)) == (0, 1)

    asyncio.run(main())


def test_rounds_end_with_the_last_session_and_begin_again():
    async def main():
        clock = ManualClock()
        rounds = Rounds(clock)
        (one, first), (_, second) = await joined(rounds)
        for document in (first, second):
            end(document)
        await go_round(clock, 3)
        looks = one.looks
        await go_round(clock, 3)
        assert one.looks == looks and not clock.sleepers
        ((page, document),) = await joined(rounds, 1)
        page.due = True
        await go_round(clock)
        assert len(document.session_callbacks) == 1

    asyncio.run(main())
