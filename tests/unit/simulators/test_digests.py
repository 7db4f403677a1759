"""Golden digests: each simulator gives the bytes that it gave before, whoever reads it and however.

    python -m tests.unit.simulators.test_digests

prints them anew, for when a model has been changed on purpose. Floats are rounded to nine digits first, since
processors differ in the last ones of an exponential.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import simulators
from workbench.sources.simulated import SimulatedSource

GOLDEN = Path(__file__).with_name("digests.json")
BLOCKS = range(40, 43)
NAMES = sorted(simulators.scenarios())


def digest(frame: pd.DataFrame) -> str:
    """Return a digest of the values of a frame, column by column."""
    told = hashlib.sha256()
    for name, column in frame.items():
        values = (
            column.cat.codes.to_numpy()
            if isinstance(column.dtype, pd.CategoricalDtype)
            else column.to_numpy()
        )
        if values.dtype.kind == "f":
            with np.errstate(divide="ignore", invalid="ignore"):
                size = np.where(np.isfinite(values) & (values != 0), np.floor(np.log10(np.abs(values))), 0)
            values = np.round(values / 10.0**size, 8) + 0.0
        told.update(str(name).encode() + str(values.dtype.kind).encode())
        told.update(np.ascontiguousarray(values).tobytes())
    return told.hexdigest()[:16]


def told(name: str) -> dict[str, str]:
    """The digests of some blocks of a simulator as it is shipped."""
    sim = simulators.scenarios()[name]
    reads = {"events": sim.block_events, "truth": sim.block_truth, "arrivals": sim.block_arrivals}
    return {
        what: digest(pd.concat([read(block) for block in BLOCKS], ignore_index=True))
        for what, read in reads.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_what_it_gave_before(name: str) -> None:
    assert told(name) == json.loads(GOLDEN.read_text())[name]


def test_another_process_gives_the_same() -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r});"
         "import test_digests as t, json; print(json.dumps(t.told('sensors')))"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads(found) == told("sensors")


@pytest.mark.parametrize("name", NAMES)
def test_it_costs_the_interval_and_not_the_past(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many random numbers are drawn on the three hundredth day as on the first."""
    drawn: list[int] = []
    sim = simulators.scenarios()[name]
    kind, draw = type(sim), type(sim)._rng

    def counted(self: object, *words: int) -> np.random.Generator:
        drawn[-1] += 1
        return draw(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "_rng", counted)
    for day in (1, 300):
        drawn.append(0)
        fresh = simulators.scenarios()[name]
        block = int(pd.Timedelta(day, unit="D") / fresh.block)
        fresh.block_arrivals(block)
    assert drawn[1] < 1.2 * drawn[0] + 20


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [97, 1_000])
def test_neither_the_size_of_batches_nor_pauses_change_it(name: str, rows: int) -> None:
    sim = simulators.scenarios()[name]
    reader = SimulatedSource(sim, name=name).reader()
    reader.seek((BLOCKS[0], 0))
    pieces, until = [], reader.reached
    while reader.position[0] == BLOCKS[0] and len(pieces) < 60:
        until += int(sim.block.as_unit("ns").value) // 7  # and as much again passes before the next look
        pieces.append(reader.poll(until, rows))
    found = pd.concat(pieces, ignore_index=True)
    expected = pd.concat(
        [sim.block_arrivals(BLOCKS[0]), sim.block_arrivals(BLOCKS[0] + 1)], ignore_index=True
    )
    pd.testing.assert_frame_equal(found, expected[: len(found)])


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: told(name) for name in NAMES}, indent=1) + "\n")
