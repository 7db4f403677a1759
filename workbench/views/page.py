"""The frame of a page: header with controls, key figures, cards with plots, and how the run is doing.

A page belongs to one browser session. It only reads the feed, shows what is new soon after it has come, at
most ten times a second, and waits while the browser has not drawn the last: frames are dropped, events never,
and no frame grows old in a queue.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import panel as pn

from workbench.runtimes.trace import Metrics
from workbench.time import SECOND, SystemClock
from workbench.views import theme, words
from workbench.views.bound import Bound
from workbench.views.live import LivePlot
from workbench.views.service import Feed

PERIOD = 25
"""Milliseconds from one look at the feed to the next; looking costs next to nothing if nothing has come."""
FRAME = SECOND // 10
"""Nanoseconds from one frame to the next, at least."""
READING = SECOND // 4
"""Nanoseconds from one change of the health strip to the next, at least: nobody reads faster."""
SHARE = 0.4
"""Of the loop's time, what one page may take: one that costs more to bring up to date gets fewer frames, but
two a second at least."""
SPEEDS: Mapping[str, Any] = {"1": 1, "10": 10, "60": 60, "max": "max"}
PLACES = (("", "Home"), ("clickstream", "Clickstream"), ("trading", "Trading"), ("sensors", "Sensors"))

_MARK = (
    '<svg viewBox="0 0 20 20" aria-hidden="true">'
    '<path d="M2 17 L17 2" stroke="#9aa5b1" stroke-dasharray="2 2.4"/>'
    f'<path d="M2 18 H7 V11 H12 V6 H18" fill="none" stroke="{theme.EVENT_TIME}" stroke-width="2.4"/>'
    f'<circle cx="6" cy="5" r="2" fill="{theme.PROCESSING_TIME}"/></svg>'
)


@dataclass(frozen=True, eq=False)
class Card:
    """A part of a page: a question, what answers it, and how to read it.

    Parameters
    ----------
    title : str
        What is shown, with its unit.
    body : LivePlot or Panel viewable
        The plot, or the table.
    span : int
        Columns of the page's twelve.
    note : str
        How to read it, in a line.
    legend : str
        Further entries of the legend, as HTML.
    rows : int
        Rows of the grid that it takes.
    """

    title: str
    body: Any
    span: int = 4
    note: str = ""
    legend: str = ""
    rows: int = 1
    extra: Any = None


class Credit:
    """Says whether the browser keeps up: two frames may be on their way, or a second must have passed.

    Parameters
    ----------
    frames : int
        Frames that may be on their way.
    patience : float
        Seconds after which one is sent although nothing came back, as from a tab in the background.
    """

    def __init__(self, frames: int = 2, patience: float = 1.0) -> None:
        self._frames, self._patience = frames, int(patience * SECOND)
        self.beat = 0
        self._sent = 0

    def allows(self, drawn: int, now: int) -> bool:
        """Tell whether a frame may be sent, given the last one drawn and the moment in nanoseconds."""
        return self.beat - max(drawn, 0) < self._frames or now - self._sent >= self._patience

    def spend(self, now: int) -> int:
        """Note that a frame is sent; gives its number."""
        self.beat += 1
        self._sent = now
        return self.beat


@dataclass(eq=False)
class Page:
    """What one browser session sees.

    Parameters
    ----------
    feeds : sequence of Feed
        What it reads; buttons act on the first, if ``controls``.
    name, title, question : str
        The page's place in the navigation, its heading, and what it answers.
    cards : sequence of Card
        In order.
    top : Bound
        The key figures.
    update : callable
        Shows what is new; called when there is something.
    """

    feeds: Sequence[Feed]
    name: str
    title: str
    question: str
    cards: Sequence[Card]
    top: Any
    update: Callable[[], None]
    controls: bool = True
    credit: Credit = field(default_factory=lambda: Credit(frames=1))

    def __post_init__(self) -> None:
        self._clock = SystemClock()
        self._seen: Any = None
        self._document = pn.state.curdoc
        self._met = False
        self._last_beat = self._last_strip = self._rest_until = 0
        self.head = Bound(html=_controls_html(self.controls), data={}, height=40)
        self.strip = Bound(html=_STRIP, data={}, sizing_mode="stretch_width")
        self.head.param.watch(self._obey, "command")
        self.tick()

    def tick(self, *, at_once: bool = False) -> None:
        """Show what is new, if there is something and the browser keeps up; or at once."""
        now = self._clock.now()
        seen = tuple((feed.version, feed.run.speed) for feed in self.feeds)
        if now < self._rest_until or (seen == self._seen and now - self._last_beat < SECOND):
            return
        if self._unseen() or not (at_once or self.credit.allows(self.head.ack, now)):
            return
        with pn.io.unlocked():  # all that is new in one message; Bokeh would send one for every change
            if seen != self._seen:
                self.update()
            if self.controls and now - self._last_strip >= READING:
                self.strip.say(**strip_values(self.feeds[0]))
                self._last_strip = now
            self.head.say(**self._state(), beat=self.credit.spend(now))
        self._seen, self._last_beat = seen, now
        self._rest_until = now + min(max(FRAME, int((self._clock.now() - now) / SHARE)), 5 * FRAME)

    def view(self) -> Any:
        """Give the page as a Panel template, its periodic look at the feed started."""
        template = pn.Template(self.markup())
        template.add_variable("page_title", f"{self.title} · streaming workbench")
        template.add_variable("style", theme.stylesheet())
        template.add_panel("head", self.head)
        template.add_panel("top", self.top)
        if self.controls:
            template.add_panel("strip", self.strip)
        for number, card in enumerate(self.cards):
            body = (
                pn.pane.Bokeh(card.body.figure, sizing_mode="stretch_width")
                if isinstance(card.body, LivePlot)
                else card.body
            )
            template.add_panel(f"card{number}", body)
            if card.extra is not None:
                template.add_panel(f"extra{number}", card.extra)
        if self._document is not None:
            self._document.add_periodic_callback(self.tick, PERIOD)
        return template

    def refresh(self) -> None:
        """Show everything at once, as after a choice of what is to be seen."""
        self._seen, self._last_strip, self._rest_until = None, 0, 0
        self.tick(at_once=True)

    def markup(self) -> str:
        """Give the page's HTML, as a Jinja template whose ``embed`` puts the live parts in."""
        return _template(self)

    def _unseen(self) -> bool:
        """Tell whether the browser has gone; Bokeh keeps its session for a while, in case it comes back."""
        context = None if self._document is None else self._document.session_context
        session = getattr(context, "session", None)
        gone = session is not None and session.connection_count == 0
        if session is not None and not gone:
            self._met = True
        return gone and self._met

    def _state(self) -> dict[str, Any]:
        if not self.controls:
            live = sum(feed.run.status == "running" for feed in self.feeds)
            status = "running" if live else "paused"
            return {"state": f"{live} OF {len(self.feeds)} LIVE", "status": status}
        run = self.feeds[0].run
        return {
            "state": {"running": "LIVE"}.get(run.status, run.status.upper()),
            "status": run.status,
            "button": "Resume" if run.status == "paused" else "Pause",
            "speed": str(run.speed),
            "over": not run.over,
        }

    def _obey(self, event: Any) -> None:
        """Do what a button says, to the run that all sessions share."""
        run, command = self.feeds[0].run, event.new
        if run.over or not self.controls:
            return
        if command.get("name") == "pause":
            if run.status == "running":
                run.pause()
            else:
                run.resume()
        elif command.get("name") == "speed" and command.get("value") in SPEEDS:
            run.speed = SPEEDS[command["value"]]
        self._seen = None


