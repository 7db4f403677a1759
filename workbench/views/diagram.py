"""A pipeline drawn as SVG: a box for each step, its edges, and tabs for what it sets aside.

The same drawing is the static picture of a saved notebook and what `assets/graph.js` fills with live values:
places marked ``data-slot`` take text, ``data-tone`` a class, ``data-edge`` a width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from workbench.model.steps import Aggregated, Apply, Date, Operation, Output, Read, Step, Union
from workbench.model.triggers import DEFAULT
from workbench.runtimes.attached import Attached
from workbench.time import spell
from workbench.views import theme
from workbench.views.layers import Arranged, arrange

WIDTH, BETWEEN, MARGIN = 208.0, 46.0, 14.0
_HEAD, _LINE, _ROW, _TAB, _PAD = 32.0, 15.0, 17.0, 22.0, 12.0
_LETTER: Final = 6.0
_LETTERS: Final = int((WIDTH - 24) / _LETTER)
"""About the width of a letter of the text in a box, and how many fit into a line."""

READINGS: Final = (("in", "out"), ("batch", "slowest"), ("watermark", "lag"), ("state", "queue"))
"""The lines of live values in a box, from the top: what is on the left, and on the right."""


@dataclass(frozen=True, slots=True)
class Box:
    """A step as it is drawn.

    Parameters
    ----------
    name, kind, text : str
        The node's name, which sign it has, and what the step does.
    lines : tuple of str
        The same in lines that fit, as far as they do.
    aside : tuple of str
        The outputs beside its own, such as ``late``.
    comes_from : tuple of (int, str)
        By number of the box and name of its output, which is empty for its own.
    result : bool
        Whether it is what was asked for.
    """

    name: str
    kind: str
    text: str
    lines: tuple[str, ...]
    aside: tuple[str, ...] = ()
    comes_from: tuple[tuple[int, str], ...] = ()
    result: bool = False


def boxes(names: Mapping[Step, str], *, results: tuple[Step, ...], reject: bool = False) -> list[Box]:
    """Give the boxes of steps, those before first; further outputs are tabs of theirs, not boxes.

    Parameters
    ----------
    names : mapping of Step to str
        The steps, those before others first, and what they are called.
    results : tuple of Step
        Which are asked for.
    reject : bool
        Whether functions set aside rows for which they raise.
    """
    number = {step: at for at, step in enumerate(names)}
    wanted = [step.upstreams[0] if isinstance(step, Output) else step for step in results]
    found = []
    for step, name in names.items():
        ways = []
        for before in step.upstreams:
            port = before.port if isinstance(before, Output) else ""
            ways.append((number[before.upstreams[0] if port else before], port))
        refuses = ("rejected",) if reject and isinstance(step, Apply) else ()
        aside = (*step.ports, *refuses)
        lines = tuple(_lines(step))
        found.append(Box(name, _kind(step), step.describe(), lines, aside, tuple(ways), step in wanted))
    return found


def with_attached(steps: list[Box], others: list[Attached]) -> list[Box]:
    """Give the boxes of what users have attached after those of the steps; an output may be without a tab."""
    found = list(steps)
    number = {box.name: at for at, box in enumerate(steps)}
    for each in others:
        ways = []
        for name, port in each.after:
            tab = port if name in number and port in found[number[name]].aside else ""
            ways.append((number[name], tab))
        number[each.name] = len(found)
        found.append(Box(each.name, "attached", each.kind, (f"streamz: {each.kind}",), (), tuple(ways)))
    return found


def _kind(step: Step) -> str:
    match step:
        case Read():
            return "source"
        case Date():
            return "watermark"
        case Aggregated():
            return "windows"
        case Union():
            return "union"
        case Operation():
            return "union" if len(step.upstreams) > 1 else "operation"
        case Apply():
            return "query" if step.method == "query" else "function"
        case _:
            return "function"


class Diagram:
    """The drawing of some boxes.

    Parameters
    ----------
    boxes : list of Box
        Those before others first.
    live : bool
        Whether there is room for live values.
    """

    def __init__(self, boxes: list[Box], *, live: bool = False) -> None:
        self.boxes, self.live = boxes, live
        self.label = f"pipeline of {len(boxes)} steps: {', then '.join(box.name for box in boxes)}"
        self.edges = [(way, at) for at, box in enumerate(boxes) for way in box.comes_from]
        pairs = list(dict.fromkeys((before, after) for (before, _), after in self.edges))
        self.heights = [self._height(at) for at in range(len(boxes))]
        low = frozenset((before, after) for (before, port), after in self.edges if port)
        self.placed: Arranged = arrange(self.heights, pairs, gap=26.0, low=low)
        self.width = (max(self.placed.layer, default=0) + 1) * (WIDTH + BETWEEN) - BETWEEN + 2 * MARGIN
        self.height = self.placed.height + 2 * MARGIN + 8

    def svg(self, values: Mapping[str, Any] | None = None) -> str:
        """Give the picture, with values if there are any; less than 60 kB for some forty steps."""
        said = values or {}
        parts = [self._edge(number, said) for number in range(len(self.edges))]
        parts += [self._box(at, said) for at in range(len(self.boxes))]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="wb-graph" role="group" '
            f'aria-label="{escape(self.label)}" viewBox="0 0 {self.width:.0f} {self.height:.0f}" '
            f'width="{self.width:.0f}" height="{self.height:.0f}" '
            f'style="min-width:{self.width * 0.86:.0f}px">'
            f"<style>{STYLE}</style>{''.join(parts)}</svg>"
        )

    def _height(self, at: int) -> float:
        box = self.boxes[at]
        readings = (_ROW * len(self._readings(box)) + 9) if self.live else 0
        return _HEAD + _LINE * len(self.boxes[at].lines) + readings + _PAD + (_TAB if box.aside else 0)

    def _readings(self, box: Box) -> tuple[tuple[str, str], ...]:
        if box.kind in ("source", "attached"):
            return READINGS[:1] if box.kind == "source" else READINGS[3:]
        return READINGS[:3] if box.kind in ("query", "function") else READINGS

    def _corner(self, at: int) -> tuple[float, float]:
        return MARGIN + self.placed.layer[at] * (WIDTH + BETWEEN), MARGIN + self.placed.top[at]

    def _box(self, at: int, said: Mapping[str, Any]) -> str:
        box, height = self.boxes[at], self.heights[at]
        left, top = self._corner(at)
        name = escape(box.name)
        tone = escape(said.get("tones", {}).get(str(at), ""))
        live = self.live and box.kind != "attached"  # whose rows nobody keeps
        role = f'{_BUTTON} data-node="{at}"' if live else 'role="img"'
        parts = [
            f'<rect class="paper" width="{WIDTH:.0f}" height="{height:.0f}" rx="7"/>',
            f'<g class="sign {box.kind}" transform="translate(12 11)">{_SIGNS[box.kind]}</g>',
            f'<path class="alarm" d="M{WIDTH - 26:.0f} 24l7-12.5l7 12.5zm7-7.5v3.2m0 1.6v.2"/>',
            f'<text class="name" x="34" y="22">{escape(_fitting(box.name, 23))}</text>',
        ]
        y = _HEAD + 10
        for line in box.lines:
            parts.append(f'<text class="what" x="12" y="{y:.0f}">{escape(line)}</text>')
            y += _LINE
        if self.live:
            parts.append(f'<path class="rule" d="M12 {y - 6:.0f}H{WIDTH - 12:.0f}"/>')
            y += 11
            parts += self._values(at, y, said)
        kind = "node result" if box.result else f"node {box.kind}" if box.kind == "attached" else "node"
        label = f"{name}: {escape(box.text)}"
        return (
            f'<g class="{kind} {tone}" data-base="{kind}" data-tone="{at}" '
            f'transform="translate({left:.1f} {top:.1f})">'
            f'<g class="face" {role} aria-label="{label}"><title>{label}</title>'
            f"{''.join(parts)}</g>{''.join(self._tabs(at, said))}</g>"
        )

    def _values(self, at: int, y: float, said: Mapping[str, Any]) -> list[str]:
        """Give the lines of live values, the first at a height."""
        found = []
        for line, pair in enumerate(self._readings(self.boxes[at])):
            for reading, x in zip(pair, (12, WIDTH - 12), strict=True):
                slot, side = f"{at}.{reading}", "" if x == 12 else ' text-anchor="end"'
                text = escape(str(said.get("slots", {}).get(slot, "")))
                where = f'x="{x:.0f}" y="{y + _ROW * line:.0f}"{side}'
                found.append(f'<text class="{reading}" {where} data-slot="{slot}">{text}</text>')
        return found

    def _tab_of(self, at: int, port: str) -> tuple[float, float]:
        """Give left side and width of a tab."""
        aside = self.boxes[at].aside
        width = (WIDTH - 16) / len(aside)
        return 8 + width * aside.index(port), width

    def _tabs(self, at: int, said: Mapping[str, Any]) -> list[str]:
        box, y = self.boxes[at], self.heights[at] - _TAB - 4
        found = []
        for port in box.aside:
            left, width = self._tab_of(at, port)
            slot, word = f"{at}.{port}", escape(port.replace("_", " "))
            count = escape(str(said.get("slots", {}).get(slot, "")))
            tone = escape(said.get("tones", {}).get(slot, ""))
            role = (
                f'role="button" tabindex="0" aria-label="{escape(box.name)}, {word} rows"'
                if self.live
                else ""
            )
            found.append(
                f'<g class="tab {escape(port)} {tone}" data-base="tab {escape(port)}" data-tone="{slot}" '
                f'data-node="{slot}" {role} transform="translate({left:.1f} {y:.0f})">'
                f'<rect class="ground" x="2" width="{width - 4:.1f}" height="{_TAB - 2:.0f}" rx="4"/>'
                f'<path class="mark" d="{_MARKS.get(port, _MARKS[""])}"/>'
                f'<text x="21" y="14">{word} '
                f'<tspan class="count" data-slot="{slot}">{count}</tspan></text></g>'
            )
        return found

    def _edge(self, number: int, said: Mapping[str, Any]) -> str:
        (before, port), after = self.edges[number]
        left, top = self._corner(before)
        end_x, end_y = self._corner(after)
        end_y += self._entry(number)
        if port:
            at, width = self._tab_of(before, port)
            x, y = left + at + width / 2, top + self.heights[before] - 6
            low, right = y + 22, left + WIDTH
            way = f"M{x:.1f} {y:.1f}C{x:.1f} {y + 30:.1f} {x + 20:.1f} {low:.1f} {right:.1f} {low:.1f}"
            x, y = right, low
        else:
            x, y = left + WIDTH, top + self.heights[before] / 2
            way = f"M{x:.1f} {y:.1f}"
        for layer in range(self.placed.layer[before] + 1, self.placed.layer[after]):
            over = MARGIN + layer * (WIDTH + BETWEEN)
            down = MARGIN + self.placed.passing[before, layer]
            way += f"{_bend(x, y, over, down)}H{over + WIDTH:.1f}"
            x, y = over + WIDTH, down
        way += _bend(x, y, end_x - 7, end_y)
        thick = said.get("edges", {}).get(str(number), 1.5)
        kind = f"edge {escape(port)}" if port else "edge"
        return (
            f'<path class="{kind}" d="{way}" data-edge="{number}" style="stroke-width:{thick}px"/>'
            f'<path class="tip" d="M{end_x - 8:.1f} {end_y - 4.5:.1f}l7.5 4.5l-7.5 4.5z"/>'
        )

    def _entry(self, number: int) -> float:
        """Give how far down its box an edge ends, beside others that end there."""
        after = self.edges[number][1]
        beside = [other for other, (_, box) in enumerate(self.edges) if box == after]
        beside.sort(key=lambda other: self.placed.top[self.edges[other][0][0]])
        return self.heights[after] * (beside.index(number) + 1) / (len(beside) + 1)


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    half = (x + to_x) / 2
    return f"C{half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def _fitting(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _lines(step: Step) -> list[str]:
    """Say what a step does, in a few lines that fit into its box."""
    match step:
        case Date():
            said = [f"event time {step.schema.time}", *_wrapped(repr(step.watermark))]
        case Aggregated():
            named = [str(aggregate) for aggregate in step.aggregates]
            more = [f"and {len(named) - 2} more"] if len(named) > 3 else []
            said = [*(named[:2] if more else named), *more]
            said += [f"by {', '.join(step.keys)}"] if step.keys else []
            said += [repr(step.window)] + ([f"lateness {spell(step.lateness)}"] if step.lateness else [])
            said += [] if step.trigger == DEFAULT else [repr(step.trigger)]
        case _:
            return _wrapped(step.describe())
    return [_fitting(line, _LETTERS) for line in said]


def _wrapped(text: str) -> list[str]:
    """Break a description into two lines at most."""
    letters = _LETTERS
    if len(text) <= letters:
        return [text]
    cut = text.rfind(" ", letters // 2, letters + 1)
    cut = letters if cut < 0 else cut
    return [text[:cut], _fitting(text[cut:].lstrip(), letters)]


_BUTTON: Final = 'role="button" tabindex="0" aria-expanded="false"'
_SIGNS: Final = {
    "source": '<circle cx="7" cy="7" r="5.5"/><path d="M4.5 7h5M7.5 4.8L9.7 7L7.5 9.2"/>',
    "watermark": '<path d="M1 5.5q3-4 6 0t6 0M1 10.5q3-4 6 0t6 0"/>',
    "query": '<path d="M1.5 2.5h11l-4.2 5v4.5l-2.6-1.6v-2.9z"/>',
    "function": '<path d="M10.5 2.2C7.5 1.4 7.4 4 7 7S6.3 12.8 3.5 11.8M4.5 6.5h5"/>',
    "windows": '<path d="M1.5 12V6h3.2v6zM5.4 12V2h3.2v10zM9.3 12V8h3.2v4z"/>',
    "union": '<path d="M1 2.5C6 2.5 6 7 9 7h4M1 11.5C6 11.5 6 7 9 7"/>',
    "attached": '<path d="M5 1v4M9 1v4M3 5h8v2.5a4 4 0 0 1-8 0zM7 11.5V14"/>',
    "operation": '<path d="M7 1.5L12.5 7L7 12.5L1.5 7z"/>',
}
_MARKS: Final = {
    "late": "M12 4.5a5.5 5.5 0 1 0 .01 0zM12 7v3.2l2.2 1.3",
    "rejected": "M8 6l8 8M16 6l-8 8",
    "": "M8 10h8M13 7l3 3l-3 3",
}

_LIGHT: Final = (
    f"--g-ink:{theme.INK};--g-muted:{theme.MUTED};--g-line:#c3cbd5;--g-edge:#8b97a5;--g-paper:{theme.PAPER};"
    f"--g-ground:{theme.GROUND};--g-event:{theme.EVENT_TIME};--g-processing:#00674b;--g-bad:#a83f00;--g-badground:#fdf0e8"
)
_DARK: Final = (
    "--g-ink:#e8ecf1;--g-muted:#a7b1be;--g-line:#465160;--g-edge:#7d8998;--g-paper:#1b2129;--g-ground:#29313b;"
    f"--g-event:{theme.SKY};--g-processing:#4fd0a5;--g-bad:#ff9d5c;--g-badground:#3a2a20"
)
STYLE: Final = (
    f".wb-graph,.wb-graph-view{{{_LIGHT}}}"
    f"@media(prefers-color-scheme:dark){{.wb-graph,.wb-graph-view{{{_DARK}}}}}"
    f'[data-jp-theme-light="true"] .wb-graph,[data-jp-theme-light="true"] .wb-graph-view,'
    f'[data-wb-theme="light"],[data-wb-theme="light"] .wb-graph{{{_LIGHT}}}'
    f'[data-jp-theme-light="false"] .wb-graph,[data-jp-theme-light="false"] .wb-graph-view,'
    f'[data-wb-theme="dark"],[data-wb-theme="dark"] .wb-graph{{{_DARK}}}'
    f".wb-graph{{font:11px {theme.FONT.replace(chr(34), chr(39))};font-variant-numeric:tabular-nums}}"
    ".wb-graph{max-width:100%;height:auto}"
    ".wb-graph text{fill:var(--g-ink)}"
    ".wb-graph .name{font-size:13px;font-weight:650}"
    ".wb-graph .what,.wb-graph .batch,.wb-graph .slowest{fill:var(--g-muted)}"
    ".wb-graph .state,.wb-graph .queue{fill:var(--g-muted)}"
    ".wb-graph .in,.wb-graph .out{font-weight:600}"
    ".wb-graph text.watermark{fill:var(--g-event)}.wb-graph .lag{fill:var(--g-processing)}"
    ".wb-graph .paper{fill:var(--g-paper);stroke:var(--g-line);stroke-width:1.2}"
    ".wb-graph .attached .paper{stroke-dasharray:5 3}"
    ".wb-graph .result .paper{stroke:var(--g-ink);stroke-width:1.8}"
    ".wb-graph .rule{stroke:var(--g-line);stroke-width:1;fill:none}"
    ".wb-graph .sign{fill:none;stroke:var(--g-muted);stroke-width:1.5}"
    ".wb-graph .sign{stroke-linejoin:round;stroke-linecap:round}"
    ".wb-graph .sign.watermark{stroke:var(--g-event)}"
    ".wb-graph .edge{fill:none;stroke:var(--g-edge)}.wb-graph .edge.late{stroke-dasharray:6 3}"
    ".wb-graph .edge.rejected{stroke-dasharray:2 3}"
    ".wb-graph .tip{fill:var(--g-edge)}"
    ".wb-graph .ground{fill:var(--g-ground)}"
    ".wb-graph .tab text{fill:var(--g-muted);font-size:10.5px}"
    ".wb-graph .tab .mark{fill:none;stroke:var(--g-muted);stroke-width:1.3;stroke-linecap:round}"
    ".wb-graph .tab.some text,.wb-graph .tab.some .mark{fill:var(--g-bad);font-weight:600}"
    ".wb-graph .tab.some .mark{fill:none;stroke:var(--g-bad)}"
    ".wb-graph .failed .paper{stroke:var(--g-bad);stroke-width:2.2;fill:var(--g-badground)}"
    ".wb-graph .failed .in,.wb-graph .failed .batch{fill:var(--g-bad)}"
    ".wb-graph .alarm{display:none;fill:none;stroke:var(--g-bad);stroke-width:1.6;stroke-linejoin:round}"
    ".wb-graph .failed .alarm{display:inline}"
    ".wb-graph [tabindex]{cursor:pointer;outline:none}"
    ".wb-graph [tabindex]:hover>rect{stroke:var(--g-event)}"
    ".wb-graph [tabindex]:focus-visible>rect,.wb-graph [tabindex][aria-expanded=true]>rect"
    "{stroke:var(--g-event);stroke-width:2.4}"
    "@media(prefers-reduced-motion:no-preference){.wb-graph .edge{transition:stroke-width .3s}}"
)
