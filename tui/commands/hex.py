"""``rescuedeck hex``: bytes of a source as a structure (table, boot sector) or as a plain dump."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import parse_size, safe_text
from tui.commands import hex_more
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.source.base import Reading
    from engine.template import Field

_WIDTH = 80
_MOST = 1 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    common(parser, example="rescuedeck hex disk.img --at 1M --template ntfs-boot")
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="an image, a device, disk.001, or a case")
    parser.add_argument("--at", metavar="OFFSET", default="0", help="where (0)")
    parser.add_argument("--template", metavar="NAME", help="the structure there; found out without it")
    parser.add_argument("--plain", action="store_true", help="only the bytes")
    parser.add_argument("--size", metavar="BYTES", default="512", help="how many bytes are dumped (512)")
    parser.add_argument("--list", action="store_true", help="the templates")
    parser.add_argument("--map", metavar="FILE", help="a ddrescue mapfile: what it does not call finished is unread")
    parser.add_argument("--window", metavar="START+SIZE", help="only this part of the source")
    hex_more.configure(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Print fields, or bytes where no structure is known."""
    from engine.hex.registry import Overlay, lay, templates

    if args.list:
        rows = [(template.name, template.title) for template in templates().values()]
        out.document({"templates": [{"name": name, "title": title} for name, title in rows]})
        out.table(("TEMPLATE", "STRUCTURE"), rows)
        return 0
    if args.source is None:
        raise UsageError("a source is needed", advice="rescuedeck hex SOURCE --at OFFSET")
    from engine.cases import open_source

    offset, size = parse_size(args.at), min(parse_size(args.size), _MOST)
    with open_source(args.source, map=args.map, window=args.window) as source:
        if hex_more.wanted(args):
            return hex_more.run(args, out, source)
        laid = Overlay() if args.plain else lay(source, offset, args.template)
        name, fields = laid.name, laid.fields
        reading = source.read(offset, size)
    out.document({"template": name, "fields": [_document(field) for field in fields], "offset": offset,
                  "bytes_hex": None if fields else _hex(reading)})  # fmt: skip
    if fields:
        out.line(f"{laid.title} at {offset}")
        for field in fields:
            out.lines(_field_lines(field))
    else:
        out.lines(dump_lines(reading))
    return 1 if any(field.problem for field in fields) else 0


def _document(field: Field) -> dict[str, Any]:
    return {
        "name": field.name, "offset": field.offset, "size": field.size,
        "value": field.value.hex() if isinstance(field.value, bytes) else field.value,
        "meaning": field.meaning, "class": field.field_class, "expected": field.expected, "ok": field.problem is None,
        "problem": field.problem,
    }  # fmt: skip


def _field_lines(field: Field) -> Iterator[str]:
    """Offset, name, value and meaning; what is wrong below."""
    if field.value is None:
        shown = "??"
    elif isinstance(field.value, int):
        shown = f"{field.value} (0x{field.value:x})" if field.value > 9 else str(field.value)
    else:
        most = 8 if field.meaning else 16
        shown = field.value.hex(" ") if len(field.value) <= most else f"{field.value[:most].hex(' ')} ..."
    meaning = field.meaning if field.meaning != str(field.value) else ""
    row = f"{field.offset:>12x}  {field.name:<24} {shown}"
    row += f"  {meaning}" if meaning else ""
    yield from textwrap.wrap(row, _WIDTH, subsequent_indent=" " * 39, drop_whitespace=True)
    if field.problem:
        mark = "!!" if field.critical else "!"
        expected = f" (expected {field.expected})" if field.expected else ""
        words = f"{mark} {safe_text(field.problem)}{expected}"
        yield from textwrap.wrap(words, _WIDTH, initial_indent=" " * 14, subsequent_indent=" " * 17)


def _missing(reading: Reading, at: int) -> bool:
    return any(low <= reading.offset + at < high for low, high in reading.holes)


def _hex(reading: Reading) -> str:
    """The bytes as hex, ``??`` for those that nobody has read."""
    return "".join("??" if _missing(reading, at) else f"{byte:02x}" for at, byte in enumerate(reading.data))


def dump_lines(reading: Reading) -> Iterator[str]:
    """16 bytes a line; ``??`` where nobody has read."""
    for start in range(0, len(reading.data), 16):
        row = range(start, min(start + 16, len(reading.data)))
        missing = [_missing(reading, at) for at in row]
        cells = ["??" if gone else f"{reading.data[at]:02x}" for at, gone in zip(row, missing, strict=True)]
        text = "".join(
            "?" if gone else chr(reading.data[at]) if 32 <= reading.data[at] < 127 else "."
            for at, gone in zip(row, missing, strict=True)
        )
        yield f"{reading.offset + start:>12x}  {' '.join(cells[:8]):<23}  {' '.join(cells[8:]):<23}  {text}"
