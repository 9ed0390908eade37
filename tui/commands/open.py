"""``rescuedeck open``: the full-screen deck, on a case, an image, a map, a device, or on its start screen."""

from __future__ import annotations

import argparse
import os
import sys

from engine.errors import OutsideError
from engine.text import safe_text
from tui.commands.output import Output

# Kept beside the palettes by a test: importing those here would load Textual for --help.
THEME_NAMES = ("dark", "light", "contrast", "ansi", "ansi-light", "mono")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``open``."""
    parser.description = "Open the deck. Without PATH: its start screen."
    parser.epilog = "example: rescuedeck open /srv/cases/smith --theme light"
    parser.add_argument("path", nargs="?", metavar="PATH", help="a case, an image, a map, or a device")
    parser.add_argument("--map", metavar="FILE", help="the ddrescue mapfile of the image at PATH")
    parser.add_argument("--theme", choices=THEME_NAMES, help="colours (default: what the terminal can show)")
    parser.add_argument(
        "--link", choices=("fast", "slow"), default="fast", help="slow: fewer updates, 16 colours, no mouse"
    )
    parser.add_argument(
        "--ascii", action=argparse.BooleanOptionalAction, default=None, help="draw with ASCII only (default: by locale)"
    )
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")


def run(args: argparse.Namespace, _out: Output) -> int:
    """Open the deck; 2 when this is no terminal for it."""
    from tui.launch import check, launch

    reason = check()
    if reason is not None:
        sys.stderr.write(f"rescuedeck: {safe_text(reason)}\n")
        return 2
    if args.path is not None and not os.path.lexists(args.path):
        raise OutsideError("there is nothing at that path", code="missing", path=args.path, advice="check the name")
    from tui.options import Options

    return launch(
        Options(
            path=args.path, map=args.map, theme=args.theme, ascii=args.ascii, link=args.link, mouse=not args.no_mouse
        )
    )
