"""Tables and data sets as streams: the same rows, whatever the order, the batches and the pace."""

import hashlib
import pickle
import tomllib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from simulators import Corrupt, Delivery, Outage, Replay, Sensors, datasets

FOLDER = Path(__file__).parents[3] / "datasets"
STREAMS = ["earthquakes", "flights", "temperatures"]
each_stream = pytest.mark.parametrize("name", STREAMS)


def table(**columns: object) -> pd.DataFrame:
    moments = pd.to_datetime([40, 10, 20, 30], unit="s").as_unit("us")
    return pd.DataFrame({"t": moments, "k": ["b", "a", None, "b"], "v": [4.0, 1.0, 2.0, 3.0], **columns})


@pytest.mark.parametrize("name", datasets.names())
def test_every_data_set_has_a_card_that_is_true(name: str) -> None:
    card = tomllib.loads((FOLDER / name / "card.toml").read_text())
    for what in ("title", "about", "origin", "package", "licence", "cut"):
        assert len(card[what]) > 2, what
    assert hashlib.sha256((FOLDER / name / card["file"]).read_bytes()).hexdigest() == card["sha256"]
    rows = datasets.table(name)
    assert len(rows) == card["rows"]
    assert {column: str(dtype) for column, dtype in rows.dtypes.items()} == {
        column: dtype for column, (dtype, _) in card["columns"].items()
    }


def test_data_sets_are_small_and_told_of() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 10_000_000
    readme = (FOLDER / "README.md").read_text()
    assert all(f"[{name}]({name}/card.toml)" in readme for name in datasets.names())


@each_stream
def test_all_rows_of_a_data_set_are_replayed(name: str) -> None:
    for by in ("arrival", "event"):
        source = datasets.replay(name, by=by)
        rows = source.arrivals(source.duration)
        assert len(rows) == len(datasets.table(name))
        assert rows["arrival_time"].is_monotonic_increasing
        assert (rows["arrival_time"] >= rows["event_time"]).all()
        given = datasets.table(name)
        own = [column for column in given if column not in ("event_time", "arrival_time")]
        order = ["event_time", *own]
        left, right = rows[order].astype("object"), given[order].astype("object")
        left, right = (each.astype(str).sort_values(order, ignore_index=True) for each in (left, right))
        pd.testing.assert_frame_equal(left, right)


@each_stream
def test_a_data_set_runs_through_a_pipeline_to_its_end(name: str) -> None:
    rows = datasets.table(name)
    counted = wb.stream(datasets.replay(name), watermark="7D").window("1D").agg(rows=("event_id", "size"))
    for batch in (500, 5_000):
        assert counted.to_pandas(batch_rows=batch)["rows"].sum() == len(rows)


def test_real_lateness_is_real() -> None:
    quakes = wb.stream(datasets.replay("earthquakes"), watermark="6h")
    late = quakes.window("1h").agg(rows=("event_id", "size")).late.to_pandas()
    assert 0.1 < len(late) / 1707 < 0.6


def test_by_event_it_comes_in_order_and_through_a_delivery() -> None:
    plain = datasets.replay("flights", by="event")
    assert plain.arrivals(plain.duration)["event_time"].is_monotonic_increasing
    faulty = datasets.replay("flights", by="event", delivery=Delivery(faults=(Corrupt(share=0.1),)), seed=3)
    truth = faulty.delivery_truth(faulty.duration)
    assert len(truth) == pytest.approx(0.1 * 6759, rel=0.2)
    assert set(truth["kind"]) == {"corrupt"}


def test_a_table_comes_in_event_order_with_its_dtypes() -> None:
    source = Replay(
        table=table(n=[1, 2, 3, 4], seen=pd.to_datetime([1, 2, 3, 4], unit="D")), time="t", key="k"
    )
    rows = source.arrivals(source.duration)
    assert rows["v"].tolist() == [1, 2, 3, 4]
    assert rows["k"].astype(object).where(rows["k"].notna(), None).tolist() == ["a", None, "b", "b"]
    assert rows["n"].tolist() == [2, 3, 4, 1]
    assert rows["seen"].tolist() == pd.to_datetime([2, 3, 4, 1], unit="D").tolist()
    assert source.duration == pd.Timedelta("30.000001s")


def test_it_arrives_when_the_table_says() -> None:
    source = Replay(table=table(seen=pd.to_datetime([41, 90, 20, 70], unit="s")), time="t", arrival="seen")
    rows = source.arrivals(source.duration)
    assert rows["v"].tolist() == [2, 4, 3, 1]
    assert (rows["arrival_time"] - rows["event_time"]).dt.total_seconds().tolist() == [0, 1, 40, 80]


