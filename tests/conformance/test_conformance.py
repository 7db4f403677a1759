"""The field's own cases of event-time semantics, run on the engine and on the oracle."""

import os
from pathlib import Path

import pytest

from workbench.testing import conformance
from workbench.testing.cases import Case, read_file
from workbench.testing.conformance import Outcome, run_case
from workbench.testing.drivers import Setting
from workbench.testing.oracle import Oracle

FOLDER = Path(__file__).parents[2].parent / "shared" / "conformance"
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
ABSENT = f"the conformance cases are not at {os.path.relpath(FOLDER, Path(__file__).parents[2])}"
FAMILIES = (
    "windows",
    "sessions",
    "assign",
    "dataflow-figures",
    "edge",
    "calendar",
    "kafka",
    "flink-window-operator",
    "cep",
    "joins",
    "topn-dedup",
    "triggers",
    "watermarks",
)

CASES = [
    case
    for family in FAMILIES
    if (FOLDER / f"{family}.json").exists()
    for case in read_file(FOLDER / f"{family}.json")
]
RESULTS = {case.id: run_case(case) for case in CASES}
EXPRESSIBLE = [case for case in CASES if RESULTS[case.id].outcome is not Outcome.INEXPRESSIBLE]


def by_id(cases: list[Case]) -> list:
    return [pytest.param(case, id=case.id) for case in cases]


def batches_are_free(case: Case) -> bool:
    policy = case.op.get("watermark") or {}
    return case.op.get("batch") != "atomic" and policy.get("emit") != "per_batch"


def require_folder() -> None:
    if CASES:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(ABSENT)
    pytest.skip(ABSENT)


def test_the_cases_are_there():
    require_folder()
    assert {case.family for case in CASES} == set(FAMILIES)
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", by_id(EXPRESSIBLE))
def test_case(case):
    result = RESULTS[case.id]
    assert result.outcome in (Outcome.PASSED, Outcome.DIFFERENT), result.reason


@pytest.mark.parametrize("case", by_id([case for case in EXPRESSIBLE if batches_are_free(case)]))
def test_case_row_by_row(case):
    result = run_case(case, Setting(row_by_row=True))
    assert result.outcome in (Outcome.PASSED, RESULTS[case.id].outcome), result.reason


@pytest.mark.parametrize("case", by_id(EXPRESSIBLE))
def test_the_oracle_passes_too(case):
    result = run_case(case, Setting(make=Oracle))
    assert result.outcome in (Outcome.PASSED, Outcome.DIFFERENT), result.reason


def test_every_case_can_be_said():
    require_folder()
    unsaid = {
        case: result.reason for case, result in RESULTS.items() if case not in {c.id for c in EXPRESSIBLE}
    }
    assert unsaid == {}


def test_only_decisions_make_differences():
    """That each decision makes one is shown by made-up cases, in tests/unit/testing."""
    for result in RESULTS.values():
        assert (result.outcome is Outcome.DIFFERENT) == (result.decision is not None)
        assert result.decision is None or result.decision in conformance.DECISIONS


def test_few_cases_are_different():
    require_folder()
    assert conformance.different_share([*RESULTS.values()]) <= conformance.MOST_DIFFERENT


def test_the_page_is_what_the_runner_writes(tmp_path):
    require_folder()
    conformance.main([str(FOLDER), "--page", str(tmp_path / "page.md")])
    assert PAGE.read_text(encoding="utf-8") == (tmp_path / "page.md").read_text(encoding="utf-8"), (
        "write it anew: python -m workbench.testing.conformance FOLDER --page docs/conformance.md"
    )


def test_the_command_names_every_case_and_ends_with_the_counts(capsys):
    require_folder()
    status = conformance.main([str(FOLDER)])
    lines = capsys.readouterr().out.splitlines()
    results = conformance.run_folder(FOLDER)
    passed = sum(result.outcome is Outcome.PASSED for result in results)
    failed = sum(result.outcome is Outcome.FAILED for result in results)
    assert lines[-1] == f"{passed} passed, {failed} failed"
    assert status == int(failed > 0)
    for result in results:
        named = f"  {result.family}/{result.id}: {result.reason}"
        assert (named in lines) == (result.outcome is not Outcome.PASSED)
