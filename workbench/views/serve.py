"""The server's process: a home page and the dashboards, or scripts and notebooks of one's own.

``python -m workbench.views.serve --port 0`` serves without the command line of `workbench.cli`.
"""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bokeh.settings import settings
from bokeh.util.token import generate_session_id
from panel.io import document
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from workbench.errors import DescriptionError
from workbench.views.server import Serving, application
from workbench.views.service import Feed, Service
from workbench.views.sharing import SHARED

NEVER = 1_000_000
"""Rounds of the middle generation before the collector makes a full one, and seconds before Panel does."""


def serve(
    serving: Serving,
    *,
    files: Sequence[str] = (),
    show: bool = False,
    seed: int = 7,
    announce: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM); then the runs are stopped.

    Parameters
    ----------
    serving : Serving
        On which address, for whom, and how many at once.
    files : sequence of str
        Scripts and notebooks to serve; none for the dashboards of the house.
    show : bool
        Whether to open a browser.
    seed : int
        Of the simulators.
    announce : callable
        Is given the address of the home page once the server answers.
    """
    service, shown = (SHARED, places(files)) if files else dashboards(seed)
    settings.perform_document_validation = bool(files)  # of our own pages tests see to that
    server = application(shown, service, serving)
    loop = server.io_loop
    hush(loop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    host = "localhost" if serving.address in ("0.0.0.0", "::") else serving.address
    loop.add_callback(service.start)
    loop.add_callback(_settle, service, server)
    loop.add_callback(announce, f"http://{f'[{host}]' if ':' in host else host}:{server.port}/")
    if show:
        loop.add_callback(server.show, "/")
    server.start()
    try:
        loop.start()
    finally:
        service.stop()
        server.stop()


def dashboards(seed: int) -> tuple[Service, Mapping[str, Any]]:
    """Give the pipelines of the house, and its pages by address: functions that make a page."""
    from workbench.views.dashboards import clickstream, home, sensors, trading

    boards = (clickstream, trading, sensors)
    service = Service([_feed(board, seed) for board in boards])

    def page(view: Callable[[Any], Any], shown: Any) -> Callable[[], Any]:
        return lambda: view(shown).view()  # Panel wants a plain function

    pages = {f"/{board.NAME}": page(board.view, service.feeds[board.NAME]) for board in boards}
    return service, {"/": page(home.view, list(service.feeds.values()))} | pages


def places(files: Sequence[str]) -> Mapping[str, Any]:
    """Give scripts and notebooks by address: a single one is the home page, several have their names.

    Examples
    --------
    >>> places(["nowhere.py"])
    Traceback (most recent call last):
    workbench.errors.DescriptionError: nothing to serve: nowhere.py
    Hint: a script (.py) or a notebook (.ipynb) with wb.dashboard(...).servable()
    """
    for file in files:
        if Path(file).suffix not in (".py", ".ipynb") or not Path(file).is_file():
            raise DescriptionError(
                f"nothing to serve: {file}",
                hint="a script (.py) or a notebook (.ipynb) with wb.dashboard(...).servable()",
            )
    named = {"/": files[0]} if len(files) == 1 else {f"/{Path(file).stem}": file for file in files}
    if len(named) < len(files):
        raise DescriptionError("two files have the same name", hint="rename one")
    return named


async def _settle(service: Service, server: Any) -> None:
    """Once the runs are warm, make each page once for nobody, and let the garbage collector pass over it all.

    So the first to come waits no longer than others, the pipelines of scripts begin with the server, and what
    is wrong with a script is said in the terminal.
    """
    await service.started()
    line, headers = RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "localhost"})
    asked = HTTPServerRequest(start_line=line, headers=headers)
    for page in server._tornado.applications.values():
        await page.create_session_if_needed(generate_session_id(), asked)
    freeze()


def freeze() -> None:
    """Keep what there is now out of the garbage collector's way, and leave its full rounds to `Tidying`.

    A million objects of the libraries live as long as the process, those of a session as long as somebody
    looks. With thirty sessions it looked at all of them every six seconds, for a third of a second during
    which no page and no run got on, and found next to nothing.
    """
    document.GC_DEBOUNCE = NEVER  # Panel's own full rounds, five seconds after each session
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)


def hush(loop: Any) -> None:
    """Say nothing of browsers that go away while a message is on its way to them; that is no error."""
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)

    def handle(running: Any, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
            running.default_exception_handler(context)

    loop.asyncio_loop.set_exception_handler(handle)


def _feed(board: Any, seed: int) -> Feed:
    return Feed(board.NAME, partial(board.pipeline, seed), past=getattr(board, "PAST", False))


def main(arguments: list[str] | None = None) -> None:
    """Serve, and write the address to the standard output when the server answers."""
    parser = argparse.ArgumentParser(description="Serve the dashboards.")
    parser.add_argument("--port", type=int, default=5006)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sessions", type=int, default=100)
    chosen = parser.parse_args(arguments)
    serving = Serving(port=chosen.port, sessions=chosen.sessions)
    serve(serving, seed=chosen.seed, announce=lambda where: _write(f"serving at {where}"))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
