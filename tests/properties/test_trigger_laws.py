"""Triggers and accumulation: engine and oracle agree pane by pane, and whatever is told adds up to the same.

How many panes there are depends on batches and clock, but not what they come to: the last ones of an
accumulating result, the sum of a discarding one, and what a retracting one has not taken back are the same.
"""

import itertools
import os
import pickle
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings

from workbench.engine.progress import Progress
from workbench.engine.windowed import window_operator
from workbench.model.aggregates import Aggregate
from workbench.model.panes import RETRACTION, REVISION, TIMING, WINDOW_END, WINDOW_START
from workbench.model.triggers import (
    ACCUMULATIONS,
    AfterAll,
    AfterAny,
    AfterCount,
    AfterEach,
    AfterProcessingTime,
    AfterWatermark,
    AtExpiry,
    ContinuousEventTime,
    Repeatedly,
    finishes,
)
from workbench.model.windows import Session
from workbench.schema import Schema
from workbench.testing.answers import run_oracle
from workbench.testing.compare import final_panes, keys_of, late_rows, pane_differences, plain
from workbench.testing.oracle import Oracle
from workbench.testing.strategies import Example, durations, examples
from workbench.time import to_nanos

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(40 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)
NAMED = (
    Aggregate("rows", "v", "size"),
    Aggregate("n", "n", "sum"),
    Aggregate("v", "v", "max"),
    Aggregate("first", "s", "first"),
    Aggregate("all", "n", "collect"),
)


def leaves():
    spans = durations(1, 8).map(pd.Timedelta)
    return st.one_of(
        st.builds(AfterCount, st.integers(1, 4)),
        st.builds(AfterProcessingTime, durations(0, 8).map(pd.Timedelta)),
        st.builds(AfterProcessingTime, align=spans),
        st.builds(ContinuousEventTime, spans),
        st.just(AtExpiry()),
    )


def combined(parts):
    return st.one_of(
        st.builds(AfterWatermark, early=st.none() | parts, late=st.none() | parts),
        st.builds(Repeatedly, parts),
        *(st.builds(several, parts, parts) for several in (AfterAny, AfterAll, AfterEach)),
    )


triggers = st.recursive(leaves(), combined, max_leaves=4)
lossless = triggers.map(lambda trigger: Repeatedly(trigger) if finishes(trigger) else trigger)
clocks = st.lists(st.integers(0, 6), min_size=12, max_size=12)


def play(make, example: Example, clock, *, restart=False):
    """Give all outputs; each batch comes at a moment of processing time."""
    operator, progress, schema = make(), Progress(example.bound), Schema.infer(example.frame, "t")
    edges = [0, *example.cuts, len(example.frame)]
    outputs, now = [], 0
    for (begin, end), passed in zip(itertools.pairwise(edges), itertools.cycle(clock), strict=False):
        now += passed * 500_000_000
        batch = example.frame[begin:end].set_axis(pd.RangeIndex(begin + 1, end + 1))
        admitted, _ = schema.admit(batch)
        outputs.append(operator.process(admitted, replace(progress.stamp(to_nanos(batch["t"])), now=now)))
        if restart:
            snapshot = pickle.dumps(operator.snapshot())
            operator = make()
            operator.restore(pickle.loads(snapshot))
    outputs.append(operator.process(admitted[:0], replace(progress.end(), now=now)))
    assert operator.size == 0
    return outputs


def asked(example, trigger, accumulation, empty=()):
    return {
        **example.question,
        "aggregates": NAMED,
        "trigger": trigger,
        "accumulation": accumulation,
        "empty_panes": empty,
        "time_dtype": example.frame["t"].dtype,
    }


def said(output, window):
    """Give the panes of a batch as text, in an order of their own.

    Sessions with a maximum size may have the same bounds, so which pane is the last of them is not asked.
    """
    named = getattr(window, "max_size", None) is None
    panes = output.panes.assign(last=output.last if named else False).to_dict("records")
    return sorted(
        str(
            {
                name: sorted(value) if isinstance(value, list) else str(plain(value))
                for name, value in p.items()
            }
        )
        for p in panes
    )


