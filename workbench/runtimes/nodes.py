"""The nodes of the live graph: how a batch is handed from step to step, with its dates beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pandas as pd
from streamz import Stream

from workbench.engine.operators import Windows
from workbench.engine.outcomes import LATE, OUT, REJECTED, Operator, Outcome
from workbench.engine.progress import Stamp
from workbench.errors import StepError
from workbench.runtimes.ledger import Account
from workbench.runtimes.plane import Plane
from workbench.runtimes.vitals import Pulse

Reporter = Callable[[StepError], None]
"""Is told of an error in place of whoever pushed; so siblings still get their batch."""

STAMP = "stamp"


class Node(Stream):
    """A streamz node that hands a batch to all its downstreams, whatever one of them does with it.

    An error is told to the reporter if there is one; otherwise it is raised when all downstreams have had the
    batch. Unlike streamz's own nodes it keeps no reference to the last element.
    """

    def __init__(self, upstream: Stream | None, *, reporter: Reporter | None = None, **keywords: Any) -> None:
        super().__init__(upstream, **keywords)
        self.reporter = reporter

    def push(self, frame: pd.DataFrame, stamp: Stamp | None = None) -> list[Awaitable[Any]]:
        """Hand a batch on; gives what there is to wait for before the next."""
        return self._emit(frame, metadata=[] if stamp is None else [{STAMP: stamp}])

    def update(self, x: Any, who: Any = None, metadata: list[dict[str, Any]] | None = None) -> Any:
        """Hand on what comes from upstream."""
        return self._emit(x, metadata=metadata)

    def _emit(
        self, x: Any, metadata: list[dict[str, Any]] | None = None, to: list[Stream] | None = None
    ) -> list[Awaitable[Any]]:
        waiting: list[Awaitable[Any]] = []
        failed: StepError | None = None
        metadata = metadata or []
        takers = list(self.downstreams) if to is None else to
        self._retain_refs(metadata, len(takers))
        for downstream in takers:
            try:
                result = downstream.update(x, who=self, metadata=metadata)
                waiting.extend(result if isinstance(result, list) else [result])
            except StepError as error:
                failed = self._told(error) or failed
            except Exception as error:
                failed = self._told(StepError(name_of(downstream), x, error)) or failed
            self._release_refs(metadata)
        if failed is not None:
            raise failed
        return [awaitable for awaitable in waiting if awaitable is not None]

    def _told(self, error: StepError) -> StepError | None:
        if self.reporter is None:
            return error
        self.reporter(error)
        return None


class StepNode(Node):
    """A step at work in the graph: runs an operator, and hands each of its outputs on.

    Its own downstreams get what goes on; ``ports`` are streams beside it, ``late`` and ``rejected`` among
    them.
    """

    def __init__(
        self,
        *upstreams: Stream,
        operator: Operator,
        name: str,
        ports: tuple[str, ...] = (LATE, REJECTED),
        reporter: Reporter | None = None,
    ) -> None:
        super().__init__(None, upstreams=upstreams, stream_name=name, reporter=reporter)
        self.operator = operator
        beside = {"reporter": reporter, "loop": self.loop, "asynchronous": self.asynchronous}
        self.ports = {port: Node(None, stream_name=f"{name}.{port}", **beside) for port in ports}
        self.observer: Callable[[str, Outcome], None] | None = None
        self.account: Account | None = None
        self.plane: Plane | None = None
        self.pulse: Pulse | None = None

    @property
    def late(self) -> Node:
        """The rows that came too late."""
        return self.ports[LATE]

    @property
    def rejected(self) -> Node:
        """The rows that could not be taken."""
        return self.ports[REJECTED]

    def update(self, x: pd.DataFrame, who: Any = None, metadata: list[dict[str, Any]] | None = None) -> Any:
        """Take a batch from upstream."""
        stamp = next((entry[STAMP] for entry in metadata or [] if STAMP in entry), None)
        side = 0 if len(self.upstreams) == 1 else self.upstreams.index(who)
        begun = 0 if self.pulse is None else self.pulse.now()
        outcome = self.operator.process(x, stamp, side)
        if self.pulse is not None:
            self.pulse.took(begun, x)
        if self.plane is not None and stamp is not None and self.plane.window is not None:
            self.plane.take(x, stamp, outcome)
        return self.hand_on(outcome, rows=len(x))

    def hand_on(self, outcome: Outcome, *, rows: int = 0) -> list[Awaitable[Any]]:
        """Hand on what has come of a batch of so many rows."""
        if self.account is not None:
            self.account.add(rows, outcome)
        if self.plane is not None and self.plane.window is None:
            self.plane.note(outcome)
        if self.pulse is not None:
            self.pulse.note(outcome)
        if self.observer is not None:
            self.observer(self.name, outcome)
        waiting: list[Awaitable[Any]] = []
        for port, node in self.ports.items():
            frame = outcome.frames.get(port)
            if frame is not None and len(frame):
                waiting += node.push(frame)
        frame = outcome.frames[OUT]
        if len(frame) or (outcome.stamp is not None and not isinstance(self.operator, Windows)):
            waiting += self.push(frame, outcome.stamp)  # without rows the watermark still goes on
        elif outcome.stamp is not None:  # but whoever takes panes needs none of it, unless it is a step
            steps = [each for each in self.downstreams if isinstance(each, Node)]
            waiting += self._emit(frame, metadata=[{STAMP: outcome.stamp}], to=steps)
        return waiting


def name_of(node: Stream) -> str:
    """Give the name of a node, or of its type."""
    return node.name or type(node).__name__
