"""How each node of a live graph is doing: rows a second, time a batch, watermark, last rows, and who waits.

A node notes little while a batch goes through it: how long it took, the watermark, references to the last
frames. What costs more is worked out by whoever looks, when they look.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from workbench.engine.door import Door
from workbench.engine.operators import Confluence, Windows
from workbench.engine.outcomes import LATE, OUT, REJECTED, Outcome
from workbench.engine.progress import PartitionedProgress
from workbench.model.steps import Aggregated, Read, Step
from workbench.model.windows import Count
from workbench.runtimes.ledger import Account
from workbench.time import END_OF_TIME, NO_WATERMARK, SECOND, Clock

if TYPE_CHECKING:
    from workbench.runtimes.run import Run
    from workbench.runtimes.streamz import Graph

KEPT: Final = 20
"""Rows of each output that can be looked at."""

SPAN: Final = 5 * SECOND
"""Over how long rates are taken."""

IN: Final = "in"
_BETWEEN = SECOND // 5
_MOST_ENTRIES = 20_000
"""With more state than this nobody looks for the window that closes first: it would take too long."""


class Kept:
    """The last rows of one output: references to as many frames as hold them.

    Examples
    --------
    >>> kept = Kept()
    >>> for number in range(100):
    ...     kept.add(pd.DataFrame({"v": [number]}))
    >>> len(kept.frame()), kept.frame().v.iloc[-1]
    (20, np.int64(99))
    """

    __slots__ = ("_frames", "_held")

    def __init__(self) -> None:
        self._frames: deque[pd.DataFrame] = deque()
        self._held = 0

    def add(self, frame: pd.DataFrame) -> None:
        """Take a frame that nobody changes any more; older ones are let go."""
        self._frames.append(frame)
        self._held += len(frame)
        while self._held - len(self._frames[0]) >= KEPT:
            self._held -= len(self._frames.popleft())

    def frame(self) -> pd.DataFrame:
        """Give the last rows, the last one last."""
        tails = [frame.tail(KEPT) for frame in list(self._frames)]
        return pd.concat(tails).tail(KEPT) if tails else pd.DataFrame()


class Pulse:
    """What a node notes while batches go through it.

    Parameters
    ----------
    account : Account
        Where its rows are counted.
    clock : Clock
        What its batches are timed with.
    keep_input : bool
        Whether the rows that come in are kept too, as the first step keeps them for its source.
    """

    __slots__ = ("_at", "_clock", "_marks", "account", "keep_input", "kept", "nanos", "watermark")

    def __init__(self, account: Account, clock: Clock, *, keep_input: bool = False) -> None:
        self.account, self._clock, self.keep_input = account, clock, keep_input
        self.watermark = NO_WATERMARK
        self.nanos: deque[int] = deque(maxlen=64)
        self.kept: dict[str, Kept] = {}
        self._at = clock.now()
        self._marks: deque[tuple[int, int, int]] = deque([(self._at, 0, 0)])

    def now(self) -> int:
        """Read the clock, before a batch is taken."""
        return self._clock.now()

    def took(self, begun: int, frame: pd.DataFrame) -> None:
        """Note that a batch has been taken since."""
        self._at = self._clock.now()
        self.nanos.append(self._at - begun)
        if self.keep_input and len(frame):
            self._keep(IN, frame)

    def note(self, outcome: Outcome) -> None:
        """Note what came of it, once it is in the account."""
        if outcome.stamp is not None:
            self.watermark = outcome.stamp.watermark
        for port, frame in outcome.frames.items():
            if len(frame):
                self._keep(port, frame)
        if self._at - self._marks[-1][0] >= _BETWEEN:
            self._marks.append((self._at, self.account.came, self.account.counts[OUT]))
            self._forget(self._at)

    def rates(self, now: int) -> tuple[float, float]:
        """Give rows in and out a second, over the last few."""
        self._forget(now)
        since, came, gone = self._marks[0]
        seconds = (now - since) / SECOND
        if seconds <= 0:
            return 0.0, 0.0
        counted = self.account.came - came, self.account.counts[OUT] - gone
        return max(0.0, counted[0] / seconds), max(0.0, counted[1] / seconds)  # a rewind takes some back

    def _keep(self, port: str, frame: pd.DataFrame) -> None:
        if port not in self.kept:
            self.kept[port] = Kept()
        self.kept[port].add(frame)

    def _forget(self, now: int) -> None:
        while len(self._marks) > 1 and self._marks[1][0] <= now - SPAN:
            self._marks.popleft()


@dataclass(frozen=True, slots=True)
class NodeVitals:
    """How a node is doing, at one moment.

    Parameters
    ----------
    name, kind : str
        Of the node, and what it does in a word.
    rows_in, rows_out : int
        Rows so far.
    rate_in, rate_out : float
        Rows a second of wall time, over the last few.
    milliseconds, slowest : float or None
        What a batch takes in the step itself: the median of the last 64, and the most; None before any.
    watermark : int
        That it has come to, in nanoseconds.
    lag : int or None
        Processing time minus watermark, in nanoseconds; None where there is no watermark.
    aside : dict of str to int
        Rows that went to its other outputs, by name: ``late``, ``rejected`` and so on.
    queue : int or None
        Rows that wait to go on; None where it holds something else than rows that wait.
    state : int
        Entries that it holds.
    error : str
        The last that it raised, in words; empty if there was none.
    """

    name: str
    kind: str
    rows_in: int = 0
    rows_out: int = 0
    rate_in: float = 0.0
    rate_out: float = 0.0
    milliseconds: float | None = None
    slowest: float | None = None
    watermark: int = NO_WATERMARK
    lag: int | None = None
    aside: dict[str, int] | None = None
    queue: int | None = None
    state: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that waits for the watermark, or that the watermark waits for.

    Parameters
    ----------
    node : str
        Where.
    by : str
        The partition or stream that holds the watermark back; empty for a window that is open.
    silent : int or None
        Nanoseconds of processing time for which that has had no rows, where it is known.
    window : tuple of int or None
        Start and end of the open window that closes next, in nanoseconds.
    needs : int
        How much further the watermark has to come until it closes, in nanoseconds.
    """

    node: str
    by: str = ""
    silent: int | None = None
    window: tuple[int, int] | None = None
    needs: int = 0


