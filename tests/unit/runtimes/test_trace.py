"""What a run has put out: bounded, and told to each reader once."""

import pandas as pd
import pytest

from workbench.runtimes.trace import Rate, Record


def frames(count, rows):
    return [pd.DataFrame({"v": range(i * rows, (i + 1) * rows)}) for i in range(count)]


@pytest.mark.parametrize(("count", "rows"), [(500, 1), (500, 7), (3, 1_000), (200, 60)])
def test_readers_get_every_row_once_however_late_they_ask(count, rows):
    record = Record(keep=10_000)
    often, seldom, seen = [], [], [0, 0]
    for number, frame in enumerate(frames(count, rows)):
        record.append(frame)
        often += record.since(seen[0])
        seen[0] = record.total
        if number % 97 == 0:
            seldom += record.since(seen[1])
            seen[1] = record.total
    seldom += record.since(seen[1])
    for told in (often, seldom):
        assert pd.concat(told).v.tolist()[-10_000:] == list(range(count * rows))[-10_000:]
    assert record.since(record.total) == []


def test_it_keeps_about_as_much_as_it_is_told_in_few_frames():
    record = Record(keep=1_000)
    for frame in frames(5_000, 6):
        record.append(frame)
    assert record.total == 30_000
    assert 1_000 <= len(record.frame()) < 2_000
    assert record.frame().v.tolist()[-1] == 29_999
    assert len(record._frames) <= 2 * Record._LOOSE
    record.append(frames(1, 0)[0])
    assert record.total == 30_000


def test_large_frames_are_not_hoarded():
    record = Record(keep=1_000)
    for frame in frames(50, 900):
        record.append(frame)
    assert len(record.frame()) < 2_000


def test_nothing_recorded_is_nothing():
    assert Record(10).frame().empty
    assert Record(10).since(0) == []


def test_a_rate_is_of_the_last_seconds_and_fades_when_nothing_comes():
    rate, second = Rate(5.0), 1_000_000_000
    assert rate.value(0) == 0
    for moment in range(11):
        rate.mark(moment * second, 100 * moment)
    assert rate.value(10 * second) == 100
    assert 0 < rate.value(14 * second) < 100
    assert rate.value(100 * second) == 0
