"""Changing a run while it goes: what takes effect at once, and what makes it begin again.

The bound of a watermark, the lateness of windows and what a simulator does change at once, between two
batches. Other windows need other state: the run begins again with its sources, and catches up to the present
processing time as fast as it can, as if it had always been so.

A change takes part in history. Going back over one, the rows come again as they came, with the bound and the
lateness that there were; going on from a moment before it, what is set at last holds from there: the run
takes another way.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from workbench.engine.adopting import adopt
from workbench.errors import DescriptionError
from workbench.model.rewriting import bound_of, rewritten, with_bound, with_windows
from workbench.model.rooms import room
from workbench.model.steps import Aggregated, Date, Read, Step
from workbench.model.stream import EventStream
from workbench.model.windows import Tumbling, as_window
from workbench.runtimes.attached import attached
from workbench.runtimes.checkpoints import Turn
from workbench.runtimes.streamz import Graph
from workbench.runtimes.trace import Counters
from workbench.runtimes.turns import BetweenTurns
from workbench.sources import Reader
from workbench.time import SECOND, duration, spell

AT_ONCE: Final = "at once"
RESTARTED: Final = "restarted"

OF_SIMULATORS: Final = ("rate", "delivery", "disorder", "late", "faults")
CHANGEABLE: Final = ("bound", "lateness", "window", "source", *OF_SIMULATORS)
"""What `Run.change` takes."""

TURNS: Final = 100
"""In about so many turns a run that has begun again catches up; with longer ones nobody else gets a turn."""
LEAST: Final = SECOND // 10
"""Nanoseconds of processing time of such a turn, at least."""

Named = Mapping[str, Any]
"""Values by the name of a source, or of a step."""


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """What has changed in a run, and how.

    Parameters
    ----------
    what : mapping of str to str
        What was changed, and to what.
    how : str
        ``at once``, or ``restarted``.
    lost : tuple of str
        What users had attached to the graph, and must attach again: a restarted run has a new graph.

    Examples
    --------
    >>> Change({"bound": "20s"}, AT_ONCE), Change({"window": "30s"}, RESTARTED, ("sink",))
    (bound 20s: at once, window 30s: restarted, without what was attached: sink)
    """

    what: Mapping[str, str]
    how: str
    lost: tuple[str, ...] = ()

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.what.items())
        lost = f", without what was attached: {', '.join(self.lost)}" if self.lost else ""
        return f"{told}: {self.how}{lost}"


class Changes(BetweenTurns):
    """The part of a `Run` that changes it."""

    positions: dict[str, tuple[int, ...]]
    _readers: dict[str, Reader]
    _steps: Mapping[str, Step]
    _wire: Callable[[Mapping[str, EventStream]], Graph]
    _begin: int
    _awaited: list[asyncio.Future[Any]]
    _way: tuple[int, int] | None = None
    """While it catches up: processing time up to which it has been told to read, and the goal."""

    def change(self, **wanted: Any) -> Change:
        """Change the pipeline while it runs, or is paused; status and speed stay.

        Parameters
        ----------
        bound : duration, or mapping of str to duration
            How far rows may be out of order: of every watermark that has a bound, or by name of the source.
            At once: rows claim with it from now on. The watermark never goes back, so with a longer bound it
            stands still for as long as it takes.
        lateness : duration, or mapping of str to duration
            How long closed windows accept rows: of all windows, or by name of the result or step. At once:
            what had expired stays so, see `workbench.engine.expiry`.
        window : window or duration, or mapping of str to those
            Of all windows, or by name. The run begins again.
        source : simulator, or mapping of str to simulator
            What makes the events from now on. At once: what has happened before arrives as it would have,
            nothing is lost and nothing comes twice.
        rate : float
            Events a second of the simulator, at this time of its day; at once, as all that follows.
        delivery : str or Delivery
            How its events arrive, as ``"mobile"``.
        disorder : duration
            By how much its events are held back at most, each by its own time, beyond what the delivery does.
        late : float
            Share of its events with a delay from the long tail.
        faults : mapping of str to bool, float or Fault
            By name, as ``{"outage": True, "loss": 0.05}``; see `simulators.dials`.

        Returns
        -------
        Change
            What has changed, and how.

        Raises
        ------
        DescriptionError
            If something of it cannot be changed, or not so; then nothing is.
        RunError
            If the run is over, or in the middle of a batch.

        Examples
        --------
        >>> import workbench as wb
        >>> from simulators import Sensors
        >>> readings = wb.stream(Sensors(seed=7), watermark="5s", duration="1min")
        >>> run = readings.groupby("zone").window("10s").agg(n=("event_id", "size")).start(paused=True)
        >>> run.change(bound="20s"), run.change(window="30s"), run.change(disorder="3s", faults={"loss": 0.1})
        (bound 20s: at once, window 30s: restarted, disorder 3s, faults loss 0.1: at once)
        >>> _ = run.stop()
        """
        wanted = {name: value for name, value in wanted.items() if value is not None}
        unknown = [name for name in wanted if name not in CHANGEABLE]
        if unknown or not wanted:
            raise DescriptionError(
                f"a run has no {unknown[0]!r} to change" if unknown else "nothing to change",
                hint=f"what can be changed: {', '.join(CHANGEABLE)}; and run.speed = 10",
            )
        return self._between_turns(partial(self._change, wanted), "changed")

    def controls(self) -> Any:
        """Give controls bound to this run, for a notebook: speed, source, watermark, windows, keys."""
        return room("views.controls", "Controls")(self)

    def _change(self, wanted: Named) -> Change:
        self._refuse_if_over("changed")
        changed = {**self._sources(wanted), **self._dates(wanted), **self._windows(wanted)}
        streams, steps = rewritten(self.streams, changed)
        lost: tuple[str, ...] = ()
        if "window" in wanted:
            lost = self._restart(streams)
        else:
            self._adopt(streams, steps)
        told = {name: _told(value) for name, value in wanted.items()}
        return Change(told, RESTARTED if "window" in wanted else AT_ONCE, lost)

    def named(self, kind: type[Step]) -> dict[str, Any]:
        """Give the steps of a kind by the names of their nodes; those that date rows by their sources'."""
        sources = {read: name for name, (read, _) in self.graph.sources.items()}
        accounts = [account for account in self.graph.ledger.accounts if isinstance(account.step, kind)]
        return {
            sources[account.step.upstreams[0]] if kind is Date else account.name: account.step  # type: ignore[index]
            for account in accounts
        }

    def _dates(self, wanted: Named) -> dict[Step, Step]:
        """Give what becomes of the steps that date rows."""
        if "bound" not in wanted:
            return {}
        dates = self.named(Date)
        bounded = {name: step for name, step in dates.items() if bound_of(step) is not None}
        named = _by_name("bound", wanted["bound"], bounded or dates, dates)
        bounds = {name: duration(value, what="bound of disorder") for name, value in named.items()}
        return {
            dates[name]: replace(dates[name], watermark=with_bound(dates[name].watermark, bound))
            for name, bound in bounds.items()
        }

    def _windows(self, wanted: Named) -> dict[Step, Step]:
        """Give what becomes of the windows."""
        if not {"window", "lateness"} & set(wanted):
            return {}
        steps = self.named(Aggregated)
        windows = _by_name("window", wanted.get("window", {}), steps, steps)
        late = _by_name("lateness", wanted.get("lateness", {}), steps, steps)
        return {
            step: with_windows(
                step,
                window=as_window(windows[name]) if name in windows else None,
                lateness=duration(late[name], what="lateness") if name in late else None,
            )
            for name, step in steps.items()
            if name in windows or name in late
        }

    def _sources(self, wanted: Named) -> dict[Step, Step]:
        """Give what becomes of the steps that read."""
        dials = {name: wanted[name] for name in OF_SIMULATORS if name in wanted}
        if not dials and "source" not in wanted:
            return {}
        can = room("sources.turned", "can_be_turned")
        reads = {name: read for name, (read, _) in self.graph.sources.items() if can(read.source)}
        reads = {name: read for name, read in reads.items() if name in self._readers}
        what = "source" if "source" in wanted else next(iter(dials))
        if not reads or (len(reads) > 1 and (dials or not isinstance(wanted["source"], Mapping))):
            raise DescriptionError(
                f"{what} is of one simulator, but {len(reads)} are being read",
                hint="source={'clicks': Clickstream(...)} says of which" if reads else "read a simulator",
            )
        named = _by_name("source", wanted.get("source", {}), reads, reads)
        made = {name: reads[name].source for name in (named or reads)}
        for name, simulator in named.items():
            made[name] = room("sources.turned", "switch")(made[name], simulator, self._from(name))
        for name in made if dials else ():
            made[name] = room("sources.turned", "turn")(made[name], self._from(name), **dials)
        return {reads[name]: replace(reads[name], source=source) for name, source in made.items()}

    def _from(self, source: str) -> int:
        """Give the first moment, a whole microsecond, of which nothing of a source can have been read."""
        return (max(self.now, self._readers[source].reached) // 1_000 + 1) * 1_000

    def _adopt(self, streams: dict[str, EventStream], steps: Mapping[Step, Step]) -> None:
        """Let everything at work go on with what has become of its step."""
        self.streams = streams
        for name, (read, node) in list(self.graph.sources.items()):
            now = steps[read]
            assert isinstance(now, Read)
            self.graph.sources[name] = (now, node)
            if now.source is not read.source and name in self._readers:
                self._readers[name] = _going_on(now, self._readers[name])
        self._settle({account.name: steps[account.step] for account in self.graph.ledger.accounts})

    def _settle(self, steps: Mapping[str, Step]) -> None:
        """Let the operators at work be as steps say, by the names of their nodes."""
        self._steps = steps
        for account in self.graph.ledger.accounts:
            step = account.step = steps[account.name]
            adopt(account.operator, step)
            if (plane := self.graph.plane(account.name)) is not None and plane.step is not step:
                before, bounds = (_bounds(each) for each in (plane.step, step))
                if before != bounds and len(bounds) == 1:
                    plane.bounded(bounds[0], before[0])
                plane.step, plane.lateness = step, getattr(step, "lateness", 0)
                plane.version += 1
        self.trace.version += 1

    def _branch(self, steps: Mapping[str, Step]) -> None:
        """Go another way from here, after a rewind: with steps, and simulators, as they are at last."""
        self._settle(steps)
        made: dict[Step, Step] = {}
        for name, (read, _) in self.graph.sources.items():
            if name in self._readers and hasattr(read.source, "simulator"):
                source = room("sources.turned", "branched")(read.source, self._from(name))
                if source is not read.source:
                    made[read] = replace(read, source=source)
        if made:
            self._adopt(*rewritten(self.streams, made))

    def _restart(self, streams: dict[str, EventStream]) -> tuple[str, ...]:
        """Begin again with other streams; gives what was attached by hand, and is no more."""
        graph, before, goal = self._wire(streams), self.graph, self.now
        lost = tuple(each.name for each in attached(before))
        before.close(through=True)
        for account in graph.ledger.accounts:
            if (plane := before.plane(account.name)) is not None and account.name in graph.nodes:
                plane.restart(account.step)  # those who look at it go on
                graph.nodes[account.name].plane = plane
        self.streams = streams
        for record in self.trace.records().values():
            record.cut(0)
        self.trace.counters = Counters()
        self.trace.forget_after(self._begin - 1)
        self.positions.clear()
        self._open(graph)
        graph.prime()
        self._way = (self._begin, goal)
        while self.status == "paused" and self._way is not None and not self.over:
            self._awaited += [asyncio.ensure_future(awaitable) for awaitable in self._turn()]
        return lost

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether the run has ended."""

    @abstractmethod
    def _turn(self, again: Turn | None = None) -> list[Awaitable[Any]]: ...

    @abstractmethod
    def _open(self, graph: Graph) -> None: ...

    @abstractmethod
    def _refuse_if_over(self, verb: str) -> None: ...

    def _until(self) -> int | None:
        """Give the moment up to which the next turn reads; None where only the size of a batch limits it."""
        if self._way is None:
            return None if self._pace.speed == "max" else self._pace.now()
        at, goal = self._way
        if all(reader.reached >= at for reader in self._readers.values()):
            at = min(goal, at + max(LEAST, (goal - self._begin) // TURNS))
            self._way = (at, goal)
        self._pace.set(at)
        return at

    def _arrived(self) -> None:
        """Take note, after a turn, if the run has caught up."""
        if self._way is not None:
            at, goal = self._way
            if at == goal and all(reader.reached >= at for reader in self._readers.values()):
                self._way = None
                self._pace.set(goal)


def _bounds(step: Step) -> list[int]:
    """Give the bounds of the sources of a step."""
    return [bound for before in step.chain() if (bound := bound_of(before)) is not None]


def _going_on(read: Read, reader: Reader) -> Reader:
    """Give a reader that goes on where another has been, with a source that is the same up to there."""
    made: Reader = read.source.reader()
    made.seek(reader.position)
    made.reached = reader.reached
    return made


def _by_name(what: str, value: Any, of_all: Named, known: Named) -> Named:
    """Give values by name: those that were given so, or one for all.

    Raises
    ------
    DescriptionError
        If there is nothing of that name, or nothing at all.
    """
    if not isinstance(value, Mapping):
        if not of_all:
            raise DescriptionError(f"there is no {what} to change", hint="what can be changed depends on it")
        return dict.fromkeys(of_all, value)
    for name in value:
        if name not in known:
            raise DescriptionError(
                f"{name!r} has no {what}", hint=f"there are {', '.join(map(repr, known)) or 'none'}"
            )
    return copy(value)


def _told(value: Any) -> str:
    """Say a value as a person would."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_told(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Tumbling):
        return spell(value.size)
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else repr(value)
