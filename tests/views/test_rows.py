"""What pictures of a stream show on the pages of a server."""

import asyncio

import holoviews as hv
import pandas as pd
from bokeh.document import Document
from bokeh.io.doc import patch_curdoc

import workbench as wb
from workbench.runtimes.registry import runs


class Visit:
    """A page of a server that shows pictures, without a browser."""

    def __init__(self, *shown):
        self.document = Document()
        self.document._session_context = lambda: self
        with patch_curdoc(self.document):
            for each in shown:
                hv.render(each, backend="bokeh")

    def leave(self):
        for callback in list(self.document.session_destroyed_callbacks):
            callback(self)


def test_a_run_that_was_started_for_pages_ends_with_the_last_of_them():
    rows = pd.DataFrame({"t": pd.date_range("2026-01-05", periods=90, freq="s"), "v": 1})
    counts = wb.stream(rows, time="t", watermark=0).window("10s").agg(n=("v", "size"))

    async def main():
        before = set(runs())
        first = Visit(counts.plot.line("window_end", "n"), counts.plot.bars("window_start", "n"))
        second = Visit(counts.plot.line("window_end", "n"))
        (run,) = set(runs()) - before
        first.leave()
        assert not run.over
        third = Visit(counts.plot.line("window_end", "n"))
        second.leave()
        assert not run.over
        third.leave()
        assert run.over

        own = counts.start(paused=True)
        Visit(counts.plot.line("window_end", "n")).leave()
        assert not own.over  # it was there before
        own.stop()

    asyncio.run(main())
