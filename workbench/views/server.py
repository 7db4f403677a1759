"""The server of a set of pages: on which address, for whom, and how many at once."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import panel as pn
from tornado.ioloop import PeriodicCallback

from workbench.errors import DescriptionError
from workbench.ops.endpoints import Gate, endpoints
from workbench.ops.health import STALE_AFTER, Watch
from workbench.ops.metrics import Exposition, Pipelines
from workbench.ops.passwords import People
from workbench.views.limits import full_rule
from workbench.views.login import DAYS, PasswordAuth
from workbench.views.service import Service
from workbench.views.tidying import Tidying

LOOPBACK = "127.0.0.1"
KILOBYTE = 1024
PING = 30
"""Seconds after which a browser is asked whether it is still there, and after as many more given up: proxies
close what is silent for a minute, and a screen whose plug was pulled says no goodbye."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """How pages are served.

    Parameters
    ----------
    port : int
        Where to listen; 0 takes a free port.
    address : str
        The interface to listen on; the default can be reached from this machine only.
    people : People, optional
        Who may look, by their passwords.
    oauth : mapping of str to str
        Panel's options for logging in elsewhere: ``oauth_provider``, ``oauth_key``, ``oauth_secret``, ...
    open_to_all : bool
        Whether everybody who reaches another address may look.
    origins : sequence of str
        Further hosts whose pages may open a websocket, as a proxy's: ``host`` or ``host:port``.
    sessions : int
        How many browser sessions there may be at once.
    message_kilobytes : int
        The most that a browser may send in one message.
    stale_after : int
        Nanoseconds of wall time without a row after which a run counts as stale.

    Raises
    ------
    DescriptionError
        If the address can be reached from elsewhere, and nothing is said of who may look.
    """

    port: int = 5006
    address: str = LOOPBACK
    people: People | None = None
    oauth: Mapping[str, str] = field(default_factory=dict)
    open_to_all: bool = False
    origins: Sequence[str] = ()
    sessions: int = 100
    message_kilobytes: int = 1_024
    stale_after: int = STALE_AFTER

    def __post_init__(self) -> None:
        if not (is_loopback(self.address) or self.people or self.oauth or self.open_to_all):
            raise DescriptionError(
                f"at {self.address} everybody who reaches this machine could look and press buttons",
                detail="other addresses than 127.0.0.1 need a word on who may",
                hint="--auth FILE (workbench password makes one), --oauth-provider NAME, or --no-auth",
            )
        if self.open_to_all and (self.people or self.oauth):
            raise DescriptionError("--no-auth and a way to log in exclude each other", hint="leave out one")
        for origin in self.origins:
            if "*" in origin or "/" in origin:
                raise DescriptionError(f"an origin cannot be {origin!r}", hint="a host, or host:port")


def application(pages: Mapping[str, Any], service: Service, serving: Serving) -> Any:
    """Give the server of some pages, by address, not yet started.

    Parameters
    ----------
    pages : mapping of str to callable or path
        What Panel serves: functions that give a session's page, or scripts and notebooks.
    service : Service
        Whose pipelines ``/health`` and ``/metrics`` tell of.
    serving : Serving
        How.
    """
    pn.extension(reconnect=True)
    gate = Gate(serving.people or People({}))  # who logs in elsewhere has no password here
    server = pn.serve(
        dict(pages),
        port=serving.port,
        address=serving.address,
        show=False,
        start=False,
        verbose=False,
        title="streaming workbench",
        websocket_max_message_size=serving.message_kilobytes * KILOBYTE,
        check_unused_sessions_milliseconds=5_000,
        keep_alive_milliseconds=0,  # Bokeh's own trips over connections that are just being closed
        websocket_ping_interval=PING,
        **_access(serving, gate),
    )
    tornado = server._tornado
    tornado.websocket_origins.update(
        f"{host}:{server.port}" for host in (*own_names(serving.address), "localhost", LOOPBACK)
    )
    tornado.websocket_origins.update(_with_port(origin) for origin in serving.origins)
    closed = gate if serving.people or serving.oauth else None
    rules = _telling(server, pages, service, serving.stale_after, closed)
    full = full_rule(pages, lambda: _sessions(server, pages), serving.sessions)
    PeriodicCallback(Tidying(lambda: _sessions(server, pages), service).look, 1_000).start()
    tornado.add_handlers(r".*", [*rules, full])  # these are asked before the pages
    return server


def is_loopback(address: str) -> bool:
    """Tell whether an address can be reached from this machine only.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("::1")
    (True, True, False, True)
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def own_names(address: str) -> list[str]:
    """Give the hosts under which a browser may know a server that listens on an address.

    Examples
    --------
    >>> own_names("192.168.1.7"), own_names("::1")
    (['192.168.1.7'], ['[::1]'])
    """
    if address in ("", "0.0.0.0", "::"):
        name = socket.gethostname()
        return [name.lower(), socket.getfqdn(name).lower(), *_outward()]
    return [f"[{address}]" if ":" in address else address.lower()]


def _outward() -> list[str]:
    """Give the address by which this machine would reach others; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of a net that is for documentation
        except OSError:
            return []
        return [probe.getsockname()[0]]


def _with_port(origin: str) -> str:
    """Give an origin with a port: browsers leave out that of HTTP and HTTPS; Bokeh reads both as 80."""
    return origin.lower() if ":" in origin else f"{origin.lower()}:80"


def _access(serving: Serving, gate: Gate) -> dict[str, Any]:
    """Give Panel's options for who may look."""
    if not (serving.people or serving.oauth):
        return {}
    options: dict[str, Any] = {"cookie_secret": pn.config.cookie_secret or secrets.token_hex(32)}
    if serving.oauth:
        return options | dict(serving.oauth)
    pn.config.oauth_expiry = DAYS  # of all cookies, though it is called so
    return options | {"auth_provider": PasswordAuth(gate), "xsrf_cookies": True}


def _telling(
    server: Any, pages: Mapping[str, Any], service: Service, stale_after: int, gate: Any
) -> list[Any]:
    """Give the rules of ``/health`` and ``/metrics``, and begin to watch."""
    watch = Watch(service.runs, stale_after=stale_after)
    PeriodicCallback(watch.look, 1_000).start()

    def sessions() -> dict[str, int]:
        return {page: len(server.get_sessions(page)) for page in pages}

    return endpoints(watch, Exposition(Pipelines(service.runs, sessions, service.pushes)), gate)


def _sessions(server: Any, pages: Mapping[str, Any]) -> set[str]:
    return {session.id for page in pages for session in server.get_sessions(page)}
