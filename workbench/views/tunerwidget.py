"""The watermark tuner in a browser: by anywidget in notebooks, and by Panel when served."""

from __future__ import annotations

from typing import Any

import anywidget
import param
import traitlets
from panel.custom import AnyWidgetComponent

from workbench.views.planesvg import module, stylesheet

_ESM = module("tuner")


class TunerWidget(anywidget.AnyWidget):
    """The tuner in a notebook; ``wanted`` is the bound, in microseconds, that somebody wants to be used."""

    _esm = _ESM
    _css = stylesheet()
    scene = traitlets.Dict().tag(sync=True)
    wanted = traitlets.Dict().tag(sync=True)


class TunerComponent(AnyWidgetComponent):
    """The tuner on a served page."""

    scene = param.Dict(default={})
    wanted = param.Dict(default={})

    _esm = _ESM
    _stylesheets: Any = [stylesheet()]  # noqa: RUF012 - Panel's own declaration
