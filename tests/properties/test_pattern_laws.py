"""Patterns against the oracle, on random patterns and streams: batches, restarts, and nothing disappears."""

import itertools
import os
import pickle

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings

from workbench.engine.patterns import pattern_operator
from workbench.engine.progress import Progress
from workbench.errors import DescriptionError
from workbench.model.expressions import as_expression
from workbench.model.patterns import begin, recognize
from workbench.testing.compare import keys_of, late_rows, plain
from workbench.testing.pattern_oracle import run_pattern_oracle
from workbench.testing.strategies import cuts
from workbench.time import SECOND, to_nanos

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(40 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[*HealthCheck],
)

PLAIN = (
    True,
    "v == 'a'",
    "v == 'b'",
    "v != 'c'",
    "n > 1",
    lambda rows: rows["v"].isin(["b", "c"]),
    ["=", ["col", "v"], "c"],
    ["contains", ["col", "v"], "a"],
    ["or", ["is_null", ["col", "n"]], ["<", ["col", "n"], 3]],
)
MEASURES = {
    "total": ["sum", "s0", "n"],
    "mean": ["avg", "s0", "n"],
    "count": ["count", "s0", "n"],
    "low": ["min", "s0", "m"],
    "high": ["max", "s0", "n"],
    "begun": ["first", "s0", "v"],
    "second": ["first", "s0", "m", 1],
    "ended": ["last", "s0", "n"],
    "earlier": ["last", "s0", "v", 1],
    "change": ["-", ["col", "m"], ["first", "s0", "m"]],
}


def depending(variable):
    """Conditions that look at what has matched."""
    return (
        ["<", ["sum", variable, "n"], 5],
        ["<", ["avg", variable, "m"], 3],
        [">=", ["col", "m"], ["first", variable, "m"]],
        ["or", ["is_null", ["last", variable, "m", 1]], [">", ["col", "m"], ["last", variable, "m", 1]]],
        ["<=", ["count", variable, "n"], 2],
        ["not", [">", ["max", variable, "m"], 3]],
        ["!=", ["-", ["max", variable, "n"], ["min", variable, "n"]], 1],
    )


@st.composite
def tables(draw):
    count = draw(st.one_of(st.integers(0, 3), *[st.integers(6, 12)] * 3))

    def column(values):
        return draw(st.lists(values, min_size=count, max_size=count))

    times = [1_000_000 + tick for tick in column(st.integers(0, 9))]
    if draw(st.booleans()):
        times.sort()
    return pd.DataFrame(
        {
            "t": pd.to_datetime(np.array(times, dtype=np.int64), unit="s").astype("datetime64[us]"),
            "k": pd.Series(column(st.sampled_from(["x", "x", "y", None])), dtype="str"),
            "v": pd.Series(column(st.sampled_from(["a", "b", "c"])), dtype="str"),
            "n": pd.Series(column(st.sampled_from([0.0, 1.0, 2.0, 3.0, None])), dtype="float64"),
            "m": pd.Series(column(st.integers(0, 4)), dtype="int64"),
        }
    )


def conditions(draw, stages):
    if draw(st.integers(0, 4)):
        return as_expression(draw(st.sampled_from(PLAIN)))
    return as_expression(draw(st.sampled_from(depending(f"s{draw(st.sampled_from(stages))}"))))


@st.composite
def stage_patterns(draw):
    count = draw(st.integers(1, 4))
    negated = [place for place in range(1, count) if not draw(st.integers(0, 2))]
    takes = [place for place in range(count) if place not in negated]
    pattern = None
    for place in range(count):
        where = conditions(draw, takes)
        if place in negated:
            pattern = draw(st.sampled_from([pattern.not_next, pattern.not_followed_by]))(f"s{place}", where)
            continue
        inner = draw(st.sampled_from(["strict", "relaxed", "relaxed_any"]))
        times = [1, 1, 1, 2, (1, 2), (1, None), (2, None), (2, 3)]
        optional = place + 1 not in negated and not draw(st.integers(0, 3))
        ways = [begin] if pattern is None else [pattern.next, pattern.followed_by, pattern.followed_by_any]
        way = draw(st.sampled_from(ways))
        quantifier = {"times": draw(st.sampled_from(times)), "inner": inner, "optional": optional}
        may = "any" not in inner + getattr(way, "__name__", "") and (optional or quantifier["times"] != 1)
        pattern = way(f"s{place}", where, greedy=may and draw(st.booleans()), **quantifier)
    skips = ["none", "none", "past_last", "to_next", "to_first", "to_last"]
    return finished(draw, pattern, skips, takes)


@st.composite
def row_patterns(draw):
    count = draw(st.integers(1, 4))
    signs = ["", "", "*", "+", "?", "{2}", "{1,2}", "*?", "+?", "??", "{2,}?"]
    words = [f"s{place}{draw(st.sampled_from(signs))}" for place in range(count)]
    define = {f"s{place}": conditions(draw, range(count)) for place in range(count)}
    pattern = recognize(" ".join(words), define=define)
    return finished(draw, pattern, ["past_last", "to_next", "to_first", "to_last"], range(count))


def finished(draw, pattern, skips, takes):
    skip = draw(st.sampled_from(skips))
    pattern = pattern.skipping(
        skip,
        *(
            [f"s{draw(st.sampled_from(takes))}"]
            if "_" in skip[:6] and skip in ("to_first", "to_last")
            else []
        ),
    )
    if draw(st.integers(0, 3)) or pattern.stages[-1].negated:
        pattern = pattern.within(draw(st.integers(1, 7)))
    if draw(st.booleans()):
        pattern = pattern.measuring(**MEASURES)
    try:
        return pattern.ready()
    except DescriptionError:
        assume(False)


