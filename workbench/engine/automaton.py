"""A pattern as an automaton: in each state the options of how a run may go on.

A state says which stage a run is in and how many rows it has taken there (no further than it matters). An
*option* leads to the row of a stage, and says what must not lie between the last row of the run and that row.
Which row an option takes depends on nothing but the run's last row and the rows after it, so a run waits for
each of its options separately, and goes from one relevant row straight to the next.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from workbench.model.patterns import Pattern

END: Final = -1
STRICT, RELAXED, ANY = range(3)
_KINDS = {
    "next": STRICT, "followed_by": RELAXED, "followed_by_any": ANY,
    "strict": STRICT, "relaxed": RELAXED, "relaxed_any": ANY,
}  # fmt: skip


@dataclass(frozen=True)
class Option:
    """One way for a run to go on.

    Parameters
    ----------
    target : int
        Place of the stage that takes the row; `END` if the pattern ends here, after negations.
    state : int
        The state that this leads to.
    kind : int
        Where the row may lie: the very next, the next that fits, any that fits.
    block : int
        Bits of the stages that no row may fit after the run's last row, up to the one taken, inclusive.
    first : int
        Bits of the stages that the very next row may not fit.
    """

    target: int
    state: int
    kind: int
    block: int
    first: int


class Automaton:
    """The states and options of a pattern, in arrays; state 0 is that before the first row.

    In a row pattern the options of a state are in order of preference, and end where the pattern may.

    Examples
    --------
    >>> from workbench.model.patterns import begin
    >>> automaton = Automaton(begin("a").not_followed_by("b").followed_by("c", times=(1, 2)))
    >>> automaton.accepts.tolist(), automaton.count.tolist()
    ([False, False, True, True], [1, 1, 1, 0])
    """

    def __init__(self, pattern: Pattern) -> None:
        self.stages, self.ordered = pattern.stages, pattern.ordered
        self._state: dict[int, int] = {}
        states: list[tuple[int, int]] = []
        for place, stage in enumerate(self.stages):
            if not stage.negated:
                self._state[place] = len(states) + 1
                states += [(place, taken + 1) for taken in range(stage.most or stage.least)]
        found = [self._after(0), *(self._options(*state) for state in states)]
        kept = [self._kept(options) for options in found]
        self.accepts = np.array([accepts for _, accepts in kept])
        self.count = np.array([len(options) for options, _ in kept])
        self.begin = np.cumsum(self.count) - self.count
        self.depends = [place for place, stage in enumerate(self.stages) if stage.depends]
        self._arrays([option for options, _ in kept for option in options])

    def _arrays(self, options: list[Option]) -> None:
        """Keep the options as arrays."""
        self.target, self.state, self.kind, self.block, self.first = np.array(
            [(each.target, each.state, each.kind, each.block, each.first) for each in options], dtype=np.int64
        ).T
        self.need = np.where(self.target >= 0, 1 << np.maximum(self.target, 0), 0)
        self.search = self.need | self.block
        self.asks = self.search | self.first
        bits = sum(1 << place for place in self.depends)
        # with a condition that depends on the run, or with the very next row only, every row is looked at
        self.each = (self.kind == STRICT) | ((self.asks & bits) != 0)

    def _options(self, place: int, taken: int) -> list[Option]:
        """Give the options of a run that has taken so many rows of a stage."""
        stage = self.stages[place]
        more = stage.most is None or taken < stage.most
        state = self._state[place] + min(taken + 1, stage.most or stage.least) - 1
        again = [Option(place, state, _KINDS[stage.inner], self._forbidden(place), 0)] if more else []
        if taken < stage.least:
            return again
        onward = self._after(place + 1, self._greed(place) if more else 0)
        return again + onward if stage.greedy or not self.ordered else onward + again

    def _after(self, place: int, block: int = 0, never: int = 0, first: int = 0) -> list[Option]:
        """Give the options to go on behind a stage; ``never`` are the stages that must not follow."""
        if place == len(self.stages):
            if not self.stages[-1].negated:  # the end is past an optional stage, for which alone it was said
                never = 0
            return [Option(END, 0, STRICT if not never else ANY, never, first)]
        stage = self.stages[place]
        if stage.negated:
            next_only = stage.contiguity == "not_next"
            return self._after(
                place + 1, block, never | (0 if next_only else 1 << place), first | (next_only << place)
            )
        take = [Option(place, self._state[place], _KINDS[stage.contiguity], block | never, first)]
        if not stage.optional:
            return take
        skip = self._after(place + 1, block | self._greed(place), never, first)
        return skip + take if self.ordered and not stage.greedy else take + skip

    def _forbidden(self, place: int) -> int:
        """Give the stages that must not follow one: from its first row on, so between its rows too."""
        behind = itertools.takewhile(
            lambda each: self.stages[each].negated, range(place + 1, len(self.stages))
        )
        return sum(1 << each for each in behind if self.stages[each].contiguity == "not_followed_by")

    def _greed(self, place: int) -> int:
        return 1 << place if self.stages[place].greedy and not self.ordered else 0

    def _kept(self, options: list[Option]) -> tuple[list[Option], bool]:
        """Take the plain end out of some options, and in a row pattern what is less preferred than it."""
        ends = [place for place, option in enumerate(options) if option.target == END]
        plain = [place for place in ends if not (options[place].block or options[place].first)]
        if not plain:
            return options, False
        rest = [] if self.ordered else options[plain[0] + 1 :]
        return options[: plain[0]] + rest, True
