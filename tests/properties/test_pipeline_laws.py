"""Whole pipelines: what is final is the answer, and windows of windows add up, however the rows came."""

import os

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings

import workbench as wb
from workbench.model.aggregates import Aggregate
from workbench.model.panes import REVISION, TIMING, WINDOW_END
from workbench.model.windows import Session
from workbench.testing.answers import run_oracle
from workbench.testing.compare import pane_differences
from workbench.testing.strategies import durations, examples

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(60 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)
NAMED = {"rows": ("v", "size"), "n": ("n", "sum"), "v": ("v", "max"), "first": ("s", "first")}


def described(example, lateness=None, **told):
    """The pipeline that an example asks for."""
    bound, after = (
        pd.Timedelta(example.bound),
        pd.Timedelta(example.lateness if lateness is None else lateness),
    )
    rows = wb.stream(example.frame, time="t", watermark=bound)
    return rows.groupby(*example.keys).window(example.window, lateness=after).agg(**NAMED, **told)


def answered(example):
    aggregates = [Aggregate(name, *of) for name, of in NAMED.items()]
    question = {**example.question, "aggregates": aggregates}
    return run_oracle(example.frame, time="t", bound=example.bound, **question)


@law
@given(
    examples(),
    st.sampled_from((None, 1, 3, wb.AfterAny(wb.AfterCount(4), wb.ContinuousEventTime("2s")))),
    st.sampled_from((1, 2, 7, 100)),
)
def test_what_is_final_is_the_answer(example, early, batch_rows):
    if isinstance(example.window, wb.Global):
        example = type(example)(**{**vars(example), "lateness": 0})
    answer = answered(example)
    if isinstance(example.window, Session):
        # in one corner (see testing.compare) an expired session looks as if it had been merged
        assume(len(answer.final) == answer.superseded.count(False))
    final = described(example, early=early).final().to_pandas(batch_rows=batch_rows)
    assert not pane_differences(final, answer.final, example.keys, ignore=(REVISION, TIMING))
    assert final[WINDOW_END].dropna().is_monotonic_increasing


@law
@given(examples(), durations(1, 20).map(pd.Timedelta), st.sampled_from((1, 3, 100)))
def test_windows_of_windows_add_up(example, size, batch_rows):
    assume(not isinstance(example.window, wb.Global))
    fine = described(example, lateness=0)
    coarse = fine.window(size).agg(rows=("rows", "sum"), panes=("rows", "size"), n=("n", "sum"))
    panes, found = fine.to_pandas(), coarse.to_pandas(batch_rows=batch_rows)
    ends = panes[WINDOW_END]
    last = (ends.dt.tz_convert("UTC") if ends.dt.tz is not None else ends).dt.as_unit("ns").astype(
        "int64"
    ) - 1
    by = (last // size.value) * size.value + size.value
    wanted = panes.groupby(by.to_numpy()).agg(rows=("rows", "sum"), panes=("rows", "size"), n=("n", "sum"))
    assert found.rows.tolist() == wanted.rows.tolist()
    assert found.panes.tolist() == wanted.panes.tolist()
    assert np.allclose(found.n, wanted.n)
    assert coarse.late.to_pandas(batch_rows=batch_rows).empty
