"""Which rows of a key, in the order of event time, make a match: stages, quantifiers, conditions, measures.

A `Pattern` is written in either of two ways. `begin` and the methods after it follow Flink's CEP: **every**
way in which rows fit the stages is a match, and a skip strategy chooses among them. `recognize` follows
``MATCH_RECOGNIZE`` of SQL:2016: variables match adjacent rows, and a row begins **at most one** match, that
which the quantifiers (greedy or reluctant) prefer.

Without `within` a match that has begun is waited for until the end of the stream, and a quantifier without
an upper limit then holds every row of it: give a `within` to every pattern of an unbounded stream.

Sources: Agrawal, Diao, Gyllstrom and Immerman, "Efficient pattern matching over event streams" (SIGMOD 2008);
ISO/IEC 9075:2016, row pattern recognition; Flink's documentation of CEP and ``MATCH_RECOGNIZE``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from workbench.errors import DescriptionError
from workbench.model.expressions import Expression, as_expression
from workbench.time import Duration, duration, spell

MATCH_START: Final = "match_start"
MATCH_END: Final = "match_end"
RETAINED: Final = (MATCH_START, MATCH_END)
"""Columns of a match, the event times of its first and last row; no stage, measure or key is called so."""

CONTIGUITY: Final = ("next", "followed_by", "followed_by_any", "not_next", "not_followed_by")
INNER: Final = ("strict", "relaxed", "relaxed_any")
SKIPS: Final = ("none", "past_last", "to_next", "to_first", "to_last")
MOST_STAGES: Final = 60


Condition: TypeAlias = Any
"""True; a query string; a function from frame to boolean column, pure and row-local; or an `Expression`."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of a pattern, or one variable of a row pattern; `begin` and `Pattern`'s methods make them.

    Parameters
    ----------
    name : str
        Names the stage in conditions, measures and results.
    where : Condition
        Which rows it takes.
    contiguity : str
        Where its first row may lie after the row before: one of `CONTIGUITY`.
    least, most : int, int or None
        How many rows it takes; None for any number.
    inner : str
        Where its further rows may lie: ``strict`` the very next one, ``relaxed`` the next that fits,
        ``relaxed_any`` any that fits.
    optional : bool
        Whether it may take no row at all.
    greedy : bool
        In CEP: rows that the stage could take are neither taken for the next stage nor passed over on the
        way to it. In a row pattern: more rows are preferred to fewer.
    """

    name: str
    where: Condition = True
    contiguity: str = "followed_by"
    least: int = 1
    most: int | None = 1
    inner: str = "relaxed"
    optional: bool = False
    greedy: bool = False

    @property
    def negated(self) -> bool:
        """Whether it is a row that must not come."""
        return self.contiguity.startswith("not_")

    @property
    def depends(self) -> bool:
        """Whether its condition looks at what has matched, so that it must be asked run by run."""
        return isinstance(self.where, Expression) and bool(self.where.navigations)


@dataclass(frozen=True, eq=False, repr=False)
class Pattern:
    """What a match is, how long it may take, and where the next one may begin.

    Parameters
    ----------
    stages : tuple of Stage
        In order; at most 60.
    length : int or None
        Nanoseconds that the event times of first and last row stay below each other: rows exactly so far
        apart make no match, as in Flink.
    skip : tuple of str
        After a match of first row ``s`` nothing begins before: ``none``; ``past_last`` the row after its
        last; ``to_next`` the row after ``s``; ``to_first`` or ``to_last`` row of a stage (as second element).
    measures : mapping of str to Expression
        Columns computed of each match.
    ordered : bool
        Whether it is a row pattern of SQL.
    """

    stages: tuple[Stage, ...]
    length: int | None = None
    skip: tuple[str, ...] = ("none",)
    measures: Mapping[str, Any] = field(default_factory=dict)
    ordered: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its expressions read; what strings and functions read, only rows tell."""
        return _columns([stage.where for stage in self.stages] + [*self.measures.values()])

    @property
    def kept_columns(self) -> tuple[str, ...]:
        """The columns that are still read of a row when it has matched."""
        return _columns([stage.where for stage in self.stages if stage.depends] + [*self.measures.values()])

    def next(self, name: str, where: Condition = True, **quantifier: Any) -> Pattern:
        """Go on with the very next row of the key."""
        return self._then(name, where, "next", quantifier)

    def followed_by(self, name: str, where: Condition = True, **quantifier: Any) -> Pattern:
        """Go on with the next row that fits; others are passed over."""
        return self._then(name, where, "followed_by", quantifier)

    def followed_by_any(self, name: str, where: Condition = True, **quantifier: Any) -> Pattern:
        """Go on with any later row that fits, a match for each."""
        return self._then(name, where, "followed_by_any", quantifier)

    def not_next(self, name: str, where: Condition = True) -> Pattern:
        """Go on only if the very next row does not fit."""
        return self._then(name, where, "not_next", {})

    def not_followed_by(self, name: str, where: Condition = True) -> Pattern:
        """Go on only if no row fits up to that of the next stage, itself included; last, within the time.

        Where the stage before takes several rows, none fits from its first one on. Where the next stages are
        optional, it is said of the way to them: without them the match is known at once.
        """
        return self._then(name, where, "not_followed_by", {})

    def within(self, length: Duration) -> Pattern:
        """Let matches take less than this from first row to last."""
        return replace(
            self, length=duration(length, what="time within which a pattern matches", positive=True)
        )

    def skipping(self, to: str, stage: str | None = None) -> Pattern:
        """Choose where the next match may begin: one of `SKIPS`, the last two with a stage."""
        return replace(self, skip=(to,) if stage is None else (to, stage))

    def measuring(self, **measures: Any) -> Pattern:
        """Compute columns of each match."""
        read = {name: as_expression(value) for name, value in measures.items()}
        return replace(self, measures={**self.measures, **read})

    def ready(self) -> Pattern:
        """Give the pattern, if it can be matched.

        Raises
        ------
        DescriptionError
            If it cannot.
        """
        _check_stages(self)
        _check_order(self)
        _check_skip(self)
        _check_names(self)
        return self

    def __repr__(self) -> str:
        words = [_spelled(stage, self.ordered) for stage in self.stages]
        within = f" within {spell(self.length)}" if self.length else ""
        measures = f" measures {dict(self.measures)!r}" if self.measures else ""
        return f"<{' '.join(words)}{within} skip {' '.join(self.skip)}{measures}>"

    def _then(self, name: str, where: Condition, contiguity: str, quantifier: Mapping[str, Any]) -> Pattern:
        return replace(self, stages=(*self.stages, _stage(name, where, contiguity, **quantifier)))


