"""Conditions as strings, read when they are described: what is no expression, or names no column."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from workbench.columns import require
from workbench.errors import DescriptionError
from workbench.model.steps import Columns

_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`""")
_KNOWN = re.compile("index|i?level_[0-9]+|inf|Inf|datetime|Timestamp|list|tuple")
"""What pandas knows in a query beside columns."""


def check_condition(condition: str, columns: Columns, what: str) -> None:
    """See that a query string can be asked of rows, as far as it can be told from the string.

    Parameters
    ----------
    condition : str
        As `pandas.DataFrame.query` takes it.
    columns : tuple of str or None
        The columns of the rows, where they are known.
    what : str
        What the condition is of; named in the error.

    Raises
    ------
    DescriptionError
        If it refers to a variable (``@limit``), which is not there when rows come, or is no expression.
    SchemaError
        If it names a column that there is not; what is called, as ``sin(v)``, what stands in backticks, and
        what pandas knows is passed over.

    Examples
    --------
    >>> check_condition("sin(v) > 0 and `a b` == 'x'", ("v",), "a condition")
    >>> check_condition("vv > 0", ("v",), "a condition")
    Traceback (most recent call last):
    workbench.errors.SchemaError: no such column: 'vv' (for a condition)
    Detail: there are v
    Hint: did you mean 'v'?
    """
    if "@" in _QUOTED.sub("", condition):
        raise DescriptionError(
            f"a condition cannot refer to variables: {condition!r}",
            detail="it is read when rows come, and your variables are not there",
            hint="write their values into it, query(f'v > {limit}'), or give a function of the frame",
        )
    plain = _QUOTED.sub(lambda found: "index" if found[0].startswith("`") else found[0], condition.strip())
    try:
        tree = ast.parse(plain, mode="eval")
    except SyntaxError as error:
        raise DescriptionError(
            f"not a condition: {condition!r} (for {what})",
            detail=f"it is one expression, as in Python: {error.msg}",
            hint="compare with ==, <, in and so on, and join with and, or, not: \"k == 'a' and v > 1\"",
        ) from None
    if columns is not None:
        require(columns, [name for name in _names(tree) if not _KNOWN.fullmatch(name)], what)


def _names(tree: ast.AST) -> Iterator[str]:
    """Give the names in an expression, but for those that are called."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called:
            yield node.id
