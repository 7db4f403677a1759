"""What goes wrong in a run is said with the own code and the offending rows; what skip and reject keep."""

import asyncio

import pandas as pd
import pytest

import workbench as wb
from workbench.runtimes.blame import own_lines
from workbench.views import card, notices

ROWS = pd.DataFrame(
    {
        "t": pd.to_datetime("2026-01-05 09:00") + pd.to_timedelta(range(90), unit="s"),
        "v": [0 if at in (7, 8, 30) else at for at in range(90)],
        "who": ["<script>alert(1)</script>"] * 90,
    }
)


def share(value):
    return 10 // value


@pytest.fixture
def bad():
    rows = wb.stream(ROWS.iloc[1:], time="t", watermark="0s")
    return rows.assign(x=lambda f: f.v.map(share)).window("1min").agg(n=("x", "size"))


def run_of(stream, on_error):
    async def main():
        run = stream.start(speed="max", on_error=on_error, name="mine")
        await run._done.wait()
        return run

    return asyncio.run(main())


def test_a_failure_names_the_users_own_lines_and_shows_the_rows(bad):
    run = run_of(bad, "fail")
    plain, picture = notices.failure(run, run.errors[0])
    assert plain.startswith("mine failed: step 'assign' raised ZeroDivisionError")
    assert "test_notices.py, line" in plain
    assert "return 10 // value" in plain
    assert "pandas" not in plain.partition("Detail")[0]  # none of what lies between
    assert "3 offending rows" in picture
    assert "&lt;script&gt;" in picture
    assert "<script>" not in picture
    assert "on_error=&#x27;skip&#x27;" in picture


def test_code_is_that_of_the_user_only(bad):
    error = run_of(bad, "fail").errors[0].cause
    assert [line.code.split()[0] for line in own_lines(error)][-1] == "return"
    assert {line.where for line in own_lines(error)} == {"test_notices.py"}


def test_rejected_rows_are_kept_and_told(bad):
    run = run_of(bad, "reject")
    assert run.status == "finished"
    assert run.trace.rejected.frame().v.tolist() == [0, 0, 0]
    assert set(run.trace.rejected.frame().step) == {"assign"}
    plain, picture = notices.rejections(run)
    assert plain.splitlines()[0] == "mine: 3 rows rejected so far"
    assert "3 by 'assign'" in plain
    assert picture.count("<tr") == 4


def test_skipped_rows_are_only_counted(bad):
    run = run_of(bad, "skip")
    assert run.status == "finished"
    assert run.metrics().rejected == 3
    assert run.trace.rejected.total == 0
    assert run.ledger(by="reason").rows.tolist() == [3]
    assert run.panes("n").n.sum() == 86


def test_rows_that_the_door_refuses_are_kept_whatever_is_skipped():
    rows = ROWS.assign(t=ROWS.t.where(ROWS.v != 5))
    run = run_of(wb.stream(rows, time="t", watermark=0).window("1min").agg(n=("v", "size")), "skip")
    assert run.trace.rejected.frame().v.tolist() == [5]


def test_a_notice_is_displayed_once_there_is_something_to_say_and_then_updated(bad, monkeypatch):
    from IPython import display as ipython

    shown = []

    class Handle:
        def update(self, bundle, raw):
            shown.append(("update", bundle))

    def display(bundle, raw, display_id):
        shown.append(("display", bundle))
        return Handle()

    monkeypatch.setattr(ipython, "display", display)
    run = run_of(bad, "reject")
    told = notices.Notices(run)
    told.refresh()
    told.refresh()
    run.trace.rejected.append(ROWS[:1].assign(reason="?", step="assign"))
    told.refresh()
    assert [how for how, _ in shown] == ["display", "update"]
    quiet = notices.Notices(run_of(bad, "skip"))
    quiet.refresh()
    assert len(shown) == 2


def test_a_choice_that_there_is_not_is_refused(bad):
    with pytest.raises(wb.DescriptionError, match="'fail' or 'reject' or 'skip'"):
        bad.start(on_error="ignore")


def test_the_card_of_a_run_stands_without_a_script(bad):
    run = run_of(bad, "fail")
    picture = card.RunCard(run)._repr_html_()
    assert "mine" in picture
    assert "ZeroDivisionError" in picture
    assert "<script" not in picture
    assert "<svg" not in picture  # it would be taken out of a notebook that nobody has trusted
    assert len(picture) < 20_000


def test_runs_are_a_table(bad):
    async def main():
        run = bad.start(paused=True, name="<b>")
        told = wb.runs()
        assert "&lt;b&gt;" in told._repr_html_()
        assert "paused" in repr(told)
        run.stop()

    asyncio.run(main())
    assert repr(wb.runs()) == "no runs"
