"""A scene as a static picture: SVG that stands by itself in a saved notebook."""

from __future__ import annotations

import base64
from typing import Any

from workbench.views import theme
from workbench.views.words import marked

_HATCH = (
    '<defs><pattern id="wb-plane-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>'
)
_BESIDE = "flex:1 1 420px;min-width:0;max-width:760px"
"""The style of one of several pictures: next to each other where there is room."""


def stylesheet() -> str:
    """Give the style sheet of the time plane; it names nothing outside itself.

    Examples
    --------
    >>> "http" in stylesheet()
    False
    """
    return (theme.ASSETS / "timeplane.css").read_text(encoding="utf-8")


def module(name: str) -> str:
    """Give a script of the assets as a module by itself, with what such scripts share."""
    return "".join((theme.ASSETS / f"{each}.js").read_text(encoding="utf-8") for each in ("shapes", name))


def static(scene: dict[str, Any]) -> str:
    """Give a scene as HTML with a picture in it, or several side by side, and no script."""
    if "planes" not in scene:
        return html_of(svg(scene), scene["label"])
    parts = [html_of(svg(each), each["label"], _BESIDE) for each in scene["planes"]]
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start">{"".join(parts)}</div>'


def html_of(picture: str, label: str, style: str = "max-width:min(100%, 1100px)") -> str:
    """Give an SVG as HTML that stands in a notebook nobody has trusted: there SVG itself is taken out."""
    data = base64.b64encode(alone(picture).encode()).decode()
    words = marked(label)
    return f'<img alt="{words}" style="{style}" src="data:image/svg+xml;base64,{data}"/>'


def alone(picture: str) -> str:
    """Give an SVG with the style of the time plane in it, so that it can be a file of its own."""
    style = f"<style>{_squeezed(stylesheet())}</style>"
    opened, begin, rest = picture.partition(">")
    styled = opened.replace("<svg ", '<svg class="wb-plane" ', 1)
    return f"{styled}{begin}{style}{rest}"


def svg(scene: dict[str, Any]) -> str:
    """Give a scene as SVG; all words are escaped.

    Examples
    --------
    >>> above = [["text", "title", 1, 2, "<b>"]]
    >>> empty = {"size": [9, 9], "frame": [1, 8, 1, 8], "label": "", "under": [], "plot": [], "below": []}
    >>> "&lt;b&gt;" in svg({**empty, "above": above})
    True
    """
    width, height = scene["size"]
    left, right, top, bottom = scene["frame"]
    clip = f'<clipPath id="wb-plane-clip"><path d="M{left} {top}H{right}V{bottom}H{left}z"/></clipPath>'
    label = marked(scene["label"])
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" ',
            f'aria-label="{label}">{_HATCH}{clip}',
            *map(_shape, scene["above"]),
            *map(_shape, scene["under"]),
            f'<g clip-path="url(#wb-plane-clip)">{"".join(map(_shape, scene["plot"]))}</g>',
            *map(_shape, scene["below"]),
            "</svg>",
        ]
    )


def _shape(shape: list[Any]) -> str:
    kind, name, *rest = shape
    match kind:
        case "rect":
            x, y, width, height, *opacity = rest
            faint = f' opacity="{opacity[0]}"' if opacity else ""
            return f'<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}"{faint}/>'
        case "path":
            return f'<path class="{name}" d="{rest[0]}"/>'
        case _:
            x, y, words = rest
            return f'<text class="{name}" x="{x}" y="{y}">{marked(str(words))}</text>'


def _squeezed(css: str) -> str:
    """Leave out what only people read."""
    lines = [line.strip() for line in css.splitlines() if not line.startswith("/*")]
    return " ".join(line for line in lines if line)
