"""What is reckoned from the notes of a server and a page; the measurement itself is for `python -m`."""

import numpy as np
import pytest

from benchmarks.latency import quantile, reached, reckoned


def test_a_row_is_reached_when_the_sum_is():
    log = [(10.0, 3), (20.0, 5), (30.0, 5)]
    assert reached(np.array([1, 3, 4, 5]), log).tolist() == [10, 10, 20, 20]
    assert np.isnan(reached(np.array([6]), log)).all()


def test_quantiles_are_by_rows():
    values, rows = np.array([5.0, 1.0, 9.0]), np.array([98, 1, 1])
    assert [quantile(values, rows, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1, 5, 5, 9]


def test_latency_is_from_handing_over_to_pane_and_page():
    told = {
        "batches": [[0.0, 10, 100.0, 0.0], [100.0, 10, 100.0, 0.0], [200.0, 10, 100.0, 0.0]],
        "panes": [[4.0, 10], [107.0, 20], [209.0, 30]],
        "windows": [[0.0, 6], [1.0, 24]],
    }
    log = [[50.0, 4], [160.0, 14], [280.0, 24]]  # of the window from 1.0 on: the first 6 rows are gone
    found = reckoned(told, 1.0, log, 100.0, 300.0)
    assert found["pane p50"] == 7 and found["pane p99"] == 9
    assert found["page p50"] == 60 and found["page p99"] == 80
    assert found["rows"] == pytest.approx(100)
    assert found["arrival p50"] == pytest.approx(120, abs=12)


def test_a_row_that_never_comes_fails():
    told = {"batches": [[0.0, 10, 0.0, 0.0]], "panes": [[4.0, 10]], "windows": [[0.0, 10]]}
    assert np.isnan(reckoned(told, 0.0, [[50.0, 9]], 0.0, 1.0)["page p99"])
