"""``python -m tests.load [names] [--small] [--json FILE]``: run the loads found beside this file, each in a process of
its own, so that the memory of one is not that of another."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.load.report import BrokenError, Report


def names() -> list[str]:
    """The loads there are."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name.removeprefix("load_") for name in modules if name.startswith("load_"))


def run_one(name: str, folder: Path, *, small: bool) -> Report:
    """Run one load in this process. Raises ``BrokenError``."""
    report = Report(folder, small=small, load=name)
    asyncio.run(import_module(f"tests.load.load_{name}").run(report))
    return report


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; 0 when all of it ran and held."""
    known = names()
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Days of work on cases as large as any.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(known)} (default: all)")
    parser.add_argument("--small", action="store_true", help="the same with less of it, in seconds")
    parser.add_argument("--json", metavar="FILE", help="write the figures of one load to FILE as well")
    args = parser.parse_args(argv)
    unknown = set(args.names) - set(known)
    if unknown:
        parser.error(f"no load {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    wanted = args.names or known
    if len(wanted) == 1:
        return _here(wanted[0], small=args.small, out=args.json)
    more = ["--small"] if args.small else []
    broken = [name for name in wanted if subprocess.run([sys.executable, "-m", "tests.load", name, *more]).returncode]
    if broken:
        sys.stdout.write(f"does not hold: {', '.join(broken)}\n")
    return 1 if broken else 0


def _here(name: str, *, small: bool, out: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="rescuedeck-load-") as folder:
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):  # nothing of the person who runs this
            os.environ[f"XDG_{kind}_HOME"] = str(Path(folder, "home", kind.lower()))
        work = Path(folder, "work")
        work.mkdir()
        try:
            report = run_one(name, work, small=small)
        except BrokenError as error:
            sys.stdout.write(f"{error}\n")
            return 1
    if out:
        Path(out).write_text(json.dumps([asdict(figure) for figure in report.figures], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
