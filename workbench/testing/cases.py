"""Conformance cases as data (schema ``evtconf/1``): reading them, and comparing rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.testing.compare import same

SCHEMA = "evtconf/1"
MISSING = "nothing"


@dataclass(frozen=True, eq=False)
class Case:
    """One case: an operator's description, and a script of what happens to it.

    Parameters
    ----------
    family, id : str
        The file that it comes from, and its name.
    op : mapping
        What is tested, by ``kind``.
    script : sequence of mapping
        The steps, in order; all times are milliseconds since 1970-01-01 UTC.
    """

    family: str
    id: str
    op: Mapping[str, Any]
    script: Sequence[Mapping[str, Any]]

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Give the rows of all steps."""
        for step in self.script:
            yield from step.get("rows", ())

    def expected(self) -> Iterator[tuple[str, Any]]:
        """Give all that is expected, as (field, value)."""
        for step in self.script:
            yield from step.get("expect", {}).items()


def read_file(path: Path) -> list[Case]:
    """Read the cases of one file.

    Raises
    ------
    WorkbenchError
        If it is not a file of this schema.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise WorkbenchError(f"schema: {content['schema']}", hint=f"this runner reads {SCHEMA}")
        family = content["family"]
        return [Case(family, each["id"], each["op"], each["script"]) for each in content["cases"]]
    except (ValueError, KeyError, TypeError) as error:
        raise WorkbenchError(
            f"not a file of cases: {path.name}",
            detail=f"{type(error).__name__}: {error}",
            hint=f"it should be JSON with schema {SCHEMA!r}, family and cases",
        ) from None


def row_differences(
    expected: Sequence[Mapping[str, Any]], actual: Sequence[Mapping[str, Any]], *, ordered: bool
) -> list[str]:
    """Say which rows are missing and which are too many; expected rows name only what they check.

    Examples
    --------
    >>> row_differences([{"v": 1}, {"v": 1, "k": "a"}], [{"v": 1, "k": "a"}, {"v": 1, "k": "b"}],
    ...                 ordered=False)
    []
    """
    if ordered:
        fits = [[number] for number in range(len(expected))]
    else:
        fits = [list(range(len(actual))) for _ in expected]
    fits = [
        [number for number in numbers if number < len(actual) and _fits(row, actual[number])]
        for row, numbers in zip(expected, fits, strict=True)
    ]
    taken: dict[int, int] = {}
    missing = [row for row, _ in enumerate(expected) if not _seat(row, fits, taken, set())]
    found = [f"missing {expected[row]}" for row in missing]
    return found + [f"too many {dict(row)}" for number, row in enumerate(actual) if number not in taken]


def _fits(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    return all(same(actual.get(name, MISSING), value) for name, value in expected.items())


def _seat(row: int, fits: Sequence[Sequence[int]], taken: dict[int, int], tried: set[int]) -> bool:
    """Find an actual row for an expected one, moving others where needed (bipartite matching)."""
    for number in fits[row]:
        if number not in tried:
            tried.add(number)
            if number not in taken or _seat(taken[number], fits, taken, tried):
                taken[number] = row
                return True
    return False
