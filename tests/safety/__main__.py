"""The whole sweep: ``python -m tests.safety [--every N] [--kinds kill,full,io,short] [NAME ...]``.

Every piece of work of ``tests/safety/scenarios.py`` is broken off, or refused, at each of its calls that change files
(with ``--every N`` at each N-th). Prints counts, and what was wrong; exit code 1 when anything was.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.safety import ptraced
from tests.safety.sweep import KINDS, Count, Sweep


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.safety", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios (default: all)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th fault")
    parser.add_argument("--kinds", default=",".join(KINDS), help="faults, with commas")
    parser.add_argument("--list", action="store_true", help="the names of the scenarios")
    args = parser.parse_args()
    lack = ptraced.lack()
    if lack:
        print(lack)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="safety-sweep-"))
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        os.environ[f"XDG_{name}_HOME"] = str(folder / "xdg" / name.lower())
    try:
        return _sweep(folder, args)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(folder: Path, args: argparse.Namespace) -> int:
    from tests.safety.scenarios import SCENARIOS

    if args.list:
        print("\n".join(scenario.name for scenario in SCENARIOS))
        return 0
    counts: list[Count] = []
    shown = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    for scenario in SCENARIOS:
        if args.names and scenario.name not in args.names:
            continue
        os.dup2(null, 1)  # what commands say while the beginning is made
        try:
            sweep = Sweep(scenario, folder / scenario.name.replace(" ", "-"))
            count = sweep.sweep(sweep.all_faults(args.kinds.split(","))[:: args.every])
        finally:
            sys.stdout.flush()
            os.dup2(shown, 1)
        counts.append(count)
        print(count.line(), flush=True)
        for failure in count.failures:
            print(f"  WRONG {failure}", flush=True)
        shutil.rmtree(folder / scenario.name.replace(" ", "-"), ignore_errors=True)
    runs = {kind: sum(count.runs[kind] for count in counts) for kind in KINDS}
    left = {what: sum(count.left[what] for count in counts) for what in ("old", "part", "new")}
    wrong = sum(len(count.failures) for count in counts)
    print(
        f"{len(counts)} pieces of work, {sum(count.calls for count in counts)} calls, {sum(runs.values())} runs "
        f"({', '.join(f'{number} {kind}' for kind, number in runs.items())}): found {left['old']} times the old state, "
        f"{left['new']} times the new, {left['part']} times some things old and some new; {wrong} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
