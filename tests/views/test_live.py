"""Tables in the browser are brought up to date with the least that does it."""

import gc
import json
import weakref

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource
from hypothesis import given
from hypothesis import strategies as st

from workbench.views.bands import band_plots
from workbench.views.candles import candle_plot
from workbench.views.charts import bar_plot, line_plot, stacked_plot
from workbench.views.live import LivePlot, Tables, milliseconds, sync, words


def table(keys, values=None):
    keys = np.array(keys, dtype=float)
    return {"key": keys, "y": np.array(keys * 10 if values is None else values, dtype=float)}


class Wire:
    """A source that notes what is sent."""

    def __init__(self, columns):
        self.source = ColumnDataSource({name: np.array(column) for name, column in columns.items()})
        self.sent = []

    @property
    def data(self):
        return self.source.data

    @data.setter
    def data(self, columns):
        self.sent.append(("replace", len(columns["key"])))
        self.source.data = columns

    def stream(self, columns, rollover):
        self.sent.append(("stream", len(columns["key"])))
        self.source.stream(columns, rollover=rollover)

    def patch(self, patches):
        self.sent.append(("patch", patches))
        self.source.patch(patches)

    def holds(self, columns):
        return all(
            np.array_equal(self.data[name], column, equal_nan=True) for name, column in columns.items()
        )


@pytest.mark.parametrize(
    ("held", "wanted", "change"),
    [
        (table([1, 2, 3]), table([1, 2, 3]), "same"),
        (table([1, 2, 3]), table([1, 2, 3], [10, 20, 99]), "patched"),
        (table([1, 2, 3]), table([1, 2, 3, 4]), "streamed"),
        (table([1, 2, 3]), table([2, 3, 4]), "streamed"),
        (table([1, 2, 3]), table([3, 4, 5], [33, 40, 50]), "streamed"),
        (table([1, 2, 3]), table([7, 8]), "replaced"),
        (table([1, 2, 3]), table([1, 3]), "replaced"),  # a row vanished in the middle
        (table([1, 3]), table([1, 2, 3]), "replaced"),  # a row came in the middle
        (table([1, 2, 3]), table([2, 3]), "replaced"),  # rows only fell off
        (table([1, 2, 3]), table([]), "replaced"),
        (table([]), table([1]), "replaced"),
        (table([]), table([]), "same"),
        (table([1, 2], [np.nan, 5]), table([1, 2], [np.nan, 5]), "same"),
        (table([1, 2], [np.nan, 5]), table([1, 2], [7, np.nan]), "patched"),
    ],
)  # fmt: skip
def test_the_least_change(held, wanted, change):
    wire = Wire(held)
    assert sync(wire, wanted) == change
    assert wire.holds(wanted)


def test_only_what_is_new_is_sent():
    wire = Wire(table(range(100)))
    sync(wire, table(range(2, 102)))
    assert wire.sent == [("stream", 2)]


def test_changed_cells_go_one_by_one_and_a_changed_column_as_a_whole():
    wire = Wire(table(range(100)))
    one = table(range(100))
    one["y"][42] = -1
    sync(wire, one)
    assert wire.sent[0] == ("patch", {"y": [(42, -1.0)]})
    all_of_them = table(range(100), np.ones(100))
    sync(wire, all_of_them)
    kind, patches = wire.sent[-1]
    assert kind == "patch"
    assert patches["y"][0][0] == slice(0, 100)
    assert wire.holds(all_of_them)


def test_what_was_given_is_not_changed_by_later_updates():
    given_first = table([1, 2, 3])
    source = ColumnDataSource({"key": np.zeros(0), "y": np.zeros(0)})
    sync(source, given_first)
    sync(source, table([1, 2, 3], [7, 7, 7]))
    assert given_first["y"].tolist() == [10, 20, 30]


def test_words_may_grow():
    source = ColumnDataSource({"key": np.array([1.0]), "text": words(["a"])})
    sync(source, {"key": np.array([1.0]), "text": words(["a much longer one"])})
    assert source.data["text"].tolist() == ["a much longer one"]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=12)
)
def test_any_sequence_of_tables_arrives(frames):
    source = ColumnDataSource({"key": np.zeros(0), "y": np.zeros(0)})
    for first, count, value in frames:
        wanted = table(range(first, first + count), np.full(count, value))
        sync(source, wanted)
        assert source.data["key"].tolist() == wanted["key"].tolist()
        assert source.data["y"].tolist() == wanted["y"].tolist()


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=12)
)
def test_what_a_browser_makes_of_the_steps_is_what_is_shown(frames):
    held, shown = None, {}
    for first, count, value in frames:
        columns = {"main": table(range(first, first + count), np.full(count, value if value else np.nan))}
        tables = Tables(columns)
        for name, step in json.loads(tables.since(held)).items():
            shown[name] = stepped(shown.get(name), step)
        held = tables
        assert shown == {
            "main": {
                name: [None if value != value else value for value in column.tolist()]
                for name, column in columns["main"].items()
            }
        }


