"""The three laws: batching is invisible, stream equals batch, nothing disappears.

Each compares the engine with the oracle (row by row) and with pandas (the whole table at once), on
streams that Hypothesis makes up. WORKBENCH_EXAMPLES multiplies the number of streams.
"""

import os

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings

from workbench.engine.windowed import window_operator
from workbench.model.aggregates import Aggregate
from workbench.model.panes import REVISION, TIMING, WINDOW_END
from workbench.model.windows import Session, Tumbling
from workbench.testing.answers import Answer, run_oracle
from workbench.testing.batch import pandas_answer
from workbench.testing.compare import final_panes, late_rows, pane_differences
from workbench.testing.oracle import Oracle
from workbench.testing.replay import Replay, replay
from workbench.testing.strategies import Example, cuts, examples

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(40 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)


def final(replay, example):
    """The panes that nothing supersedes."""
    return final_panes(replay.panes, example.keys, sessions=isinstance(example.window, Session))


def played(example: Example, *, at: tuple[int, ...] | None = None, restart: bool = False) -> Replay:
    def make():
        return window_operator(**example.question, time_dtype=example.frame["t"].dtype)

    at = example.cuts if at is None else at
    return replay(make, example.frame, time="t", bound=example.bound, cuts=at, restart=restart)


def answered(example: Example) -> Answer:
    return run_oracle(example.frame, time="t", bound=example.bound, **example.question)


def agree(example: Example, replay: Replay, answer: Answer) -> None:
    assert not pane_differences(final(replay, example), answer.final, example.keys)
    assert late_rows(replay.late) == late_rows(answer.late)
    assert replay.rejected["reason"].sort_index().to_dict() == answer.rejected["reason"].to_dict()
    assert replay.dropped == answer.dropped


@law
@given(examples(sessions=False))
def test_windows_agree_with_the_oracle_in_any_batches(example: Example) -> None:
    agree(example, played(example), answered(example))


@law
@given(examples(sessions=True))
def test_sessions_agree_with_the_oracle_in_any_batches(example: Example) -> None:
    agree(example, played(example), answered(example))


@law
@given(st.data(), examples())
def test_batching_is_invisible(data: st.DataObject, example: Example) -> None:
    one, other = played(example), played(example, at=data.draw(cuts(len(example.frame))))
    finals = [final(each, example) for each in (one, other)]
    assert not pane_differences(*finals, example.keys)
    assert late_rows(one.late) == late_rows(other.late)
    assert one.dropped == other.dropped


@law
@given(examples())
def test_row_by_row_the_engine_gives_the_panes_of_the_oracle(example: Example) -> None:
    each = tuple(range(len(example.frame)))
    one_by_one = played(example, at=each)
    agree(example, one_by_one, answered(example))

    def make():
        return Oracle(**example.question, time_dtype=example.frame["t"].dtype)

    answer = replay(make, example.frame, time="t", bound=example.bound, cuts=each)
    columns = [WINDOW_END, *example.keys, "rows", TIMING, REVISION]
    engine, oracle = (
        each.panes[columns].astype(str).sort_values(columns, ignore_index=True)
        for each in (one_by_one, answer)
    )
    pd.testing.assert_frame_equal(engine, oracle)


@law
@given(examples(in_time=True))
def test_stream_equals_batch_when_no_row_is_late(example: Example) -> None:
    stream = played(example)
    batch = pandas_answer(
        example.frame,
        time="t",
        keys=example.keys,
        window=example.window,
        aggregates=example.aggregates,
    )
    assert stream.dropped == 0
    assert stream.late.empty
    assert not pane_differences(final(stream, example), batch, example.keys)


@law
@given(examples())
def test_nothing_disappears(example: Example) -> None:
    answer, stream = answered(example), played(example)
    in_panes = int(final(stream, example)["rows"].sum())
    if isinstance(example.window, Session):
        # in one corner (see testing.compare) an expired session looks as if it had been merged
        assume(len(answer.final) == answer.superseded.count(False))
        assert in_panes + stream.dropped + len(stream.rejected) == len(example.frame)
        assert stream.dropped == len(stream.late)
    else:
        assert in_panes + stream.dropped == pairs(example)
        assert len(stream.late) <= stream.dropped
    assert stream.size == 0


def pairs(example: Example) -> int:
    """Count (row, window) pairs, as pandas does."""
    everything = pandas_answer(
        example.frame,
        time="t",
        keys=example.keys,
        window=example.window,
        aggregates=example.aggregates[:1],
    )
    return int(everything["rows"].sum())


@law
@given(examples())
def test_a_restart_after_every_batch_changes_nothing(example: Example) -> None:
    straight, restarted = played(example), played(example, restart=True)
    assert len(straight.batches) == len(restarted.batches)
    for one, other in zip(straight.batches, restarted.batches, strict=True):
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(straight.late, restarted.late)
    pd.testing.assert_frame_equal(straight.rejected, restarted.rejected)
    assert (straight.dropped, straight.size) == (restarted.dropped, 0)


@law
@given(examples())
def test_each_pane_table_is_in_order_and_keeps_the_types(example: Example) -> None:
    for panes in played(example).batches:
        order = [WINDOW_END, *example.keys, REVISION]
        pd.testing.assert_frame_equal(panes, panes.sort_values(order, kind="stable"))
        for key in example.keys:
            assert panes[key].dtype == example.frame[key].dtype
        assert panes[WINDOW_END].dtype == example.frame["t"].dtype


@pytest.mark.parametrize("dtype", ["int64", "Int64", "str", "category"])
@pytest.mark.parametrize("keys", [("k",), ("k", "k2")])
@pytest.mark.parametrize("restart", [False, True])
def test_keys_that_come_and_go_by_the_thousand(dtype: str, keys: tuple[str, ...], restart: bool):
    """More keys than the operator cares to remember, some of them null, over many short windows."""
    rng = np.random.default_rng(7)
    count = 12_000
    number = pd.Series(np.arange(count) // 2 + rng.integers(0, 50, count))
    key = number if dtype == "int64" else number.astype("Int64").where(number % 41 != 0)
    frame = pd.DataFrame(
        {
            "t": pd.to_datetime(np.arange(count) * 10, unit="ms").astype("datetime64[ns]"),
            "k": key.astype("str").astype(dtype) if dtype in ("str", "category") else key,
            "k2": pd.Series(rng.choice(["x", "y", None], count), dtype="str"),
            "v": 1.0,
        }
    )
    question = {
        "keys": keys,
        "window": Tumbling("1s"),
        "aggregates": (Aggregate("rows", "v", "size"),),
    }
    stream = replay(
        lambda: window_operator(**question),
        frame,
        time="t",
        bound=0,
        cuts=range(0, count, 500),
        restart=restart,
    )
    batch = pandas_answer(frame, time="t", **question)
    assert not pane_differences(stream.panes, batch, keys)
    assert stream.size == 0
