"""``python -m tests.mutation [room ...] --tools FOLDER``: put faults into a copy of the code, tell which no test sees.

The tool is no part of the lock: ``pip install --target FOLDER cosmic-ray==8.7.0 coverage==7.17.3``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.mutation.mutants import mutants_of, sample
from tests.mutation.rooms import ROOMS
from tests.mutation.trial import Trial, copy_checkout

ROOT = Path(__file__).parents[2]


def main(argv: list[str] | None = None) -> int:
    """Run, print a line for each survivor and a table; 0 whatever came out."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Faults that no test notices.")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"some of: {', '.join(ROOMS)} (default: all)")
    parser.add_argument("--tools", required=True, metavar="FOLDER", help="where cosmic-ray and coverage are installed")
    parser.add_argument("--only", default="", metavar="TEXT", help="modules whose path holds TEXT")
    parser.add_argument(
        "--per-module",
        type=int,
        default=24,
        help="mutants drawn from each precious module, a third of it from the others (24)",
    )
    parser.add_argument("--seed", type=int, default=1, help="the draw can be repeated (1)")
    parser.add_argument("--longest", type=float, default=5.0, help="CPU seconds; tests above it are not used (5)")
    parser.add_argument("--budget", type=float, default=5.0, help="CPU seconds of tests for each mutant (5)")
    parser.add_argument("--again", metavar="FILE", help="only the survivors of an earlier --json FILE")
    parser.add_argument("--json", metavar="FILE", help="append each verdict to FILE, one object a line")
    args = parser.parse_args(argv)
    if unknown := set(args.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}")
    sys.path.append(args.tools)
    again = None
    if args.again:
        earlier = [json.loads(line) for line in Path(args.again).read_text().splitlines()]
        again = {(one["module"], one["operator"], one["before"]) for one in earlier if one["survived"]}
    for name in args.rooms or ROOMS:
        try_room(name, args, again)
    return 0


def try_room(name: str, args: argparse.Namespace, again: set[tuple[str, str, str]] | None) -> None:
    """All of one room's modules."""
    room, out = ROOMS[name], sys.stdout
    with tempfile.TemporaryDirectory(prefix="rescuedeck-mutation-") as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        copy_checkout(ROOT, copy)
        trial = Trial.start(copy, room, args.tools, args.longest, args.budget)
        out.write(f"{name}: {len(trial.costs)} tests, {sum(trial.costs.values()):.0f} s; not used: {trial.left_out}\n")
        for module in room.files(ROOT):
            if args.only not in module:
                continue
            source = (copy / module).read_text()
            found = list(mutants_of(module, source))
            if again is not None:
                drawn = [one for one in found if (one.module, one.operator, one.before) in again]
            else:
                drawn = sample(found, room.share(module, args.per_module), args.seed)
            count: Counter[str] = Counter()
            start = time.monotonic()
            for mutant in drawn:
                code, after = mutant.made(source)
                killer = trial.verdict(mutant, source, code)
                if killer == "same code":
                    continue
                survived = killer in ("", "unreached")
                count["survived" if survived else "killed"] += 1
                if survived:
                    out.write(f"  {mutant.key} {killer}\n    - {mutant.before}\n    + {after}\n")
                if args.json:
                    row = {"room": name, "survived": survived, "killer": killer, "after": after}
                    row |= {part: getattr(mutant, part) for part in ("module", "line", "operator", "before")}
                    with Path(args.json).open("a") as lines:
                        lines.write(json.dumps(row) + "\n")
            took = time.monotonic() - start
            out.write(f"{module}: {count.total()} of {len(found)} tried, {count['killed']} killed, ")
            out.write(f"{count['survived']} survived, {took:.0f} s\n")
            out.flush()
        trial.close()


if __name__ == "__main__":
    raise SystemExit(main())
