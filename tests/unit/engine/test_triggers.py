"""Triggers that others end, and the panes of windows that close; engine and oracle alike.

The scripts are after Beam's ``ReduceFnRunnerTest``.
"""

import pytest

from workbench.testing.cases import Case
from workbench.testing.conformance import Outcome, run_case
from workbench.testing.drivers import Setting
from workbench.testing.oracle import Oracle

COUNT, CLOCK, END = ({"type": f"after_{name}"} for name in ("count", "processing_time", "watermark"))
TENS = {"type": "tumbling", "size": 10}


def several(how, *of):
    return {"type": how, "of": list(of)}


def repeated(of):
    return {"type": "repeatedly", "of": of}


def rows(*values, t=1):
    return {"rows": [{"t": t + number, "v": value} for number, value in enumerate(values)]}


def told(*panes):
    names = ("value", "timing", "final")
    return {"expect": {"out": [dict(zip(names, pane, strict=False)) for pane in panes]}}


def clock(at):
    return {"clock": at}


def watermark(at):
    return {"watermark": at}


@pytest.mark.parametrize("make", [None, Oracle], ids=["engine", "oracle"])
@pytest.mark.parametrize(
    ("trigger", "options", "script"),
    [
        pytest.param(
            several("after_any", repeated(COUNT | {"n": 2}), END),
            {},
            [rows(1, 1), told((2, "EARLY", False)), rows(1, 1, t=3), told((4, "EARLY", False)),
             watermark(10), told((4, "ON_TIME", True))],
            id="what is repeated goes on until the other has finished",
        ),
        pytest.param(
            several("after_each", several("after_any", repeated(CLOCK | {"delay": 5}), END),
                    repeated(CLOCK | {"delay": 25})),
            {"allowed_lateness": 100},
            [clock(0), rows(1, 1, 1, 1), clock(6), told((4, "EARLY", False)), rows(1, 1, t=4),
             watermark(11), told((6, "ON_TIME", False)), clock(12), rows(1, 1, t=8), clock(31), told(),
             clock(37), told((8, "LATE", False))],
            id="the next begins when the first has ended",
        ),
        pytest.param(
            repeated(several("after_all", COUNT | {"n": 2}, CLOCK | {"delay": 5})),
            {"on_time_pane": "if_non_empty"},
            [clock(0), rows(1), clock(6), told(), rows(1, t=2), told((2, "EARLY")), rows(1, 1, t=3), told(),
             clock(11), told((4, "EARLY"))],
            id="all of them, again and again",
        ),
        pytest.param(
            {"type": "default"},
            {"allowed_lateness": 50, "closing_pane": "always"},
            [rows(1), watermark(100), told((1, "ON_TIME", True))],
            id="end and expiry at once: one pane",
        ),
        pytest.param(
            {"type": "default"},
            {"allowed_lateness": 50, "closing_pane": "always"},
            [rows(1), watermark(15), told((1, "ON_TIME", False)), watermark(100), told((1, "LATE", True))],
            id="one after the other: two",
        ),
        pytest.param(
            repeated(CLOCK | {"delay": 3}),
            {"window": {"type": "global"}, "accumulation": "discarding", "agg": "list"},
            [clock(0), rows(0, 1), clock(4), told(([0, 1], "EARLY")), {"end": True}, told(([], "ON_TIME"))],
            id="an empty pane on time although the trigger heeds no watermark",
        ),
        pytest.param(
            repeated(COUNT | {"n": 1}),
            {"allowed_lateness": 50},
            [rows(1), told((1, "EARLY")), watermark(20), told(), watermark(100), told()],
            id="none where the end is passed before",
        ),
    ],
)  # fmt: skip
def test_panes(trigger, options, script, make):
    op = {
        "kind": "aggregate", "window": TENS, "trigger": trigger, "accumulation": "accumulating", "agg": "sum",
        "allowed_lateness": 0, "on_time_pane": "always", "batch": "atomic", **options,
    }  # fmt: skip
    result = run_case(Case("unit", "triggers", op, script), Setting() if make is None else Setting(make=make))
    assert result.outcome is Outcome.PASSED, result.reason
