"""Files of rows: CSV, JSON lines and Parquet, written piece by piece."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import pandas as pd

from workbench.errors import DescriptionError

FORMATS = {"csv": (".csv",), "jsonl": (".jsonl", ".ndjson", ".json"), "parquet": (".parquet", ".pq")}
"""Formats by name, and how the names of such files end."""


class Writer(Protocol):
    """Writes frames of the same columns, one behind the other; to be used as a context."""

    def write(self, frame: pd.DataFrame) -> None:
        """Write the rows of a frame."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def format_of(path: str) -> str:
    """Give the format that the name of a file says.

    Raises
    ------
    DescriptionError
        If it says none.

    Examples
    --------
    >>> format_of("clicks.parquet"), format_of("clicks.ndjson")
    ('parquet', 'jsonl')
    """
    ending = Path(path).suffix.lower()
    found = next((name for name, endings in FORMATS.items() if ending in endings), None)
    if found is None:
        raise DescriptionError(
            f"the name {path!r} says no format",
            detail=f"it should end with {', '.join(sum(FORMATS.values(), ()))}",
            hint="or name the format: --format csv",
        )
    return found


def writer(to: Any, format: str) -> Writer:
    r"""Begin a file.

    Parameters
    ----------
    to : str, path or file
        Where to write; of a file that is open already, text for CSV and JSON lines, bytes for Parquet.
    format : str
        One of ``csv``, ``jsonl`` (one JSON object a line, times in ISO 8601) and ``parquet`` (needs pyarrow).

    Examples
    --------
    >>> import io
    >>> told = io.StringIO()
    >>> with writer(told, "jsonl") as out:
    ...     out.write(pd.DataFrame({"t": pd.to_datetime(["2026-01-05"]), "v": [1.5]}))
    >>> told.getvalue()
    '{"t":"2026-01-05T00:00:00.000000","v":1.5}\n'
    """
    if format == "parquet":
        if importlib.util.find_spec("pyarrow") is None:
            raise DescriptionError(
                "Parquet needs pyarrow, which is not installed",
                hint="pip install 'streaming-workbench[parquet]', or write CSV or JSON lines",
            )
        from workbench.sinks.parquet import Parquet

        return Parquet(to)
    return (_Csv if format == "csv" else _JsonLines)(to)


class _Text:
    """A text file; what was handed over open stays open."""

    def __init__(self, to: Any) -> None:
        self._own = not hasattr(to, "write")
        opened: Any = Path(to).open("w", encoding="utf-8", newline="") if self._own else to  # noqa: SIM115
        self._file: IO[str] = opened

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own:
            self._file.close()
        else:
            self._file.flush()


class _Csv(_Text):
    _begun = False

    def write(self, frame: pd.DataFrame) -> None:
        frame.to_csv(self._file, index=False, header=not self._begun, lineterminator="\n")
        self._begun = True


class _JsonLines(_Text):
    def write(self, frame: pd.DataFrame) -> None:
        if len(frame):
            lines = frame.to_json(
                orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15
            )
            self._file.write(lines if lines.endswith("\n") else lines + "\n")
