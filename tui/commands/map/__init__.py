"""``rescuedeck map``: look at rescue maps, check and repair them, edit them, prepare the next pass, go back.

The verbs are in modules by what they are for; this one lists them, and loads one when it is called.
"""

from __future__ import annotations

import argparse
import os
from importlib import import_module

from tui.commands.map.arguments import STATUSES, configure_all
from tui.commands.output import Output

# verb -> module of this package; its VERBS hold the function
_HOME = {
    "info": "look", "list": "look", "check": "look", "render": "look", "sectors": "look", "diff": "look",
    "next": "look",
    "set": "edit", "header": "edit", "split": "edit", "merge": "edit", "shift": "edit", "clip": "edit",
    "extend": "edit", "change-types": "edit", "invert": "edit", "and": "edit", "or": "edit", "xor": "edit",
    "minus": "edit",
    "recipe": "recipes",
    "create": "make", "complete": "make", "domain": "make",
    "generations": "keep", "restore": "keep", "undo-log": "keep", "replay": "keep",
    "read": "reading",
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    parser.epilog = (
        f"Block statuses: {STATUSES}. A case may stand for its map. Older states of a map may be named MAP@NUMBER (see "
        "map generations)."
    )
    configure_all(parser.add_subparsers(dest="verb", required=True, metavar="VERB"))


def map_of(text: str) -> str:
    """The path of a map: ``text``, or the map of the case that it names; ``@NUMBER`` stays."""
    from engine.cases import is_case, load_case

    name, at, number = text.rpartition("@")
    if at and number.isdecimal() and not os.path.lexists(text):
        return f"{map_of(name)}@{number}"
    return str(load_case(text).map) if is_case(text) else text


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb. A case stands for its map."""
    for name in ("map", "other", "before", "after"):
        if isinstance(getattr(args, name, None), str):
            setattr(args, name, map_of(getattr(args, name)))
    module = import_module(f"tui.commands.map.{_HOME[args.verb]}")
    code: int = module.VERBS[args.verb](args, out)
    return code
