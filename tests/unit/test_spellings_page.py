"""docs/spellings.md: every spelling of ours runs, and has the values of pandas' where there is one."""

import re
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import workbench as wb

PAGE = (Path(__file__).parents[2] / "docs" / "spellings.md").read_text(encoding="utf-8")
NONE = "–"
HEADER = ["pandas", "Flink SQL", "Beam (Python)", "Spark", "here"]
LINES = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| pandas |")
]


def code(cell):
    """Give the expression of a cell that holds nothing else."""
    return re.fullmatch(r"`([^`]+)`", cell)[1]


ROWS = [pytest.param(cells[0], code(cells[-1]), id=code(cells[-1])) for cells in LINES]
BY_PANDAS = [row for row in ROWS if row.values[0] != NONE]


@pytest.fixture(scope="module")
def names():
    """The tables and functions that the page begins with."""
    space = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], space)
    return space


def flat(result, ours):
    """Bring a result of pandas into columns; times in its index are starts of windows, if ours has them."""
    frame = result.to_frame() if isinstance(result, pd.Series) else result
    if isinstance(frame.columns, pd.MultiIndex):
        frame = frame.set_axis(["_".join(names) for names in frame.columns], axis="columns")
    for level, name in [*enumerate(frame.index.names)][::-1]:
        frame = frame.reset_index(level, drop=name is None)
    return frame if "t" in ours else frame.rename(columns={"t": "window_start"})


def comparable(frame, columns):
    """Bring rows into an order, with one dtype for all numbers."""
    some = frame[columns].convert_dtypes(dtype_backend="numpy_nullable")
    numbers = some.select_dtypes("number").columns
    some = some.astype(dict.fromkeys(numbers, "Float64"))
    return some.sort_values(columns, key=lambda column: column.astype(str)).reset_index(drop=True)


def test_the_page_has_its_shape():
    headers = [line for line in PAGE.splitlines() if line.startswith("| pandas |")]
    assert {tuple(line.strip("| ").split(" | ")) for line in headers} == {tuple(HEADER)}
    assert len(LINES) >= 40
    assert all(len(cells) == len(HEADER) and all(cells) for cells in LINES)


@pytest.mark.parametrize(("_", "here"), ROWS)
def test_ours_runs(names, _, here):
    result = eval(here, names)
    assert isinstance(result, wb.EventStream)
    assert len(result.to_pandas()) > 0


@pytest.mark.parametrize(("pandas", "here"), BY_PANDAS)
def test_ours_has_the_values_of_pandas(names, pandas, here):
    ours = eval(here, names).to_pandas()
    theirs = flat(eval(code(pandas), names), ours)
    columns = [*theirs.columns]
    assert set(columns) <= set(ours.columns)
    assert_frame_equal(comparable(ours, columns), comparable(theirs, columns))


@pytest.mark.parametrize(
    "here", [row.values[1] for row in ROWS if "early=" in row.id or "trigger=" in row.id]
)
def test_triggers_do_not_change_what_comes_in_the_end(names, here):
    panes = eval(here, names).to_pandas()
    if "discarding" in here:
        panes["total"] = panes.groupby("window_start")["total"].cumsum()
    elif "retraction" in panes:
        panes = panes[~panes["retraction"]]
    last = panes.drop_duplicates("window_start", keep="last")
    assert last["total"].tolist() == [350, 250, 450]


def test_the_page_names_what_there_is():
    for name in re.findall(r"\bwb\.(\w+)", PAGE):
        assert hasattr(wb, name)


def test_the_comparison_tells_rows_apart():
    frame = pd.DataFrame({"k": ["a", "b"], "v": [1, 2]})
    other = frame.assign(v=[1, 3])
    assert_frame_equal(comparable(frame, ["v"]), comparable(frame[::-1].astype({"v": float}), ["v"]))
    with pytest.raises(AssertionError):
        assert_frame_equal(comparable(frame, ["k", "v"]), comparable(other, ["k", "v"]))
    with pytest.raises(AssertionError):
        assert_frame_equal(comparable(frame, ["k"]), comparable(frame[:1], ["k"]))
