"""Nothing disappears: by the ledger's counts, and by the numbers of the rows themselves, on both runtimes."""

import os
from dataclasses import dataclass

import hypothesis.strategies as st
import pandas as pd
from hypothesis import HealthCheck, given, settings

import workbench as wb
from workbench.model.stream import EventStream
from workbench.model.windows import Global
from workbench.testing.strategies import Example, examples

law = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=int(40 * float(os.environ.get("WORKBENCH_EXAMPLES", "1"))),
    suppress_health_check=[HealthCheck.too_slow],
)
STAGES = ("query", "dedup", "sort")


@dataclass(frozen=True)
class Piped:
    """A stream, the steps before its windows, and the rows of a batch."""

    example: Example
    stages: tuple[str, ...]
    batch_rows: int

    @property
    def results(self) -> dict[str, EventStream]:
        """The panes, and all that does not get into them; rows know the number with which they arrived."""
        example = self.example
        bound = pd.Timedelta(example.bound)
        dated = wb.stream(example.frame, time="t", watermark=bound)
        stream, aside = dated.assign(number=lambda frame: frame.index), {"undated": dated.rejected}
        for stage in self.stages:
            match stage:
                case "query":
                    stream = stream.query("n > 0")
                case "dedup":
                    stream = stream.dedup("n", "k2", within="3s", lateness="1s")
                    aside |= {"repeated": stream.duplicates, "late for dedup": stream.late}
                case "sort":
                    stream = stream.sort(lateness="500ms")
                    aside["late for sort"] = stream.late
        lateness = 0 if isinstance(example.window, Global) else pd.Timedelta(example.lateness)
        panes = stream.groupby(*example.keys).window(example.window, lateness=lateness)
        told = panes.agg(rows=("number", "collect"))
        return {"panes": told, **aside, "late": told.late, "outside": told.rejected}


piped = st.builds(
    Piped,
    examples(),
    st.permutations(STAGES).flatmap(lambda order: st.integers(0, 3).map(lambda most: tuple(order[:most]))),
    st.integers(1, 40),
)


def at_once(case: Piped):
    results = case.results
    rows = {name: stream.to_pandas(batch_rows=case.batch_rows) for name, stream in results.items()}
    book = {by: results["panes"].ledger(by=by, batch_rows=case.batch_rows) for by in ("step", "reason")}
    return rows, book


def live(case: Piped):
    run = wb.start(**case.results, speed="max", batch_rows=case.batch_rows).wait(20)
    rows = {name: run.trace.results[name].frame() for name in case.results}
    return rows, {by: run.ledger(by=by) for by in ("step", "reason")}


def numbers(name: str, frame: pd.DataFrame) -> set[int]:
    """The arrival numbers of what came out of a result."""
    if frame.empty:
        return set()
    if name == "undated":
        return set(frame.index)
    return set(frame["rows"].explode().dropna()) if name == "panes" else set(frame["number"])


def check(case: Piped, played) -> None:
    rows, book = played
    steps, reasons = book["step"], book["reason"]
    arrived = len(case.example.frame)
    kept = {name: numbers(name, frame) for name, frame in rows.items()}
    assert sum(map(len, kept.values())) == len(set().union(*kept.values())), "a row was accounted for twice"
    left_out = set(range(1, arrived + 1)).difference(*kept.values())
    condition = case.example.frame["n"].set_axis(range(1, arrived + 1)) > 0
    assert not condition[sorted(left_out)].any()
    assert not left_out or "query" in case.stages
    assert steps["balanced"].eq(True).all()
    assert steps["held"].eq(0).all()
    assert not steps["state"].any()
    assert steps["rows_in"].iloc[0] == arrived
    assert steps["in_panes"].iloc[-1] == len(kept.pop("panes"))
    assert steps["filtered"].sum() == len(left_out)
    assert steps["duplicate"].sum() == len(kept.pop("repeated", ()))
    late = [len(some) for name, some in kept.items() if name.startswith("late")]
    assert steps["late"].sum() == sum(late)
    assert steps["rejected"].sum() == len(kept["undated"]) + len(kept["outside"])
    assert steps["in_panes"].iloc[-1] + reasons["rows"].sum() == arrived


@law
@given(piped)
def test_at_once_every_row_is_accounted_for(case: Piped) -> None:
    check(case, at_once(case))


@law
@given(piped)
def test_live_every_row_is_accounted_for(case: Piped) -> None:
    check(case, live(case))
