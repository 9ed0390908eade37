"""``rescuedeck hex``: search, data inspector, entropy, bookmarks and a range saved as a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.text import format_exact, parse_size, safe_text
from tui.commands.output import Output

if TYPE_CHECKING:
    from engine.hex.patterns import Kind
    from engine.source import Source

_SHOWN = 1000
_CELLS = 64


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options; at most one of them is given."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--find", metavar="TEXT", help="search for a text, in every encoding that can write it")
    one.add_argument("--find-any-case", metavar="TEXT", help="the same, capital or small letters")
    one.add_argument("--find-hex", metavar="BYTES", help="search for bytes: 'de ad ?? ef', ? is any digit")
    one.add_argument("--find-regex", metavar="RE", help="search for a regular expression over bytes")
    one.add_argument("--inspect", action="store_true", help="the bytes there as numbers, dates and text")
    one.add_argument("--entropy", action="store_true", help="bits per byte along the source")
    one.add_argument("--bookmarks", action="store_true", help="the bookmarks of this image or case")
    one.add_argument("--save", metavar="OUT", help="save --size bytes from --at on as a file; holes stay holes")


def wanted(args: argparse.Namespace) -> bool:
    """Whether one of them is."""
    return any((args.find, args.find_any_case, args.find_hex, args.find_regex, args.inspect, args.entropy,
                args.bookmarks, args.save))  # fmt: skip


def run(args: argparse.Namespace, out: Output, source: Source) -> int:
    """Do it over an opened source."""
    if args.inspect:
        return _inspect(args, out, source)
    if args.entropy:
        return _entropy(out, source)
    if args.bookmarks:
        return _bookmarks(args, out)
    return _save(args, out, source) if args.save else _find(args, out, source)


def _find(args: argparse.Namespace, out: Output, source: Source) -> int:
    from engine.hex.patterns import Pattern
    from engine.hex.search import State, search

    kinds: tuple[tuple[Kind, str | None], ...] = (("text", args.find), ("any-case", args.find_any_case),
                                                  ("hex", args.find_hex), ("regex", args.find_regex))  # fmt: skip
    kind, text = next((kind, text) for kind, text in kinds if text)
    finds: list[tuple[int, int]] = []
    reporter = out.reporter("searching")
    try:
        outcome = search(source, Pattern(kind, text), finds.extend, state=State(parse_size(args.at)), reporter=reporter)
    finally:
        reporter.close()
    finds.sort()
    out.document({"finds": [{"offset": at, "size": size} for at, size in finds], "searched_bytes": outcome.searched,
                  "unread_bytes": outcome.unread, "refused_bytes": outcome.refused, "complete": not outcome.full})
    for at, size in finds[:_SHOWN]:
        reading = source.read(max(0, at - 8), size + 24)
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in reading.data[:56])
        out.line(f"{at:>16} {at:>12x}  {text}")
    if len(finds) > _SHOWN:
        out.line(f"... and {len(finds) - _SHOWN} more (--json has all)")
    if outcome.unread or outcome.refused:
        out.line(f"not searched, because nobody has read it: {format_exact(outcome.unread + outcome.refused)}")
    return 0 if finds and not outcome.full else 1


def _inspect(args: argparse.Namespace, out: Output, source: Source) -> int:
    from engine.hex.inspector import MOST, inspect, surroundings

    offset = parse_size(args.at)
    if offset >= source.size:
        raise UsageError("the offset lies behind the end", offset=offset, advice=f"the source has {source.size} bytes")
    reading = source.read(offset, MOST)
    data = reading.data if reading.whole else reading.data[: max(0, reading.holes[0][0] - offset)]
    unit = source.sector_size
    around = source.read(offset, 4096), source.read(offset - offset % unit, unit)
    found = inspect(data)
    if all(one.whole for one in around):
        found = [*surroundings(around[0].data, around[1].data), *found]
    out.document({"offset": offset, "bytes_hex": data.hex(), "readings": [
        {"kind": one.kind, "name": one.name, "size": one.size, "value": one.value, "likely": one.likely}
        for one in found
    ]})  # fmt: skip
    out.table(("FORM", "BYTES", "VALUE"), [(one.name, str(one.size), one.value) for one in found if one.likely],
              right=(1,))  # fmt: skip
    return 0 if found else 1


def _entropy(out: Output, source: Source) -> int:
    from engine.hex.reading import Bytes
    from engine.hex.strip import measure

    strip = measure(Bytes(source), 0, source.size, _CELLS)
    out.document({"start": strip.start, "cell": strip.cell, "sampled": strip.sampled,
                  "values": [round(one, 3) if isinstance(one, float) else None for one in strip.values]})  # fmt: skip
    out.line("".join(one if isinstance(one, str) else str(round(one)) for one in strip.values))
    how = ", the first 4 KiB of each" if strip.sampled else ""
    out.line(f"{format_exact(strip.cell)} a digit{how}; bits per byte, ? was never read")
    return 0


def _bookmarks(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.subject import Subject
    from engine.hex.bookmarks import load_bookmarks

    marks = load_bookmarks(Subject(Path(args.source)))
    out.document({"bookmarks": [{"offset": one.offset, "size": one.size, "name": one.name,
                                 "template": one.template or None} for one in marks]})  # fmt: skip
    out.table(("OFFSET", "BYTES", "STRUCTURE", "NAME"), [
        (str(one.offset), str(one.size or ""), one.template, one.name) for one in marks
    ], right=(0, 1))  # fmt: skip
    return 0


def _save(args: argparse.Namespace, out: Output, source: Source) -> int:
    from engine.hex.saving import save_selection

    start = parse_size(args.at)
    written = save_selection(source, start, min(source.size, start + parse_size(args.size)), Path(args.save))
    out.document({"written": str(written.path), "size": written.size, "sha256": written.sha256,
                  "missing_bytes": written.missing.total})  # fmt: skip
    missing = f", {format_exact(written.missing.total)} of it never read" if written.missing else ""
    out.line(f"{format_exact(written.size)} in {safe_text(str(written.path))}{missing}")
    return 1 if written.missing else 0