class Vitals:
    """The nodes of one run, watched.

    Parameters
    ----------
    graph : Graph
        Whose nodes note how they are doing from now on.
    clock : Clock
        What batches are timed with.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 2, 70, 3], unit="s"), "v": [5, 0, 7, 8]})
    >>> panes = wb.stream(rows, time="t", watermark=0).query("v > 0").window("1min").agg(n=("v", "size"))
    >>> run = panes.start(speed="max").wait(10)
    >>> [(node.name, node.rows_in, node.rows_out) for node in run.vitals.look(run)]
    [('frame', 4, 4), ('watermark', 4, 4), ('query', 4, 3), ('n', 3, 2)]
    >>> run.vitals.rows("n", "late").v.tolist()
    [8]
    """

    def __init__(self, graph: Graph, clock: Clock) -> None:
        self._graph, self._clock = graph, clock
        self.pulses: dict[str, Pulse] = {}
        for account in graph.ledger.accounts:
            first = isinstance(account.operator, Door)
            self.pulses[account.name] = Pulse(account, clock, keep_input=first)
            graph.nodes[account.name].pulse = self.pulses[account.name]
        self._door_of = {
            source: next(name for name, pulse in self.pulses.items() if read in pulse.account.step.upstreams)
            for source, (read, _) in graph.sources.items()
        }

    def look(self, run: Run) -> list[NodeVitals]:
        """Tell how each node is doing, the first first."""
        wall, going = self._clock.now(), run.status == "running"
        errors = {error.step: f"{type(error.cause).__name__}: {error.cause}" for error in run.errors}
        found: list[NodeVitals] = []
        for name, pulse in self.pulses.items():
            rates = pulse.rates(wall) if going else (0.0, 0.0)
            if isinstance(pulse.account.operator, Door):
                source = next(each for each, door in self._door_of.items() if door == name)
                came = pulse.account.came
                found.append(
                    NodeVitals(source, "source", came, came, rates[0], rates[0], error=errors.get(source, ""))
                )
            found.append(self._node(pulse, rates, run.now, errors.get(name, "")))
        return found

    def rows(self, name: str, port: str = OUT) -> pd.DataFrame:
        """Give the last rows that came out of a node, or went to one of its other outputs."""
        if name in self._door_of:
            name, port = self._door_of[name], IN
        kept = self.pulses[name].kept.get(port)
        return pd.DataFrame() if kept is None else kept.frame()

    def waits(self, run: Run) -> list[Wait]:
        """Tell who holds the watermark back, and which windows wait for it."""
        held = [
            Wait(node, by=by, silent=self._silent(node, run.now)) for node, by in run.held_back_by.items()
        ]
        windows = [wait for pulse in self.pulses.values() if (wait := _open_window(pulse)) is not None]
        return held + windows

    def names(self) -> dict[Step, str]:
        """Give the names of the nodes by their steps, the first first."""
        named: dict[Step, str] = {}
        for name, pulse in self.pulses.items():
            for read in pulse.account.step.upstreams:
                if isinstance(read, Read):
                    named[read] = next(source for source, door in self._door_of.items() if door == name)
            named[pulse.account.step] = name
        return named

    def _node(self, pulse: Pulse, rates: tuple[float, float], now: int, error: str) -> NodeVitals:
        account, mark = pulse.account, pulse.watermark
        if isinstance(account.operator, Windows):  # what goes on from it is less by its lateness
            mark = account.operator.operator.watermark
        line = account.line(ended=False)
        known = mark not in (NO_WATERMARK, END_OF_TIME)
        took = sorted(pulse.nanos.copy())  # at once: another thread may drive the run
        return NodeVitals(
            account.name,
            account.kind,
            account.came,
            account.counts[OUT],
            *rates,
            milliseconds=median(took) / 1e6 if took else None,
            slowest=took[-1] / 1e6 if took else None,
            watermark=mark,
            lag=now - mark if known else None,
            aside={port: account.counts[port] for port in _ports(account.step)},
            queue=line["held"] or None,
            state=line["state"],
            error=error,
        )

    def _silent(self, name: str, now: int) -> int | None:
        """Give how long the part that holds a node's watermark back has had no rows."""
        operator = self.pulses[name].account.operator
        parts: Any = None
        if isinstance(operator, Door) and isinstance(operator.progress, PartitionedProgress):
            parts = operator.progress.partitions
        if isinstance(operator, Confluence):
            parts = operator.streams
        part = None if parts is None else parts.holding()
        if part is None or int(parts.heard[part]) == NO_WATERMARK:
            return None
        return max(0, now - int(parts.heard[part]))


def _ports(step: Step) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*step.ports, LATE, REJECTED)))


def _open_window(pulse: Pulse) -> Wait | None:
    """Find the window of a step that closes next, of those that hold rows."""
    account, operator = pulse.account, pulse.account.operator
    if not isinstance(operator, Windows) or not isinstance(account.step, Aggregated):
        return None
    if isinstance(account.step.window, Count) or not 0 < operator.size <= _MOST_ENTRIES:
        return None
    windows = operator.operator.windows
    firing = windows.peek(len(operator.operator.keys))
    if firing is None or windows.watermark in (NO_WATERMARK, END_OF_TIME):
        return None
    first = int(firing.ends.argmin())
    start, end = int(firing.starts[first]), int(firing.ends[first])
    return (
        None if end == END_OF_TIME else Wait(account.name, window=(start, end), needs=end - windows.watermark)
    )
