"""What users have attached to the nodes of a live graph: streamz operators, and what waits in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.engine.outcomes import OUT
from workbench.runtimes.nodes import Node
from workbench.runtimes.trace import Record

if TYPE_CHECKING:
    from workbench.runtimes.streamz import Graph

MOST: Final = 40
"""How many are told of; more would not be seen."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A streamz operator of the user's.

    Parameters
    ----------
    name, kind : str
        Its name, else its kind, numbered where there are several; and its kind: ``map``, ``buffer`` ...
    after : tuple of (str, str)
        What it takes: the node, or the other one attached, by name; and which output of a node.
    queue : int or None
        Elements that wait in it; None where it has no queue.
    """

    name: str
    kind: str
    after: tuple[tuple[str, str], ...]
    queue: int | None


def attached(graph: Graph) -> list[Attached]:
    """Give what is attached to a graph, those before others first.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1], unit="s")})
    >>> run = wb.stream(rows, time="t", watermark=0).start(paused=True)
    >>> totals = run["watermark"].map(len).sink(print)
    >>> [(each.name, each.after) for each in attached(run.graph)]
    [('map', (('watermark', 'out'),)), ('sink', (('map', 'out'),))]
    >>> _ = run.stop()
    """
    names = {id(stream): way for way, stream in _outputs(graph)}
    taken, found = set(graph.nodes), list[Attached]()
    waiting = [stream for _, stream in _outputs(graph)]
    while waiting and len(found) < MOST:
        for stream in list(waiting.pop(0).downstreams):
            if id(stream) in names or _ours(stream):
                continue
            kind = type(stream).__name__
            name = _free(stream.name or kind, taken)
            after = tuple(names[id(before)] for before in stream.upstreams if id(before) in names)
            names[id(stream)] = name, OUT
            found.append(Attached(name, kind, after, _waiting_in(stream)))
            waiting.append(stream)
    return found


def _outputs(graph: Graph) -> Iterator[tuple[tuple[str, str], Any]]:
    """Give all outputs of the nodes, by node and port."""
    for source, (_, node) in graph.sources.items():
        yield (source, OUT), node
    for account in graph.ledger.accounts:
        node = graph.nodes[account.name]
        yield (account.name, OUT), node
        for port, beside in node.ports.items():
            yield (account.name, port), beside


def _ours(stream: Any) -> bool:
    """Whether a stream is a node of the graph, or takes the rows of a result for the trace."""
    return isinstance(stream, Node) or isinstance(
        getattr(getattr(stream, "func", None), "__self__", None), Record
    )


def _waiting_in(stream: Any) -> int | None:
    queue: Any = getattr(stream, "queue", None)
    return int(queue.qsize()) if hasattr(queue, "qsize") else None


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free