@st.composite
def bounded(draw):
    """Give examples with sessions that may not become too long."""
    example, gap = draw(examples(sessions=True)), draw(durations(1, 6))
    longest = pd.Timedelta(gap + draw(durations(0, 10)))
    window = Session(pd.Timedelta(gap), merge_touching=draw(st.booleans()), max_size=longest)
    return replace(example, window=window)


@law
@given(
    examples() | bounded(),
    triggers,
    st.sampled_from(ACCUMULATIONS),
    st.sampled_from(((), ("on_time",), ("closing",), ("on_time", "closing"))),
    clocks,
    st.booleans(),
)
def test_engine_and_oracle_agree_pane_by_pane(example, trigger, accumulation, empty, clock, restart):
    question = asked(example, trigger, accumulation, empty)
    engine = play(lambda: window_operator(**question), example, clock, restart=restart)
    oracle = play(lambda: Oracle(**question), example, clock)
    for one, other in zip(engine, oracle, strict=True):
        assert said(one, example.window) == said(other, example.window)
        assert late_rows(one.late) == late_rows(other.late)
        assert (
            one.rejected["reason"].sort_index().to_dict() == other.rejected["reason"].sort_index().to_dict()
        )
        assert one.dropped == other.dropped


@law
@given(examples(), lossless, clocks)
def test_no_trigger_changes_what_rows_come_to(example, trigger, clock):
    panes = told(example, trigger, "accumulating", clock)
    final = final_panes(panes, example.keys, sessions=isinstance(example.window, Session))
    assert not pane_differences(final, answer(example), example.keys, ignore=(REVISION, TIMING, "last"))


@law
@given(examples(sessions=False), lossless, clocks)
def test_what_is_discarded_adds_up(example, trigger, clock):
    panes = told(example, trigger, "discarding", clock)
    whole = answer(example)
    found = {}
    for key, pane in zip(names(panes, example), panes.to_dict("records"), strict=True):
        found.setdefault(key, []).extend(pane["all"])
        assert pane["rows"] == len(pane["all"])
    wanted = dict(zip(names(whole, example), whole["all"], strict=True))
    assert {key: sorted(values) for key, values in found.items()} == {
        key: sorted(values) for key, values in wanted.items()
    }


@law
@given(examples(), lossless, clocks)
def test_what_is_not_taken_back_is_the_answer(example, trigger, clock):
    panes = told(example, trigger, "retracting", clock)
    holding = {}
    for at, key in enumerate(names(panes, example)):
        pane = panes.iloc[at]
        if pane[RETRACTION]:
            before = holding.pop(key)
            assert (before[REVISION], before[TIMING], before["rows"]) == (
                pane[REVISION],
                pane[TIMING],
                pane["rows"],
            )
        else:
            assert key not in holding
            holding[key] = pane
    left = pd.DataFrame(list(holding.values()), columns=panes.columns)
    whole = answer(example, survivors=True)
    ignored = (REVISION, TIMING, RETRACTION)
    assert not pane_differences(left, whole, example.keys, ignore=ignored)


def told(example, trigger, accumulation, clock):
    """Give all panes in the order in which they were told; retractions come before what replaces them."""
    question = asked(example, trigger, accumulation)
    outputs = play(lambda: window_operator(**question), example, clock)
    frames = [output.panes for output in outputs if len(output.panes)] or [outputs[0].panes]
    if accumulation == "retracting":
        # of each window, every pane comes before it is taken back
        frames = [frame.sort_values([REVISION, RETRACTION], kind="stable") for frame in frames]
    return pd.concat(frames, ignore_index=True)


def answer(example, *, survivors=False):
    asked = {**example.question, "aggregates": NAMED}
    found = run_oracle(example.frame, time="t", bound=example.bound, **asked)
    if not survivors:
        return found.final
    kept = ~np.array(found.superseded, dtype=bool)
    return found.panes[kept] if len(found.panes) else found.panes


def names(panes, example):
    bounds = (
        [to_nanos(panes[name]).tolist() for name in (WINDOW_START, WINDOW_END)] if len(panes) else [[], []]
    )
    return list(zip(*bounds, keys_of(panes, example.keys), strict=True))
