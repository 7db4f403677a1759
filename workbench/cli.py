"""The command ``workbench``: dashboards, JupyterLab, simulated events, and a look at the set-up."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import importlib
import importlib.metadata
import os
import platform
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import __version__
from workbench.errors import DescriptionError, WorkbenchError

if TYPE_CHECKING:
    import pandas as pd

DELIVERIES = ("ideal", "market", "web", "iot", "mobile")
_PACE = 0.1
"""Seconds between two pieces of what is written at a pace."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    at = words.index("--") if "--" in words else len(words)
    options = _parser().parse_args(words[:at])
    options.rest = words[at + 1 :]
    if options.rest and options.command is not lab:
        print("only workbench lab has options after --", file=sys.stderr)
        return 2
    if arguments is None and options.command is serve:
        _hand_memory_back()
    try:
        code: int = options.command(options)
    except BrokenPipeError:  # the reader of our output has gone, as in `workbench simulate ... | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the flush at exit
        return 0
    except (WorkbenchError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return code


def serve(options: argparse.Namespace) -> int:
    """Serve the dashboards, or scripts and notebooks, until interrupted."""
    gc.disable()  # what is imported stays: to look for garbage in it takes a fifth of the start
    from workbench.views.serve import serve

    gc.freeze()
    gc.enable()

    def announce(address: str) -> None:
        print(f"workbench is served at {address}   (Ctrl-C stops it)", flush=True)

    serving = _serving(options)
    if options.port and not _is_free(options.address, options.port):
        raise DescriptionError(
            f"port {options.port} is taken",
            hint="another one: workbench serve --port 5007, or PORT=5007 make serve",
        )
    serve(serving, files=options.files, show=options.show, seed=options.seed, announce=announce)
    return 0


def _hand_memory_back() -> None:
    """Begin anew with the memory of the C library, which that of Linux hands back once a session has left.

    Python's own keeps a megabyte for each small thing that is left in it: a fifth of the process. Large
    arrays are to have memory of their own, always: among small things they leave holes.
    """
    if sys.platform == "linux" and "PYTHONMALLOC" not in os.environ:
        os.environ["PYTHONMALLOC"] = "malloc"
        os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(128 * 1024))
        os.execv(sys.executable, sys.orig_argv)


def _serving(options: argparse.Namespace) -> Any:
    """Give what the options say of address and access."""
    from workbench.ops.passwords import read
    from workbench.time import duration
    from workbench.views.server import Serving

    oauth = {"oauth_provider": options.oauth_provider, "oauth_redirect_uri": options.oauth_redirect_uri}
    return Serving(
        port=options.port,
        address=options.address,
        people=read(options.auth) if options.auth else None,
        oauth={name: value for name, value in oauth.items() if value},
        open_to_all=options.no_auth,
        origins=options.origin,
        sessions=options.sessions,
        message_kilobytes=options.message_kilobytes,
        stale_after=duration(options.stale_after, what="--stale-after"),
    )


