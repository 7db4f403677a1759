"""The ledger as a figure: for every step a bar of the rows that came to it, cut by what became of them."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import pandas as pd

from workbench.views import theme
from workbench.views.still import image
from workbench.views.words import number

LEFT, WIDTH, ROW = 130, 470, 34

PARTS: Final = (
    ("in_panes", "in panes", theme.BLUE),
    ("rows_out", "went on", theme.SKY),
    ("held", "waiting", theme.YELLOW),
    ("filtered", "filtered", "#9aa5b1"),
    ("late", "late", theme.ORANGE),
    ("rejected", "rejected", theme.VERMILLION),
    ("duplicate", "duplicate", theme.PURPLE),
    ("unmatched", "unmatched", theme.BLACK),
)
"""By column of the ledger: its words and its colour."""
_AMENDS = ("late", "rejected", "duplicate", "unmatched")


class LedgerFigure:
    """What became of the rows that came to each step.

    Parameters
    ----------
    table : pandas.DataFrame
        A ledger by step: see `workbench.runtimes.ledger`.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 2, None, 70, 3], unit="s"), "v": [5, 0, 6, 7, 8]})
    >>> panes = wb.stream(rows, time="t", watermark=0).query("v > 0").window("1min").agg(n=("v", "size"))
    >>> panes.ledger(figure=True)
    watermark  5 rows: 4 went on, 1 rejected
    query      4 rows: 3 went on, 1 filtered
    n          3 rows: 2 in panes, 1 late
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.steps = [
            (str(line["step"]), int(line["rows_in"]), _parts(line)) for line in table.to_dict("records")
        ]

    def __repr__(self) -> str:
        width = max((len(name) for name, *_ in self.steps), default=0)
        return "\n".join(f"{name:<{width}}  {_said(rows, parts)}" for name, rows, parts in self.steps)

    def _repr_html_(self) -> str:
        return image(self._svg(), f"What became of the rows. {self!r}", "max-width:min(100%, 900px)")

    def _svg(self) -> str:
        most = max((rows for _, rows, _ in self.steps), default=0) or 1
        height = 34 + ROW * len(self.steps) + 26
        bars = [_bar(at, *step, most) for at, step in enumerate(self.steps)]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 {height}" font-family="{_FONT}" '
            f'font-size="12" fill="{theme.INK}"><rect width="900" height="{height}" fill="{theme.PAPER}"/>'
            f'<text x="12" y="22" font-size="14" font-weight="650">What became of the rows</text>'
            f"{''.join(bars)}{_legend(self.steps, height)}</svg>"
        )


_FONT = escape(theme.FONT, quote=True)


def _parts(line: dict[Any, Any]) -> list[tuple[str, str, int]]:
    """Give the words, colour and number of rows of each part of a bar."""
    windows = not pd.isna(line["in_panes"])
    counted = {column: 0 if pd.isna(line[column]) else int(line[column]) for column, *_ in PARTS}
    if windows:  # what comes out are panes
        counted["rows_out"] = 0
    elif pd.isna(line["balanced"]):  # what comes out need not be what came in
        counted["rows_out"] = max(0, int(line["rows_in"]) - sum(counted[column] for column in _AMENDS))
    return [(word, color, counted[column]) for column, word, color in PARTS if counted[column]]


def _said(rows: int, parts: list[tuple[str, str, int]]) -> str:
    told = ", ".join(f"{number(count)} {word}" for word, _, count in parts)
    return f"{number(rows)} row{'s' * (rows != 1)}" + (f": {told}" if told else "")


def _bar(at: int, name: str, rows: int, parts: list[tuple[str, str, int]], most: int) -> str:
    """Draw one step: its name, its bar, and in words what is not to be seen at that size."""
    top, left = 34 + ROW * at, float(LEFT)
    shapes = [f'<text x="{LEFT - 10}" y="{top + 18}" text-anchor="end">{escape(name)}</text>']
    for word, color, count in parts:
        width = max(WIDTH * count / most, 1.5)
        title = f"<title>{escape(f'{name}: {number(count)} {word}')}</title>"
        place = f'x="{left:.1f}" y="{top + 4}" width="{width:.1f}" height="20"'
        shapes.append(f'<rect {place} fill="{color}" stroke="{theme.PAPER}">{title}</rect>')
        left += width
    aside = [f"{number(count)} {word}" for word, _, count in parts if word not in ("in panes", "went on")]
    words = " · ".join([number(rows), ", ".join(aside)] if aside else [number(rows)])
    shapes.append(f'<text x="{left + 8:.1f}" y="{top + 18}" fill="{theme.MUTED}">{words}</text>')
    return "".join(shapes)


def _legend(steps: list[Any], height: int) -> str:
    """Give the parts that there are, with their words."""
    seen = {word: color for _, _, parts in steps for word, color, _ in parts}
    shapes, left = [], LEFT
    for _, word, _ in PARTS:
        if word in seen:
            shapes.append(f'<rect x="{left}" y="{height - 19}" width="10" height="10" fill="{seen[word]}"/>')
            shapes.append(f'<text x="{left + 15}" y="{height - 10}">{word}</text>')
            left += 36 + 7 * len(word)
    return "".join(shapes)
