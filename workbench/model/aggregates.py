"""What is computed of the rows of a window: the aggregates by name, and what each is made of.

An aggregate is made of *parts*: mergeable partial results that the engine keeps per slice and key (a mean is
made of a sum and a count). Aggregates of one column share their parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import DescriptionError

SIZE = "size"

FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "size": ("rows",),
    "count": ("count",),
    "sum": ("sum", "count"),
    "mean": ("sum", "count"),
    "min": ("min", "count"),
    "max": ("max", "count"),
    "var": ("moments",),
    "std": ("moments",),
    "first": ("first",),
    "last": ("last",),
    "nunique": ("distinct",),
    "any": ("truths",),
    "all": ("truths", "count"),
    "median": ("values",),
    "quantile": ("values",),
    "mode": ("values",),
    "collect": ("values",),
}
"""Each aggregate's name (pandas' own) and the parts that it is made of."""


@dataclass(frozen=True)
class Aggregate:
    """One output column: a function over one input column.

    Parameters
    ----------
    output : str
        Name of the output column.
    column : str
        Name of the input column; for ``size`` it does not matter.
    function : str
        One of `FUNCTIONS`, which are pandas' own names. Nulls are skipped, but ``size`` counts rows; a sum
        of nothing is 0, a mean, min, max, first or last of nothing is null; ``var`` and ``std`` have one
        degree of freedom (``ddof=1``) and are null below two values. ``first`` and ``last`` go by event
        time; ties go by arrival (first the earliest to arrive, last the latest). ``any`` and ``all`` ask
        which values are not 0; of nothing they are False and True. ``median`` and ``quantile`` are exact,
        between two values linear as in pandas; ``mode`` is the commonest value, of several the least;
        ``collect`` is a list in order of event time, then arrival. These four keep every value.
    argument : float, optional
        For ``quantile``: which, from 0 to 1.

    Raises
    ------
    DescriptionError
        If there is no such function, or the argument is not one for it.

    Examples
    --------
    >>> Aggregate("revenue", "amount", "sum").parts
    ('sum', 'count')
    """

    output: str
    column: str
    function: str
    argument: float | None = None

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            raise DescriptionError(
                f"no such aggregate: {self.function!r} (for {self.output!r})",
                hint=f"one of {', '.join(FUNCTIONS)}",
            )
        if self.function == "quantile" and not _is_share(self.argument):
            raise DescriptionError(
                f"a quantile is of a share from 0 to 1, but {self.output!r} has {self.argument!r}",
                hint=f"write {self.output}=({self.column!r}, 'quantile', 0.95)",
            )
        if self.function != "quantile" and self.argument is not None:
            raise DescriptionError(
                f"{self.function!r} takes no argument, but {self.output!r} has {self.argument!r}"
            )

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the mergeable parts that this aggregate is computed from."""
        return FUNCTIONS[self.function]


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def named_aggregates(named: Mapping[str, tuple[Any, ...]]) -> tuple[Aggregate, ...]:
    """Read pandas' named aggregation, ``output=(column, function)`` or ``(column, "quantile", share)``.

    Raises
    ------
    DescriptionError
        If nothing is named, or a value is not a pair of column and function.

    Examples
    --------
    >>> named_aggregates({"orders": ("amount", "size")})[0].parts
    ('rows',)
    """
    if not named:
        raise DescriptionError("nothing to aggregate", hint="write .agg(total=('amount', 'sum'))")
    aggregates = []
    for output, pair in named.items():
        if not (isinstance(pair, tuple) and len(pair) in (2, 3) and _are_names(pair[:2])):
            raise DescriptionError(
                f"{output!r} is not a pair of column and function: {pair!r}",
                hint=f"write {output}=('amount', 'sum')",
            )
        aggregates.append(Aggregate(output, *pair))
    return tuple(aggregates)


def _are_names(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, str) for value in values)
