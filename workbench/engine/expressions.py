"""Evaluates conditions and measures in columns: one element a row, or a run of a pattern.

A condition that looks at what has matched is asked of many runs at once: each run carries a *tally*, the few
numbers and rows that such conditions need to know of the rows it has matched.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.columns import values_of
from workbench.engine.dtypes import is_ordered
from workbench.engine.operands import Operand
from workbench.engine.queries import mask
from workbench.errors import SchemaError
from workbench.model.expressions import NAVIGATION, Expression
from workbench.time import from_nanos, to_nanos

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]
Name = tuple[str, int, Any]
Tallies = dict[Name, Array]

_SIMPLE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A column of values, which of them are not null, and the dtype of the column that they came from."""

    values: Array
    valid: Mask
    dtype: Any = None

    @classmethod
    def of(cls, column: pd.Series) -> Value:
        """Take a pandas column apart; moments become ``datetime64[ns]`` UTC."""
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return cls(to_nanos(column).view("datetime64[ns]"), column.notna().to_numpy(), column.dtype)
        if column.dtype.kind == "m":
            return cls(column.to_numpy().astype("timedelta64[ns]"), column.notna().to_numpy(), column.dtype)
        taken = Operand.of(values_of(column.astype(object) if is_ordered(column.dtype) else column))
        return cls(taken.values, taken.valid, column.dtype)

    def take(self, rows: Ints) -> Value:
        """Give the values of some rows; those of row -1 are null."""
        if not len(self.values):
            return Value(np.zeros(len(rows), self.values.dtype), np.zeros(len(rows), dtype=bool), self.dtype)
        return Value(self.values[rows], self.valid[rows] & (rows >= 0), self.dtype)

    def column(self, count: int) -> pd.Series:
        """Give the values as a pandas column."""
        values, valid = np.broadcast_to(self.values, count), np.broadcast_to(self.valid, count)
        if values.dtype.kind == "M":
            nanos = np.where(valid, values, np.datetime64("NaT")).view(np.int64)
            return from_nanos(nanos, self.dtype or "datetime64[ns]")
        if values.dtype.kind == "m":
            return pd.Series(np.where(valid, values, np.timedelta64("NaT")))
        if values.dtype == object:
            texts = pd.Series(values).where(valid, None)
            return texts if self.dtype is None else texts.astype(self.dtype)
        return pd.Series(values.copy() if valid.all() else np.where(valid, values.astype(float), np.nan))


Columns = Callable[[str], Value]
Navigate = Callable[[Expression], Value]


def evaluate(expression: Any, columns: Columns, navigate: Navigate) -> Value:
    """Evaluate an expression.

    Parameters
    ----------
    expression : Expression or constant
        What to compute.
    columns : callable
        Gives a column by name, one element for each row asked about.
    navigate : callable
        Gives the value of ``first``, ``sum`` and the like.

    Examples
    --------
    >>> from workbench.model.expressions import col
    >>> frame = pd.DataFrame({"v": [1.0, None, 3.0]})
    >>> answer = evaluate((col("v") > 2) | col("v").is_null(), lambda name: Value.of(frame[name]), Value)
    >>> (answer.values & answer.valid).tolist()
    [False, True, True]
    """
    if not isinstance(expression, Expression):
        return _constant(expression)
    name, operands = expression.operator, expression.operands
    if name == "col":
        return columns(operands[0])
    if name in NAVIGATION:
        return navigate(expression)
    values = [evaluate(operand, columns, navigate) for operand in operands]
    if name in ("and", "or"):
        return reduce(_both if name == "and" else _either, values)
    if name == "not":
        return Value(~_true(values[0]), values[0].valid)
    if name == "is_null":
        return Value(~values[0].valid, np.ones_like(values[0].valid))
    if name == "contains":
        return _pairwise(lambda whole, part: np.char.find(whole.astype(str), part.astype(str)) >= 0, *values)
    return _arithmetic(name, *values)


def _constant(value: Any) -> Value:
    if isinstance(value, pd.Timestamp):
        zoned = value if value.tz is None else value.tz_convert("UTC").tz_localize(None)
        return Value(np.asarray(np.datetime64(zoned.as_unit("ns").value, "ns")), np.asarray(True))
    if isinstance(value, pd.Timedelta):
        return Value(np.asarray(np.timedelta64(value.as_unit("ns").value, "ns")), np.asarray(True))
    if value is None:
        return Value(np.asarray(False), np.asarray(False))
    return Value(np.asarray(value, dtype=object if isinstance(value, str) else None), np.asarray(True))


def _true(value: Value) -> Mask:
    true: Mask = value.valid & (value.values != 0)
    return true


def _both(left: Value, right: Value) -> Value:
    false = (left.valid & ~_true(left)) | (right.valid & ~_true(right))
    return Value(_true(left) & _true(right), (left.valid & right.valid) | false)


def _either(left: Value, right: Value) -> Value:
    true = _true(left) | _true(right)
    return Value(true, (left.valid & right.valid) | true)


def _arithmetic(name: str, left: Value, right: Value) -> Value:
    ordered = next((value.dtype for value in (left, right) if is_ordered(value.dtype)), None)
    if ordered is not None and name in ("<", "<=", ">", ">="):
        left, right = (_place(value, ordered) for value in (left, right))
    if object in (left.values.dtype, right.values.dtype):
        return _pairwise(_SIMPLE[name], left, right)
    valid = left.valid & right.valid
    if name == "/":
        valid = valid & (right.values != 0)
    with np.errstate(all="ignore"):
        values = _SIMPLE[name](left.values, right.values)
    moment = values.dtype.kind == "M"
    return Value(values, valid, (left.dtype or right.dtype) if moment else None)


