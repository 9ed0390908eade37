"""What every verb of ``rescuedeck map`` takes. Light: nothing of the engine is imported here."""

from __future__ import annotations

import argparse
from typing import Any

from tui.commands.output import common

STATUSES = "? non-tried, * non-trimmed, / non-scraped, - bad sector, + finished"
_RANGE = "START-END (end exclusive), START+SIZE, several with commas, all, @FILE, or part:IMAGE:NUMBER"
_AREAS = "@FILE: a list of START SIZE LABEL, what sfdisk --dump or --json prints, or a domain map"
_OTHERS = (
    ("and", "what is finished in MAP but not in OTHER becomes bad (ddrescuelog -y)"),
    ("or", "what is finished in OTHER becomes finished (ddrescuelog -z)"),
    ("xor", "where OTHER is finished: finished becomes bad, all else finished (ddrescuelog -x)"),
    ("minus", "what is finished in both becomes bad"),
)


def configure_all(leaves: Any) -> None:
    """Add every verb to the sub-parsers ``leaves``."""
    _look(leaves)
    _edit(leaves)
    _make(leaves)
    _keep(leaves)


def leaf(leaves: Any, name: str, help_: str, example: str, *, map_: bool = True) -> argparse.ArgumentParser:
    """A verb, with its help, an example and the map."""
    parser = leaves.add_parser(name, help=help_, description=help_)
    verb = common(parser, example=f"rescuedeck map {example}")
    if map_:
        verb.add_argument("map", metavar="MAP", help="a ddrescue mapfile")
    return verb


def output(verb: argparse.ArgumentParser, *, required: bool = True) -> argparse.ArgumentParser:
    """A verb that writes a new map."""
    verb.add_argument("-o", "--output", metavar="OUT", required=required, help="the new map; MAP itself is not touched")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")
    return verb


def changes(verb: argparse.ArgumentParser, *, required: bool = True) -> argparse.ArgumentParser:
    """A verb that changes a map: into a new file, in place with a generation, or only told."""
    where = verb.add_mutually_exclusive_group(required=required)
    where.add_argument("-o", "--output", metavar="OUT", help="the new map; MAP itself is not touched")
    where.add_argument("--in-place", action="store_true", help="change MAP itself; the old state is kept (generations)")
    where.add_argument("--dry-run", action="store_true", help="only say what would change")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")
    verb.add_argument("--note", metavar="TEXT", default="", help="the generation's note, with --in-place")
    verb.add_argument("--lose-finished", action="store_true",
                      help="with --in-place: yes, finished bytes may become something else")  # fmt: skip
    return verb


def _where(verb: argparse.ArgumentParser, what: str = "only here") -> argparse.ArgumentParser:
    verb.add_argument("--range", metavar="RANGE", help=f"{what}: {_RANGE}")
    return verb


def _look(leaves: Any) -> None:
    leaf(leaves, "info", "totals of a map", "info disk.map --json")
    verb = leaf(leaves, "list", "the blocks of a map", "list disk.map --status '*/-'")
    verb.add_argument("--status", metavar="CHARS", help=f"only these, as --status=CHARS ({STATUSES})")
    verb = leaf(leaves, "check", "what is malformed in a map, line by line", "check pasted.map --fix repaired.map")
    verb.add_argument("--fix", metavar="OUT", help="save the proposed repair as OUT")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")
    verb = leaf(leaves, "render", "the block map as text, the worst status of each cell", "render disk.map")
    verb.add_argument("--width", type=int, default=64, help="cells in a row (64)")
    verb.add_argument("--height", type=int, default=16, help="rows (16)")
    verb.add_argument("--window", metavar="RANGE", help="only this range: START-END or START+SIZE")
    verb = leaf(leaves, "sectors", "the numbers of the sectors that hold any byte of the statuses",
                "sectors disk.map --status=-")  # fmt: skip
    verb.add_argument("--status", metavar="CHARS", default="-", help="which, as --status=CHARS (-)")
    verb.add_argument("--sector-size", metavar="BYTES", default="512", help="(512)")
    _where(verb)
    verb = leaf(leaves, "diff", "what was gained and lost between two maps; exit code 1 when they differ",
                "diff disk.map@3 disk.map")  # fmt: skip
    verb.add_argument("other", metavar="OTHER", help="the later map, or an older state as MAP@NUMBER")
    verb = leaf(leaves, "next", "which areas the next run of ddrescue reads, in which order",
                "next disk.map --option retry_passes=1")  # fmt: skip
    verb.add_argument("--option", dest="options", metavar="NAME=VALUE", action="append", default=[],
                      help="an option of the run (repeatable; see rescue run --list-options)")  # fmt: skip
    verb.add_argument("--recipe", metavar="NAME", default="", help="a pass of the rescue (rescue run --list-recipes)")
    verb.add_argument("--size", metavar="SIZE", help="the source's size")
    verb.add_argument("--range", metavar="START+SIZE", help="only this part of the drive")


