"""How conformance cases are put to the running watermark itself, without any operator after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from workbench.testing.cases import Case
from workbench.testing.drivers import Driver, Setting, unknown
from workbench.testing.policies import MILLISECOND, STEPS, CaseWatermark, watermark_refusals
from workbench.time import NO_WATERMARK


class WatermarkDriver(Driver):
    """The watermark of one source, or of several partitions or sources together."""

    steps = ("rows", "snapshot", "expect", *STEPS)
    fields = ("watermark", "idle")

    def __init__(self, case: Case, setting: Setting) -> None:
        super().__init__(case, setting)
        self.watermarks = CaseWatermark(case.op["policy"], case.script)

    def refusals(self) -> Iterator[str]:
        """Give what cannot be said of the policy."""
        yield from unknown(self.case.op, ("kind", "policy", "ignore_unchecked"))
        yield from watermark_refusals(self.case.op["policy"], self.case.script)

    def take(self, step: Mapping[str, Any]) -> None:
        """Do a step."""
        if "snapshot" in step:
            self.watermarks.restart()
        elif "rows" not in step:
            self.watermarks.move(step)
        else:
            rows = step["rows"]
            size = 1 if self.setting.row_by_row else max(len(rows), 1)
            for start in range(0, len(rows), size):
                some = rows[start : start + size]
                moments = [NO_WATERMARK if row["t"] is None else row["t"] * MILLISECOND for row in some]
                self.watermarks.stamp(some, np.array(moments, dtype=np.int64), step)

    def give(self, field: str) -> Any:
        """Tell the watermark, or whether all is idle, as it is now."""
        return getattr(self.watermarks, field)
