"""Lags, rolling frames, keyed functions, lookups: what is held, when it is told, what is refused.

Laws are in tests/properties.
"""

import numpy as np
import pandas as pd
import pytest

from workbench.engine import frames
from workbench.engine.keyed import Keyed
from workbench.engine.lag import Lag
from workbench.engine.lookup import Lookup, LookupJoin
from workbench.engine.progress import Progress
from workbench.engine.rolling import Rolling
from workbench.errors import DescriptionError, SchemaError, SnapshotError, StepError
from workbench.model.aggregates import Aggregate
from workbench.model.custom import Custom
from workbench.time import END_OF_TIME

TOTAL = Aggregate("total", "v", "sum")


class Feed:
    """Gives rows of some keys to an operator, and moves the watermark by hand."""

    def __init__(self, operator):
        self.operator, self.progress = operator, Progress(None)

    def rows(self, *rows):
        """Rows as (time, key, value)."""
        times, keys, values = zip(*rows, strict=True) if rows else [()] * 3
        stamp = self.progress.stamp(np.array(times, dtype=np.int64))
        index = pd.RangeIndex(stamp.first, stamp.first + len(rows))
        columns = {"k": pd.Series(keys, dtype="str"), "v": pd.Series(values, dtype="int64")}
        return self.operator.process(pd.DataFrame(columns).set_axis(index), stamp)

    def watermark(self, moment):
        empty = pd.DataFrame({"k": pd.Series(dtype="str"), "v": pd.Series(dtype="int64")})
        return self.operator.process(empty, self.progress.advance(moment))

    def end(self):
        return self.watermark(END_OF_TIME)


def told(made, *names):
    columns = made.frame[[*names]].astype(object)
    rows = columns.where(columns.notna(), None).to_numpy().tolist()
    return [each[0] for each in rows] if len(names) == 1 else rows


def test_a_lag_goes_by_event_time_whatever_the_order_of_arrival():
    feed = Feed(Lag(keys=["k"], columns={"before": "v"}))
    feed.rows((30, "a", 3), (10, "a", 1), (20, "b", 9))
    assert told(feed.watermark(30), "v", "before") == [[1, None], [9, None]]  # another may come at 30
    feed.rows((30, "a", 4))
    assert told(feed.end(), "v", "before") == [[3, 1], [4, 3]]  # of equal times, the first to arrive first
    assert feed.operator.size == 0


def test_a_row_behind_what_has_been_told_is_late():
    feed = Feed(Lag(columns={"before": "v"}, lateness=5))
    feed.rows((10, "a", 1))
    feed.watermark(20)
    late = feed.rows((14, "a", 2), (15, "a", 3)).late
    assert (late["v"].tolist(), late["late_by"].tolist()) == ([2], [pd.Timedelta(1)])
    assert told(feed.end(), "v", "before") == [[3, 1]]


def test_what_has_outlived_its_time_is_null_and_held_no_longer():
    feed = Feed(Lag(keys=["k"], columns={"before": "v"}, ttl=10))
    feed.rows((0, "a", 1), (0, "b", 2), (10, "a", 3), (11, "b", 4))
    assert told(feed.watermark(12), "v", "before") == [[1, None], [2, None], [3, 1], [4, None]]
    assert feed.operator.size == 2
    feed.watermark(21)
    assert feed.operator.size == 1
    feed.watermark(22)
    assert feed.operator.size == 0


def test_without_time_to_live_the_last_rows_of_every_key_are_held():
    feed = Feed(Lag(keys=["k"], columns={"before": "v"}, n=2))
    feed.rows(*((at, f"{at % 3}", at) for at in range(300)))
    feed.watermark(10**15)
    assert feed.operator.size == 6


def test_keys_are_forgotten_with_their_rows():
    feed = Feed(Lag(keys=["k"], columns={"before": "v"}, ttl=1))
    for begin in range(0, 20_000, 1000):
        feed.rows(*((begin + at, f"{(begin + at) // 2}", at) for at in range(1000)))
        out = feed.watermark(begin + 1000)
        assert out.frame["before"].isna().tolist() == [True, False] * 500
    assert len(feed.operator.history.keys) < 3000


