"""The server: a home page and the dashboards, fed by live runs of this process.

``python -m workbench.views.serve --port 0`` serves without the command line of `workbench.cli`.
"""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from workbench.views.dashboards import clickstream, home, sensors, trading
from workbench.views.page import Page
from workbench.views.service import Feed, Service

DASHBOARDS = (clickstream, trading, sensors)


def serve(
    port: int,
    *,
    address: str = "127.0.0.1",
    show: bool = False,
    seed: int = 7,
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve the dashboards until interrupted (Ctrl-C or SIGTERM); then the runs are stopped.

    Parameters
    ----------
    port : int
        Where to listen; 0 takes a free port.
    address : str
        The interface to listen on; the default can be reached from this machine only.
    show : bool
        Whether to open a browser.
    seed : int
        Of the simulators.
    announce : callable
        Is given the address of the home page once the server answers.
    """
    service = Service([_feed(dashboard, seed) for dashboard in DASHBOARDS])
    server = application(service, port, address)
    loop = server.io_loop
    hush(loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    where = f"http://{'localhost' if address == '0.0.0.0' else address}:{server.port}/"
    loop.add_callback(service.start)
    loop.add_callback(_settle, service)
    loop.add_callback(announce, where)
    if show:
        loop.add_callback(server.show, "/")
    server.start()
    try:
        loop.start()
    finally:
        service.stop()
        server.stop()


def application(service: Service, port: int, address: str) -> Any:
    """Give the server of a service's pages, not yet started."""
    pn.extension(reconnect=True)
    pages = {"/": _home(service)} | {
        f"/{board.NAME}": _page(board.view, service, board.NAME) for board in DASHBOARDS
    }
    return pn.serve(
        pages,
        port=port,
        address=address,
        websocket_origin=["*"] if address != "127.0.0.1" else None,
        show=False,
        start=False,
        verbose=False,
        title="streaming workbench",
    )


async def _settle(service: Service) -> None:
    """Once all is warm, let the garbage collector pass over it."""
    await service.started()
    freeze()


def freeze() -> None:
    """Keep what there is now out of the garbage collector's way.

    A million objects of the libraries live as long as the process; to look at them all takes a tenth of a
    second, during which no page and no run gets on.
    """
    gc.collect()
    gc.freeze()


def hush(loop: Any) -> None:
    """Say nothing of browsers that go away while a message is on its way to them; that is no error."""
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)

    def handle(running: Any, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
            running.default_exception_handler(context)

    loop.asyncio_loop.set_exception_handler(handle)


def _page(view: Callable[[Feed], Page], service: Service, name: str) -> Callable[[], Any]:
    """Give the function that makes a session's page; Panel wants a plain function."""

    def page() -> Any:
        return view(service.feeds[name]).view()

    return page


def _home(service: Service) -> Callable[[], Any]:
    def page() -> Any:
        return home.view(list(service.feeds.values())).view()

    return page


def _feed(dashboard: Any, seed: int) -> Feed:
    return Feed(dashboard.NAME, partial(dashboard.pipeline, seed))


def main(arguments: list[str] | None = None) -> None:
    """Serve, and write the address to the standard output when the server answers."""
    parser = argparse.ArgumentParser(description="Serve the dashboards.")
    parser.add_argument("--port", type=int, default=5006)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args(arguments)
    serve(chosen.port, seed=chosen.seed, announce=lambda where: _write(f"serving at {where}"))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
