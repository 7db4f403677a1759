"""Parquet files; needs pyarrow."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import pandas as pd


class Parquet:
    """A Parquet file with a row group a frame, compressed; made when the first frame comes."""

    def __init__(self, to: Any) -> None:
        self._to = to
        self._writer: Any = None

    def write(self, frame: pd.DataFrame) -> None:
        """Write the rows of a frame; columns and dtypes are those of the first."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._to, table.schema, compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
