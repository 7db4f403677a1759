"""How cases of the running watermark are read: one made up for every construct."""

import pytest

from workbench.testing.cases import Case
from workbench.testing.conformance import Outcome, run_case
from workbench.testing.drivers import Setting

COUNT = {"kind": "aggregate", "window": {"type": "tumbling", "size": 10}, "agg": "count"}


def run(policy, *script, setting=None):
    op = {"kind": "watermark", "policy": policy}
    return run_case(Case("made-up", "case", op, [*map(dict, script)]), setting)


def rows(*times, **step):
    return {"rows": [{"t": t} if isinstance(t, int | None) else t for t in times], **step}


def is_at(watermark, **more):
    return {"expect": {"watermark": watermark, **more}}


PASSING = {
    "bounded": (
        {"kind": "bounded", "delay": 10},
        rows(100, 90, None),
        is_at(90),
        {"end": True},
        is_at("max"),
    ),
    "inclusive": ({"kind": "bounded", "delay": 10, "inclusive": True}, rows(100), is_at(91)),
    "monotonic": ({"kind": "monotonic"}, is_at(None), rows(5, 9, 7), is_at(9)),
    "marks": ({"kind": "punctuated"}, rows(50, {"t": 60, "mark": 40}, {"t": 70, "mark": None}), is_at(40)),
    "flags": (
        {"kind": "punctuated", "column": "last"},
        rows({"t": 50, "last": False}, {"t": 40, "last": True}, {"t": 60, "last": False}),
        is_at(40),
    ),
    "clock": (
        {"kind": "bounded", "delay": 0, "advance_with_clock": True},
        rows(100),
        {"clock": 50},
        {"snapshot": True},
        is_at(150),
    ),
    "partitions of one delay": (
        {"kind": "bounded", "delay": 1, "partitions": ["a", "b"]},
        rows(10, partition="a"),
        is_at(None, idle=False),
        rows(5, 7, partition="b"),
        is_at(6),
    ),
    "the greatest": (
        {"kind": "partitioned", "delays": {"a": 1, "b": 2}, "combine": "max", "wait_all": True},
        rows(10, partition="a"),
        is_at(None),
        rows(5, partition="b"),
        is_at(9),
    ),
    "partitions come and go": (
        {"kind": "combine", "partitions": ["a", "b"], "combine": "min"},
        {"watermark": 5, "partition": "a"},
        {"watermark": 3, "partition": "b"},
        {"watermark": 2, "partition": "b"},
        is_at(3),
        {"remove": "b"},
        is_at(5),
        {"watermark": 4, "partition": "c"},
        {"watermark": 9, "partition": "a"},
        is_at(5),
        {"watermark": 8, "partition": "c"},
        is_at(8),
        {"remove": "a"},
        {"remove": "c"},
        is_at(8, idle=False),
    ),
    "an idle partition wakes": (
        {"kind": "combine", "partitions": ["a", "b"]},
        {"watermark": 5, "partition": "a"},
        {"idle": "b"},
        is_at(5),
        {"watermark": 1, "partition": "b"},
        {"watermark": 9, "partition": "a"},
        is_at(5, idle=False),
    ),
    "idle by the clock": (
        {"kind": "partitioned", "delay": 0, "partitions": ["a", "b"], "idle": 30},
        rows(10, partition="a"),
        rows(20, partition="b"),
        {"clock": 29},
        is_at(10, idle=False),
        {"clock": 30},
        is_at(20, idle=True),
    ),
    "one partition ends": (
        {"kind": "combine"},
        {"watermark": 5, "partition": "a"},
        {"end": True, "partition": "b"},
        is_at(5),
        {"end": True, "partition": "a"},
        is_at("max"),
    ),
}


@pytest.mark.parametrize("case", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("row_by_row", [False, True])
def test_what_can_be_said(case, row_by_row):
    result = run(*case, setting=Setting(row_by_row=row_by_row))
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


def test_a_wrong_watermark_fails():
    result = run({"kind": "monotonic"}, rows(5), is_at(4))
    assert (result.outcome, result.reason) == (Outcome.FAILED, "step 2: watermark: 5, but expected 4")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"kind": "processing_time"}, "watermark: processing_time"),
        ({"kind": "bounded", "delay": 0, "percentile": 0.9}, "watermark: percentile"),
        ({"kind": "bounded", "delay": 0, "emit": "periodic"}, "watermark: emit periodic"),
        ({"kind": "combine", "combine": "mean"}, "watermark: combine mean"),
        ({"kind": "punctuated"}, "watermark: punctuated without marks"),
    ],
)
def test_what_cannot_be_said_is_named(policy, reason):
    result = run(policy, rows(5), is_at(None))
    assert (result.outcome, result.reason) == (Outcome.INEXPRESSIBLE, reason)


@pytest.mark.parametrize(
    ("policy", "script"),
    [
        ({"kind": "monotonic"}, [rows({"t": 3}, {"t": 10})]),
        ({"kind": "bounded", "delay": 1, "inclusive": True}, [rows({"t": 3}, {"t": 10})]),
        ({"kind": "punctuated"}, [rows({"t": 3}), rows({"t": 25, "mark": 10})]),
        ({"kind": "bounded", "delay": 0, "advance_with_clock": True}, [rows({"t": 3}), {"clock": 7}]),
        (
            {"kind": "partitioned", "delay": 0, "partitions": ["a", "b"]},
            [rows({"t": 30}, partition="a"), rows({"t": 3}, {"t": 11}, partition="b")],
        ),
    ],
)
def test_windows_close_by_every_policy(policy, script):
    expected = {"expect": {"out": [{"window": [0, 10], "value": 1}]}}
    op = {**COUNT, "watermark": policy, "ignore_unchecked": True}
    result = run_case(Case("made-up", "case", op, [*script, expected]))
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")