def test_integers_that_may_be_missing_keep_their_digits():
    feed = Feed(Lag(columns={"before": "v"}))
    feed.rows((0, "a", 2**53 + 1), (1, "a", 0))
    assert told(feed.end(), "before") == [None, 2**53 + 1]
    largest = Aggregate("most", "v", "max")
    feed = Feed(Rolling(aggregates=[largest], rows=2))
    feed.rows((0, "a", 2**53 + 1), (1, "a", 0))
    out = feed.end()
    assert (told(out, "most"), str(out.frame["most"].dtype)) == ([None, 2**53 + 1], "Int64")


@pytest.mark.parametrize(
    ("closed", "wanted"),
    [
        ("right", [1, 2, 6, 14, 16]),
        ("both", [1, 3, 7, 14, 16]),
        ("left", [None, 1, 1, 6, None]),
        ("neither", [None, None, None, 6, None]),
    ],
)
def test_a_frame_of_time_holds_rows_of_its_own_time_that_arrived_before(closed, wanted):
    feed = Feed(Rolling(keys=["k"], aggregates=[TOTAL], within=10, closed=closed))
    feed.rows((0, "a", 1), (10, "a", 2), (10, "a", 4), (19, "a", 8), (40, "a", 16), (40, "b", 99))
    out = feed.end()
    assert told(out, "total")[:5] == wanted
    assert feed.operator.size == 0


def test_without_min_periods_what_nothing_has_too_is_told():
    what = [Aggregate(name, "v", name) for name in ("size", "sum", "prod", "max", "collect", "nunique")]
    feed = Feed(Rolling(aggregates=what, rows=1, closed="left", min_periods=0))
    feed.rows((0, "a", 5), (1, "a", 7))
    names = [each.output for each in what]
    out = feed.end()
    assert told(out, *names) == [[0, 0, 1, None, [], 0], [1, 5, 5, 5, [5], 1]]
    assert out.frame["sum"].dtype == "int64"


def test_rows_and_duration_together_bound_the_state():
    feed = Feed(Rolling(keys=["k"], aggregates=[TOTAL], rows=3, within=10, min_periods=1))
    feed.rows(*((at, "a", 1) for at in range(20)), (35, "a", 1))
    assert told(feed.watermark(20), "total") == [1, 2] + [3] * 18
    assert feed.operator.size == 3  # the two rows before, and the one that waits
    assert told(feed.watermark(36), "total") == [1]
    feed.watermark(46)
    assert feed.operator.size == 0


def test_only_rows_that_a_frame_may_still_hold_are_held():
    feed = Feed(Rolling(keys=["k"], aggregates=[TOTAL], within=10))
    feed.rows(*((at, "a", 1) for at in range(100)))
    feed.watermark(100)
    assert feed.operator.size == 9  # those from 91 on


def test_a_frame_of_sizes_needs_no_column_and_survives_a_restart():
    size = Aggregate("rows", "", "size")
    feed = Feed(Rolling(aggregates=[size], rows=3, min_periods=1))
    feed.rows((0, "a", 1), (1, "a", 1))
    feed.watermark(2)
    snapshot = feed.operator.snapshot()
    feed.operator = Rolling(aggregates=[size], rows=3, min_periods=1)
    feed.operator.restore(snapshot)
    feed.rows((2, "a", 1))
    assert told(feed.end(), "rows") == [3]


@pytest.mark.parametrize(
    "custom",
    [
        Custom(lambda v: (v, v), (np.minimum, np.maximum), lambda low, high: high - low),
        Custom(lambda v: (v, v), lambda a, b: (min(a[0], b[0]), max(a[1], b[1])), lambda ab: ab[1] - ab[0]),
    ],
)
def test_frames_have_aggregates_of_ones_own(custom):
    feed = Feed(Rolling(keys=["k"], aggregates=[Aggregate("span", "v", custom)], rows=3))
    feed.rows(*((at, "ab"[at % 2], at * at) for at in range(10)))
    assert told(feed.end(), "span") == [None] * 4 + [(at * at - (at - 4) ** 2) for at in range(4, 10)]


