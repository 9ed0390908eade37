"""``python -m tests.bench.dropoff [--seeds FIRST-LAST] [--layout NAME] [--write FILE]``: all strategies, all layouts.

``--write`` puts the tables into a document between its two marks. Takes about a minute for each seed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.bench.dropoff.layouts import LAYOUTS, PUBLISHED_SEEDS
from tests.bench.dropoff.table import STRATEGIES, markdown, measure

BEGIN, END = "<!-- begin: python -m tests.bench.dropoff --write -->", "<!-- end -->"


def main(argv: list[str] | None = None) -> int:
    """Play, print, and write if asked to."""
    usual = f"{PUBLISHED_SEEDS[0]}-{PUBLISHED_SEEDS[-1]}"
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dropoff", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default=usual, metavar="FIRST-LAST", help=f"(default: {usual}, those of the tables)")
    parser.add_argument("--layout", action="append", choices=list(LAYOUTS), help="only this one (may be repeated)")
    parser.add_argument("--write", metavar="FILE", type=Path, help="put the tables into this document")
    args = parser.parse_args(argv)
    first, _, last = args.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    begun = time.monotonic()

    def tell(layout: str) -> None:
        sys.stderr.write(f"{layout}: {time.monotonic() - begun:.0f} s\n")

    figures = measure(seeds, args.layout or list(LAYOUTS), tell=tell)
    text = markdown(figures)
    for name in STRATEGIES:
        sys.stdout.write(f"{name:<16} {figures.score(name):10.3f}\n")
    sys.stdout.write("\n" + text)
    if args.write:
        before, _, rest = args.write.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        args.write.write_text(f"{before}{BEGIN}\n{text}{END}{after}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
