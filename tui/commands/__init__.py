"""The command line: a table of sub-commands, each in a module of its own that is imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from typing import NoReturn

from engine import __version__
from engine.errors import RescueError

# group -> what it does. The module is tui.commands.<group>, with `configure(parser)` and `run(args, out) -> int`.
GROUPS: dict[str, str] = {
    "doctor": "what is installed and allowed, and what each lack costs",
    "devices": "block devices, their health and what uses them",
    "open": "the deck, opened on a case, an image, a map or a device",
    "demo": "build the demonstration case and open it",
    "map": "rescue maps: totals, blocks, checks, edits, algebra, pictures",
    "rescue": "image a failing drive with GNU ddrescue",
    "parts": "partitions: tree, checks, repairs with a way back",
    "fs": "files: list, what is hit, what to read first, extract, free space, slack",
    "carve": "files by their own structure, where no directory names them",
    "dvr": "recordings on the disks of video recorders: list, extract, scan by the clock",
    "decode": "dates, dBASE tables, System Restore logs, phone backups, remote controls",
    "ole2": "documents of old Office programs: what is wrong, repair, salvage",
    "hex": "bytes of a source, with the structure in them explained",
    "case": "case directories: create, show, history",
    "raid": "RAID5 without its controller: layout found, array assembled",
    "sectors": "520, 524, 528, 4160-byte sectors: recognised, read through, converted",
    "report": "what was done with a case and what was saved, as a page",
    "completion": "words for the shell to complete, a manual page, the reference of commands and keys",
    "jobs": "long work: list, show, stop, resume, attach",
}

_DESCRIPTION = """Get data off failing disks. Without a sub-command the full-screen deck opens.

Sources are only ever read. Numbers: decimal, 0x hex, suffixes s (512-byte sectors), K, M, G, T (1024-based).
Exit codes: 0 done; 1 done, but damaged / not found / incomplete; 2 wrong usage; 3 something outside is missing
or failed; 130 interrupted, work so far kept."""


class _Parser(argparse.ArgumentParser):
    """argparse with the house's error line and exit code."""

    def error(self, message: str) -> NoReturn:
        from engine.text import safe_text

        if "--json" in sys.argv[1:]:
            from tui.commands.output import error_document

            sys.stdout.write(error_document("usage", message, None))
        sys.stderr.write(f"rescuedeck: {safe_text(message)}; try: {self.prog} --help\n")
        raise SystemExit(2)


def _top_parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<10} {text}" for name, text in GROUPS.items())
    parser = _Parser(
        prog="rescuedeck",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"sub-commands:\n{listed}\n\nexample: rescuedeck map info disk.map --json",
        usage="rescuedeck [--version] [SUB-COMMAND ...]",
    )
    parser.add_argument("--version", action="version", version=f"rescuedeck {__version__}")
    parser.add_argument("group", nargs="?", metavar="SUB-COMMAND", help="one of those below")
    return parser


def group_parser(group: str) -> tuple[object, argparse.ArgumentParser]:
    """The module of a group and its parser."""
    module = importlib.import_module(f"tui.commands.{group}")
    parser = _Parser(prog=f"rescuedeck {group}", formatter_class=argparse.RawDescriptionHelpFormatter)
    module.configure(parser)
    return module, parser


def run(argv: list[str]) -> int:
    """Run one command line; returns the exit code, errors already told."""
    if not argv or argv[0].startswith("-"):
        if any(word in ("-h", "--help", "--version") for word in argv):
            try:
                _top_parser().parse_args(argv)
            except SystemExit as stop:
                return int(stop.code or 0)
        argv = ["open", *argv]
    group = argv[0]
    if group not in GROUPS:
        try:
            _top_parser().error(f"{group!r} is not a sub-command")
        except SystemExit as stop:
            return int(stop.code or 0)
    module, parser = group_parser(group)
    try:
        args = parser.parse_args(argv[1:])
    except SystemExit as stop:
        return int(stop.code or 0)
    return _run_group(module, args)


def _run_group(module: object, args: argparse.Namespace) -> int:
    from tui.commands.output import Output, print_error

    out = Output(json=getattr(args, "json", False), quiet=getattr(args, "quiet", False))
    try:
        code = int(module.run(args, out))  # type: ignore[attr-defined]
        sys.stdout.flush()
        return code
    except RescueError as error:
        print_error(error, json_mode=out.json)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nrescuedeck: interrupted; what was done so far is kept\n")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing more to say, and no complaint at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name in ("", "engine", "themes", "tui"):
            raise
        sys.stderr.write(f"rescuedeck: the Python package {name} is not there; rescuedeck doctor says how to get it\n")
        return 3
    except MemoryError:
        sys.stderr.write("rescuedeck: out of memory; close other programs, or work on a smaller part\n")
        return 3
    except OSError as os_error:
        from engine.errors import outside

        print_error(outside(os_error, "cannot go on"), json_mode=out.json)
        return 3
