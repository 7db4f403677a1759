"""An operator at work whose step is described anew: what it can take over without beginning again."""

from __future__ import annotations

from workbench.engine.door import Door
from workbench.engine.operators import Windows
from workbench.engine.outcomes import Operator
from workbench.model.steps import Aggregated, Date, Step
from workbench.model.watermarks import BoundedOutOfOrderness


def adopt(operator: Operator, step: Step) -> None:
    """Let an operator go on with the bound, or lateness, of a step; rows before met the one that there was.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> from workbench.engine.operators import operator_for
    >>> rows = pd.DataFrame({"t": pd.to_datetime([50, 60], unit="s")})
    >>> first, second = (wb.stream(rows, time="t", watermark=bound).step for bound in ("5s", "20s"))
    >>> door = operator_for(first)
    >>> door.process(rows[:1]).stamp.watermark // 10**9
    45
    >>> adopt(door, second)
    >>> door.process(rows[1:]).stamp.watermark // 10**9
    45
    """
    if isinstance(operator, Door) and isinstance(step, Date):
        if isinstance(step.watermark, BoundedOutOfOrderness):
            operator.change_policy(step.watermark)
    elif isinstance(operator, Windows) and isinstance(step, Aggregated):
        operator.operator.change_lateness(step.lateness)
