"""A dashboard that cannot start says why on its page, and in ``/health``."""

import asyncio
import gc
import json
import signal

from tornado.httpclient import AsyncHTTPClient

from workbench.views.server import Serving, application
from workbench.views.sharing import SHARED

SCRIPT = """
import pandas as pd, workbench as wb
rows = pd.DataFrame({"t": pd.to_datetime([1], unit="s"), "v": [1]})
panes = wb.stream(rows, time="t", watermark=0).window("1min").agg(n=("v", "size"))
wb.dashboard(panes, title="Shop <1>", speed=-3).servable()
"""


def test_a_page_that_cannot_start_says_why_also_to_those_who_come_later(tmp_path, caplog):
    script = tmp_path / "failing.py"
    script.write_text(SCRIPT, encoding="utf-8")

    async def look():
        server = application({"/": str(script)}, SHARED, Serving(port=0))
        server.start()
        address = f"http://127.0.0.1:{server.port}/"
        try:
            for _ in range(2):
                await AsyncHTTPClient().fetch(address)
            pages = [session.document for session in server.get_sessions("/")]
            health = await AsyncHTTPClient().fetch(f"{address}health", raise_error=False)
            return [str(page.to_json()) for page in pages], json.loads(health.body)
        finally:
            server.stop()

    before = signal.getsignal(signal.SIGINT)
    try:
        pages, health = asyncio.run(look())
    finally:
        signal.signal(signal.SIGINT, before)  # which Panel takes
        SHARED.feeds.pop("Shop <1>", None)
        gc.collect()
    assert len(pages) == 2
    assert all("cannot be shown: not a speed: -3" in page for page in pages)
    assert not any("Shop <1> cannot be shown" in page for page in pages)  # words are no HTML
    assert health["pipelines"] == {"Shop <1>": {"status": "degraded", "reasons": ["not started yet"]}}
    assert "Shop <1> cannot be shown" in caplog.text