def _place(value: Value, dtype: Any) -> Value:
    """Give the places of values among ordered categories.

    Raises
    ------
    SchemaError
        If one is none of them.
    """
    places = dtype.categories.get_indexer(np.ravel(value.values)).reshape(value.values.shape)
    if (strange := (places < 0) & value.valid).any():
        word = np.broadcast_to(value.values, strange.shape)[strange][0]
        raise SchemaError(
            f"{word!r} is no category of {', '.join(map(repr, dtype.categories))}",
            detail="ordered categories are compared by their order",
        )
    return Value(places, value.valid)


def _pairwise(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    """Apply a function to objects, where neither is null."""
    valid = np.asarray(left.valid & right.valid)
    lefts, rights, valid = np.broadcast_arrays(left.values, right.values, valid)
    found = np.asarray(function(lefts[valid], rights[valid]))
    values = np.zeros(valid.shape, dtype=found.dtype)
    values[valid] = found
    return Value(values, valid)


def holds(where: Any, frame: pd.DataFrame) -> Mask:
    """Say which rows of a frame a condition takes that looks at nothing else; null is no.

    Raises
    ------
    DescriptionError
        If it does not give a boolean for each row.
    """
    if where is True:
        return np.ones(len(frame), dtype=bool)
    if isinstance(where, Expression):
        value = evaluate(where, lambda name: Value.of(frame[name]), _nowhere)
        return np.broadcast_to(_true(value), len(frame))
    return mask(frame.copy(deep=False), where)


def _nowhere(part: Expression) -> Value:
    raise AssertionError(f"{part!r} is asked of rows that are in no match")


class Tally:
    """What some expressions need to know of the rows that a run has matched, by stage.

    Parameters
    ----------
    expressions : iterable
        Conditions or measures.
    stages : sequence of str
        The names of the stages; a stage is its place among them.
    """

    def __init__(self, expressions: Iterable[Any], stages: Sequence[str]) -> None:
        self.place = {name: place for place, name in enumerate(stages)}
        names: dict[Name, None] = {}
        for expression in expressions:
            for part in expression.navigations if isinstance(expression, Expression) else ():
                names.update(dict.fromkeys(self._needs(part)))
        self.names = [*names]

    def start(self, count: int, columns: Columns) -> Tallies:
        """Give the tallies of runs that have matched nothing."""
        return {name: self._nothing(name, count, columns) for name in self.names}

    def extend(self, tallies: Tallies, stages: Any, rows: Ints, columns: Columns) -> Tallies:
        """Give the tallies of runs that have matched one row more, for a stage each or one stage for all."""
        more: Tallies = {}
        for name in self.names:
            what, place, of = name
            mine, held = np.broadcast_to(stages == place, len(rows)), tallies[name]
            match what:
                case "rows":
                    more[name] = held + mine
                case "first":
                    more[name] = np.where(mine & (tallies["rows", place, None] == of), rows, held)
                case "last":
                    more[name] = np.where(mine, tallies["last", place, of - 1] if of else rows, held)
                case _:
                    more[name] = self._fold(name, tallies, mine, columns(of).take(rows))
        return more

    def navigate(self, tallies: Tallies, columns: Columns) -> Navigate:
        """Give the function that looks up values in tallies."""

        def look_up(part: Expression) -> Value:
            function, (variable, column, offset) = part.operator, part.operands
            place = self.place[variable]
            if function in ("first", "last"):
                return columns(column).take(tallies[function, place, offset])
            count = tallies["count", place, column]
            if function == "count":
                return Value(count, np.ones(len(count), dtype=bool))
            if function == "avg":
                return Value(tallies["sum", place, column] / np.maximum(count, 1), count > 0)
            return Value(tallies[function, place, column], count > 0, columns(column).dtype)

        return look_up

    def _needs(self, part: Expression) -> list[Name]:
        function, (variable, column, offset) = part.operator, part.operands
        place = self.place[variable]
        if function == "first":
            return [("rows", place, None), ("first", place, offset)]
        if function == "last":
            return [("last", place, back) for back in range(offset + 1)]
        folded = {"avg": ["sum"], "count": []}.get(function, [function])
        return [("count", place, column), *((each, place, column) for each in folded)]

    def _nothing(self, name: Name, count: int, columns: Columns) -> Array:
        what, _, of = name
        if what in ("first", "last"):
            return np.full(count, -1, dtype=np.int64)
        if what in ("rows", "count"):
            return np.zeros(count, dtype=np.int64)
        kind = columns(of).values.dtype.kind
        if kind not in ("iufm" if what == "sum" else "iufmM"):
            raise SchemaError(
                f"the {what} of a column of {columns(of).dtype} is not defined",
                hint="ask for its count, first or last, or convert the column first",
            )
        return np.zeros(count, dtype=columns(of).values.dtype)

    def _fold(self, name: Name, tallies: Tallies, mine: Mask, value: Value) -> Array:
        what, place, of = name
        held, some = tallies[name], mine & value.valid
        if what == "count":
            return held + some
        if what == "sum":
            return held + np.where(some, value.values, np.zeros(1, value.values.dtype))
        better = value.values < held if what == "min" else value.values > held
        return np.where(some & (better | (tallies["count", place, of] == 0)), value.values, held)
