"""Playing a table to an operator, cut into batches anywhere, with or without restarts.

The door (`Schema`), the dating (`Progress`) and the operator, as a run wires them, without a run.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.engine.progress import Progress, Stamp
from workbench.schema import Schema
from workbench.time import to_nanos


class Output(Protocol):
    """What an operator gives for a batch."""

    @property
    def panes(self) -> pd.DataFrame:
        """The panes that the batch fired."""
        ...

    @property
    def last(self) -> npt.NDArray[np.bool_]:
        """Whether each pane is the last of its window and key."""
        ...

    @property
    def late(self) -> pd.DataFrame:
        """Rows that came too late for all their windows."""
        ...

    @property
    def rejected(self) -> pd.DataFrame:
        """Rows that are in no window, with a reason."""
        ...

    @property
    def dropped(self) -> int:
        """How many (row, window) pairs were late."""
        ...


class Operator(Protocol):
    """What the engine's window operator and the oracle have in common."""

    @property
    def size(self) -> int:
        """How much state is held."""
        ...

    def process(self, frame: pd.DataFrame, stamp: Stamp) -> Output:
        """Take a batch, whose index holds arrival numbers of the stamp."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        ...


@dataclass(frozen=True, eq=False)
class Replay:
    """All that an operator gave for a table.

    Parameters
    ----------
    panes, late, rejected : pandas.DataFrame
        Those of all batches, one after the other; late and rejected rows bear their arrival
        numbers, counted from 1.
    dropped : int
        (row, window) pairs that were late.
    size : int
        What the operator still holds after the end of the stream.
    batches : tuple of pandas.DataFrame
        The pane table of each batch, the last that of the end of the stream.
    """

    panes: pd.DataFrame
    late: pd.DataFrame
    rejected: pd.DataFrame
    dropped: int
    size: int
    batches: tuple[pd.DataFrame, ...]


def replay(
    make: Callable[[], Operator],
    frame: pd.DataFrame,
    *,
    time: str,
    bound: int,
    cuts: Iterable[int] = (),
    restart: bool = False,
) -> Replay:
    """Play a table to an operator, batch by batch, to the end of the stream.

    Parameters
    ----------
    make : callable
        Makes the operator.
    frame : pandas.DataFrame
        Rows in arrival order.
    time : str
        The event-time column; rows without event time are rejected at the door.
    bound : int
        Nanoseconds that the watermark stays behind the greatest event time.
    cuts : iterable of int
        Positions at which a new batch begins; repeated ones make empty batches.
    restart : bool
        Whether to go on, after each batch, with a new operator restored from a pickled snapshot.
    """
    operator, progress, schema = make(), Progress(bound), Schema.infer(frame, time)
    outputs: list[Output] = []
    rejected: list[pd.DataFrame] = []
    edges = [0, *sorted(cuts), len(frame)]
    for begin, end in itertools.pairwise(edges):
        batch = frame.iloc[begin:end].set_axis(pd.RangeIndex(begin + 1, end + 1))
        admitted, refused = schema.admit(batch)
        outputs.append(operator.process(admitted, progress.stamp(to_nanos(batch[time]))))
        rejected += [refused, outputs[-1].rejected]
        if restart:
            operator = restarted(operator, make)
    outputs.append(operator.process(frame.iloc[:0], progress.end()))
    return Replay(
        together([output.panes for output in outputs]),
        together([output.late for output in outputs]),
        together(rejected),
        sum(output.dropped for output in outputs),
        operator.size,
        tuple(output.panes for output in outputs),
    )


def restarted(operator: Operator, make: Callable[[], Operator]) -> Operator:
    """Give a new operator that goes on from a pickled snapshot of another."""
    snapshot = pickle.loads(pickle.dumps(operator.snapshot()))
    successor = make()
    successor.restore(snapshot)
    return successor


def together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames one after the other; empty ones count only where all are empty."""
    return pd.concat([frame for frame in frames if len(frame)] or [frames[0]])
