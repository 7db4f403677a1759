"""What triggers cost: windows that also fire early, beside the same windows that do not.

    python -m benchmarks.triggers [rows]

1,000 text keys; count, sum, mean, min and max; 5 % of the rows up to 30 s out of order. CPU time, the least
of two.
"""

import sys
import time

import workbench as wb
from benchmarks.events import events, frame
from benchmarks.workloads import WORKLOADS

NAMED = {name: ("v", name) for name in ("size", "sum", "mean", "min", "max")}

WINDOWS = {
    "tumbling 1 min": wb.Tumbling("1min"),
    "sliding 5 min by 10 s": wb.Sliding("5min", "10s"),
    "session 5 s": wb.Session("5s"),
}


def cost(stream, batch_rows):
    """CPU seconds of a whole run, the least of two."""
    best = float("inf")
    for _ in range(2):
        begin = time.process_time()
        stream.to_pandas(batch_rows=batch_rows)
        best = min(best, time.process_time() - begin)
    return best


def main(count):
    rows = frame(events(WORKLOADS["W1"], count), WORKLOADS["W1"].keys)
    stream = wb.stream(rows, time="t", watermark="30s").groupby("k")
    for name, window in WINDOWS.items():
        for batch_rows in (10_000, 100_000):
            plain = cost(stream.window(window).agg(**NAMED), batch_rows)
            early = cost(stream.window(window).agg(**NAMED, early="5s"), batch_rows)
            counted = cost(stream.window(window).agg(**NAMED, early=100).updates("retracting"), batch_rows)
            print(
                f"{name:22} batches of {batch_rows:>7,}: {count / plain / 1e6:5.2f} M rows/s; "
                f"early='5s' takes {early / plain:.1f} times as long, "
                f"early=100 with retractions {counted / plain:.1f} times"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
