import numpy as np
import pandas as pd
import pytest

from workbench.errors import DescriptionError, SchemaError
from workbench.time import NO_WATERMARK, duration, from_nanos, signed_duration, spell, to_nanos


@pytest.mark.parametrize(
    ("value", "nanos"),
    [("10s", 10_000_000_000), ("1min", 60_000_000_000), (2, 2_000_000_000), (0.25, 250_000_000), (0, 0)],
)
def test_durations(value, nanos):
    assert duration(value) == nanos


@pytest.mark.parametrize("value", ["soon", "-1s", None, object(), float("nan")])
def test_a_wrong_duration_is_refused(value):
    with pytest.raises(DescriptionError, match="lateness"):
        duration(value, what="lateness")


def test_the_error_of_a_duration_teaches():
    with pytest.raises(DescriptionError) as caught:
        duration("soon", what="size of a window")
    assert str(caught.value).startswith("not a duration: 'soon'\nDetail: the size of a window must be")
    assert "Hint: write it as in '10s'" in str(caught.value)


def test_an_offset_may_be_negative():
    assert signed_duration("-90s") == -90_000_000_000


def test_spell_is_read_back():
    for nanos in (1, 999, 1_000, 61_000_000_001, 86_400_000_000_000):
        assert duration(spell(nanos)) == nanos


@pytest.mark.parametrize("dtype", ["datetime64[s]", "datetime64[us]", "datetime64[ns]"])
@pytest.mark.parametrize("zone", [None, "Europe/Paris"])
def test_times_come_back_in_unit_and_zone(dtype, zone):
    times = pd.Series(pd.to_datetime(["1969-12-31 23:59:59", "2026-03-29 01:30:00"])).astype(dtype)
    if zone:
        times = times.dt.tz_localize("UTC").dt.tz_convert(zone)
    nanos = to_nanos(times)
    assert nanos[0] == -1_000_000_000
    pd.testing.assert_series_equal(from_nanos(nanos, times.dtype), times)


def test_no_time_is_no_watermark():
    assert to_nanos(pd.Series([pd.NaT], dtype="datetime64[us]")).tolist() == [NO_WATERMARK]


def test_numbers_are_not_times():
    with pytest.raises(SchemaError, match="int64, not a datetime"):
        to_nanos(pd.Series(np.arange(3), name="t"))
