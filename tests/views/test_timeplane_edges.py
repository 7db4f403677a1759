"""The time plane at its edges: cut sessions, windows without bounds, moments before 1970, odd names."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.runtimes.lanes import lanes
from workbench.runtimes.replay import replay
from workbench.time import to_nanos
from workbench.views.card import result_words
from workbench.views.planescene import LEFT, RIGHT

START = pd.Timestamp("2026-01-05 09:00")


def rows(count=100, start=START):
    rng = np.random.default_rng(1)
    times = start + pd.to_timedelta(np.arange(count), unit="s")
    frame = pd.DataFrame({"t": times, "v": rng.integers(1, 9, count).astype(float)})
    return frame.assign(k=rng.choice(["CA", "NY"], count))


def stream(frame=None, watermark="0s"):
    return wb.stream(rows() if frame is None else frame, time="t", watermark=watermark)


def lines(drawn, name):
    """The places across of a step line, in order."""
    (path,) = (shape[2] for shape in drawn["plot"] if shape[1] == name)
    return [float(part.split("V")[0].split()[0]) for part in path[1:].replace("M", "H").split("H")]


def test_sessions_end_at_their_maximum_size_as_those_of_the_engine_do():
    for touching in (True, False):
        window = wb.Session("5s", merge_touching=touching, max_size="20s")
        panes = stream().groupby("k").window(window).agg(n=("v", "size"))
        told, cut = panes.to_pandas(), lanes(replay(panes.step))
        assert len(told) > 8
        pairs = sorted(zip(to_nanos(told.window_start), to_nanos(told.window_end), told.n, strict=True))
        assert sorted((lane.start, lane.end, lane.rows) for lane in cut) == pairs
        assert all(lane.start <= piece.start < piece.end <= lane.end for lane in cut for piece in lane.pieces)
        one = panes.timeplane(key="CA").scene()
        assert len([shape for shape in one["plot"] if shape[1] == "freed"]) == (told.k == "CA").sum()


def test_what_a_session_of_a_maximum_size_waits_for():
    panes = stream().window(wb.Session("5s", max_size="20s")).agg(n=("v", "size"))
    run = panes.start(paused=True, batch_rows=1)
    for _ in range(10):
        run.step()
    waits = run.timeplane("n").scene()["caption"]
    for _ in range(10):
        run.step()
    assert waits.startswith("The session from 09:00:00 fires when the watermark passes 09:00:14")
    assert (
        "The session from 09:00:00 fires when the watermark passes 09:00:20"
        in run.timeplane("n").scene()["caption"]
    )
    run.stop()


def test_a_watermark_before_1970_is_drawn_where_it_is():
    for start in (START, pd.Timestamp("1926-01-05 09:00")):
        panes = stream(rows(300, start)).window("1min", lateness="20s").agg(n=("v", "sum"))
        drawn = panes.timeplane(what_if="30s").scene()
        for name in ("watermark", "horizon", "ghost"):
            across = lines(drawn, name)
            assert across == sorted(across)
            assert LEFT - 9 <= across[0] < LEFT + 30
            assert len(set(across)) > 50
            assert across[-1] <= RIGHT


def test_a_global_window_that_is_over_can_be_shown():
    shown = stream().window(wb.Global()).agg(n=("v", "sum")).timeplane()
    drawn = shown.scene()
    assert drawn["caption"] == "Every window has fired. All 100 rows came on time."
    assert drawn["across"][3] - drawn["across"][2] < 110_000
    signs = [shape[4] for shape in drawn["below"] if shape[0] == "text"]
    assert "still open" not in signs
    assert "state freed" in signs


def test_columns_may_be_called_as_the_record_calls_its_own():
    def planes(name):
        frame = rows(40).rename(columns={"k": name})
        keyed = stream(frame, "2s").groupby(name)
        panes = keyed.window(wb.Session("3s"), lateness="5s").agg(n=("v", "sum"))
        return panes.timeplane(), panes.timeplane(key="CA", what_if="9s")

    wanted = [shown.scene() for shown in planes("k")]
    for name in ("event_time", "arrival", "met", "fate", "rows", "code", "other"):
        of_all, of_one = planes(name)
        drawn = [shown.scene() for shown in (of_all, of_one)]
        assert [each["plot"] for each in drawn] == [each["plot"] for each in wanted]
        assert [each["caption"] for each in drawn] == [each["caption"] for each in wanted]
        assert of_all.completeness().curve.rows == 40
        assert of_one.in_flight().to_pandas().arrived.sum() == (rows(40).k == "CA").sum()
    for name in ("fired", "start", "timings"):
        panes = stream(rows(40)).window("10s").agg(**{name: ("v", "sum")})
        values = [shape[4] for shape in panes.timeplane().scene()["plot"] if "value middle" in shape[1]]
        assert values == [f"{value:.4g}" for value in panes.to_pandas()[name]]


def test_another_policy_by_a_key_with_such_a_name():
    frame = rows().rename(columns={"k": "event_time"})
    policy = wb.BoundedOutOfOrderness("5s", by="event_time")
    told = stream(frame).groupby("event_time").window("10s").agg(n=("v", "sum")).timeplane(what_if=policy)
    assert "of the same 100 rows 100 would be on time" in told.scene()["caption"]


def test_older_rows_of_a_watched_key_are_counted_whatever_it_is_called():
    panes = stream(rows().rename(columns={"k": "at"})).groupby("at").window("10s").agg(n=("v", "size"))
    run = panes.start(speed="max", batch_rows=10, paused=True)
    plane = run.graph.plane("n")
    plane.keep = 20
    plane.watch({"at": "CA"})
    run.resume().wait(10)
    assert plane.binned({"at": "CA"}).rows.sum() + len(plane.rows({"at": "CA"})) == (rows().k == "CA").sum()


def test_nothing_has_come():
    shown = stream(rows()[:0]).window("10s").agg(n=("v", "sum")).timeplane(what_if="5s")
    assert shown.scene()["caption"] == "No row has come."
    assert repr(shown.in_flight()) == "Rows in flight of n: No row has come yet."
    assert shown.in_flight().to_pandas().empty


def test_one_row_of_another_age_is_part_of_the_curve():
    frame = rows()
    frame.loc[50, "t"] = pd.Timestamp(0)
    curve = stream(frame).window("1min").agg(n=("v", "sum")).timeplane().completeness()
    assert "1 of 100 comes too late" in repr(curve)
    assert curve.scene()["tuner"]["counts"][0][0] == 99


DAYS = ("2026-01-07 00:00", "2026-01-08 00:00", "2026-01-07 00:00", "2026-01-07 16:00")


@pytest.mark.parametrize(
    ("window", "apart", "start", "end", "last", "came"),
    [
        ("1D", "5h", *DAYS),
        (wb.Calendar("day"), "5h", *DAYS),
        ("1min", "13s", "09:02:00", "09:03:00", "09:02:00", "09:02:23.0"),
        ("50ms", "20ms", "09:00:00.200", "09:00:00.250", "09:00:00.200", "09:00:00.220"),
    ],
)
def test_moments_are_written_as_it_suits_the_windows(window, apart, start, end, last, came):
    frame = pd.DataFrame({"t": START + pd.Timedelta(apart) * np.arange(20), "v": 1})
    run = stream(frame).window(window).agg(n=("v", "size")).start(speed="max", paused=True, batch_rows=1)
    for _ in range(12):
        run.step()
    shown = run.timeplane("n")
    assert f"Window {start} fires when the watermark passes {end}: " in shown.scene()["caption"]
    assert any(point[2].endswith(f", at {came}") for point in shown.scene()["points"])
    assert f"At {came} " in repr(shown.in_flight())
    assert result_words(run, "n")[1] == f"the last of {last}"
    told = run.graph().values()["waits"][0]
    wanted = f"{start}–{end}" if window != "1min" else "09:02–09:03"
    assert told.startswith(f"n: window {wanted} is open")
    assert run.graph()._peeked("2")["rows"][0][1] == last
    run.stop()
