"""The graph, hand-written and described."""

import numpy as np
import pandas as pd
import pytest
import streamz

import workbench as wb
from workbench.errors import DescriptionError, StepError

FRAME = pd.DataFrame(
    {
        "t": pd.to_datetime([5, 20, 50, 61, 75, 200], unit="s"),
        "country": list("ababab"),
        "amount": [1, 2, 3, 4, 5, 6],
    }
)


def test_a_hand_written_graph_has_watermarks_and_windows():
    source = streamz.Stream()
    dated = source.watermark("10s", time="t")
    panes = dated.map(lambda frame: frame[frame.amount > 1]).window(
        "1min", by="country", total=("amount", "sum")
    )
    out, late, rejected = [], [], []
    panes.sink(out.append)
    panes.late.sink(late.append)
    dated.rejected.sink(rejected.append)
    for start in range(0, 6, 2):
        source.emit(FRAME.iloc[start : start + 2])
    source.emit(FRAME.assign(t=pd.NaT).iloc[:1])
    source.emit(FRAME.iloc[1:2])
    dated.end()
    assert [frame.total.tolist() for frame in out] == [[3, 2, 5, 4], [6]]
    assert pd.concat(late).amount.tolist() == [2]
    assert pd.concat(rejected).reason.tolist() == ["null event time"]


def test_the_hand_written_graph_agrees_with_the_described_one():
    source = streamz.Stream()
    dated = source.watermark("10s", time="t")
    out = []
    dated.window(wb.Sliding("1min", "20s"), lateness="30s", n=("amount", "size")).sink(out.append)
    for row in range(len(FRAME)):
        source.emit(FRAME.iloc[row : row + 1])
    dated.end()
    rows = wb.stream(FRAME, time="t", watermark="10s")
    described = rows.window(wb.Sliding("1min", "20s"), lateness="30s").agg(n=("amount", "size"))
    told = pd.concat(out, ignore_index=True)
    assert told.n.tolist() == described.to_pandas(batch_rows=1).n.tolist()


def test_a_window_without_dates_above_it_says_so():
    source = streamz.Stream()
    source.window("1min", n=("amount", "size")).sink(print)
    with pytest.raises(DescriptionError, match="rows without dates"):
        source.emit(FRAME)


def test_an_error_in_a_hand_written_graph_is_raised_when_the_siblings_have_their_batch():
    source = streamz.Stream()
    dated = source.watermark("10s", time="t")
    seen = []
    dated.map(lambda frame: 1 / 0).sink(print)
    dated.sink(seen.append)
    with pytest.raises(StepError, match="division by zero"):
        source.emit(FRAME)
    assert len(seen[0]) == len(FRAME)


def test_a_step_is_a_node_of_its_name_and_common_steps_are_shared():
    rows = wb.stream(FRAME, time="t", watermark="10s", name="sales")
    some = rows.query("amount > 1")
    first = some.groupby("country").window("1min").agg(total=("amount", "sum"))
    second = some.window("1min").agg(n=("amount", "size"))
    run = wb.start(first, count=second, paused=True)
    try:
        names = [name for name in run.graph.nodes if "." not in name]
        assert names == ["sales", "watermark", "query", "total", "count"]
        assert all(isinstance(run[name], streamz.Stream) and run[name].name == name for name in names)
        assert [node.name for node in run["query"].downstreams] == ["total", "count"]
        with pytest.raises(wb.RunError, match="no step called 'revenue'"):
            run["revenue"]
    finally:
        run.stop()


def test_any_streamz_operator_attaches_to_a_step():
    panes = wb.stream(FRAME, time="t", watermark="10s").window("1min").agg(total=("amount", "sum"))
    run = wb.start(panes, speed="max", paused=True)
    doubled, counted = [], []
    run["total"].map(lambda frame: frame.total * 2).sink(doubled.extend)
    run["watermark"].map(len).accumulate(lambda n, m: n + m, start=0).sink(counted.append)
    run.resume().wait(10)
    assert doubled == [12, 18, 12]
    assert counted[-1] == len(FRAME)


def test_a_finished_run_leaves_no_sink_behind():
    from streamz.sinks import _global_sinks

    before = len(_global_sinks)
    panes = wb.stream(FRAME, time="t", watermark="10s").window("1min").agg(total=("amount", "sum"))
    run = wb.start(panes, speed="max", paused=True)
    run["total"].sink(lambda frame: None)
    run.resume().wait(10)
    assert len(_global_sinks) == before
    run = wb.start(panes, paused=True)
    run["watermark"].map(len).sink(lambda n: None)
    run.stop()
    assert len(_global_sinks) == before


def test_frames_are_not_changed_by_a_function_that_writes_into_them():
    def spoil(frame):
        frame["amount"] = 0
        return frame

    rows = wb.stream(FRAME, time="t", watermark="10s")
    spoilt = rows.map(spoil).window("1h").agg(spoilt=("amount", "sum"))
    clean = rows.window("1h").agg(clean=("amount", "sum"))
    run = wb.start(spoilt, clean, speed="max").wait(10)
    assert run.panes("spoilt").spoilt.tolist() == [0]
    assert run.panes("clean").clean.tolist() == [np.sum(FRAME.amount)]
