"""What sessions cost a server: how often each of thirty is told what is new, and what memory they take.

The sessions are websockets that speak Bokeh's protocol and acknowledge frames as a page does; thirty browsers
would measure the browsers. What runs keep fills for an hour: ``--warm 3600 --seconds 3600`` tells of memory
what ten minutes cannot.

    python -m benchmarks.serving [--sessions 30] [--seconds 60] [--page clickstream ...] [--own] [--warm 0]

Several pages are measured one after the other, by one server; ``all`` is thirty sessions over all three.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from benchmarks.checks import Check, tell
from workbench.time import SECOND
from workbench.views.tidying import QUIET
from workbench.views.wire import MESSAGE

PAGES = ("clickstream", "trading", "sensors")
ALL = "all"
LONG = 300
"""Seconds from which on a slope of memory says something."""

OWN = """
import workbench as wb
from simulators import Clickstream
clicks = wb.stream(Clickstream(users=5_000, seed=7), watermark="2s")
traffic = clicks.groupby("action").window("10s").agg(events=("event_id", "size"))
revenue = (clicks.query("action == 'purchase'").groupby("country")
           .window("30s").agg(revenue=("amount", "sum")))
wb.dashboard(traffic, revenue, ("Late", traffic.late), title="My shop", speed=10).servable()
"""


class Served:
    """A server as a process of its own, and what it says of itself."""

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        (folder / "my_dashboard.py").write_text(OWN)
        command = [sys.executable, "-m", "workbench.cli", "serve", *files, "--port", "0"]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"http://(127\.0\.0\.1:\d+)/", line):
                self.host = found[1]
                break
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def look(self):
        """Sessions, pushes, CPU seconds and megabytes, at this moment."""
        with urllib.request.urlopen(f"http://{self.host}/metrics", timeout=60) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [sample for family in families for sample in family.samples]
        sums = {
            name: sum(sample.value for sample in samples if sample.name == name)
            for name in (
                "workbench_sessions",
                "workbench_push_seconds_count",
                "process_cpu_seconds_total",
                "process_resident_memory_bytes",
            )
        }
        sessions, pushes, processor, memory = sums.values()
        return sessions, pushes, processor, memory / 1e6

    def end(self):
        self.process.terminate()
        self.process.wait(30)
        self.reader.join(10)
        self.process.stdout.close()


class Session:
    """One session: opens a page, draws nothing, acknowledges every frame."""

    def __init__(self, host, place):
        self.host, self.place = host, place
        self.frames, self.bytes = 0, 0

    async def open(self):
        page = await AsyncHTTPClient().fetch(f"http://{self.host}/{self.place}", request_timeout=120)
        token = re.search(r'"token":"([^"]+)"', page.body.decode())[1]
        request = HTTPRequest(
            f"ws://{self.host}/{self.place}{'/' if self.place else ''}ws",
            headers={"Origin": f"http://{self.host}"},
            connect_timeout=120,
        )
        self.socket = await websocket_connect(request, subprotocols=["bokeh", token])
        assert (await self.receive())[0] == "ACK"
        await self.send("PULL-DOC-REQ", {})
        while (await self.receive())[0] != "PULL-DOC-REPLY":
            pass
        ready = {"type": "event", "name": "document_ready", "values": {"type": "map"}}
        await self.send("PATCH-DOC", {"events": [said("bokeh_event", ready)]})
        await self.acknowledge(0)

    async def follow(self):
        """Take frames until the connection is closed."""
        while (message := await self.receive()) is not None:
            kind, content = message
            for event in content.get("events", ()) if kind == "PATCH-DOC" else ():
                if event.get("msg_type") == MESSAGE:
                    self.frames += 1
                    await self.acknowledge(json.loads(event["msg_data"])["beat"])

    async def acknowledge(self, beat):
        """Say that a frame is drawn."""
        await self.send("PATCH-DOC", {"events": [said(MESSAGE, beat)]})

    async def send(self, kind, content):
        self.sent = getattr(self, "sent", 0) + 1
        for piece in ({"msgid": str(self.sent), "msgtype": kind}, {}, content):
            await self.socket.write_message(json.dumps(piece))

    async def receive(self):
        """The next message, its arrays left aside; None at the end."""
        pieces = []
        while len(pieces) < 3:
            piece = await self.socket.read_message()
            if piece is None:
                return None
            self.bytes += len(piece)
            pieces.append(piece)
        header = json.loads(pieces[0])
        for _ in range(2 * header.get("num_buffers", 0)):
            if (piece := await self.socket.read_message()) is None:
                return None
            self.bytes += len(piece)
        return header["msgtype"], json.loads(pieces[2])


def said(kind, what):
    """A message from a page, as Bokeh hands it on."""
    return {"kind": "MessageSent", "msg_type": kind, "msg_data": what}


async def watch(server, seconds, sessions):
    """Let sessions follow; gives their frames a second, the cores taken, and memory over time."""
    begun, before = time.monotonic(), await asyncio.to_thread(server.look)
    counted = [session.frames for session in sessions]
    memory = []
    while time.monotonic() - begun < seconds:
        await asyncio.sleep(min(5, seconds))
        memory.append((time.monotonic() - begun, (await asyncio.to_thread(server.look))[3]))
    after, took = await asyncio.to_thread(server.look), time.monotonic() - begun
    rates = [(session.frames - first) / took for session, first in zip(sessions, counted, strict=True)]
    return rates, (after[2] - before[2]) / took, np.array(memory)


async def wave(server: Served, places: Sequence[str], count: int, seconds: float) -> tuple[float, Any]:
    """Open all sessions, let them follow, and close them all."""
    places = itertools.islice(itertools.cycle(places), count)
    sessions = [Session(server.host, place) for place in places]
    for session in sessions:
        await session.open()
    following = [asyncio.ensure_future(session.follow()) for session in sessions]
    measured = await watch(server, seconds, sessions)
    opened = (await asyncio.to_thread(server.look))[0]
    for session in sessions:
        session.socket.close()
    ends = await asyncio.gather(*following, return_exceptions=True)
    assert all(end is None or isinstance(end, WebSocketClosedError) for end in ends), ends
    return opened, measured


async def empty(server, seconds=120):
    """Wait until the server has forgotten all sessions and tidied up after them; gives its memory then."""
    end = time.monotonic() + seconds
    while (looked := await asyncio.to_thread(server.look))[0]:
        assert time.monotonic() < end, f"{looked[0]:.0f} sessions are still there"
        await asyncio.sleep(1)
    await asyncio.sleep(QUIET / SECOND + 5)
    return (await asyncio.to_thread(server.look))[3]


def checks(
    sessions: int = 30,
    seconds: float = 60,
    pages: Sequence[str] = PAGES[:1],
    *,
    own: bool = False,
    warm: float = 0,
) -> Iterator[Check]:
    """How often each of many sessions is told what is new, and what that costs."""
    with tempfile.TemporaryDirectory() as folder:
        server = Served(Path(folder), ["my_dashboard.py"] if own else [])
        shown = {"": [""]} if own else {page: PAGES if page == ALL else [page] for page in pages}
        try:
            yield from asyncio.run(measure(server, shown, sessions, seconds, warm))
        finally:
            server.end()


async def measure(
    server: Served, shown: Mapping[str, Sequence[str]], count: int, seconds: float, warm: float
) -> list[Check]:
    """Let the runs get warm, while one session looks at each page; then measure page by page."""
    await asyncio.sleep(15)  # until pages can be opened
    everything = list(dict.fromkeys(place for places in shown.values() for place in places))
    await wave(server, everything, len(everything), warm)
    told: list[Check] = []
    for page, places in shown.items():
        told += await compare(server, page, places, count, seconds)
    return told


async def compare(
    server: Served, page: str, places: Sequence[str], count: int, seconds: float
) -> list[Check]:
    """Let sessions come, look, and go, twice: the first time what is kept once is made."""
    first = await empty(server)
    await wave(server, places, count, 5)
    before = await empty(server)
    _, (rates, cores, memory) = await wave(server, places, count, seconds)
    after = await empty(server)
    half = memory[len(memory) // 2 :]
    slope = np.polyfit(half[:, 0], half[:, 1], 1)[0] * 3600 if len(half) > 2 else float("nan")
    print(
        f"  ({count} sessions of {page or 'my_dashboard.py'} for {seconds:.0f} s: "
        f"{min(rates):.2f} to {max(rates):.2f} frames/s, {cores:.2f} cores; {first:.0f} MB at first, "
        f"{before:.0f} before, {memory[-1, 1]:.0f} with all, {after:.0f} after; {slope:+.1f} MB/h)",
        flush=True,
    )
    name = f"{count} sessions of {page}" if page else f"{count} sessions"
    checks = [
        Check("serving", f"frames a second, the slowest of {name}", min(rates), 3.5, "more", ""),
        Check("serving", f"cores of the server, {name}", cores, 1.0, "less", ""),
        Check(
            "serving", f"memory when all have gone, of that before, {name}", after / before, 1.05, "less", "x"
        ),
    ]
    if seconds >= LONG:
        checks.append(Check("serving", f"slope of memory, {name}", float(slope), 60, "less", "MB/h"))
    return checks


def main(arguments: list[str] | None = None) -> None:
    """Measure, and say it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--page", nargs="+", default=PAGES[:1], choices=[*PAGES, ALL])
    parser.add_argument(
        "--warm", type=float, default=0, help="seconds for which one session a page looks first"
    )
    parser.add_argument("--own", action="store_true", help="a dashboard of one's own instead")
    chosen = parser.parse_args(arguments)
    tell(checks(chosen.sessions, chosen.seconds, chosen.page, own=chosen.own, warm=chosen.warm))


if __name__ == "__main__":
    main()
