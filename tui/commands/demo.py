"""``rescuedeck demo``: build the demonstration case and open it."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from engine.text import safe_text
from tui.commands.output import Output, common

DEFAULT = "rescuedeck-demo"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``demo``."""
    parser.description = (
        "Builds a disk with partitions and files, serves it as failing drives, and opens the deck on the first case. "
        "Nothing outside the folder is touched; neither root nor a spare drive is needed."
    )
    common(parser, example="rescuedeck demo --no-open /tmp/demo")
    parser.add_argument("directory", nargs="?", default=DEFAULT, metavar="DIR", help=f"where (default: {DEFAULT})")
    parser.add_argument("--no-open", action="store_true", help="only build it")
    parser.add_argument("--stop", action="store_true", help="stop serving the drives of DIR")


def run(args: argparse.Namespace, out: Output) -> int:
    """Build (or wake) the demonstration, then open the deck on it."""
    from engine.demo.build import build_demo, stop_demo

    where = Path(args.directory)
    if args.stop:
        count = stop_demo(where)
        out.document({"stopped": count})
        out.line(f"{count} drive{'s' if count != 1 else ''} stopped")
        return 0
    reporter = out.reporter("building the demonstration")
    demo = build_demo(where, reporter)
    reporter.close()
    out.document(
        {
            "case": str(demo.case),
            "cases": [str(case) for case in demo.cases],
            "files": [str(path) for path in demo.files],
            "power_commands": demo.power_commands,
            "lacks": demo.lacks,
        }
    )
    if not out.json:
        out.line(f"demonstration in {safe_text(str(demo.directory))}")
        if demo.lacks:
            out.line(f"no drive that drops off here: {demo.lacks}; bad places are played by ddrescue's test mode")
        for name, command in demo.power_commands.items():
            out.line(f"power switch of {name}: {safe_text(shlex.join(command))}")
    if args.no_open or args.json:
        return 0
    from tui.launch import check

    reason = check()
    if reason is not None:
        sys.stderr.write(f"rescuedeck: {safe_text(reason)}\n")
        return 2
    from tui.app import Options
    from tui.launch import launch

    return launch(Options(path=str(demo.case), map=None, theme=None, ascii=None, link="fast", mouse=True))