def test_large_frames_are_written_out_some_at_a_time(monkeypatch):
    what = [Aggregate("often", "v", "mode"), Aggregate("last", "v", "last")]
    values = np.random.default_rng(3).integers(0, 100, 300)
    made = []
    for pairs in (2_000_000, 100, 1):
        monkeypatch.setattr(frames, "_PAIRS", pairs)
        feed = Feed(Rolling(keys=["k"], aggregates=what, rows=20))
        feed.rows(*((at, "ab"[at % 2], value) for at, value in enumerate(values)))
        made.append(feed.end().frame)
    pd.testing.assert_frame_equal(made[0], made[1])
    pd.testing.assert_frame_equal(made[0], made[2])
    wanted = pd.Series(values[::2]).rolling(20).apply(lambda some: some.mode()[0])
    assert made[0]["often"][::2].tolist()[19:] == wanted.tolist()[19:]


def test_infinite_values_of_one_key_are_no_matter_of_another():
    rolling = Rolling(keys=["k"], aggregates=[Aggregate("v", "x", "sum")], rows=2)
    frame = pd.DataFrame({"k": list("aaabbb"), "x": [1, 2, np.inf, -np.inf, 1, 2]}, index=range(1, 7))
    progress = Progress(10)
    rolling.process(frame, progress.stamp(np.arange(6)))
    out = rolling.process(frame[:0], progress.end()).frame["v"]
    assert out.tolist()[1:3] + out.tolist()[4:] == [3, np.inf, -np.inf, 3]


def steps(**options):
    """Make a keyed operator that tells all that it is called for, at which moment and with what state."""

    def on_row(row, context):
        context.state = (context.state or 0) + row["v"]
        if row["v"] < 0:
            context.set_timer(pd.Timedelta(-row["v"]))
        return {"what": "row", "at": context.moment, "state": context.state}

    def on_timer(context):
        return {"what": "timer", "at": context.moment, "state": context.state}

    def on_expire(context):
        return {"what": "expired", "at": context.moment, "state": context.state}

    functions = {"on_row": on_row, "on_timer": on_timer} | (
        {"on_expire": on_expire} if "ttl" in options else {}
    )
    return Feed(Keyed(keys=["k"], **functions | options))


def test_timers_fire_between_rows_in_the_order_of_event_time():
    feed = steps()
    feed.rows((30, "a", 1), (0, "a", -20), (10, "b", -10), (20, "b", 5))
    assert told(feed.watermark(20), "k", "what", "at") == [["a", "row", 0], ["b", "row", 10]]
    out = feed.watermark(30)
    assert told(out, "k", "what", "at") == [["b", "row", 20], ["a", "timer", 20], ["b", "timer", 20]]
    assert out.frame.index.tolist() == [3, 4, 5]
    assert out.stamp.look_up(out.frame)[0].tolist() == [20, 20, 20]
    assert told(feed.end(), "what", "state") == [["row", -19]]
    assert feed.operator.size == 0


def test_a_state_that_saw_nothing_expires_after_what_comes_at_the_same_moment():
    feed = steps(ttl=10)
    feed.rows((0, "a", 1), (0, "b", 1), (10, "a", 1), (11, "b", 1))
    wanted = [["a", "row", 1], ["b", "row", 1], ["a", "row", 2], ["b", "expired", 1], ["b", "row", 1]]
    assert told(feed.watermark(20), "k", "what", "state") == wanted
    assert told(feed.end(), "k", "what", "at") == [["a", "expired", 20], ["b", "expired", 21]]
    assert feed.operator.size == 0


def test_a_timer_for_what_has_passed_fires_at_once():
    def on_row(row, context):
        context.set_timer(context.time - pd.Timedelta(5))

    feed = Feed(Keyed(on_row=on_row, on_timer=lambda context: [{"at": context.time}, {"at": context.time}]))
    feed.rows((7, "a", 0))
    assert told(feed.end(), "at") == [pd.Timestamp(7)] * 2