def password(options: argparse.Namespace) -> int:
    """Ask for a password, and keep its hash in a file."""
    from getpass import getpass

    from workbench.ops.passwords import write

    if sys.stdin.isatty():
        given = getpass(f"Password of {options.name}: ")
        if getpass("Once more: ") != given:
            raise DescriptionError("the two passwords differ", hint="begin again")
    else:
        given = sys.stdin.readline().rstrip("\n")
    write(options.file, options.name, given)
    print(f"{options.name} is in {options.file}; workbench serve --auth {options.file}")
    return 0


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab in the folder of the notebooks."""
    folder = Path(options.folder)
    if not folder.is_dir():
        raise DescriptionError(f"no such folder: {options.folder}", hint="workbench lab FOLDER")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder.resolve()}",
        *options.rest,
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    os.execv(sys.executable, command)


def simulate(options: argparse.Namespace) -> int:
    """Write simulated or real events to a file or standard output."""
    from tqdm import tqdm

    from workbench.sinks.files import format_of, writer

    simulator = _simulator(options)
    standard = options.to == "-"
    kind = options.format or ("csv" if standard else format_of(options.to))
    to = (sys.stdout.buffer if kind == "parquet" else sys.stdout) if standard else options.to
    whole, rows = _lasting(simulator, options.duration), 0
    quiet = True if options.quiet else None  # None: quiet where nobody looks
    bar = tqdm(total=whole.total_seconds(), unit="s", unit_scale=True, disable=quiet, file=sys.stderr)
    with writer(to, kind) as out, bar:
        for piece, span in _pieces(getattr(simulator, options.what), simulator.block, whole, options.speed):
            out.write(piece)
            rows += len(piece)
            bar.set_postfix_str(f"{rows:,} rows", refresh=False)
            bar.update(span.total_seconds())
    return 0


def _pieces(
    read: Any, block: pd.Timedelta, whole: pd.Timedelta, speed: float | None
) -> Iterator[tuple[pd.DataFrame, pd.Timedelta]]:
    """Yield rows piece by piece, and how much time each piece is of; at a speed, not before it is due."""
    import pandas as pd

    from workbench.time import SystemClock

    length = min(block, pd.Timedelta(speed * _PACE, unit="s")) if speed else block
    begin, clock = pd.Timedelta(0), SystemClock()
    started = clock.now()
    while begin < whole:
        end = min(whole, begin + length)
        piece = read(begin, end)
        if speed:
            due = started + int(end.as_unit("ns").value / speed)
            asyncio.run(clock.sleep(max(0, due - clock.now()) / 1e9))
        yield piece, end - begin
        begin = end


def _simulator(options: argparse.Namespace) -> Any:
    """Make what the options name."""
    import simulators
    from simulators.parameters import problem

    if options.simulator in simulators.datasets.names():
        road = simulators.PRESETS[options.delivery or "ideal"]
        by = "event" if options.delivery else "arrival"
        made = simulators.datasets.replay(options.simulator, by=by, delivery=road, seed=options.seed)
        return made if options.rate is None else simulators.at_rate(made, options.rate)
    known = {"clickstream": simulators.Clickstream(), **simulators.scenarios()}
    if options.simulator not in known:
        streams = [name for name in simulators.datasets.names() if name != "outlines"]
        raise problem(
            f"there is no simulator {options.simulator!r}",
            detail=f"There are {', '.join(known)}; and real data: {', '.join(streams)}.",
            hint="Write for example: workbench simulate clickstream --duration 1min",
        )
    made = replace(known[options.simulator], seed=options.seed)
    if options.delivery:
        made = replace(made, delivery=simulators.PRESETS[options.delivery])
    return made if options.rate is None else simulators.at_rate(made, options.rate)


def _lasting(simulator: Any, given: str | None) -> pd.Timedelta:
    """Give how long to simulate: as is asked, or as long as there is something, or a minute."""
    from simulators.parameters import duration

    whole = getattr(simulator, "duration", None)
    return whole if whole and not given else duration("duration", given or "1min")


def doctor(options: argparse.Namespace) -> int:
    """Tell whether everything is there that the workbench needs."""
    print(f"workbench {__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}")
    well = True
    for name, module in (
        ("numpy", "numpy"), ("pandas", "pandas"), ("streamz", "streamz"), ("holoviews", "holoviews"),
        ("panel", "panel"), ("bokeh", "bokeh"), ("ipywidgets", "ipywidgets"), ("jupyterlab", "jupyterlab"),
    ):  # fmt: skip
        try:
            importlib.import_module(module)
            print(f"  ok   {name} {importlib.metadata.version(name)}")
        except Exception as error:
            well = False
            print(f"  BAD  {name}: {error}")
    free = _is_free("127.0.0.1", 5006)
    print(f"  {'ok  ' if free else 'note'} port 5006 is {'free' if free else 'taken: use --port'}")
    well &= _answers()
    print("all is well" if well else "something is missing: see above")
    return 0 if well else 1


def _answers() -> bool:
    """Run a small pipeline end to end: a simulator, a window, and the same rows counted by hand."""
    import workbench
    from simulators import Sensors

    events = workbench.stream(Sensors(seed=1), watermark="5s", duration="30s")
    counted = events.window("10s").agg(rows=("event_id", "size"))
    arrived, in_time, late = (
        len(events.to_pandas()),
        counted.to_pandas().rows.sum(),
        len(counted.late.to_pandas()),
    )
    right = arrived == in_time + late
    print(f"  {'ok  ' if right else 'BAD '} {arrived} simulated rows: {in_time} in windows, {late} late")
    return bool(right)


def _is_free(address: str, port: int) -> bool:
    """Tell whether nobody listens there yet; what else is wrong with an address is told by who serves."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _port(word: str) -> int:
    """Read the number of a port."""
    if not word.isdecimal() or int(word) >= 2**16:
        raise argparse.ArgumentTypeError(f"{word} is no port: a whole number below 65536")
    return int(word)


