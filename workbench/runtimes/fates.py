"""What may become of a row that comes to windows, by the watermark that it meets."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.engine.ranges import shift
from workbench.engine.shapes import shape_of
from workbench.model.windows import Count, Global, Session, Window
from workbench.time import Nanos

FATES: Final = ("on_time", "late_accepted", "too_late", "rejected")
"""What may become of a row: a window of it was open; all had closed, but within the lateness; no window took
it any more; or it was in no window, or in one whose trigger had finished."""

ON_TIME_ROW, LATE_ACCEPTED, TOO_LATE, REFUSED = range(4)

Codes = npt.NDArray[np.int8]


def fates_of(window: Window | None, times: Nanos, met: Nanos) -> Codes:
    """Say for which rows all windows had closed when they came: they are late, whether accepted or not.

    Of sessions that is the one that the row would make alone; without windows, those behind the watermark.

    Examples
    --------
    >>> from workbench.model.windows import Tumbling
    >>> fates_of(Tumbling(10e-9), np.array([5, 15, 6]), np.array([0, 5, 15])).tolist()
    [0, 0, 1]
    """
    fates = np.zeros(len(times), dtype=np.int8)
    behind = np.flatnonzero(met > times)  # no window ends before its rows
    if window is None:
        fates[behind] = LATE_ACCEPTED
    elif len(behind) and not isinstance(window, Count | Global):
        fates[behind[last_ends(window, times[behind]) <= met[behind]]] = LATE_ACCEPTED
    return fates


def last_ends(window: Window, times: Nanos) -> Nanos:
    """Give the end of the last window of each row; of sessions, of the one that it makes alone."""
    if isinstance(window, Session):
        return shift(times, window.gap)
    assert not isinstance(window, Count)
    shape = shape_of(window)
    return shape.end(shape.windows_of(shape.slice_of(times))[1])
