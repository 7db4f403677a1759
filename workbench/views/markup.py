"""The HTML of a page: a template whose ``embed`` puts the live parts in; nothing in it comes from data."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.views import theme
from workbench.views.bound import Bound
from workbench.views.live import LivePlot
from workbench.views.parts import legend
from workbench.views.scope import RANGES, Scope

if TYPE_CHECKING:
    from workbench.views.page import Page
    from workbench.views.pagecard import Card

_MARK = (
    '<svg viewBox="0 0 20 20" aria-hidden="true">'
    '<path d="M2 17 L17 2" stroke="#9aa5b1" stroke-dasharray="2 2.4"/>'
    f'<path d="M2 18 H7 V11 H12 V6 H18" fill="none" stroke="{theme.EVENT_TIME}" stroke-width="2.4"/>'
    f'<circle cx="6" cy="5" r="2" fill="{theme.PROCESSING_TIME}"/></svg>'
)
_CLOCKS = (
    '<span class="clocks"><span class="event">event <b data-text="event"></b></span>'
    '<span class="processing">processing <b data-text="processing"></b></span>'
    '<span class="muted">wall <b data-clock></b> UTC</span></span>'
)


def spelled(words: str) -> str:
    """Give words as HTML in which a template reads nothing.

    Examples
    --------
    >>> spelled("<b>{{ 7 * 7 }}")
    '&lt;b&gt;&#123;&#123; 7 * 7 }}'
    """
    return html.escape(words).replace("{", "&#123;")


def template(page: Page) -> str:
    """Give the page's HTML."""
    nav = "".join(
        f'<a href="./{place}"{" aria-current=page" if place == page.name else ""}>{spelled(word)}</a>'
        for place, word in page.places
    )
    cards = "".join(_card(number, card) for number, card in enumerate(page.cards))
    parts = page.wire.parts
    strip = f'<div class="gap">{_placed("strip", page.strip)}</div>' if "strip" in parts else ""
    tools = f'<div class="tools">{_placed("tools", parts["tools"])}</div>' if "tools" in parts else ""
    drawer = _placed("drawer", page.drawer) if page.tools is not None else ""
    return f"""{{% extends base %}}
{{% block title %}}{{{{ page_title | e }}}}{{% endblock %}}
{{% block postamble %}}
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>{{{{ style }}}}</style>
<script>{{{{ script }}}}</script>
{{{{ modules }}}}
{{% endblock %}}
{{% block contents %}}
<header class="top"><a class="mark" href="./">{_MARK}Streaming workbench</a>
<nav aria-label="Pages">{nav}</nav>
<div class="controls">{_placed("head", page.head)}</div></header>
<main><div class="head"><h1>{spelled(page.title)}</h1><p>{spelled(page.question)}</p></div>
{tools}{_placed("top", page.top)}
{strip}
<div class="grid">{cards}</div></main>
{drawer}<script type="application/json" data-frame>{{{{ frame }}}}</script>
{{% endblock %}}"""


def controls_html(controls: bool, speeds: list[str]) -> str:
    """Give what is in the head: how live the page is, the clocks, and what acts on the run of all."""
    pill = (
        '<span class="pill" data-pill data-base="pill" data-class="status"><span role="status">'
        '<span class="state" data-text="state"></span><span class="stale-word"></span></span>'
        '<span class="age" data-text="age"></span><span class="stale-age"></span></span>'
    )
    theme_button = (
        '<button type="button" class="theme" data-theme-toggle aria-label="Light or dark">◐</button>'
    )
    if not controls:
        return f'<div class="bar">{pill}{theme_button}</div>'
    options = "".join(f'<option value="{v}">{v}{"" if v == "max" else "×"}</option>' for v in speeds)
    return (
        f'<div class="bar">{_CLOCKS}{pill}'
        '<button type="button" data-command="pause" data-text="button" data-show="over">Pause</button>'
        '<label for="speed">Speed</label><select id="speed" data-command="speed" data-value="speed" '
        f'aria-label="Speed of the run">{options}</select>{theme_button}</div>'
    )


