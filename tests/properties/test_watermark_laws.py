"""The laws of watermarks: row by row whatever the batches, as the oracle has it, and never backwards."""

import itertools
import os
import pickle
from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings

from workbench.engine.door import Door
from workbench.engine.operators import Confluence
from workbench.engine.outcomes import OUT, REJECTED
from workbench.model.watermarks import Ascending, BoundedOutOfOrderness, Punctuated, Watermark
from workbench.schema import Schema
from workbench.testing.strategies import EPOCHS, TICK, cuts, durations
from workbench.testing.watermark_oracle import UnionOracle, WatermarkOracle
from workbench.time import END_OF_TIME, to_nanos

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(60 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)

SOME = durations(1, 12).map(pd.Timedelta)


def policies() -> st.SearchStrategy[Watermark]:
    options = {
        "by": st.sampled_from(((), "k", ["k", "k2"])),
        "idle": st.one_of(st.none(), SOME),
        "max_ahead": st.one_of(st.none(), SOME),
        "advance_with_clock": st.booleans(),
    }
    return st.one_of(
        st.builds(BoundedOutOfOrderness, durations(0, 6).map(pd.Timedelta), **options),
        st.builds(Ascending, **options),
        st.builds(Punctuated, st.just("mark"), **options),
    )


@st.composite
def arrivals(draw, count: int) -> np.ndarray:
    """Moments of arrival: some together, some after a long silence."""
    steps = draw(st.lists(st.sampled_from((0, 0, 1, 2, 5, 25)), min_size=count, max_size=count))
    return (draw(st.sampled_from(EPOCHS)) + np.cumsum(steps, dtype=np.int64)) * TICK


@dataclass(frozen=True)
class Stream:
    """Rows in the order of arrival, and where batches begin."""

    frame: pd.DataFrame
    arrivals: np.ndarray
    cuts: tuple[int, ...]
    policy: Watermark


@st.composite
def streams(draw) -> Stream:
    count = draw(st.integers(0, 20))
    came = draw(arrivals(count))

    def ticks(*choices):
        found = draw(st.lists(st.sampled_from(choices), min_size=count, max_size=count))
        return pd.Series([None if each is None else each * TICK for each in found], dtype="Int64")

    def moments(lags):
        return pd.to_datetime(came - lags, unit="ns")

    def some(*choices):
        return pd.Series(
            draw(st.lists(st.sampled_from(choices), min_size=count, max_size=count)), dtype="str"
        )

    frame = pd.DataFrame(
        {
            "t": moments(ticks(0, 0, 1, 2, 4, 9, -3, -30, None)).astype("datetime64[ns]"),
            "mark": moments(ticks(None, None, 0, 1, 5, -20)).astype("datetime64[ns]"),
            "k": some("a", "b", "c", None),
            "k2": some("x", None),
        }
    )
    return Stream(frame, came, draw(cuts(count)), draw(policies()))


def played(stream: Stream, at: tuple[int, ...] | None = None, *, restart=False, tick=False):
    """The watermarks met by arrival number, the rejected rows, and the watermark at the end."""

    def make():
        return Door(Schema.infer(stream.frame, "t"), stream.policy, "t")

    door, met, rejected, watermarks = make(), [], [], []
    edges = [0, *(stream.cuts if at is None else at), len(stream.frame)]
    for begin, end in itertools.pairwise(edges):
        door.arrivals = stream.arrivals[begin:end]
        if end > begin:
            door.now = int(door.arrivals[-1])
        elif not len(stream.frame[:end]):
            continue  # nothing has come yet, and nobody knows the time
        outcome = door.process(stream.frame.iloc[begin:end])
        met.append(outcome.stamp.met)
        rejected.append(outcome.frames[REJECTED])
        watermarks += [*outcome.stamp.met.tolist(), outcome.stamp.watermark]
        if restart:
            snapshot = pickle.loads(pickle.dumps(door.snapshot()))
            now, door = door.now, make()
            door.restore(snapshot)
            door.now = now
        if tick:
            watermarks.append(door.tick().stamp.watermark)
    assert watermarks == sorted(watermarks)
    if stream.policy.advance_with_clock and watermarks:
        door.now += 7 * TICK
        assert door.tick().stamp.watermark >= watermarks[-1]
    ended = door.end()
    assert ended.stamp.watermark == END_OF_TIME
    assert door.size == 0
    none = stream.frame.iloc[:0].assign(reason="")
    return (
        np.concatenate([*met, np.zeros(0, dtype=np.int64)]),
        pd.concat([each for each in rejected if len(each)] or [none]),
        watermarks[-1] if watermarks else None,
    )


def answered(stream: Stream):
    oracle, frame, met = WatermarkOracle(stream.policy), stream.frame, []
    columns = list(stream.policy.by)
    for row in range(len(frame)):
        key = tuple(None if pd.isna(each) else each for each in frame[columns].iloc[row]) if columns else ()
        time, mark = (None if pd.isna(frame[c][row]) else frame[c][row].value for c in ("t", "mark"))
        if not isinstance(stream.policy, Punctuated):
            mark = None
        met.append(oracle.take(time, arrival=int(stream.arrivals[row]), partition=key, mark=mark))
    last = oracle.wait(int(stream.arrivals[-1])) if len(frame) else None
    return met, last


@law
@given(streams())
def test_rows_meet_what_the_oracle_says_in_any_batches(stream: Stream) -> None:
    met, rejected, last = played(stream)
    told, watermark = answered(stream)
    refused = [number for number, each in enumerate(told, start=1) if each is None]
    assert rejected.index.tolist() == refused
    assert [each for number, each in enumerate(met.tolist(), start=1) if number not in refused] == [
        each for each in told if each is not None
    ]
    assert last == watermark