def _columns(expressions: Iterable[Any]) -> tuple[str, ...]:
    read = (each.columns for each in expressions if isinstance(each, Expression))
    return tuple(dict.fromkeys(itertools.chain.from_iterable(read)))


def begin(name: str, where: Condition = True, **quantifier: Any) -> Pattern:
    """Begin a pattern with its first stage, in the manner of Flink's CEP.

    Parameters
    ----------
    name : str
        Names the stage.
    where : Condition
        Which rows it takes; all, unless given.
    **quantifier
        ``times`` (a number, a pair from and to, with None for no upper limit, or ``"one_or_more"``),
        ``inner``, ``optional`` and ``greedy``, as `Stage` describes them; also in `Pattern`'s methods.

    Examples
    --------
    >>> begin("look", "v == 'a'", times=(2, None)).followed_by("buy", "v == 'b'").within("10min")
    <look{2,}: "v == 'a'" buy: "v == 'b'" within 10min skip none>
    """
    return Pattern((_stage(name, where, "followed_by", **quantifier),))


def recognize(
    variables: str,
    *,
    define: Mapping[str, Condition] | None = None,
    measures: Mapping[str, Any] | None = None,
) -> Pattern:
    """Describe a row pattern, as ``MATCH_RECOGNIZE`` does: one row per match, skip past its last.

    Parameters
    ----------
    variables : str
        Names with quantifiers ``* + ? {n} {n,} {n,m}``; a further ``?`` makes one reluctant.
    define : mapping, optional
        The condition of each variable; one without takes any row.
    measures : mapping, optional
        The columns of a match; expressions, or lists that `as_expression` reads.

    Examples
    --------
    >>> recognize("A+ B", define={"A": ["<", ["avg", "A", "price"], 15]})
    <A+: ['<', ['avg', 'A', 'price', 0], 15] B: True skip past_last>
    """
    define = dict(define or {})
    stages = tuple(_variable(word, define) for word in variables.split())
    unknown = sorted(set(define) - {stage.name for stage in stages})
    if unknown:
        raise DescriptionError(
            f"a variable is defined that the pattern does not have: {unknown[0]!r}",
            hint=f"it has {', '.join(stage.name for stage in stages)}",
        )
    pattern = Pattern(stages, skip=("past_last",), ordered=True)
    return pattern.measuring(**(measures or {}))