def test_timers_that_set_themselves_end_with_the_stream():
    def on_row(row, context):
        context.set_timer("10ns")

    def on_timer(context):
        context.set_timer("10ns")
        return {"at": context.moment}

    feed = Feed(Keyed(keys=["k"], on_row=on_row, on_timer=on_timer))
    feed.rows((0, "a", 0))
    assert told(feed.watermark(31), "at") == [10, 20, 30]
    feed.rows((55, "b", 0))
    assert told(feed.end(), "at") == [40, 50, 60, 65]
    assert feed.operator.size == 0


def test_timers_have_names_and_can_be_moved_and_deleted():
    def on_row(row, context):
        context.set_timer("5ns", "x")
        context.set_timer("6ns", "y")
        context.set_timer("9ns", "x")
        if row["v"]:
            context.delete_timer("y")

    feed = Feed(Keyed(on_row=on_row, on_timer=lambda c: {"name": c.timer, "at": c.moment}))
    feed.rows((0, "a", 0))
    assert len(feed.watermark(5).frame) == 0
    feed.rows((5, "a", 1))
    assert told(feed.end(), "name", "at") == [["x", 14]]


def test_moving_a_timer_at_every_row_leaves_nothing_behind():
    feed = Feed(Keyed(on_row=lambda row, context: context.set_timer("1h"), on_timer=lambda context: None))
    feed.rows(*((at, "a", 0) for at in range(5000)))
    feed.watermark(5000)
    assert len(feed.operator.agenda._heap) == 1


def test_states_begin_as_asked_and_are_copied_into_snapshots():
    def on_row(row, context):
        context.state.append(row["v"])
        return {"seen": len(context.state)}

    feed = Feed(Keyed(keys=["k"], on_row=on_row, initial=list, columns={"seen": "int64"}))
    feed.rows((0, "a", 1))
    feed.watermark(1)
    snapshot = feed.operator.snapshot()
    for _ in range(2):  # what comes after changes neither the snapshot nor what is restored from it
        other = Feed(Keyed(keys=["k"], on_row=on_row, initial=list, columns={"seen": "int64"}))
        other.operator.restore(snapshot)
        other.rows((1, "a", 2), (1, "b", 2))
        assert told(other.end(), "k", "seen") == [["a", 2], ["b", 1]]


def test_declared_columns_have_their_dtypes_in_every_batch():
    functions = {"on_row": lambda row, context: {"v": row["v"], "k": "x"} if row["v"] else {"v": 1}}
    feed = Feed(Keyed(keys=["k"], columns={"v": "int8", "w": "Float32"}, **functions))
    made = [feed.rows((0, "a", 1)), feed.watermark(1), feed.end()]
    assert [made[0].frame.dtypes.astype(str).tolist()] * 2 == [
        m.frame.dtypes.astype(str).tolist() for m in made[1:]
    ]
    assert made[1].frame.astype(object).where(made[1].frame.notna(), None).to_dict("records") == [
        {"k": "a", "v": 1, "w": None}
    ]


def test_keys_of_which_nothing_is_kept_are_forgotten():
    def on_row(row, context):
        context.state = None if context.state else "open"

    feed = Feed(Keyed(keys=["k"], on_row=on_row))
    for begin in range(0, 20_000, 1000):
        feed.rows(*((begin + at, f"{(begin + at) // 2}", at) for at in range(1000)))
        feed.watermark(begin + 1000)
        assert feed.operator.size == 0
    assert len(feed.operator.keys) < 3000


def test_an_error_names_the_row_or_the_timer():
    feed = Feed(Keyed(keys=["k"], on_row=lambda row, context: 1 / row["v"], name="ratio"))
    feed.rows((0, "a", 0))
    with pytest.raises(StepError, match=r"step 'ratio' raised ZeroDivisionError(.|\n)*1 offending") as raised:
        feed.end()
    assert raised.value.rows.to_dict("records") == [{"k": "a", "v": 0}]

    def on_timer(context):
        context.set_timer("0s")

    feed = Feed(Keyed(keys=["k"], on_row=lambda row, context: context.set_timer("3ns"), on_timer=on_timer))
    feed.rows((0, "a", 0))
    with pytest.raises(StepError, match="sets a timer for no later than that: '0s'") as raised:
        feed.end()
    assert raised.value.rows.to_dict("records") == [{"k": "a", "time": pd.Timestamp(3), "timer": ""}]


