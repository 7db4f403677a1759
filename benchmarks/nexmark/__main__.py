"""Print the table of Nexmark: python -m benchmarks.nexmark [events] [query ...]."""

import sys

from benchmarks.nexmark.measuring import missing, told
from benchmarks.nexmark.queries import QUERIES
from benchmarks.nexmark.table import WHOLE, measurements

if __name__ == "__main__":
    if missing(*WHOLE):
        print(f"left out, not installed here: {', '.join(missing(*WHOLE))}")
    events, *names = sys.argv[1:] or ["1000000"]
    rows = told(measurements(int(events), names=names or QUERIES))
    wrong = [f"{row['what'].split()[0]} {row['peer']}" for row in rows if row["right"] is False]
    print(f"{len(rows)} measurements; wrong: {', '.join(wrong) or 'none'}")