@st.composite
def examples(draw, patterns):
    frame = draw(tables())
    keys = draw(st.sampled_from([(), ("k",), ("k",)]))
    return frame, keys, draw(patterns), draw(st.integers(0, 5)) * SECOND, draw(cuts(len(frame)))


def played(example, *, at=None, restart=False):
    frame, keys, pattern, bound, cuts = example
    operator, progress = (
        pattern_operator(pattern=pattern, keys=keys, time_dtype="datetime64[us]"),
        Progress(bound),
    )
    outputs = []
    for begins, ends in itertools.pairwise([0, *sorted(cuts if at is None else at), len(frame)]):
        batch = frame.iloc[begins:ends].set_axis(pd.RangeIndex(begins + 1, ends + 1))
        outputs.append(operator.process(batch, progress.stamp(to_nanos(batch["t"]))))
        if restart:
            state = pickle.loads(pickle.dumps(state_of(operator)))
            operator = pattern_operator(pattern=pattern, keys=keys, time_dtype="datetime64[us]")
            operator.restore(state)
    outputs.append(operator.process(frame.iloc[:0], progress.end()))
    assert operator.size == 0
    return outputs


def state_of(operator):
    return operator.snapshot()


def told(example, outputs, output):
    """All matches of a run, or timed-out runs: key, rows by stage, measures; in an order of their own."""
    _, keys, pattern, *_ = example
    found = []
    for each in outputs:
        table, rows = getattr(each, output), each.rows(output)
        chains = {number: [] for number in range(len(table))}
        for number, match, stage in zip(rows.index, rows["match"], rows["stage"], strict=True):
            chains[match].append((stage, number))
        records = table[[*pattern.measures]].to_dict("records")
        for number, (key, values) in enumerate(
            zip(keys_of(table, keys), records or [{}] * len(table), strict=True)
        ):
            found.append((key, tuple(chains[number]), spoken(values.items())))
        check_columns(pattern, table, chains)
    return sorted(found, key=repr)


def check_columns(pattern, table, chains):
    if pattern.ordered:
        return
    for stage in pattern.stages:
        if stage.negated:
            assert stage.name not in table
            continue
        for number, value in enumerate(table[stage.name].tolist()):
            rows = [row for name, row in chains[number] if name == stage.name]
            assert value == rows if stage.most != 1 else [value] == rows or (pd.isna(value) and not rows)


def spoken(measures):
    return tuple(
        (name, f"{v:.6f}" if isinstance(v := plain(value), int | float) else str(v))
        for name, value in measures
    )


def expected(found):
    return sorted(((each.key, each.rows, spoken(each.measures)) for each in found), key=repr)


def answered(example):
    frame, keys, pattern, bound, _ = example
    return run_pattern_oracle(frame, pattern=pattern, time="t", keys=keys, bound=bound)


def agree(example, outputs, answer):
    assert told(example, outputs, "matches") == expected(answer.matches)
    assert told(example, outputs, "timed_out") == expected(answer.timed_out)
    late = {}
    for each in outputs:
        late.update(late_rows(each.late))
    assert late == answer.late
    assert len(late) + len(answer.considered) == len(example[0])


@law
@given(examples(stage_patterns()))
def test_stages_agree_with_the_oracle_in_any_batches(example):
    agree(example, played(example), answered(example))


@law
@given(examples(row_patterns()))
def test_row_patterns_agree_with_the_oracle_in_any_batches(example):
    agree(example, played(example), answered(example))


@law
@given(st.data(), examples(st.one_of(stage_patterns(), row_patterns())))
def test_batching_is_invisible(data, example):
    one, other = played(example), played(example, at=data.draw(cuts(len(example[0]))))
    for output in ("matches", "timed_out"):
        assert told(example, one, output) == told(example, other, output)


@law
@given(examples(st.one_of(stage_patterns(), row_patterns())))
def test_a_restart_after_every_batch_changes_nothing(example):
    for one, other in zip(played(example), played(example, restart=True), strict=True):
        pd.testing.assert_frame_equal(one.matches, other.matches)
        pd.testing.assert_frame_equal(one.timed_out, other.timed_out)
        pd.testing.assert_frame_equal(one.rows(), other.rows())
        pd.testing.assert_frame_equal(one.late, other.late)


@law
@given(examples(st.one_of(stage_patterns(), row_patterns())))
def test_stream_equals_batch_when_no_row_is_late(example):
    frame, keys, pattern, _, at = example
    stream, whole = (frame, keys, pattern, 20 * SECOND, at), (frame, keys, pattern, 20 * SECOND, ())
    ordered = frame.sort_values("t", kind="stable")
    assert not sum(len(each.late) for each in played(stream))
    assert told(stream, played(stream), "matches") == told(whole, played(whole), "matches")
    number_of = dict(enumerate((ordered.index + 1).tolist(), start=1))
    sorted_first = run_pattern_oracle(
        ordered, pattern=pattern, time="t", keys=keys, bound=0 if ordered["t"].is_unique else SECOND
    )
    renamed = sorted(
        tuple((name, number_of[number]) for name, number in each.rows) for each in sorted_first.matches
    )
    assert renamed == sorted(rows for _, rows, _ in told(stream, played(stream), "matches"))
