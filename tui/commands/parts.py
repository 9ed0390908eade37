"""``rescuedeck parts``: the partitions of a disk as a tree, what is wrong with them, repairs and the way back."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.text import format_exact, format_size, parse_size, safe_text
from tui.commands import parts_search
from tui.commands.output import Output, common
from tui.partition_words import MARKS, SCHEMES, node_contents, node_label

if TYPE_CHECKING:
    from engine.edits import WritePlan
    from engine.partitions.model import Finding, Node, Tree
    from engine.source import Source

_WIDTH = 80
_QUIET_GAP = 4 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck parts {example}")

    def takes_source(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("source", metavar="SOURCE", help="an image, a device, disk.001, or a case")
        verb.add_argument("--map", metavar="FILE", help="a ddrescue mapfile: what it does not call finished is unread")
        verb.add_argument("--window", metavar="START+SIZE", help="only this part of the source")
        verb.add_argument("--sector-size", type=int, choices=(512, 4096), help="of the table; found out without it")
        return verb

    verb = takes_source(leaf("tree", "partitions and volumes as a tree", "tree disk.img --json"))
    verb.add_argument("--all", action="store_true", help="short gaps, EBRs and notes too")
    takes_source(leaf("check", "everything that is wrong, boot sectors and their copies included", "check disk.img"))
    parts_search.configure(takes_source(leaf("search", parts_search.HELP, parts_search.EXAMPLE)))
    verb = leaf("repair", "the writes that mend a finding; made only with --apply",
                "repair disk.img hidden-sectors-mismatch --at 63s --apply")  # fmt: skip
    takes_source(verb)
    verb.add_argument("code", metavar="CODE", help="a finding of parts check, or a repair; --list shows these")
    verb.add_argument("--at", metavar="START", help="the partition or table, when several have the finding")
    verb.add_argument("--set-type", metavar="TYPE", help="for the repair 'type': two hex digits, a GUID, or a name")
    verb.add_argument("--layout", metavar="FILE", help="for the repair 'rebuild': a table as sfdisk --dump writes it")
    verb.add_argument("--apply", action="store_true", help="write it, after an undo file")
    verb.add_argument("--into", metavar="OUT", help="copy the image to OUT first, and write into the copy")
    verb.add_argument("--undo-dir", metavar="DIR", help="where the undo file goes (the case, or beside the image)")
    _device_options(verb)
    common(leaves.add_parser("repairs", help="the repairs there are"), example="rescuedeck parts repairs")
    verb = leaf("undo", "put back what a repair wrote over", "undo disk.img.20260102T030405.type.undo")
    verb.add_argument("undo_file", metavar="UNDO_FILE", help="the undo file that the repair left")
    verb.add_argument("--target", metavar="PATH", help="the image, when it was moved since")
    verb.add_argument("--forward", action="store_true", help="complete a repair that was cut short instead")
    _device_options(verb)


def _device_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--allow-device", action="store_true", help="lift the read-only mode of a device, for this once")
    verb.add_argument("--confirm", metavar="WORD", help="the word that is asked for (the serial number's last four)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    if args.verb == "search":
        return parts_search.run(args, out, lambda: _open(args))
    verbs = {"tree": _tree, "check": _check, "repair": _repair, "repairs": _repairs, "undo": _undo}
    return verbs[args.verb](args, out)


def _open(args: argparse.Namespace) -> Source:
    from engine.cases import open_source

    return open_source(args.source, map=args.map, window=args.window)


def _examine(args: argparse.Namespace, source: Source, out: Output, *, thorough: bool) -> Tree:
    from engine.partitions.checks import examine

    reporter = out.reporter("checking")
    try:
        return examine(source, sector_size=args.sector_size, thorough=thorough, reporter=reporter)
    finally:
        reporter.close()


# --- tree


def _tree(args: argparse.Namespace, out: Output) -> int:
    from engine.partitions.document import tree_document

    with _open(args) as source:
        tree = _examine(args, source, out, thorough=False)
    out.document(tree_document(tree))
    out.lines(tree_lines(tree, everything=args.all))
    return 0 if tree.nodes else 1


def tree_lines(tree: Tree, *, everything: bool = False) -> Iterator[str]:
    """The tree for people, in 80 columns: number, type, start in bytes, size, contents; findings below."""
    yield f"{SCHEMES[tree.scheme]}; {format_exact(tree.size)}, sectors of {tree.sector_size} B"
    yield from _problem_lines(tree.problems, "  ", everything)
    if tree.nodes:
        yield f"{'':<32} {'START (BYTES)':>17} {'SIZE':>10}  CONTENTS"
    for node in tree.nodes:
        yield from _node_lines(node, 0, everything)


def _node_lines(node: Node, depth: int, everything: bool) -> Iterator[str]:
    told = [problem for problem in node.problems if everything or problem.level != "note"]
    quiet = (node.kind == "gap" and node.size < _QUIET_GAP) or (node.kind == "ebr" and not told)
    if everything or not quiet:
        yield from _row(node, depth)
        yield from _problem_lines(node.problems, "  " * (depth + 2), everything)
    else:
        depth -= 1
    for child in node.children:
        yield from _node_lines(child, depth + 1, everything)


def _row(node: Node, depth: int) -> Iterator[str]:
    indent = "  " * depth
    name = textwrap.shorten(indent + node_label(node), 200, placeholder="...")
    left = (indent + name)[:32]
    row = f"{left:<32} {node.start:>17} {format_size(node.size):>10}  "
    words = node_contents(node)
    if not words or len(row) + len(words) <= _WIDTH:
        yield (row + words).rstrip()
        return
    yield row.rstrip()
    lead = indent + "      "
    yield from textwrap.wrap(words, _WIDTH, initial_indent=lead, subsequent_indent=lead)


def _problem_lines(problems: tuple[Finding, ...], indent: str, everything: bool) -> Iterator[str]:
    for problem in problems:
        if problem.level == "note" and not everything:
            continue
        words = f"{MARKS[problem.level]} {problem.code}: {safe_text(problem.message)}"
        yield from textwrap.wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent + "   ")


# --- check


def _check(args: argparse.Namespace, out: Output) -> int:
    from engine.partitions.document import findings_document

    with _open(args) as source:
        tree = _examine(args, source, out, thorough=True)
    found = tree.findings()
    bad = [problem for _, problem in found if problem.level != "note"]
    out.document({"ok": not bad, "scheme": tree.scheme, "sector_size": tree.sector_size,
                  "problems": findings_document(tree)})  # fmt: skip
    for node, problem in found:
        where = "disk" if node is None else f"{node_label(node)} at {node.start}"
        out.line(f"{safe_text(where)}:")
        out.lines(_problem_lines((problem,), "  ", True))
        if problem.repair is not None:
            at = "" if node is None else f" --at {node.start}"
            out.line(f"     rescuedeck parts repair {safe_text(args.source)} {problem.code}{at}")
    if not found:
        out.line("nothing is wrong")
    elif not bad:
        out.line("nothing is wrong; these are notes")
    return 1 if bad else 0


# --- repair


def _repairs(_args: argparse.Namespace, out: Output) -> int:
    from engine.partitions.repairs import REPAIRS

    rows = [(one.name, one.title) for one in REPAIRS.values()]
    rows.append(("rebuild", "a whole table from a layout (--layout FILE)"))
    out.document({"repairs": [{"name": name, "title": title} for name, title in rows]})
    out.table(("REPAIR", "WRITES"), rows)
    return 0


def _repair(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.repairing import apply_repair, repair_place

    place = None
    if args.into is not None and (args.window is not None or args.undo_dir is not None or not args.apply):
        raise UsageError("--into goes with --apply, and without --window and --undo-dir")
    if args.apply and args.into is None:
        place = repair_place(args.source, window=args.window, undo_dir=args.undo_dir)
    with _open(args) as source:
        plan = _plan(args, source)
    _show_plan(plan, out)
    undo_file = None
    left = None
    if args.into is not None and plan.writes:
        undo_file = _into_copy(args, plan, out)
        args.source, args.map = args.into, f"{args.into}.map" if os.path.exists(f"{args.into}.map") else None
        left = _still_there(args, out)
    if place is not None and plan.writes:
        typed = _typed(args, place.path) if place.is_device else None
        undo_file = apply_repair(plan, place, typed=typed).undo_file
        left = _still_there(args, out)
    out.document({
        "plan": plan.to_json(), "applied": undo_file is not None,
        "undo_file": None if undo_file is None else str(undo_file),
        "problems_left": left, "into": args.into,
    })  # fmt: skip
    if undo_file is not None:
        out.line(f"written and read back; undo: rescuedeck parts undo {safe_text(str(undo_file))}")
        out.line("the finding is gone" if not left else "the finding is still there: see rescuedeck parts check")
    elif plan.writes:
        out.line("nothing was written; --apply does it")
    return 1 if left else 0


def _into_copy(args: argparse.Namespace, plan: WritePlan, out: Output) -> Path | None:
    from engine.cases.repair_copy import repair_copy

    reporter = out.reporter("copying")
    try:
        return repair_copy(args.source, plan, args.into, map=args.map, reporter=reporter).undo_file
    finally:
        reporter.close()


def _plan(args: argparse.Namespace, source: Source) -> WritePlan:
    from engine.partitions.repairs import Options, plan_repair

    if args.code == "rebuild":
        return _rebuild(args, source)
    at = None if args.at is None else parse_size(args.at)
    return plan_repair(source, args.code, at=at, options=Options(args.set_type), sector_size=args.sector_size)


def _rebuild(args: argparse.Namespace, source: Source) -> WritePlan:
    from engine.partitions.repairs.rebuild import plan_gpt, plan_mbr
    from engine.partitions.script import read_script

    if args.layout is None:
        raise UsageError("a layout is needed", advice="--layout FILE, as sfdisk --dump or parts search writes it")
    script = read_script(args.layout)
    size = args.sector_size or script.sector_size
    if script.label == "gpt":
        return plan_gpt(source, script.partitions, sector_size=size)
    return plan_mbr(source, script.partitions, sector_size=size)


def _show_plan(plan: WritePlan, out: Output) -> None:
    if not plan.writes:
        out.line("there is nothing to write: the bytes are right already")
        return
    out.line(f"{plan.title}: {len(plan.writes)} writes, {plan.total} bytes")
    for note in plan.notes:
        out.lines(textwrap.wrap(f"- {safe_text(note)}", _WIDTH, subsequent_indent="  "))
    for number, write in enumerate(plan.writes, 1):
        out.line(f"{number}. at {write.offset}, {len(write.new)} bytes: {safe_text(write.reason)}")
        out.lines(_hex_lines(write.offset, write.old, write.new))


def _hex_lines(offset: int, old: bytes, new: bytes) -> Iterator[str]:
    """Old and new bytes, 16 a line, only lines that differ, the first eight of them."""
    shown = more = 0
    for at in range(0, len(new), 16):
        if old[at : at + 16] == new[at : at + 16]:
            continue
        if shown == 8:
            more += 1
            continue
        shown += 1
        yield f"  {offset + at:>16x}  old {old[at : at + 16].hex(' ')}"
        yield f"  {'':>16}  new {new[at : at + 16].hex(' ')}"
    if more:
        yield f"  {'':>16}  and {more} more lines of 16 bytes"


def _typed(args: argparse.Namespace, path: str) -> str:
    """The word for a device, from --confirm or typed at the terminal."""
    from engine.cases.repairing import device_word

    if not args.allow_device:
        raise UsageError("devices are only read", path=path, advice="repair an image; or add --allow-device")
    if args.confirm is not None:
        return str(args.confirm)
    word, facts = device_word(path)
    named = ", ".join(str(value) for value in (facts["model"], facts["serial"]) if value)
    if not sys.stdin.isatty():
        raise UsageError(f"this writes to {safe_text(path)} ({safe_text(named)})", advice=f"add --confirm {word}")
    sys.stderr.write(f"This writes to {safe_text(path)} ({safe_text(named)}).\nType {safe_text(word)} to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _still_there(args: argparse.Namespace, out: Output) -> list[str]:
    """Codes of warnings and errors that the repair was to mend and that are still there."""
    at = None if args.at is None else parse_size(args.at)
    with _open(args) as source:
        tree = _examine(args, source, out, thorough=True)
    return [
        problem.code
        for node, problem in tree.findings()
        if args.code in (problem.code, problem.repair) and at in (None, node.start if node else None, problem.offset)
    ]


# --- undo


def _undo(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.repairing import target_of, undo_repair

    path, is_device = target_of(args.undo_file, args.target)
    typed = _typed(args, path) if is_device else None
    done = undo_repair(args.undo_file, target=args.target, forward=args.forward, typed=typed)
    out.document({
        "restored": not args.forward, "completed": args.forward, "target": path, "was": done.before.value,
        "bytes": done.written, "repair": done.journal.plan.code,
    })  # fmt: skip
    what = "completed" if args.forward else "taken back"
    if done.written:
        out.line(f"{what}: {done.journal.plan.title} on {safe_text(path)}, {done.written} bytes")
    else:
        out.line(f"nothing to write: it is {what} already")
    return 0
