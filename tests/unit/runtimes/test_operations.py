"""Every operator as a step of a pipeline: described, at once and live."""

import asyncio

import pandas as pd
import pytest

import workbench as wb
from workbench.engine.operators import operator_for
from workbench.errors import DescriptionError
from workbench.model.steps import Operation
from workbench.testing.clock import ManualClock


def stream(seconds, keys, *, watermark="3s", name, **columns):
    frame = pd.DataFrame({"t": pd.to_datetime(list(seconds), unit="s"), "k": list(keys), **columns})
    return wb.stream(frame, time="t", watermark=watermark, name=name)


LEFT = stream([1, 2, 11, 8, 25, 3, 26, 40, 26], "ababababa", v=range(9), name="left")
RIGHT = stream(
    [3, 12, 11, 26, 39, 5, 41], "aababaa", w=[10.0, 20, 30, 40, 50, 60, 70], name="right", watermark="1min"
)
PATIENT = stream([1, 2, 11, 8, 25, 3, 26, 40, 26], "ababababa", v=range(9), name="patient", watermark="1min")
"""Which of the rows of two sources are late depends on which source is read first: here, none are."""
TABLE = pd.DataFrame({"k": ["a"], "name": ["Ann"]})
PANES = LEFT.groupby("k").window("10s", lateness="5s").agg(n=("v", "size"), total=("v", "sum"), early=1)


def keep_longest(row, context):
    context.state = max(context.state or 0, row["v"])
    return {"longest": context.state}


PIPELINES = {
    "interval join": PATIENT.interval_join(RIGHT, on="k", lower="-5s", upper="5s", how="outer"),
    "window join": PATIENT.window_join(RIGHT, "10s", on="k", how="left"),
    "as-of join": PATIENT.asof_join(RIGHT, on="k", direction="nearest"),
    "lookup": LEFT.lookup_join(TABLE, on="k", how="inner"),
    "unmatched": LEFT.lookup_join(TABLE, on="k", how="inner").unmatched,
    "dedup": LEFT.dedup("k", within="8s"),
    "duplicates": LEFT.dedup("k", within="8s").duplicates,
    "sort": LEFT.sort(),
    "late of a sort": LEFT.sort().late,
    "top": LEFT.groupby("k").window("20s").top(2, by="v"),
    "lag": LEFT.groupby("k").lag(before="v"),
    "rolling": LEFT.groupby("k").rolling("10s").agg(s=("v", "sum")),
    "process": LEFT.groupby("k").process(keep_longest),
    "match": LEFT.groupby("k").match(wb.begin("low", "v < 4").followed_by("high", "v > 4").within("30s")),
    "timed out": LEFT.groupby("k")
    .match(wb.begin("low", "v < 4").next("high", "v > 9").within("5s"))
    .timed_out,
    "windows after windows": LEFT.groupby("k")
    .window("5s")
    .agg(n=("v", "size"))
    .window("20s")
    .agg(most=("n", "max"), keys=("k", "nunique")),
    "a join of panes": PATIENT.window("10s")
    .agg(n=("v", "size"))[["n"]]
    .window_join(RIGHT.window("10s").agg(m=("w", "size"))[["m"]], "10s"),
    "final panes": PANES.final()[["window_end", "k", "n", "total", "timing"]],
    "windows of final panes": PANES.final().window("20s").agg(total=("total", "sum")),
    "steps after a join": PATIENT.asof_join(RIGHT, on="k").query("w > 10").window("20s").agg(w=("w", "max")),
}


def table(frame):
    """Rows as text, in an order of their own."""
    return sorted(map(str, frame.astype(object).where(frame.notna(), None).to_dict("records")))


@pytest.mark.parametrize("name", PIPELINES)
def test_live_and_at_once_give_the_same(name):
    described = PIPELINES[name]
    at_once = described.to_pandas()
    assert len(at_once), "a pipeline that shows nothing proves nothing"
    if described.columns is not None:
        assert tuple(at_once.columns) == described.columns
    for batch_rows in (1, 3):
        run = wb.start(result=described, speed="max", batch_rows=batch_rows).wait(10)
        assert table(run.trace.results["result"].frame()) == table(at_once)
        assert {name: operator.size for name, operator in run.graph.operators() if operator.size} == {}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_step_restores_what_it_snapshots(name):
    for step in PIPELINES[name].step.chain():
        if isinstance(step, Operation):
            operator = operator_for(step)
            operator_for(step).restore(operator.snapshot())


