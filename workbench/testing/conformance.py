"""Runs conformance cases kept as data: ``python -m workbench.testing.conformance FOLDER``.

Every case of every file gets one of four outcomes; none is passed over in silence. *Passed* and
*failed* say whether all that was expected came, and nothing else. *Different by decision* is a case
that fails, and passes as soon as a decision of ours (`DECISIONS`) is undone, so that nothing but
the decision makes the difference. *Not yet expressible* names what the workbench lacks.
"""

from __future__ import annotations

import argparse
import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.testing.cases import Case, read_file, row_differences
from workbench.testing.compare import same
from workbench.testing.drivers import Driver, Inexpressible, Setting, driver_for

UNCHECKED = ("out",)
"""Fields of which nothing may remain unchecked at the end of a script; cases that are not about
late or rejected rows need not name them."""


class Outcome(enum.Enum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    DIFFERENT = "different by decision"
    INEXPRESSIBLE = "not yet expressible"


@dataclass(frozen=True)
class Result:
    """The outcome of one case, and the reason where it did not pass."""

    family: str
    id: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class Decision:
    """A choice of ours on which engines differ.

    Parameters
    ----------
    applies : callable
        Whether a case's ``op`` takes the other side.
    undo : callable
        The setting in which the other side is taken.
    reason : str
        What we decided, and where it is written.
    """

    applies: Callable[[Mapping[str, Any]], bool]
    undo: Callable[[Setting], Setting]
    reason: str


DECISIONS: Sequence[Decision] = (
    Decision(
        applies=lambda op: (op.get("watermark") or {}).get("emit") == "per_batch",
        undo=lambda setting: replace(setting, freeze=True, row_by_row=False),
        reason="watermark per_batch: ours moves row by row, so that late rows do not depend on "
        "the batches (decisions about time: watermark)",
    ),
)


def run_case(case: Case, setting: Setting | None = None) -> Result:
    """Run one case.

    Examples
    --------
    >>> op = {"kind": "assign", "window": {"type": "tumbling", "size": 5}}
    >>> script = [{"rows": [{"t": -1}]}, {"expect": {"assigned": [[[-5, 0]]]}}]
    >>> run_case(Case("example", "before-1970", op, script)).outcome.value
    'passed'
    """
    setting = setting or Setting()
    try:
        problems = _problems(case, setting)
        if not problems:
            return Result(case.family, case.id, Outcome.PASSED)
        for decision in DECISIONS:
            if decision.applies(case.op) and not _problems(case, decision.undo(setting)):
                return Result(case.family, case.id, Outcome.DIFFERENT, decision.reason)
    except Inexpressible as refusal:
        return Result(case.family, case.id, Outcome.INEXPRESSIBLE, str(refusal))
    except Exception as error:  # one broken case must not keep the others from being run
        problems = [f"{type(error).__name__}: {error}"]
    return Result(case.family, case.id, Outcome.FAILED, "; ".join(problems))


def run_folder(folder: Path, setting: Setting | None = None) -> list[Result]:
    """Run all cases of all files of a folder.

    Raises
    ------
    WorkbenchError
        If the folder has no JSON files.
    """
    results = []
    for path in case_files(folder):
        try:
            cases = read_file(path)
        except WorkbenchError as error:
            results.append(Result(path.stem, path.name, Outcome.FAILED, str(error)))
        else:
            results += [run_case(case, setting) for case in cases]
    return results


def case_files(folder: Path) -> list[Path]:
    """List the files of a folder, by name.

    Raises
    ------
    WorkbenchError
        If it has none.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise WorkbenchError(
            f"no conformance cases: {folder}",
            detail="there is no such folder, or no .json file in it",
            hint="give the folder that holds the files of cases",
        )
    return paths


def report(results: Iterable[Result]) -> list[str]:
    """Write a table of outcomes by family, then each case that did not pass, then the closing line.

    Examples
    --------
    >>> for line in report([Result("edge", "empty", Outcome.PASSED)]):
    ...     print(line)
    family            passed   failed  different by decision  not yet expressible
    edge                   1        0                      0                    0
    all                    1        0                      0                    0
    <BLANKLINE>
    1 passed, 0 failed
    """
    results = list(results)
    families = dict.fromkeys(result.family for result in results)
    width = max([16, *(len(family) for family in families)])
    lines = [f"{'family':{width}}  " + "  ".join(f"{each.value:>6}" for each in Outcome)]
    for family in (*families, "all"):
        counts = Counter(each.outcome for each in results if family in (each.family, "all"))
        cells = (f"{counts[each]:>{max(6, len(each.value))}}" for each in Outcome)
        lines.append(f"{family:{width}}  " + "  ".join(cells))
    for outcome in (Outcome.FAILED, Outcome.DIFFERENT, Outcome.INEXPRESSIBLE):
        named = [f"  {each.family}/{each.id}: {each.reason}" for each in results
                 if each.outcome is outcome]  # fmt: skip
        if named:
            lines += ["", f"{outcome.value}:", *named]
    counts = Counter(each.outcome for each in results)
    return [*lines, "", f"{counts[Outcome.PASSED]} passed, {counts[Outcome.FAILED]} failed"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases of a folder and print the report; 1 if a case failed, 2 if there are none."""
    parser = argparse.ArgumentParser(prog="workbench.testing.conformance", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds files of cases (schema evtconf/1)")
    try:
        results = run_folder(parser.parse_args(arguments).folder)
    except WorkbenchError as error:
        print(error)
        return 2
    print("\n".join(report(results)))
    return int(any(result.outcome is Outcome.FAILED for result in results))


def _problems(case: Case, setting: Setting) -> list[str]:
    """Play a case's script, and say what did not come as expected."""
    driver = driver_for(case, setting)
    problems = []
    for number, step in enumerate(case.script, start=1):
        if "expect" in step:
            problems += [f"step {number}: {each}" for each in _unmet(driver, step["expect"])]
        else:
            driver.take(step)
    if not case.op.get("ignore_unchecked"):
        remains = [row for name in UNCHECKED if name in driver.fields for row in driver.give(name)]
        problems += [f"at the end: too many {row}" for row in remains]
    return problems


def _unmet(driver: Driver, expect: Mapping[str, Any]) -> list[str]:
    """Say what of one ``expect`` did not come."""
    found = []
    for field, wanted in expect.items():
        if field == "ordered":
            continue
        got = driver.give(field)
        if field == "assigned":
            wanted, got = [sorted(each) for each in wanted], [sorted(each) for each in got]
        if field in ("out", "late", "rejected"):
            ordered = field == "out" and expect.get("ordered", False)
            found += [f"{field}: {each}" for each in row_differences(wanted, got, ordered=ordered)]
        elif not (got == wanted or same(got, wanted)):
            found.append(f"{field}: {got}, but expected {wanted}")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
