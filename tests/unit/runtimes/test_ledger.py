"""The ledger: what came to each step, and what became of it."""

import asyncio

import pandas as pd
import pytest

import workbench as wb
from simulators import Sensors
from workbench.errors import DescriptionError, StepError
from workbench.runtimes.ledger import MOST_REASONS, OTHER_REASONS

FRAME = pd.DataFrame(
    {
        "t": [*pd.to_datetime([1, 2, 2, 70, 3, 75, 76], unit="s"), pd.NaT],
        "k": list("abbaabca"),
        "v": [5, 0, 7, 8, 9, 1, 2, 3],
    }
)
ROWS = wb.stream(FRAME, time="t", watermark=0)
TABLE = pd.DataFrame({"k": ["a", "b"], "name": ["Ann", "Bob"]})
COUNTS = ["rows_in", "rows_out", "late", "rejected", "duplicate", "unmatched", "filtered", "held"]


def line(stream):
    """The last line of a ledger, what is not zero."""
    last = stream.ledger().iloc[-1]
    assert last["balanced"]
    return {name: int(last[name]) for name in COUNTS if last[name]}


@pytest.mark.parametrize(
    ("step", "counts"),
    [
        (lambda rows: rows, {"rows_in": 8, "rows_out": 7, "rejected": 1}),
        (lambda rows: rows.query("v > 1"), {"rows_in": 7, "rows_out": 5, "filtered": 2}),
        (lambda rows: rows.assign(w=1), {"rows_in": 7, "rows_out": 7}),
        (lambda rows: rows.union(rows), {"rows_in": 14, "rows_out": 14}),
        (lambda rows: rows.sort(), {"rows_in": 7, "rows_out": 6, "late": 1}),
        (lambda rows: rows.groupby("k").lag(before="v"), {"rows_in": 7, "rows_out": 6, "late": 1}),
        (
            lambda rows: rows.groupby("k").rolling(2).agg(s=("v", "sum")),
            {"rows_in": 7, "rows_out": 6, "late": 1},
        ),
        (
            lambda rows: rows.dedup("k", within="5s"),
            {"rows_in": 7, "rows_out": 4, "late": 1, "duplicate": 2},
        ),
        (
            lambda rows: rows.lookup_join(TABLE, on="k", how="inner"),
            {"rows_in": 7, "rows_out": 6, "unmatched": 1},
        ),
    ],
)
def test_each_row_that_comes_to_a_step_is_counted_once(step, counts):
    assert line(step(ROWS)) == counts


def test_windows_take_rows_or_tell_why_not():
    sliding = wb.Sliding("1s", "2s")  # with gaps, so that rows may be in no window
    last = ROWS.groupby("k").window(sliding).agg(n=("v", "size")).ledger().iloc[-1]
    assert (last["rows_in"], last["in_panes"], last["late"], last["rejected"]) == (7, 4, 0, 3)
    assert last["balanced"]
    assert last["state"] == 0


@pytest.mark.parametrize(
    "step",
    [
        lambda rows: rows.map(lambda frame: frame),
        lambda rows: rows.assign(w=lambda f: f["v"].map(lambda v: [v, v])).explode("w"),
        lambda rows: rows.groupby("k").window("1min").top(1, by="v"),
        lambda rows: rows.asof_join(wb.stream(FRAME, time="t", watermark=0, name="other"), on="k"),
    ],
)
def test_no_balance_is_claimed_where_rows_may_multiply(step):
    table = step(ROWS).ledger()
    assert pd.isna(table["balanced"].iloc[-1])
    assert table["held"].iloc[-1] == 0
    assert table["balanced"].iloc[:-1].eq(True).all()


def test_by_reason_says_why_rows_did_not_go_on():
    panes = ROWS.query("v > 1").dedup("k", within="5s", lateness="70s").window("1min").agg(n=("v", "size"))
    told = panes.ledger(by="reason")
    assert told.to_dict("split")["data"] == [
        ["watermark", "rejected", "null event time", 1],
        ["query", "filtered", "query('v > 1')", 2],
        ["dedup", "duplicate", "", 1],
        ["n", "late", "", 1],
    ]
    assert told["rows"].sum() + panes.ledger()["in_panes"].iloc[-1] == len(FRAME)


def test_a_run_has_its_ledger_at_any_moment():
    sorted_rows = ROWS.sort()
    run = wb.start(rows=sorted_rows, n=sorted_rows.window("1min").agg(n=("v", "size")), speed=1, paused=True)
    nothing = run.ledger()
    assert nothing["step"].tolist() == ["watermark", "rows", "n"]
    assert nothing["rows_in"].tolist() == [0, 0, 0]
    run.stop()

    done = wb.start(rows=sorted_rows, speed="max", batch_rows=2).wait(10)
    pd.testing.assert_frame_equal(
        done.ledger().drop(columns="step"), sorted_rows.ledger().drop(columns="step")
    )


def test_rows_that_wait_are_held():
    async def main():
        run = wb.start(rows=ROWS.sort(), paused=True)
        run.step()
        run.stop()
        return run.ledger().iloc[-1]

    last = asyncio.run(main())
    assert (last["rows_in"], last["rows_out"], last["held"], last["state"]) == (1, 0, 1, 1)
    assert last["balanced"]


def test_rows_set_aside_by_a_failing_function_are_rejected_with_its_words():
    def fail_for_nine(frame):
        if (frame["v"] == 9).any():
            raise ValueError("nine")
        return frame["v"] > 0

    failing = ROWS.query(fail_for_nine)
    run = wb.start(rows=failing, speed="max", on_error="reject").wait(10)
    assert run.ledger(by="reason")["reason"].tolist()[1] == "query: ValueError: nine"
    last = run.ledger().iloc[-1]
    assert (last["rows_in"], last["rows_out"], last["rejected"], last["filtered"]) == (7, 5, 1, 1)
    with pytest.raises(StepError):
        failing.ledger()


def test_only_so_many_reasons_are_told_apart():
    account = ROWS.sort()
    run = wb.start(rows=account, paused=True)
    kept = run.graph.ledger.accounts[0]
    kept._note(pd.Series([f"reason {number}" for number in range(2 * MOST_REASONS)]))
    assert len(kept.reasons) == MOST_REASONS + 1
    assert kept.reasons[OTHER_REASONS] == MOST_REASONS
    run.stop()


def test_a_step_that_makes_rows_up_does_not_balance():
    table = ROWS.assign(w=list(range(7))).ledger()  # the end of the stream, a batch without rows, gets seven
    assert table["balanced"].tolist() == [True, False]


def test_steps_of_one_name_are_told_apart():
    both = ROWS.query("v > 0").query("v > 1")
    assert both.ledger()["step"].tolist() == ["watermark", "query", "query_2"]


def test_what_a_ledger_cannot_do():
    with pytest.raises(DescriptionError) as error:
        ROWS.ledger(by="row")
    assert str(error.value) == "no ledger by 'row'\nHint: one by 'step' or by 'reason'"
    with pytest.raises(DescriptionError) as error:
        wb.stream(Sensors(seed=7), watermark="5s").ledger()
    assert "has no end\nDetail: ledger runs a source until it ends\nHint: bound it" in str(error.value)