def _edit(leaves: Any) -> None:
    verb = leaf(leaves, "set", "give ranges one status", "set disk.map 1M+64K non-tried -o next.map")
    verb.add_argument("range", metavar="RANGE", help=_RANGE)
    verb.add_argument("status", metavar="STATUS", help=f"{STATUSES}; or such a name")
    verb.epilog = f"{verb.epilog}\n{_AREAS}"
    verb.add_argument("--only", metavar="CHARS", help="of the ranges only blocks of these statuses, as --only=CHARS")
    verb.add_argument("--at-least", metavar="SIZE", help="with --only: only areas of at least this size")
    verb.add_argument("--grow", metavar="SIZE", help="every range longer by this at both ends")
    verb.add_argument("--shrink", metavar="SIZE", help="every range shorter by this at both ends")
    verb.add_argument("--align", metavar="SIZE", help="ends moved outwards to multiples of this")
    verb.add_argument("--align-inwards", metavar="SIZE", help="ends moved inwards to multiples of this")
    changes(verb)
    verb = leaf(leaves, "header", "write the status line by hand", "header disk.map --position 0 --pass 1 --in-place")
    verb.add_argument("--position", metavar="POS", help="where the next run goes on, in bytes")
    verb.add_argument("--status", metavar="CHAR", help="? copying, * trimming, / scraping, - retrying, + finished")
    verb.add_argument("--pass", dest="number", metavar="N", type=int, help="the pass it goes on in")
    changes(verb)
    verb = leaf(leaves, "split", "cut blocks in two at positions", "split disk.map 1M 2M -o next.map")
    verb.add_argument("positions", metavar="POS", nargs="+", help="where, in bytes")
    changes(verb)
    changes(_where(leaf(leaves, "merge", "join neighbours of one status", "merge disk.map -o next.map")))
    verb = leaf(leaves, "shift", "move every position", "shift partition.map --up 1M -o disk.map")
    way = verb.add_mutually_exclusive_group(required=True)
    way.add_argument("--up", metavar="SIZE", help="towards the end; a non-tried block fills from 0")
    way.add_argument("--down", metavar="SIZE", help="towards 0; what falls below is cut")
    changes(verb)
    verb = leaf(leaves, "clip", "keep only a part of the map", "clip disk.map --size 500107862016 -o next.map")
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("--range", metavar="RANGE", help="from the first to the last byte of it; like RANGE of set")
    which.add_argument("--size", metavar="SIZE", help="to the source's size")
    which.add_argument("--domain", metavar="RANGE", help="only these ranges, @DOMAIN_MAP too; a status stands between")
    verb.add_argument("--with", dest="status", metavar="STATUS", default="?", help="status between the ranges (?)")
    changes(verb)
    verb = leaf(leaves, "extend", "make the map longer", "extend disk.map --size 1T -o next.map")
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("--range", metavar="RANGE", help="START-END or START+SIZE that it is to cover")
    which.add_argument("--size", metavar="SIZE", help="from 0 to the source's size")
    verb.add_argument("--with", dest="status", metavar="STATUS", default="?", help="status of the new ground (?)")
    changes(verb)
    verb = leaf(leaves, "change-types", "turn statuses into others (ddrescuelog -a)",
                "change-types disk.map '*/' '?' -o next.map")  # fmt: skip
    verb.add_argument("old", metavar="OLD", help="status characters, or names with commas; each becomes")
    verb.add_argument("new", metavar="NEW", help="the one in its place here; the last one stands for all further ones")
    changes(_where(verb))
    changes(_where(leaf(leaves, "invert", "finished becomes bad, all else finished (ddrescuelog -n)",
                        "invert disk.map -o domain.map")))  # fmt: skip
    for name, help_ in _OTHERS:
        verb = leaf(leaves, name, help_, f"{name} disk.map other.map -o result.map")
        verb.add_argument("other", metavar="OTHER", help="another mapfile, or an older state as MAP@NUMBER")
        changes(_where(verb))
    verb = leaf(leaves, "recipe", "prepare a map for the next pass",
                "recipe skip-culprit disk.map --with at=20M -o next.map", map_=False)  # fmt: skip
    verb.add_argument("--list", action="store_true", help="the recipes, and what they ask for")
    verb.add_argument("recipe", metavar="NAME", nargs="?", help="a recipe; see --list")
    verb.add_argument("map", metavar="MAP", nargs="?", help="a ddrescue mapfile")
    verb.add_argument("--with", dest="values", metavar="KEY=VALUE", action="append", default=[],
                      help=f"what it asks for; areas also as {_AREAS}")  # fmt: skip
    verb.add_argument("--domain", metavar="OUT", help="where the recipe keeps to areas: save them as a domain map")
    changes(verb, required=False)


