"""The command ``python -m simulators.realism``: the scorecards of all simulators, and what passes."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from simulators.realism import scenarios, scorecard
from simulators.realism.page import lines, markdown, svg, verdict
from simulators.realism.roads import Road


def main() -> int:
    """Run the command; gives 1 if a figure does not pass, and is not known not to."""
    parser = argparse.ArgumentParser(prog="simulators.realism", description="How real the simulators look.")
    known = scenarios() | Road.scenarios()
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which of {', '.join(known)} (default: all)"
    )
    parser.add_argument("--seeds", type=int, default=20, help="the median of so many is judged (default: 20)")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write a page, and a figure beside it")
    options = parser.parse_args()
    strangers = set(options.names) - set(known)
    if strangers:
        parser.error(f"no such simulator: {', '.join(sorted(strangers))}")
    cards = {}
    with ProcessPoolExecutor(os.cpu_count()) as executor:
        for name in options.names or known:
            begin = time.perf_counter()
            cards[name] = scorecard(known[name], seeds=options.seeds, executor=executor)
            print("\n".join(lines(name, cards[name])))
            print(f"  ({time.perf_counter() - begin:.0f} s)", flush=True)
    if options.page:
        (options.page.parent / "images").mkdir(exist_ok=True)
        picture = options.page.parent / "images" / f"{options.page.stem}.svg"
        picture.write_text(svg(cards))
        options.page.write_text(markdown(cards, options.seeds, f"images/{picture.name}"))
    print(verdict(cards))
    return int(any((~card["passed"] & (card["reason"] == "")).any() for card in cards.values()))


if __name__ == "__main__":
    sys.exit(main())
