"""The laws, for operators that remember rows: batching is invisible, stream equals batch, nothing disappears.

A table that Hypothesis makes up is dealt out to two sides; its order is the order of arrival of both. The
engine takes it in batches cut anywhere, the oracle row by row, pandas all at once.
"""

import itertools
import os
import pickle
from collections import Counter
from dataclasses import dataclass, field

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings

from workbench.engine.asof import AsofJoin
from workbench.engine.dedup import Dedup
from workbench.engine.joins import IntervalJoin
from workbench.engine.progress import Progress
from workbench.engine.sorting import EventTimeSort
from workbench.engine.topn import TopN
from workbench.engine.windowjoin import WindowJoin
from workbench.schema import Schema
from workbench.testing.compare import keys_of, late_rows, plain
from workbench.testing.row_oracles import (
    AsofOracle,
    DedupOracle,
    IntervalJoinOracle,
    SortOracle,
    TopNOracle,
    WindowJoinOracle,
)
from workbench.testing.strategies import TICK, crowds, cuts, disorder, durations, tables, windows
from workbench.time import END_OF_TIME, NO_WATERMARK, to_nanos

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(40 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)
KEYS = ((), ("k",), ("k",), ("k", "k2"))
"""The key columns asked for; with none, every row may meet every other."""


@dataclass(frozen=True)
class Stream:
    """Rows in the order of arrival, each of a side, and a bound of disorder for each side."""

    frame: pd.DataFrame
    sides: tuple[str, ...]
    bounds: dict[str, int]
    cuts: tuple[int, ...]

    def of(self, side: str) -> pd.DataFrame:
        """The rows of a side, with event time, as they arrived."""
        mine = self.frame[np.array([each == side for each in self.sides], dtype=bool)]
        return mine[mine["t"].notna()]


def crowded():
    return crowds(values=st.integers(0, 3), numbers=st.integers(0, 2))


@st.composite
def streams(draw, *, sides=("left", "right"), in_time=False):
    frame = draw(st.one_of(crowded(), crowded(), tables(most=20)))
    frame["id"] = range(len(frame))
    dealt = draw(st.lists(st.sampled_from(sides), min_size=len(frame), max_size=len(frame)))
    if draw(st.booleans()):  # in turns, so that there are batches of more than a row or two
        dealt = sorted(dealt[:10]) + sorted(dealt[10:20]) + sorted(dealt[20:])
    least = disorder(frame) + TICK if in_time else 0
    bounds = {side: draw(durations(0, 4)) + least for side in sides}
    return Stream(frame, tuple(dealt), bounds, draw(cuts(len(frame))))


@dataclass
class Came:
    """All that came out."""

    out: list = field(default_factory=list)
    frames: list = field(default_factory=list)
    late: dict = field(default_factory=dict)
    rejected: list = field(default_factory=list)
    duplicate: list = field(default_factory=list)
    undated: list = field(default_factory=list)
    size: int = 0


def played(make, stream, *, at=None, restart=False, told=None):
    """Play a stream to an operator of the engine, or to an oracle."""
    operator, came = make(), Came()
    sides = [*stream.bounds]
    progress = {side: Progress(bound) for side, bound in stream.bounds.items()}
    schema = Schema.infer(stream.frame, "t")
    changes = [i for i in range(1, len(stream.sides)) if stream.sides[i] != stream.sides[i - 1]]
    edges = [0, *sorted([*changes, *(stream.cuts if at is None else at)]), len(stream.frame)]
    batches = [(side, stream.frame[:0], False) for side in sides]  # both sides are known from the start
    for begin, end in itertools.pairwise(edges):
        side = stream.sides[min(begin, len(stream.sides) - 1)] if stream.sides else sides[0]
        batches.append((side, stream.frame[begin:end], False))
    batches += [(side, stream.frame[:0], True) for side in sides]
    for side, rows, last in batches:
        first = progress[side].arrived + 1
        batch = rows.set_axis(pd.RangeIndex(first, first + len(rows)))
        admitted, refused = schema.admit(batch)
        came.undated += refused["id"].tolist()
        stamp = progress[side].end() if last else progress[side].stamp(to_nanos(batch["t"]))
        if told is None:
            made = operator.process(side, admitted, stamp)
            came.out += made.out
            came.late |= {number: (by, met) for number, by, met in made.late}
            came.rejected += made.rejected
            came.duplicate += made.duplicate
            continue
        made = (
            operator.process(side, admitted, stamp) if len(sides) > 1 else operator.process(admitted, stamp)
        )
        came.out += told(made.frame)
        came.frames.append(made.frame)
        came.late |= dict(zip(made.late["id"].tolist(), late_rows(made.late).values(), strict=True))
        came.rejected += made.rejected["id"].tolist() if hasattr(made, "rejected") else []
        came.duplicate += made.duplicate["id"].tolist() if hasattr(made, "duplicate") else []
        if getattr(operator, "drop_late", True) and not isinstance(operator, Dedup):
            check_stamp(made)
        if restart:
            snapshot = pickle.loads(pickle.dumps(operator.snapshot()))
            operator = make()
            operator.restore(snapshot)
    came.size = 0 if told is None else operator.size
    return came


