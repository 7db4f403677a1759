"""What tests of pages share."""

import asyncio

import pytest

from workbench.views.service import Feed


@pytest.fixture(scope="module")
def standing():
    """Give a function that takes a dashboard through some minutes, and lets it stand still."""
    feeds = []

    def taken(board, minutes):
        feed = Feed(board.NAME, board.pipeline, warm_up=minutes)
        feeds.append(feed)

        async def go():
            await feed.start()
            feed.run.pause()

        asyncio.run(go())
        return feed

    yield taken
    for feed in feeds:
        feed.stop()
