"""When there is something new to see of a run, and what is worked out of it, once for all who look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.time import SECOND, Clock

Version = tuple[int, str]
"""How often the trace of a run has changed, and the status of the run."""

BEAT = SECOND * 3 // 20
"""Nanoseconds from one version of a running feed to the next, at least: however quickly batches come when a
run catches up, what they led to is worked out once for all who look."""
SHARE = 0.4
"""Of the time of the process, what working out may take: where it would take more, versions last longer, up
to half a second. So many pages at once get slower together, where each would see a version of its own."""
ENOUGH = SECOND // 25
"""Nanoseconds of work for one version after which what is seldom made waits for another, if it can."""
SAVED = SECOND
"""Nanoseconds of which that share may be saved up, for a version that costs more than others."""
UNASKED = 20
"""Seconds that a thing is held for which nobody has asked."""
HELD = 600
"""How many things are held; sessions that look at different pasts need many."""


class Effort:
    """How many nanoseconds the feeds of this process have spent on working out what is seen."""

    total = 0


EFFORT = Effort()


class Versions:
    """The versions of a run that are shown: each as soon as there is one, but not oftener than `BEAT`.

    Parameters
    ----------
    clock : Clock
        Tells how long a version has been shown.
    effort : Effort
        What working out has taken so far, of which versions get no more than `SHARE`.
    """

    def __init__(self, clock: Clock, effort: Effort = EFFORT) -> None:
        self._clock, self._effort = clock, effort
        self._shown, self._since = (-1, ""), 0
        self._earned = self._before = 0

    @property
    def costly(self) -> bool:
        """Whether much has been worked out already since this version is shown."""
        return self._effort.total - self._before > ENOUGH

    def show(self, version: Version) -> Version:
        """Give what is shown of a run that has come to a version: that one, or still the one before."""
        now, taken = self._clock.now(), int(self._effort.total / SHARE)
        earned = self._earned + taken  # the moment at which working out has had no more than its share
        lasts = max(BEAT, min(earned - self._since, SECOND // 2))
        lasting = version[1] == self._shown[1] == "running" and 0 <= now - self._since < lasts
        if version != self._shown and not lasting:  # clocks of machines go back at times
            self._shown, self._since, self._before = version, now, self._effort.total
            self._earned = min(max(earned, now - SAVED), now) - taken
        return self._shown


@dataclass(slots=True)
class Held:
    """A thing that was worked out: of which version, when, and when it was last asked for."""

    version: Version
    panes: tuple[int, ...]
    """The versions of the results of whose closed panes it is made, if that is all."""
    aged: bool
    """Whether something that it is made of was at rest, and older than itself."""
    made: int
    asked: int
    value: Any

    def is_new(self, version: Version, panes: tuple[int, ...]) -> bool:
        """Tell whether it would be the same if it were made now."""
        return self.version == version or (self.panes == panes != () and not self.aged)


class Once:
    """What is worked out once a version, whoever asks; it is held until nobody has asked for a while.

    Parameters
    ----------
    clock : Clock
        Tells how old things are, and what they cost.
    effort : Effort
        Where that is noted.
    """

    def __init__(self, clock: Clock, effort: Effort = EFFORT) -> None:
        self._clock, self._effort = clock, effort
        self._held: dict[Any, Held] = {}  # that for which nobody has asked the longest comes first
        self._making = self._aged = False  # the latter if something that it is made of is at rest

    def give(
        self,
        key: Any,
        make: Callable[[], Any],
        *,
        version: Version,
        panes: tuple[int, ...] = (),
        rest: float = 0,
    ) -> Any:
        """Give what a function makes, which rests for some nanoseconds although there is a new version.

        What is made of nothing but closed panes is told by the versions of the results that they are of: it
        is held until there are further ones.
        """
        now, held = self._clock.now(), self._held.pop(key, None)
        if held is None or not (held.is_new(version, panes) or 0 <= now - held.made < rest):
            value, aged = self._make(make)
            held = Held(version, panes, aged, now, now, value)
        self._aged |= held.aged or not held.is_new(version, panes)
        self._held[key], held.asked = held, now
        if len(self._held) > HELD:
            del self._held[next(iter(self._held))]
        return held.value

    def let_go(self) -> list[Any]:
        """Let go what nobody has asked for lately; gives the keys."""
        asked, keys = self._clock.now() - UNASKED * SECOND, []
        while self._held and next(iter(self._held.values())).asked < asked:
            keys.append(next(iter(self._held)))
            del self._held[keys[-1]]
        return keys

    def _make(self, make: Callable[[], Any]) -> tuple[Any, bool]:
        """Make something; tells also whether something that it is made of is at rest."""
        around, begun = (self._making, self._aged), self._clock.now()
        self._making, self._aged = True, False
        try:
            value = make()
            return value, self._aged
        finally:
            self._making, self._aged = around
            if not self._making:
                self._effort.total += max(self._clock.now() - begun, 0)