@pytest.mark.parametrize(
    ("on_row", "text"),
    [
        (lambda row, context: 5, "TypeError"),
        (lambda row, context: "five", "the function gave a str, not a dict, several dicts, or None"),
        (lambda row, context: {"w": 5}, "gave a column 'w', which is not among those declared"),
        (lambda row, context: {"v": "x"}, "column 'v' of what the function gave is not int64"),
        (lambda row, context: context.set_timer("5s"), "the timer '' is set, but there is no on_timer"),
        (lambda row, context: context.set_timer("soon"), "not a duration: 'soon'"),
    ],
)
def test_what_makes_no_row_is_an_error_of_the_step(on_row, text):
    feed = Feed(Keyed(on_row=on_row, columns={"v": "int64"}))
    feed.rows((0, "a", 0))
    with pytest.raises(StepError, match=text):
        feed.end()


def test_moments_are_in_the_zone_of_the_stream():
    keyed = Keyed(on_row=lambda row, c: {"at": c.time}, time_dtype="datetime64[us, Europe/Berlin]")
    feed = Feed(keyed)
    feed.rows((0, "a", 0))
    assert told(feed.end(), "at") == [pd.Timestamp("1970-01-01 01:00", tz="Europe/Berlin")]


TABLE = pd.DataFrame({"k": ["a", "b", None], "x": [2**53 + 1, 2, 3], "v": [7, 8, 9]})


def looked_up(join, *keys):
    frame = pd.DataFrame({"k": pd.Series(keys, dtype="str"), "v": range(len(keys))})
    frame.index = pd.RangeIndex(5, 5 + len(keys))
    progress = Progress(0)
    progress.arrived = 4
    return join.process(frame, progress.stamp(np.zeros(len(keys), dtype=np.int64)))


def test_a_lookup_keeps_rows_numbers_and_digits():
    out = looked_up(LookupJoin(table=TABLE, keys=["k"]), "b", "z", None, "a")
    assert out.frame.index.tolist() == [5, 6, 7, 8]
    assert told(out, "k", "v", "x", "v_right") == [
        *(["b", 0, 2, 8], ["z", 1, None, None], [None, 2, None, None], ["a", 3, 2**53 + 1, 7])
    ]
    out = looked_up(LookupJoin(table=TABLE, keys=["k"], how="inner", null_keys="equal"), "b", "z", None)
    assert (told(out, "k", "x"), out.unmatched["k"].tolist()) == ([["b", 2], [None, 3]], ["z"])
    assert out.frame.index.tolist() == [5, 7]


def test_a_table_is_replaced_between_batches():
    lookup = Lookup(TABLE, ["k"])
    join = LookupJoin(table=lookup)
    assert told(looked_up(join, "b", "c"), "x") == [2, None]
    lookup.replace(pd.DataFrame({"v": [1], "k": ["c"], "x": [4]}))
    assert told(looked_up(join, "b", "c"), "x") == [None, 4]
    with pytest.raises(DescriptionError, match=r"more than one row of the key {'k': 'c'}"):
        lookup.replace(pd.DataFrame({"v": [1, 1], "k": ["c", "c"], "x": [4, 4]}))
    with pytest.raises(SchemaError, match="but the new one"):
        lookup.replace(pd.DataFrame({"k": ["c"]}))
    with pytest.raises(SchemaError, match="the new table has other dtypes"):
        lookup.replace(pd.DataFrame({"k": ["c"], "x": ["much"], "v": [1]}))
    assert told(looked_up(join, "b", "c"), "x") == [None, 4]
    assert lookup.version == 2


