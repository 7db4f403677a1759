"""The time plane in a browser: one renderer, shown by anywidget in notebooks and by Panel when served."""

from __future__ import annotations

from typing import Any

import anywidget
import param
import traitlets
from panel.custom import AnyWidgetComponent

from workbench.views.planesvg import module, stylesheet

_ESM = module("timeplane")


class PlaneWidget(anywidget.AnyWidget):
    """A scene in a notebook, or several side by side."""

    _esm = _ESM
    _css = stylesheet()
    scene = traitlets.Dict().tag(sync=True)


class PlaneComponent(AnyWidgetComponent):
    """A scene on a served page, or several side by side."""

    scene = param.Dict(default={})

    _esm = _ESM
    _stylesheets: Any = [stylesheet()]  # noqa: RUF012 - Panel's own declaration
