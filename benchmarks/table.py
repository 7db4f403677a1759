"""The figures as people read them: one table a question, ratios beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.checks import Check, figure
from benchmarks.roster import OURS
from benchmarks.workloads import MEANING

LIMITS = {
    "W1": {
        "Polars per batch": 3,
        "DuckDB per batch": 4,
        "pandas per batch": 6,
        "Spark": 20,
        "Flink SQL": 20,
        "Pathway": 50,
        "Bytewax": 50,
    },
    "W2": {"Polars per batch": 1.5, "DuckDB per batch": 2, "pandas per batch": 3},
}
"""How many times what ours costs the peers should at least cost, by workload, at batches of 10,000."""

HEAD = (
    "| peer | rows | ns a row | M rows/s | beside ours | wall | from Parquet | MB |\n"
    "|---|--:|--:|--:|--:|--:|--:|--:|\n"
)
FOOT = """\
CPU time of the process and its children in nanoseconds a row, the least of the repeats; *wall* the same of
elapsed time; *from Parquet* CPU time with loading; *MB* memory above that of the loaded batches.
"""


def told(line: dict) -> str:
    """One line, for those who watch."""
    what = "{workload:4} {batch:>7,} {keys:>9,} {kind:11} {peer:21}".format_map(line)
    if not _has_figure(line):
        return f"{what} {_why(line)}"
    return f"{what} {figure(nanoseconds(line)):>8} ns a row, {line['rows']:,} rows"


def nanoseconds(line: dict, of: str = "cpu") -> float:
    return line[of] / line["rows"] * 1e9


def markdown(lines: list[dict], answers: Iterable[dict] = ()) -> str:
    """All tables; `answers` are those of the workloads that ask more than one thing."""
    questions = dict.fromkeys(map(_question, lines))
    parts = ["# The workbench beside its peers\n", FOOT]
    for question in questions:
        name, keys, kind, batch = question
        those = [line for line in lines if _question(line) == question]
        parts.append(f"## {name}: {keys:,} keys ({kind}), batches of {batch:,}\n\n{MEANING[name]}\n")
        ours = next((nanoseconds(line) for line in those if line["peer"] == OURS and _has_figure(line)), None)
        parts.append(HEAD + "".join(_row(line, ours) for line in those))
    notes = {
        f"{line['peer']} {line['version']} (Python {line['python']})": line.get("note", "")
        for line in lines
        if "version" in line
    }
    parts += _answered(answers)
    parts.append("## Versions\n")
    parts.append("\n".join(f"- {who}{': ' if note else ''}{note}" for who, note in notes.items()) + "\n")
    return "\n".join(parts)


def _answered(answers: Iterable[dict]) -> Iterator[str]:
    """The tables of the workloads that ask more than one thing: ns a row of each peer, side by side."""
    tables: dict[str, dict[tuple, dict[str, str]]] = {}
    for line in answers:
        batch = "all at once" if line["batch"] is None else f"{line['batch']:,}"
        cost = figure(line["cpu_s"] / line["rows"] * 1e9) if line["right"] is not False else "WRONG"
        tables.setdefault(line["workload"], {}).setdefault((line["what"], batch), {})[line["peer"]] = cost
    for name, asked in tables.items():
        peers = list(dict.fromkeys(peer for costs in asked.values() for peer in costs))
        head = f"| what, ns a row | batch | {' | '.join(peers)} |\n|---|--:|{'--:|' * len(peers)}\n"
        rows = (
            f"| {what} | {batch} | {' | '.join(costs.get(peer, '') for peer in peers)} |\n"
            for (what, batch), costs in asked.items()
        )
        yield f"## {name}\n\n{head}{''.join(rows)}"


def _question(line: dict) -> tuple[str, int, str, int]:
    return line["workload"], line["keys"], line["kind"], line["batch"]


def _has_figure(line: dict) -> bool:
    return "cannot" not in line and not line["wrong"]


def _why(line: dict) -> str:
    return f"cannot: {line['cannot']}" if "cannot" in line else f"WRONG: {line['wrong']}"


def _row(line: dict, ours: float | None) -> str:
    if not _has_figure(line):
        return f"| {line['peer']} | {line['rows']:,} | {_why(line)} ||||||\n"
    cost = nanoseconds(line)
    ratio = f"{figure(cost / ours)} x" if ours else ""
    whole = (line["cpu"] + line["load_cpu"]) / line["rows"] * 1e9
    cells = [line["peer"], f"{line['rows']:,}", figure(cost), figure(1e3 / cost), ratio]
    cells += [figure(nanoseconds(line, "wall")), figure(whole), figure(line["memory"] / 1e6)]
    return f"| {' | '.join(cells)} |\n"


def checks(lines: list[dict]) -> Iterator[Check]:
    """The ratios that are promised; of a peer measured at several sizes of batches, the best counts."""
    for name, limits in LIMITS.items():
        those = [line for line in lines if line["workload"] == name and line["kind"] == "str"]
        those = [line for line in those if _has_figure(line) and line["keys"] != 1_000_000]
        costs = {
            peer: min((nanoseconds(line) for line in those if _counts(line, peer)), default=None)
            for peer in (OURS, *limits)
        }
        for peer, limit in limits.items():
            asked = any(line["workload"] == name and line["peer"] == peer for line in lines)
            ours, theirs = costs[OURS], costs[peer]
            ratio = theirs / ours if ours and theirs else float("nan")
            if asked:
                yield Check("1", f"{name}: {peer} beside ours", ratio, limit, "more", "x")


def _counts(line: dict, peer: str) -> bool:
    """Spark is free to take larger batches, since it is made for them."""
    return line["peer"] == peer and (line["batch"] == 10_000 or peer == "Spark")
