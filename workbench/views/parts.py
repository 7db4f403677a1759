"""Pieces of pages as HTML with live values: the row of key figures, tables of fixed size, legends."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from workbench.views import words
from workbench.views.bound import Bound


def kpis(*figures: tuple[str, str, str]) -> Bound:
    """Give the row of key figures as one part; each is a name, a title and a unit.

    The figure called ``rate`` shows the values ``rate``, ``rate_delta``, ``rate_line`` and ``rate_complete``:
    a share in percent, drawn as a bar below it.
    """
    pieces = "".join(
        f'<div class="kpi"><div class="name" data-text="{name}_name">{html.escape(title)}</div>'
        f'<div class="value"><span data-text="{name}">{words.NOTHING}</span>'
        f"<small>{html.escape(unit)}</small></div>"
        f'<div class="line" data-spark="{name}_line"></div>'
        f'<div class="delta" data-text="{name}_delta">&nbsp;</div>'
        f'<div class="complete" data-title="{name}_complete_words"><i '
        f'data-bar="{name}_complete"></i></div></div>'
        for name, title, unit in figures
    )
    return Bound(html=f'<div class="kpis">{pieces}</div>')


def complete(name: str, in_time: float) -> dict[str, Any]:
    """Give what a key figure shows of the share of rows that came to its result in time.

    Examples
    --------
    >>> complete("rate", 0.9875)
    {'rate_complete': 98.75, 'rate_complete_words': '98.75 % of its rows came in time'}
    """
    said = f"{words.percent(in_time, 2)} of its rows came in time"
    return {f"{name}_complete": round(100 * in_time, 2), f"{name}_complete_words": said}


def table(columns: Sequence[tuple[str, str, str]], rows: int, *, empty: str = "") -> Bound:
    """Give a table with a fixed number of rows; each column is a name, a title and a style.

    Row 3 of the column ``last`` shows ``data["last3"]``; the style ``spark`` draws it as a line, ``bar`` as a
    bar of so many percent, ``tag`` as a word on a ground (class in ``data["last3_class"]``), ``button:word``
    as a button that says ``word`` with the value, ``left`` and ``event`` are classes. ``row3`` says whether
    the row is there, ``empty`` what stands there while ``data["empty"]``.
    """
    head = "".join(
        f'<th scope="col" class="{_side(style)}">{html.escape(title)}</th>' for _, title, style in columns
    )
    body = "".join(
        f'<tr data-show="row{row}" hidden>'
        f"{''.join(_cell(name, style, row) for name, _, style in columns)}</tr>"
        for row in range(rows)
    )
    nothing = f'<p class="empty" data-show="empty" hidden>{html.escape(empty)}</p>' if empty else ""
    return Bound(
        html=f'<div class="wide"><table class="panes"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{nothing}",
    )


def _side(style: str) -> str:
    return "left" if "left" in style or style == "tag" else ""


def _cell(name: str, style: str, row: int) -> str:
    slot = f"{name}{row}"
    if style == "spark":
        return f'<td><span class="line" data-spark="{slot}"></span></td>'
    if style == "bar":
        return f'<td><span class="meter"><i data-bar="{slot}"></i></span></td>'
    if style == "tag":
        tag = f'<span class="tag" data-base="tag" data-class="{slot}_class" data-text="{slot}"></span>'
        return f'<td class="left">{tag}</td>'
    if style == "signed":
        return f'<td data-class="{slot}_class" data-text="{slot}"></td>'
    if style.startswith("button:"):
        word, _, label = style.removeprefix("button:").partition(":")
        return (
            f'<td class="act"><button type="button" data-command="{word}" data-value="{slot}" '
            f'data-label="{slot}_label">{html.escape(label)}</button></td>'
        )
    return f'<td class="{style}" data-text="{slot}"></td>'


def filled(rows: int, count: int) -> dict[str, bool]:
    """Give which rows of a table are there, and whether it is empty.

    Examples
    --------
    >>> filled(2, 1)
    {'empty': False, 'row0': True, 'row1': False}
    """
    return {"empty": count == 0} | {f"row{row}": row < count for row in range(rows)}


def legend(entries: Sequence[tuple[str, str]], *, open_windows: str = "hatched", column: str = "") -> str:
    """Give a legend as HTML: colours and words, and what an open window looks like.

    Parameters
    ----------
    entries : sequence of (str, str)
        Colour and word.
    open_windows : str
        ``hatched``, ``dashed``, or empty where there are none.
    column : str
        The column that a click on an entry filters by; none if empty.
    """
    pieces = [_entry(color, word, column) for color, word in entries]
    if open_windows == "hatched":
        pieces.append('<span><i class="swatch open"></i>still open</span>')
    elif open_windows == "dashed":
        pieces.append('<span><i class="swatch dashed"></i>still open</span>')
    return "".join(pieces)


def _entry(color: str, word: str, column: str) -> str:
    said = f'<i class="swatch" style="background:{color}"></i>{html.escape(word)}'
    if not column:
        return f"<span>{said}</span>"
    value = html.escape(f"{column}={word}", quote=True)
    return (
        f'<button type="button" class="entry" data-command="filter" value="{value}" '
        f'title="Show only {html.escape(word, quote=True)}, or everything again">{said}</button>'
    )
