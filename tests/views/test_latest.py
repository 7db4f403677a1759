"""The latest pane of each closed window and key."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from workbench.runtimes.trace import Record
from workbench.views.latest import Latest

PANES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), min_size=1, max_size=4)


def test_latest_keeps_the_newest_revision_and_forgets_old_windows():
    class Record:
        total = 0
        frames = ()

        def since(self, total):
            return self.frames[total:]

    def pane(minute, revision):
        end = pd.Timestamp("2026-01-05") + pd.Timedelta(minutes=minute)
        return pd.DataFrame({"window_start": [end], "window_end": [end], "k": ["a"], "revision": [revision]})

    record, latest = Record(), Latest(["window_end", "k"], keep=3)
    for minute, revision in [(0, 0), (1, 0), (0, 1), (2, 0), (3, 0), (4, 0)]:
        record.frames = [*record.frames, pane(minute, revision)]
        record.total += 1
        frame = latest.refresh(record)
        if minute == 1:
            assert latest.refresh(record) is frame
        if (minute, revision) == (0, 1):
            assert frame["revision"].tolist() == [1, 0]
    assert len(frame) == 3


@given(st.lists(PANES, max_size=12))
def test_latest_is_the_last_pane_of_each_window_and_key(batches):
    record, latest = Record(keep=1_000), Latest(["window_end", "k"])
    for batch in batches:
        minutes, keys = zip(*batch, strict=True)
        ends = pd.Timestamp("2026-01-05") + pd.to_timedelta(minutes, unit="min")
        revision = range(record.total, record.total + len(batch))
        record.append(pd.DataFrame({"window_end": ends, "k": keys, "revision": revision}))
        latest.refresh(record)
    wanted = record.frame()
    wanted = wanted.drop_duplicates(["window_end", "k"], keep="last") if batches else wanted
    pd.testing.assert_frame_equal(
        latest.frame.sort_values([*latest.frame], ignore_index=True),
        wanted.sort_values([*wanted], ignore_index=True),
    )
    assert not batches or latest.frame["window_end"].is_monotonic_increasing


def test_latest_forgets_windows_of_long_ago_but_for_the_last_panes():
    ends = pd.date_range("2026-01-05", periods=3_000, freq="1s")
    panes = pd.DataFrame({"window_start": ends, "window_end": ends})
    record, latest = Record(keep=100_000), Latest(["window_end"])
    for frame in (panes, panes.assign(window_end=ends + pd.Timedelta("1h"))):
        record.append(frame)
        assert len(latest.refresh(record)) == record.total
    record.append(panes[-1:].assign(window_end=ends[-1] + pd.Timedelta("5h")))
    kept = latest.refresh(record)
    assert kept["window_end"].tolist() == record.frame()["window_end"].tolist()[-2_000:]
