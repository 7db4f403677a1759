"""Runs conformance cases kept as data: ``python -m workbench.testing.conformance FOLDER [--page PAGE]``.

Every case of every file gets one of four outcomes; none is passed over in silence. *Passed* and
*failed* say whether all that was expected came, and nothing else. *Different by decision* is a case
that fails, and passes as soon as a decision of ours (`DECISIONS`) is undone, so that nothing but
the decision makes the difference. *Not yet expressible* names what the workbench lacks. A page tells
the families, the differences and the decisions.
"""

from __future__ import annotations

import argparse
import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.testing.cases import Case, read_file, row_differences
from workbench.testing.compare import same
from workbench.testing.decisions import DECISIONS, SETTLED, Decision
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
    """The outcome of one case, the reason where it did not pass, and the decision where that is one."""

    family: str
    id: str
    outcome: Outcome
    reason: str = ""
    decision: Decision | None = None


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
        said = _unsettled(case)
        problems = _problems(said, setting)
        if not problems:
            return Result(case.family, case.id, Outcome.PASSED)
        for decision in DECISIONS:
            if decision.applies(case.op) and not _problems(said, decision.undo(setting)):
                return Result(case.family, case.id, Outcome.DIFFERENT, decision.reason, decision)
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


FAMILIES: Mapping[str, str] = {
    "assign": "which windows a row belongs to: tumbling, sliding, cumulating",
    "calendar": "months, weeks and days of a time zone, across changes of the clocks",
    "cep": "patterns, as Flink's CEP and as `MATCH_RECOGNIZE`",
    "dataflow-figures": "the figures of the Dataflow model: one input, many triggers",
    "edge": "boundaries, nulls, times before 1970",
    "flink-window-operator": "Flink's window operator: lateness, merging sessions",
    "joins": "interval, window and as-of joins",
    "kafka": "final results only",
    "sessions": "sessions in any order of rows",
    "topn-dedup": "top-n, deduplication, sorting",
    "triggers": "Beam's triggers and accumulation",
    "watermarks": "policies, partitions, idleness, late rows",
    "windows": "aggregates of tumbling, sliding, cumulating and count windows",
}
"""What the cases of a family are about; a family without a line here is told with a dash."""

MOST_DIFFERENT = 0.05
"""The greatest share of the cases that may be different by decision."""

_PAGE = """\
# Conformance

Cases of event-time semantics, kept as data, from the test suites and published examples of Apache Beam,
Flink, Spark, Kafka Streams, Bytewax, Quix Streams, Pathway, RisingWave, pandas, Polars and the figures of the
Dataflow model. A case says what is described, what happens, and all that must come of it. This page is
written by the runner, from what it found; a test compares the two:

```sh
python -m workbench.testing.conformance FOLDER --page docs/conformance.md
```

A case is *passed* if all that it expects has come, and nothing else. It is *different by decision* if it
fails, and passes as soon as a decision of ours is undone, so that nothing but the decision makes the
difference. The engine's slow twin (`workbench/testing/oracle.py`) is put to the same cases.

## Families

{families}

{share} of the cases are different by decision ({different} of {cases}); at most {most} may be.

## Deliberate differences

{differences}

## Decisions on which engines differ

All that the runner may find different, whether one of the cases above takes the other side or not. Where a
boundary can be chosen (rows exactly a gap apart, inclusive bounds, empty panes, atomic batches), both sides
are supported and no case is different.

{decisions}
"""


def different_share(results: Sequence[Result]) -> float:
    """Give the share of the cases that are different by decision, from 0 to 1."""
    different = sum(result.outcome is Outcome.DIFFERENT for result in results)
    return different / len(results) if results else 0.0


def page(results: Sequence[Result]) -> str:
    """Write the page of what became of the cases, as Markdown.

    Examples
    --------
    >>> print(page([Result("kafka", "final", Outcome.PASSED)]))
    # Conformance
    ...
    | kafka | final results only | 1 | 1 | 0 | 0 | 0 |
    ...
    0.0 percent of the cases are different by decision (0 of 1); at most 5 percent may be.
    ...
    """
    different = [result for result in results if result.outcome is Outcome.DIFFERENT]
    return _PAGE.format(
        families=_families(results),
        share=f"{different_share(results):.1%}".replace("%", " percent"),
        most=f"{MOST_DIFFERENT:.0%}".replace("%", " percent"),
        different=len(different),
        cases=len(results),
        differences=_differences(different),
        decisions=_decisions(different),
    )


def _families(results: Sequence[Result]) -> str:
    names = dict.fromkeys(result.family for result in results)
    rows = []
    for family in (*names, "all"):
        counts = Counter(each.outcome for each in results if family in (each.family, "all"))
        about = "" if family == "all" else FAMILIES.get(family, "–")
        rows.append((family, about, counts.total(), *(counts[each] for each in _COLUMNS)))
    return _table(("family", "about", "cases", *(each.value for each in _COLUMNS)), rows)


_COLUMNS = (Outcome.PASSED, Outcome.DIFFERENT, Outcome.FAILED, Outcome.INEXPRESSIBLE)


def _differences(different: Sequence[Result]) -> str:
    rows = [(f"{each.family}/{each.id}", *_told(each.decision)) for each in different if each.decision]
    return _table(("case", "elsewhere", "here", "decision"), rows) if rows else "None."


def _decisions(different: Sequence[Result]) -> str:
    counts = Counter(each.reason for each in different)
    rows = [(each.differs, *_told(each), counts[each.reason]) for each in DECISIONS]
    return _table(("a case that differs asks for", "elsewhere", "here", "decision", "cases"), rows)


def _told(decision: Decision) -> tuple[str, str, str]:
    """Tell what others do, what we do, and where that was decided."""
    return decision.elsewhere, decision.here, f"decisions about time: [{decision.name}]({decision.page})"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |".replace("|  |", "| |") for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases of a folder, print the report, write the page; 1 if a case failed, 2 if none is there."""
    parser = argparse.ArgumentParser(prog="workbench.testing.conformance", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds files of cases (schema evtconf/1)")
    parser.add_argument("--page", type=Path, help="where to write the page of the results (Markdown)")
    options = parser.parse_args(arguments)
    try:
        results = run_folder(options.folder)
    except WorkbenchError as error:
        print(error)
        return 2
    if options.page:
        options.page.write_text(page(results), encoding="utf-8")
    print("\n".join(report(results)))
    return int(any(result.outcome is Outcome.FAILED for result in results))


def _unsettled(case: Case) -> Case:
    """Leave out the options of a case that a decision has settled."""
    settled = SETTLED.get(case.op["kind"], ())
    return replace(case, op={name: value for name, value in case.op.items() if name not in settled})


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
