"""``python -m tests.fuzz [TARGET ...]``: fuzz for so many minutes each, or replay inputs that were kept."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all of them when none is named")
    parser.add_argument("--minutes", type=float, help="for each target; without it the small run, as in the tests")
    parser.add_argument("--jobs", type=int, default=1, help="so many targets at a time")
    parser.add_argument("--corpus", type=Path, help="keep what was found interesting here, and go on from it")
    parser.add_argument("--work", type=Path, help="logs, seeds and faults (a temporary folder, kept on faults)")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    parser.add_argument("--list", action="store_true", help="name the targets")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="run one target over inputs, plainly")
    return parser.parse_args()


def main() -> int:
    """1 when there were faults."""
    given = _arguments()
    if given.list or given.replay:
        return _plain(given)
    from tests.fuzz import running

    targets = running.load()
    unknown = [name for name in given.targets if name not in targets]
    if unknown:
        print(f"no such target: {', '.join(unknown)}; --list names them", file=sys.stderr)
        return 2
    work = given.work or Path(tempfile.mkdtemp(prefix="rescuedeck-fuzzing-"))
    work.mkdir(parents=True, exist_ok=True)
    ran = running.Round(targets, work, given.corpus, given.seed)
    done = ran.run(given.targets or list(targets), jobs=given.jobs, seconds=round((given.minutes or 0) * 60))
    running.tidy()
    print(running.document(done) if given.json else running.table(done))
    if any(one.faults or one.died for one in done):
        print(f"inputs and tracebacks: {ran.faults}", file=sys.stderr)
        return 1
    return 0


def _plain(given: argparse.Namespace) -> int:
    """Without atheris: anybody can look at what it found."""
    from tests.fuzz.judging import judge
    from tests.fuzz.registry import all_targets

    targets = all_targets()
    if given.list:
        print("\n".join(targets))
        return 0
    faults = 0
    for path in given.replay:
        fault, seconds = judge(targets[given.targets[0]], path.read_bytes())
        faults += fault is not None
        print(f"{path}: {seconds:.2f} s, {'nothing wrong' if fault is None else fault.kind + chr(10) + fault.words}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
