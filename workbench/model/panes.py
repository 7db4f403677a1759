"""How results are told: the columns of a pane table.

A pane is one firing of one window of one key. A pane table has the columns ``window_start, window_end``
(datetimes in the unit and zone of the input's event time, the interval half-open), the keys, the aggregates,
``timing`` and ``revision``; its order is by ``window_end``, then keys, then revision. Where panes are
retracted, ``retraction`` says whether a pane takes back one that was told before.
"""

from __future__ import annotations

from typing import Final

WINDOW_START: Final = "window_start"
WINDOW_END: Final = "window_end"
TIMING: Final = "timing"
REVISION: Final = "revision"
RETRACTION: Final = "retraction"
RETAINED: Final = (WINDOW_START, WINDOW_END, TIMING, REVISION, RETRACTION)
"""Names that keys and aggregates may not take."""

EARLY: Final = "early"
ON_TIME: Final = "on_time"
LATE: Final = "late"
TIMINGS: Final = (EARLY, ON_TIME, LATE)
"""Before the watermark passed the window's end, when it did, and after."""

LATE_BY: Final = "late_by"
WATERMARK: Final = "watermark"
"""Columns added to a late row: by how much it was late, and the watermark that it met."""