def check_stamp(made):
    """The stamp fits the frame, and no row of it comes before the watermark promised."""
    times, met = made.stamp.look_up(made.frame)
    assert (times >= met).all()


def ids(frame, *names):
    """Tuples of ids, None for null."""
    return keys_of(frame, names)


def bounds_of(frame):
    """Starts and ends of windows; null is the end of time."""
    starts, ends = (to_nanos(frame[name]) for name in ("window_start", "window_end"))
    return [starts.tolist(), np.where(ends == NO_WATERMARK, END_OF_TIME, ends).tolist()]


def pairs(frame):
    """Pairs of ids of joined rows, with their window."""
    bounds = bounds_of(frame) if "window_start" in frame else []
    right = ids(frame, "id_right") if "id_right" in frame else [(None,)] * len(frame)
    found = zip(*bounds, ids(frame, "id"), right, strict=True)
    return [(*each[:-2], *each[-2], *each[-1]) for each in found]


def agree(one, other):
    assert Counter(one.out) == Counter(other.out)
    assert one.late == other.late
    assert Counter(one.rejected) == Counter(other.rejected)
    assert Counter(one.duplicate) == Counter(other.duplicate)
    assert (one.size, other.size) == (0, 0)


def laws(data, engine, oracle, question, stream, told=pairs):
    """Engine against oracle, other batches, and restarts; returns what came."""
    one = played(lambda: engine(**question), stream, told=told)
    agree(one, played(lambda: oracle(**question), stream))
    agree(one, played(lambda: engine(**question), stream, at=data.draw(cuts(len(stream.frame))), told=told))
    restarted = played(lambda: engine(**question), stream, told=told, restart=True)
    agree(one, restarted)
    for frame, other in zip(one.frames, restarted.frames, strict=True):
        pd.testing.assert_frame_equal(frame, other)
    return one


intervals = st.fixed_dictionaries(
    {
        "keys": st.sampled_from(KEYS),
        "how": st.sampled_from(("inner", "left", "right", "outer", "semi", "anti")),
        "lateness": st.one_of(st.just(0), durations(0, 4)),
        "null_keys": st.sampled_from(("unmatched", "unmatched", "equal")),
        "drop_late": st.booleans(),
        "lower_inclusive": st.booleans(),
        "upper_inclusive": st.booleans(),
    }
)


@st.composite
def interval_questions(draw):
    question = draw(intervals)
    lower, length = draw(st.integers(-5, 3)), draw(st.integers(1, 6))
    bounds = {"lower": lower * TICK, "upper": (lower + length) * TICK}
    unbounded = draw(st.sampled_from((None, None, None, "lower", "upper")))
    return question | (bounds if unbounded is None else bounds | {unbounded: None})


@law
@given(st.data(), interval_questions(), streams())
def test_interval_joins_obey_the_laws(data, question, stream):
    came = laws(data, IntervalJoin, IntervalJoinOracle, question, stream)
    if question["how"] == "outer":
        seen = {number for pair in came.out for number in pair} - {None}
        assert seen | {*came.late} | {*came.undated} == {*range(len(stream.frame))}


@law
@given(interval_questions(), streams(in_time=True))
def test_interval_joins_are_merges_when_nothing_is_late(question, stream):
    came = played(lambda: IntervalJoin(**question), stream, told=pairs)
    assert not came.late
    keys, how = [*question["keys"]], question["how"]
    every = stream.of("left")
    left, right = every, stream.of("right")
    if question["null_keys"] == "unmatched" and keys:
        left, right = left.dropna(subset=keys), right.dropna(subset=keys)
    on = {"on": keys, "how": "inner"} if keys else {"how": "cross"}
    merged = left.merge(right, suffixes=("", "_right"), **on)
    difference = to_nanos(merged["t_right"]) - to_nanos(merged["t"])
    lower, upper = question["lower"], question["upper"]
    if lower is not None:
        above = difference >= lower if question["lower_inclusive"] else difference > lower
        merged, difference = merged[above], difference[above]
    if upper is not None:
        merged = merged[difference <= upper if question["upper_inclusive"] else difference < upper]
    joined = pd.concat(came.frames, ignore_index=True)
    if how in ("semi", "anti"):
        assert values(joined) == values(every[every["id"].isin(merged["id"]) == (how == "semi")])
        return
    matched = joined[joined["id"].notna() & joined["id_right"].notna()]
    assert [*joined.columns] == [*merged.columns]
    assert values(matched) == values(merged)
    alone = Counter(pair for pair in came.out if None in pair)
    wanted = []
    if how in ("left", "outer"):
        wanted += [(number, None) for number in {*stream.of("left")["id"]} - {*merged["id"]}]
    if how in ("right", "outer"):
        wanted += [(None, number) for number in {*stream.of("right")["id"]} - {*merged["id_right"]}]
    assert alone == Counter(wanted)
    for _, row in joined[joined["id_right"].isna()].iterrows():
        assert values(pd.DataFrame([row[stream.frame.columns]])) == values(
            stream.frame[stream.frame["id"] == row["id"]]
        )


