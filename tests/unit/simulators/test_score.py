"""Scores of detectors, and the bounds that completeness asks for."""

import numpy as np
import pandas as pd
import pytest

from simulators import PRESETS, Delivery, Sensors, bounds, completeness, score

EVENTS = pd.DataFrame({"event_id": range(10)})
MOMENTS = pd.to_datetime([0, 10, 20, 30], unit="s")
TRUTH = pd.DataFrame({"event_id": [2, 3, 4, 7], "episode_id": [1, 1, 1, 2], "true_time": MOMENTS})


def scored(*ids: int, **more: object) -> pd.Series:
    return score(pd.DataFrame({"event_id": ids}), TRUTH, events=EVENTS, **more).loc["yours"]  # type: ignore[arg-type]


def test_figures_of_a_detector() -> None:
    told = scored(3, 4, 9, 3)
    assert told["alerts"] == 3, "what is alerted of twice counts once"
    assert told["precision"] == pytest.approx(2 / 3)
    assert told["recall"] == pytest.approx(2 / 4)
    assert told["f1"] == pytest.approx(4 / 7)
    assert told["episodes_found"] == 0.5
    assert told["delay"] == pd.Timedelta("10s"), "from the first event of the episode to the first alerted of"
    assert told["cost"] == 10 + 1


def test_what_it_costs_is_for_the_user_to_say() -> None:
    assert scored(9, miss=100, false_alarm=5)["cost"] == 205


def test_the_delay_may_be_told_by_the_alert() -> None:
    alerts = pd.DataFrame({"event_id": [4], "alert_time": pd.to_datetime([50], unit="s")})
    assert score(alerts, TRUTH, events=10).loc["yours", "delay"] == pd.Timedelta("50s")


def test_detectors_beside_it() -> None:
    table = score(pd.DataFrame({"event_id": [1, 2]}), TRUTH, events=EVENTS)
    assert table.index.tolist() == ["yours", "null", "random", "perfect"]
    assert table.loc["perfect", ["precision", "recall", "f1", "episodes_found", "cost"]].tolist() == [
        1,
        1,
        1,
        1,
        0,
    ]
    assert table.loc["null", ["alerts", "recall", "episodes_found", "cost"]].tolist() == [0, 0, 0, 20]
    assert np.isnan(table.loc["null", "precision"])
    assert table.loc["random", "alerts"] == 2


def test_a_random_detector_is_as_good_as_chance() -> None:
    building = Sensors(seed=7, hertz=2, faults=0.2)
    events, truth = building.events("10min"), building.truth("10min")
    alerts = events.sample(2_000, random_state=1)
    table = score(alerts, truth, events=events)
    chance = len(truth) / len(events)
    assert table.loc["random", "precision"] == pytest.approx(chance, rel=0.2)
    assert table.loc["yours", "precision"] == pytest.approx(chance, rel=0.2)


def test_errors_teach() -> None:
    with pytest.raises(
        ValueError, match="alerts have the columns \\['id'\\]\nDetail: What is scored is found"
    ):
        score(pd.DataFrame({"id": [1]}), TRUTH, events=EVENTS)
    with pytest.raises(
        ValueError, match="1 alerts are of no event, such as \\[99\\]\nDetail: Alerts, truth and"
    ):
        scored(99)


@pytest.mark.parametrize("name", PRESETS)
def test_a_watermark_with_the_bound_has_the_completeness(name: str) -> None:
    import workbench as wb

    sim = Sensors(seed=7, hertz=4, missing=0, faults=0, delivery=PRESETS[name])
    arrived = sim.arrivals("20min")
    wanted = bounds(arrived, shares=(0.9, 0.99))
    for share, bound in wanted.items():
        readings = wb.stream(arrived, time="event_time", watermark=bound)
        # a window of a microsecond ends with its row: late is exactly what is more than the bound behind
        late = len(readings.window("1us").agg(rows=("event_id", "size")).late.to_pandas())
        assert 1 - late / len(arrived) >= share - 1e-9


def test_presets_ask_for_longer_bounds_the_wilder_they_are() -> None:
    asked = {name: completeness(preset, last="2h")["bound"] for name, preset in PRESETS.items()}
    for share in (0.9, 0.99, 0.999):
        each = [asked[name][share] for name in ("ideal", "market", "web", "mobile")]
        assert each == sorted(each)
    assert (asked["ideal"] == pd.Timedelta(0)).all()
    assert pd.Timedelta("500ms") < asked["web"][0.99] < pd.Timedelta("3s")
    assert pd.Timedelta("50s") < asked["mobile"][0.99] < pd.Timedelta("3min")


def test_a_preset_prints_what_it_asks_for() -> None:
    assert str(Delivery.ideal()).splitlines() == [
        " of rows        delay        bound",
        *(f"{share:>8}          0 s          0 s" for share in ("50.0%", "90.0%", "95.0%", "99.0%", "99.9%")),
    ]


def test_what_is_alerted_of_twice_counts_from_the_first_time() -> None:
    times = pd.to_datetime([3_600, 12], unit="s")
    alerts = pd.DataFrame({"event_id": [3, 3], "alert_time": times})
    assert score(alerts, TRUTH, events=np.int64(10)).loc["yours", "delay"] == pd.Timedelta("12s")
