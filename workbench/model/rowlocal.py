"""The steps that look at one row at a time: ordinary pandas, without state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import DescriptionError
from workbench.model.conditions import check_condition
from workbench.model.steps import Columns

if TYPE_CHECKING:
    import pandas as pd

    from workbench.model.stream import EventStream


class _Stream(Protocol):
    """What these steps need of a stream."""

    @property
    def columns(self) -> Columns: ...

    def _require(self, columns: tuple[str, ...] | list[str], what: str) -> None: ...

    def _apply(self, method: str, *arguments: Any, after: Columns = None, **keywords: Any) -> EventStream: ...


class RowLocal:
    """The row-local steps of an `EventStream`; each keeps its function and arguments, inspectable."""

    def query(self: _Stream, condition: Any) -> EventStream:
        """Keep the rows that meet a condition: a query string, a ``pd.col`` expression, or a function.

        The function goes from frame to boolean column and looks at one row at a time.

        Raises
        ------
        DescriptionError
            If a string is no condition, or refers to a variable (``@limit``): it is read when rows come,
            where there is none.
        SchemaError
            If a string names a column that there is not.
        """
        if isinstance(condition, str):
            check_condition(condition, self.columns, "a condition")
        return self._apply("query", condition, after=self.columns)

    def assign(self: _Stream, **columns: Any) -> EventStream:
        """Add or replace columns: values, ``pd.col`` expressions, or functions from frame to column."""
        before = self.columns
        after = None if before is None else tuple(dict.fromkeys((*before, *columns)))
        return self._apply("assign", after=after, **columns)

    def __getitem__(self: _Stream, columns: list[str]) -> EventStream:
        """Keep some columns, by a list of names."""
        if not isinstance(columns, list):
            raise DescriptionError(
                f"a list of columns was expected, but got {columns!r}",
                hint="choose columns with stream[['a', 'b']], and rows with stream.query(...)",
            )
        self._require(columns, "a choice of columns")
        _require_each_its_own(columns, columns)
        return self._apply("select", columns, after=tuple(columns))

    def rename(self: _Stream, columns: Mapping[str, str]) -> EventStream:
        """Rename columns, by a mapping from old to new names."""
        self._require(list(columns), "a column to rename")
        before = self.columns
        after = None if before is None else tuple(columns.get(name, name) for name in before)
        _require_each_its_own(after or (), columns.values())
        return self._apply("rename", after=after, columns=dict(columns))

    def astype(self: _Stream, dtypes: Mapping[str, Any]) -> EventStream:
        """Convert columns, by a mapping from names to dtypes as pandas spells them."""
        self._require(list(dtypes), "a column to convert")
        return self._apply("astype", dict(dtypes), after=self.columns)

    def explode(self: _Stream, column: str) -> EventStream:
        """Make a row of each element of a column of lists; an empty list gives one row with null.

        The rows made of one row share its arrival number, its event time and the watermark that it met.
        """
        self._require([column], "a column to explode")
        return self._apply("explode", column, after=self.columns)

    def map(
        self: _Stream, function: Callable[[pd.DataFrame], pd.DataFrame], /, **keywords: Any
    ) -> EventStream:
        """Apply a function from frame to frame, pure and row-local, that keeps the index.

        The index holds the arrival numbers, by which a row's event time and watermark are found again, so the
        function may drop, change or repeat rows, but not renumber them.
        """
        return self._apply("map", function, **keywords)


def _require_each_its_own(after: Iterable[str], written: Iterable[str]) -> None:
    """Refuse two columns of one name."""
    counts = Counter(after)
    if twice := [name for name in written if counts[name] > 1]:
        raise DescriptionError(
            f"there would be two columns {twice[0]!r}",
            detail="columns of a stream have names, each its own",
            hint="choose another name, or leave the other column out first",
        )
