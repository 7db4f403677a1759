"""What is computed of the rows of a window: the aggregates by name, and what each is made of.

An aggregate is made of *parts*: mergeable partial results that the engine keeps per slice and key (a mean is
made of a sum and a count). Aggregates of one column share their parts. docs/aggregates.md has them all in a
table.
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import DescriptionError
from workbench.model.custom import Custom

SIZE = "size"


@dataclass(frozen=True)
class Function:
    """How a named aggregate is spelled, and what it is made of.

    Parameters
    ----------
    *parts : str
        The mergeable parts that it is computed from.
    columns : int
        How many columns it looks at.
    argument : str
        What it takes beside them, if anything.
    package : str
        The optional package that it needs, if any.
    of : str
        What its columns hold: `ANY`, `NUMBERS`, or `LENGTHS`, which are numbers or durations.
    """

    parts: tuple[str, ...]
    columns: int = 1
    argument: str = ""
    package: str = ""
    of: str = "any"

    @property
    def installed(self) -> bool:
        """Whether the package that it needs is there."""
        return not self.package or importlib.util.find_spec(self.package) is not None


SHARE, NUMBER = "share", "number"
ANY, LENGTHS, NUMBERS = "any", "lengths", "numbers"
SKETCHES = "datasketches"

FUNCTIONS: Mapping[str, Function] = {
    "size": Function(("rows",)),
    "count": Function(("count",)),
    "sum": Function(("sum", "count"), of=LENGTHS),
    "mean": Function(("total", "count"), of=LENGTHS),
    "min": Function(("min", "count")),
    "max": Function(("max", "count")),
    "prod": Function(("product",), of=NUMBERS),
    "var": Function(("moments",), of=NUMBERS),
    "std": Function(("moments",), of=LENGTHS),
    "sem": Function(("moments",), of=LENGTHS),
    "skew": Function(("shape",), of=NUMBERS),
    "kurt": Function(("shape",), of=NUMBERS),
    "first": Function(("first",)),
    "last": Function(("last",)),
    "nunique": Function(("distinct",)),
    "any": Function(("truths",), of=LENGTHS),
    "all": Function(("truths", "count"), of=LENGTHS),
    "median": Function(("multiset",), of=LENGTHS),
    "quantile": Function(("multiset",), argument=SHARE, of=LENGTHS),
    "mode": Function(("multiset",)),
    "collect": Function(("values",)),
    "weighted_mean": Function(("weighted",), columns=2, of=NUMBERS),
    "corr": Function(("comoments",), columns=2, of=NUMBERS),
    "cov": Function(("comoments",), columns=2, of=NUMBERS),
    "approx_quantile": Function(("digest",), argument=SHARE, package=SKETCHES, of=LENGTHS),
    "approx_nunique": Function(("registers",), package=SKETCHES),
    "heavy_hitters": Function(("frequent",), argument=NUMBER, package=SKETCHES),
}
"""Each aggregate's name, pandas' own where pandas has it, and what it is made of."""

SEVERAL: Mapping[str, Mapping[str, str]] = {
    "ohlc": {"open": "first", "high": "max", "low": "min", "close": "last"},
}
"""Names that stand for several aggregates: the end of each output's name, and its function."""

EXAMPLES = {SHARE: "0.95", NUMBER: "10"}
MEANT = {SHARE: "a share from 0 to 1", NUMBER: "a whole number, at least 1"}


