"""The whole sweep: ``python -m tests.safety [--every N] [--kinds kill,full,io,short] [NAME ...]``.

Every piece of work of ``tests/safety/scenarios.py`` is broken off, or refused, at each of its calls that change files
(with ``--every N`` at each N-th). Prints counts, and what was
wrong; exit code 1 when anything was. All of it takes about half an hour.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.safety import ptraced
from tests.safety.sweep import KINDS, Count, Sweep
from tests.support import find_tool


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.safety", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios (default: all)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th fault")
    parser.add_argument("--kinds", default=",".join(KINDS), help="faults, with commas")
    parser.add_argument("--census", action="store_true", help="which scenario runs which function that saves")
    parser.add_argument("--check-census", action="store_true", help="also: is the table of the census true?")
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


def _census(folder: Path) -> int:
    """Print the table of ``census.py``."""
    run_by = find_out(folder)
    print("RUN_BY: dict[str, str] = {")
    for place, name in sorted(run_by.items()):
        print(f'    "{place}": "{name}",')
    print("}")
    return 0


def find_out(folder: Path) -> dict[str, str]:
    """Function that saves -> the first scenario that really runs it."""
    from tests.safety.scenarios import SCENARIOS
    from tests.safety.writers import writers

    places = {writer.place for writer in writers()}
    run_by: dict[str, str] = {}
    with quiet():
        for scenario in SCENARIOS:
            if scenario.needs and find_tool(scenario.needs) is None:
                continue
            sweep = Sweep(scenario, folder / f"census-{scenario.name.replace(' ', '-')}")
            for place in places & sweep.count.functions:
                run_by.setdefault(place, scenario.name)
    return run_by


def _untrue(counts: list[Count]) -> list[str]:
    from tests.safety.census import NOT_SYNCED, RUN_BY

    early = [f"{count.name}: {path} has its name before its bytes are on the disk" for count in counts
             for path in count.unsynced if not path.endswith(tuple(NOT_SYNCED)) or ".holed" in path]  # fmt: skip
    ran = {count.name: count.functions for count in counts}
    return early + [
        f"{name} does not run {place}" for place, name in RUN_BY.items() if name in ran and place not in ran[name]
    ]


@contextmanager
def quiet() -> Iterator[None]:
    """What commands say while a beginning is made goes nowhere."""
    sys.stdout.flush()
    shown, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(shown, 1)
        os.close(shown)
        os.close(null)


def _sweep(folder: Path, args: argparse.Namespace) -> int:
    from tests.safety.scenarios import SCENARIOS

    if args.list:
        print("\n".join(scenario.name for scenario in SCENARIOS))
        return 0
    if args.census:
        return _census(folder)
    counts: list[Count] = []
    for scenario in SCENARIOS:
        if args.names and scenario.name not in args.names:
            continue
        if scenario.needs and find_tool(scenario.needs) is None:
            print(f"{scenario.name}: not tried, {scenario.needs} is not installed")
            continue
        with quiet():
            sweep = Sweep(scenario, folder / scenario.name.replace(" ", "-"))
            count = sweep.sweep(sweep.all_faults(args.kinds.split(","))[:: args.every])
        counts.append(count)
        print(count.line(), flush=True)
        for failure in count.failures:
            print(f"  WRONG {failure}", flush=True)
        shutil.rmtree(folder / scenario.name.replace(" ", "-"), ignore_errors=True)
    untrue = _untrue(counts) if args.check_census else []
    for words in untrue:
        print(f"  WRONG {words}")
    runs = {kind: sum(count.runs[kind] for count in counts) for kind in KINDS}
    left = {what: sum(count.left[what] for count in counts) for what in ("old", "part", "new")}
    wrong = sum(len(count.failures) for count in counts) + len(untrue)
    print(
        f"{len(counts)} pieces of work, {sum(count.calls for count in counts)} calls, {sum(runs.values())} runs "
        f"({', '.join(f'{number} {kind}' for kind, number in runs.items())}): found {left['old']} times the old state, "
        f"{left['new']} times the new, {left['part']} times some things old and some new; {wrong} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
