"""docs/aggregates.md says what the code does."""

import math
import os
import re
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.model.aggregates import FUNCTIONS, SEVERAL

PAGE = (Path(__file__).parents[3] / "docs" / "aggregates.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]
HEADER, *TABLE = ROWS
NOTHING = {"null": None, "an empty list": [], "the rows": 2, "0": 0, "1": 1, "True": True, "False": False}


def told(name, column):
    """Aggregate a column, and give what is in the first output."""
    known = FUNCTIONS.get(name)
    argument = {"share": (0.5,), "number": (2,)}.get(known.argument, ()) if known else ()
    of = ["v", "v"] if known and known.columns == 2 else "v"
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-05", "2026-01-05"]), "v": column})
    panes = wb.stream(frame, time="t", watermark=0).window("1min").agg(x=(of, name, *argument)).to_pandas()
    return panes.filter(regex="^x").iloc[:, 0]


def test_every_aggregate_has_its_line():
    assert HEADER[:5] == ["name", "what it gives", "int64", "float64", "nothing"]
    assert sorted(name.strip("`") for name, *_ in TABLE) == sorted([*FUNCTIONS, *SEVERAL])
    assert all(len(row) == len(HEADER) and all(row) for row in TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_types_and_nothing_are_as_the_page_says(row):
    name, _, integers, floats, nothing, *_ = row
    name = name.strip("`")
    if name in FUNCTIONS and not FUNCTIONS[name].installed and os.environ.get("CI") != "true":
        pytest.skip("needs datasketches, an extra (in CI it must be there)")
    assert str(told(name, [1, 2]).dtype) == integers
    assert str(told(name, [1.5, 2.5]).dtype) == floats
    (value,) = told(name, pd.Series([None, None], dtype="float64"))
    assert math.isnan(value) if nothing == "null" else value == NOTHING[nothing]


def test_the_page_names_what_there_is():
    for name in re.findall(r"wb\.(\w+)", PAGE):
        assert hasattr(wb, name)
