"""Count windows against the oracle and pandas: every pane is final, and no row is ever late."""

import hypothesis.strategies as st
import pandas as pd
from hypothesis import HealthCheck, given, settings

import workbench as wb
from workbench.engine.windowed import window_operator
from workbench.model.aggregates import Aggregate
from workbench.model.panes import REVISION, TIMING
from workbench.testing.answers import run_oracle
from workbench.testing.compare import plain
from workbench.testing.oracle import Oracle
from workbench.testing.replay import replay
from workbench.testing.strategies import Example, examples

law = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])

NAMED = (
    Aggregate("rows", "v", "size"),
    Aggregate("sum", "v", "sum"),
    Aggregate("all", "n", "collect"),
    Aggregate("last", "s", "last"),
)


@st.composite
def counted(draw):
    example = draw(examples())
    window = wb.Count(draw(st.integers(1, 5)), draw(st.one_of(st.none(), st.integers(1, 6))))
    return example, window


def asked(example: Example, window: wb.Count):
    return {"keys": example.keys, "window": window, "aggregates": NAMED}


def told(panes):
    """The panes in an order that does not depend on batches."""
    rows = panes.drop(columns=[TIMING, REVISION]).to_dict("records")
    return sorted(str([_said(plain(value)) for value in row.values()]) for row in rows)


def _said(value):
    return f"{float(value):.6f}" if isinstance(value, int | float) else str(value)


@law
@given(counted())
def test_any_batches_give_what_the_oracle_gives(case):
    example, window = case
    answer = run_oracle(example.frame, time="t", bound=0, **asked(example, window))
    stream = replay(
        lambda: window_operator(**asked(example, window), time_dtype=example.frame["t"].dtype),
        example.frame, time="t", bound=0, cuts=example.cuts, restart=True,
    )  # fmt: skip
    assert told(stream.panes) == told(answer.panes)
    assert sorted(stream.rejected.index) == answer.rejected.index.tolist()
    assert stream.late.empty
    assert stream.size == 0


@law
@given(counted())
def test_a_tumbling_count_is_what_pandas_counts(case):
    example, window = case
    rows = example.frame[example.frame["t"].notna()]
    by = list(example.keys)
    everything = rows.assign(all=0)
    place = everything.groupby([*by, "all"], dropna=False, observed=True).cumcount()
    groups = rows.assign(window=place // window.size).groupby([*by, "window"], dropna=False, observed=True)
    named = asked(example, wb.Count(window.size))
    stream = replay(lambda: window_operator(**named), example.frame, time="t", bound=0, cuts=example.cuts)
    assert sorted(stream.panes["rows"].tolist()) == sorted(groups.size().tolist())
    assert stream.panes["rows"].sum() == len(rows)


def test_the_oracle_fires_a_window_when_it_is_full():
    frame = pd.DataFrame({"t": pd.to_datetime([3, 1, 2, 9], unit="s"), "v": [1, 2, 3, 4]})
    answer = run_oracle(
        frame, time="t", window=wb.Count(3), aggregates=(Aggregate("sum", "v", "sum"),), bound=0
    )
    assert answer.panes["sum"].tolist() == [6, 4]
    assert answer.panes.window_start.dt.second.tolist() == [1, 9]
    assert answer.panes.window_end.dt.second.tolist() == [3, 9]
    assert Oracle(window=wb.Count(3), aggregates=()).size == 0
