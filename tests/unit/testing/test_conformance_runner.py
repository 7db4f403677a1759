"""What the runner reports: on cases made up for the purpose."""

import json
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.testing.cases import Case, row_differences
from workbench.testing.conformance import DECISIONS, Outcome, Result, main, page, run_case, run_folder
from workbench.testing.drivers import Setting
from workbench.testing.oracle import Oracle

SUM = {"kind": "aggregate", "window": {"type": "tumbling", "size": 10}, "agg": "sum"}
ROW = {"t": 3, "v": 2}
PANE = {"window": [0, 10], "value": 2}


def run(op, *script):
    return run_case(Case("made-up", "case", op, script))


def write(folder, **cases):
    for family, content in cases.items():
        (folder / f"{family}.json").write_text(json.dumps(content), encoding="utf-8")


def file_of(*cases, schema="evtconf/1", family="made-up"):
    return {"schema": schema, "family": family, "cases": list(cases)}


def test_what_comes_as_expected_passes():
    result = run(SUM, {"rows": [ROW]}, {"end": True}, {"expect": {"out": [PANE]}})
    assert (result.outcome, result.reason) == (Outcome.PASSED, "")


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ([], "step 3: out: too many {'window': [0, 10], 'value': 2"),
        ([PANE, {"window": [10, 20]}], "step 3: out: missing {'window': [10, 20]}"),
        ([{"value": 3}], "step 3: out: missing {'value': 3}"),
        ([{"k": "a"}], "step 3: out: missing {'k': 'a'}"),
        ([{"timing": "LATE"}], "step 3: out: missing {'timing': 'LATE'}"),
        ([{"index": 1}], "step 3: out: missing {'index': 1}"),
    ],
)
def test_what_does_not_come_fails_and_is_named(out, reason):
    result = run(SUM, {"rows": [ROW]}, {"end": True}, {"expect": {"out": out}})
    assert result.outcome is Outcome.FAILED
    assert reason in result.reason


def test_output_left_unchecked_fails_unless_it_may_be_ignored():
    script = ({"rows": [ROW]}, {"end": True})
    assert run(SUM, *script).reason.startswith("at the end: too many")
    assert run({**SUM, "ignore_unchecked": True}, *script).outcome is Outcome.PASSED


def test_late_rejected_dropped_and_watermark_can_be_expected():
    policy = {"kind": "bounded", "delay": 0, "emit": "per_row"}
    result = run(
        {**SUM, "watermark": policy, "ignore_unchecked": True},
        {"expect": {"watermark": None}},
        {"rows": [ROW, {"t": 15, "v": 1}, {"t": 4, "v": 9}, {"t": None, "v": 5}]},
        {
            "expect": {
                "late": [{"t": 4, "v": 9}],
                "rejected": [{"v": 5}],
                "dropped_windows": 1,
                "watermark": 15,
            }
        },
        {"end": True},
        {"expect": {"watermark": "max", "late": [], "dropped_windows": 0}},
    )
    assert result.outcome is Outcome.PASSED, result.reason


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        ({"kind": "telepathy"}, "op: telepathy"),
        ({**SUM, "agg": "guess"}, "agg: guess"),
        ({**SUM, "window": {"type": "spiral", "size": 9}}, "window: spiral"),
        ({**SUM, "window": {"type": "tumbling", "size": 9, "tz": "UTC"}}, "window: tumbling with tz"),
        ({**SUM, "trigger": {"type": "on_a_whim"}}, "trigger: on_a_whim"),
        (
            {**SUM, "trigger": {"type": "repeatedly", "of": {"type": "after_count", "n": 1, "by": "k"}}},
            "trigger: after_count with by",
        ),
        ({**SUM, "accumulation": "forgetting"}, "accumulation: forgetting"),
        ({**SUM, "closing_pane": "never"}, "closing_pane: never"),
        ({**SUM, "watermark": {"kind": "punctuated"}}, "watermark: punctuated"),
        (
            {**SUM, "watermark": {"kind": "bounded", "delay": 1, "percentile": 0.9}},
            "watermark: percentile",
        ),
        ({**SUM, "mood": "blue"}, "mood: blue"),
    ],
)
def test_what_cannot_be_said_is_named(op, reason):
    result = run(op, {"rows": [ROW]}, {"end": True}, {"expect": {"out": [PANE]}})
    assert result.outcome is Outcome.INEXPRESSIBLE
    assert result.reason.startswith(reason)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"rows": [ROW], "input": "left"}, "step: input"),
        ({"forget": "a"}, "step: forget"),
        ({"expect": {"idle": True}}, "expect: idle"),
        ({"expect": {"out": [{"mood": True}]}}, "expect: mood"),
    ],
)
def test_steps_that_cannot_be_taken_are_named(step, reason):
    assert run(SUM, step).reason == reason


