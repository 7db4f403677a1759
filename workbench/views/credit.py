"""How many frames may be on their way to a browser: a slow one is left time, and never gets old news."""

from __future__ import annotations

from workbench.time import SECOND


class Credit:
    """Says whether the browser keeps up: two frames may be on their way, or a second must have passed.

    Parameters
    ----------
    frames : int
        Frames that may be on their way.
    patience : float
        Seconds after which one is sent although nothing came back, as from a tab in the background.
    """

    def __init__(self, frames: int = 2, patience: float = 1.0) -> None:
        self._frames, self._patience = frames, int(patience * SECOND)
        self.beat = 0
        self._sent = 0

    def allows(self, drawn: int, now: int) -> bool:
        """Tell whether a frame may be sent, given the last one drawn and the moment in nanoseconds."""
        return self.beat - max(drawn, 0) < self._frames or now - self._sent >= self._patience

    def spend(self, now: int) -> int:
        """Note that a frame is sent; gives its number."""
        self.beat += 1
        self._sent = now
        return self.beat