@dataclass(frozen=True)
class Aggregate:
    """One output column: a function over one input column, or over several.

    Parameters
    ----------
    output : str
        Name of the output column.
    column : str or tuple of str
        Name of the input column, or names of several; for ``size`` it does not matter.
    function : str or Custom
        One of `FUNCTIONS`, or one of your own. Nulls are skipped (of several columns: the rows with any), but
        ``size`` counts rows; a sum of nothing is 0, a product 1, a mean, min, max, first or last of nothing
        is null; ``var``, ``std``, ``sem`` and ``cov`` have one degree of freedom (``ddof=1``) and are null
        below two values. ``first`` and ``last`` go by event time; ties go by arrival (first the earliest to
        arrive, last the latest). ``any`` and ``all`` ask which values are not 0; of nothing they are False
        and True. ``median`` and ``quantile`` are exact, between two values linear as in pandas; ``mode`` is
        the commonest value, of several the least; ``collect`` is a list in order of event time, then arrival.
        These four keep every value, where ``approx_quantile``, ``approx_nunique`` and ``heavy_hitters``
        keep a few kilobytes. ``weighted_mean`` is of a column of values and one of weights.
    argument : float, optional
        For the quantiles: which, from 0 to 1; for ``heavy_hitters``: how many.

    Raises
    ------
    DescriptionError
        If there is no such function, it is of another number of columns, the argument is not one for it, or
        the package that it needs is not installed.

    Examples
    --------
    >>> Aggregate("revenue", "amount", "sum").parts
    ('sum', 'count')
    >>> print(Aggregate("vwap", ("price", "volume"), "weighted_mean"))
    vwap=weighted_mean(price, volume)
    """

    output: str
    column: str | tuple[str, ...]
    function: str | Custom
    argument: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.function, Custom):
            return self._check_argument("")
        if self.function not in FUNCTIONS:
            near = difflib.get_close_matches(self.function, [*FUNCTIONS, *SEVERAL], n=1)
            raise DescriptionError(
                f"no such aggregate: {self.function!r} (for {self.output!r})",
                detail=f"there are {', '.join((*FUNCTIONS, *SEVERAL))}",
                hint=f"did you mean {near[0]!r}?" if near else "",
            )
        known = FUNCTIONS[self.function]
        self._check_columns(known.columns)
        self._check_argument(known.argument)
        if not known.installed:
            raise DescriptionError(
                f"{self.function!r} needs the package {known.package}, which is not installed",
                detail="approximate aggregates are made of the sketches of Apache DataSketches",
                hint="pip install 'streaming-workbench[sketches]', or choose quantile, nunique or mode, "
                "which are exact",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the input columns; none for ``size``."""
        if self.function == SIZE:
            return ()
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def parts(self) -> tuple[str | Custom, ...]:
        """The mergeable parts that this aggregate is computed from, by name; one of your own is its own."""
        return (self.function,) if isinstance(self.function, Custom) else FUNCTIONS[self.function].parts

    def __str__(self) -> str:
        inside = (self.column,) if isinstance(self.column, str) else self.column
        argument = () if self.argument is None else (f"{self.argument:g}",)
        return f"{self.output}={self.function}({', '.join((*inside, *argument))})"

    def _check_columns(self, wanted: int) -> None:
        given = 1 if isinstance(self.column, str) else len(self.column)
        if given != wanted and self.function != SIZE:
            spelled = "'amount'" if wanted == 1 else "['price', 'volume']"
            raise DescriptionError(
                f"{self.function!r} looks at {wanted} column{'s' * (wanted > 1)}, "
                f"but {self.output!r} has {self.column!r}",
                hint=f"write {self.output}=({spelled}, {self.function!r})",
            )

    def _check_argument(self, wanted: str) -> None:
        if not wanted and self.argument is not None:
            raise DescriptionError(
                f"{self.function!r} takes no argument, but {self.output!r} has {self.argument!r}"
            )
        if wanted and not _is_argument(self.argument, wanted):
            raise DescriptionError(
                f"{self.function} takes {MEANT[wanted]}, but {self.output!r} has {self.argument!r}",
                hint=f"write {self.output}=({self.column!r}, {self.function!r}, {EXAMPLES[wanted]})",
            )


def _is_argument(value: object, wanted: str) -> bool:
    if wanted == SHARE:
        return isinstance(value, int | float) and 0 <= value <= 1
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
