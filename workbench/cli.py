"""The command ``workbench``: dashboards, JupyterLab, simulated events, and a look at the set-up."""

from __future__ import annotations

import argparse
import asyncio
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
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except BrokenPipeError:  # the reader of our output has gone, as in `workbench simulate ... | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the flush at exit
        return 0
    except (WorkbenchError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return code


def serve(options: argparse.Namespace) -> int:
    """Serve the dashboards until interrupted."""
    gc.disable()  # what is imported stays: to look for garbage in it takes a fifth of the start
    from workbench.views.serve import serve

    gc.freeze()
    gc.enable()

    def announce(address: str) -> None:
        print(f"workbench is served at {address}   (Ctrl-C stops it)", flush=True)

    if options.port and not _is_free(options.address, options.port):
        raise DescriptionError(
            f"port {options.port} is taken",
            hint="another one: workbench serve --port 5007, or PORT=5007 make serve",
        )
    serve(
        options.port,
        address=options.address,
        show=options.show,
        seed=options.seed,
        announce=announce,
    )
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
        made = simulators.datasets.replay(options.simulator, seed=options.seed)
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
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workbench", description="Streaming analytics in Jupyter.")
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="serve the dashboards, live, on simulated streams")
    command.add_argument("--port", type=int, default=5006, help="0 takes a free one (default: %(default)s)")
    command.add_argument("--address", default="127.0.0.1", help="where to listen (default: %(default)s)")
    command.add_argument("--seed", type=int, default=7, help="of the simulators (default: %(default)s)")
    command.add_argument("--show", action="store_true", help="open a browser")
    command.set_defaults(command=serve)

    command = commands.add_parser("lab", help="open JupyterLab in a folder of notebooks")
    command.add_argument("folder", nargs="?", default="notebooks" if Path("notebooks").is_dir() else ".")
    command.add_argument("rest", nargs="*", help="options for JupyterLab, after --")
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
        "--speed", type=float, help="times as fast as real time (default: as fast as possible)"
    )
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(command=simulate)

    command = commands.add_parser("doctor", help="look whether everything is there")
    command.set_defaults(command=doctor)
    return parser


if __name__ == "__main__":
    sys.exit(main())
