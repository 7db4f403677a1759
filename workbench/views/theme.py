"""Colours and letters of every view; what a colour means is decided here.

Event time is always blue and processing time always green. Series take the colours of Okabe and Ito (2008),
which people with the common kinds of colour blindness can tell apart; and nothing is told by colour alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
VERMILLION: Final = "#D55E00"
SKY: Final = "#56B4E9"
PURPLE: Final = "#CC79A7"
YELLOW: Final = "#F0E442"
BLACK: Final = "#000000"

OKABE_ITO: Final = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE, YELLOW, BLACK)
"""The palette, in the order in which series take it."""

EVENT_TIME: Final = BLUE
PROCESSING_TIME: Final = GREEN
UP: Final = BLUE
DOWN: Final = VERMILLION

INK: Final = "#1b2430"
MUTED: Final = "#5b6675"
LINE: Final = "#dfe4ea"
GRID: Final = "#edf0f4"
PAPER: Final = "#ffffff"
GROUND: Final = "#f5f7f9"

FONT: Final = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", '
    '"Liberation Sans", Arial, sans-serif'
)

OPEN_HATCH: Final = "/"
"""The pattern over a window that is still open: what it shows is not final."""
OPEN_ALPHA: Final = 0.35
CLOSED_ALPHA: Final = 0.9

ASSETS: Final = Path(__file__).parent / "assets"


def script(name: str) -> str:
    """Give the text of a script: a widget that is given its path is kept for ever by who watches the file.

    Examples
    --------
    >>> "export default" in script("transport.js")
    True
    """
    return (ASSETS / name).read_text(encoding="utf-8")


def stylesheet() -> str:
    """Give the style sheet of pages and their parts; it names nothing outside itself.

    Examples
    --------
    >>> "http" in stylesheet()
    False
    """
    return (ASSETS / "page.css").read_text(encoding="utf-8")


DARK: Final = {
    MUTED: "#aab4c0",
    EVENT_TIME: SKY,
    PROCESSING_TIME: "#2ec79b",
    LINE: "#4a525c",
    GRID: "#2b3138",
    INK: "#e6ebf1",
    PAPER: "#171c22",
}
"""What the colours of words, axes, grids and grounds become on a dark page; those of data stay."""


def paint(figure: Any, *, dark: bool) -> None:
    """Give the words, axes, grids and grounds of a Bokeh figure the colours of a dark or a light page."""
    swap = DARK if dark else {there: here for here, there in DARK.items()}
    glyphs = [renderer.glyph for renderer in figure.renderers]
    scales = [part for part in figure.right if type(part).__name__ == "ColorBar"]
    parts = [*figure.axis, *figure.grid, *figure.legend, *scales, figure.title, *glyphs]
    for part in filter(None, parts):
        for name in part.properties():
            if name.endswith("_color") and (part not in glyphs or name.startswith(("text", "line", "fill"))):
                value = getattr(part, name)
                held = value.get("value") if isinstance(value, dict) else getattr(value, "value", value)
                if (
                    isinstance(held, str)
                    and held in swap
                    and (part not in glyphs or held not in (EVENT_TIME, PROCESSING_TIME, SKY))
                ):
                    setattr(part, name, swap[held])


def series(number: int) -> str:
    """Give the colour of a series by its place; after eight they begin again.

    Examples
    --------
    >>> series(0), series(9) == series(1)
    ('#0072B2', True)
    """
    return OKABE_ITO[number % len(OKABE_ITO)]
