"""Pictures in an output of a cell: what there is to be said, and what is wrong with them, in their place."""

import asyncio
import logging

import pandas as pd
import pytest

import workbench as wb
from workbench.views.notebook import Card, View

CELL = ("cell", "1")


class Handle:
    """An output of a notebook, as the last bundle that it was given."""

    def update(self, bundle, raw):
        self.bundle = bundle


def rows(count=600):
    times = pd.date_range("2026-01-05 09:00", periods=count, freq="s")
    return pd.DataFrame({"t": times, "k": ["a", "b", "c"] * (count // 3), "v": range(count)})


@pytest.fixture
def values():
    yield wb.stream(rows(), time="t", watermark="5s")
    wb.stop_all()


def shown(*cards, steps=20):
    """The output of some cards, after some batches of their runs."""

    async def go():
        streams = {rows.source_stream.name: rows.source_stream for card in cards for rows in _rows(card)}
        run = wb.start(*streams.values(), speed=100, paused=True)
        view = View(cards, CELL)
        view._handle = Handle()
        for _ in range(steps):
            run.step()
        view.refresh()
        view.finish()
        view.close()
        return view

    return asyncio.run(go())


def _rows(card):
    from workbench.views.rows import rows_in

    return rows_in(card.shown)


def test_cards_have_their_headings_and_tables_their_words(values):
    panes = values.groupby("k").window("1min").agg(n=("v", "size"))
    late = values.assign(late_by=lambda rows: pd.to_timedelta(rows.v, unit="s"))
    cards = [
        Card("Numbers", panes.plot.line("window_end", "n", by="k"), wide=False),
        Card("<Bars>", panes.plot.bars("window_start", "n", by="k"), wide=False),
        Card("Rows", late.plot.table()),
    ]
    view = shown(*cards)
    html = view._handle.bundle["text/html"]
    assert html.count("wb-slot") == 1 + 3  # one bar: there is one run
    assert [f">{title}</h4>" in html for title in ("Numbers", "&lt;Bars&gt;", "Rows")] == [True] * 3
    assert html.count("grid-column:1/-1") == 1
    assert "<td>09:03:19</td>" in html
    assert "<td class='n'>3 min 19 s</td>" in html


@pytest.mark.parametrize("made", ["words", "function", "option"])
def test_what_cannot_be_drawn_says_so_in_its_place_and_the_rest_goes_on(values, made, capfd, caplog):
    spelled = (
        values.assign(word=lambda rows: "w" + rows.k).window("1min").agg(n=("v", "size"), w=("word", "max"))
    )
    broken, what = {
        "words": (lambda: spelled.plot.hist("w"), "'w' is no number"),
        "function": (lambda: spelled.plot.hist("n").apply(lambda _: 1 / 0), "ZeroDivisionError: division"),
        "option": (lambda: spelled.plot.hist("n", height="x"), "ValueError: invalid literal"),
    }[made]
    with caplog.at_level(logging.WARNING):
        view = shown(Card("Broken", broken()), Card("Whole", spelled.plot.line("window_end", "n")))
    html, words = view._handle.bundle["text/html"], view._handle.bundle["text/plain"]
    assert f"cannot be drawn: {what}" in words
    assert html.count('role="alert"') == 1
    assert "waiting for the first rows" not in words
    assert view.parts[1].drawing is not None
    assert "Invoked as" not in caplog.text + "".join(capfd.readouterr())


def test_what_could_not_be_drawn_is_drawn_once_it_can(values):
    failing = [True]

    def apart(picture):
        if failing[0]:
            raise ValueError("not today")
        return picture

    panes = values.window("1min").agg(n=("v", "size"))
    card = Card("", panes.plot.line("window_end", "n").apply(apart))

    async def go():
        run = panes.start(speed=100, paused=True)
        view = View([card], CELL)
        view._handle = Handle()
        for _ in range(10):
            run.step()
        view.refresh()
        before, failing[0] = view.words(), False
        for _ in range(10):
            run.step()
        view.refresh()
        after = view.words()
        view.close()
        return before, after

    before, after = asyncio.run(go())
    assert "cannot be drawn: ValueError: not today" in before
    assert "cannot be drawn" not in after


def test_a_stream_that_ended_without_a_row_waits_for_none(values):
    none = values.query("v < 0").window("1min").agg(n=("v", "size"))

    async def go():
        run = none.start(speed="max")
        view = View([Card("", none.plot.line("window_end", "n"))], CELL)
        view._handle = Handle()
        waits = view.words()
        await run.finished()
        view.refresh()
        view.finish()
        view.close()
        return waits, view

    waits, view = asyncio.run(go())
    assert waits == "line of n, n: waiting for the first rows"
    assert view._handle.bundle["text/plain"] == "line of n, n: there is no row"
