"""What sessions leave behind is handed back to the system, some time after they have left.

A session is some ten thousand objects that refer to each other in circles. Python finds them when it looks at
all that there is, which a served process does here and nowhere else; and it hands memory back by the
megabyte, of which none may be in use, so what is computed and nobody asks for any more goes first.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Collection
from contextlib import suppress

from workbench.time import SECOND, Clock, SystemClock
from workbench.views.service import Service
from workbench.views.versions import UNASKED

QUIET = (UNASKED + 1) * SECOND
"""Nanoseconds after the last session has left: by then what was computed for it has been let go."""
LONGEST = 10 * QUIET
"""Where others leave all the time, so long after the last time at most."""
SELDOM = 3600 * SECOND
"""So long after the last time although nobody has left: with thirty sessions it takes more than a second."""


class Tidying:
    """Sees sessions leave, and tidies up after them.

    Parameters
    ----------
    sessions : callable
        Gives the identifiers of the sessions that there are.
    service : Service
        Whose feeds let go what was computed for them.
    clock : Clock, optional
        Tells how long ago that was.
    """

    def __init__(
        self, sessions: Callable[[], Collection[str]], service: Service, clock: Clock | None = None
    ) -> None:
        self._sessions, self._service, self._clock = sessions, service, clock or SystemClock()
        self._here: set[str] = set()
        self._left: int | None = None
        self._tidied = self._clock.now()

    def look(self) -> bool:
        """Look who has left; tells whether it was time to tidy up, during which all else waits."""
        now, here = self._clock.now(), set(self._sessions())
        if self._here - here:
            self._left = now
        self._here = here
        have_left = self._left is not None and now - self._left >= QUIET
        if not have_left and now - self._tidied < (SELDOM if self._left is None else LONGEST):
            return False
        self._left, self._tidied = None if have_left else self._left, now
        for feed in self._service.feeds.values():
            feed.let_go()
        gc.collect()
        trim()
        return True


def trim() -> None:
    """Hand what is free back to the system, where the C library can do so, as that of Linux."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
