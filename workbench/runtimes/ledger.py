"""The ledger: for every step of a run, how many rows came in, and what became of them.

A ledger is a table with one row a step, the first first, and the columns

- ``step, kind``: the name of its node, and what it does;
- ``rows_in, rows_out``: rows that came to it, and rows, or panes, that it put out;
- ``in_panes``: of windows, the rows that at least one window took; null elsewhere;
- ``late, rejected, duplicate, unmatched``: rows that went to these outputs;
- ``filtered``: rows that the condition of a `query` left out;
- ``held``: rows that wait to go on; null where an operator holds something else than rows that wait;
- ``state``: entries that its operator holds;
- ``balanced``: whether it adds up; null where a step may put out several rows for one, or none.

Of one row that comes in, one thing becomes: ``rows_in = rows_out + late + rejected + duplicate + unmatched +
filtered + held``, and of windows ``rows_in = in_panes + late + rejected``. Rows wait in `sort`, `lag` and
`rolling` only. When all sources have ended, nothing waits and windows hold no state.

Joins of two streams, `top`, `match`, `process`, `explode` and `map` claim no balance.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from workbench.engine.outcomes import LATE, OUT, REJECTED, Operator, Outcome
from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated, Apply, Date, Operation, Step, Union
from workbench.model.stream import EventStream
from workbench.runtimes.batch import Pipeline, require_end
from workbench.schema import REASON

MOST_REASONS: Final = 100
"""How many reasons of one step are told apart; the others are counted together."""

OTHER_REASONS: Final = "other reasons"
BY: Final = ("step", "reason")

_SET_ASIDE = {LATE: LATE, REJECTED: REJECTED, "duplicates": "duplicate", "unmatched": "unmatched"}
"""By port: the column where its rows are counted."""

_ONE_TO_ONE = ("assign", "select", "rename", "astype", "query")
_AT_ONCE, _WAITING = ("dedup", "lookup_join"), ("sort", "lag", "rolling")
_INTEGERS = ("in_panes", "held")


@dataclass(slots=True, eq=False)
class Account:
    """The rows of one step, counted."""

    name: str
    step: Step
    operator: Operator
    came: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, rows: int, outcome: Outcome) -> None:
        """Count so many rows that came in, and what came of them."""
        self.came += rows
        for port, frame in outcome.frames.items():
            if count := len(frame):
                self.counts[port] += count
                if port == REJECTED:
                    self._note(frame[REASON])

    @property
    def kind(self) -> str:
        """What the step does, in a word."""
        match self.step:
            case Operation():
                return self.step.kind
            case Apply():
                return self.step.method
            case Aggregated():
                return "windows"
            case _:
                return "watermark" if isinstance(self.step, Date) else type(self.step).__name__.lower()

    @property
    def filtered(self) -> int:
        """Rows that a condition left out."""
        return self._rest if self.kind == "query" else 0

    def line(self, ended: bool) -> dict[str, Any]:
        """Give what is known, by column."""
        state = self.operator.size
        return {
            "step": self.name,
            "kind": self.kind,
            "rows_in": self.came,
            "rows_out": self.counts[OUT],
            "in_panes": self._rest + self.counts[OUT] if isinstance(self.step, Aggregated) else None,
            **{column: self.counts[port] for port, column in _SET_ASIDE.items()},
            "filtered": self.filtered,
            "held": self._held(state),
            "state": state,
            "balanced": self._balanced(state, ended),
        }

    def outcomes(self) -> list[tuple[str, str, str, int]]:
        """Give why rows did not go on: step, what became of them, reason, rows."""
        found = [(self.name, REJECTED, reason, rows) for reason, rows in self.reasons.most_common()]
        aside = {column: self.counts[port] for port, column in _SET_ASIDE.items() if port != REJECTED}
        if self.filtered:
            found.append((self.name, "filtered", self.step.describe(), self.filtered))
        return found + [(self.name, column, "", rows) for column, rows in aside.items() if rows]

    @property
    def _rest(self) -> int:
        """Rows of which nothing has come out so far."""
        return self.came - self.counts[OUT] - sum(self.counts[port] for port in _SET_ASIDE)

    @property
    def _at_once(self) -> bool:
        """Whether of each row that comes in, one thing becomes at once."""
        return isinstance(self.step, Date | Union) or self.kind in (*_ONE_TO_ONE, *_AT_ONCE)

    def _held(self, state: int) -> int | None:
        if self.kind in _WAITING:
            return self._rest
        return 0 if self._at_once or not state else None

    def _balanced(self, state: int, ended: bool) -> bool | None:
        rest = self._rest
        if self.kind in _WAITING:  # what they hold besides is not rows that wait
            return rest == state if self.kind == "sort" else 0 <= rest <= state
        if isinstance(self.step, Aggregated):
            return rest + self.counts[OUT] >= 0 and not (ended and state)
        if self._at_once:
            return rest >= 0 if self.kind == "query" else rest == 0
        return None

    def _note(self, reasons: pd.Series) -> None:
        """Count the reasons of rejected rows."""
        for reason, rows in reasons.value_counts().items():
            known = reason in self.reasons or len(self.reasons) < MOST_REASONS
            self.reasons[str(reason) if known else OTHER_REASONS] += int(rows)


class Ledger:
    """The accounts of all steps of a run, in the order of the way of a batch."""

    def __init__(self) -> None:
        self.accounts: list[Account] = []

    def open(self, name: str, step: Step, operator: Operator) -> Account:
        """Open the account of a step."""
        self.accounts.append(Account(name, step, operator))
        return self.accounts[-1]

    def table(self, by: str, *, ended: bool) -> pd.DataFrame:
        """Give the ledger by step, or the rows that did not go on by reason.

        Parameters
        ----------
        by : str
            ``step``: see the module; ``reason``: ``step, outcome, reason`` (str), ``rows`` (int64), by step.
        ended : bool
            Whether all sources have ended.

        Raises
        ------
        DescriptionError
            If there is no such table.
        """
        if by not in BY:
            raise DescriptionError(f"no ledger by {by!r}", hint=f"one by {' or by '.join(map(repr, BY))}")
        if by == "reason":
            rows = [row for account in self.accounts for row in account.outcomes()]
            found = pd.DataFrame(rows, columns=["step", "outcome", "reason", "rows"])
            return found.astype({"step": "str", "outcome": "str", "reason": "str", "rows": "int64"})
        lines = pd.DataFrame([account.line(ended) for account in self.accounts])
        return lines.astype({**dict.fromkeys(_INTEGERS, "Int64"), "balanced": "boolean"})


def ledger(stream: EventStream, *, by: str = "step", batch_rows: int = 100_000) -> pd.DataFrame:
    """Run bounded sources to their end, as `to_pandas` does, and give the ledger.

    Raises
    ------
    DescriptionError
        If a source has no end.

    Examples
    --------
    >>> import workbench as wb
    >>> rows = pd.DataFrame({"t": pd.to_datetime([1, 2, None, 70, 3], unit="s"), "v": [5, 0, 6, 7, 8]})
    >>> panes = wb.stream(rows, time="t", watermark=0).query("v > 0").window("1min").agg(n=("v", "size"))
    >>> panes.ledger()[["step", "rows_in", "in_panes", "late", "rejected", "filtered", "balanced"]]
            step  rows_in  in_panes  late  rejected  filtered  balanced
    0  watermark        5      <NA>     0         1         0      True
    1      query        4      <NA>     0         0         1      True
    2          n        3         2     1         0         0      True
    >>> panes.ledger(by="reason")
            step   outcome           reason  rows
    0  watermark  rejected  null event time     1
    1      query  filtered   query('v > 0')     1
    2          n      late                      1
    """
    require_end(stream.step, "ledger")
    book, accounts = Ledger(), dict[Step, Account]()
    pipeline = Pipeline(stream.step, observer=lambda step, rows, outcome: _add(accounts, step, rows, outcome))
    for step, operator in reversed(pipeline.operators.items()):  # the first step first
        accounts[step] = book.open(_free(step.name, book), step, operator)
    for _ in pipeline.outcomes(batch_rows):
        pass
    return book.table(by, ended=True)


def _add(accounts: dict[Step, Account], step: Step, rows: int, outcome: Outcome) -> None:
    if step in accounts:  # further outputs have none
        accounts[step].add(rows, outcome)


def _free(name: str, book: Ledger) -> str:
    """Give a name that no account has yet, as the live graph does."""
    taken, free, number = {account.name for account in book.accounts}, name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