@law
@given(st.data(), streams())
def test_batching_is_invisible(data: st.DataObject, stream: Stream) -> None:
    one = played(stream)
    other = played(stream, data.draw(cuts(len(stream.frame))), tick=data.draw(st.booleans()))
    accepted = np.setdiff1d(np.arange(len(stream.frame)), one[1].index.to_numpy(dtype=np.int64) - 1)
    assert one[0][accepted].tolist() == other[0][accepted].tolist()
    pd.testing.assert_frame_equal(one[1], other[1])
    assert one[2] == other[2]


@law
@given(streams())
def test_a_restart_after_every_batch_changes_nothing(stream: Stream) -> None:
    straight, restarted = played(stream), played(stream, restart=True)
    assert straight[0].tolist() == restarted[0].tolist()
    pd.testing.assert_frame_equal(straight[1], restarted[1])
    assert straight[2] == restarted[2]


@law
@given(streams())
def test_nothing_disappears(stream: Stream) -> None:
    door = Door(Schema.infer(stream.frame, "t"), stream.policy, "t")
    door.arrivals, door.now = stream.arrivals, int(stream.arrivals.max(initial=0))
    outcome = door.process(stream.frame)
    went = outcome.frames[OUT].index.append(outcome.frames[REJECTED].index)
    assert sorted(went) == list(range(1, len(stream.frame) + 1))
    assert set(outcome.frames[REJECTED].get("reason", [])) <= {
        "null event time",
        *([] if stream.policy.max_ahead is None else [_reason(stream.policy)]),
    }


def _reason(policy):
    text = repr(policy)
    return f"more than {text.split('max_ahead=')[1].split(chr(39))[1]} ahead of its arrival"


@dataclass(frozen=True)
class Streams:
    """Rows of several streams in the order of arrival; a batch ends where the stream changes."""

    sides: np.ndarray
    times: pd.Series
    arrivals: np.ndarray
    bounds: tuple[pd.Timedelta, ...]
    idle: tuple[int | None, ...]
    ticks: tuple[tuple[int, int], ...]
    """Before which row a stream says that it has had none, and which."""


@st.composite
def united(draw) -> Streams:
    count, parts = draw(st.integers(1, 24)), draw(st.integers(2, 3))
    came = draw(arrivals(count))
    lags = draw(st.lists(st.sampled_from((0, 1, 3, 9, -4, None)), min_size=count, max_size=count))
    times = pd.to_datetime(came - pd.Series([None if e is None else e * TICK for e in lags], dtype="Int64"))
    return Streams(
        np.array(draw(st.lists(st.integers(0, parts - 1), min_size=count, max_size=count))),
        times.astype("datetime64[ns]"),
        came,
        tuple(draw(st.lists(durations(0, 4).map(pd.Timedelta), min_size=parts, max_size=parts))),
        tuple(draw(st.lists(st.one_of(st.none(), durations(1, 12)), min_size=parts, max_size=parts))),
        tuple(draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, parts - 1)), max_size=9))),
    )


def flowed(streams: Streams, at: tuple[int, ...], *, restart=False) -> dict[int, int]:
    """The watermark that each row met in the union, by its place in the order of arrival."""
    frame = pd.DataFrame({"t": streams.times, "row": np.arange(len(streams.times))})
    schema = Schema.infer(frame, "t")
    doors = [Door(schema, BoundedOutOfOrderness(bound), "t") for bound in streams.bounds]
    union, met = Confluence(len(doors), None, streams.idle), {}
    changes = np.flatnonzero(np.diff(streams.sides)) + 1
    silent = {place for place, _ in streams.ticks}
    edges = sorted({0, *at, *changes.tolist(), *silent, len(frame)})
    for begin, end in itertools.pairwise(edges):
        for side in [each for place, each in streams.ticks if place == begin]:
            doors[side].now = int(streams.arrivals[begin])
            said = doors[side].tick()
            union.process(said.frames[OUT], said.stamp, side)
        door = doors[side := int(streams.sides[begin])]
        door.arrivals = streams.arrivals[begin:end]
        door.now = int(door.arrivals[-1])
        dated = door.process(frame.iloc[begin:end])
        outcome = union.process(dated.frames[OUT], dated.stamp, side)
        met |= dict(zip(outcome.frames[OUT]["row"].tolist(), outcome.stamp.met.tolist(), strict=True))
        if restart:
            snapshot = pickle.loads(pickle.dumps(union.snapshot()))
            union = Confluence(len(doors), None, streams.idle)
            union.restore(snapshot)
    for side, door in enumerate(doors):
        ended = door.end()
        last = union.process(ended.frames[OUT], ended.stamp, side)
    assert last.stamp.watermark == END_OF_TIME
    return met


@law
@given(st.data(), united())
def test_a_union_is_as_the_oracle_has_it_in_any_batches(data: st.DataObject, streams: Streams) -> None:
    oracle = UnionOracle([BoundedOutOfOrderness(bound) for bound in streams.bounds], streams.idle)
    told = {}
    for row, (side, time) in enumerate(zip(streams.sides.tolist(), to_nanos(streams.times), strict=True)):
        for silent in [each for place, each in streams.ticks if place == row]:
            oracle.wait(silent, int(streams.arrivals[row]))
        moment = None if pd.isna(streams.times[row]) else int(time)
        met = oracle.take(side, moment, arrival=int(streams.arrivals[row]))
        if moment is not None:
            told[row] = met
    for _ in range(2):
        at = data.draw(cuts(len(streams.times)))
        assert flowed(streams, at, restart=data.draw(st.booleans())) == told
