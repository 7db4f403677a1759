"""A Bokeh figure as a small picture: SVG that stands by itself in a saved notebook, and needs no browser.

What the kinds of `workbench.views.pictures` are drawn with is drawn here too: lines, strokes, discs, boxes,
bars, cells, areas and spans; whatever else somebody adds to a picture is only in the live view.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import Axis, DatetimeAxis, FactorRange, GlyphRenderer, Plot
from bokeh.palettes import interp_palette

from workbench.views import theme
from workbench.views.live import milliseconds
from workbench.views.scales import Scale, ticks
from workbench.views.still import image
from workbench.views.words import marked

Floats = npt.NDArray[np.float64]
WIDTH = 760
_TOP, _BOTTOM, _LEFT, _RIGHT = 24, 40, 70, 14
_MS = 1_000_000


@dataclass(frozen=True)
class _Ruler:
    """From the values of an axis to pixels."""

    low: float
    high: float
    first: float
    last: float
    factors: Sequence[str] = ()

    def __call__(self, values: Any, shift: float = 0.0) -> Floats:
        share = (_numbers(values, self.factors) + shift - self.low) / ((self.high - self.low) or 1.0)
        return np.round(self.first + share * (self.last - self.first), 1)


def images(figures: Sequence[Plot], words: str) -> str:
    """Give figures as images, one below the other, with the same words for who does not see them."""
    return "".join(image(svg(figure, words), words, "max-width:100%") for figure in figures)


def svg(figure: Plot, label: str = "") -> str:
    """Give a figure as SVG; all words are escaped.

    Examples
    --------
    >>> from bokeh.plotting import figure
    >>> drawn = figure(title="<b>")
    >>> _ = drawn.line([1, 2, 3], [2.0, float("nan"), 4.0], line_color="#0072B2")
    >>> picture = svg(drawn)
    >>> "&lt;b&gt;" in picture, 'stroke="#0072B2"' in picture
    (True, True)
    """
    width, height = WIDTH, int(figure.height or 260)
    left = _LEFT + 40 * isinstance(figure.y_range, FactorRange)
    x = _ruler(figure, "x", left, width - _RIGHT)
    y = _ruler(figure, "y", height - _BOTTOM, _TOP)
    drawn = "".join(itertools.chain.from_iterable(_glyph(each, x, y) for each in _shown(figure)))
    frame = (
        f'<clipPath id="f"><path d="M{left} {_TOP}H{width - _RIGHT}V{height - _BOTTOM}H{left}z"/></clipPath>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{marked(label)}" '
        f'font-family="{marked(theme.FONT)}" '
        f'font-size="11" fill="{theme.MUTED}"><rect width="{width}" height="{height}" fill="{theme.PAPER}"/>'
        f'{frame}{_axes(figure, x, y)}<g clip-path="url(#f)">{drawn}</g>{_legend(figure, left)}</svg>'
    )


def _shown(figure: Plot) -> list[GlyphRenderer]:
    return [each for each in figure.renderers if isinstance(each, GlyphRenderer) and each.visible]


def _ruler(figure: Plot, axis: str, first: float, last: float) -> _Ruler:
    """Give the ruler of an axis: its own limits, or those of the data, as the browser finds them."""
    given = getattr(figure, f"{axis}_range")
    if isinstance(given, FactorRange):
        return _Ruler(0.0, float(len(given.factors)), first, last, list(given.factors))
    low, high = (_known(getattr(given, end, None)) for end in ("start", "end"))
    padding = getattr(given, "range_padding", 0.0)
    if low is None or high is None:
        fitted = getattr(given, "renderers", None)
        some = fitted if isinstance(fitted, list) and fitted else _shown(figure)
        found = [reach for each in some for reach in _reach(each, axis)]
        values = np.concatenate(found) if found else np.zeros(0)
        values = values[np.isfinite(values)]
        least, most = (values.min(), values.max()) if len(values) else (0.0, 1.0)
        span = getattr(given, "default_span", 1.0)
        room = (most - least) * padding / 2 if most > least else span / 2
        low, high = (least - room if low is None else low), (most + room if high is None else high)
    return _Ruler(float(low), float(high), first, last)


def _known(end: Any) -> float | None:
    """Give a limit as a number; none if the data decides."""
    number = float("nan") if end is None else float(_numbers([end])[0])
    return None if np.isnan(number) else number


_REACH = {
    "x": ("x", "x0", "x1", "left", "right"),
    "y": ("y", "y0", "y1", "bottom", "top"),
}


def _reach(renderer: GlyphRenderer, axis: str) -> Iterator[Floats]:
    """Give the values of a glyph along an axis."""
    for name in _REACH[axis]:
        if name in renderer.glyph.properties():
            yield _values(renderer, name)
    if axis == "x" and type(renderer.glyph).__name__ == "Rect":
        x, wide = _values(renderer, "x"), _values(renderer, "width")
        yield np.concatenate([x - wide / 2, x + wide / 2])


def _glyph(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    """Draw what a renderer draws; rows that look the same are one path."""
    glyph, draw = renderer.glyph, _DRAWN.get(type(renderer.glyph).__name__)
    if draw is None:
        return []
    paths = draw(renderer, x, y)
    if not paths:
        return []
    looks = list(zip(*(_look(renderer, name, len(paths)) for name in _LOOKS), strict=True))
    groups: dict[tuple[Any, ...], list[str]] = {}
    for path, look in zip(paths, looks, strict=True):
        if path:
            groups.setdefault(look, []).append(path)
    kind = type(glyph).__name__
    return [_styled("".join(group), look, glyph, kind) for look, group in groups.items()]


_LOOKS = ("fill_color", "fill_alpha", "line_color", "line_alpha", "line_width", "size")


def _styled(path: str, look: tuple[Any, ...], glyph: Any, kind: str) -> str:
    fill, fill_alpha, line, line_alpha, line_width, size = look
    if kind == "Scatter":
        disc = f'<path d="{path}" stroke-linecap="round" stroke-width="{size}" stroke="{line}"/>'
        hollow = f'<path d="{path}" stroke-linecap="round" stroke-width="{size - 2}" stroke="{theme.PAPER}"/>'
        return disc + (hollow if fill_alpha == 0 else "")
    stroke = f'stroke="{line}" stroke-width="{line_width}"' if line and line_alpha else ""
    if kind in ("Line", "Segment"):
        dash = ' stroke-dasharray="4 3"' if glyph.line_dash not in ([], None) and _dash(glyph) else ""
        return f'<path d="{path}" fill="none" {stroke}{dash}/>'
    shape = f'<path d="{path}" fill="{fill or "none"}" fill-opacity="{fill_alpha}" {stroke}/>'
    return shape + (
        _hatch(path, fill or theme.MUTED) if _plain(glyph.hatch_pattern) == theme.OPEN_HATCH else ""
    )


def _hatch(path: str, color: str) -> str:
    name = f"h{color.strip('#')}"
    return (
        f'<pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path d="M0 0V5" stroke="{color}" stroke-width="1.6"/></pattern>'
        f'<path d="{path}" fill="url(#{name})"/>'
    )


def _lines(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    across, up = x(_values(renderer, "x", x)), y(_values(renderer, "y", y))
    known, path, pen = ~(np.isnan(across) | np.isnan(up)), [], "M"
    for at, (px, py) in enumerate(zip(across, up, strict=True)):
        if known[at]:
            path.append(f"{pen}{px:g} {py:g}")
        pen = "L" if known[at] else "M"
    return ["".join(path)] if path else []


def _areas(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    return [f"{path}z" for path in _lines(renderer, x, y)]


def _strokes(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    ends = [
        ruler(_values(renderer, name, ruler)) for name, ruler in (("x0", x), ("y0", y), ("x1", x), ("y1", y))
    ]
    return [f"M{a:g} {b:g}L{c:g} {d:g}" for a, b, c, d in zip(*ends, strict=True)]


def _discs(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    places = zip(x(_values(renderer, "x", x)), y(_values(renderer, "y", y)), strict=True)
    return [f"M{px:g} {py:g}h0" if px == px and py == py else "" for px, py in places]


def _boxes(left: Floats, right: Floats, bottom: Floats, top: Floats) -> list[str]:
    sides = zip(left, right, bottom, top, strict=True)
    return ["" if np.isnan(box).any() else "M{0:g} {3:g}H{1:g}V{2:g}H{0:g}z".format(*box) for box in sides]


def _quads(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    sides = (("left", x), ("right", x), ("bottom", y), ("top", y))
    return _boxes(*(ruler(_values(renderer, name, ruler)) for name, ruler in sides))


def _upright(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    at, half = _values(renderer, "x", x), _values(renderer, "width") / 2
    bottom, top = (y(_values(renderer, name, y)) for name in ("bottom", "top"))
    return _boxes(x(at - half), x(at + half), bottom, top)


def _level(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    at, half = _values(renderer, "y", y), _values(renderer, "height") / 2
    left, right = (x(_values(renderer, name, x)) for name in ("left", "right"))
    return _boxes(left, right, y(at - half), y(at + half))


def _cells(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    across, wide = _values(renderer, "x", x), _values(renderer, "width") / 2
    up, high = _values(renderer, "y", y), _values(renderer, "height") / 2
    return _boxes(x(across - wide), x(across + wide), y(up - high), y(up + high))


def _strips(renderer: GlyphRenderer, x: _Ruler, y: _Ruler) -> list[str]:
    left, right = (x(_values(renderer, name, x)) for name in ("x0", "x1"))
    return _boxes(left, right, np.full(len(left), y.first), np.full(len(left), y.last))


_DRAWN: dict[str, Callable[[GlyphRenderer, _Ruler, _Ruler], list[str]]] = {
    "Line": _lines,
    "Patch": _areas,
    "Segment": _strokes,
    "Scatter": _discs,
    "Quad": _quads,
    "VBar": _upright,
    "HBar": _level,
    "Rect": _cells,
    "VStrip": _strips,
}


def _plain(given: Any) -> Any:
    """Give what is the same for all rows, as a value."""
    return getattr(given, "value", given)


def _dash(glyph: Any) -> bool:
    return bool(_plain(glyph.line_dash)) and _plain(glyph.line_dash) != "solid"


def _rows(renderer: GlyphRenderer) -> int:
    return max((len(column) for column in renderer.data_source.data.values()), default=0)


def _values(renderer: GlyphRenderer, name: str, ruler: _Ruler | None = None) -> Floats:
    """Give the numbers of a property, one a row; those of categories are places along the ruler."""
    given = getattr(renderer.glyph, name)
    field = given if isinstance(given, str) else getattr(given, "field", None)
    if field is None:
        return np.full(_rows(renderer), np.nan if _plain(given) is None else float(_plain(given)))
    return _numbers(renderer.data_source.data.get(field, ()), ruler.factors if ruler else ())


def _numbers(values: Any, factors: Sequence[str] = ()) -> Floats:
    column = np.asarray(values)
    if factors and column.dtype.kind in "OUT":
        places = {name: place + 0.5 for place, name in enumerate(factors)}
        return np.array([places.get(str(value), np.nan) for value in column], dtype=float)
    if column.dtype.kind in "Mm" or (column.dtype.kind == "O" and len(column)):
        try:
            return milliseconds(column) if column.dtype.kind != "m" else column / np.timedelta64(1, "ms")
        except (TypeError, ValueError):
            return np.full(len(column), np.nan)
    return column.astype(float) if column.dtype.kind not in "UT" else np.full(len(column), np.nan)


def _look(renderer: GlyphRenderer, name: str, rows: int) -> list[Any]:
    """Give a property of the looks of each row."""
    glyph = renderer.glyph
    given = getattr(glyph, name, None)
    field = getattr(given, "field", None)
    if field is None:
        return [_plain(given)] * rows
    column = list(renderer.data_source.data[field])
    mapper = getattr(given, "transform", None)
    if hasattr(mapper, "palette"):
        return _mapped(mapper, column)
    return column[:rows]


def _mapped(mapper: Any, column: Sequence[Any]) -> list[Any]:
    palette = list(mapper.palette)
    if hasattr(mapper, "factors"):
        return [palette[mapper.factors.index(value) % len(palette)] for value in column]
    if mapper.low is None or mapper.high is None:  # of no number yet
        return ["none"] * len(column)
    few = interp_palette(palette, 16)  # so that rows share paths
    share = (np.asarray(column, dtype=float) - mapper.low) / ((mapper.high - mapper.low) or 1.0)
    places = np.nan_to_num(np.clip(share, 0, 1) * 15, nan=-1).round().astype(int)
    return [few[place] if place >= 0 else "none" for place in places.tolist()]


def _axes(figure: Plot, x: _Ruler, y: _Ruler) -> str:
    across, up = _axis(figure, "below", x), _axis(figure, "left", y)
    ink = across.major_label_text_color if across is not None else theme.MUTED
    grid = "".join(f'<path d="M{x.first} {at:g}H{x.last}" stroke="{theme.GRID}"/>' for at, _ in _ticks(up, y))
    left = "".join(
        f'<text x="{x.first - 8}" y="{at + 4:g}" text-anchor="end">{marked(word)}</text>'
        for at, word in _ticks(up, y)
    )
    below = "".join(
        f'<text x="{at:g}" y="{y.first + 15}" text-anchor="middle" fill="{ink}">{marked(word)}</text>'
        for at, word in _ticks(across, x)
    )
    middle = (y.first + y.last) / 2
    labels = (
        f'<text x="{(x.first + x.last) / 2:g}" y="{y.first + 33}" text-anchor="middle" fill="{ink}">'
        f"{marked(str(getattr(across, 'axis_label', '') or ''))}</text>"
        f'<text transform="rotate(-90 12 {middle:g})" x="12" y="{middle:g}" text-anchor="middle">'
        f"{marked(str(getattr(up, 'axis_label', '') or ''))}</text>"
    )
    return f'{grid}<path d="M{x.first} {y.first}H{x.last}" stroke="{theme.LINE}"/>{left}{below}{labels}'


def _axis(figure: Plot, side: str, ruler: _Ruler) -> Any:
    return next((axis for axis in getattr(figure, side) if isinstance(axis, Axis)), None)


def _ticks(axis: Any, ruler: _Ruler) -> list[tuple[float, str]]:
    """Give the places of round numbers, moments or categories, and their words."""
    if axis is None or ruler.high <= ruler.low:
        return []
    if ruler.factors:
        return [
            (float(ruler([place])[0]), name)
            for place, name in zip(np.arange(len(ruler.factors)) + 0.5, ruler.factors, strict=True)
        ]
    if isinstance(axis, DatetimeAxis):
        return ticks(
            Scale(int(ruler.low * _MS), int(ruler.high * _MS), ruler.first, ruler.last), None, most=7
        )
    step = _round((ruler.high - ruler.low) / 5)
    values = np.arange(np.ceil(ruler.low / step), np.floor(ruler.high / step) + 1) * step + 0.0
    digits = max(0, -int(np.floor(np.log10(step))))
    return [(float(at), f"{value:,.{digits}f}") for at, value in zip(ruler(values), values, strict=True)]


def _round(size: float) -> float:
    power = 10.0 ** np.floor(np.log10(size))
    return float(next(factor for factor in (1, 2, 5, 10) if factor * power >= size) * power)


def _legend(figure: Plot, left: float) -> str:
    """Give the words of the legend in a line, and the title of the figure before them."""
    words, at = [], left
    title = figure.title.text if figure.title is not None else ""
    if title:
        words.append(f'<text x="{at}" y="15" font-weight="600">{marked(title)}</text>')
        at += 8 * len(title) + 20
    items = [item for legend in figure.legend if legend.visible for item in legend.items if item.renderers]
    for item in items:
        word = str(_plain(item.label))
        glyph = item.renderers[0].glyph
        color = _plain(getattr(glyph, "fill_color", None) or glyph.line_color)
        words.append(f'<rect x="{at}" y="6" width="10" height="10" rx="2" fill="{color}"/>')
        words.append(f'<text x="{at + 14}" y="15">{marked(word)}</text>')
        at += 7 * len(word) + 34
    return "".join(words)
