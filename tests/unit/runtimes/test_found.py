"""What somebody who looked hard has found: each would have been told wrongly."""

import threading

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError, RunError, StepError
from workbench.runtimes.completeness import present_bound
from workbench.runtimes.run import Run
from workbench.testing.clock import ManualClock


def at(*seconds):
    return pd.to_datetime(seconds, unit="s")


@pytest.mark.parametrize("batch_rows", [1, 2, 3])
def test_windows_after_rows_that_are_held_are_those_of_the_rows_themselves(batch_rows):
    rows = pd.DataFrame({"t": at(0, 4, 9), "k": "a", "v": 1})
    source = wb.stream(rows, time="t", watermark=0)
    steps = {
        "sort": source.sort(),
        "lag": source.groupby("k").lag(before="v"),
        "rolling": source.groupby("k").rolling("3s").agg(q=("v", "sum")),
        "as of": source.asof_join(source, on="k", suffixes=("", "_other")),
    }
    for name, stream in steps.items():
        panes = stream.window(wb.Session("4s")).agg(n=("v", "size")).to_pandas(batch_rows=batch_rows)
        assert panes["n"].tolist() == [2, 1], name
    followed = wb.begin("x", "v == 1").followed_by("y", "v == 1").within("10s")
    found = source.sort().groupby("k").match(followed)
    assert len(found.to_pandas(batch_rows=batch_rows)) == 2


def test_windows_of_time_cannot_follow_windows_of_rows():
    rows = pd.DataFrame({"t": at(5, 100, 200, 6), "k": list("abba")})
    counted = wb.stream(rows, time="t", watermark=0).groupby("k").window(wb.Count(2)).agg(n=("k", "size"))
    with pytest.raises(DescriptionError, match="no watermark holds for their panes"):
        counted.window("1min").agg(panes=("n", "size"))


def test_rows_that_an_explosion_made_are_rejected_one_by_one_each_with_its_reason():
    rows = pd.DataFrame({"t": at(1, 2, 3), "v": [["1", "x"], ["x", "-1"], ["4"]]})

    def number(frame):
        if (frame["v"] == "-1").any():
            raise KeyError("negative")
        return frame["v"].astype(int)

    made = wb.stream(rows, time="t", watermark=0).explode("v").assign(w=number)
    run = wb.start(made=made, speed="max", on_error="reject").wait(10)
    assert run.panes("made")["w"].tolist() == [1, 4]
    rejected = run.trace.rejected.frame()
    assert rejected["v"].tolist() == ["x", "x", "-1"]
    assert [reason.split(": ")[1] for reason in rejected["reason"]] == [
        "ValueError",
        "ValueError",
        "KeyError",
    ]
    assert run.ledger()["balanced"].dropna().all()


def test_a_result_whose_past_is_kept_may_be_on_the_way_to_another():
    rows = pd.DataFrame({"t": at(1, 70, 140), "v": 1})
    panes = wb.stream(rows, time="t", watermark=0).window("1min").agg(total=("v", "sum"))
    run = wb.start(big=panes.query("total > 5"), panes=panes, past=["panes"], speed="max").wait(10)
    assert run.timeplane("panes").plane.counts()["on_time"] == 3


def test_a_row_that_several_results_have_missed_is_one_late_row():
    rows = pd.DataFrame({"t": at(10, 200, 15, 210), "v": 1})
    stream = wb.stream(rows, time="t", watermark=0)
    results = {f"r{n}": stream.window(f"{n}min").agg(n=("v", "size")) for n in (1, 2, 3)}
    run = wb.start(**results, speed="max").wait(10)
    assert run.metrics().late == 1
    assert sorted(run.trace.late.frame()["result"]) == ["r1", "r2", "r3"]


def test_reading_on_after_a_rewind_takes_the_sources_in_the_same_order():
    def union(seed):
        frames = []
        for rows in (60, 20):
            rng = np.random.default_rng([seed, rows])
            arrival = np.sort(rng.integers(0, 100, rows))
            time = arrival - rng.integers(0, 20, rows)
            frames.append(pd.DataFrame({"t": at(*(100 + time)), "a": at(*(100 + arrival)), "v": 1}))
        one, other = (wb.stream(each, time="t", arrival="a", watermark="5s") for each in frames)
        return one.union(other).window("10s").agg(n=("v", "sum"))

    def told(run):
        return run.trace.results["n"].frame().reset_index(drop=True), run.metrics().late

    for seed in range(15):
        runs = [Run({"n": union(seed)}, speed="max", clock=ManualClock(), batch_rows=5) for _ in range(2)]
        for _ in range(9):
            for run in runs:
                run.step()
        runs[1].rewind("40s")
        for run in runs:
            while not run.over:
                run.step()
        (one, late), (other, late_again) = map(told, runs)
        pd.testing.assert_frame_equal(one, other)
        assert late == late_again


def test_a_time_plane_that_goes_back_to_a_moment_without_rows_counts_nothing_twice():
    rows = pd.DataFrame({"t": at(*range(4), *range(20, 24)), "p": list("aaaabbbb"), "v": 1})
    policy = wb.BoundedOutOfOrderness("1s", by="p", idle="5s")
    stream = wb.stream(rows, time="t", watermark=policy).window("10s").agg(n=("v", "sum"))
    clock = ManualClock()
    run = Run({"n": stream}, clock=clock, speed=10)

    def go_on(seconds):
        run.resume()
        for _ in range(seconds):
            clock.advance("100ms")
            run._turn()

    go_on(23)
    plane = run.graph.plane("n")
    before = plane.counts(), plane.panes()
    run.rewind("13s")
    go_on(13)
    assert plane.counts() == before[0]
    pd.testing.assert_frame_equal(plane.panes(), before[1])
    assert sum(plane.counts().values()) == run.metrics().rows


