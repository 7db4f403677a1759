"""Print the table of Nexmark: python -m benchmarks.nexmark [events]."""

import sys

from benchmarks.nexmark.measuring import missing, told
from benchmarks.nexmark.table import WHOLE, measurements

if __name__ == "__main__":
    if missing(*WHOLE):
        print(f"left out, not installed here: {', '.join(missing(*WHOLE))}")
    rows = told(measurements(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
    wrong = [f"{row['what'].split()[0]} {row['peer']}" for row in rows if row["right"] is False]
    print(f"{len(rows)} measurements; wrong: {', '.join(wrong) or 'none'}")
