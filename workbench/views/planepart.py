"""The time plane as a part of a page: its scene goes by the wire of the page, as all else does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from workbench.views import theme
from workbench.views.bound import Bound
from workbench.views.planesvg import module, stylesheet

_ELEMENT: Final = "<workbench-plane"


def plane_part() -> Bound:
    """Give a part that shows the scene it is told, as text: ``part.say(scene=spelled(plane.scene()))``."""
    return Bound(html=f'{_ELEMENT} data-scene="scene"></workbench-plane>')


def modules(parts: Iterable[Bound]) -> str:
    """Give the script, a module, that a page needs if there are time planes among its parts."""
    if not any(_ELEMENT in part.html for part in parts):
        return ""
    style = f"const STYLE = {json.dumps(stylesheet())};\n"
    drawn = style + module("timeplane") + theme.script("planeelement.js")
    return f'<script type="module">{drawn}</script>'