def test_a_time_plane_knows_the_bound_that_holds_after_a_rewind():
    rows = pd.DataFrame({"t": at(*range(200)), "v": 1})
    run = Run(
        {"n": wb.stream(rows, time="t", watermark="1s").window("10s").agg(n=("v", "sum"))},
        clock=ManualClock(),
    )
    run.speed = 100
    for _ in range(10):
        run.step()
    run.change(bound="20s")
    for _ in range(3):
        run.step()
    run.rewind("10min")
    for _ in range(3):
        run.step()
    assert present_bound(run.graph.plane("n")) == 20_000_000_000


def test_a_run_begins_with_the_first_source_that_has_rows():
    rows = pd.DataFrame({"t": pd.to_datetime(["2001-01-01 00:00:00", "2001-01-01 00:00:03"]), "v": 1})
    full, empty = (wb.stream(each, time="t", watermark=0) for each in (rows, rows[:0]))
    run = Run({"n": full.union(empty).window("1s").agg(n=("v", "sum"))}, clock=ManualClock(), speed=10)
    for _ in range(8):
        if not run.over:
            run.step()
    assert run.status == "finished"
    assert run.panes("n")["n"].tolist() == [1, 1]


def test_a_run_that_cannot_go_on_says_so(monkeypatch):
    def fails(frame):
        if frame.empty:
            raise ValueError("nothing here")
        return frame

    rows = pd.DataFrame({"t": at(1, 2), "v": 1})
    one, other = (wb.stream(rows, time="t", watermark=0).map(fails) for _ in range(2))
    with pytest.raises(StepError, match="nothing here"):
        wb.start(n=one.union(other).window("1s").agg(n=("v", "sum")))

    def keep(row, context):
        context.state["never"] = (number for number in [1])
        return {"n": 1}

    monkeypatch.setattr("workbench.runtimes.checkpoints.INTERVAL", 0)
    monkeypatch.setattr("workbench.runtimes.checkpoints._DEAR", 0)
    rows = pd.DataFrame({"t": at(*range(9)), "v": 1})
    made = wb.stream(rows, time="t", watermark=0).assign(k=1).groupby("k")
    processed = made.process(on_row=keep, initial=dict, columns={"n": "int64"})
    run = wb.start(n=processed, speed="max", batch_rows=1)
    with pytest.raises(StepError, match="cannot pickle"):
        run.wait(10)
    assert run.status == "failed"


def test_a_run_is_stepped_and_rewound_between_two_batches_only():
    entered, go_on = threading.Event(), threading.Event()

    def slowly(frame):
        if len(frame) and frame["v"].iloc[0] >= 100:
            entered.set()
            assert go_on.wait(20)
        return frame

    rows = pd.DataFrame({"t": at(*range(300)), "v": range(300)})
    stream = wb.stream(rows, time="t", watermark=0).map(slowly).window("10s").agg(n=("v", "size"))
    run = wb.start(n=stream, speed="max", batch_rows=10)
    assert entered.wait(20)
    run.pause()
    stepping = threading.Thread(target=run.step)
    stepping.start()
    go_on.set()
    stepping.join(20)
    run.rewind("5s")
    run.resume().wait(20)
    assert run.panes("n")["n"].sum() == 300

    other = Run({"n": stream}, clock=ManualClock(), speed=10)
    other["n"].sink(lambda _: other.rewind("1s"))
    while not other.over:
        other.step()
    assert isinstance(other.errors[0].cause, RunError)
    assert other.errors[0].cause.what == "a run cannot be rewound in the middle of a batch"


def test_a_run_is_read_between_two_batches_from_another_thread():
    rows = pd.DataFrame({"t": at(*range(300)), "v": range(300)})
    entered, go_on, seen = threading.Event(), threading.Event(), []

    def slowly(frame):
        if len(frame) and frame["v"].iloc[0] == 100:
            entered.set()
            assert go_on.wait(20)
        return frame

    early = wb.stream(rows, time="t", watermark=0).map(slowly).window("1min").agg(n=("v", "size"))
    run = wb.start(n=early, speed="max", batch_rows=20)
    assert entered.wait(20)
    reading = threading.Thread(target=lambda: seen.extend([run.seen("n")["n"].sum(), run.open_panes("n")]))
    reading.start()
    reading.join(0.2)
    assert reading.is_alive() and not seen  # a batch is under way
    go_on.set()
    reading.join(20)
    assert seen[0] >= 120
    run.wait(20)

    other, within = Run({"n": early}, clock=ManualClock(), speed=10), []
    other["n"].sink(lambda _: within.append(len(other.seen("n"))))
    while not other.over:
        other.step()
    assert within and not other.errors  # a sink may look, too


@pytest.mark.parametrize("mode", ["accumulating", "retracting"])
def test_a_window_that_has_fired_early_is_seen_once(mode):
    rows = pd.DataFrame({"t": at(*range(300)), "v": 1, "k": "a"})
    panes = wb.stream(rows, time="t", watermark=0).groupby("k").window("1min")
    panes = panes.agg(n=("v", "sum"), early=10).updates(mode)
    run = Run({"n": panes}, clock=ManualClock(), speed="max", batch_rows=25)
    for count in range(1, 8):
        run.step("batch")
        seen = run.seen("n")
        assert not seen.duplicated(["window_start", "k"]).any()
        assert seen["n"].sum() == 25 * count


def test_before_the_first_batch_there_is_no_way_back():
    rows = pd.DataFrame({"t": at(1, 2), "v": 1})
    run = wb.start(n=wb.stream(rows, time="t", watermark=0), speed=10, paused=True)
    with pytest.raises(RunError, match="there is no way back: nothing has come yet"):
        run.rewind("1s")