def test_all_reasons_are_given_at_once():
    result = run({**SUM, "agg": "guess", "accumulation": "forgetting"}, {"forget": "a"})
    assert result.reason == "accumulation: forgetting; agg: guess; step: forget"


def test_rows_after_a_trigger_that_has_finished_are_rejected():
    op = {**SUM, "trigger": {"type": "after_watermark"}, "allowed_lateness": 5}
    result = run(
        op,
        {"rows": [ROW]},
        {"watermark": 10},
        {"expect": {"out": [PANE]}},
        {"rows": [ROW]},
        {"expect": {"out": [], "late": [], "rejected": [ROW]}},
    )
    assert result.outcome is Outcome.PASSED, result.reason


def test_a_late_pane_for_each_row_or_for_each_step():
    trigger = {"type": "after_watermark", "late": {"type": "after_count", "n": 1}}
    op = {**SUM, "trigger": trigger, "allowed_lateness": 5}
    late = [{"value": 2, "index": 0, "timing": "LATE"}, {"value": 4, "index": 1}]
    script = [{"watermark": 10}, {"rows": [ROW, ROW]}]
    assert run(op, *script, {"expect": {"out": late}}).outcome is Outcome.PASSED
    atomic = {**op, "batch": "atomic"}
    assert run(atomic, *script, {"expect": {"out": [{"value": 4}]}}).outcome is Outcome.PASSED


def test_only_a_case_that_differs_is_different_by_decision():
    policy = {"kind": "bounded", "delay": 0, "emit": "per_batch"}
    op = {**SUM, "watermark": policy, "ignore_unchecked": True}
    rows = {"rows": [{"t": 20, "v": 1}, ROW]}
    theirs = run(op, rows, {"expect": {"late": [], "out": [PANE]}})
    assert theirs.outcome is Outcome.DIFFERENT
    assert theirs.reason.startswith("watermark per_batch: ours moves row by row")
    ours = run(op, rows, {"expect": {"late": [ROW], "out": []}})
    assert ours.outcome is Outcome.PASSED
    neither = run(op, rows, {"expect": {"late": [], "out": []}})
    assert neither.outcome is Outcome.FAILED


NULL = {"t": 3, "k": None, "v": 2}
KEYED = {**SUM, "null_key": "drop"}
KEYED_ROWS = ({"rows": [NULL, {**ROW, "k": "a"}]}, {"snapshot": True}, {"rows": [NULL]}, {"end": True})
OF_A = {**PANE, "k": "a"}
OF_NULL = {**PANE, "k": None, "value": 4}


@pytest.mark.parametrize("make", [Setting().make, Oracle])
@pytest.mark.parametrize(
    ("name", "op", "script", "theirs", "ours", "neither"),
    [
        (
            "nulls",
            KEYED,
            KEYED_ROWS,
            {"out": [OF_A], "late": [], "rejected": [NULL, NULL]},
            {"out": [OF_A, OF_NULL], "late": [], "rejected": []},
            {"out": [OF_NULL], "late": [], "rejected": []},
        ),
    ],
)
def test_nothing_but_the_decision_makes_the_difference(make, name, op, script, theirs, ours, neither):
    def outcome(expected):
        return run_case(Case("made-up", "case", op, (*script, {"expect": expected})), Setting(make=make))

    assert outcome(theirs).outcome is Outcome.DIFFERENT, outcome(theirs).reason
    assert outcome(theirs).decision.name == name
    assert outcome(theirs).reason == outcome(theirs).decision.reason
    assert outcome(ours).outcome is Outcome.PASSED, outcome(ours).reason
    assert outcome(neither).outcome is Outcome.FAILED


def test_a_crash_fails_its_case_only():
    result = run({**SUM, "window": {"type": "tumbling"}}, {"rows": [ROW]})
    assert (result.outcome, result.reason) == (Outcome.FAILED, "KeyError: 'size'")


