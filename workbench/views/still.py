"""Static pictures: what a saved notebook shows without a kernel, and a page that nobody has trusted."""

from __future__ import annotations

import base64
from html import escape


def image(svg: str, label: str, style: str = "") -> str:
    """Give an SVG as an image with its words: SVG itself is taken out of notebooks nobody has trusted.

    Examples
    --------
    >>> image("<svg/>", 'a "picture"')
    '<img alt="a &quot;picture&quot;" src="data:image/svg+xml;base64,PHN2Zy8+"/>'
    """
    data = base64.b64encode(svg.encode()).decode()
    looks = f' style="{escape(style, quote=True)}"' if style else ""
    return f'<img alt="{escape(label, quote=True)}"{looks} src="data:image/svg+xml;base64,{data}"/>'
