"""``rescuedeck raid``: what array a set of disks was, the array as an image or as a small file that opens as one."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import NotFoundError, UsageError
from engine.text import format_exact, format_size, parse_size, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.cases.arrays import Member
    from engine.raid.layout import Geometry
    from engine.raid.model import Candidate, Detection

_WIDTH = 80
_LAYOUTS = ("left-symmetric", "left-asymmetric", "right-symmetric", "right-asymmetric", "parity-first", "parity-last")
_SURE = 0.9


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck raid {example}")

    def takes_members(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("members", nargs="+", metavar="MEMBER", help="images, devices or cases, in any order")
        verb.add_argument("--map", metavar="N=FILE", action="append", default=[], help="mapfile of member N (from 1); "
                          "FILE.map beside an image is used without asking")  # fmt: skip
        verb.add_argument("--no-maps", action="store_true", help="do not use the mapfiles beside the images")
        verb.add_argument("--sector-size", metavar="FORMAT", help="members with strange sectors: 520, 4160, 520@8 ...")
        return verb

    def takes_search(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("--read", metavar="SIZE", default="256M", help="most to read of each member (256M)")
        verb.add_argument(
            "--try-strip", metavar="SIZE", action="append", default=[], help="an unusual strip size to try"
        )
        verb.add_argument("--base", metavar="N=START", action="append", default=[],
                          help="where the data of member N begin, when that differs between members")  # fmt: skip
        return verb

    verb = takes_search(takes_members(leaf("detect", "parity pattern, strip size, sequence and order",
                                           "detect disk1.img disk2.img disk3.img")))  # fmt: skip
    verb.add_argument("--all", action="store_true", help="every candidate, every strip size and all reasons")
    verb.add_argument("--save", metavar="FILE.array", help="save the best candidate as a file that opens as a SOURCE")
    verb.add_argument("--picture", action="store_true", help="the parity evidence, strip by strip")
    verb.add_argument("--force", action="store_true", help="replace the file if it exists")
    verb = takes_search(takes_members(leaf(
        "assemble", "the array as an image, or as a description that opens as a SOURCE",
        "assemble --detect disk1.img disk2.img disk3.img -o array.img")))  # fmt: skip
    verb.add_argument("--detect", action="store_true", help="find the layout first; refused when it is not sure")
    verb.add_argument("--layout", choices=_LAYOUTS, help="where the parity moves")
    verb.add_argument("--strip", metavar="SIZE", help="bytes on one drive before the next, such as 64K")
    verb.add_argument(
        "--order", metavar="N,N,...", help="members in drive order, from 1; x is a missing drive: 3,1,x,2"
    )
    verb.add_argument("--offset", metavar="START", default="0", help="where row 0 begins on the members (0)")
    verb.add_argument("--delay", type=int, default=1, metavar="ROWS", help="rows for which the parity stays (1)")
    verb.add_argument("--first-delay", type=int, metavar="ROWS", help="of the first stay, when it is shorter")
    verb.add_argument("-o", "--output", required=True, metavar="OUT", help="an image, or FILE.array for a description")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    return {"detect": _detect, "assemble": _assemble}[args.verb](args, out)


def _numbered(words: list[str], count: int, what: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for word in words:
        number, equal, rest = word.partition("=")
        if not equal or not number.isdecimal() or not 1 <= int(number) <= count:
            raise UsageError(f"{word[:60]!r} is not N={what} with a member's number", code="usage")
        found[int(number) - 1] = rest
    return found


def _members(args: argparse.Namespace) -> list[Member]:
    from engine.cases import is_case
    from engine.cases.arrays import Member
    from engine.cases.folder import map_beside

    maps = _numbered(args.map, len(args.members), "FILE")
    found = []
    for number, path in enumerate(args.members):
        map_: Path | None = Path(maps[number]) if number in maps else None
        if map_ is None and not args.no_maps and not is_case(path) and os.path.isfile(path):
            map_ = map_beside(Path(path))
        found.append(Member(Path(path), map_, args.sector_size))
    return found


def _search(args: argparse.Namespace, out: Output, members: list[Member]) -> Detection:
    from engine.cases.arrays import opened_members
    from engine.raid.detect import detect

    bases = _numbered(args.base, len(members), "START")
    reporter = out.reporter("looking at the members")
    try:
        with opened_members(members) as sources:
            chosen = [parse_size(bases[n]) if n in bases else 0 for n in range(len(members))] if bases else None
            return detect(
                sources, bases=chosen, budget=max(1 << 20, parse_size(args.read)),
                sizes=[parse_size(word) for word in args.try_strip], reporter=reporter,
            )  # fmt: skip
    finally:
        reporter.close()


def _detect(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.arrays import save_assembly

    if args.save and not args.save.endswith(".array"):
        raise UsageError("a description of an array is called FILE.array", code="usage")
    members = _members(args)
    answer = _search(args, out, members)
    best = answer.best
    saved = None
    if args.save:
        if best is None or best.score < 0.5:
            raise NotFoundError("no assembly is likely enough to be saved", code="not-enough-evidence",
                                advice="raid assemble with --layout, --strip and --order says it by hand")  # fmt: skip
        save_assembly(
            args.save, members, best.geometry, f"raid detect: {answer.verdict}, {best.score:.3f}", force=args.force
        )
        saved = args.save
    out.document({**answer.to_json(), "saved": saved})
    out.lines(_lines(answer, everything=args.all))
    if args.picture:
        out.lines(_picture(answer))
    if saved:
        out.line(f"saved; it opens as a SOURCE: rescuedeck parts tree {safe_text(saved)}")
    elif best is not None and best.score >= 0.5:
        out.line("save it with --save FILE.array; that file then opens everywhere as a SOURCE")
    return 0 if answer.verdict in ("found", "likely") else 1


def _lines(answer: Detection, *, everything: bool) -> Iterator[str]:
    from tui.raid_words import members_words, read_words, share_words, standing_words, strip_words, verdict_words

    yield from textwrap.wrap(verdict_words(answer), _WIDTH, subsequent_indent="  ")
    yield f"strip      {strip_words(answer.strip_size)}"
    if answer.sequence is not None:
        yield (
            f"sequence   {members_words(answer.sequence, '-')}  (how sure: {share_words(answer.sequence_score)}, "
            f"{answer.z:.1f} standard errors)"
        )
    yield f"read       {read_words(answer)}"
    yield f"XOR        zero in {answer.balanced:.0%} of what can tell"
    for one in answer.members:
        words = standing_words(one)
        name = safe_text(one.path)
        yield f"{one.number + 1:>3}  {format_size(one.size):>10}  {name}"
        yield from textwrap.wrap(words, _WIDTH, initial_indent=" " * 17, subsequent_indent=" " * 17)
    for number, candidate in enumerate(answer.candidates if everything else answer.candidates[:3]):
        yield from _candidate(number, candidate, everything or number == 0)
    hidden = len(answer.candidates) - 3
    if hidden > 0 and not everything:
        yield f"{hidden} more candidates: --all"
    for problem in answer.problems:
        yield from textwrap.wrap(f"! {problem.message}", _WIDTH, subsequent_indent="  ")
    if everything and answer.sizes:
        yield "strip sizes tried, by cost (1.00 is the best):"
        for size in answer.sizes:
            name = format_size(size.run) if size.run else "never moves"
            yield f"  {name:>12}  {size.cost:>8.2f}  {members_words(size.sequence, '-')}"


def _candidate(number: int, one: Candidate, reasons: bool) -> Iterator[str]:
    from tui.raid_words import candidate_words, share_words

    proven = ", proven" if one.proven else ""
    text = f"{number + 1}. {share_words(one.score)}{proven}: {candidate_words(one)}"
    yield from textwrap.wrap(text, _WIDTH, subsequent_indent="   ")
    for reason in one.evidence if reasons else ():
        yield from textwrap.wrap(reason, _WIDTH, initial_indent="     ", subsequent_indent="     ")


def _picture(answer: Detection) -> Iterator[str]:
    from tui.raid_view import heat_text

    yield from heat_text(answer, _WIDTH, answer.strip_size or 65536)


def _assemble(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.arrays import opened_members, save_assembly
    from engine.cases.exporting import export_image, refuse_target
    from engine.raid.array import ArraySource

    members = _members(args)
    geometry = _geometry(args, out, members)
    target = Path(args.output)
    refuse_target(target, [str(m.path) for m in members], force=args.force)
    if target.name.endswith(".array"):
        save_assembly(target, members, geometry, "raid assemble", force=args.force)
        with opened_members(members) as sources:
            size = ArraySource(sources, geometry, str(target)).size
        out.document({"written": str(target), "size": size, "description": True})
        out.line(f"described: an array of {format_exact(size)}; it opens as a SOURCE")
        return 0
    reporter = out.reporter("writing the array")
    try:
        with opened_members(members) as sources:
            array = ArraySource(sources, geometry, str(target))
            facts = {"layout": str(geometry.layout), "strip": geometry.strip, "order": args.order or "detected"}
            done = export_image(array, target, reporter, facts=facts, force=args.force)
    finally:
        reporter.close()
    out.document({**done.to_json(), "layout": str(geometry.layout), "strip_size": geometry.strip,
                  "order": [None if m is None else m + 1 for m in geometry.order]})  # fmt: skip
    out.line(f"written    {safe_text(str(done.path))}  {format_exact(done.size)}")
    out.line(f"sha256     {done.sha256}")
    if done.missing:
        out.line(f"MISSING    {format_exact(done.missing)}: two members miss the same rows; {safe_text(str(done.map))}")
    return 1 if done.missing else 0


def _geometry(args: argparse.Namespace, out: Output, members: list[Member]) -> Geometry:
    from engine.raid.layout import Geometry, Layout, order_of_words

    by_hand = (args.layout, args.strip, args.order)
    if args.detect:
        if any(by_hand):
            raise UsageError("--detect finds the layout: leave --layout, --strip and --order out", code="usage")
        answer = _search(args, out, members)
        best = answer.best
        if best is None or best.score < _SURE:
            raise NotFoundError(
                f"the layout is not sure enough: {answer.words}",
                code=answer.verdict,
                advice="raid detect shows candidates and reasons; choose with --layout, --strip, --order",
            )
        return best.geometry
    if not all(by_hand):
        raise UsageError("--detect, or all of --layout, --strip and --order", code="usage")
    order = order_of_words(args.order)
    offset = parse_size(args.offset)
    bases = _numbered(args.base, len(members), "START")
    offsets = tuple(offset + (parse_size(bases[m]) if m is not None and m in bases else 0) for m in order)
    first = args.first_delay if args.first_delay is not None else args.delay
    return Geometry(Layout(args.layout), parse_size(args.strip), order, offsets, args.delay, first)
