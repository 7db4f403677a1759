"""Below a time plane: its legend, with the very signs of the picture, and its caption."""

from __future__ import annotations

import textwrap
from typing import Any, Final

from workbench.views.planemarks import sign

BEGIN: Final = 545
"""Where the legend begins, in pixels from the top."""
_ROW = 19


def below(entries: list[list[str]], words: str, left: float, right: float) -> tuple[list[list[Any]], float]:
    """Give the shapes of legend and caption, and where the picture ends.

    Parameters
    ----------
    entries : list of [str, str]
        Sign and words, in order.
    words : str
        The caption.
    left, right : float
        Where there is room.

    Examples
    --------
    >>> shapes, end = below([["watermark", "watermark"]], "Every window has fired.", 0, 900)
    >>> shapes[-1], end
    (['text', 'caption', 12, 571.0, 'Every window has fired.'], 584.0)
    """
    signs, low = legend(entries, left, right)
    lines = caption(words, 12, low + 26, right)
    return signs + lines, low + 22 + 17 * len(lines)


def caption(words: str, left: float, top: float, right: float) -> list[list[Any]]:
    """Give a caption, in lines that fit."""
    lines = textwrap.wrap(words, int((right - left) / 7.2))
    return [["text", "caption", left, top + 17 * number, line] for number, line in enumerate(lines)]


def legend(entries: list[list[str]], left: float, right: float) -> tuple[list[list[Any]], float]:
    """Give signs and words of a legend, in rows that fit; and where the last row is."""
    shapes: list[list[Any]] = []
    x, y = left, float(BEGIN)
    for name, words in entries:
        width = 30 + 6.3 * len(words) + 20
        if x + width > right + 20 and x > left:
            x, y = left, y + _ROW
        shapes += [*_sign(name, x, y - 4), ["text", "legend", x + 30, y, words]]
        x += width
    return shapes, y


def _sign(name: str, x: float, y: float) -> list[list[Any]]:
    """Give the sign of a legend's entry, 24 pixels wide."""
    kind, _, which = name.partition(" ")
    match kind:
        case "watermark":
            return [["path", "watermark", f"M{x} {y + 5}v-4h10v-5h12"]]
        case "horizon" | "ideal" | "ghost":
            return [["path", kind, f"M{x} {y}h24"]]
        case "state":
            return [
                ["rect", "state", x + 8 * number, y - 6, 8, 12, shade]
                for number, shade in enumerate((0.1, 0.22, 0.36))
            ]
        case "open":
            return [["rect", "state", x, y - 6, 24, 12, 0.1], ["rect", "open", x, y - 6, 24, 12]]
        case "freed":
            return [["path", "freed", f"M{x} {y + 3}v-5h24v5"]]
        case "bubble":
            ring = f"M{x + 6} {y}a6 6 0 1 0 12 0a6 6 0 1 0-12 0z"
            return [["path", name, ring]]
        case "pane":
            marks = {
                "early": f"M{x + 8} {y + 3}h8l-4-7z",
                "on_time": f"M{x + 8.5} {y - 3.5}h7v7h-7z",
                "late": f"M{x + 12} {y - 5}l5 5l-5 5l-5-5z",
            }
            return [["path", name, f"M{x} {y}h24"], ["path", f"sign {which}", marks[which]]]
        case _:
            return sign(kind, x + 12, y)
