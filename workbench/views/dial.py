"""One thing that can be turned: what it stands at, what it can be turned to, and what a browser is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import DescriptionError

SLIDER, CHOICE, SWITCH, SEVERAL = "slider", "choice", "switch", "several"


@dataclass(frozen=True, kw_only=True, eq=False)
class Dial:
    """Something that can be turned.

    Parameters
    ----------
    name : str
        Of its own among all.
    group, label, hint : str
        Under which heading it stands, what it is called, and what it does.
    kind : str
        ``slider``, ``choice``, ``switch`` or ``several``.
    steps : sequence of (str, value)
        What it can be turned to, in words; of a slider in order.
    read : callable
        Gives what it stands at.
    turn : callable
        Turns it; gives what `Run.change` gives, or nothing.
    words : callable
        Says what it stands at.
    """

    name: str
    group: str
    label: str
    hint: str
    kind: str
    steps: Sequence[tuple[str, Any]]
    read: Callable[[], Any]
    turn: Callable[[Any], Any]
    words: Callable[[Any], str] = str

    def told(self) -> dict[str, Any]:
        """Give what the browser shows of it: ``at`` is its place among the steps."""
        value = self.read()
        told = {"name": self.name, "group": self.group, "label": self.label, "hint": self.hint}
        told |= {"kind": self.kind, "words": self.words(value)}
        return {**told, "steps": [words for words, _ in self.steps], "at": self._at(value)}

    def value(self, at: Any) -> Any:
        """Give what is at a place among the steps."""
        return self.steps[at][1]

    def _at(self, value: Any) -> Any:
        """Give the place of a value among the steps, on a slider that of the nearest."""
        values = [each for _, each in self.steps]
        if self.kind == SLIDER:
            return int(np.argmin(np.abs(np.array(values, dtype=float) - float(value))))
        return values.index(value) if value in values else -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Several(Dial):
    """A list of which several are chosen; it shifts as the run goes on, so each has an id and not a place.

    Parameters
    ----------
    known : callable
        Gives all values that may be meant: what was on the list may have gone from it.
    """

    known: Callable[[], Iterable[Any]]

    def told(self) -> dict[str, Any]:
        """Give what the browser shows of it: ``at`` are the ids of those that are chosen."""
        return super().told() | {"ids": [repr(value) for _, value in self.steps]}

    def value(self, at: Any) -> Any:
        """Give the values with some ids."""
        known = {repr(value): value for value in self.known()}
        if gone := [each for each in at if each not in known]:
            raise DescriptionError(
                f"no {self.label} {', '.join(gone)} has come out lately", hint="choose among those of now"
            )
        return [known[each] for each in at]

    def _at(self, value: Any) -> Any:
        return [repr(each) for _, each in self.steps if each in value]
