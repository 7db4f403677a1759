"""The oracle of patterns: searches matches as the definitions have them, row by row, slowly.

For each key it takes the rows that were not late, in the order of event time, ties by arrival. From each row
it tries every way to go on, and asks of each whether the rows in between allow it. Nothing is shared with the
engine but the description of the pattern.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.model.expressions import NAVIGATION, Expression
from workbench.model.patterns import Pattern, Stage
from workbench.testing.compare import Key, keys_of, plain
from workbench.time import NO_WATERMARK, to_nanos

Run = tuple[tuple[int, int], ...]
"""What has matched: (place of the stage, position of the row among those of its key), in order."""

_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": lambda a, b: a / b if b else None, "contains": lambda whole, part: part in whole,
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A match or a timed-out run: its key, (stage, arrival number) of its rows in order, and its measures."""

    key: Key
    rows: tuple[tuple[str, int], ...]
    measures: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class PatternAnswer:
    """What a pattern gives for a whole table.

    Parameters
    ----------
    matches, timed_out : list of Found
        By key, then first row.
    late : dict of int to tuple
        Arrival number -> (by how much it was late, watermark met), both in nanoseconds.
    considered : list of int
        Arrival numbers of the rows that took part.
    """

    matches: list[Found]
    timed_out: list[Found]
    late: dict[int, tuple[int, int]]
    considered: list[int]


def run_pattern_oracle(
    frame: pd.DataFrame, *, pattern: Pattern, time: str, keys: Sequence[str] = (), bound: int
) -> PatternAnswer:
    """Give the answer for a whole table in arrival order, to the end of the stream.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows in arrival order, all with an event time; they are numbered from 1.
    pattern : Pattern
        What a match is.
    time : str
        The event-time column.
    keys : sequence of str
        Key columns; null is a key of its own.
    bound : int
        Nanoseconds that the watermark stays behind the greatest event time so far.

    Examples
    --------
    >>> from workbench.model.patterns import begin
    >>> frame = pd.DataFrame({"t": pd.to_datetime([1, 3, 2], unit="s"), "v": ["a", "c", "b"]})
    >>> pattern = begin("x", "v == 'a'").next("y", "v == 'b'")
    >>> answer = run_pattern_oracle(frame, pattern=pattern, time="t", bound=5_000_000_000)
    >>> answer.matches[0].rows
    (('x', 1), ('y', 3))
    """
    late: dict[int, tuple[int, int]] = {}
    rows_of: dict[Key, list[dict[str, Any]]] = {}
    truths = [_plain_truths(stage, frame) for stage in pattern.stages]
    watermark = NO_WATERMARK
    records = zip(to_nanos(frame[time]).tolist(), keys_of(frame, keys), frame.to_dict("records"), strict=True)
    for position, (moment, key, values) in enumerate(records):
        if moment < watermark:
            late[position + 1] = (watermark - moment, watermark)
        else:
            told = {"moment": moment, "number": position + 1, "truths": [each[position] for each in truths]}
            rows_of.setdefault(key, []).append({"values": values, **told})
        watermark = max(watermark, moment - bound)
    matches, timed_out = [], []
    for key, rows in rows_of.items():
        rows.sort(key=lambda row: row["moment"])  # stable: ties stay in order of arrival
        search = _Search(pattern, rows)
        search.run()
        matches += [search.found(key, run) for run in search.told]
        timed_out += [search.found(key, run) for run in search.timed_out]
    considered = sorted(row["number"] for rows in rows_of.values() for row in rows)
    return PatternAnswer(matches, timed_out, late, considered)


def _plain_truths(stage: Stage, frame: pd.DataFrame) -> list[Any]:
    """Ask a condition of each row that is no expression; None where it is one."""
    if stage.where is True or isinstance(stage.where, Expression):
        return [None if isinstance(stage.where, Expression) else True] * len(frame)
    found = frame.eval(stage.where) if isinstance(stage.where, str) else stage.where(frame)
    return [bool(plain(value)) for value in found]


