"""What comes of a batch, and what all steps at work have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from workbench.engine.progress import Stamp

OUT, LATE, REJECTED = "out", "late", "rejected"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What comes of a batch.

    Parameters
    ----------
    frames : dict of str to pandas.DataFrame
        By port: ``out``, ``late``, ``rejected``.
    stamp : Stamp or None
        The dates of the rows that come out; None for panes, which carry no watermark.
    dropped : int
        Pairs of row and window that were late.
    """

    frames: dict[str, pd.DataFrame]
    stamp: Stamp | None
    dropped: int = 0


class Operator(Protocol):
    """One step at work."""

    @property
    def size(self) -> int:
        """How many entries the state holds."""
        ...

    def process(self, frame: pd.DataFrame, stamp: Stamp | None, side: int = 0) -> Outcome:
        """Take a batch; ``side`` says from which of several upstreams it comes."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Give the state."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        ...