def stepped(held, step):
    """As `stepped` of ``wire.js`` does it."""
    if "all" in step:
        return step["all"]
    now = {name: column[step["drop"] :] for name, column in held.items()}
    for name, (rows, values) in step["cells"].items():
        for row, value in zip(rows, values, strict=True):
            now[name][row] = value
    return {name: column + step["fresh"].get(name, []) for name, column in now.items()}


def test_what_leads_on_is_worked_out_once_and_keeps_nothing_alive():
    one, other = Tables({"main": table([1, 2])}), Tables({"main": table([2, 3])})
    assert other.since(one) is other.since(one)
    assert other.since(None) is other.since(None)
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None


def update(plot, frame):
    plot.show(Tables(plot.shape(frame)))
    return plot.fill()


def panes(first, count, *, still_open=1, keys=("a", "b")):
    start = pd.Timestamp("2026-01-05 09:00") + pd.Timedelta("10s") * np.arange(first, first + count)
    frame = pd.DataFrame({"window_start": start.repeat(len(keys))})
    frame["window_end"] = frame["window_start"] + pd.Timedelta("10s")
    frame["key"] = list(keys) * count
    frame["n"] = np.arange(len(frame), dtype=float) + 100 * first
    last = frame["window_end"] > frame["window_end"].max() - pd.Timedelta("10s") * still_open
    return frame.assign(timing=np.where(last, "early", "on_time"))


def test_a_stack_streams_closed_windows_and_keeps_open_ones_apart():
    plot = stacked_plot(panes(0, 5), "n", "key", categories=["a", "b"])
    main, still_open = plot.sources["main"].data, plot.sources["open"].data
    assert len(main["key"]) == 4
    assert len(still_open["key"]) == 1
    assert (main["b1"] == main["t0"]).all()
    later = panes(0, 6)
    assert update(plot, later) == "replaced"  # the open table: another window
    assert len(plot.sources["main"].data["key"]) == 5


def test_lines_are_dashed_from_the_last_closed_value_on():
    plot = line_plot(panes(0, 4), "window_end", "n", "key")
    data = plot.sources["main"].data
    assert plot.categories == ("a", "b")
    assert np.isnan(data["c0"]).tolist() == [False, False, False, True]
    assert np.isnan(data["o0"]).tolist() == [True, True, False, False]
    assert update(plot, panes(1, 4)) == "streamed"


def test_bars_have_a_place_for_every_category():
    frame = pd.DataFrame({"key": ["b"], "n": [5.0]})
    plot = bar_plot(frame, "key", "n", categories=["a", "b", "c"])
    assert plot.sources["main"].data["value"].tolist() == [0, 5, 0]
    assert update(plot, frame.assign(n=6.0)) == "patched"
    assert update(plot, frame.assign(n=6.0)) == "same"


def test_candles_rise_hollow_and_fall_filled():
    frame = panes(0, 3, keys=("a",)).assign(open=[1, 2, 3], high=4, low=0, close=[2, 1, 3])
    data = candle_plot(frame).sources["main"].data
    assert np.isnan(data["down"]).tolist() == [True, False]
    assert np.isnan(data["up"]).tolist() == [False, True]


def test_bands_share_one_table():
    frame = panes(0, 3).assign(low=1.0, mean=2.0, high=3.0)
    plot, figures = band_plots(frame, "low", "mean", "high", "key", categories=["a", "b"])
    assert len(figures) == 2
    assert figures[0].x_range is figures[1].x_range
    assert {r.data_source for f in figures for r in f.renderers} == set(plot.sources.values())


@pytest.mark.parametrize("chart", ["line", "stack", "bar", "candle", "band"])
def test_a_chart_may_begin_empty(chart):
    empty = pd.DataFrame()
    made = {
        "line": lambda: line_plot(empty, "window_end", "n", "key", categories=["a", "b"]),
        "stack": lambda: stacked_plot(empty, "n", "key", categories=["a", "b"]),
        "bar": lambda: bar_plot(empty, "key", "n", categories=["a", "b"]),
        "candle": lambda: candle_plot(empty),
        "band": lambda: band_plots(empty, "n", "n", "n", "key", categories=["a", "b"])[0],
    }[chart]()
    assert isinstance(made, LivePlot)
    frame = panes(0, 3, keys=("a",)).assign(open=1.0, high=1.0, low=1.0, close=1.0)
    update(made, frame)
    assert all(len(set(map(len, source.data.values()))) == 1 for source in made.sources.values())
    assert sum(len(source.data["key"]) for source in made.sources.values()) > 0


def test_times_become_milliseconds():
    times = pd.Series(pd.to_datetime(["2026-01-05 09:00:00.25", None]).astype("datetime64[us]"))
    value = milliseconds(times)
    assert value[0] == pd.Timestamp("2026-01-05 09:00:00.25").timestamp() * 1000
    assert np.isnan(value[1])
