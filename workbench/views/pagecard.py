"""A card of a page: a question, what answers it, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.views.bound import Bound
from workbench.views.live import Drawn, LivePlot


@dataclass(frozen=True, eq=False)
class Card:
    """A part of a page: a question, what answers it, and how to read it.

    Parameters
    ----------
    title : str
        What is shown, with its unit.
    body : LivePlot, Bound, tuple of Bokeh figures, or Panel viewable
        The plot, the table, small figures side by side, or something else.
    span : int
        Columns of the page's twelve.
    note : str
        How to read it, in a line.
    legend : str
        Further entries of the legend, as HTML.
    rows : int
        Rows of the grid that it takes.
    extra, below : Bound, optional
        Controls in its head, and what is below its body.
    data : callable, optional
        Gives the table behind it; a plot with one is brought up to date by the page.
    every : float
        Seconds from one change to the next, at least.
    of : sequence of str
        The results whose closed panes are all that ``data`` is made of, if that is so.
    filter : str
        The column that a click on a bar, or on an entry of the legend, filters by.
    figures : sequence of bokeh figure
        Those in the body; of a plot its own.
    tab : str
        The tab that it is on; on all if empty.
    plot : LivePlot, optional
        What the page brings up to date from ``data``; by default the body, if it is one.
    further : sequence of Drawn
        What else is drawn in its figures, and brought up to date by whoever made it.
    update : callable, optional
        Brings up to date what the page does not from ``data``.
    """

    title: str
    body: Any
    span: int = 4
    note: str = ""
    legend: str = ""
    rows: int = 1
    extra: Bound | None = None
    below: Bound | None = None
    data: Callable[[], pd.DataFrame] | None = None
    every: float = 0.0
    of: Sequence[str] = ()
    filter: str = ""
    figures: Sequence[Any] = ()
    tab: str = ""
    plot: LivePlot | None = None
    further: Sequence[Drawn] = ()
    update: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.body, LivePlot):
            object.__setattr__(self, "plot", self.body)
            object.__setattr__(self, "figures", (self.body.figure,))
        elif isinstance(self.body, tuple):
            object.__setattr__(self, "figures", self.body)
