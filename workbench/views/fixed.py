"""A picture that does not change: a HoloViews object of one's own in a cell, drawn as ours are."""

from __future__ import annotations

from html import escape
from typing import Any

import holoviews as hv

from workbench.runtimes.loops import running_loop
from workbench.runtimes.registry import cell_in_execution
from workbench.views.bokehwidget import BokehWidget
from workbench.views.drawing import Drawing
from workbench.views.figuresvg import images
from workbench.views.following import follow
from workbench.views.stage import slot


def display(shown: Any) -> Fixed | None:
    """Show a HoloViews object in the cell being executed; None if it has sliders, which we have not."""
    from IPython import display as ipython

    if any(each.kdims for each in shown.traverse(lambda each: each, [hv.HoloMap])):
        return None
    fixed = Fixed(shown)
    ipython.display(fixed.bundle(), raw=True)
    return fixed


class Fixed:
    """One display of a HoloViews object; its widget is let go of when its cell is run again.

    Parameters
    ----------
    shown : holoviews object
        Without key dimensions.
    """

    def __init__(self, shown: Any) -> None:
        self.words = repr(shown)
        self.drawing = Drawing(shown)
        self.widget: BokehWidget | None = None
        if running_loop() is not None and cell_in_execution() is not None:
            self.widget = BokehWidget(self.drawing.document, self.words)
            follow(lambda: None, lambda: True, widgets=(self,))

    def bundle(self) -> dict[str, str]:
        """Give what the notebook keeps: words, and a static picture, whose place the widget takes."""
        still = images(self.drawing.figures, self.words) or f"<pre>{escape(self.words)}</pre>"
        return {
            "text/plain": self.words,
            "text/html": still if self.widget is None else slot(self.widget, still),
        }

    def close(self) -> None:
        """Let go of everything."""
        self.drawing.close()
        if self.widget is not None:
            self.widget.close()
