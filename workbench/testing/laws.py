"""The laws of an aggregate of one's own, tried on values that Hypothesis makes up."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings

from workbench.engine.custom import custom_part
from workbench.engine.partials import Plan
from workbench.model.aggregates import Aggregate
from workbench.model.custom import Custom
from workbench.testing.compare import same
from workbench.testing.reckoning import lifted, merged, resulting


def check_aggregate(
    custom: Custom, *values: st.SearchStrategy[Any], dtypes: Sequence[Any] = (), examples: int = 200
) -> None:
    """Try whether an aggregate gives the same, whatever the order and the batches.

    Parameters
    ----------
    custom : Custom
        The aggregate.
    *values : Hypothesis strategy
        What each of its columns may hold, beside null.
    dtypes : sequence of dtype, optional
        The dtypes of the columns; otherwise pandas decides.
    examples : int
        How many tables to try.

    Raises
    ------
    AssertionError
        If a law is broken: it names the law and shows the rows. Results are equal when they differ by less
        than a billionth.

    Examples
    --------
    >>> import numpy as np, workbench as wb
    >>> span = wb.Custom(lambda v: (v, v), (np.minimum, np.maximum), lambda low, high: high - low)
    >>> check_aggregate(span, st.floats(-1e6, 1e6))
    >>> check_aggregate(wb.Custom(float, lambda a, b: a - b, float), st.integers(0, 9), dtypes=["int64"])
    Traceback (most recent call last):
    ...
    AssertionError: merge(...) is not merge(...) for a of (0,) and b of (...
    """
    rows = st.lists(st.tuples(*values), min_size=3, max_size=12)

    phases = (Phase.explicit, Phase.generate, Phase.shrink)

    @settings(deadline=None, database=None, derandomize=True, max_examples=examples, phases=phases)
    @given(rows, st.integers(1, 11))
    def tried(rows: list[tuple[Any, ...]], cut: int) -> None:
        _check_merge(custom, rows[0], rows[1], rows[2])
        _check_engine(custom, rows, cut, dtypes)

    tried()


def _check_merge(custom: Custom, *rows: tuple[Any, ...]) -> None:
    """Check that merging is commutative and associative, and changes nothing."""
    a, b, c = (lifted(custom, row) for row in rows)
    before = copy.deepcopy((a, b))
    one, other = merged(custom, a, b), merged(custom, b, a)
    names = f"a of {rows[0]} and b of {rows[1]}"
    _check_same(f"merge(a, b) changes them, for {names}", repr((a, b)), repr(before))
    _check_same(
        f"merge(a, b) is not merge(b, a) for {names}", resulting(custom, one), resulting(custom, other)
    )
    left, right = merged(custom, one, c), merged(custom, a, merged(custom, b, c))
    what = f"merge(merge(a, b), c) is not merge(a, merge(b, c)) for {names} and c of {rows[2]}"
    _check_same(what, resulting(custom, left), resulting(custom, right))


def _check_engine(custom: Custom, rows: list[tuple[Any, ...]], cut: int, dtypes: Sequence[Any]) -> None:
    """Check that rows at once, in two batches, and none at all go through the engine."""
    names = tuple(f"c{i}" for i in range(len(rows[0])))
    frame = pd.DataFrame(rows, columns=list(names))
    frame = frame.astype(dict(zip(names, dtypes, strict=False)))
    plan = Plan([Aggregate("result", names if len(names) > 1 else names[0], custom)])

    def folded(some: pd.DataFrame) -> Any:
        operand = plan.operands(some)[plan.needs[0][1]]
        numbers = np.arange(len(some))
        return plan.parts[0].fold(operand, numbers, numbers, np.zeros(len(some), dtype=np.int64), 1)

    def result(columns: Any) -> Any:
        return custom_part(custom).results(columns)[0]

    whole = result(folded(frame))
    folded(frame[:0])
    pieces = result(plan.parts[0].merge(folded(frame[:cut]), folded(frame[cut:])))
    _check_same(f"rows {rows} give another result in two batches", whole, pieces)


def _check_same(what: str, one: Any, other: Any) -> None:
    if not same(one, other):
        raise AssertionError(f"{what}: {one} and {other}")
