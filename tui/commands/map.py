"""``rescuedeck map``: look at rescue maps, check and repair them, edit ranges, combine maps, prepare the next pass."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import format_exact, parse_range, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile
    from engine.mapfile.recipes.base import Recipe

_STATUSES = "? non-tried, * non-trimmed, / non-scraped, - bad sector, + finished"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    parser.epilog = f"Block statuses: {_STATUSES}."
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck map {example}")

    def writes(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("-o", "--output", metavar="OUT", required=True, help="the new map; MAP itself is not touched")
        verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")
        return verb

    def takes_map(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("map", metavar="MAP", help="a ddrescue mapfile")
        return verb

    takes_map(leaf("info", "totals of a map", "info disk.map --json"))
    verb = takes_map(leaf("list", "the blocks of a map", "list disk.map --status '*/-'"))
    verb.add_argument("--status", metavar="CHARS", help=f"only these, as --status=CHARS ({_STATUSES})")
    verb = takes_map(leaf("check", "what is malformed in a map, line by line", "check pasted.map --fix repaired.map"))
    verb.add_argument("--fix", metavar="OUT", help="save the proposed repair as OUT")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")
    verb = takes_map(leaf("set", "give a range one status", "set disk.map 1M+64K non-tried -o next.map"))
    verb.add_argument("range", metavar="RANGE", help="START-END (end exclusive) or START+SIZE")
    verb.add_argument("status", metavar="STATUS", help=f"{_STATUSES}; or such a name")
    writes(verb)
    for name, help_ in (
        ("and", "what is finished in MAP but not in OTHER becomes bad (ddrescuelog -y)"),
        ("or", "what is finished in OTHER becomes finished (ddrescuelog -z)"),
        ("xor", "where OTHER is finished: finished becomes bad, all else finished (ddrescuelog -x)"),
    ):
        verb = takes_map(leaf(name, help_, f"{name} disk.map other.map -o result.map"))
        verb.add_argument("other", metavar="OTHER", help="another mapfile")
        writes(verb)
    writes(takes_map(leaf("invert", "finished becomes bad, all else finished (ddrescuelog -n)",
                          "invert disk.map -o domain.map")))  # fmt: skip
    verb = takes_map(leaf("render", "the block map as text, the worst status of each cell", "render disk.map"))
    verb.add_argument("--width", type=int, default=64, help="cells in a row (64)")
    verb.add_argument("--height", type=int, default=16, help="rows (16)")
    verb.add_argument("--window", metavar="RANGE", help="only this range: START-END or START+SIZE")
    verb = leaf("recipe", "prepare a map for the next pass", "recipe skip-culprit disk.map --with at=20M -o next.map")
    verb.add_argument("--list", action="store_true", help="the recipes, and what they ask for")
    verb.add_argument("recipe", metavar="NAME", nargs="?", help="a recipe; see --list")
    verb.add_argument("map", metavar="MAP", nargs="?", help="a ddrescue mapfile")
    verb.add_argument("--with", dest="values", metavar="KEY=VALUE", action="append", default=[],
                      help="what it asks for")  # fmt: skip
    verb.add_argument("-o", "--output", metavar="OUT", help="the new map; without it only the explanation is shown")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists; the old one stays as OUT.1")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    verbs = {
        "info": _info, "list": _list, "check": _check, "set": _set, "and": _combine, "or": _combine, "xor": _combine,
        "invert": _invert, "render": _render, "recipe": _recipe,
    }  # fmt: skip
    return verbs[args.verb](args, out)


def _document(map_: Mapfile) -> dict[str, Any]:
    return {
        "position": map_.position,
        "status": map_.phase,
        "pass": map_.current_pass,
        "domain": {"start": map_.start, "end": map_.end},
        "blocks": len(map_),
        **map_.totals().as_dict(),
    }


def _show(map_: Mapfile, out: Output, **more: Any) -> None:
    """The totals, as a document or a table."""
    from engine.mapfile.status import CHARS, NAMES

    document = _document(map_)
    out.document(document | more)
    position = format_exact(map_.position)
    out.line(f"status   {map_.phase} {map_.phase_name}, pass {map_.current_pass}, position {position}")
    size = "open: the source's size is unknown" if map_.open_ended else format_exact(map_.end - map_.start)
    out.line(f"domain   {map_.start}-{map_.end}, {size}, {len(map_)} blocks")
    whole = map_.end - map_.start
    rows = []
    for char, name in zip(CHARS, NAMES, strict=True):
        amount = document["bytes"][name]
        share = f"{100 * amount / whole:.2f} %" if whole and not map_.open_ended else "-"
        rows.append((char, name.replace("_", "-"), str(amount), format_exact(amount).split(" (")[0], share,
                     str(document["areas"][name])))  # fmt: skip
    out.table(("", "status", "bytes", "size", "share", "areas"), rows, right=(2, 3, 4, 5))


def _info(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.parse import read_map

    _show(read_map(args.map), out)
    return 0


def _list(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.parse import read_map
    from engine.mapfile.status import CHARS, flags_of

    wanted = set(CHARS if args.status is None else args.status)
    flags_of(args.status or "")
    map_ = read_map(args.map)
    chosen = (block for block in map_ if block.status in wanted)
    if out.json:
        out.pieces(_blocks_json(chosen))
        return 0
    out.line(f"{'start':>20}  {'end':>20}  {'size':>20}  status")
    for start, size, status in chosen:
        out.line(f"{start:>20}  {start + size:>20}  {size:>20}  {status}")
    return 0


def _blocks_json(blocks: Iterator[tuple[int, int, str]]) -> Iterator[str]:
    yield '{"blocks": ['
    comma = "\n"
    for start, size, status in blocks:
        yield f'{comma}{{"start": {start}, "size": {size}, "status": "{status}"}}'
        comma = ",\n"
    yield "\n]}\n"


def _check(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.check import check_file
    from engine.mapfile.store import refuse_taken, save_as

    if args.fix is not None:
        refuse_taken(args.fix, force=args.force)
    found = check_file(args.map)
    written = None
    if args.fix is not None and found.repaired is not None:
        save_as(args.fix, found.repaired, force=args.force)
        written = args.fix
    problems = [{"line": each.line, "message": each.message, "code": each.code} for each in found.problems]
    out.document({
        "valid": found.valid, "problems": problems, "problem_count": found.count, "repair": list(found.notes),
        "written": written,
    })  # fmt: skip
    if found.valid:
        out.line("the map is well-formed")
    for problem in found.problems:
        out.line((f"line {problem.line}: " if problem.line is not None else "") + safe_text(problem.message))
    if found.count > len(found.problems):
        out.line(f"... and {found.count - len(found.problems)} more problems")
    for note in found.notes:
        out.line(f"repair: {safe_text(note)}")
    if written is not None:
        out.line(f"saved as {safe_text(written)}")
    elif args.fix is not None:
        out.line("nothing was saved: no block could be read")
    return 0 if found.valid else 1


def _save(args: argparse.Namespace, out: Output, map_: Mapfile, **more: Any) -> int:
    from engine.mapfile.store import save_as

    save_as(args.output, map_, force=args.force)
    _show(map_, out, **more)
    return 0


def _set(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.parse import read_map
    from engine.mapfile.resume import reading_all
    from engine.mapfile.status import char_of
    from engine.mapfile.store import refuse_taken

    start, end = parse_range(args.range)
    status = char_of(args.status)
    refuse_taken(args.output, force=args.force)
    made = read_map(args.map).set_range(start, end, status)
    if status == "?":
        made, reset = reading_all(made)
        if reset:
            out.note("the status line is set to 0x0 ? 1: the old one would leave non-tried areas out of the next run")
    return _save(args, out, made)


def _combine(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile import algebra
    from engine.mapfile.parse import read_map
    from engine.mapfile.store import refuse_taken

    refuse_taken(args.output, force=args.force)
    operation = {"and": algebra.and_maps, "or": algebra.or_maps, "xor": algebra.xor_maps}[args.verb]
    return _save(args, out, operation(read_map(args.map), read_map(args.other)))


def _invert(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.algebra import invert
    from engine.mapfile.parse import read_map
    from engine.mapfile.store import refuse_taken

    refuse_taken(args.output, force=args.force)
    return _save(args, out, invert(read_map(args.map)))


def _render(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.parse import read_map
    from engine.mapfile.render import render_rows

    window = None if args.window is None else parse_range(args.window)
    rows = render_rows(read_map(args.map), args.width, args.height, window)
    out.document({"rows": rows})
    out.lines(rows)
    return 0


def _recipe(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.recipes import all_recipes, apply_recipe, find_recipe

    if args.list:
        _list_recipes(all_recipes(), out)
        return 0
    if args.recipe is None or args.map is None:
        raise UsageError("a recipe and a map are needed", advice="see rescuedeck map recipe --list")
    from engine.mapfile.parse import read_map
    from engine.mapfile.store import refuse_taken

    recipe = find_recipe(args.recipe)
    kinds = {parameter.name: parameter for parameter in recipe.parameters}
    values = {}
    for given in args.values:
        key, found, text = given.partition("=")
        if not found:
            raise UsageError(f"{safe_text(given, 60)!r} is not KEY=VALUE")
        values[key] = kinds[key].parse(text) if key in kinds else text
    if args.output is not None:
        refuse_taken(args.output, force=args.force)
    outcome = apply_recipe(recipe.name, read_map(args.map), values)
    explain = list(outcome.explain)
    if args.output is not None:
        code = _save(args, out, outcome.map, explain=explain)
    else:
        _show(outcome.map, out, explain=explain)
        out.note("nothing was saved; name a file with -o")
        code = 0
    out.line()
    out.lines(explain)
    return code


def _list_recipes(recipes: tuple[Recipe, ...], out: Output) -> None:
    out.document({
        "recipes": [
            {
                "name": recipe.name, "title": recipe.title, "help": recipe.help,
                "parameters": [
                    {"name": p.name, "kind": p.kind, "help": p.help, "default": p.default, "required": p.required,
                     "choices": list(p.choices)}
                    for p in recipe.parameters
                ],
            }
            for recipe in recipes
        ]
    })  # fmt: skip
    for recipe in recipes:
        out.line(f"{recipe.name}: {recipe.title}")
        out.line(f"    {recipe.help}")
        for p in recipe.parameters:
            default = "needed" if p.required else "found in the map" if p.default is None else f"default {p.default}"
            out.line(f"    --with {p.name}=...  {p.help} ({default})")