def strip_values(feed: Feed) -> dict[str, Any]:
    """Give what the health strip shows, in words."""
    metrics: Metrics = feed.metrics()
    errors = feed.run.errors
    return {
        "rate": f"{words.short(metrics.rows_per_second)} /s",
        "rows": words.number(metrics.rows),
        "watermark": f"{words.clock(metrics.watermark)} UTC",
        "now": f"{words.clock(metrics.now)} UTC",
        "lag": words.seconds(metrics.lag),
        "late": f"{words.number(metrics.late)} ({words.percent(metrics.late / max(metrics.rows, 1), 2)})",
        "rejected": words.number(metrics.rejected),
        "state": f"{words.number(metrics.state)} entries",
        "trouble": str(errors[0]) if errors else "",
    }


def kpis(*figures: tuple[str, str, str]) -> Bound:
    """Give the row of key figures as one part; each is a name, a title and a unit.

    The figure called ``rate`` shows the values ``rate``, ``rate_delta`` and ``rate_line``.
    """
    pieces = "".join(
        f'<div class="kpi"><div class="name" data-text="{name}_name">{html.escape(title)}</div>'
        f'<div class="value"><span data-text="{name}">{words.NOTHING}</span>'
        f"<small>{html.escape(unit)}</small></div>"
        f'<div class="line" data-spark="{name}_line"></div>'
        f'<div class="delta" data-text="{name}_delta">&nbsp;</div></div>'
        for name, title, unit in figures
    )
    return Bound(html=f'<div class="kpis">{pieces}</div>', data={}, sizing_mode="stretch_width")


def table(columns: Sequence[tuple[str, str, str]], rows: int) -> Bound:
    """Give a table with a fixed number of rows; each column is a name, a title and a style.

    Row 3 of the column ``last`` shows ``data["last3"]``; the style ``spark`` draws it as a line, ``tag`` as a
    word on a ground (class in ``data["last3_class"]``), ``left`` and ``event`` are classes. ``row3`` says
    whether the row is there.
    """
    head = "".join(
        f'<th scope="col" class="{style if "left" in style else ""}">{html.escape(title)}</th>'
        for _, title, style in columns
    )
    body = "".join(
        f'<tr data-show="row{row}">{"".join(_cell(name, style, row) for name, _, style in columns)}</tr>'
        for row in range(rows)
    )
    return Bound(
        html=f'<table class="panes"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>',
        data={},
        sizing_mode="stretch_width",
    )


