"""``python -m tests.bench [names] [--small] [--rounds N] [--json FILE]``: run the benchmarks found beside this file."""

from __future__ import annotations

import argparse
import json
import pkgutil
import sys
import tempfile
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.bench.report import Report


def names() -> list[str]:
    """The benchmarks there are."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name.removeprefix("bench_") for name in modules if name.startswith("bench_"))


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; 0 when all of it ran."""
    known = names()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios against anchors, in one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(known)} (default: all)")
    parser.add_argument("--small", action="store_true", help="leave out what takes long")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the best counts (5)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE as well")
    args = parser.parse_args(argv)
    unknown = set(args.names) - set(known)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    with tempfile.TemporaryDirectory(prefix="rescuedeck-bench-") as folder:
        report = Report(Path(folder), small=args.small, rounds=max(1, args.rounds))
        sys.stdout.write(f"{'bench':<10} {'what':<44} {'ours':>12}  {'anchor':>12}  {'ratio':>7}\n")
        for name in args.names or known:
            report.bench = name
            import_module(f"tests.bench.bench_{name}").run(report)
    if args.json:
        rows = [asdict(row) | {"ratio": row.ratio} for row in report.rows]
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
