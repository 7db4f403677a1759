"""A page: header with controls, key figures, cards with plots, alerts, and how the run is doing.

A page belongs to one browser session. It only reads the feed, shows what is new soon after it has come, some
four times a second, and waits while the browser has not drawn the last: frames are dropped, events never, and
no frame grows old in a queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import panel as pn

from workbench.errors import WorkbenchError
from workbench.runtimes.pace import Speed
from workbench.time import SECOND, SystemClock, timestamp
from workbench.views import export, markup, rounds, strip, theme, words
from workbench.views.alerts import Alerts
from workbench.views.bound import Bound, Values
from workbench.views.credit import Credit
from workbench.views.drawer import Drawer
from workbench.views.live import Drawn, LivePlot, Tables
from workbench.views.pagecard import Card
from workbench.views.parts import kpis as kpis  # pages are described with these three
from workbench.views.parts import legend as legend
from workbench.views.parts import table as table
from workbench.views.planepart import modules
from workbench.views.scope import Scope
from workbench.views.service import Feed
from workbench.views.strip import strip_values
from workbench.views.whole import Whole
from workbench.views.wire import Wire, heard, listen

FRAME = SECOND // 5
"""Nanoseconds from one frame to the next, on average at least; a run has some four batches a second."""
BEHIND = 30
"""Seconds of processing time that a run may be behind and still be called live without more words."""
_LOG = logging.getLogger(__name__)
SPEEDS: Sequence[Speed] = (1, 10, 60, "max")
PLACES = (("", "Home"), ("clickstream", "Store pulse"), ("trading", "Tape"), ("sensors", "City"))
SCRIPTS = ("page.js", "drawer.js", "wire.js")
STEPS = {"back": "-60", "on": "+60", "live": "live"}
"""What the buttons say that look back."""


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
        Shows what is new and no card shows by itself; called when there is something.
    controls : bool
        Whether it acts on a run.
    places : sequence of (str, str)
        The navigation: addresses and words.
    scope : Scope, optional
        What the session looks at; without one there is nothing to choose.
    alerts : Alerts, optional
        What needs somebody.
    board : module, optional
        Of the dashboard, for the notebook that rebuilds the view.
    act : callable, optional
        Is given the name and value of a command that the page does not know.
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
    places: Sequence[tuple[str, str]] = PLACES
    scope: Scope | None = None
    alerts: Alerts | None = None
    board: Any = None
    act: Callable[[str, str], None] | None = None

    def __post_init__(self) -> None:
        self._clock = SystemClock()
        self._seen: Any = None
        self._document = pn.state.curdoc
        self._met = False
        self._troubles: dict[str, str] = {}
        self._last_beat = self._rest_until = 0
        self.theme = "light"
        self._speeds = _speeds(self.feeds[0].speed)
        self.head = Bound(html=markup.controls_html(self.controls, list(self._speeds)))
        self.strip = Bound(html=strip.MARKUP)
        self.drawer = Drawer()
        self.tools: Bound | None = None
        if self.scope is not None:
            self.tools = Bound(html=markup.tools_html(self.scope, exports=self.board is not None))
            self.read(pn.state.session_args)
        self._show()
        self.head.say(**self._state())
        self.wire = Wire(self._parts(), self._plots(), self._document)
        self._whole = False
        self._listen()

    def read(self, arguments: Mapping[str, Sequence[bytes]]) -> None:
        """Look at what the address of the page says."""
        assert self.scope is not None
        self.scope.read(arguments)
        if self.alerts is not None:
            for kinds in arguments.get("muted", ()):
                self.alerts.muted |= dict.fromkeys(kinds.decode("utf-8", "replace").split(","))
        if b"dark" in arguments.get("theme", ()):
            self._paint("dark")

    def is_due(self) -> bool:
        """Tell whether there is something to show, and the browser keeps up; it costs next to nothing."""
        now = self._clock.now()
        if now < self._rest_until or not self.credit.allows(self.wire.ack, now):
            return False
        return now - self._last_beat >= SECOND or self._version() != self._seen

    def tick(self, *, at_once: bool = False) -> None:
        """Show what is new, if there is something and the browser keeps up; or at once."""
        if self._unseen() or not (at_once or self.is_due()):
            return
        now, seen = self._clock.now(), self._version()
        if seen != self._seen:
            self._show()
        self.head.say(**self._state())
        self.wire.send(self.credit.spend(now), whole=self._whole)
        self._whole = False
        self._seen, self._last_beat = seen, now
        self.feeds[0].pushes.add((self._clock.now() - now) / SECOND)
        self._rest_until = max(self._rest_until + FRAME, now)

    def view(self) -> Any:
        """Give the page as a Panel template, its periodic look at the feed started."""
        template = Whole(self.markup(), self._figures())
        template.add_variable("page_title", f"{self.title} · streaming workbench")
        template.add_variable("style", theme.stylesheet())
        template.add_variable("script", "".join(map(theme.script, SCRIPTS)))
        template.add_variable("modules", modules(self.wire.parts.values()))
        template.add_variable("frame", self.wire.told.replace("<", "\\u003c"))  # it stands in a script
        for number, card in enumerate(self.cards):
            if not isinstance(card.body, Bound | LivePlot | tuple):
                template.add_panel(f"card{number}", card.body)
        if self._document is not None:
            rounds.join(self, self._document)
        return template

    def _figures(self) -> dict[str, Any]:
        """Give the figures by their places in the page."""
        figures: dict[str, Any] = {}
        for number, card in enumerate(self.cards):
            if isinstance(card.body, LivePlot):
                figures[f"card{number}"] = card.body.figure
            elif isinstance(card.body, tuple):
                figures |= {f"card{number}x{at}": figure for at, figure in enumerate(card.body)}
        return figures

    def _parts(self) -> dict[str, Bound]:
        """Give the parts with live values by their places in the page."""
        parts = {"head": self.head, "top": self.top}
        parts |= {"strip": self.strip} if self.controls else {}
        parts |= {"tools": self.tools, "drawer": self.drawer} if self.tools is not None else {}
        for number, card in enumerate(self.cards):
            named = {"card": card.body, "extra": card.extra, "below": card.below}
            parts |= {f"{name}{number}": part for name, part in named.items() if isinstance(part, Bound)}
        return parts

    def _plots(self) -> dict[str, Drawn]:
        """Give what is drawn from tables, by its place in the page."""
        plots: dict[str, Drawn] = {}
        for number, card in enumerate(self.cards):
            plots |= {f"card{number}": card.plot} if card.plot is not None else {}
            plots |= {f"further{number}x{at}": drawn for at, drawn in enumerate(card.further)}
        return plots

    def refresh(self) -> None:
        """Show everything at once, as after a choice of what is to be seen."""
        self._seen, self._rest_until = None, 0
        self.tick(at_once=True)

    def markup(self) -> str:
        """Give the page's HTML, as a Jinja template whose ``embed`` puts the live parts in."""
        return markup.template(self)

    def obey(self, name: str, value: str) -> None:
        """Do what a button or a list says."""
        if name in ("pause", "speed"):
            self._drive(name, value)
        elif name == "theme" and value in ("light", "dark"):
            self._paint(value)
        elif name == "close":
            self.drawer.close()
        elif name == "whole":
            self._whole = True
        elif name in ("data", "csv", "notebook", "events"):
            self._take(name, value)
        elif name == "filter" and self.scope is not None:
            self.scope.toggle(*value.partition("=")[::2])
        elif not self._known(name, value) and self.act is not None:
            self.act(name, value)
        self.refresh()

    def _known(self, name: str, value: str) -> bool:
        """Let the scope or the alerts do what is said; tells whether it is theirs."""
        return any(part is not None and part.obey(name, value) for part in (self.scope, self.alerts))

    def _listen(self) -> None:
        """Hear what the browser says, and clicks on bars."""
        if self._document is not None:
            listen(self._document, self.hear)
        for card in self.cards:
            if card.filter and card.plot is not None and card.plot.picks:
                card.plot.figure.on_event("tap", self._picker(card.filter, card.plot.categories or ()))

    def _picker(self, column: str, names: Sequence[str]) -> Callable[[Any], None]:
        def picked(event: Any) -> None:
            place = round(event.y)
            if 0 <= place < len(names):
                self.obey("filter", f"{column}={names[place]}")

        return picked

    def hear(self, message: Any) -> None:
        """Take what the browser says: which frame it has drawn, or what a button or a list says."""
        if isinstance(message, int):
            self.wire.ack = message
            return
        said = heard(message)
        part = self.wire.parts.get(said["part"])
        obey = self.obey if part is None or part.obey is None else part.obey
        obey(said["name"], said["value"])
        if obey != self.obey:
            self.refresh()

    def _version(self) -> Any:
        feeds = tuple((feed.look(), feed.run.speed) for feed in self.feeds)
        if self.scope is None:
            return feeds
        status = self.feeds[0].run.status, self.feeds[0].run.speed, len(self.feeds[0].acknowledged)
        return (self.scope.version, *(status if self.scope.at is not None else (feeds, status)))

    def _show(self) -> None:
        """Bring all up to date: cards, then key figures, which may be of what cards show; alerts, health."""
        tab = self._tab
        for card in self.cards:
            if card.tab in ("", tab):
                self._attempt(card.title, partial(self._draw, card))
        self._attempt("Key figures", self.update)
        if self.alerts is not None:
            self._attempt("Alerts", self.alerts.update)
        if self.controls:
            told = strip_values(self.scope or self.feeds[0])
            trouble = told["trouble"] or "\n".join(self._troubles.values())
            self.strip.show(told if trouble == told["trouble"] else Values(told, trouble=trouble))

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        """Bring a part up to date; if it cannot be, a served page says so, and its other parts go on."""
        try:
            act()
            self._troubles.pop(what, None)
        except Exception as error:
            if self._document is None:
                raise
            if what not in self._troubles:
                _LOG.exception("%s: %s", self.title, what)
            told = error.what if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
            self._troubles[what] = f"{what}: {told}"

    def _draw(self, card: Card) -> None:
        """Show what is new in a card; what is to be seen is worked out once for all who look at the same."""
        if card.update is not None:
            card.update()
        plot, data = card.plot, card.data
        if plot is None or data is None:
            return
        chosen = () if self.scope is None else tuple(self.scope.chosen.items())
        asked = self.scope or self.feeds[0]
        key = ("card", self.name, card.title, chosen)
        plot.show(asked.once(key, lambda: Tables(plot.shape(data())), every=card.every, of=card.of))

    @property
    def _tab(self) -> str:
        return "" if self.scope is None else self.scope.chosen.get("tab", "")

    def _unseen(self) -> bool:
        """Tell whether the browser has gone; Bokeh keeps its session for a while, in case it comes back."""
        context = None if self._document is None else self._document.session_context
        if context is not None and self.wire.ack < 0:
            return True  # the page is not there yet
        connections = getattr(getattr(context, "session", None), "connection_count", None)
        self._met |= bool(connections)
        return self._met and connections == 0

    def _state(self) -> dict[str, Any]:
        if not self.controls:
            live = sum(feed.run.status == "running" for feed in self.feeds)
            status = "running" if live else "paused"
            return {"state": f"{live} OF {len(self.feeds)} LIVE", "status": status}
        run, scope = self.feeds[0].run, self.scope
        metrics = (scope or self.feeds[0]).metrics()
        state, status = {"running": "LIVE"}.get(run.status, run.status.upper()), run.status
        if self.feeds[0].warming:
            state = "WARMING UP"
        if scope is not None and scope.at is not None:
            state, status = f"PAST {words.clock(timestamp(scope.at))}", "past"
        if self.tools is not None and scope is not None:
            filters = dict.fromkeys(scope.filters, "") | scope.only
            self.tools.say(last=scope.last, past=scope.at is not None, **filters, **scope.chosen, **STEPS)
        held = run.status != "running" and status != "past"
        behind = run.behind / SECOND if status == "running" else 0
        return {
            "state": state,
            "status": status,
            "age": words.seconds(run.course.since) if held else _behind(behind),
            "event": words.clock(metrics.watermark),
            "processing": words.clock(metrics.now),
            "button": "Resume" if run.status == "paused" else "Pause",
            "speed": _spelled(self.feeds[0].speed),
            "over": not run.over,
            "only": {} if scope is None else scope.only,
            "tab": self._tab,
        } | ({} if scope is None else {"address": self.address()})

    def address(self) -> str:
        """Give the query with which somebody else sees what is seen here."""
        if self.scope is None:
            return ""
        muted = ",".join(self.alerts.muted) if self.alerts is not None else ""
        return self.scope.address(theme="dark" if self.theme == "dark" else "", muted=muted)

    def _drive(self, name: str, value: str) -> None:
        """Act on the run that all sessions share."""
        run = self.feeds[0].run
        if run.over or not self.controls or self.feeds[0].warming:
            return
        if name == "pause":
            run.pause() if run.status == "running" else run.resume()
        elif value in self._speeds:
            run.speed = self._speeds[value]

    def _paint(self, chosen: str) -> None:
        """Let the figures have the colours of a light or dark page; the style sheet does the rest."""
        if chosen != self.theme:
            self.theme = chosen
            for card in self.cards:
                for figure in card.figures:
                    theme.paint(figure, dark=chosen == "dark")

    def _take(self, name: str, value: str) -> None:
        """Show or hand over what is asked for: the table behind a chart, raw events, the notebook."""
        if self.scope is None:
            return
        if name == "events":
            events = self.scope.events()
            filters = ", ".join(f"{column} = {held}" for column, held in self.scope.only.items())
            note = f"of the last {len(events):,} that are kept, the newest first"
            note += f"; {filters}" if filters else ""
            self.drawer.open("Raw events", events, note)
        elif name == "notebook" and self.board is not None:
            text = export.notebook(self.board, self.scope, self.address())
            self.drawer.hand_over(f"{self.name}.ipynb", export.NOTEBOOK, text)
        elif value.isdecimal() and int(value) < len(self.cards):
            card = self.cards[int(value)]
            if card.data is None:
                return
            if name == "data":
                self.drawer.open(card.title, card.data(), newest_last=True)
            else:
                self.drawer.hand_over(f"{card.title}.csv", export.CSV, export.csv(card.data()))


def _spelled(speed: Speed) -> str:
    return speed if isinstance(speed, str) else f"{speed:g}"


def _speeds(own: Speed) -> dict[str, Speed]:
    """Give what can be chosen, by how it is spelled: the usual speeds, and the one that the run has."""
    speeds = {_spelled(speed): speed for speed in (*SPEEDS, own)}
    return dict(sorted(speeds.items(), key=lambda each: float("inf") if each[1] == "max" else each[1]))


def _behind(seconds: float) -> str:
    """Say how far a run is behind its sources, once that is more than the usual."""
    return f"{words.seconds(seconds)} behind" if seconds > BEHIND else ""