def test_every_row_of_a_pane_is_in_one_window_of_the_next():
    fine = LEFT.groupby("k").window("5s").agg(n=("v", "size"))
    coarse = fine.window("20s").agg(n=("n", "sum")).to_pandas()
    whole = LEFT.window("20s").agg(n=("v", "size")).to_pandas()
    late = len(fine.late.to_pandas()) - len(LEFT.window("20s").agg(n=("v", "size")).late.to_pandas())
    assert coarse.n.sum() == whole.n.sum() - late


def test_the_final_panes_are_those_that_nothing_replaces():
    final, panes = PANES.final().to_pandas(batch_rows=1), PANES.to_pandas(batch_rows=1)
    assert len(panes) > len(final)
    last = panes.groupby(["window_end", "k"], sort=False).tail(1)
    assert table(final.drop(columns="revision")) == table(last.drop(columns="revision"))
    at_once = PANES.final().to_pandas()
    assert table(at_once.drop(columns="revision")) == table(final.drop(columns="revision"))


def test_updates_are_views_of_one_result():
    whole = PANES.final().to_pandas().set_index(["window_end", "k"])
    deltas = PANES.updates("discarding").to_pandas(batch_rows=1)
    assert (deltas.groupby(["window_end", "k"]).n.sum() == whole.n).all()
    changes = PANES.updates("retracting").to_pandas(batch_rows=1)
    signed = changes.n.where(~changes.retraction, -changes.n)
    assert (signed.groupby([changes.window_end, changes.k]).sum() == whole.n).all()
    assert 2 * changes.retraction.sum() == len(changes) - len(whole) > 0


def test_the_panes_of_a_run_are_those_that_hold():
    sessions = LEFT.groupby("k").window(wb.Session("8s")).agg(n=("v", "size"), early=1)
    for result in (sessions, sessions.updates("retracting")):
        run = wb.start(result, speed="max", batch_rows=1).wait(10)
        assert run.panes("n").n.sum() + len(result.late.to_pandas()) >= len(LEFT.to_pandas())
    told = run.panes("n")
    assert table(told.drop(columns=["retraction", "revision"])) == table(
        sessions.final().to_pandas(batch_rows=1).drop(columns="revision")
    )


def test_a_table_can_be_replaced_while_a_run_goes_on():
    lookup = wb.Lookup(TABLE, ["k"])
    run = wb.start(found=LEFT.lookup_join(lookup), speed="max", batch_rows=1, paused=True)
    run.step()
    lookup.replace(TABLE.assign(name="Bob"))
    run.resume().wait(10)
    names = run.trace.results["found"].frame().query("k == 'a'").name.tolist()
    assert names == ["Ann", *["Bob"] * 4]


def test_early_panes_come_with_processing_time_without_a_row():
    async def main():
        clock = ManualClock()
        rows = stream([0, 50, 51], "aaa", v=[1, 2, 3], watermark="1h", name="rows")
        panes = rows.window("1h").agg(n=("v", "size"), early="5s")
        run = wb.start(panes, speed=1, clock=clock)
        for _ in range(24):  # quarters of a second
            while not clock.sleepers:
                await asyncio.sleep(0)
            clock.advance("250ms")
        while not clock.sleepers:
            await asyncio.sleep(0)
        told = run.panes("n")
        run.stop()
        return told

    told = asyncio.run(main())
    assert told[["n", "timing"]].astype(str).to_numpy().tolist() == [["1", "early"]]


def test_a_key_that_only_one_side_has_is_refused():
    with pytest.raises(DescriptionError, match="x"):
        LEFT.interval_join(RIGHT.rename({"k": "x"}), on="k", lower=0, upper=1)


def test_an_idle_side_of_a_join_does_not_hold_the_other_back():
    def sides(idle):
        left = stream(range(40), "a" * 40, v=range(40), name="left", watermark=0)
        frame = pd.DataFrame({"t": pd.to_datetime([1, 100], unit="s"), "k": "a", "w": [1, 2]})
        policy = wb.BoundedOutOfOrderness(0, idle=idle)
        right = wb.stream(frame, time="t", watermark=policy, name="right").named("right rows")
        return left.interval_join(right, on="k", lower="-1s", upper="1s", how="left")

    def run_to(seconds, joined):
        async def main():
            clock = ManualClock()
            run = wb.start(joined=joined, speed=1, clock=clock)
            for _ in range(seconds * 4):
                while not clock.sleepers:
                    await asyncio.sleep(0)
                clock.advance("250ms")
            while not clock.sleepers:
                await asyncio.sleep(0)
            told, held = len(run.trace.results["joined"].frame()), run.held_back_by
            run.stop()
            return told, held

        return asyncio.run(main())

    assert run_to(30, sides(None)) == (3, {"joined": "right rows"})
    assert run_to(30, sides("5s")) == (28, {"joined": "watermark"})
