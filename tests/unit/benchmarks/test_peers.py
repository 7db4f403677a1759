"""The oracle of the benchmarks and the peers that need no further package agree; a wrong answer is told."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.checks import Check
from benchmarks.events import events, frame
from benchmarks.oracle import oracle, wrong
from benchmarks.peers import loop, pandas_, workbench_
from benchmarks.peers.contract import Job
from benchmarks.workloads import WORKLOADS

KEYS = 20
WORKS = {name: replace(work, keys=KEYS, per_second=3) for name, work in WORKLOADS.items()}
WORKS["W4"] = replace(WORKS["W4"], keys=200)
ROWS = 5_000


def answer_of(peer, work, kind="str", batch=300):
    rows = events(work, ROWS)
    batches = pandas_.cut(frame(rows, work.keys, kind), batch)
    job = Job(work, batch, kind=kind)
    given = loop.lists(batches) if peer is loop else batches
    return rows, *peer.answer(job, peer.run(job, given))


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.parametrize("peer", [pandas_, loop, workbench_], ids=lambda peer: peer.__name__.split(".")[-1])
def test_peers_agree_with_the_oracle(peer, name):
    rows, answer, late = answer_of(peer, WORKS[name])
    truth, lost = oracle(WORKS[name], rows)
    assert wrong(answer, truth, late=late, lost=lost) == ""
    assert (lost > 0) == (name == "W1L")


@pytest.mark.parametrize("kind", ["python", "categorical"])
def test_the_kind_of_keys_makes_no_difference(kind):
    rows, answer, _ = answer_of(workbench_, WORKS["W1"], kind)
    assert wrong(answer, oracle(WORKS["W1"], rows)[0]) == ""


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda panes: panes[1:], "panes instead of"),
        (lambda panes: panes.assign(n=panes.n + (panes.index == 3)), "n differs in 1 of"),
        (lambda panes: panes.assign(key="key 1"), "key differs in"),
        (lambda panes: panes.assign(max=panes["max"] * (1 + 1e-6)), "max differs in"),
        (lambda panes: panes.assign(mean=np.nan), "mean differs in"),
        (lambda panes: panes.assign(end=panes.end + 1), "end differs in"),
    ],
)
def test_a_wrong_answer_is_told(spoil, told):
    rows, answer, _ = answer_of(pandas_, WORKS["W1"])
    assert told in wrong(spoil(answer), oracle(WORKS["W1"], rows)[0])


def test_late_rows_that_nobody_counted_are_told():
    rows, answer, late = answer_of(pandas_, WORKS["W1L"])
    assert "late rows instead of" in wrong(answer, oracle(WORKS["W1L"], rows)[0], late=late, lost=late + 1)


def test_sessions_hold_several_rows():
    truth, _ = oracle(WORKS["W4"], events(WORKS["W4"], ROWS))
    assert 3 < truth.n.mean() < 12


def test_a_check_holds_at_its_limit_and_never_without_a_figure():
    assert Check("1", "ours beside theirs", 3.0, 3.0, "more", "x").holds
    assert not Check("1", "ours beside theirs", 2.9, 3.0, "more", "x").holds
    assert Check("4", "a batch", 300.0, 300.0, "less", "us").holds
    assert not Check("4", "a batch", float("nan"), 300.0, "less", "us").holds
