"""``rescuedeck sectors``: images with 520, 524, 528, 4160 ... byte sectors, looked at and written as plain ones."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.text import format_exact, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.sectors.model import GuardCheck, SectorFinding

_WIDTH = 80


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        verb = common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck sectors {example}")
        verb.add_argument("image", metavar="IMAGE", help="an image as it was read, in raw sectors")
        verb.add_argument("--map", metavar="FILE", help="a ddrescue mapfile of the raw image")
        return verb

    verb = leaf("detect", "sector size, and what stands beside the data", "detect disk.img")
    verb.add_argument("--guards", action="store_true", help="check every guard of the image, not only a sample")
    verb = leaf("convert", "the data as an image with plain sectors", "convert disk.img -o plain.img")
    verb.add_argument("-o", "--output", required=True, metavar="OUT", help="the image to write")
    verb.add_argument("--sector-size", metavar="FORMAT", help="by hand: 520, 520@8 (8 bytes before the data), 520+100")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists")
    verb = leaf("view", "a small file that opens as a SOURCE: the data, read through", "view disk.img -o disk.sectors")
    verb.add_argument("-o", "--output", required=True, metavar="FILE.sectors", help="the file to write")
    verb.add_argument("--sector-size", metavar="FORMAT", help="by hand: 520, 520@8, 520+100")
    verb.add_argument("--force", action="store_true", help="replace it if it exists")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    return {"detect": _detect, "convert": _convert, "view": _view}[args.verb](args, out)


def _detect(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.sectors import check, guards_json, look

    reporter = out.reporter("looking at the image")
    try:
        finding = look(args.image, args.map, reporter)
        guards = check(args.image, args.map, finding, reporter) if args.guards and finding.protection else None
    finally:
        reporter.close()
    out.document({**finding.to_json(), **(guards_json(guards) if guards is not None else {})})
    out.lines(finding_lines(finding))
    if guards is not None:
        out.lines(guard_lines(guards))
    if finding.convert:
        out.line(f"read it through (sectors view, --sector-size {finding.format}), or write it plain (sectors convert)")
    damaged = guards is not None and bool(guards.bad)
    return 1 if finding.format is None or damaged else 0


def finding_lines(finding: SectorFinding) -> Iterator[str]:
    """For people."""
    from engine.sectors.model import TRAILERS

    format = finding.format
    if format is None:
        yield "sectors    CANNOT BE TOLD"
    else:
        where = f", data from byte {format.before}" if format.before else ""
        cut = f"; the first whole sector begins at byte {format.head}" if format.head else ""
        yield f"sectors    {format.raw} bytes, {format.data} of them data{where}{cut}"
    yield f"beside     {TRAILERS[finding.trailer]}"
    yield f"how sure   {finding.confidence:.0%}"
    for number, words in enumerate(finding.evidence):
        yield from textwrap.wrap(words, _WIDTH, initial_indent="why        " if not number else " " * 11,
                                 subsequent_indent=" " * 11)  # fmt: skip


def guard_lines(guards: GuardCheck) -> Iterator[str]:
    """What the guards say."""
    yield f"guards     {guards.checked} checked, {guards.escaped} sectors were never written"
    yield f"bad        {format_exact(guards.bad.total)} of data whose guard does not fit"
    for low, high in list(guards.bad)[:20]:
        yield f"           {low} + {high - low}"
    if len(guards.bad) > 20:
        yield f"           and {len(guards.bad) - 20} more"
    if guards.misplaced:
        yield f"misplaced  {format_exact(guards.misplaced.total)} of data that say they belong elsewhere"
    if guards.unread:
        yield f"unread     {format_exact(guards.unread.total)}"


def _view(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.arrays import save_sectors_view
    from engine.cases.sectors import look
    from engine.errors import NotFoundError

    format = args.sector_size
    if format is None:
        reporter = out.reporter("looking at the image")
        try:
            finding = look(args.image, args.map, reporter)
        finally:
            reporter.close()
        if not finding.convert:
            raise NotFoundError("what kind of sectors these are is plain, or not sure enough", code="sectors-unknown",
                                path=args.image, advice="sectors detect shows why; --sector-size says it by hand")
        format = str(finding.format)
    map_ = None if args.map is None else Path(args.map)
    size = save_sectors_view(args.output, Path(args.image), map_, format, force=args.force)
    out.document({"written": args.output, "size": size, "format": format})
    out.line(f"described: {format_exact(size)} of data in sectors of {format}; it opens as a SOURCE")
    return 0


def _convert(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.sectors import convert

    reporter = out.reporter("converting")
    try:
        done = convert(args.image, args.map, Path(args.output), reporter, format=args.sector_size, force=args.force)
    finally:
        reporter.close()
    out.document(done.to_json())
    out.line(f"written    {safe_text(str(done.image.path))}  {format_exact(done.image.size)}")
    if done.beside is not None:
        out.line(f"beside     {safe_text(str(done.beside.path))}  what stood beside the data")
    if done.guards is not None:
        out.lines(guard_lines(done.guards))
    if done.bad_map is not None:
        out.line(f"map        {safe_text(str(done.bad_map))}  bad guards as a mapfile of the image")
    if done.image.missing:
        out.line(f"MISSING    {format_exact(done.image.missing)}: {safe_text(str(done.image.map))}")
    return 1 if done.image.missing or (done.guards is not None and done.guards.bad) else 0
