"""What Prometheus is told, read back by its own parser and compared with the run."""

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

import workbench as wb
from workbench.ops.metrics import CONTENT_TYPE, Exposition, Pipelines, Timing

NAME = 'a "shop"\\with\nlines {x="1"}'
"""A name with all that the text would have to be careful about."""


def samples(text):
    """The samples by name and labels; the parser raises if the text is not as it should be."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def run():
    frame = pd.DataFrame({"t": pd.to_datetime([1, 70, 130, 2, None], unit="s"), "v": 1})
    panes = wb.stream(frame, time="t", watermark="5s").window("1min").agg(n=("v", "size"))
    run = panes.start(speed="max", batch_rows=1, paused=True)
    for _ in range(200):
        if run.metrics().rows == 5:
            break
        run.step()
    yield run
    run.stop()


def told(runs, sessions=None, pushes=None):
    pipelines = Pipelines(lambda: runs, lambda: sessions or {}, lambda: pushes or {})
    return Exposition(pipelines).text().decode()


def test_numbers_are_those_of_the_run(run):
    found, labels = samples(told({"shop": run})), (("pipeline", "shop"),)
    metrics = run.metrics()
    assert (metrics.rows, metrics.late, metrics.rejected) == (5, 1, 1)
    assert found["workbench_rows_total", labels] == 5
    assert found["workbench_late_rows_total", labels] == 1
    assert found["workbench_rejected_rows_total", labels] == 1
    assert found["workbench_watermark_seconds", labels] == 125  # 130 s less a bound of 5 s
    assert found["workbench_lag_seconds", labels] == pytest.approx(
        found["workbench_processing_time_seconds", labels] - 125
    )
    assert found["workbench_state_entries", labels] == metrics.state > 0
    assert found["workbench_rows_per_second", labels] == metrics.rows_per_second
    assert found["workbench_run_status", (("pipeline", "shop"), ("status", "paused"))] == 1
    assert found["workbench_run_status", (("pipeline", "shop"), ("status", "running"))] == 0


def test_names_with_quotes_and_lines_come_back_as_they_are(run):
    assert ("workbench_rows_total", (("pipeline", NAME),)) in samples(told({NAME: run}))


def test_sessions_and_pushes():
    timing = Timing()
    for seconds in (0.25, 0.5):
        timing.add(seconds)
    found = samples(told({}, {"/": 2, "/trading": 0}, {"shop": timing}))
    assert found["workbench_sessions", (("page", "/"),)] == 2
    assert found["workbench_sessions", (("page", "/trading"),)] == 0
    assert found["workbench_push_seconds_count", (("pipeline", "shop"),)] == 2
    assert found["workbench_push_seconds_sum", (("pipeline", "shop"),)] == 0.75


def test_what_is_not_known_is_left_out():
    frame = pd.DataFrame({"t": pd.to_datetime([1], unit="s")})
    run = wb.stream(frame, time="t", watermark=0).start(speed="max").wait(20)
    found = samples(told({"over": run, "later": None}))
    assert ("workbench_watermark_seconds", (("pipeline", "over"),)) not in found
    assert found["workbench_rows_total", (("pipeline", "over"),)] == 1
    assert not any(("pipeline", "later") in labels for _, labels in found)


def test_it_is_the_text_format():
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
    assert told({}).endswith("\n")