def tools_html(scope: Scope, *, exports: bool) -> str:
    """Give what a session chooses for itself: how far back, which rows, and what it takes away."""
    ranges = "".join(f'<option value="{name}">{words}</option>' for name, words in RANGES.items())
    filters = "".join(_filter(column, values) for column, values in scope.filters.items())
    notebook = '<button type="button" data-command="notebook">Notebook</button>' if exports else ""
    return (
        '<div class="bar tools">'
        f'<label>Last <select data-command="last" data-value="last" aria-label="How far '
        f'back">{ranges}</select></label>'
        '<span class="group" role="group" aria-label="Look back">'
        '<button type="button" data-command="at" data-value="back" aria-label="A minute back">◀ 1 '
        "min</button>"
        '<button type="button" data-command="at" data-value="on" data-show="past" hidden '
        'aria-label="A minute on">1 min ▶</button>'
        '<button type="button" data-command="at" data-value="live" data-show="past" '
        "hidden>Live</button></span>"
        f"{filters}{_tabs(scope)}"
        '<span class="push"></span>'
        '<button type="button" data-command="events">Raw events</button>'
        f"{notebook}</div>"
    )


def _tabs(scope: Scope) -> str:
    tabs = "".join(
        f'<button type="button" data-command="tab" value="{tab}" aria-pressed="false">'
        f"{tab.capitalize()}</button>"
        for tab in scope.choices.get("tab", ())
    )
    return f'<span class="tabs" role="group" aria-label="Tabs">{tabs}</span>' if tabs else ""


def _filter(column: str, values: Sequence[str]) -> str:
    options = "".join(
        f'<option value="{html.escape(str(v), quote=True)}">{html.escape(str(v))}</option>' for v in values
    )
    name = html.escape(column, quote=True)
    return (
        f'<label>{name.capitalize()} <select data-command="{name}" data-value="{name}" '
        f'aria-label="Only {name}">'
        f'<option value="">all</option>{options}</select></label>'
    )


def _card(number: int, card: Card) -> str:
    given = card.legend
    if isinstance(card.body, LivePlot) and not given and card.body.legend:
        given = legend(card.body.legend, column=card.filter)
    head = (
        f'<div class="legend">{given}</div>' if card.extra is None else _placed(f"extra{number}", card.extra)
    )
    note = f'<p class="note" title="{spelled(card.note)}">{spelled(card.note)}</p>' if card.note else ""
    said = ". ".join(part for part in (card.title, card.note) if part)
    named = (
        f'role="img" aria-label="{spelled(said)}"'
        if card.figures
        else f'role="group" aria-label="{spelled(card.title)}"'
    )
    tab = f' data-tab="{spelled(card.tab)}"' if card.tab else ""
    return (
        f'<section class="card" data-card="{number}"{tab} '
        f'style="grid-column:span {card.span};grid-row:span {card.rows}"><header>'
        f"<h2>{spelled(card.title)}</h2>{head}{_takeaways(number, card)}</header>{note}"
        f"<div {named}>{_body(number, card)}</div>"
        f"{'' if card.below is None else _placed(f'below{number}', card.below)}</section>"
    )


def _body(number: int, card: Card) -> str:
    """Give what is in a card: a part with live values, figures, or what Panel shows."""
    if isinstance(card.body, Bound):
        return _placed(f"card{number}", card.body)
    if isinstance(card.body, tuple):
        cells = "".join(
            f"<div>{{{{ embed(roots.card{number}x{at}) }}}}</div>" for at in range(len(card.body))
        )
        return f'<div class="multiples">{cells}</div>'
    return f"{{{{ embed(roots.card{number}) }}}}"


def _placed(name: str, part: Bound) -> str:
    """Give a part with live values; a template reads nothing in it."""
    return f'<div class="bound" data-part="{name}">{part.html.replace("{", "&#123;")}</div>'


def _takeaways(number: int, card: Card) -> str:
    """Give the buttons for the table behind a chart, and to take it away."""
    title = spelled(card.title)
    buttons = ""
    if card.data is not None:
        buttons += (
            f'<button type="button" data-command="data" value="{number}" aria-label="Table: '
            f'{title}">Table</button>'
            f'<button type="button" data-command="csv" value="{number}" aria-label="CSV: '
            f'{title}">CSV</button>'
        )
    if card.figures:
        buttons += f'<button type="button" data-png aria-label="PNG: {title}">PNG</button>'
    return f'<span class="take">{buttons}</span>' if buttons else ""
