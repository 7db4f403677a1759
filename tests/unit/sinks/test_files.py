"""Rows that were written piece by piece are read back as they were."""

import importlib.util
import io
import json

import pandas as pd
import pytest

from simulators import Clickstream
from workbench.errors import DescriptionError
from workbench.sinks.files import format_of, writer

PYARROW = importlib.util.find_spec("pyarrow") is not None
needs_pyarrow = pytest.mark.skipif(not PYARROW, reason="pyarrow is not here; make arrow has it")


def pieces():
    clicks = Clickstream(seed=7, sessions_per_second=2)
    return [clicks.block_arrivals(block) for block in range(3)]


def test_csv(tmp_path):
    path = tmp_path / "clicks.csv"
    with writer(path, "csv") as out:
        for piece in pieces():
            out.write(piece)
    told, given = pd.read_csv(path), pd.concat(pieces(), ignore_index=True)
    assert told["event_id"].tolist() == given["event_id"].tolist()
    assert pd.to_datetime(told["arrival_time"]).tolist() == given["arrival_time"].tolist()


def test_json_lines(tmp_path):
    path = tmp_path / "clicks.jsonl"
    with writer(path, "jsonl") as out:
        for piece in [pieces()[0][:0], *pieces()]:
            out.write(piece)
    told, given = pd.read_json(path, lines=True), pd.concat(pieces(), ignore_index=True)
    assert len(told) == len(given) == len(path.read_text().splitlines())
    assert told["action"].tolist() == given["action"].tolist()
    assert pd.to_datetime(told["event_time"]).tolist() == given["event_time"].tolist()


def test_json_lines_keep_small_numbers(tmp_path):
    numbers = pd.DataFrame({"v": [1e-12, 0.123456789012345, 1.5]})
    with writer(tmp_path / "numbers.jsonl", "jsonl") as out:
        out.write(numbers)
    told = [json.loads(line)["v"] for line in (tmp_path / "numbers.jsonl").read_text().splitlines()]
    assert told == numbers["v"].tolist()


@needs_pyarrow
def test_parquet(tmp_path):
    path = tmp_path / "clicks.parquet"
    with writer(path, "parquet") as out:
        for piece in pieces():
            out.write(piece)
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.concat(pieces(), ignore_index=True))


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        DescriptionError, match="Parquet needs pyarrow, which is not installed\nHint: pip install"
    ):
        writer(tmp_path / "clicks.parquet", "parquet")


def test_an_open_file_stays_open():
    told = io.StringIO()
    with writer(told, "csv") as out:
        out.write(pd.DataFrame({"v": [1]}))
        out.write(pd.DataFrame({"v": [2]}))
    assert told.getvalue() == "v\n1\n2\n"


def test_a_name_without_a_format_is_an_error():
    assert format_of("A.CSV") == "csv"
    with pytest.raises(
        DescriptionError, match=r"the name 'clicks\.xlsx' says no format\nDetail: it should end with"
    ):
        format_of("clicks.xlsx")