def test_times_with_a_zone_are_turned_to_utc() -> None:
    zoned = table().assign(t=lambda frame: frame["t"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    pd.testing.assert_frame_equal(
        Replay(table=zoned, time="t").arrivals("1min"), Replay(table=table(), time="t").arrivals("1min")
    )


def test_it_can_be_pickled_and_is_equal_to_itself_only() -> None:
    source = datasets.replay("flights")
    twin = pickle.loads(pickle.dumps(source))
    pd.testing.assert_frame_equal(twin.arrivals("1D"), source.arrivals("1D"))
    assert twin.name == "flights"
    assert source == source
    assert source != replace(source, table=source.table[:10])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Replay(table=table()[:0], time="t"),
            "the table has no rows\nDetail: A replay begins with the first event and ends with the last.\n"
            "Hint: Look at how the table was filtered.",
        ),
        (
            lambda: Replay(table=table(), time="v"),
            "'v' is no column of times without nulls\nDetail: There are t, k, v.\n"
            "Hint: Convert it with pandas.to_datetime, and drop rows without a time.",
        ),
        (
            lambda: Replay(table=table(seen=pd.Timestamp(0)), time="t", arrival="seen"),
            "some rows of 'seen' are before 't'\nDetail: No event arrives before it happens.\n"
            "Hint: Take the greater of both: table[['t', 'seen']].max(axis=1).",
        ),
        (
            lambda: datasets.table("stocks"),
            "there is no data set 'stocks'\nDetail: There are earthquakes, flights, outlines, temperatures.\n"
            'Hint: Write for example datasets.table("flights").',
        ),
        (
            lambda: datasets.replay("outlines"),
            "outlines is no stream\nDetail: Its rows have no time.\n"
            'Hint: Read it with datasets.table("outlines").',
        ),
    ],
)
def test_errors_teach(make, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


def test_a_changed_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flights").mkdir()
    (tmp_path / "flights" / "card.toml").write_bytes((FOLDER / "flights" / "card.toml").read_bytes())
    (tmp_path / "flights" / "flights.csv").write_text("event_time\n")
    monkeypatch.setattr(datasets, "_FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"the checksum of flights\.csv is"):
        datasets.table("flights")


def test_what_was_recorded_is_replayed_as_it_came() -> None:
    recorded = Sensors(seed=7, delivery=Delivery.iot()).arrivals("20s")
    again = Replay(table=recorded, arrival="arrival_time", key="device").arrivals("1min")
    columns = ["event_time", "arrival_time", "device", "temperature"]
    pd.testing.assert_frame_equal(again[columns].sort_values(columns, ignore_index=True),
                                  recorded[columns].sort_values(columns, ignore_index=True))  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        (table(arrival_time=1), {}, "a column 'arrival_time' that is not its arrival"),
        (table(event_time=1), {}, "a column 'event_time' that is not its time"),
        (table().rename(columns={"v": 0}), {}, "the columns are"),
        (table().set_axis(["t", "k", "k"], axis=1), {}, "the columns are"),
        (table(), {"key": "nobody"}, "there is no column 'nobody' for the keys"),
        (table(), {"start": "2030-01-01"}, "start is '2030-01-01'"),
    ],
)
def test_tables_that_cannot_be_replayed_are_refused(
    rows: pd.DataFrame, options: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Replay(table=rows, time="t", **options)


def test_what_may_be_missing_keeps_its_kind() -> None:
    rows = table(n=pd.array([2**60 + 1, None, 3, 4], dtype="Int64"), b=pd.array([True, None, False, True]))
    arrivals = Replay(table=rows, time="t").arrivals("1min")
    assert (str(arrivals["n"].dtype), str(arrivals["b"].dtype)) == ("Int64", "boolean")
    assert arrivals["n"].isna().tolist() == [True, False, False, False]
    assert arrivals["n"].iloc[3] == 2**60 + 1


def test_keys_that_are_no_whole_numbers_are_keys_of_their_own() -> None:
    moments = pd.date_range("2026-01-05", periods=600, freq="s")
    rows = pd.DataFrame({"t": moments, "k": [0.1, 0.2, 0.4, float("nan")] * 150})
    road = Delivery(outage=Outage(every="2min", length="1min", share=0.5))
    replayed = Replay(table=rows, time="t", key="k", delivery=road)
    hit = replayed.events("10min").merge(replayed.delivery_truth("10min"), on="event_id")
    together = hit.groupby("episode_id")["k"].nunique(dropna=False)
    assert together.between(1, 3).all()


def test_one_that_is_very_late_costs_no_more_than_another() -> None:
    moments = pd.Series(pd.date_range("2026-01-05", periods=200, freq="s"))
    rows = pd.DataFrame({"t": moments, "came": moments})
    rows.loc[7, "came"] += pd.Timedelta("400D")
    replayed = Replay(table=rows, time="t", arrival="came")
    assert replayed.block == pd.Timedelta("6h") and replayed._reach < 2_000
