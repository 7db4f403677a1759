"""The laws, for operators that look back: batching is invisible, stream equals batch, nothing disappears.

The engine takes a table that Hypothesis makes up in batches cut anywhere, the oracle row by row, pandas all
at once. What is told has one order, so the laws ask for that too.
"""

import itertools
import os
import pickle
from dataclasses import dataclass, field

import hypothesis.strategies as st
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings

from workbench.engine.keyed import Keyed
from workbench.engine.lag import Lag
from workbench.engine.lookup import LookupJoin
from workbench.engine.progress import Progress
from workbench.engine.rolling import CLOSED, Rolling
from workbench.model.aggregates import Aggregate
from workbench.schema import Schema
from workbench.testing.compare import keys_of, late_rows, same
from workbench.testing.history_oracles import KeyedOracle, LagOracle, LookupOracle, RollingOracle
from workbench.testing.strategies import TICK, aggregates, crowds, cuts, disorder, durations, tables
from workbench.time import to_nanos

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(40 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)
KEYS = st.sampled_from(((), ("k",), ("k",), ("k", "k2")))
LATENESS = st.one_of(st.just(0), durations(0, 4))


@dataclass(frozen=True)
class Stream:
    """Rows in the order of arrival, a bound of disorder, and where batches begin."""

    frame: pd.DataFrame
    bound: int
    cuts: tuple[int, ...]


def crowded(**most):
    numbers = st.integers(0, 8)
    return crowds(values=st.sampled_from((0.0, 1.0, 2.0, 2.5, -3.0, None)), numbers=numbers, **most)


@st.composite
def streams(draw, *, in_time=False, frames=None):
    frame = draw(st.one_of(crowded(), crowded(), tables(most=20)) if frames is None else frames)
    frame["id"] = range(len(frame))
    bound = draw(durations(0, 4)) + (disorder(frame) + TICK if in_time else 0)
    return Stream(frame, bound, draw(cuts(len(frame))))


@dataclass
class Came:
    """All that came out."""

    out: list = field(default_factory=list)
    frames: list = field(default_factory=list)
    late: dict = field(default_factory=dict)
    aside: list = field(default_factory=list)
    undated: list = field(default_factory=list)
    size: int = 0


def played(make, stream, *, at=None, restart=False, told=None):
    """Play a stream to an operator of the engine, or (without `told`) to an oracle."""
    operator, came, progress = make(), Came(), Progress(stream.bound)
    schema = Schema.infer(stream.frame, "t")
    edges = [0, *(stream.cuts if at is None else at), len(stream.frame)]
    batches = [stream.frame[begin:end] for begin, end in itertools.pairwise(edges)]
    for rows, last in [*((rows, False) for rows in batches), (stream.frame[:0], True)]:
        first = progress.arrived + 1
        admitted, refused = schema.admit(rows.set_axis(pd.RangeIndex(first, first + len(rows))))
        came.undated += refused["id"].tolist()
        stamp = progress.end() if last else progress.stamp(to_nanos(rows["t"]))
        if told is None:
            made = operator.process("", admitted, stamp)
            came.out += made.out
            came.late |= {number: (by, met) for number, by, met in made.late}
            came.aside += made.rejected
            continue
        made = operator.process(admitted, stamp)
        times, met = made.stamp.look_up(made.frame)
        came.out += told(made, times)
        came.frames.append(made.frame)
        if hasattr(made, "late"):
            assert (times >= met).all()  # none comes before the watermark promised
            came.late |= dict(zip(made.late["id"].tolist(), late_rows(made.late).values(), strict=True))
        came.aside += made.unmatched["id"].tolist() if hasattr(made, "unmatched") else []
        if restart:
            snapshot = pickle.loads(pickle.dumps(operator.snapshot()))
            operator = make()
            operator.restore(snapshot)
    came.size = 0 if told is None else operator.size
    return came


def agree(one, other):
    assert len(one.out) == len(other.out)
    for got, wanted in zip(one.out, other.out, strict=True):
        assert len(got) == len(wanted)
        assert all(map(same, got, wanted)), (got, wanted)
    assert one.late == other.late
    assert one.aside == other.aside
    assert (one.size, other.size) == (0, 0)


