"""Watermark policies: what they say of themselves, and what is refused."""

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import DescriptionError, SchemaError
from workbench.model.watermarks import as_watermark

FRAME = pd.DataFrame(
    {
        "t": pd.to_datetime(["2026-01-05 09:00"]),
        "mark": pd.to_datetime([None]),
        "came": pd.to_datetime(["2026-01-05 09:01"]),
        "sensor": ["a"],
    }
)


def described(policy, **options):
    return wb.stream(FRAME, time="t", watermark=policy, **options)


def test_policies_say_how_they_were_made():
    for policy in (
        wb.BoundedOutOfOrderness("10s"),
        wb.BoundedOutOfOrderness(
            "1min 30s", by="sensor", idle="30s", max_ahead="1h", advance_with_clock=True
        ),
        wb.Ascending(),
        wb.Ascending(by=["site", "sensor"]),
        wb.Punctuated("mark", idle="5min"),
    ):
        assert eval(repr(policy), vars(wb)) == policy
        assert as_watermark(policy) is policy
        assert hash(policy) == hash(eval(repr(policy), vars(wb)))


def test_ascending_is_no_bound_by_another_name():
    assert wb.Ascending().bound == 0
    assert wb.Ascending() != wb.BoundedOutOfOrderness("0s")


def test_the_description_tells_the_policy():
    text = described(wb.BoundedOutOfOrderness("10s", by="sensor", idle="30s")).explain()
    assert "event time t, BoundedOutOfOrderness('10s', by='sensor', idle='30s')" in text


@pytest.mark.parametrize(
    ("make", "what", "detail", "hint"),
    [
        (
            lambda: wb.BoundedOutOfOrderness("-1s"),
            "the bound of disorder must be at least zero, but is '-1s'",
            "",
            "write it as in '10s'",
        ),
        (
            lambda: wb.Ascending(idle="0s"),
            "the idleness must be more than zero, but is '0s'",
            "",
            "write it as in '10s'",
        ),
        (
            lambda: wb.Ascending(max_ahead="soon"),
            "not a duration: 'soon'",
            "the greatest lead over arrival must be a length of time",
            "write it as in '10s'",
        ),
        (
            lambda: wb.Ascending(by=["a", "a"]),
            "the partitions of a watermark cannot be by ['a', 'a']",
            "one or several different columns",
            "by=['site', 'sensor']",
        ),
        (
            lambda: wb.Ascending(by=7),
            "the partitions of a watermark cannot be by 7",
            "one or several different columns",
            "by='sensor'",
        ),
        (
            lambda: wb.Ascending(advance_with_clock="1s"),
            "advance_with_clock cannot be '1s'",
            "moves on with processing time, or it does not",
            "advance_with_clock=True",
        ),
        (
            lambda: wb.Punctuated(["mark"]),
            "the column of the marks cannot be ['mark']",
            "read from one column",
            "wb.Punctuated('mark')",
        ),
        (
            lambda: described(wb.Ascending),
            "the class Ascending was given for a watermark",
            "made from it, with its arguments",
            "write watermark=wb.Ascending(...)",
        ),
        (
            lambda: described(wb.Ascending(max_ahead="1h")),
            "nobody knows when the rows of frame arrived",
            "max_ahead rejects a row that is too far ahead of its arrival",
            "wb.stream(frame, arrival='arrival_time', ...)",
        ),
    ],
)
def test_bad_descriptions_are_refused(make, what, detail, hint):
    with pytest.raises(DescriptionError) as caught:
        make()
    assert caught.value.what == what
    assert detail in caught.value.detail
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        (wb.Ascending(by="sensr"), "no such column: 'sensr' (for the partitions of the watermark)"),
        (wb.Punctuated("marks"), "no such column: 'marks' (for the marks of the watermark)"),
        (wb.Punctuated("sensor"), "the column of marks 'sensor' is str, not a datetime"),
    ],
)
def test_columns_that_are_not_there_or_no_datetimes_are_refused(policy, what):
    with pytest.raises(SchemaError) as caught:
        described(policy)
    assert caught.value.what == what
    assert caught.value.hint


def test_a_frame_with_a_column_of_arrivals_takes_max_ahead():
    assert described(wb.Ascending(max_ahead="1h"), arrival="came").name == "watermark"
