"""Live views in the outputs of a notebook, which keep only a static picture of them.

A widget that is put into an output leaves "model not found" behind, in the notebook that is saved. So an
output is HTML: a picture, with the name of the widget that takes its place while there is a kernel. One
widget of the kernel, which nobody sees, puts it there.
"""

from __future__ import annotations

import uuid

import anywidget
import ipywidgets
import traitlets

from workbench.views import theme

_stage: Stage | None = None


class Stage(anywidget.AnyWidget):
    """Puts widgets of this kernel into the outputs that name them."""

    _esm = theme.script("stage.js")
    name = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(name=f"stage-{uuid.uuid4().hex}")


def slot(widget: ipywidgets.Widget, still: str = "") -> str:
    """Give a piece of HTML for an output: a static picture whose place a widget takes.

    Parameters
    ----------
    widget : widget
        Of this kernel.
    still : str
        HTML without a script.
    """
    global _stage
    if _stage is None or _stage.comm is None:
        _stage = Stage()
    names = f'data-stage="{_stage.name}" data-widget="{widget.model_id}"'
    return f'<div class="wb-slot" {names}><div class="wb-still">{still}</div></div>'