_TOKEN = re.compile(r"([A-Za-z_]\w*)(\*|\+|\?|\{\d+(?:,\d*)?\})?(\?)?")
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1), None: (1, 1)}


def _variable(word: str, define: Mapping[str, Condition]) -> Stage:
    found = _TOKEN.fullmatch(word)
    if not found:
        raise DescriptionError(
            f"not a variable with a quantifier: {word!r}",
            hint="names with * + ? {n} {n,} {n,m}, and a further ? for reluctant, as in 'A B*? C{2,3}'",
        )
    name, sign, reluctant = found.groups()
    least, most = _SIGNS[sign] if sign in _SIGNS else _braces(sign)
    where = as_expression(define.get(name, True))
    stage = _stage(name, where, "next", times=(least, most), inner="strict")
    return replace(stage, greedy=reluctant is None)


def _braces(sign: str) -> tuple[int, int | None]:
    least, comma, most = sign[1:-1].partition(",")
    return int(least), int(most or least) if most or not comma else None


def _stage(
    name: str,
    where: Condition,
    contiguity: str,
    *,
    times: Any = 1,
    inner: str = "relaxed",
    optional: bool = False,
    greedy: bool = False,
) -> Stage:
    least, most = _counts(name, times)
    where = as_expression(where)
    if not (where is True or isinstance(where, str | Expression) or callable(where)):
        raise DescriptionError(
            f"stage {name!r} has no condition, but {where!r}",
            hint="a query string, a function from frame to boolean column, or an expression",
        )
    if inner not in INNER:
        raise DescriptionError(f"no such inner contiguity: {inner!r}", hint=f"one of {', '.join(INNER)}")
    return Stage(name, where, contiguity, max(least, 1), most, inner, optional or least == 0, greedy)


def _counts(name: str, times: Any) -> tuple[int, int | None]:
    match times:
        case "one_or_more":
            return 1, None
        case int(count) if count >= 1:
            return count, count
        case (int(least), None) if least >= 0:
            return least, None
        case (int(least), int(most)) if 0 <= least <= most and most:
            return least, most
    raise DescriptionError(
        f"stage {name!r} cannot take {times!r} rows",
        hint="times=2, times=(2, 4), times=(1, None) or times='one_or_more'",
    )


def _check_stages(pattern: Pattern) -> None:
    """Refuse stages that cannot be matched by themselves."""
    if len(pattern.stages) > MOST_STAGES:
        raise DescriptionError(f"a pattern has at most {MOST_STAGES} stages, not {len(pattern.stages)}")
    if all(stage.negated or stage.optional for stage in pattern.stages):
        raise DescriptionError(
            f"the pattern matches no row at all: {pattern!r}",
            detail="all its stages are optional",
            hint="make one of them take at least one row",
        )
    for stage in () if pattern.ordered else pattern.stages:
        if stage.greedy and stage.most == 1 and not stage.optional:
            raise DescriptionError(f"stage {stage.name!r} takes one row, and cannot be greedy")
        if stage.greedy and "any" in stage.inner + stage.contiguity:
            raise DescriptionError(
                f"stage {stage.name!r} cannot be greedy and take any rows",
                detail="greedy leaves no row out that the stage could take; any leaves out what it likes",
            )


