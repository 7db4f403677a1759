"""The oracle against answers worked out by hand."""

import pandas as pd
import pytest

from workbench.engine.windowed import window_operator
from workbench.model.aggregates import FUNCTIONS, Aggregate
from workbench.model.windows import Session, Sliding, Tumbling
from workbench.testing.answers import run_oracle
from workbench.testing.batch import pandas_answer
from workbench.testing.compare import final_panes, late_rows, pane_differences
from workbench.testing.replay import replay
from workbench.time import SECOND

ROWS = (Aggregate("rows", "v", "size"),)


def table(*moments, **columns):
    times = pd.Series(pd.to_datetime(list(moments), unit="s")).astype("datetime64[ns]")
    return pd.DataFrame({"t": times, **(columns or {"v": 1})})


def told(panes, *columns):
    """Give panes as (start, end, columns ...), in seconds."""
    bounds = (panes[name].dt.as_unit("s").astype("int64") for name in ("window_start", "window_end"))
    return list(zip(*bounds, *(panes[name] for name in columns), strict=True))


@pytest.fixture
def ten_rows():
    """One-minute windows by country, bound 10 s, lateness 30 s, as five engines were asked."""
    return table(
        *(5, 20, 50, 61, 58, 75, 55, 105, 59, 200),
        country=["FR", "US", "FR", "US", "FR", "US", "FR", "US", "FR", "US"],
        amount=[10, 5, 7, 3, 2, 4, 100, 1, 1000, 1],
    )


QUESTION = {
    "keys": ("country",),
    "window": Tumbling("1min"),
    "lateness": 30 * SECOND,
    "aggregates": (Aggregate("total", "amount", "sum"),),
}


def test_ten_rows_by_the_book(ten_rows):
    answer = run_oracle(ten_rows, time="t", bound=10 * SECOND, **QUESTION)
    assert told(answer.panes, "country", "total", "timing", "revision") == [
        (0, 60, "FR", 19, "on_time", 0),
        (0, 60, "US", 5, "on_time", 0),
        (0, 60, "FR", 119, "late", 1),
        (60, 120, "US", 8, "on_time", 0),
        (180, 240, "US", 1, "on_time", 0),
    ]
    assert answer.superseded == (True, False, False, False, False)
    assert answer.late["amount"].tolist() == [1000]
    assert late_rows(answer.late) == {9: (5 * SECOND, 95 * SECOND)}
    assert (answer.dropped, len(answer.rejected)) == (1, 0)


@pytest.mark.parametrize("cuts", [(), range(10), (3, 4, 5, 6, 7, 8, 9), (7,)], ids=str)
def test_ten_rows_by_the_engine(ten_rows, cuts):
    def make():
        return window_operator(**QUESTION)

    answer = run_oracle(ten_rows, time="t", bound=10 * SECOND, **QUESTION)
    stream = replay(make, ten_rows, time="t", bound=10 * SECOND, cuts=cuts)
    assert not pane_differences(final_panes(stream.panes, ["country"]), answer.final, ["country"], ignore=())
    assert late_rows(stream.late) == late_rows(answer.late)


def test_a_sliding_row_may_be_late_for_one_window_and_in_time_for_another():
    answer = run_oracle(table(12, 7), time="t", window=Sliding("10s", "5s"), aggregates=ROWS, bound=0)
    assert told(answer.final, "rows") == [(5, 15, 2), (10, 20, 1)]
    assert (answer.dropped, len(answer.late)) == (1, 0)


def test_rows_between_windows_and_without_time_are_rejected():
    answer = run_oracle(table(3, None, 7), time="t", window=Sliding("4s", "6s"), aggregates=ROWS, bound=0)
    assert answer.rejected["reason"].to_dict() == {2: "null event time"}
    answer = run_oracle(table(3, 5), time="t", window=Sliding("4s", "6s"), aggregates=ROWS, bound=0)
    assert answer.rejected["reason"].to_dict() == {2: "between windows"}


def test_a_first_row_within_the_lateness_gives_a_late_pane():
    answer = run_oracle(
        table(12, 3),
        time="t",
        window=Tumbling("10s"),
        lateness=5 * SECOND,
        aggregates=ROWS,
        bound=0,
    )
    assert told(answer.final, "rows", "timing", "revision") == [
        (0, 10, 1, "late", 0),
        (10, 20, 1, "on_time", 0),
    ]


@pytest.mark.parametrize(("touching", "spans"), [(True, [(0, 20, 2)]), (False, [(0, 10, 1), (10, 20, 1)])])
def test_rows_exactly_a_gap_apart(touching, spans):
    window = Session("10s", merge_touching=touching)
    asked = {"time": "t", "window": window, "aggregates": ROWS}
    for bound in (0, 3600 * SECOND):
        assert told(run_oracle(table(0, 10), bound=bound, **asked).final, "rows") == spans
    assert told(pandas_answer(table(0, 10), **asked), "rows") == spans


def test_a_late_row_bridges_two_fired_sessions():
    answer = run_oracle(
        table(0, 8, 20, 4),
        time="t",
        window=Session("5s"),
        lateness=60 * SECOND,
        aggregates=ROWS,
        bound=0,
    )
    assert told(answer.panes, "rows", "timing", "revision") == [
        (0, 5, 1, "on_time", 0),
        (8, 13, 1, "on_time", 0),
        (0, 13, 3, "late", 1),
        (20, 25, 1, "on_time", 0),
    ]
    assert answer.superseded == (True, True, False, False)
    assert told(answer.final, "rows") == [(0, 13, 3), (20, 25, 1)]