def test_a_lookup_of_numbers_by_text_is_refused():
    join = LookupJoin(table=pd.DataFrame({"k": [1, 2], "x": [1, 2]}), keys=["k"])
    with pytest.raises(SchemaError, match="the key 'k' is str in the stream, but int64 in the table"):
        looked_up(join, "1")
    by_category = LookupJoin(table=TABLE.astype({"k": "category"}), keys=["k"])
    assert told(looked_up(by_category, "b", "z"), "x") == [2, None]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Lag(columns={}), "nothing to look back at"),
        (lambda: Lag(columns={"a": "v"}, n=0), "a lag is of at least one row, but n is 0"),
        (lambda: Lag(columns={"a": "v"}, ttl=-1), "the time-to-live must be at least zero, but is -1"),
        (lambda: Lag(columns={"a": "v"}, lateness=-1), "the lateness must be at least zero"),
        (lambda: Rolling(aggregates=[], rows=1), "nothing to aggregate"),
        (lambda: Rolling(aggregates=[TOTAL]), "a rolling frame without an end"),
        (lambda: Rolling(aggregates=[TOTAL], rows=0), "a frame has at least one row, but rows is 0"),
        (lambda: Rolling(aggregates=[TOTAL], within=0), "at least a nanosecond, but within is 0"),
        (lambda: Rolling(aggregates=[TOTAL], rows=2, min_periods=3), "no frame of 2 rows holds 3"),
        (lambda: Rolling(aggregates=[TOTAL], rows=2, min_periods=-1), "min_periods must be at least zero"),
        (lambda: Rolling(aggregates=[TOTAL], rows=2, closed="up"), "no such closed: 'up'"),
        (lambda: Keyed(on_row=print, ttl=0), "at least a nanosecond, but ttl is 0"),
        (lambda: Keyed(on_row=print, on_expire=print), "on_expire without a time-to-live"),
        (lambda: LookupJoin(table=TABLE), "a lookup without keys"),
        (lambda: LookupJoin(table=TABLE, keys=["k"], how="right"), "no such how: 'right'"),
        (lambda: LookupJoin(table=TABLE, keys=["q"]), r"no such column: 'q' \(for the keys of a table\)"),
        (lambda: LookupJoin(table=pd.concat([TABLE] * 2), keys=["k"]), "more than one row of the key"),
        (lambda: LookupJoin(table=Lookup(TABLE, ["k"]), keys=["x"]), "the lookup is by"),
    ],
)
def test_what_makes_no_sense_is_refused(make, text):
    with pytest.raises(DescriptionError, match=text):
        make()


@pytest.mark.parametrize(
    ("operator", "error", "text"),
    [
        (Lag(columns={"v": "k"}), DescriptionError, "the rows have a column 'v' already"),
        (Lag(columns={"a": "b"}), SchemaError, "no such column: 'b'"),
        (Lag(columns={"a": "v"}, keys=["q"]), SchemaError, "no such column: 'q'"),
        (Rolling(aggregates=[Aggregate("k", "v", "sum")], rows=2), DescriptionError, "a column 'k' already"),
        (Rolling(aggregates=[Aggregate("a", "k", "sum")], rows=1), SchemaError, "the sum of a column of str"),
        (LookupJoin(table=TABLE.rename(columns={"k": "q"}), keys=["q"]), SchemaError, "no such column: 'q'"),
        (LookupJoin(table=TABLE, keys=["k"], suffixes=("", "")), DescriptionError, "both sides have columns"),
    ],
)
def test_columns_that_do_not_fit_are_named(operator, error, text):
    feed = Feed(operator)
    with pytest.raises(error, match=text):
        feed.rows((0, "a", 1))
        feed.end()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Lag(columns={"a": "v"}), Lag(columns={"a": "v"}, n=2)),
        (Rolling(aggregates=[TOTAL], rows=2), Rolling(aggregates=[TOTAL], within=2)),
        (Keyed(on_row=print), Keyed(on_row=print, ttl=1)),
        (LookupJoin(table=TABLE, keys=["k"]), LookupJoin(table=TABLE, keys=["k"], how="inner")),
    ],
)
def test_a_snapshot_of_another_operator_is_refused(one, other):
    with pytest.raises(SnapshotError, match="the snapshot is of another operator"):
        one.restore(other.snapshot())
    one.restore(one.snapshot())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Lag(columns={"a": "v"}),
        lambda: Rolling(aggregates=[TOTAL], rows=2),
        lambda: Keyed(on_row=print),
        lambda: LookupJoin(table=TABLE, keys=["k"]),
    ],
)
def test_a_stream_that_sends_nothing_has_no_columns(make):
    out = make().process(pd.DataFrame(), Progress(0).end())
    assert (len(out.frame), make().size) == (0, 0)