def _make(leaves: Any) -> None:
    verb = leaf(leaves, "create", "make a map from a size, sector numbers or areas",
                "create --sectors list.txt --size 1T -o new.map", map_=False)  # fmt: skip
    what = verb.add_mutually_exclusive_group()
    what.add_argument("--sectors", metavar="FILE", help="sector numbers, in any order (- for standard input)")
    what.add_argument("--areas", metavar="RANGE", help=f"{_RANGE}; {_AREAS}")
    verb.add_argument("--size", metavar="SIZE", help="the source's size; without it the map stays open at its end")
    verb.add_argument("--sector-size", metavar="BYTES", default="512", help="(512)")
    verb.add_argument("--listed", metavar="STATUS", default="+", help="status of what is listed (+)")
    verb.add_argument("--rest", metavar="STATUS", help="status of the rest (-, and ? when only a size is given)")
    output(verb)
    verb = leaf(leaves, "complete", "fill the gaps of a map that has some (ddrescuelog -C)",
                "complete notes.map --with bad-sector -o whole.map")  # fmt: skip
    verb.add_argument("--with", dest="status", metavar="STATUS", default="?", help="what gaps become (?)")
    output(verb)
    verb = leaf(leaves, "domain", "a domain map: some statuses or areas of a map as finished, for ddrescue's -m",
                "domain disk.map --status=?* -o todo.domain")  # fmt: skip
    verb.add_argument("--status", metavar="CHARS", default="?*/-", help="which blocks are wanted (all that is missing)")
    output(_where(verb))


def _keep(leaves: Any) -> None:
    verb = leaf(leaves, "generations", "older states of a map, with their notes and the commands that used them",
                "generations disk.map --json")  # fmt: skip
    verb.add_argument("--restore", metavar="N", type=int, help="go back to this one, as map restore N --in-place does")
    verb.add_argument("--note", metavar="TEXT", default="", help="the new generation's note, with --restore")
    verb.add_argument("--lose-finished", action="store_true",
                      help="with --restore: yes, finished bytes may become something else")  # fmt: skip
    verb = leaf(leaves, "restore", "go back to an older state of a map, as a whole or in ranges",
                "restore disk.map 3 --in-place")  # fmt: skip
    verb.add_argument("number", metavar="NUMBER", type=int, help="a generation; see map generations")
    changes(_where(verb))
    leaf(leaves, "undo-log", "unsaved edits of an editor session that was lost", "undo-log disk.map")
    verb = leaf(leaves, "replay", "carry out the unsaved edits of a lost session, or discard them",
                "replay disk.map --in-place")  # fmt: skip
    where = verb.add_mutually_exclusive_group(required=True)
    where.add_argument("-o", "--output", metavar="OUT", help="the new map; MAP and the edits stay as they are")
    where.add_argument("--in-place", action="store_true", help="into MAP itself; its old state is kept as a generation")
    where.add_argument("--discard", action="store_true", help="do not; they are kept in a file beside the map")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")
    verb.add_argument("--note", metavar="TEXT", default="", help="the generation's note, with --in-place")
    verb.add_argument("--lose-finished", action="store_true",
                      help="with --in-place: yes, finished bytes may become something else")  # fmt: skip
    verb = leaf(leaves, "read", "read a part of the drive now: a rescue of just that, into this map",
                "read disk.map 1M+64K --source /dev/disk/by-id/ata-X --image disk.img")  # fmt: skip
    verb.add_argument("range", metavar="RANGE", help=_RANGE)
    verb.add_argument("--only", metavar="CHARS", help="of the ranges only blocks of these statuses, as --only=CHARS")
    verb.add_argument("--source", metavar="SOURCE", help="the drive; a case knows it")
    verb.add_argument("--image", metavar="IMAGE", help="the image; a case knows it")
    verb.add_argument("--recipe", metavar="NAME", default="", help="one pass of the rescue instead of its strategy")
    verb.add_argument("--retries", type=int, metavar="N", help="retry passes for bad sectors")
    verb.add_argument("--option", dest="options", metavar="NAME=VALUE", action="append", default=[],
                      help="any option of ddrescue (repeatable)")  # fmt: skip
    verb.add_argument("--dry-run", action="store_true", help="only say what would be read")
    verb.add_argument("--detach", action="store_true", help="leave it running in the background")
