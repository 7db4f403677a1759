"""Every notebook runs from its first cell to its last, and is committed without outputs."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path for path in FOLDER.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def name(path):
    return str(path.relative_to(FOLDER))


def test_there_are_notebooks():
    assert FOLDER / "learn" / "00_ten_minutes.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_it_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_it_shows_pictures_in_the_way_that_asks_the_internet_for_nothing(path):
    sources = "".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert not re.search(r"\b(hv|pn|panel|holoviews)\.extension|output_notebook|load_notebook", sources)


@pytest.mark.filterwarnings("default")  # 2026-11: nbclient and jupyter_client warn of their own internals
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_it_runs(path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    errors = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]
    assert errors == []
