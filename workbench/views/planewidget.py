"""The time plane in a browser: one renderer, shown by anywidget in notebooks and by Panel when served."""

from __future__ import annotations

from typing import Any

import anywidget
import param
import traitlets
from panel.custom import AnyWidgetComponent

from workbench.views import theme
from workbench.views.planesvg import stylesheet

_ESM = theme.ASSETS / "timeplane.js"


class PlaneWidget(anywidget.AnyWidget):
    """A scene in a notebook."""

    _esm = _ESM
    _css = stylesheet()
    scene = traitlets.Dict().tag(sync=True)


class PlaneComponent(AnyWidgetComponent):
    """A scene on a served page."""

    scene = param.Dict(default={})

    _esm = _ESM
    _stylesheets: Any = [stylesheet()]  # noqa: RUF012 - Panel's own declaration