def test_a_fired_session_that_grows_beyond_the_watermark_opens_again():
    answer = run_oracle(
        table(0, 6, 4),
        time="t",
        window=Session("5s"),
        lateness=60 * SECOND,
        aggregates=ROWS,
        bound=0,
    )
    assert told(answer.panes, "rows", "timing", "revision") == [
        (0, 5, 1, "on_time", 0),
        (0, 11, 3, "on_time", 1),
    ]


def test_an_expired_session_may_lie_within_a_later_one_that_never_held_its_rows():
    rows = table(5, 15, 14, 4, k=["a", "b", "a", "a"], v=1)
    answer = run_oracle(rows, time="t", keys=["k"], window=Session("10s"), aggregates=ROWS, bound=0)
    assert told(answer.panes, "k", "rows") == [(5, 15, "a", 1), (4, 24, "a", 2), (15, 25, "b", 1)]
    assert answer.superseded == (False, False, False)
    assert told(answer.final, "k", "rows") == [(4, 24, "a", 2), (15, 25, "b", 1)]


AGGREGATED = {
    "size": 5,
    "count": 4,
    "sum": 10.0,
    "mean": 2.5,
    "min": 1.0,
    "max": 4.0,
    "var": 5 / 3,
    "std": (5 / 3) ** 0.5,
    "first": 4.0,  # of the two at second 1, the one that came first
    "last": 2.0,  # of the two at second 3, the one that came last
    "nunique": 4,
    "any": True,
    "all": True,
    "median": 2.5,
    "quantile": 3.7,
    "mode": 1.0,  # all are equally common, and this is the least
    "collect": [4.0, 3.0, 1.0, 2.0],
    "prod": 24.0,
    "sem": (5 / 12) ** 0.5,
    "skew": 0.0,
    "kurt": -1.2,
    "weighted_mean": 26 / 15,  # of values 1, 2, 3, 4 with weights 8, 4, 2, 1
    "corr": -23 / (5 * 115) ** 0.5,
    "cov": -11.5 / 3,
    "approx_quantile": 4.0,
    "approx_nunique": 4,
    "heavy_hitters": [(1.0, 1), (2.0, 1)],
}
ARGUMENTS = {"quantile": 0.9, "approx_quantile": 0.9, "heavy_hitters": 2}
INSTALLED = [name for name, known in FUNCTIONS.items() if known.installed]


def asked_for(function):
    column = ("v", "w") if FUNCTIONS[function].columns == 2 else "v"
    return (Aggregate("value", column, function, ARGUMENTS.get(function)),)


@pytest.mark.parametrize("function", INSTALLED)
def test_aggregates(function):
    rows = table(3, 1, 1, 0, 3, v=[1.0, 4.0, 3.0, None, 2.0], w=[8, 1, 2, 7, 4])
    asked = {
        "time": "t",
        "window": Tumbling("10s"),
        "aggregates": asked_for(function),
    }
    for panes in (run_oracle(rows, bound=0, **asked).final, pandas_answer(rows, **asked)):
        (value,) = panes["value"]
        wanted = AGGREGATED[function]
        assert value == (wanted if isinstance(wanted, list) else pytest.approx(wanted))


@pytest.mark.parametrize("function", INSTALLED)
def test_aggregates_of_nothing(function):
    rows = table(3, v=pd.Series([None], dtype="float64"), w=1)
    value = run_oracle(
        rows,
        time="t",
        window=Tumbling("10s"),
        aggregates=asked_for(function),
        bound=0,
    ).final["value"]
    nothing = {"size": 1, "count": 0, "sum": 0, "nunique": 0, "any": False, "all": True, "collect": []}
    nothing |= {"prod": 1, "approx_nunique": 0, "heavy_hitters": []}
    if function in nothing:
        assert value.tolist() == [nothing[function]]
    else:
        assert value.isna().all()


def test_the_variance_of_values_far_from_zero():
    rows = table(1, 2, 3, v=[1e9 + 4, 1e9 + 7, 1e9 + 13])
    asked = {"window": Tumbling("10s"), "aggregates": (Aggregate("var", "v", "var"),)}
    assert run_oracle(rows, time="t", bound=0, **asked).final["var"].tolist() == [21.0]
    stream = replay(lambda: window_operator(**asked), rows, time="t", bound=0, cuts=(1, 2))
    assert stream.panes["var"].tolist() == pytest.approx([21.0])


def test_null_keys_are_a_key_of_their_own():
    rows = table(1, 2, 3, k=["a", None, None], v=1)
    answer = run_oracle(rows, time="t", keys=["k"], window=Tumbling("10s"), aggregates=ROWS, bound=0)
    assert answer.final["rows"].tolist() == [1, 2]
    assert answer.final["k"].isna().tolist() == [False, True]


def test_differences_are_named():
    answer = run_oracle(table(1, 11), time="t", window=Tumbling("10s"), aggregates=ROWS, bound=0)
    changed = answer.final.assign(rows=[1, 7])
    assert pane_differences(changed, answer.final) == [
        "pane (10000000000, 20000000000): rows is 7, but should be 1"
    ]
    assert pane_differences(answer.final[:1], answer.final)[0].startswith("missing pane (10000")
    assert pane_differences(answer.final, answer.final[:1])[0].startswith("pane too many (10000")
