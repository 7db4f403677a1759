"""What is explained agrees with the panes: the rows in a pane, aggregated by definition, give its values."""

import os
from dataclasses import replace

import hypothesis.strategies as st
import pandas as pd
from hypothesis import HealthCheck, assume, given, settings

import workbench as wb
from workbench.model.panes import TIMING, WINDOW_END, WINDOW_START
from workbench.model.panestream import PaneStream
from workbench.model.windows import Global, Session
from workbench.testing.compare import plain, same
from workbench.testing.covering import windows_of
from workbench.testing.reckoning import Row, aggregate
from workbench.testing.strategies import Example, examples
from workbench.time import to_nanos

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(60 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)


def described(example: Example, accumulation: str, early: int | None) -> PaneStream:
    lateness = 0 if isinstance(example.window, Global) else pd.Timedelta(example.lateness)
    rows = wb.stream(example.frame, time="t", watermark=pd.Timedelta(example.bound))
    windows = rows.groupby(*example.keys).window(example.window, lateness=lateness)
    panes = windows.agg(rows=("v", "size"), early=early)
    step = replace(panes.step, aggregates=example.aggregates, accumulation=accumulation)
    return PaneStream(step)


def reckoned(example: Example, explained: pd.DataFrame):
    """The aggregates of some rows, as the oracle has them."""
    times = to_nanos(explained["t"]).tolist()
    values = explained.drop(columns="t").to_dict("records")
    numbers = explained.index.tolist()
    rows = [Row(*parts[:2], (), parts[2]) for parts in zip(numbers, times, values, strict=True)]
    return {each.output: plain(aggregate(each, rows)) for each in example.aggregates}


def asked(example: Example, pane: pd.Series):
    key = {name: None if pd.isna(pane[name]) else pane[name] for name in example.keys} or None
    if isinstance(example.window, Global):
        return {"key": key, "window": "2026-01-05"}
    return {"key": key, "window": (pane[WINDOW_START], pane[WINDOW_END])}


how = st.sampled_from(("accumulating", "accumulating", "discarding", "retracting"))


@law
@given(examples(), st.data(), st.integers(1, 40), how, st.sampled_from((None, 1, 3)))
def test_the_rows_of_a_pane_come_to_its_values(example, data, batch_rows, accumulation, early) -> None:
    stream = described(example, accumulation, early)
    panes = stream.to_pandas(batch_rows=batch_rows)
    if accumulation == "retracting":
        panes = panes[~panes["retraction"]].reset_index(drop=True)
    assume(len(panes))
    at = data.draw(st.integers(0, len(panes) - 1))
    pane = panes.iloc[at]
    explained = stream.explain(**asked(example, pane), batch_rows=batch_rows)
    if isinstance(example.window, Session):  # what became part of a session had revisions of its own
        assume(is_final(panes, pane, example.keys))
        assume(accumulation != "discarding")
        held = explained[explained["pane"].notna()]
    elif accumulation == "discarding":
        held = explained[explained["pane"] == pane["revision"]]
    else:
        held = explained[explained["pane"] <= pane["revision"]]
    for output, value in reckoned(example, held).items():
        assert same(plain(pane[output]), value), (output, pane[output], value)
    first = explained[explained["pane"] == pane["revision"]]
    assert isinstance(example.window, Session) or (first[TIMING] == pane[TIMING]).all()


def is_final(panes: pd.DataFrame, pane: pd.Series, keys: tuple[str, ...]) -> bool:
    """Whether no other pane contains a session, and this is its last."""
    others = panes[(panes[WINDOW_START] <= pane[WINDOW_START]) & (pane[WINDOW_END] <= panes[WINDOW_END])]
    for key in keys:
        others = others[others[key].isna() if pd.isna(pane[key]) else others[key] == pane[key]]
    return (
        len(others[others["revision"] > pane["revision"]]) == 0
        and len(others.drop_duplicates([WINDOW_START, WINDOW_END])) == 1
    )


@law
@given(examples(sessions=False), st.data(), st.integers(1, 40))
def test_rows_late_for_a_window_are_explained_as_late(example, data, batch_rows) -> None:
    stream = described(example, "accumulating", None)
    late = stream.late.to_pandas(batch_rows=batch_rows)
    assume(len(late))
    row = late.iloc[data.draw(st.integers(0, len(late) - 1))]
    start, end = windows_of(example.window, pd.Timestamp(row["t"]).as_unit("ns").value)[-1]
    bounds = tuple(pd.Timestamp(moment, tz="UTC") for moment in (start, end))
    key = {name: None if pd.isna(row[name]) else row[name] for name in example.keys} or None
    found = stream.explain(key=key, window=bounds, batch_rows=batch_rows).loc[row.name]
    assert found["late"]
    assert pd.isna(found["pane"])
    assert (found["late_by"], found["watermark"]) == (row["late_by"], row["watermark"])