def laws(data, engine, oracle, question, stream, told):
    """Engine against oracle, other batches, and restarts; returns what came."""
    one = played(lambda: engine(**question), stream, told=told)
    agree(one, played(lambda: oracle(**question), stream))
    agree(one, played(lambda: engine(**question), stream, at=data.draw(cuts(len(stream.frame))), told=told))
    restarted = played(lambda: engine(**question), stream, told=told, restart=True)
    agree(one, restarted)
    for frame, other in zip(one.frames, restarted.frames, strict=True):
        pd.testing.assert_frame_equal(frame, other)
    return one


def whole(came, stream):
    """Every row is told once, or late, or has no time."""
    told = [row[0] for row in came.out]
    assert sorted([*told, *came.late, *came.aside, *came.undated]) == [*range(len(stream.frame))]


def columns(*names):
    """Read tuples of some columns of what is told."""
    return lambda made, times: keys_of(made.frame, ("id", *names)) if "id" in made.frame else []


def grouped(stream, keys):
    """The table in the order of event time, with a number for each key."""
    table = stream.frame[stream.frame["t"].notna()].sort_values("t", kind="stable")
    codes = pd.factorize(pd.Series(keys_of(table, keys), dtype=object))[0]
    return table.assign(code=codes).set_index(np.arange(len(table)))


lags = st.fixed_dictionaries(
    {
        "keys": KEYS,
        "columns": st.just(
            {"v_before": "v", "n_before": "n", "s_before": "s", "k_before": "k", "t_before": "t"}
        ),
        "n": st.integers(1, 3),
        "ttl": st.one_of(st.none(), durations(0, 6)),
        "lateness": LATENESS,
    }
)


@law
@given(st.data(), lags, streams())
def test_lags_obey_the_laws(data, question, stream):
    came = laws(data, Lag, LagOracle, question, stream, columns(*question["columns"]))
    whole(came, stream)


@law
@given(lags, streams(in_time=True))
def test_lags_are_shifts_when_nothing_is_late(question, stream):
    question["ttl"] = None
    came = played(lambda: Lag(**question), stream, told=columns(*question["columns"]))
    assert not came.late
    table = grouped(stream, question["keys"])
    shifted = table.groupby("code")[[*question["columns"].values()]].shift(question["n"])
    wanted = Came(out=keys_of(shifted.assign(id=table["id"]), ("id", *question["columns"].values())))
    agree(came, Came(out=wanted.out))


@st.composite
def frames(draw):
    """Give what rolling frames may be: of rows, of time, or of both."""
    rows, within = draw(st.integers(1, 6)), draw(durations(1, 8))
    kind = draw(st.sampled_from(("rows", "within", "both")))
    return {
        "keys": draw(KEYS),
        "rows": None if kind == "within" else rows,
        "within": None if kind == "rows" else within,
        "closed": draw(st.sampled_from(("right", *CLOSED))),
        "min_periods": draw(st.one_of(st.none(), st.integers(0, rows))),
        "lateness": draw(LATENESS),
    }


@law
@given(st.data(), frames(), aggregates(), streams())
def test_rolling_aggregates_obey_the_laws(data, question, asked, stream):
    question["aggregates"] = asked
    came = laws(data, Rolling, RollingOracle, question, stream, columns(*(each.output for each in asked)))
    whole(came, stream)
    for each in asked:
        if isinstance(each.function, str):  # what a function of objects gives has the type that it has
            assert len({str(frame[each.output].dtype) for frame in came.frames}) == 1


ROLLING = ("sum", "mean", "min", "max", "var", "std", "count", "median", "skew", "nunique")


@law
@given(frames(), streams(in_time=True, frames=crowded()))
def test_rolling_aggregates_are_those_of_pandas_when_nothing_is_late(question, stream):
    if question["rows"] is not None:
        question["within"] = None
    asked = [Aggregate(name, "v", name) for name in ROLLING]
    came = played(lambda: Rolling(aggregates=asked, **question), stream, told=columns(*ROLLING))
    assert not came.late
    table = grouped(stream, question["keys"])
    window = pd.Timedelta(question["within"]) if question["rows"] is None else question["rows"]
    parts = []
    for _, group in table.groupby("code"):
        rolling = group.set_index("t")["v"].rolling(
            window, closed=question["closed"], min_periods=question["min_periods"]
        )
        parts.append(
            pd.DataFrame({name: getattr(rolling, name)() for name in ROLLING}).set_index(group.index)
        )
    wanted = pd.concat([table[["id"]][:0], *parts]).sort_index().assign(id=table["id"])
    agree(came, Came(out=keys_of(wanted, ("id", *ROLLING)) if parts else []))


