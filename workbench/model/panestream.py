"""The result of an aggregation, as a stream: what can be asked of panes and of nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench.errors import DescriptionError
from workbench.model.rooms import room
from workbench.model.steps import Aggregated
from workbench.model.stream import EventStream
from workbench.model.triggers import ACCUMULATING, ACCUMULATIONS, AtExpiry
from workbench.model.windows import Count


class PaneStream(EventStream):
    """The result of an aggregation: a stream of panes, with the rows that came too late beside it."""

    def _ipython_display_(self) -> None:
        room("views.result", "display_result")(self)

    @property
    def _aggregated(self) -> Aggregated:
        assert isinstance(self.step, Aggregated)
        return self.step

    def updates(self, mode: str = ACCUMULATING) -> PaneStream:
        """Give the same result with another relation between the panes of a window.

        Parameters
        ----------
        mode : str
            ``accumulating``: a pane replaces the one before; ``discarding``: it holds only the rows since
            that, to be added up; ``retracting``: that is told again first, with ``retraction`` True.
        """
        if mode not in ACCUMULATIONS:
            raise DescriptionError(
                f"no such mode of updates: {mode!r}", hint=f"one of {', '.join(ACCUMULATIONS)}"
            )
        if mode != ACCUMULATING and isinstance(self._aggregated.window, Count):
            raise DescriptionError(
                f"{self._aggregated.window!r} has no updates",
                detail="each of its windows puts out one pane",
                hint="leave updates out",
            )
        return PaneStream(replace(self._aggregated, accumulation=mode))

    def explain(self, *, key: Any = None, window: Any = None, batch_rows: int = 100_000, **keys: Any) -> Any:
        """Tell the steps; or, given a key and a window, which rows went into which of its panes.

        Parameters
        ----------
        key : value, tuple or dict, optional
            The values of the key columns; left out where there are none. A null: ``{"country": None}``.
        window : datetime, str, or pair of them, optional
            ``(start, end)``; or one moment: the window that starts then, else holds it, else ends then. A
            time of day, such as ``"09:03"``, is of the day when the source begins.
        batch_rows : int
            Rows that are read at once, as in `to_pandas`; late panes are one a batch.
        **keys
            The values of the key columns, instead of ``key``: ``explain(country="FR", window="09:03")``.

        Returns
        -------
        str or pandas.DataFrame
            Without arguments the steps, a line each; else the rows, see `workbench.runtimes.explain`.

        Raises
        ------
        DescriptionError
            If there is no such window of that key; the hint names the nearest.
        """
        key = keys or key
        if key is None and window is None:
            return super().explain()
        return room("runtimes.explain", "explain")(self._aggregated, key, window, batch_rows=batch_rows)

    def timeplane(self, *, key: Any = None, last: Any = None, **told: Any) -> Any:
        """Show event time against processing time: rows, watermark, windows, panes.

        Of a run of this result, if one goes on, and then live; else of the whole, if its sources end; else a
        run is started. ``one.timeplane() | other.timeplane()`` puts two side by side, on the same scales.

        Parameters
        ----------
        key : value, tuple or dict, optional
            The values of the key columns; without it all keys together, with counts.
        last : duration, optional
            Show only so much processing time, the last; of a run some windows, unless said.
        **told
            ``what_if``, another bound or policy that is drawn over the real one, and more: see
            `workbench.views.timeplane.of_stream`.
        """
        return room("views.timeplane", "of_stream")(self, key=key, last=last, **told)

    def completeness(self, *, key: Any = None) -> Any:
        """Show how many rows would come in time with any bound: ``timeplane().completeness()``."""
        return self.timeplane(key=key).completeness()

    def final(self) -> PaneStream:
        """Give one row a key and window: the last pane, once no row can change it any more.

        That is when the watermark has passed the end of the window and the lateness; Spark calls it append
        mode. Where a window has one pane at most, it is told at once. What comes out has event time, the
        last moment of its window, so that windows, joins and the rest can follow.
        """
        step = replace(self._aggregated, accumulation=ACCUMULATING)
        return PaneStream(step if step.once else replace(step, trigger=AtExpiry()))
