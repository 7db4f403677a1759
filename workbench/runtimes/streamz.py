"""The live graph: a streamz node for each step; the only file that imports streamz.

streamz is the shell: wiring, names, fan-out, and whatever operators a user attaches. The driver in
`workbench.runtimes.run` owns loop, clock, positions and errors, and pushes from one place. The elements are
DataFrames; the dates of their rows (`Stamp`) travel in the metadata.

Two nodes are registered on ``streamz.Stream`` for graphs written by hand::

    source = streamz.Stream()
    panes = source.watermark("10s", time="t").window("1min", by="country", total=("amount", "sum"))
    panes.sink(print); panes.late.sink(print)
    source.emit(frame)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import pandas as pd
from streamz import Sink, Stream

from workbench.columns import require
from workbench.engine.door import Door
from workbench.engine.operations import Operated
from workbench.engine.operators import Confluence, Windows, operator_for
from workbench.engine.outcomes import LATE, REJECTED, Operator, Outcome
from workbench.engine.windowed import window_operator
from workbench.errors import DescriptionError
from workbench.model.naming import named_aggregates
from workbench.model.rooms import room
from workbench.model.steps import Output, Read, Step
from workbench.model.stream import EventStream
from workbench.model.watermarks import Watermark, as_watermark
from workbench.model.windows import Window, as_window
from workbench.runtimes.ledger import Ledger
from workbench.runtimes.nodes import STAMP, Node, Reporter, StepNode, name_of
from workbench.runtimes.plane import Plane
from workbench.runtimes.stages import plane_of
from workbench.runtimes.trace import Past
from workbench.sources import Reader
from workbench.time import Duration, duration, to_nanos


@Stream.register_api(attribute_name="watermark")
class WatermarkNode(StepNode):
    """Admits rows of a hand-written graph and dates them, row by row.

    Parameters
    ----------
    upstream : streamz.Stream
        Of DataFrames, in arrival order; their columns are those of the first.
    watermark : duration, BoundedOutOfOrderness, Ascending or Punctuated
        What moves the watermark; a duration says how far rows may be out of order.
    time : str
        The event-time column.
    arrival : str, optional
        The datetime column that says when each row arrived; needed where processing time matters, since a
        hand-written graph has none.
    """

    def __init__(
        self,
        upstream: Stream,
        watermark: Watermark | Duration,
        *,
        time: str,
        arrival: str | None = None,
        stream_name: str = "watermark",
    ) -> None:
        policy = as_watermark(watermark)
        if policy.needs_arrivals and arrival is None:
            raise DescriptionError(
                f"nobody knows when the rows of {stream_name} arrive: {policy!r}",
                detail="idle, max_ahead and advance_with_clock need it; a hand-written graph has no clock",
                hint="name the column that says it, as in .watermark(..., time='t', arrival='arrival_time')",
            )
        self.arrival, self.door = arrival, Door(None, policy, time)
        super().__init__(upstream, operator=self.door, name=stream_name)

    def update(self, x: pd.DataFrame, who: Any = None, metadata: list[dict[str, Any]] | None = None) -> Any:
        """Take a batch as it arrived."""
        if self.arrival is not None:
            require(x.columns, [self.arrival], "the rows' arrival")
            self.door.arrivals = to_nanos(x[self.arrival])
        return super().update(x, who=who, metadata=metadata)

    def end(self) -> list[Awaitable[Any]]:
        """End the stream: the watermark goes to the end of time, and every window fires."""
        return self.hand_on(self.door.end())


@Stream.register_api(attribute_name="window")
class WindowNode(StepNode):
    """Windows of event time for a hand-written graph, below a ``watermark`` node.

    Parameters
    ----------
    upstream : streamz.Stream
        With a ``watermark`` node above; what lies between keeps the index and hands the metadata on, as
        streamz's ``map`` and ``filter`` do.
    window : Tumbling, Sliding, Session or duration
        Where rows are put together.
    by : str or list of str
        Key columns.
    lateness : duration
        How long a closed window still accepts rows.
    **named : (column, function)
        The aggregates.
    """

    def __init__(
        self,
        upstream: Stream,
        window: Window | Duration,
        *,
        by: str | list[str] | tuple[str, ...] = (),
        lateness: Duration = 0,
        stream_name: str = "window",
        **named: tuple[str, str],
    ) -> None:
        after = duration(lateness, what="lateness")
        operator = window_operator(
            keys=(by,) if isinstance(by, str) else tuple(by),
            window=as_window(window),
            lateness=after,
            aggregates=named_aggregates(named),
        )
        super().__init__(upstream, operator=Windows(operator), name=stream_name)

    def update(self, x: pd.DataFrame, who: Any = None, metadata: list[dict[str, Any]] | None = None) -> Any:
        """Take a batch of dated rows."""
        if not any(STAMP in entry for entry in metadata or []):
            raise DescriptionError(
                "rows without dates have come to a window",
                detail="they carry no watermark in their metadata",
                hint="put .watermark('10s', time='t') before, and between them only nodes that pass it on",
            )
        return super().update(x, who=who, metadata=metadata)


class Graph:
    """The nodes of one run, by name.

    Parameters
    ----------
    streams : mapping of str to EventStream
        The results; what they share is built once.
    reporter : callable
        Is told of errors.
    observer : callable
        Is told the name and the outcome of each step, as it happens.
    reject : bool
        Whether rows for which a function raises are set aside.
    loop : tornado.ioloop.IOLoop
        Where nodes that wait do their waiting.
    past : bool or tuple of str
        Whether time planes are recorded, at some 100 ns a row; or only those of some results.
    """

    def __init__(
        self,
        streams: Mapping[str, EventStream],
        *,
        reporter: Reporter,
        observer: Callable[[str, Outcome], None],
        reject: bool,
        loop: Any,
        past: Past = True,
    ) -> None:
        self.run: Any = None
        named = () if past is False else past
        self._seen = None if named is True else {id(streams[name].step) for name in named}
        self.nodes: dict[str, Stream] = {}
        self.ledger = Ledger()
        self._doors: dict[str, tuple[StepNode, Door]] = {}
        self.sources: dict[str, tuple[Read, Node]] = {}
        self._reporter, self._observer, self._reject, self._loop = reporter, observer, reject, loop
        self._of_step: dict[int, Stream] = {}
        self._taken = set(streams)
        for name, stream in streams.items():
            self.nodes[name] = self._build(stream.step, name)

    def __call__(self) -> Any:
        """Give the graph as a live picture, which needs no system binary: ``run.graph()``."""
        return room("views.graph", "RunGraph")(self.run)

    def operators(self) -> Iterator[tuple[str, Operator]]:
        """Give the operators by the names of their nodes."""
        for node in self._of_step.values():
            if isinstance(node, StepNode):
                yield node.name, node.operator

    @property
    def watermark(self) -> int:
        """The least watermark of the sources, in nanoseconds."""
        return min(door.progress.watermark for _, door in self._doors.values())

    def push(self, source: str, frame: pd.DataFrame, reader: Reader) -> list[Awaitable[Any]]:
        """Hand a batch to a source's node, with the processing time when its rows arrived."""
        if source in self._doors:
            door = self._doors[source][1]
            door.now, door.arrivals = reader.reached, reader.arrivals
        return self.sources[source][1].push(frame)

    def prime(self) -> None:
        """Let all joins know the columns of both sides before the first row comes."""
        if any(len(node.upstreams) > 1 for node in self._of_step.values()):
            for node, door in self._doors.values():
                node.hand_on(door.tick())

    def tick(self, source: str, now: int) -> list[Awaitable[Any]]:
        """Let processing time pass at a source that has no rows, if anybody heeds it."""
        if source not in self._doors or not self.heeds_clock:
            return []
        node, door = self._doors[source]
        door.now = now
        return node.hand_on(door.tick())

    @property
    def heeds_clock(self) -> bool:
        """Whether a watermark may move, or a pane be due, without a row."""
        return any(
            isinstance(operator, Door | Confluence | Windows | Operated) and operator.heeds_clock
            for _, operator in self.operators()
        )

    def held_back_by(self) -> dict[str, str]:
        """Give, by node, what holds its watermark back: a partition, or a stream of a union or join."""
        held: dict[str, str] = {}
        for node in self._of_step.values():
            operator = getattr(node, "operator", None)
            if isinstance(operator, Door) and (partition := operator.holding()) is not None:
                held[node.name] = partition
            if isinstance(operator, Confluence | Operated) and (stream := operator.holding()) is not None:
                held[node.name] = name_of(node.upstreams[stream])
        return held

    def end(self, source: str) -> list[Awaitable[Any]]:
        """End a source: its watermark goes to the end of time, and every window fires."""
        node, door = self._doors[source]
        return node.hand_on(door.end())

    def peek(self, name: str) -> pd.DataFrame:
        """Give what the open windows of a result hold so far; an empty frame if it has none."""
        operator = getattr(self.nodes[name], "operator", None)
        return operator.peek() if isinstance(operator, Windows) else pd.DataFrame()

    def plane(self, name: str) -> Plane | None:
        """Give the time plane of a step; None if there is nothing to be seen, or none is recorded."""
        return getattr(self.nodes.get(name), "plane", None)

    def planes(self) -> Iterator[tuple[str, Plane]]:
        """Give the time planes by the names of their nodes."""
        for name, node in self.nodes.items():
            if (plane := getattr(node, "plane", None)) is not None:
                yield name, plane

    def close(self, *, through: bool) -> None:
        """Take the graph apart, so that nothing is kept alive.

        Parameters
        ----------
        through : bool
            Whether to cut through what users attached; otherwise only their sinks on our nodes are destroyed,
            and what their own nodes still hold goes on its way.
        """
        for node in self._of_step.values():
            for part in (node, *getattr(node, "ports", {}).values()):
                _cut(part, through)

    def _build(self, step: Step, name: str | None = None) -> Stream:
        """Give the node of a step, made when first asked for."""
        if id(step) in self._of_step:
            return self._of_step[id(step)]
        name = name or self._free(step.name)
        node: Stream
        match step:
            case Read():
                node = Node(
                    None,
                    stream_name=name,
                    reporter=self._reporter,
                    asynchronous=True,
                    loop=self._loop,
                )
                self.sources[name] = (step, node)
            case Output():
                before = self._build(step.upstreams[0])
                assert isinstance(before, StepNode)
                node = before.ports[step.port]
            case _:
                upstreams: list[Stream] = []
                for upstream in map(self._build, step.upstreams):
                    # streamz tells a node once of each upstream: the same one again comes by a way of its own
                    again = upstream in upstreams
                    upstreams.append(Node(upstream, reporter=self._reporter) if again else upstream)
                operator = operator_for(step, reject=self._reject)
                ports = tuple(dict.fromkeys((LATE, REJECTED, *step.ports)))
                made = StepNode(
                    *upstreams, operator=operator, name=name, ports=ports, reporter=self._reporter
                )
                made.observer, made.account = self._observer, self.ledger.open(name, step, operator)
                made.plane = plane_of(step) if self._seen is None or id(step) in self._seen else None
                self.nodes |= {f"{name}.{port}": beside for port, beside in made.ports.items()}
                node = made
                if isinstance(operator, Door):
                    self._doors[self._source_of(step)] = (node, operator)
        self._of_step[id(step)] = node
        self.nodes[name] = node
        return node

    def _source_of(self, step: Step) -> str:
        (read,) = step.upstreams
        return next(name for name, (source, _) in self.sources.items() if source is read)

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        return free


def _cut(node: Stream, through: bool) -> None:
    """Cut a node off from all below it; sinks are destroyed, or streamz would keep them for ever."""
    for downstream in list(node.downstreams):
        if through:
            _cut(downstream, through)
        if through or isinstance(downstream, Node | Sink):
            downstream.destroy()
        else:
            node.disconnect(downstream)