def _positive(word: str) -> float:
    """Read a number above zero."""
    number = float(word)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not a number above 0")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workbench", description="Streaming analytics in Jupyter.")
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_serve(commands)

    command = commands.add_parser("password", help="let somebody see what is served: keep a hashed password")
    command.add_argument("name", help="under which somebody logs in")
    command.add_argument("--file", default="passwords", help="where it is kept (default: %(default)s)")
    command.set_defaults(command=password)

    command = commands.add_parser(
        "lab", help="open JupyterLab in a folder of notebooks; what is after -- is for JupyterLab"
    )
    command.add_argument("folder", nargs="?", default="notebooks" if Path("notebooks").is_dir() else ".")
    command.set_defaults(command=lab)

    command = commands.add_parser("simulate", help="write simulated events to a file or standard output")
    command.add_argument(
        "simulator", metavar="NAME", help="as clickstream, trading, sensors, or a data set's"
    )
    command.add_argument("--duration", help="of event time (default: 1min; of a data set, all)")
    command.add_argument("--rate", type=float, help="events a second of event time, on the average of a day")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--what",
        choices=("arrivals", "events", "truth", "delivery_truth"),
        default="arrivals",
        help="rows as they arrive, as they happen, or what is true of them (default: %(default)s)",
    )
    command.add_argument(
        "--delivery", choices=DELIVERIES, help="how events arrive (default: the simulator's own)"
    )
    command.add_argument("--to", default="-", metavar="FILE", help="where to (default: standard output)")
    command.add_argument(
        "--format", choices=("csv", "jsonl", "parquet"), help="(default: as FILE's name says; else csv)"
    )
    command.add_argument(
        "--speed", type=_positive, help="times as fast as real time (default: as fast as possible)"
    )
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(command=simulate)

    command = commands.add_parser("doctor", help="look whether everything is there")
    command.set_defaults(command=doctor)
    return parser


def _add_serve(commands: Any) -> None:
    """Add the command ``serve``."""
    command = commands.add_parser("serve", help="serve the dashboards on simulated streams, or your own")
    command.add_argument(
        "files", nargs="*", metavar="FILE", help="your scripts and notebooks (else: the house's)"
    )
    command.add_argument("--port", type=_port, default=5006, help="0 takes a free one (default: %(default)s)")
    command.add_argument("--address", default="127.0.0.1", help="where to listen (default: %(default)s)")
    command.add_argument("--seed", type=int, default=7, help="of the simulators (default: %(default)s)")
    command.add_argument("--show", action="store_true", help="open a browser")
    command.add_argument("--auth", metavar="FILE", help="who may look: a file that workbench password makes")
    command.add_argument(
        "--oauth-provider", metavar="NAME", help="who may look: Panel's github, google, okta, ...; key and "
        "secret in PANEL_OAUTH_KEY and PANEL_OAUTH_SECRET",
    )  # fmt: skip
    command.add_argument(
        "--oauth-redirect-uri", metavar="URL", help="where the provider sends people back to"
    )
    command.add_argument("--no-auth", action="store_true", help="everybody who reaches the address may look")
    command.add_argument(
        "--origin", action="append", default=[], metavar="HOST", help="of a proxy's pages; may be repeated"
    )
    command.add_argument(
        "--sessions", type=int, default=100, help="that there may be at once (default: %(default)s)"
    )
    command.add_argument(
        "--message-kilobytes", type=int, default=1_024, help="from a browser (default: %(default)s)"
    )
    command.add_argument(
        "--stale-after", default="30s", help="without a row /health says so (default: %(default)s)"
    )
    command.set_defaults(command=serve)


if __name__ == "__main__":
    sys.exit(main())