def _cell(name: str, style: str, row: int) -> str:
    slot = f"{name}{row}"
    if style == "spark":
        return f'<td><span class="line" data-spark="{slot}"></span></td>'
    if style == "tag":
        return (
            f'<td><span class="tag" data-base="tag" data-class="{slot}_class" data-text="{slot}"></span></td>'
        )
    if style == "signed":
        return f'<td data-class="{slot}_class" data-text="{slot}"></td>'
    return f'<td class="{style}" data-text="{slot}"></td>'


def legend(entries: Sequence[tuple[str, str]], *, open_windows: str = "hatched") -> str:
    """Give a legend as HTML: colours and words, and what an open window looks like."""
    pieces = [
        f'<span><i class="swatch" style="background:{color}"></i>{html.escape(word)}</span>'
        for color, word in entries
    ]
    if open_windows == "hatched":
        pieces.append('<span><i class="swatch open"></i>still open</span>')
    elif open_windows == "dashed":
        pieces.append('<span><i class="swatch dashed"></i>still open</span>')
    return "".join(pieces)


_STRIP = """<dl class="strip" style="margin:0" aria-label="How the run is doing">
<div><dt>Events arriving</dt><dd data-text="rate"></dd></div>
<div><dt>Rows so far</dt><dd data-text="rows"></dd></div>
<div class="event"><dt>Watermark (event time)</dt><dd data-text="watermark"></dd></div>
<div class="processing"><dt>Processing time</dt><dd data-text="now"></dd></div>
<div><dt>Lag</dt><dd data-text="lag"></dd></div>
<div><dt>Late rows</dt><dd data-text="late"></dd></div>
<div><dt>Rejected rows</dt><dd data-text="rejected"></dd></div>
<div><dt>State</dt><dd data-text="state"></dd></div>
<div class="trouble" data-show="trouble" data-text="trouble" role="alert"></div>
</dl>"""


def _controls_html(controls: bool) -> str:
    pill = (
        '<span class="pill" data-pill data-base="pill" data-class="status" role="status" aria-live="polite">'
        '<span class="state" data-text="state"></span><span class="stale-age"></span></span>'
    )
    if not controls:
        return f'<div class="bar">{pill}</div>'
    speeds = "".join(
        f'<option value="{value}">{value}{"" if value == "max" else "×"}</option>' for value in SPEEDS
    )
    return (
        f'<div class="bar">{pill}'
        '<button type="button" data-command="pause" data-text="button" data-show="over">Pause</button>'
        '<label for="speed">Speed</label><select id="speed" data-command="speed" data-value="speed" '
        f'aria-label="Speed of the run">{speeds}</select></div>'
    )


def _template(page: Page) -> str:
    """Give the page's HTML; `embed` puts the live parts in."""
    nav = "".join(
        f'<a href="./{place}"{" aria-current=page" if place == page.name else ""}>{word}</a>'
        for place, word in PLACES
    )
    cards = "".join(_card_html(number, card) for number, card in enumerate(page.cards))
    strip = '<div style="margin-top:12px">{{ embed(roots.strip) }}</div>' if page.controls else ""
    return f"""{{% extends base %}}
{{% block title %}}{{{{ page_title }}}}{{% endblock %}}
{{% block postamble %}}
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>{{{{ style }}}}</style>
{{% endblock %}}
{{% block contents %}}
<header class="top"><a class="mark" href="./">{_MARK}Streaming workbench</a>
<nav aria-label="Pages">{nav}</nav>
<div class="controls">{{{{ embed(roots.head) }}}}</div></header>
<main><div class="head"><h1>{html.escape(page.title)}</h1><p>{html.escape(page.question)}</p></div>
{{{{ embed(roots.top) }}}}
{strip}
<div class="grid">{cards}</div></main>
{{% endblock %}}"""


def _card_html(number: int, card: Card) -> str:
    parts = card.legend
    if isinstance(card.body, LivePlot) and not parts and card.body.legend:
        parts = legend(card.body.legend)
    extra = (
        f"{{{{ embed(roots.extra{number}) }}}}"
        if card.extra is not None
        else f'<div class="legend">{parts}</div>'
    )
    note = f'<p class="note">{html.escape(card.note)}</p>' if card.note else ""
    figure = 'role="img" ' if isinstance(card.body, LivePlot) else ""
    return (
        f'<section class="card" style="grid-column:span {card.span};grid-row:span {card.rows}"><header>'
        f"<h2>{html.escape(card.title)}</h2>{extra}</header>{note}"
        f'<div {figure}aria-label="{html.escape(card.title)}">'
        f"{{{{ embed(roots.card{number}) }}}}</div></section>"
    )
