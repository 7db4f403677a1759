"""Query strings, read once, where pandas reads them anew for each batch.

Reading takes pandas about a millisecond, ten times as long as comparing a batch. Most conditions are of a
plain kind, columns beside constants and one another; those are asked here, with the operators that pandas
would come to. Whatever else there is, and whatever goes wrong, is pandas' own.
"""

from __future__ import annotations

import ast
import io
import operator
import tokenize
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import DescriptionError

Mask = npt.NDArray[np.bool_]

_WORDS = {
    "&": (tokenize.NAME, "and"),
    "|": (tokenize.NAME, "or"),
}  # so they bind in queries: less than comparisons do
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.And: operator.and_, ast.Or: operator.or_, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip
_AMONG = {ast.Eq: True, ast.In: True, ast.NotEq: False, ast.NotIn: False}


class _Beyond(Exception):  # noqa: N818 - it never leaves this module
    """A condition has a part that is left to pandas."""


def query(frame: pd.DataFrame, condition: Any) -> pd.DataFrame:
    """Give the rows that meet a condition.

    Raises
    ------
    DescriptionError
        If it does not give a boolean for each row.

    Examples
    --------
    >>> query(pd.DataFrame({"v": [1, 2, 3], "k": ["a", "b", "b"]}), "k == 'b' & v > 2")
       v  k
    2  3  b
    """
    return frame.take(np.flatnonzero(mask(frame, condition)))


def mask(frame: pd.DataFrame, condition: Any) -> Mask:
    """Say which rows meet a condition: a query string, a ``pd.col`` expression or a function; null is no.

    Raises
    ------
    DescriptionError
        If it does not give a boolean for each row.
    """
    found = _answer(frame, condition)
    column = found if isinstance(found, pd.Series) else pd.Series(found, index=frame.index)
    if column.dtype != np.bool_ or len(column) != len(frame):
        column = _booleans(column, condition, len(frame))
    if not column.index.is_(frame.index):
        column = column.reindex(frame.index)
    nulls = column.dtype != np.bool_
    rows: Mask = column.to_numpy(dtype=bool, na_value=False) if nulls else column.to_numpy()
    return rows


def _booleans(column: pd.Series, condition: Any, count: int) -> pd.Series:
    """Give answers of another dtype as booleans; objects may be some, and nulls."""
    same = len(column) == count
    try:
        if same and (column.dtype.kind in "bO" or not count):
            return column.astype("boolean")
    except (TypeError, ValueError):  # objects that are no booleans
        pass
    raise DescriptionError(
        f"the condition {condition!r} gave {column.dtype}, not booleans"
        if same
        else f"the condition {condition!r} gave {len(column)} values for {count} rows",
        detail="a condition says of each row whether it fits",
        hint="give a boolean column, as in 'v > 3', 'flag == 1' or lambda rows: rows['v'] > 3",
    )


def _answer(frame: pd.DataFrame, condition: Any) -> Any:
    """Give what a condition says."""
    if isinstance(condition, str):
        answer = plain(frame, condition)
        return frame.eval(condition) if answer is None else answer
    if isinstance(condition, pd.api.typing.Expression):
        return frame.assign(**{"": condition})[""]
    return condition(frame) if callable(condition) else condition


def plain(frame: pd.DataFrame, condition: str) -> pd.Series | None:
    """Give the answer of a plain condition for each row (bool, indexed as the frame); None for any other.

    Examples
    --------
    >>> frame = pd.DataFrame({"v": [1, 2, 3]})
    >>> plain(frame, "not 1 < v <= 2").tolist(), plain(frame, "v.abs() > 2")
    ([True, False, True], None)
    """
    tree = _read(condition)
    if tree is None:
        return None
    try:
        answer = _ask(tree, frame)
    except Exception:  # also what is wrong with the condition: pandas says it better
        return None
    return answer if isinstance(answer, pd.Series) and answer.dtype == bool else None


@lru_cache(maxsize=256)
def _read(condition: str) -> ast.expr | None:
    """Read a condition; None if it is not one expression."""
    try:
        tokens = [token[:2] for token in tokenize.generate_tokens(io.StringIO(condition.strip()).readline)]
        worded = tokenize.untokenize(_WORDS.get(text, (kind, text)) for kind, text in tokens)
        return None if "\n" in condition else ast.parse(worded, mode="eval").body
    except (SyntaxError, tokenize.TokenError):
        return None


def _ask(node: ast.expr, frame: pd.DataFrame) -> Any:
    """Evaluate a part of a condition.

    Raises
    ------
    _Beyond
        If it is left to pandas.
    """
    match node:
        case ast.Constant(value=int() | float() | str() as value):
            return value
        case ast.Name(id=name):
            return _column(frame, name)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_ask(left, frame), _ask(right, frame))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            return ~_rows(operand, frame)
        case ast.BoolOp(op=sign, values=values):
            return reduce(_OPERATORS[type(sign)], [_rows(each, frame) for each in values])
        case ast.Compare(left=left, ops=signs, comparators=others):
            pairs = zip([left, *others], signs, others, strict=False)
            return reduce(operator.and_, [_compare(*pair, frame) for pair in pairs])
    raise _Beyond


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give a column, if pandas compares it in a query as elsewhere: no moments, no nullable dtypes."""
    column = frame[name]
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        same = dtype.kind in "biuO" or dtype == np.float64
    else:
        same = isinstance(dtype, pd.CategoricalDtype) or dtype == "str"
    if not same:
        raise _Beyond
    return column


def _rows(node: ast.expr, frame: pd.DataFrame) -> pd.Series:
    """Give what is true or false of each row."""
    answer = _ask(node, frame)
    if not isinstance(answer, pd.Series) or answer.dtype != bool:
        raise _Beyond
    return answer


def _compare(left: ast.expr, sign: ast.cmpop, right: ast.expr, frame: pd.DataFrame) -> Any:
    if not isinstance(right, ast.List | ast.Tuple):
        return _OPERATORS[type(sign)](_ask(left, frame), _ask(right, frame))
    if not isinstance(left, ast.Name):
        raise _Beyond
    among = _column(frame, left.id).isin([ast.literal_eval(each) for each in right.elts])
    return among if _AMONG[type(sign)] else ~among
