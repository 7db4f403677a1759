"""Lag: beside each row the values of an earlier row of its key; process(batch) -> frame, late.

The way of a batch through here: rows wait until the watermark has passed them and leave in the order of event
time; each finds the row so many places before it in the history of its key, and becomes part of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.engine.history import History, Ints, LookingBack
from workbench.errors import DescriptionError


class Lag(LookingBack):
    """Gives each row the values that some columns had `n` rows before, in its key and in event time.

    Known as ``groupby().shift(n)`` in pandas, ``LAG(column, n) OVER (PARTITION BY key ORDER BY time)`` in
    SQL, Flink SQL and Spark (batch only); in Beam one writes it with state.

    Event time alone decides, not the order of arrival: a row is told when the watermark less the lateness has
    passed it, since until then a row before it may come. Of equal times, the first to arrive comes first. A
    row behind the watermark less the lateness is late: rows after it have been told.

    Parameters
    ----------
    keys : sequence of str
        Key columns; none for one order of all rows. Null is a key of its own.
    columns : mapping of str to str
        Each output column, and the column that it looks back in.
    n : int
        How many rows back, at least 1.
    ttl : int or None
        Time-to-live: nanoseconds of event time, inclusive, after which a row is forgotten; what would have
        been found there is null. None remembers the last `n` rows of every key ever seen, to the end.
    lateness : int
        Nanoseconds that a row may come behind the watermark; all wait as much longer.
    time_dtype : datetime dtype
        Its zone is that of the ``watermark`` of late rows.

    Notes
    -----
    A batch costs a sort of the rows told, a few binary searches a row, and a few array operations in the rows
    held. State is bounded by the rows ahead of the watermark less the lateness, which wait whole, and by `n`
    rows for each key with a row within `ttl`; without `ttl`, for each key.

    The first rows of a key have null; integers become ``Int64`` and the like, booleans ``boolean``, whether
    or not there are nulls among them, so that all batches have the same dtypes.

    Examples
    --------
    >>> from workbench.engine.progress import Progress
    >>> lag, progress = Lag(keys=["user"], columns={"before": "page"}), Progress(bound=5)
    >>> frame = pd.DataFrame({"user": ["a", "b", "a", "a"], "page": [2, 7, 1, 3]}, index=pd.RangeIndex(1, 5))
    >>> _ = lag.process(frame, progress.stamp(np.array([12, 13, 10, 14])))
    >>> lag.process(frame[:0], progress.advance(14)).frame
      user  page  before
    1    a     1    <NA>
    2    a     2       1
    3    b     7    <NA>
    """

    def __init__(
        self,
        *,
        keys: Sequence[str] = (),
        columns: Mapping[str, str],
        n: int = 1,
        ttl: int | None = None,
        lateness: int = 0,
        time_dtype: Any = "datetime64[ns]",
    ) -> None:
        if not columns:
            raise DescriptionError("nothing to look back at", hint="give columns={'previous': 'price'}")
        if n < 1:
            raise DescriptionError(
                f"a lag is of at least one row, but n is {n!r}",
                detail="a row finds itself at 0, and what comes after it is not known yet",
            )
        if ttl is not None and ttl < 0:
            raise DescriptionError(f"the time-to-live must be at least zero, but is {ttl!r}")
        self.columns, self.n = dict(columns), n
        super().__init__(
            History(keys, [*columns.values()], rows=n, reach=ttl),
            outputs=columns,
            lateness=lateness,
            time_dtype=time_dtype,
            described=(tuple(keys), self.columns, n, ttl, lateness),
        )

    def _looked(self, at: Ints) -> dict[str, pd.Series]:
        """Give what the rows before had."""
        before = at - self.n
        found = self.history.take(np.where(before >= self.history.first(at), before, -1), nullable=True)
        return {output: found[column] for output, column in self.columns.items()}
