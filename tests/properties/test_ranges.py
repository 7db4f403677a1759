"""What few rows are found and added by, and what many are by, is the same; and it is what a sort gives."""

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.engine import ranges, rolling
from workbench.engine.ranges import TimeIndex, in_order
from workbench.time import END_OF_TIME, NO_WATERMARK

KEYS, TIMES = st.integers(0, 4), st.integers(-6, 6)
BATCHES = st.lists(st.lists(st.tuples(KEYS, TIMES), max_size=6), max_size=6)
MOMENTS = st.one_of(TIMES, st.sampled_from([NO_WATERMARK, END_OF_TIME]))
SOUGHT = st.lists(st.tuples(KEYS, MOMENTS, MOMENTS), min_size=1, max_size=6)


@given(BATCHES, SOUGHT, st.sampled_from([0, 1, 10**9]))
def test_an_index_is_a_sorted_table(batches, sought, few):
    index, rows = TimeIndex(), []
    with mock.patch.object(ranges, "FEW", few):
        for batch in batches:
            slots = np.arange(len(rows), len(rows) + len(batch))
            rows += batch
            keys, times = np.array(batch, dtype=np.int64).reshape(-1, 2).T
            order = in_order(keys, times)
            at = index.add(keys[order], times[order], slots[order])
            assert index.slots[at].tolist() == slots[order].tolist()
        ordered = sorted(range(len(rows)), key=lambda row: rows[row])
        assert index.slots.tolist() == ordered
        keys, low, high = np.array(sought, dtype=np.int64).T
        first, beyond = index.find(keys, low, high)
    for key, least, most, begin, end in zip(
        *map(np.ndarray.tolist, (keys, low, high, first, beyond)), strict=True
    ):
        found = [row for row in ordered if rows[row][0] == key and least <= rows[row][1] <= most]
        assert ordered[begin:end] == found


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), min_size=1, max_size=6))
def test_frames_are_taken_out_of_few_rows_as_of_many(frames):
    starts, ends = np.array(frames, dtype=np.int64).T
    rows, begins, stops = rolling._framing(starts, ends, 31)
    with mock.patch.object(rolling, "FEW", 0):
        fewer = rolling._framing(starts, ends, 31)
    for start, end, *at in zip(starts, ends, begins, stops, fewer[1], fewer[2], strict=True):
        wanted = list(range(start, end))
        assert rows[at[0] : at[1]].tolist() == fewer[0][at[2] : at[3]].tolist() == wanted
