"""Scorecards as people read them: lines for a terminal, a page of tables, a figure."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

Cards = Mapping[str, pd.DataFrame]
"""Scorecards by the name of what was scored."""

_ROW, _LEFT, _WIDTH, _TOP = 18, 330, 420, 26
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#888888"  # Okabe and Ito 2008


def lines(name: str, card: pd.DataFrame) -> Iterator[str]:
    """Yield a scorecard as lines of text."""
    yield f"{name}"
    for row in card.itertuples():
        verdict = "passed" if row.passed else "FAILED"
        spread = f"{figure(row.least)} to {figure(row.most)}"
        interval = f"[{figure(row.low)}, {figure(row.high)}]"
        yield f"  {verdict}  {row.metric:55} {figure(row.value):>9} {interval:>18} {row.unit:6} {spread}"
        if row.reason:
            yield f"          {row.reason}"


def figure(value: float) -> str:
    """Return a number with three digits that count.

    Examples
    --------
    >>> figure(0.04417), figure(1234.5), figure(float("inf"))
    ('0.0442', '1,230', 'inf')
    """
    if not np.isfinite(value):
        return str(value)
    if abs(value) >= 1000:
        digits = int(np.floor(np.log10(abs(value)))) - 2
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def verdict(cards: Cards) -> str:
    """Return how many metrics passed, and how many did not."""
    passed = sum(int(card["passed"].sum()) for card in cards.values())
    return f"{passed} passed, {sum(map(len, cards.values())) - passed} failed"


def markdown(cards: Cards, seeds: int, picture: str) -> str:
    """Return the page: a table a simulator, with the sources."""
    parts = [
        "# How real the simulators look\n",
        "What the literature reports of real streams, and what ours give. Each figure is the median over "
        f"{seeds} seeds of a simulator as it is shipped; the spread is from the least to the greatest.\n",
        "A source is where a figure, or the law behind it, is reported. Few publish intervals: those here "
        "are ours, and wide on purpose, since streams differ, and a simulator should be one of them and not "
        "their average. Made by\n",
        f"    python -m simulators.realism --seeds {seeds} --page docs/realism.md\n",
        f"**{verdict(cards)}.**\n",
        f"![Where each figure lies in its interval]({picture})\n",
    ]
    for name, card in cards.items():
        parts.append(f"## {name}\n")
        parts.append("| | value | spread | interval | source |\n|---|--:|--:|--:|---|")
        parts.append("\n".join(map(_row, card.to_dict("records"))) + "\n")
    return "\n".join(parts)


def _row(row: dict[Any, Any]) -> str:
    unit = f" {row['unit']}" if row["unit"] else ""
    failed = "" if row["passed"] else f" **fails**: {row['reason'] or 'not known why'}"
    spread = f"{figure(row['least'])} to {figure(row['most'])}"
    interval = f"{figure(row['low'])} to {figure(row['high'])}"
    cells = [row["metric"] + failed, figure(row["value"]) + unit, spread, interval, row["source"]]
    return f"| {' | '.join(cells)} |"


def svg(cards: Cards) -> str:
    """Return the figure: for each metric its interval as a band, all seeds as a line, the median a mark."""
    height = _TOP + sum(_ROW * (len(card) + 2) for card in cards.values())
    width = _LEFT + _WIDTH + 20
    legend = "band: interval of real streams; line: all seeds; mark: median"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11" role="img"><title>Where each figure lies in its interval</title>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="16" fill="{_GREY}">{legend}</text>',
    ]
    y = _TOP
    for name, card in cards.items():
        y += _ROW
        drawn.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(name)}</text>')
        for row in card.itertuples():
            y += _ROW
            drawn += _drawn(row, y)
        y += _ROW
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _drawn(row: Any, y: int) -> Iterator[str]:
    """Draw one metric; the band takes the middle half of the width, whatever its units."""
    low, high = row.low, row.high
    high = low + 2 * max(row.value - low, 1e-12) if not np.isfinite(high) else high
    low = high - 2 * max(high - row.value, 1e-12) if not np.isfinite(low) else low

    def x(value: float) -> float:
        share = (value - low) / max(high - low, 1e-12)
        return float(_LEFT + _WIDTH * np.clip(0.25 + 0.5 * share, 0, 1))

    colour = _BLUE if row.passed else _ORANGE
    middle = y + 8
    yield f'<text x="20" y="{y + 12}">{escape(row.metric[:56])}</text>'
    yield f'<rect x="{x(low):.1f}" y="{y + 2}" width="{x(high) - x(low):.1f}" height="12" fill="#DDDDDD"/>'
    if np.isfinite([row.least, row.most, row.value]).all():
        ends = f'x1="{x(row.least):.1f}" x2="{x(row.most):.1f}"'
        yield f'<line {ends} y1="{middle}" y2="{middle}" stroke="{colour}"/>'
        shape = f'<circle cx="{x(row.value):.1f}" cy="{middle}" r="4" fill="{colour}"/>'
        cross = f'<text x="{x(row.value) - 4:.1f}" y="{y + 12}" fill="{colour}" font-weight="bold">x</text>'
        yield shape if row.passed else cross
