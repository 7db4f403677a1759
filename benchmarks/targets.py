"""The targets of speed, as ratios in one process: ours beside peers, limits and itself.

Rounds go around all that is compared, so that whatever slows the machine slows everybody; the least counts.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType

from benchmarks.checks import Check
from benchmarks.events import Events, events, frame
from benchmarks.oracle import oracle, wrong
from benchmarks.peers import compiled, loop, pandas_, polars_, workbench_
from benchmarks.peers.contract import Job
from benchmarks.table import LIMITS
from benchmarks.workloads import WORKLOADS, Workload

Run = Callable[[], object]
NAN = float("nan")


def checks(rows: int = 400_000) -> Iterator[Check]:
    """All that one process can measure, in the order of the targets."""
    plain = WORKLOADS["W1"]
    made = events(plain, rows)
    yield from beside_peers(plain, made)
    yield from beside_peers(WORKLOADS["W2"], events(WORKLOADS["W2"], rows))
    yield from beside_one_pass(plain, made)
    yield from beside_itself(rows)
    yield from many_keys(rows)


def costs(runs: Mapping[str, Run], rounds: int = 2) -> dict[str, float]:
    """CPU seconds of each, the least of the rounds."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            gc.collect()
            begin = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - begin)
    return best


def right(peer: ModuleType, work: Workload, made: Events, batch: int, data: object) -> bool:
    """Whether a peer's answer is the oracle's; said if not."""
    job = Job(work, batch)
    truth, lost = oracle(work, made)
    answer, late = peer.answer(job, peer.run(job, data))
    why = wrong(answer, truth, late=late, lost=lost)
    if why:
        print(f"WRONG: {peer.__name__} in {work.name}: {why}")
    return not why


def beside_peers(work: Workload, made: Events, batch: int = 10_000) -> Iterator[Check]:
    """Target 1: ours beside the peers that work on batches as we do. A wrong answer has no ratio."""
    import duckdb  # noqa: F401 - says at once what is missing: the extra bench
    import polars as pl
    import pyarrow as pa

    from benchmarks.peers import duckdb_

    table = frame(made, work.keys)
    batches = pandas_.cut(table, batch)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    given = {
        "workbench": (workbench_, batches),
        "pandas per batch": (pandas_, batches),
        "Polars per batch": (polars_, list(pl.from_arrow(arrow).iter_slices(batch))),
        "DuckDB per batch": (duckdb_, [arrow.slice(at, batch) for at in range(0, len(arrow), batch)]),
    }
    if work.name == "W1":
        given["Python loop"] = (loop, loop.lists(batches))
    good = {name: right(peer, work, made, batch, data) for name, (peer, data) in given.items()}
    job = Job(work, batch)
    given.pop("Python loop", None)  # it has no target, and takes long: that it is right is enough
    best = costs({name: partial(peer.run, job, data) for name, (peer, data) in given.items()})
    print(f"  {work.name}, ns a row: " + ", ".join(f"{n} {c / len(made) * 1e9:.0f}" for n, c in best.items()))
    for name, limit in LIMITS[work.name].items():
        if name in given:
            ratio = best[name] / best["workbench"] if good[name] and good["workbench"] else NAN
            yield Check("1", f"{work.name}: {name} costs, of ours", ratio, limit, "more", "x")


def beside_one_pass(work: Workload, made: Events, batch: int = 100_000) -> Iterator[Check]:
    """Target 2: ours, on keys that are codes already, beside one compiled pass over the columns."""
    given = compiled.columns(frame(made, work.keys, "categorical"))
    kinds = {"categorical": "categorical", "Arrow dictionary": "dictionary"}
    batches = {what: pandas_.cut(frame(made, work.keys, kind), batch) for what, kind in kinds.items()}
    job = Job(work, batch)
    good = {what: right(workbench_, work, made, batch, data) for what, data in batches.items()}
    good["pass"] = right(compiled, work, made, batch, given)
    runs: dict[str, Run] = {what: partial(workbench_.run, job, data) for what, data in batches.items()}
    best = costs({"pass": partial(compiled.run, job, given)} | runs, rounds=5)
    print("  ns a row: " + ", ".join(f"{name} {cost / len(made) * 1e9:.1f}" for name, cost in best.items()))
    for what in kinds:
        ratio = best[what] / best["pass"] if good[what] and good["pass"] else NAN
        yield Check("2", f"W1, {what} keys: ours costs, of one compiled pass", ratio, 3, "less", "x")


def beside_itself(rows: int, batch: int = 10_000) -> Iterator[Check]:
    """Target 3: other windows, and late rows, beside tumbling windows."""
    names = ("W1", "W3", "W4", "W1L")
    runs: dict[str, Run] = {}
    good = {}
    for name in names:
        work = WORKLOADS[name]
        made = events(work, rows)
        batches = pandas_.cut(frame(made, work.keys), batch)
        good[name] = right(workbench_, work, made, batch, batches)
        runs[name] = partial(workbench_.run, Job(work, batch), batches)
    best = costs(runs)
    print("  ns a row: " + ", ".join(f"{name} {cost / rows * 1e9:.0f}" for name, cost in best.items()))
    whats = {
        "W3": ("W3, sliding 5 min by 10 s", 2),
        "W4": ("W4, sessions", 4),
        "W1L": ("W1 with 10 % of rows late", 1.5),
    }
    for name, (what, limit) in whats.items():
        ratio = best[name] / best["W1"] if good[name] and good["W1"] else NAN
        yield Check("3", f"{what}: costs, of W1", ratio, limit, "less", "x")


def many_keys(rows: int, batch: int = 10_000) -> Iterator[Check]:
    """Target 5, its first part: what a row costs when there are a thousand times as many keys.

    A third of the rows still bring a new key, which costs more than to find one that is known.
    """
    runs: dict[str, Run] = {}
    for name, keys, count in (("few", 1_000, rows), ("many", 1_000_000, 8 * rows)):
        work = WORKLOADS["W1"].with_keys(keys)
        batches = pandas_.cut(frame(events(work, count), keys), batch)
        runs[name] = partial(workbench_.run, Job(work, batch), batches)
    best = costs(runs, rounds=2)
    few, many = best["few"] / rows, best["many"] / (8 * rows)
    print(f"  ns a row: {few * 1e9:.0f} with 1,000 keys, {many * 1e9:.0f} with 1,000,000")
    yield Check("5", "a row with 1,000,000 keys costs, of one with 1,000", many / few, 6, "less", "x")
