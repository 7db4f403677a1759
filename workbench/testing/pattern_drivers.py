"""How conformance cases of patterns are put to the pattern operator: modes ``cep`` and ``sql``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workbench.engine.patterns import Matched, PatternOperator, pattern_operator
from workbench.engine.progress import Stamp
from workbench.model.expressions import as_expression
from workbench.model.patterns import INNER, Pattern, begin, recognize
from workbench.testing.cases import Case
from workbench.testing.compare import plain
from workbench.testing.drivers import Driver, Setting, read_dtypes, unknown
from workbench.testing.policies import MILLISECOND, CaseWatermark, watermark_refusals
from workbench.testing.replay import restarted
from workbench.testing.window_drivers import AggregateDriver

_STAGE = ("name", "where", "contiguity", "times", "inner", "optional", "greedy", "negated")
_VARIABLE = ("var", "times", "reluctant")
_OP = ("kind", "mode", "pattern", "define", "measures", "skip", "within", "watermark", "ignore_unchecked")


class PatternDriver(AggregateDriver):
    """Patterns: rows, watermarks, snapshots; matches, late and rejected rows."""

    def __init__(self, case: Case, setting: Setting) -> None:
        Driver.__init__(self, case, setting)
        self.dtypes = read_dtypes(case)
        self.watermarks = CaseWatermark(case.op.get("watermark"), case.script)
        self.matcher = self._make()
        self.values: dict[int, Any] = {}

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the pattern."""
        op = self.case.op
        yield from unknown(op, _OP)
        yield from watermark_refusals(op.get("watermark"), self.case.script)
        for stage in op["pattern"]:
            yield from unknown(stage, _STAGE if op["mode"] == "cep" else _VARIABLE)

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step; a snapshot is restored into another operator.

        The watermark of a script is Flink's, where no row at it comes any more: ours is a millisecond on.
        """
        if "snapshot" in step:
            self.matcher = restarted(self.matcher, self._make)  # type: ignore[arg-type, assignment]
            self.watermarks.restart()
        elif "watermark" in step:
            super().take({**step, "watermark": step["watermark"] + 1})
        else:
            super().take(step)

    def _make(self) -> PatternOperator:
        keys = ("k",) if "k" in self.dtypes else ()
        return pattern_operator(pattern=read_pattern(self.case.op), keys=keys, time_dtype=self.dtypes["t"])

    def _process(self, frame: pd.DataFrame, stamp: Stamp) -> None:
        matched = self.matcher.process(frame, stamp)
        self.values |= frame["v"].to_dict()
        self.came["out"] += told(self.case.op, matched, self.values)
        self.came["late"] += self._rows(matched.late)


def read_pattern(op: Mapping[str, Any]) -> Pattern:
    """Make the pattern of a case.

    Examples
    --------
    >>> read_pattern({"mode": "sql", "pattern": [{"var": "A"}, {"var": "B", "times": [0, None]}]})
    <A: True B+?: True skip past_last>
    """
    pattern = _stages(op) if op["mode"] == "cep" else _variables(op)
    skip = op.get("skip", "none" if op["mode"] == "cep" else "past_last")
    to, *stage = [skip] if isinstance(skip, str) else skip
    pattern = pattern.skipping(to, *stage)
    return pattern if "within" not in op else pattern.within(pd.Timedelta(op["within"], unit="ms"))


def told(op: Mapping[str, Any], matched: Matched, values: Mapping[int, Any]) -> list[dict[str, Any]]:
    """Give matches as the cases write them: the values of the rows by arrival number, or the measures."""
    if op["mode"] == "cep":
        rows = matched.rows()["match"]
        return [{"match": [values[number] for number in of.index]} for _, of in rows.groupby(rows)]
    return [
        {str(name): _millis(value) for name, value in match.items()}
        for match in matched.matches.to_dict("records")
    ]


def _millis(value: Any) -> Any:
    return value.value // MILLISECOND if isinstance(value, pd.Timestamp) else plain(value)


def _stages(op: Mapping[str, Any]) -> Pattern:
    pattern: Pattern | None = None
    for stage in op["pattern"]:
        contiguity = stage.get("contiguity", "followed_by")
        quantifier = {name: stage[name] for name in ("times", "inner", "optional", "greedy") if name in stage}
        assert stage.get("inner", "strict") in INNER
        make = begin if pattern is None else getattr(pattern, contiguity)
        pattern = make(stage["name"], _expression(stage.get("where", True)), **quantifier)
    assert pattern is not None
    return pattern


def _variables(op: Mapping[str, Any]) -> Pattern:
    words = []
    for variable in op["pattern"]:
        least, most = variable.get("times", (1, 1))
        sign = "" if (least, most) == (1, 1) else f"{{{least},{'' if most is None else most}}}"
        words.append(variable["var"] + sign + ("?" if variable.get("reluctant") else ""))
    define = {name: _expression(value) for name, value in op.get("define", {}).items()}
    return recognize(" ".join(words), define=define, measures=op.get("measures", {}))


def _expression(value: Any) -> Any:
    """Read an expression; the cases' ``is_null`` has a second operand that says nothing."""
    return as_expression(_without(value))


def _without(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        return value
    return [value[0], *map(_without, value[1:2] if value[0] == "is_null" else value[1:])]
