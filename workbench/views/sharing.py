"""One pipeline a process for what a script or notebook serves, although it is run anew for each session.

Panel runs a served script once for every browser session. The first session starts the pipeline of each of
its dashboards; those that come later describe the same pipeline again, and are given the one that runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn

from workbench.model.stream import EventStream
from workbench.runtimes.registry import start
from workbench.views.service import Feed, Service

SHARED = Service([])
"""The feeds of all dashboards that scripts and notebooks of this process serve."""

Place = tuple[Any, int, tuple[str, ...]]
"""The application of a server, the number of a dashboard in it, and the names of its results."""

_feeds: dict[Place, tuple[str, SharedFeed]] = {}
_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


class SharedFeed(Feed):
    """The pipeline of a dashboard of one's own.

    Parameters
    ----------
    name : str
        Of the dashboard, and of its run.
    streams : sequence of EventStream
        The results; no two of one name.
    options : mapping
        Of `workbench.start`.
    """

    def __init__(self, name: str, streams: Sequence[EventStream], options: Mapping[str, Any]) -> None:
        super().__init__(name, lambda: {stream.name: stream for stream in streams})
        self._options = dict(options)

    def begin(self) -> None:
        """Start the run on the event loop that is running."""
        self._take(start(*self.streams.values(), name=self.name, **self._options))


def shared_feed(name: str, streams: Sequence[EventStream], options: Mapping[str, Any]) -> SharedFeed:
    """Give the feed of the dashboard that is being served: that which runs, or a new one, begun.

    If the text of a script has changed since, as Panel's ``--dev`` sees to, what ran of it is replaced.
    """
    application, text = _program()
    number = _numbers[pn.state.curdoc] = _numbers.get(pn.state.curdoc, -1) + 1
    place = (application, number, tuple(stream.name for stream in streams))
    held = _feeds.get(place)
    if held is not None and held[0] != text:
        held[1].stop()
        SHARED.feeds.pop(held[1].name, None)
        held = None
    if held is None:
        held = text, SharedFeed(unique(name, SHARED.feeds), streams, options)
        _feeds[place] = held
        SHARED.feeds[held[1].name] = held[1]  # also one that cannot begin: /health says so
    if held[1].begun is None:
        held[1].begin()
    return held[1]


def unique(name: str, taken: Any) -> str:
    """Give a name that is not taken.

    Examples
    --------
    >>> unique("n", {"n", "n 2"})
    'n 3'
    """
    number = 1
    while (name if number == 1 else f"{name} {number}") in taken:
        number += 1
    return name if number == 1 else f"{name} {number}"


def _program() -> tuple[Any, str]:
    """Give the application whose session is being made, and the text of its script."""
    application = pn.state.curdoc.session_context.server_context.application_context.application
    runners = (getattr(handler, "_runner", None) for handler in application.handlers)
    text = next((runner.source for runner in runners if runner is not None), "")
    return application, text