def test_the_command_ends_with_the_counts_and_tells_of_failure(tmp_path, capsys):
    good = {"id": "good", "op": SUM, "script": [{"rows": []}, {"expect": {"out": []}}]}
    bad = {"id": "bad", "op": SUM, "script": [{"expect": {"out": [PANE]}}]}
    odd = {"id": "odd", "op": {"kind": "telepathy"}, "script": []}
    write(tmp_path, a=file_of(good, bad, odd, family="mixed"), b=file_of(good, family="plain"))
    assert main([str(tmp_path)]) == 1
    text = capsys.readouterr().out
    assert text.endswith("\n2 passed, 1 failed\n")
    assert "  mixed/bad: step 1: out: missing {'window': [0, 10], 'value': 2}\n" in text
    assert "  mixed/odd: op: telepathy\n" in text
    assert "mixed                  1       1                      0                    1\n" in text


def test_the_page_tells_families_differences_and_decisions():
    watermark = DECISIONS[0]
    results = [
        Result("kafka", "one", Outcome.PASSED),
        Result("kafka", "two", Outcome.DIFFERENT, watermark.reason, watermark),
        Result("others", "three", Outcome.FAILED, "why"),
        Result("others", "four", Outcome.INEXPRESSIBLE, "what"),
    ]
    lines = page(results).splitlines()
    assert "| kafka | final results only | 2 | 1 | 1 | 0 | 0 |" in lines
    assert "| others | – | 2 | 0 | 0 | 1 | 1 |" in lines
    assert "| all | | 4 | 1 | 1 | 1 | 1 |" in lines
    assert "25.0 percent of the cases are different by decision (1 of 4); at most 5 percent may be." in lines
    (told,) = (line for line in lines if line.startswith("| kafka/two |"))
    assert watermark.elsewhere in told
    assert watermark.here in told
    assert "decisions about time: [watermark](decisions/0001-row-by-row-watermark.md)" in told
    counts = [
        line.rsplit("| ", 1)[1]
        for line in lines
        if line.startswith(tuple(f"| {d.differs}" for d in DECISIONS))
    ]
    assert counts == ["1 |", "0 |"]
    assert "None." in page(results[:1]).splitlines()


def test_the_pages_of_decisions_are_there():
    for decision in DECISIONS:
        assert (Path(__file__).parents[3] / "docs" / decision.page).exists()


def test_files_that_are_no_cases_fail_by_name(tmp_path):
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    write(tmp_path, later=file_of(schema="evtconf/2"), other={"cases": []})
    results = {result.id: result for result in run_folder(tmp_path)}
    assert {result.outcome for result in results.values()} == {Outcome.FAILED}
    assert "not a file of cases: broken.json" in results["broken.json"].reason
    assert results["later.json"].reason.startswith("schema: evtconf/2")
    assert "KeyError: 'schema'" in results["other.json"].reason


def test_a_folder_without_cases_is_an_error_that_teaches(tmp_path, capsys):
    with pytest.raises(WorkbenchError, match=r"no conformance cases: .*\nDetail: there is no such"):
        run_folder(tmp_path / "nowhere")
    assert main([str(tmp_path)]) == 2
    assert "Hint: give the folder" in capsys.readouterr().out


def test_rows_are_matched_whatever_their_order_unless_it_is_checked():
    one, two = {"v": 1, "k": "a"}, {"v": 1, "k": "b"}
    assert row_differences([{"v": 1}, one], [one, two], ordered=False) == []
    assert row_differences([{"k": "b"}, {"k": "a"}], [one, two], ordered=False) == []
    assert len(row_differences([{"k": "b"}, {"k": "a"}], [one, two], ordered=True)) == 4


def test_a_case_that_says_no_kind_fails_by_itself():
    assert run({}, {"rows": [ROW]}).reason == "KeyError: 'kind'"


def test_patterns_have_watermark_policies_too():
    op = {
        "kind": "match",
        "mode": "cep",
        "pattern": [{"name": "a", "where": ["=", ["col", "v"], 1]}, {"name": "b", "contiguity": "next"}],
        "watermark": {"kind": "bounded", "delay": 5},
    }
    script = (
        {"rows": [{"t": 1, "v": 1}, {"t": 2, "v": 7}]},
        {"expect": {"out": []}},
        {"snapshot": True},
        {"rows": [{"t": 8, "v": 9}, {"t": 1, "v": 3}]},
        {"expect": {"out": [{"match": [1, 7]}], "late": [{"t": 1, "v": 3}], "watermark": 3}},
    )
    assert run_case(Case("made-up", "case", op, script)).reason == ""
