"""The workbench beside its peers: every figure of one run, checked against one oracle, as Markdown and JSON.

    python -m benchmarks.bench [--rows 20000000] [--peers Polars DuckDB ...] [--works W1 W2 ...]

W1 to W4 give each peer an environment and a process of its own. W5 to W8, where each question is another,
are asked in this process, of a million rows. A peer whose answer is wrong has no figure.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
from functools import lru_cache
from pathlib import Path

import pandas as pd

from benchmarks import environments, table
from benchmarks.events import events, write
from benchmarks.nexmark.measuring import told
from benchmarks.oracle import oracle, wrong
from benchmarks.roster import ENTRANTS, Task, tasks
from benchmarks.workloads import WORKLOADS, Workload

DATA = environments.HOME / "data"
RESULTS = Path(__file__).parent / "results"
PATIENCE = 1_800
"""Seconds after which a peer is given up."""

QUESTIONS = {
    "W5": "benchmarks.w5",
    "W6": "benchmarks.w6",
    "W7": "benchmarks.w7",
    "W8": "benchmarks.nexmark.table",
}
"""Where the workloads are that ask more than one thing."""


def measured(task: Task) -> dict:
    """One line of the table: what the peer said of itself, and whether its answer is right."""
    work, entrant = task.work, task.entrant
    line = {"peer": entrant.name, "workload": work.name, "keys": work.keys, "kind": task.kind}
    line |= {"batch": task.batch, "rows": task.rows}
    path, (truth, lost) = _events(work, task.rows)
    answer = DATA / "answer.parquet"
    answer.unlink(missing_ok=True)
    options = ["--batch", task.batch, "--keys", work.keys, "--kind", task.kind, "--repeats", entrant.repeats]
    module = f"benchmarks.peers.{entrant.module}"
    arguments = ["-m", module, work.name, path, *options, "--answer", answer]
    try:
        done = environments.run(
            entrant.environment, *map(str, arguments), capture_output=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return line | {"cannot": f"not done after {PATIENCE // 60} minutes"}
    if done.returncode:
        return line | {"cannot": "failed: " + done.stderr.strip().rpartition("\n")[2]}
    line |= json.loads(done.stdout.strip().rpartition("\n")[2])
    if "cannot" not in line:
        line["wrong"] = wrong(pd.read_parquet(answer), truth, late=line["late"], lost=lost)
    return line


@lru_cache(maxsize=2)
def _events(work: Workload, rows: int) -> tuple[Path, tuple[pd.DataFrame, int]]:
    made = events(work, rows)
    path = DATA / f"{work.name}-{work.keys}-{rows}.parquet"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        write(made, work.keys, path)
    return path, oracle(work, made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000, help="the most that any peer is given")
    parser.add_argument("--peers", nargs="*", default=list(ENTRANTS), help="the beginnings of their names")
    works = [*WORKLOADS, *QUESTIONS]
    parser.add_argument("--works", nargs="*", default=works, choices=works)
    given = parser.parse_args()
    names = [name for name in ENTRANTS if name.startswith(tuple(given.peers))]
    lines: list[dict] = []
    answers: list[dict] = []
    for task in tasks(given.rows, names, [work for work in given.works if work in WORKLOADS]):
        line = measured(task)
        print(table.told(line), flush=True)
        lines.append(line)
        _keep(lines, answers)
    for work in given.works:
        if work in QUESTIONS:
            answers += told(importlib.import_module(QUESTIONS[work]).measurements(min(given.rows, 1_000_000)))
            _keep(lines, answers)
    print(f"\n{RESULTS.relative_to(environments.ROOT) / 'latest.md'} has the tables")
    for check in table.checks(lines):
        print(check)


def _keep(lines: list[dict], answers: list[dict]) -> None:
    """Write what there is so far: a run takes hours."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps({"peers": lines, "questions": answers}, indent=1) + "\n")
    (RESULTS / "latest.md").write_text(table.markdown(lines, answers))


if __name__ == "__main__":
    main()
