"""What one browser session looks at: the present or a moment before, how far back, which rows, which choices.

A scope asks the feed that all sessions share, and what it is given is computed once for all sessions that
look at the same; the run goes on as it does. It is written in the address of the page, and read from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from workbench.errors import WorkbenchError
from workbench.model.panes import WINDOW_END
from workbench.runtimes.readings import Lens
from workbench.runtimes.run import Run
from workbench.runtimes.trace import Metrics
from workbench.time import moment_of
from workbench.views.bound import Values
from workbench.views.service import Feed

RANGES: Mapping[str, str] = {
    "2min": "2 min", "5min": "5 min", "10min": "10 min", "30min": "30 min", "1h": "1 h",
}  # fmt: skip
"""How far back may be looked, and how that is said."""
ARRIVAL = "arrival_time"


class Scope:
    """What one session looks at; it has the questions of `Feed`, and answers for what it looks at.

    Parameters
    ----------
    feed : Feed
        What all sessions share.
    filters : mapping of str to sequence of str
        By column: the values that it can be filtered by.
    choices : mapping of str to sequence of str
        By name: what can be chosen; the first is chosen at first.
    last : str
        How far back at first, one of `RANGES`.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        choices: Mapping[str, Sequence[str]] | None = None,
        last: str = "10min",
    ) -> None:
        self.feed = feed
        self.filters, self.choices = dict(filters or {}), dict(choices or {})
        self.at: int | None = None
        self.last = self._usual = last
        self.only: dict[str, str] = {}
        self.chosen = {name: values[0] for name, values in self.choices.items()}
        self.version = 0

    @property
    def name(self) -> str:
        """The feed's name."""
        return self.feed.name

    @property
    def run(self) -> Run:
        """The run that all sessions share."""
        return self.feed.run

    @property
    def key(self) -> tuple[Any, ...]:
        """What is the same for sessions that look at the same; choices are left to who makes use of them."""
        return self.at, self.last, tuple(sorted(self.only.items()))

    def set(self, name: str, value: str) -> bool:
        """Look at something else; tells whether that can be: a range, a moment, a filter or a choice.

        Parameters
        ----------
        name : str
            ``last``, ``at``, a column of `filters` or a name of `choices`.
        value : str
            For ``at`` a moment of processing time, ``live``, or seconds from where it is, as ``-60``; for a
            column a value, or nothing for all.
        """
        if name == "last" and value in RANGES:
            self.last = value
        elif name == "at":
            if not self._go(value):
                return False
        elif name in self.filters and (not value or value in self.filters[name]):
            self.only = {column: held for column, held in self.only.items() if column != name}
            self.only |= {name: value} if value else {}
        elif name in self.choices and value in self.choices[name]:
            self.chosen[name] = value
        else:
            return False
        self.version += 1
        return True

    def obey(self, name: str, value: str) -> bool:
        """Do what a list or a button says; tells whether it is one of these."""
        return self.set(name, value)

    def toggle(self, column: str, value: str) -> bool:
        """Show only the rows with a value, or all again if that is so already."""
        return self.set(column, "" if self.only.get(column) == value else value)

    def _go(self, value: str) -> bool:
        """Go to a moment between the first that is kept and the present; the present is live."""
        now, marks = self.run.now, self.run.trace.marks
        try:
            if value == "live":
                moment = now
            elif value[:1] in "+-":
                moment = (now if self.at is None else self.at) + int(value) * 1_000_000_000
            else:
                moment = moment_of(value, day=now)
        except (ValueError, TypeError, WorkbenchError):
            return False
        self.at = max(moment, marks[0].moment) if marks and moment < now else None
        return True

    def read(self, arguments: Mapping[str, Sequence[bytes]]) -> None:
        """Look at what an address says, as far as there is such a thing."""
        for name, values in arguments.items():
            self.set(name, values[-1].decode("utf-8", "replace"))

    def address(self, **more: str) -> str:
        """Give what is looked at as the query of an address; what is usual is not said.

        Examples
        --------
        >>> scope = Scope(None, filters={"country": ["FR"]}, choices={"symbol": ["ALBA", "FARO"]})
        >>> scope.set("country", "FR"), scope.set("symbol", "FARO"), scope.set("country", "<script>")
        (True, True, False)
        >>> scope.address(theme="dark")
        '?country=FR&symbol=FARO&theme=dark'
        """
        said = dict(self.only)
        said |= {name: value for name, value in self.chosen.items() if value != self.choices[name][0]}
        if self.last != self._usual:
            said["last"] = self.last
        if self.at is not None:
            said["at"] = pd.Timestamp(self.at).ceil("ms").isoformat()
        said |= {name: value for name, value in more.items() if value}
        return f"?{urlencode(said)}" if said else ""

    def metrics(self) -> Metrics:
        """Tell how the run is doing, or did then."""
        if self.at is None:
            return self.feed.metrics()
        return self.then.metrics()

    @property
    def then(self) -> Run:
        """The run as it was at the moment that is looked at; what others see of it stays."""
        then = copy(self.run)
        then.lens = Lens(self.at)
        return then

    def in_time(self, result: str) -> float:
        """Give the share of rows that came to a result in time; of the past, to all results."""
        if self.at is None:
            return self.feed.in_time(result)
        then = self.metrics()
        return 1 - (then.late + then.rejected) / max(then.rows, 1)

    def closed(self, result: str) -> pd.DataFrame:
        """Give the latest pane of each closed window and key."""
        if self.at is None:
            return self._filtered(("closed", result), lambda: self.feed.closed(result), of=[result])
        at = self.at
        return self._filtered(("closed", result), lambda: self.run.panes(result, at=at), of=[result])

    def panes(self, result: str, *, last: str = "") -> pd.DataFrame:
        """Give the panes of the last while, by event time, with those of open windows if live."""
        last = last or self.last
        if self.at is None:
            return self._filtered(("panes", result, last), lambda: self.feed.panes(result, last=last))

        def recent() -> pd.DataFrame:
            panes = self.closed(result)
            return (
                panes[panes[WINDOW_END] > panes[WINDOW_END].max() - pd.Timedelta(last)]
                if len(panes)
                else panes
            )

        return self.once(("panes", result, last), recent)

    def among(self, result: str, column: str, values: Sequence[str]) -> Sequence[str]:
        """Give those of a column's values that the filters leave."""
        if not self.only:
            return values
        closed = self.closed(result)
        return closed[column].astype(str).unique().tolist() if len(closed) else []

    def events(self) -> pd.DataFrame:
        """Give the last events that arrived, the newest first, as far as they are kept."""

        def told() -> pd.DataFrame:
            events = self.feed.events()
            if self.at is not None and ARRIVAL in events:
                events = events[events[ARRIVAL] <= pd.Timestamp(self.at)]
            return self.shown(events)[::-1]

        return self.once("events", told)

    def once(self, key: Any, make: Callable[[], Any], *, every: float = 0.0, of: Sequence[str] = ()) -> Any:
        """Give what a function makes, once for all sessions that look at the same; see `Feed.once`."""
        return self.feed.once((self.key, key), make, every=every, of=of)

    def said(
        self, key: Any, make: Callable[[], Mapping[str, Any]], *, every: float = 0.0, of: Sequence[str] = ()
    ) -> Values:
        """Give the values that a function makes for parts of pages, as `once` does."""
        return self.feed.said((self.key, key), make, every=every, of=of)

    def _filtered(
        self, key: Any, make: Callable[[], pd.DataFrame], *, of: Sequence[str] = ()
    ) -> pd.DataFrame:
        if not self.only and self.at is None:
            return make()
        frame: pd.DataFrame = self.once(key, lambda: self.shown(make()), of=of)
        return frame

    def shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the rows of a frame that the filters leave."""
        for column, value in self.only.items():
            if column in frame:
                frame = frame[(frame[column].astype(str) == value).to_numpy()]
        return frame