def _check_order(pattern: Pattern) -> None:
    """Refuse negations where they say nothing."""
    if pattern.stages[0].negated:
        raise DescriptionError(
            f"the pattern begins with what must not come: {pattern.stages[0].name!r}",
            detail="there is no row yet that it could come after",
            hint="begin with a stage that takes a row",
        )
    for before, stage in zip(pattern.stages, pattern.stages[1:], strict=False):
        if stage.negated and before.optional:
            raise DescriptionError(
                f"{stage.contiguity} {stage.name!r} follows the optional stage {before.name!r}",
                detail="it would not be said after which row it must not come",
                hint="describe two patterns, one with the optional stage and one without",
            )
    last = pattern.stages[-1]
    if last.contiguity == "not_followed_by" and pattern.length is None:
        raise DescriptionError(
            f"the pattern ends with not_followed_by {last.name!r}, and has no time to end in",
            detail="only when that time is over is it known that the row has not come",
            hint="say how long to wait, as in .within('10min')",
        )


def _check_skip(pattern: Pattern) -> None:
    """Refuse skip strategies that lead nowhere."""
    to, *stage = pattern.skip
    if to not in SKIPS or bool(stage) != to.startswith(("to_first", "to_last")):
        raise DescriptionError(
            f"no such skip strategy: {' '.join(pattern.skip)!r}",
            hint=f"one of {', '.join(SKIPS)}; to_first and to_last with a stage",
        )
    takes = [each.name for each in pattern.stages if not each.negated]
    if stage and stage[0] not in takes:
        raise DescriptionError(f"no stage to skip to: {stage[0]!r}", hint=f"one of {', '.join(takes)}")
    if pattern.ordered and (to == "none" or (to == "to_first" and stage[0] == takes[0])):
        raise DescriptionError(
            f"a row pattern cannot skip {' '.join(pattern.skip)}",
            detail="the same match would be found again and again",
            hint="skip past_last or to_next",
        )


def _check_names(pattern: Pattern) -> None:
    """Refuse names that are taken, and variables that are not there."""
    named = [stage.name for stage in pattern.stages]
    shown = [*([] if pattern.ordered else named), *pattern.measures]
    for names in (named, [*shown, *RETAINED]):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DescriptionError(f"the name {twice!r} is taken", hint="give each stage and measure its own")
    takes = [stage.name for stage in pattern.stages if not stage.negated]
    expressions = [*(stage.where for stage in pattern.stages), *pattern.measures.values()]
    for expression in expressions:
        for part in expression.navigations if isinstance(expression, Expression) else ():
            if part.operands[0] not in takes:
                raise DescriptionError(
                    f"no variable {part.operands[0]!r} to be asked for its {part.operator}",
                    hint=f"one of {', '.join(takes)}",
                )


def _spelled(stage: Stage, ordered: bool) -> str:
    many = {(1, 1): "", (1, None): "+"}.get(
        (stage.least, stage.most), f"{{{stage.least},{'' if stage.most is None else stage.most}}}"
    )
    words = "" if ordered or stage.contiguity == "followed_by" else stage.contiguity + " "
    inner = "" if ordered or stage.inner == "relaxed" or stage.most == 1 else f" {stage.inner}"
    signs = many + "?" * stage.optional + inner + (" reluctant" if ordered and not stage.greedy else "")
    signs += " greedy" if stage.greedy and not ordered else ""
    where = getattr(stage.where, "__qualname__", None) or repr(stage.where)
    return f"{words}{stage.name}{signs}: {where}"
