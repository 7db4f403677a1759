"""Aggregates as pandas spells them: named, by column, several of a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.errors import DescriptionError
from workbench.model.aggregates import FUNCTIONS, SEVERAL, Aggregate
from workbench.model.custom import Custom

LIKE = {
    "len": "size",
    "list": "collect",
    "set": "collect",
    "average": "weighted_mean",
    "amin": "min",
    "amax": "max",
}
"""Python's and numpy's names of what has another name here."""


def named_aggregates(
    named: Mapping[str, Any], by_column: Mapping[str, Any] | None = None
) -> tuple[Aggregate, ...]:
    """Read the arguments of ``agg``.

    Parameters
    ----------
    named : mapping
        pandas' named aggregation: output -> ``(column, function)``, ``(columns, function)``,
        ``(column, function, argument)`` or ``pd.NamedAgg``.
    by_column : mapping, optional
        Column -> function, whose output is named after the column, or column -> list of functions, whose
        outputs are named ``column_function``.

    Returns
    -------
    tuple of Aggregate
        Those by column first. ``ohlc`` becomes four: ``output_open, output_high, output_low, output_close``.

    Raises
    ------
    DescriptionError
        If nothing is named, something is named twice, or a value is not a pair of column and function.

    Examples
    --------
    >>> print(*named_aggregates({"orders": ("amount", "size")}, {"price": ["mean", "max"]}), sep="; ")
    price_mean=mean(price); price_max=max(price); orders=size(amount)
    >>> [each.output for each in named_aggregates({"price": ("price", "ohlc")})]
    ['price_open', 'price_high', 'price_low', 'price_close']
    """
    pairs = [*_by_column(by_column), *((output, *_pair(output, value)) for output, value in named.items())]
    if not pairs:
        raise DescriptionError("nothing to aggregate", hint="write .agg(total=('amount', 'sum'))")
    aggregates = tuple(each for pair in pairs for each in _aggregates(*pair))
    output, times = Counter(each.output for each in aggregates).most_common(1)[0]
    if times > 1:
        raise DescriptionError(
            f"{times} aggregates are called {output!r}",
            hint="name them apart: .agg(name=('column', 'function'))",
        )
    return aggregates


def _by_column(by_column: Any) -> Iterator[tuple[Any, ...]]:
    """Give (output, column, function) for each column and function of a mapping."""
    if by_column is None:
        return
    if not isinstance(by_column, Mapping):
        raise DescriptionError(
            f"{by_column!r} does not say of which column",
            hint=".agg(total=('amount', 'sum')), or .agg({'amount': ['sum', 'mean']})",
        )
    for column, functions in by_column.items():
        if not isinstance(functions, list):
            yield column, column, functions
            continue
        for function in functions:
            if isinstance(function, Custom):
                raise DescriptionError(
                    f"an aggregate of {column!r} has no name: {function!r}",
                    hint=f"name it: .agg(name=({column!r}, ...))",
                )
            yield f"{column}_{getattr(function, '__name__', function)}", column, function


def _pair(output: str, value: Any) -> tuple[Any, ...]:
    """Give column, function and perhaps an argument."""
    if hasattr(value, "aggfunc"):  # pd.NamedAgg
        value = (value.column, value.aggfunc, *getattr(value, "args", ()))
    if isinstance(value, tuple) and len(value) in (2, 3):
        columns, *rest = value
        if isinstance(columns, list | tuple) and columns and all(isinstance(each, str) for each in columns):
            return (tuple(columns), *rest)
        if isinstance(columns, str):
            return (columns, *rest)
    raise DescriptionError(
        f"{output!r} is not a pair of column and function: {value!r}",
        hint=f"write {output}=('amount', 'sum'), or {output}=(['price', 'volume'], 'weighted_mean')",
    )


def _aggregates(output: str, column: Any, function: Any, argument: Any = None) -> Iterator[Aggregate]:
    """Give the aggregates that a function stands for."""
    if not isinstance(function, str | Custom):
        raise DescriptionError(
            f"an aggregate is called by its name, but {output!r} has {function!r}",
            detail="a function of a whole group cannot be merged from its pieces",
            hint=_instead(function),
        )
    if function not in SEVERAL:
        yield Aggregate(output, column, function, argument)
        return
    for end, each in SEVERAL[str(function)].items():
        yield Aggregate(f"{output}_{end}", column, each, argument)


def _instead(function: Any) -> str:
    name = getattr(function, "__name__", "")
    name = LIKE.get(name, name)
    own = "wb.Custom(lift=..., merge=..., result=...) makes one of your own"
    return f"write {name!r}; {own}" if name in FUNCTIONS else own
