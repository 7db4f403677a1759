"""Colours and letters of every view; what a colour means is decided here.

Event time is always blue and processing time always green. Series take the colours of Okabe and Ito (2008),
which people with the common kinds of colour blindness can tell apart; and nothing is told by colour alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

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


def series(number: int) -> str:
    """Give the colour of a series by its place; after eight they begin again.

    Examples
    --------
    >>> series(0), series(9) == series(1)
    ('#0072B2', True)
    """
    return OKABE_ITO[number % len(OKABE_ITO)]
