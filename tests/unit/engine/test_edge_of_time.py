"""Windows whose bounds are beyond the years of nanoseconds, 1677 to 2262: no row is lost or misplaced."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.engine.shapes import shape_of
from workbench.model.windows import Calendar, Cumulating, Session, Sliding, Tumbling
from workbench.time import END_OF_TIME, FIRST, LAST, NO_WATERMARK

WINDOWS = [
    Tumbling("1min"), Tumbling("365D"), Tumbling("100000D"), Sliding("10min", "4min"), Cumulating("1D", "1h"),
    Calendar("month"), Calendar("year", 400), Calendar("day", tz="Asia/Tokyo"), Session("1min"),
    Session("365D"),
]  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS, ids=repr)
def test_a_row_that_means_never_waits_for_the_end(window):
    """Tables say "until further notice" with the last moment that there is."""
    times = pd.to_datetime([1, 2, 3], unit="s").append(pd.DatetimeIndex([pd.Timestamp.max]))
    rows = pd.DataFrame({"t": times, "v": [1, 2, 3, 4]})
    panes = wb.stream(rows, time="t", watermark="1D").window(window).agg(v=("v", "max"), n=("v", "size"))
    found = panes.to_pandas()
    last = found[found["v"] == 4]
    assert len(last)
    assert last["window_end"].isna().all()
    assert (last["timing"] == "on_time").all()
    others = found[found["v"] < 4]
    assert not (others["window_start"] >= others["window_end"]).any()  # one of 400 years has no end
    assert panes.late.to_pandas().empty


@pytest.mark.parametrize("window", [each for each in WINDOWS if not isinstance(each, Session)], ids=repr)
@pytest.mark.parametrize("time", [FIRST, LAST, FIRST + 10**15, LAST - 10**15])
def test_a_window_holds_its_rows(window, time):
    shape = shape_of(window)
    first, last = shape.windows_of(shape.slice_of(np.array([time])))
    windows = np.arange(first[0], last[0] + 1)
    starts, ends = shape.start(windows), shape.end(windows)
    near = 2 * 86_400 * 10**9  # a calendar day that close to the end of time has no start that can be said
    at_the_end = isinstance(window, Calendar) and time > LAST - near
    assert (starts <= time).all() or at_the_end
    assert (ends > time).all()
    assert set(starts[starts > time].tolist()) <= {END_OF_TIME}
    assert NO_WATERMARK not in ends


@pytest.mark.parametrize(
    ("zone", "skipped"), [("Pacific/Apia", "2011-12-30"), ("Pacific/Kwajalein", "1993-08-21")]
)
def test_a_day_that_a_zone_skips_has_no_window(zone, skipped):
    at = pd.Timestamp(skipped).tz_localize("UTC") + pd.to_timedelta(np.arange(-40, 64, 4), unit="h")
    rows = wb.stream(pd.DataFrame({"t": at, "v": 1}), time="t", watermark=0)
    panes = rows.window(wb.Calendar("day", tz=zone)).agg(n=("v", "size")).to_pandas()
    assert (panes["window_start"][1:].to_numpy() == panes["window_end"][:-1].to_numpy()).all()
    days = panes["window_start"].dt.tz_convert(zone).dt.strftime("%F").tolist()
    assert skipped not in days
    whole = panes[1:-1]
    assert ((whole["window_end"] - whole["window_start"]) == pd.Timedelta("24h")).all()
    assert panes["n"].sum() == len(at)
