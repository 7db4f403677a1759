"""A pipeline with some of its steps changed: another description, since steps themselves never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.errors import DescriptionError
from workbench.model.steps import Aggregated, Apply, Date, Output, Step, require_dated
from workbench.model.stream import EventStream
from workbench.model.triggers import DEFAULT, require_lossless
from workbench.model.watermarks import BoundedOutOfOrderness, Watermark
from workbench.model.windows import Count, Global, Window
from workbench.time import spell


def rewritten(
    streams: Mapping[str, EventStream], changed: Mapping[Step, Step]
) -> tuple[dict[str, EventStream], dict[Step, Step]]:
    """Give streams with some of their steps changed; what they share they still share.

    Parameters
    ----------
    streams : mapping of str to EventStream
        As they are.
    changed : mapping of Step to Step
        By step: what is to be in its place; the steps before it are seen to here.

    Returns
    -------
    streams : dict of str to EventStream
        As they become.
    steps : dict of Step to Step
        By each step of theirs: what has become of it; the same where nothing before it has changed.

    Raises
    ------
    DescriptionError
        If a step cannot follow what is before it any more.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> rows = wb.stream(pd.DataFrame({"t": pd.to_datetime([1], unit="s")}), time="t", watermark="5s")
    >>> longer = replace(rows.step, watermark=with_bound(rows.step.watermark, 7_000_000_000))
    >>> streams, steps = rewritten({"some": rows.query("True")}, {rows.step: longer})
    >>> print(streams["some"].explain())
    frame      read frame
    watermark  event time t, BoundedOutOfOrderness('7s')
    query      query('True')
    """
    steps: dict[Step, Step] = {}

    def become(step: Step) -> Step:
        if step not in steps:
            before = tuple(map(become, step.upstreams))
            same = all(one is other for one, other in zip(before, step.upstreams, strict=True))
            made = changed.get(step, step)
            steps[step] = made if same else replace(made, upstreams=before)
        return steps[step]

    made = {name: replace(stream, step=become(stream.step)) for name, stream in streams.items()}
    for step, now in steps.items():
        for before, other in zip(step.upstreams, now.upstreams, strict=True):
            if before.dated and not isinstance(step, Apply | Output):
                require_dated(other, step.name)
    return made, steps


def with_bound(policy: Watermark, bound: int) -> BoundedOutOfOrderness:
    """Give a policy with another bound of disorder.

    Raises
    ------
    DescriptionError
        If it has none.

    Examples
    --------
    >>> with_bound(BoundedOutOfOrderness("10s", by="sensor"), 5_000_000_000)
    BoundedOutOfOrderness('5s', by='sensor')
    """
    if not isinstance(policy, BoundedOutOfOrderness):
        raise DescriptionError(
            f"{policy!r} has no bound",
            detail="its rows say themselves what the watermark is",
            hint="describe the stream with watermark='10s' to have one",
        )
    options: dict[str, Any] = {"by": policy.by, "advance_with_clock": policy.advance_with_clock}
    options |= {
        name: None if (value := getattr(policy, name)) is None else spell(value)
        for name in ("idle", "max_ahead")
    }
    return BoundedOutOfOrderness(spell(bound), **options)


def with_windows(
    step: Aggregated, *, window: Window | None = None, lateness: int | None = None
) -> Aggregated:
    """Give windows of another size or kind, or that accept late rows for another time.

    Raises
    ------
    DescriptionError
        If window, lateness and trigger do not go together.
    """
    made = replace(
        step,
        window=step.window if window is None else window,
        lateness=step.lateness if lateness is None else lateness,
    )
    if made.lateness and isinstance(made.window, Count | Global):
        raise DescriptionError(
            f"{made.window!r} has no lateness",
            detail="no row is ever late for it",
            hint="give lateness=0 too",
        )
    if made.trigger != DEFAULT and isinstance(made.window, Count):
        raise DescriptionError(
            f"{made.window!r} has no trigger", detail=f"{step.name!r} has {made.trigger!r}"
        )
    require_lossless(made.trigger, made.window, made.lateness)
    return made


def bound_of(step: Step) -> int | None:
    """Give the bound of a step that dates rows, in nanoseconds; None if it has none.

    Examples
    --------
    >>> import pandas as pd, workbench as wb
    >>> bound_of(wb.stream(pd.DataFrame({"t": pd.to_datetime([1], unit="s")}), time="t", watermark="5s").step)
    5000000000
    """
    policy = step.watermark if isinstance(step, Date) else None
    return policy.bound if isinstance(policy, BoundedOutOfOrderness) else None
