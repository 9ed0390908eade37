"""``rescuedeck completion``: words for the shell, the manual page and the reference, from the program itself."""

from __future__ import annotations

import argparse
import sys

from tui.commands.output import Output

FORMS = ("bash", "zsh", "fish", "man", "reference")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("form", choices=FORMS, help="for which shell; man: a manual page; reference: Markdown")
    parser.epilog = 'example: eval "$(rescuedeck completion bash)"'


def run(args: argparse.Namespace, _out: Output) -> int:
    """Print it."""
    from tui import reference

    made = {
        "bash": reference.bash, "zsh": reference.zsh, "fish": reference.fish, "man": reference.manual,
        "reference": reference.markdown,
    }[args.form]()  # fmt: skip
    sys.stdout.write(made)
    return 0
