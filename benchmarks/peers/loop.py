"""A Python loop: a dict of lists, row by row, with the watermark moving row by row."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from benchmarks.peers import pandas_
from benchmarks.peers.contract import Job, Peer, main
from benchmarks.workloads import BOUND


def load(job: Job) -> list[tuple[list, list, list]]:
    return lists(pandas_.load(job))


def lists(batches: list[pd.DataFrame]) -> list[tuple[list, list, list]]:
    """Columns as lists of Python's own strings, integers and floats."""
    return [
        (batch["k"].tolist(), batch["t"].to_numpy("M8[us]").view("i8").tolist(), batch["v"].tolist())
        for batch in batches
    ]


def run(job: Job, batches: list[tuple[list, list, list]]) -> tuple[list[tuple], int]:
    return (sessions if job.work.gap else windows)(job, batches)


def windows(job: Job, batches: list[tuple[list, list, list]]) -> tuple[list[tuple], int]:
    """For each window that is open a dict from key to `[n, sum, min, max]`."""
    size, slide = job.work.size, job.work.slide
    state: dict[int, dict[str, list]] = defaultdict(dict)
    panes, late = [], 0
    watermark = following = -(2**63)
    for keys, times, values in batches:
        for key, moment, value in zip(keys, times, values, strict=True):
            start = moment // slide * slide
            if start + size <= watermark:
                late += 1
                continue
            while start > moment - size:
                if start + size > watermark:
                    window = state[start]
                    cell = window.get(key)
                    if cell is None:
                        window[key] = [1, value, value, value]
                    else:
                        cell[0] += 1
                        cell[1] += value
                        if value < cell[2]:
                            cell[2] = value
                        elif value > cell[3]:
                            cell[3] = value
                start -= slide
            if moment - BOUND > watermark:
                watermark = moment - BOUND
                if watermark >= following:
                    panes += _told(state, size, watermark)
                    following = watermark // slide * slide + slide
    panes += _told(state, size, 2**63)
    return panes, late


def _told(state: dict[int, dict[str, list]], size: int, watermark: int) -> list[tuple]:
    due = sorted(start for start in state if start + size <= watermark)
    return [
        (key, start, start + size, n, total, total / n, least, most)
        for start in due
        for key, (n, total, least, most) in state.pop(start).items()
    ]


def sessions(job: Job, batches: list[tuple[list, list, list]]) -> tuple[list[tuple], int]:
    """For each key the list of its open sessions, `[start, last, n, sum, min, max]`; few are ever open."""
    gap = job.work.gap
    state: dict[str, list[list]] = {}
    panes: list[tuple] = []
    watermark = following = -(2**63)
    for keys, times, values in batches:
        for key, moment, value in zip(keys, times, values, strict=True):
            new = [moment, moment, 1, value, value, value]
            apart = []
            for held in state.get(key, ()):
                if held[0] - gap <= moment <= held[1] + gap:
                    new = [
                        min(new[0], held[0]),
                        max(new[1], held[1]),
                        new[2] + held[2],
                        new[3] + held[3],
                        min(new[4], held[4]),
                        max(new[5], held[5]),
                    ]
                else:
                    apart.append(held)
            apart.append(new)
            state[key] = apart
            watermark = max(watermark, moment - BOUND)
            if watermark >= following:
                panes += _ended(state, gap, watermark)
                following = watermark + gap // 3  # looking through all keys costs, so not at every row
    panes += _ended(state, gap, 2**63)
    return panes, 0


def _ended(state: dict[str, list[list]], gap: int, watermark: int) -> list[tuple]:
    panes = []
    for key, held in list(state.items()):
        on = []
        for session in held:
            start, last, n, total, least, most = session
            if last + gap <= watermark:
                panes.append((key, start, last + gap, n, total, total / n, least, most))
            else:
                on.append(session)
        if on:
            state[key] = on
        else:
            del state[key]
    return panes


def answer(job: Job, result: tuple[list[tuple], int]) -> tuple[pd.DataFrame, Any]:
    panes, late = result
    columns = ["key", "start", "end", "n", "sum", "mean", "min", "max"]
    return pd.DataFrame(panes, columns=columns), late


PEER = Peer("pandas", load, run, answer)

if __name__ == "__main__":
    main(PEER)