def functions(delay, again, silent):
    """Make functions that count, set and delete timers, and let go of the state, as the rows say."""

    def on_row(row, context):
        context.state = (context.state or 0) + 1
        if row["n"] % 3 == 0:
            context.set_timer(pd.Timedelta(delay + row["n"] % 2 * TICK), "odd" if row["n"] % 2 else "")
        if row["n"] % 5 == 4:
            context.delete_timer()
        if row["n"] % 7 == 6:
            context.state = None
        return [] if silent else [{"what": "row", "id": row["id"], "count": context.state}]

    def on_timer(context):
        if again:
            context.set_timer(context.time + pd.Timedelta(again), context.timer)
        context.state = (context.state or 0) + 10
        return [{"what": f"timer {context.timer}", "id": None, "count": context.state}]

    def on_expire(context):
        if context.state % 2:
            context.set_timer(pd.Timedelta(TICK))
        return [{"what": "expired", "id": None, "count": context.state}] * 2

    return {"on_row": on_row, "on_timer": on_timer, "on_expire": on_expire}


@law
@given(
    st.data(),
    KEYS,
    st.tuples(durations(0, 6), st.sampled_from((0, 0, TICK, 3 * TICK)), st.booleans()),
    st.one_of(st.none(), durations(1, 8)),
    LATENESS,
    streams(),
)
def test_keyed_functions_obey_the_laws(data, keys, program, ttl, lateness, stream):
    question = {"keys": keys, "ttl": ttl, "lateness": lateness, **functions(*program)}
    if ttl is None:
        del question["on_expire"]
    given = {"columns": {"what": "str", "id": "Int64", "count": "Int64"}}

    def told(made, times):
        values = keys_of(made.frame, (*keys, "what", "id", "count"))
        return [(time, *row) for time, row in zip(times.tolist(), values, strict=True)]

    came = laws(data, lambda **asked: Keyed(**asked, **given), KeyedOracle, question, stream, told)
    if not program[-1]:
        ids = [row[-2] for row in came.out if row[-3] == "row"]
        assert sorted([*ids, *came.late, *came.undated]) == [*range(len(stream.frame))]


@st.composite
def enrichments(draw):
    keys = draw(st.sampled_from((("k",), ("k",), ("k", "k2"))))
    table = draw(st.one_of(crowded(most=10), tables(most=10))).drop_duplicates([*keys])
    table = table.assign(id=np.arange(len(table)) + 1000).set_axis(np.arange(len(table))[::-1])
    return {
        "keys": keys,
        "table": table,
        "how": draw(st.sampled_from(("left", "inner"))),
        "null_keys": draw(st.sampled_from(("unmatched", "equal"))),
    }


def alike(question, stream):
    """Whether the keys of stream and table are both text, or both numbers."""
    kinds = [pd.api.types.is_numeric_dtype(frame["k"].dtype) for frame in (stream.frame, question["table"])]
    return kinds[0] == kinds[1]


@law
@given(st.data(), enrichments(), streams())
def test_lookups_obey_the_laws(data, question, stream):
    if not alike(question, stream):
        question["table"] = question["table"].assign(k=stream.frame["k"][:0].reindex(question["table"].index))
        question["table"] = question["table"].drop_duplicates([*question["keys"]])
    came = laws(data, LookupJoin, LookupOracle, question, stream, columns("id_right"))
    whole(came, stream)


@law
@given(enrichments(), streams(frames=crowded()))
def test_lookups_are_merges(question, stream):
    question |= {"null_keys": "equal"}
    if not alike(question, stream):
        return
    question["table"] = question["table"].astype({"k": "str"})
    came = played(lambda: LookupJoin(**question), stream, told=columns("id_right", "v_right", "s_right"))
    merged = stream.frame.merge(
        question["table"], on=[*question["keys"]], how=question["how"], suffixes=("", "_right")
    )
    agree(Came(out=came.out), Came(out=keys_of(merged, ("id", "id_right", "v_right", "s_right"))))
    assert [*came.frames[0].columns] == [*merged.columns]
