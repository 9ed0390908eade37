"""``rescuedeck parts search``: lost partitions, and the table that would name them."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import format_exact, format_size, parse_range, parse_size, safe_text
from tui.commands.output import Output

if TYPE_CHECKING:
    from engine.partitions.model import Tree
    from engine.partitions.search import Find, SearchResult, TablePlan
    from engine.source import Source

HELP = "lost partitions, found by the structures of the volumes in them"
EXAMPLE = "search disk.img --deep --script found.sfdisk"
_WIDTH = 80


def configure(verb: argparse.ArgumentParser) -> None:
    """Add the options of the verb; SOURCE and what narrows it are there already."""
    verb.add_argument("--deep", action="store_true", help="every sector, not only where partitions begin")
    verb.add_argument("--all", action="store_true", help="contents of other finds and older layouts too")
    verb.add_argument("--table", choices=("dos", "gpt"), help="the table to propose (default: the disk's kind)")
    verb.add_argument("--choose", metavar="START", action="append", default=[],
                      help="propose a table of these finds only (repeatable)")  # fmt: skip
    verb.add_argument("--script", metavar="OUT", help="save the proposed table, for parts repair --layout and sfdisk")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists")
    verb.add_argument("--detach", action="store_true", help="search in the background, as a job")
    verb.add_argument("--job", metavar="JOB", help="show what this job found instead of searching again")


def run(args: argparse.Namespace, out: Output, open_it: Callable[[], Source]) -> int:
    """Search, or begin or read a job; ``open_it`` opens SOURCE."""
    if args.detach:
        return _detach(args, out)
    from engine.partitions.read import read_tree
    from engine.partitions.search import plan_table, search

    with open_it() as source:
        if args.job is not None:
            found = _of_job(args.job, source)
        else:
            reporter = out.reporter("searching")
            try:
                found = search(source, deep=args.deep, reporter=reporter, sector_size=args.sector_size)
            finally:
                reporter.close()
        tree = read_tree(source, sector_size=args.sector_size)
    chosen = _chosen(args.choose, found)
    plan = plan_table(found, tree, label=args.table, chosen=chosen)
    if args.script is not None:
        _save(plan, args.script, args.force)
    out.document({**found.to_json(), "plan": plan.to_json(), "script": args.script})
    out.lines(_lines(found, everything=args.all))
    out.lines(_plan_lines(plan, tree, args.script))
    return 0 if found.volumes else 1


def _chosen(words: list[str], found: SearchResult) -> list[int] | None:
    if not words:
        return None
    starts = {find.start for find in found.finds}
    chosen = [parse_size(word) for word in words]
    for word, start in zip(words, chosen, strict=True):
        if start not in starts:
            raise UsageError(f"nothing was found at {safe_text(word, 60)}", advice="parts search --all shows all finds")
    return chosen


def _detach(args: argparse.Namespace, out: Output) -> int:
    from engine import jobs
    from engine.cases import is_case, load_case

    source = os.path.abspath(args.source)
    folder: str | os.PathLike[str] = load_case(source).jobs_dir if is_case(source) else f"{source}.jobs"
    if not is_case(source) and source.startswith("/dev/"):
        raise UsageError("a device has no folder for jobs", path=source, advice="make a case for it, and search that")
    arguments: dict[str, Any] = {
        "source": source, "map": None if args.map is None else os.path.abspath(args.map), "deep": args.deep,
        "window": None if args.window is None else list(parse_range(args.window)), "sector_size": args.sector_size,
    }  # fmt: skip
    job = jobs.start("partition-search", arguments, folder, title=args.source)
    out.document({"job": job.id, "directory": str(job.directory)})
    out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
    out.line(f"what it found: rescuedeck parts search {safe_text(args.source)} --job {job.id}")
    return 0


def _of_job(word: str, source: Source) -> SearchResult:
    from engine.errors import RefusedError
    from engine.jobs.locate import find_one
    from engine.jobs.partition_search import KIND, load_result

    found = load_result(find_one(word, lambda job: job.kind == KIND, what="partition search").directory)
    if found.size != source.size:
        advice = "name the SOURCE that it searched"
        raise RefusedError("that job searched something else", code="other-source", advice=advice)
    return found


def _save(plan: TablePlan, path: str, force: bool) -> None:
    from engine.atomic import output_file, write_all
    from engine.errors import NotFoundError

    if not plan.wanted:
        raise NotFoundError("there is nothing to make a table of", code="no-partitions")
    with output_file(path, "cannot save the script", force=force) as fd:
        write_all(fd, plan.script().encode("ascii", "backslashreplace"))


def _lines(found: SearchResult, *, everything: bool) -> Iterator[str]:
    way = "every sector" if found.deep else "where partitions begin"
    yield f"searched {way}: {format_exact(found.size)}"
    if found.unread_bytes:
        yield f"never read, and so not searched: {format_exact(found.unread_bytes)}"
    if found.dropped:
        yield f"there were too many finds: the {found.dropped} least credible ones are not shown"
    shown = [find for find in found.finds if everything or find.standing == "volume"]
    if shown:
        yield f"{'START (BYTES)':>17} {'SIZE':>10}  {'SURE':<6} {'IN TABLE':<8}  CONTENTS"
    for find in shown:
        yield from _find_lines(find, everything)
    hidden = len(found.finds) - len(shown)
    if hidden:
        yield f"not shown: {hidden} finds inside others, older or doubtful (--all)"
    if not found.finds:
        yield "nothing was found" + ("" if found.deep else "; --deep looks at every sector")


def _find_lines(find: Find, everything: bool) -> Iterator[str]:
    from engine.partitions.volumes.kinds import title

    words = [title(find.kind) if find.kind else f"partition of type {find.type}"]
    volume = find.volume
    if volume is not None:
        words += [volume.version] if volume.version and find.kind != "swap" else []
        words += [f'"{safe_text(volume.label, 64)}"'] if volume.label else []
        words += [safe_text(volume.uuid, 64)] if volume.uuid else []
        words += ["(by a backup)"] if find.by_backup else []
    if find.size_from == "next":
        words.append("(size unknown: up to the next)")
    if find.standing != "volume":
        words.append(f"({find.standing}{'' if find.inside is None else f', see {find.inside}'})")
    if find.group is not None:
        words.append(f"(overlaps: group {find.group})")
    listed = "yes" if find.listed else "no"
    row = f"{find.start:>17} {format_size(find.size):>10}  {find.confidence:<6} {listed:<8}  "
    text = " ".join(words)
    if len(row) + len(text) <= _WIDTH:
        yield row + text
    else:
        yield row.rstrip()
        yield from textwrap.wrap(text, _WIDTH, initial_indent=" " * 19, subsequent_indent=" " * 21)
    if everything:
        proofs = ", ".join(f"{proof.what} at {proof.offset}" for proof in find.evidence)
        yield from textwrap.wrap(proofs, _WIDTH, initial_indent=" " * 19, subsequent_indent=" " * 21)


def _plan_lines(plan: TablePlan, tree: Tree, script: str | None) -> Iterator[str]:
    present = {(node.start, node.size) for node in tree.partitions()}
    if not plan.wanted:
        return
    if all((one.start, one.size) in present for one in plan.wanted):
        yield "the present table names all of it"
        return
    name = "GPT" if plan.label == "gpt" else "MBR"
    logical = sum(one.logical for one in plan.wanted)
    count = sum(not one.extended for one in plan.wanted)
    yield f"a table that names all of it ({name}, {count} partitions, {logical} of them logical):"
    for one in plan.wanted:
        words = " logical" if one.logical else " extended" if one.extended else ""
        yield f"{one.start:>17} {format_size(one.size):>10}  {'active ' if one.active else ''}{one.type}{words}"
    for other in plan.left_out:
        words = f"not in it: {other.what} at {other.start}: {other.reason}"
        yield from textwrap.wrap(words, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    if script is None:
        yield "save it with --script OUT, then see what would be written with"
        yield "rescuedeck parts repair SOURCE rebuild --layout OUT"
    else:
        yield f"saved as {safe_text(script)}; what would be written shows"
        yield f"rescuedeck parts repair SOURCE rebuild --layout {safe_text(script)}"
