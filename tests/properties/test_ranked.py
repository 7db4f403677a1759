"""Order within ranges is what sorting each range gives."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine.operands import Operand
from workbench.engine.ranked import below, distinct, kth, ranked
from workbench.model.aggregates import Aggregate

NUMBERS = st.lists(st.integers(0, 20), max_size=40)
EDGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12)
LIMITS = st.lists(st.integers(0, 70), min_size=12, max_size=12)


def ranges_of(edges, count):
    starts, ends = np.sort(np.minimum(np.array(edges, dtype=np.int64), count), axis=1).T
    return starts, ends, list(zip(starts.tolist(), ends.tolist(), strict=True))


@given(NUMBERS, EDGES, LIMITS)
def test_numbers_of_ranges(numbers, edges, limits):
    held = np.array(numbers, dtype=np.int64)
    starts, ends, pairs = ranges_of(edges, len(numbers))
    limits = np.array(limits[: len(pairs)])
    less = [
        sum(number < limit for number in numbers[a:b]) for (a, b), limit in zip(pairs, limits, strict=True)
    ]
    assert below(held, starts, ends, limits).tolist() == less
    assert distinct(held, starts, ends).tolist() == [len({*numbers[a:b]}) for a, b in pairs]
    rank = np.argsort(np.argsort(held, kind="stable"), kind="stable")
    wanted = limits % np.maximum(ends - starts, 1)
    assert kth(rank, starts, ends, wanted).tolist() == [
        sorted(rank[a:b].tolist())[k] if a < b else len(numbers)
        for (a, b), k in zip(pairs, wanted.tolist(), strict=True)
    ]


COLUMNS = {
    "float64": st.sampled_from([np.nan, 0.0, -1.5, 2.0, 1e300]),
    "Int64": st.sampled_from([pd.NA, 0, 7, -3, 2**40]),
    "timedelta64[ms]": st.sampled_from([pd.NaT, *pd.to_timedelta([0, 5, 5, -7], unit="ms")]),
    "boolean": st.sampled_from([pd.NA, True, False]),
}


@given(st.data(), st.sampled_from(sorted(COLUMNS)), EDGES, st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]))
def test_quantiles_and_kinds_are_those_of_pandas(data, dtype, edges, share):
    column = pd.Series(data.draw(st.lists(COLUMNS[dtype], max_size=40)), dtype=dtype)
    starts, ends, pairs = ranges_of(edges, len(column))
    asked = [
        Aggregate("q", "v", "quantile", share),
        Aggregate("m", "v", "median"),
        Aggregate("n", "v", "nunique"),
    ]
    found = ranked(asked, Operand.of(column.array), starts, ends)
    assert found["n"].tolist() == [column[a:b].nunique() for a, b in pairs]
    number = column.astype("Float64") if dtype == "boolean" else column
    for name, each in (("q", share), ("m", 0.5)):
        expected = [
            number[a:b].dropna().quantile(each) if number[a:b].notna().any() else None for a, b in pairs
        ]
        of_pandas = pd.Series(expected, dtype=dtype if dtype.startswith("time") else "float64")
        pd.testing.assert_series_equal(pd.Series(found[name]), of_pandas, check_dtype=False)
