"""Values computed of a row and of what a pattern has matched so far, as inspectable expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from workbench.errors import DescriptionError

NAVIGATION: Final = ("first", "last", "avg", "sum", "count", "min", "max")
OPERATORS: Final = {
    "=": 2, "!=": 2, "<": 2, "<=": 2, ">": 2, ">=": 2, "+": 2, "-": 2, "*": 2, "/": 2,
    "and": 2, "or": 2, "not": 1, "is_null": 1, "contains": 2, "col": 1,
}  # fmt: skip
"""The operators of an expression, and how many operands each has; ``and`` and ``or`` take more too."""


@dataclass(frozen=True, eq=False, repr=False)
class Expression:
    """A value computed of a row and of what has matched so far; null unless all it needs is there.

    Made with `col`, `of` and Python's operators, or from nested lists by `as_expression`. Nulls are SQL's:
    what is compared with null is null, and a condition that is null does not hold.

    Examples
    --------
    >>> (of("avg", "A", "price") < 15) & (col("price") > 0)
    ['and', ['<', ['avg', 'A', 'price', 0], 15], ['>', ['col', 'price'], 0]]
    """

    operator: str
    operands: tuple[Any, ...]

    def __repr__(self) -> str:
        return repr([self.operator, *self.operands])

    def walk(self) -> Iterator[Expression]:
        """Give this expression and all within it."""
        yield self
        for operand in self.operands:
            if isinstance(operand, Expression):
                yield from operand.walk()

    @property
    def navigations(self) -> tuple[Expression, ...]:
        """The parts that look at what has matched."""
        return tuple(each for each in self.walk() if each.operator in NAVIGATION)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, of the row at hand or of what has matched."""
        place = {"col": 0, **dict.fromkeys(NAVIGATION, 1)}
        read = (each.operands[place[each.operator]] for each in self.walk() if each.operator in place)
        return tuple(dict.fromkeys(read))

    def __bool__(self) -> bool:
        raise DescriptionError(
            f"an expression is neither true nor false until there are rows: {self!r}",
            hint="write & | ~ for and, or, not, each side in parentheses",
        )

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return Expression("=", (self, other))

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return Expression("!=", (self, other))

    def __lt__(self, other: Any) -> Expression:
        return Expression("<", (self, other))

    def __le__(self, other: Any) -> Expression:
        return Expression("<=", (self, other))

    def __gt__(self, other: Any) -> Expression:
        return Expression(">", (self, other))

    def __ge__(self, other: Any) -> Expression:
        return Expression(">=", (self, other))

    def __add__(self, other: Any) -> Expression:
        return Expression("+", (self, other))

    def __sub__(self, other: Any) -> Expression:
        return Expression("-", (self, other))

    def __mul__(self, other: Any) -> Expression:
        return Expression("*", (self, other))

    def __truediv__(self, other: Any) -> Expression:
        return Expression("/", (self, other))

    def __and__(self, other: Any) -> Expression:
        return Expression("and", (self, other))

    def __or__(self, other: Any) -> Expression:
        return Expression("or", (self, other))

    def __invert__(self) -> Expression:
        return Expression("not", (self,))

    def is_null(self) -> Expression:
        """Ask whether it is null."""
        return Expression("is_null", (self,))


def col(name: str) -> Expression:
    """Give a column of the row at hand; in a measure, of the last row of the match."""
    return Expression("col", (name,))


def of(function: str, variable: str, column: str, offset: int = 0) -> Expression:
    """Give a value of the rows that a stage or variable has matched so far, the row at hand included.

    Parameters
    ----------
    function : str
        ``first`` or ``last`` value, with an offset the one so many rows after the first or before the last;
        ``sum``, ``avg``, ``min``, ``max`` of what is not null, ``count`` of it.
    variable, column : str
        Whose rows; the row at hand is among them if it is tried for this very variable.
    offset : int
        For ``first`` and ``last``.
    """
    read: Expression = as_expression([function, variable, column, *([offset] if offset else [])])
    return read


def as_expression(value: Any) -> Any:
    """Read nested lists, ``[operator, operand, ...]``, as an expression; what is no list is itself.

    Raises
    ------
    DescriptionError
        If there is no such operator, or it has too many or too few operands.

    Examples
    --------
    >>> as_expression(["<", ["last", "A", "price", 1], 15]).navigations
    (['last', 'A', 'price', 1],)
    """
    if not isinstance(value, list):
        return value
    operator, *operands = value or [None]
    if operator in NAVIGATION:
        offset = operands[2] if len(operands) == 3 else 0
        named = len(operands) in (2, 3) and all(isinstance(name, str) for name in operands[:2])
        shifted = operator in ("first", "last") and isinstance(offset, int) and offset >= 0
        if not named or (len(operands) == 3 and not shifted):
            raise DescriptionError(
                f"{operator!r} cannot take {operands!r}",
                detail="it is of a variable and a column; first and last may have an offset from 0",
                hint=f"[{operator!r}, 'A', 'price']",
            )
        return Expression(operator, (*operands[:2], offset))
    if operator not in OPERATORS:
        known = ", ".join([*OPERATORS, *NAVIGATION])
        raise DescriptionError(f"no such operator in an expression: {operator!r}", hint=f"one of {known}")
    wanted = OPERATORS[operator]
    if len(operands) < wanted or (len(operands) > wanted and operator not in ("and", "or")):
        raise DescriptionError(f"{operator!r} takes {wanted} operand(s), but has {operands!r}")
    return Expression(operator, tuple(map(as_expression, operands)))