class _Search:
    """The search for a pattern among the rows of one key, in order."""

    def __init__(self, pattern: Pattern, rows: list[dict[str, Any]]) -> None:
        self.pattern, self.stages, self.rows = pattern, pattern.stages, rows
        self.told: list[Run] = []
        self.timed_out: list[Run] = []

    def run(self) -> None:
        """Take each row as the first of a match, unless a match before it forbids that."""
        floor = 0
        for start in range(len(self.rows)):
            if start < floor:
                continue
            self.end = self._end(start)
            matches, alive = self._ordered(start) if self.pattern.ordered else self._all(start)
            for match in matches:
                self.told.append(match)
                floor = max(floor, self._floor(match))
                if floor > start:
                    break
            if floor <= start and self.pattern.length is not None:
                self.timed_out += alive

    def found(self, key: Key, run: Run) -> Found:
        """Say of a run what can be compared."""
        rows = tuple((self.stages[place].name, self.rows[at]["number"]) for place, at in run)
        measures = self.pattern.measures.items()
        return Found(key, rows, tuple((name, self._value(what, run)) for name, what in measures))

    def _end(self, start: int) -> int:
        """Give the position of the first row that is too far from the first one."""
        length = self.pattern.length
        for position in range(start, len(self.rows) if length is not None else 0):
            if self.rows[position]["moment"] - self.rows[start]["moment"] >= (length or 0):
                return position
        return len(self.rows)

    def _floor(self, run: Run) -> int:
        """Give the position where the next match may begin."""
        first, last = run[0][1], run[-1][1]
        to, *stage = self.pattern.skip
        if to == "none":
            return 0
        if to in ("past_last", "to_next"):
            return last + 1 if to == "past_last" else first + 1
        named = [at for place, at in run if self.stages[place].name == stage[0]]
        chosen = [named[0] if to == "to_first" else named[-1]] if named else []
        return max([first + self.pattern.ordered, *chosen])

    # every way in which rows fit the stages

    def _all(self, start: int) -> tuple[list[Run], list[Run]]:
        """Give all matches of a first row in the order in which they are told, and the runs that go on."""
        runs = [run for begun in self._begun(start) for run in self._runs(begun)]
        matches = [(self._settled(run), -len(run), [each[::-1] for each in run], run) for run in runs]
        done = [run for settled, *_, run in sorted(matches) if settled >= 0]
        alive = [run for run in runs if self._settled(run) < 0 and self._goes_on(run)]
        return done, alive

    def _begun(self, start: int) -> Iterator[Run]:
        for place, stage in enumerate(self.stages):
            skipped = range(place)
            greed = [each for each in skipped if self.stages[each].greedy]
            if self._fits((), place, start) and not any(self._fits((), each, start) for each in greed):
                yield ((place, start),)
            if not stage.optional:
                return

    def _runs(self, run: Run) -> Iterator[Run]:
        """Give a run and all that come of it."""
        yield run
        for at in range(run[-1][1] + 1, self.end):
            for place, stage in enumerate(self.stages):
                if not stage.negated and self._open(run, place, at) and self._fits(run, place, at):
                    blockers = self._blockers(run, place)
                    if not any(self._fits(run, each, at) for each in blockers):
                        yield from self._runs((*run, (place, at)))

    def _open(self, run: Run, place: int, at: int) -> bool:
        """Say whether a run may go on with a row for a stage, as far as the rows between are concerned."""
        before, last = run[-1]
        taken = sum(each == before for each, _ in run)
        stage, now = self.stages[place], self.stages[before]
        if place == before:
            if now.most is not None and taken >= now.most:
                return False
            contiguity = now.inner
        else:
            passed = [each for each in self.stages[before + 1 : max(place, before)] if not each.negated]
            if place < before or taken < now.least or not all(each.optional for each in passed):
                return False
            contiguity = stage.contiguity
        between = range(last + 1, at)
        if contiguity in ("next", "strict") and len(between):
            return False
        if contiguity in ("followed_by", "relaxed") and any(self._fits(run, place, row) for row in between):
            return False
        if any(self._fits(run, each, row) for each in self._blockers(run, place) for row in between):
            return False
        return self._next_allows(run, place)

    def _next_allows(self, run: Run, place: int) -> bool:
        """Say whether the very next row, if there is one in time, is none of those that must not be next."""
        (before, last) = run[-1]
        never = [
            each
            for each in range(before + 1, place)
            if self.stages[each].contiguity == "not_next" and last + 1 < self.end
        ]
        return not any(self._fits(run, each, last + 1) for each in never)

    def _blockers(self, run: Run, place: int) -> list[int]:
        """Give the stages that no row may fit on the way to a stage (or to the end, behind all stages)."""
        before = run[-1][0]
        until = self._past_negations(before + 1) if place == before else place
        found = [p for p in range(before + 1, until) if self.stages[p].contiguity == "not_followed_by"]
        if place == before:
            return found
        if place == len(self.stages):
            return found if self.stages[-1].negated else []  # past an optional stage they were said for it
        taken, now = sum(each == before for each, _ in run), self.stages[before]
        greed = [before] if now.greedy and (now.most is None or taken < now.most) else []
        return [*found, *greed, *(p for p in range(before + 1, place) if self.stages[p].greedy)]

    def _past_negations(self, place: int) -> int:
        """Give the place of the first stage from one on that is not negated."""
        while place < len(self.stages) and self.stages[place].negated:
            place += 1
        return place

    def _settled(self, run: Run) -> float:
        """Give the position of the row by which a run is known to be a match; -1 if it is none."""
        before, last = run[-1]
        behind = self.stages[before + 1 :]
        taken = sum(each == before for each, _ in run)
        if taken < self.stages[before].least or not all(each.optional or each.negated for each in behind):
            return -1
        rest = range(last + 1, self.end)
        beyond = len(self.stages)
        if any(self._fits(run, each, row) for each in self._blockers(run, beyond) for row in rest):
            return -1
        if not self._next_allows(run, beyond):
            return -1
        kinds = {stage.contiguity for stage in behind}
        if "not_followed_by" in kinds and self.stages[-1].negated:
            return math.inf
        if "not_next" in kinds:
            return last + 1 if len(rest) else math.inf
        return last

    def _goes_on(self, run: Run) -> bool:
        """Say whether a row that has not come in time could have carried a run on."""
        return any(
            self._open(run, place, self.end) for place, stage in enumerate(self.stages) if not stage.negated
        )

    # the one way that the quantifiers prefer

    def _ordered(self, start: int) -> tuple[list[Run], list[Run]]:
        """Give the preferred match of a first row if there is one, and the preferred run that goes on."""
        self._first_alive: Run | None = None
        match = self._prefer((), start)
        return [match] if match else [], [self._first_alive] if self._first_alive else []

    def _prefer(self, run: Run, at: int) -> Run | None:
        """Try the ways to go on with a row, the preferred first."""
        for place in self._ways(run):
            if place == len(self.stages):
                return run
            if at == self.end:
                self._first_alive = self._first_alive or run
            elif self._fits(run, place, at):
                match = self._prefer((*run, (place, at)), at + 1)
                if match:
                    return match
        return None

    def _ways(self, run: Run) -> list[int]:
        """Give the stages that may take the next row in order of preference; their number is the end."""
        if not run:
            return self._from(0)
        place = run[-1][0]
        stage, taken = self.stages[place], sum(each == place for each, _ in run)
        again = [place] if stage.most is None or taken < stage.most else []
        onward = self._from(place + 1) if taken >= stage.least else []
        return again + onward if stage.greedy else onward + again

    def _from(self, place: int) -> list[int]:
        if place == len(self.stages) or not self.stages[place].optional:
            return [place]
        rest = self._from(place + 1)
        return [place, *rest] if self.stages[place].greedy else [*rest, place]

    # conditions

    def _fits(self, run: Run, place: int, at: int) -> bool:
        where = self.stages[place].where
        if isinstance(where, Expression):
            return bool(self._value(where, (*run, (place, at))))
        return bool(self.rows[at]["truths"][place])

    def _value(self, expression: Any, run: Run) -> Any:
        """Compute an expression, the last row of the run being the row at hand; null is None."""
        if not isinstance(expression, Expression):
            return expression
        name, operands = expression.operator, expression.operands
        if name == "col":
            return plain(self.rows[run[-1][1]]["values"][operands[0]])
        if name in NAVIGATION:
            return self._navigated(name, run, *operands)
        values = [self._value(operand, run) for operand in operands]
        if name == "is_null":
            return values[0] is None
        if name == "not":
            return None if values[0] is None else not values[0]
        if name in ("and", "or"):
            decisive = name == "or"
            if any(value is not None and bool(value) == decisive for value in values):
                return decisive
            return None if None in values else not decisive
        return None if None in values else _OPERATIONS[name](*values)

    def _navigated(self, name: str, run: Run, variable: str, column: str, offset: int) -> Any:
        values = [
            plain(self.rows[at]["values"][column]) for place, at in run if self.stages[place].name == variable
        ]
        if name in ("first", "last"):
            values = values if name == "first" else values[::-1]
            return values[offset] if offset < len(values) else None
        some = [value for value in values if value is not None]
        if name == "count":
            return len(some)
        if not some:
            return None
        if name == "avg":
            return sum(some) / len(some)
        folds: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "min": min, "max": max}
        return folds[name](some)