def values(frame):
    """The rows, sorted, with None for null."""
    return Counter(tuple(plain(value) for value in row) for row in frame.astype(object).to_numpy().tolist())


@st.composite
def window_questions(draw):
    return {
        "keys": draw(st.sampled_from(KEYS)),
        "window": draw(windows()),
        "how": draw(st.sampled_from(("inner", "left", "right", "outer", "semi", "anti"))),
        "lateness": draw(st.one_of(st.just(0), durations(0, 4))),
        "null_keys": draw(st.sampled_from(("unmatched", "unmatched", "equal"))),
    }


@law
@given(st.data(), window_questions(), streams())
def test_window_joins_obey_the_laws(data, question, stream):
    laws(data, WindowJoin, WindowJoinOracle, question, stream)


@st.composite
def asof_questions(draw):
    return {
        "keys": draw(st.sampled_from(KEYS)),
        "direction": draw(st.sampled_from(("backward", "forward", "nearest", "nearest"))),
        "allow_exact": draw(st.booleans()),
        "tolerance": draw(st.one_of(st.none(), st.none(), durations(0, 8))),
        "nearest_tie": draw(st.sampled_from(("backward", "forward"))),
        "how": draw(st.sampled_from(("left", "inner"))),
        "lateness": draw(st.one_of(st.just(0), durations(0, 4))),
        "null_keys": draw(st.sampled_from(("unmatched", "unmatched", "equal"))),
    }


@law
@given(st.data(), asof_questions(), streams())
def test_asof_joins_obey_the_laws(data, question, stream):
    laws(data, AsofJoin, AsofOracle, question, stream)


@law
@given(asof_questions(), streams(in_time=True))
def test_asof_joins_are_those_of_pandas_when_nothing_is_late(question, stream):
    question |= {"how": "left", "null_keys": "unmatched", "nearest_tie": "backward"}
    came = played(lambda: AsofJoin(**question), stream, told=pairs)
    assert not came.late
    keys = [*question["keys"]]
    left, right = stream.of("left").sort_values("t", kind="stable"), stream.of("right")
    right = right.dropna(subset=keys).sort_values("t", kind="stable")
    codes = pd.factorize(pd.Series(keys_of(pd.concat([left, right]), keys), dtype=object))[0]
    merged = pd.merge_asof(
        left[["t", "id"]].assign(code=codes[: len(left)]),
        right[["t", "id"]].assign(code=codes[len(left) :]).rename(columns={"id": "id_right"}),
        on="t",
        by="code",
        direction=question["direction"],
        allow_exact_matches=question["allow_exact"],
        tolerance=None if question["tolerance"] is None else pd.Timedelta(question["tolerance"]),
    )
    assert Counter(came.out) == Counter(ids(merged, "id", "id_right"))


@law
@given(
    st.data(),
    st.fixed_dictionaries(
        {
            "keys": st.sampled_from(KEYS),
            "within": st.one_of(st.none(), durations(1, 8)),
            "by": st.sampled_from(("key", "key_and_time")),
            "lateness": st.one_of(st.just(0), durations(0, 4)),
        }
    ),
    streams(sides=("",)),
)
def test_deduplication_obeys_the_laws(data, question, stream):
    if question["by"] == "key" and question["within"] is None:
        question["within"] = TICK
    came = laws(data, Dedup, DedupOracle, question, stream, told=lambda frame: frame["id"].tolist())
    seen = Counter([*came.out, *came.duplicate, *came.late, *came.undated])
    assert seen == Counter(range(len(stream.frame)))


@st.composite
def rankings(draw):
    return {
        "window": draw(windows()),
        "keys": draw(st.sampled_from(KEYS)),
        "n": draw(st.integers(1, 3)),
        "by": draw(st.sampled_from(("v", "n", "s"))),
        "ascending": draw(st.booleans()),
        "ties": draw(st.sampled_from(("row_number", "rank", "dense_rank"))),
        "lateness": draw(st.one_of(st.just(0), durations(0, 4))),
    }


def ranked(frame):
    return list(zip(*bounds_of(frame), frame["id"].tolist(), frame["rank"].tolist(), strict=True))


class PrunedTopN(TopN):
    """Lets go of rows after every batch."""

    def _prune(self):
        self._pruned_to = -64
        super()._prune()


@law
@given(st.data(), rankings(), streams(sides=("",)))
def test_rankings_obey_the_laws(data, question, stream):
    one = laws(data, TopN, TopNOracle, question, stream, told=ranked)
    agree(one, played(lambda: PrunedTopN(**question), stream, told=ranked))


@law
@given(st.data(), st.one_of(st.just(0), durations(0, 4)), streams(sides=("",)))
def test_sorting_obeys_the_laws(data, lateness, stream):
    told = lambda frame: frame["id"].tolist()  # noqa: E731
    came = laws(data, EventTimeSort, SortOracle, {"lateness": lateness}, stream, told=told)
    times = stream.frame["t"].iloc[came.out]
    assert times.is_monotonic_increasing
    assert Counter([*came.out, *came.late, *came.undated]) == Counter(range(len(stream.frame)))
