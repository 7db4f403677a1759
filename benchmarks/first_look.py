"""A first look at speed, as ratios in one run: the engine beside pandas per batch, and the simulators.

    python benchmarks/first_look.py [rows]

One-minute tumbling windows, count, sum, mean, min and max; 5 % of the rows up to 30 s out of order. pandas
groups each batch and nothing more: no watermark, no merging, no late rows. CPU time, the least of three.
"""

import sys
import time
from functools import partial

import numpy as np
import pandas as pd

import workbench as wb
from simulators import Clickstream, Sensors, Trading

NAMED = {name: ("v", name) for name in ("size", "sum", "mean", "min", "max")}


def rows(count, keys=1_000, seed=0):
    random = np.random.default_rng(seed)
    seconds = np.arange(count) / 1_000.0
    late = random.random(count) < 0.05
    seconds[late] -= random.uniform(0, 30, late.sum())
    names = np.array([f"key {i}" for i in range(keys)], dtype=object)
    return pd.DataFrame(
        {
            "t": pd.to_datetime("2026-01-05") + pd.to_timedelta(seconds, unit="s"),
            "k": pd.Series(names[random.integers(0, keys, count)], dtype="str"),
            "v": random.normal(size=count),
        }
    )


def cost(function):
    """CPU seconds, the least of three."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def pandas_per_batch(frame, size):
    parts = []
    for start in range(0, len(frame), size):
        batch = frame.iloc[start : start + size]
        parts.append(batch.groupby([batch.t.dt.floor("1min"), "k"]).v.agg(["size", "sum", "min", "max"]))
    return parts


def engine(count):
    for keys in (1_000, 100_000):
        text = rows(count, keys)
        for label, data in (("text", text), ("categorical", text.assign(k=text.k.astype("category")))):
            stream = wb.stream(data, time="t", watermark="30s").groupby("k")
            tumbling = stream.window("1min").agg(**NAMED)
            for size in (10_000, 100_000):
                ours = cost(partial(tumbling.to_pandas, batch_rows=size))
                theirs = cost(partial(pandas_per_batch, data, size))
                print(
                    f"{keys:>8,} {label:<12} keys, batches of {size:>7,}: {count / ours / 1e6:.2f} M rows/s; "
                    f"pandas per batch takes {theirs / ours:4.1f} times as long"
                )
            if keys == 1_000:
                sliding = stream.window(wb.Sliding("5min", "10s")).agg(**NAMED)
                ratio = cost(partial(sliding.to_pandas, batch_rows=10_000)) / cost(
                    partial(tumbling.to_pandas, batch_rows=10_000)
                )
                print(f"{'':>8} sliding 5 min by 10 s takes {ratio:.1f} times as long as tumbling")


def simulators():
    busy = {
        "clickstream": Clickstream(sessions_per_second=1_000),
        "trading": Trading(trades_per_second=10_000),
        "sensors": Sensors(devices=1_000),
    }
    for name, simulator in busy.items():
        simulator.block_arrivals(8)  # the blocks that the next ones lean on
        events = len(simulator.block_events(9))
        made = cost(lambda s=simulator: s.block_events(next(COUNTER)))
        print(f"{name:<12} {events / made / 1e6:5.2f} M events/s")


COUNTER = iter(range(20, 10_000))

if __name__ == "__main__":
    engine(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    simulators()
