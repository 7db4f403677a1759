"""What to write instead of a verb that is not there, or not there yet."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.errors import DescriptionError
from workbench.model.aggregates import FUNCTIONS, SEVERAL

_AGGREGATE = "put rows into windows first: .window('1min').agg(total=('amount', 'sum'))"
_TOP = "put rows into windows first: .window('1min').top(3, by='amount')"

OF_STREAMS: Mapping[str, str] = {
    "agg": f"{_AGGREGATE}; with keys .groupby('key') before",
    "top": f"{_TOP}; with keys .groupby('key') before",
    "rolling": "say of which rows: .groupby('key').rolling('5min'), or .groupby().rolling('5min') of all",
    "lag": "say of which rows: .groupby('key').lag(before='amount'), or .groupby().lag(...) of all",
    "match": "say of which rows: .groupby('key').match(pattern), or .groupby().match(pattern) of all",
    "process": "say of which rows: .groupby('key').process(function), or .groupby().process(function) of all",
    "drop_duplicates": "rows that repeat others are left out by .dedup('key', within='1h')",
    "sort_values": "rows are put in the order of event time by .sort()",
    "merge": "choose .interval_join, .window_join, .asof_join or .lookup_join",
    "join": "choose .interval_join, .window_join, .asof_join or .lookup_join",
    "filter": "rows are kept by .query('amount > 1')",
    "apply": "a function from frame to frame is for .map(function)",
}
OF_GROUPS: Mapping[str, str] = {
    "agg": _AGGREGATE,
    "top": _TOP,
    "shift": "the row before is looked back at by .lag(before='amount')",
}


class Instead:
    """Says what to write instead of an attribute that is not there."""

    _instead: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:  # for whom no attribute would be missing

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # it is there, and has raised
                return object.__getattribute__(self, name)
            what = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name.startswith("_"):  # which Python and notebooks ask for
                raise AttributeError(what, name=name, obj=self)
            raise AttributeError(str(DescriptionError(what, hint=self._hint(name))), name=name, obj=self)

        def __getitem__(self, columns: Any) -> Any:
            raise DescriptionError(
                f"a {type(self).__name__} has no columns to choose, but got {columns!r}",
                hint="choose columns before, stream[['k', 'v']], or name them in .agg(total=('v', 'sum'))",
            )

    def _hint(self, name: str) -> str:
        if name in self._instead:
            return self._instead[name]
        if name in FUNCTIONS or name in SEVERAL:
            return f"name it in .agg, of a window: .window('1min').agg({name}=('amount', {name!r}))"
        verbs = [verb for verb in dir(type(self)) if not verb.startswith("_")]
        near = difflib.get_close_matches(name, verbs, n=1)
        return f"did you mean .{near[0]}?" if near else f"there are {', '.join(verbs)}"
