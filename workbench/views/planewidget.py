"""The time plane in a browser: one renderer, shown by anywidget in notebooks and by Panel when served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import anywidget
import param
import traitlets
from panel.custom import JSComponent

from workbench.views.plainjson import spelled
from workbench.views.planesvg import module, stylesheet

_ESM = module("timeplane")


class PlaneWidget(anywidget.AnyWidget):
    """A scene in a notebook, or several side by side."""

    _esm = _ESM
    _css = stylesheet()
    scene = traitlets.Dict().tag(sync=True)


class PlaneComponent(JSComponent):
    """A scene on a served page, or several side by side.

    Panel's part for anywidgets cannot be beside a `JSComponent`: both are drawn as whichever came first is.
    """

    told = param.String(default="{}")  # as text: Bokeh would look for models in every number of a scene

    _esm = _ESM
    _stylesheets: Any = [stylesheet()]  # noqa: RUF012 - Panel's own declaration

    def __init__(self, *, scene: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(told=spelled(scene or {}), **options)

    @property
    def scene(self) -> Mapping[str, Any]:
        """What is drawn; none if empty."""
        held: Mapping[str, Any] = json.loads(self.told)
        return held

    @scene.setter
    def scene(self, scene: Mapping[str, Any]) -> None:
        self.told = spelled(scene)
