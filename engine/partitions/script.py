"""Tables as text in the form of ``sfdisk --dump``, which sfdisk reads too."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.errors import UsageError, outside
from engine.partitions.gpt_types import GPT_TYPES
from engine.partitions.repairs.rebuild import Wanted
from engine.text import safe_text

Label = Literal["dos", "gpt"]
_MAX_SCRIPT = 1 << 20
_HEADER = re.compile(r"([a-z-]+)\s*:\s*(.*)")
_FIELD = re.compile(r'\s*(?:([A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,"\s]+)|([A-Za-z-]+))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Script:
    """What a script asks for, the extended partition included."""

    label: Label
    sector_size: int
    partitions: tuple[Wanted, ...]


def write_script(label: Label, wanted: Sequence[Wanted], sector_size: int = 512) -> str:
    """The table as a script. An extended partition is written around the logicals, as sfdisk wants it."""
    lines = [f"label: {label}", "unit: sectors", f"sector-size: {sector_size}"]
    if label == "gpt":  # sfdisk's own default is 1 MiB, and partitions before that would be refused
        lines.append(f"first-lba: {2 + 16384 // sector_size}")
    lines.append("")
    primaries = [one for one in wanted if not one.logical and not one.extended]
    given = [one for one in wanted if one.extended]
    logicals = sorted((one for one in wanted if one.logical), key=lambda one: one.start)
    for place, one in enumerate(primaries, 1):
        lines.append(_line(one.number or place, one, sector_size))
    if given:
        lines += [_line(one.number or len(primaries) + 1, one, sector_size) for one in given]
    elif logicals and label == "dos":
        used = {one.number or place for place, one in enumerate(primaries, 1)}
        number = next(slot for slot in range(1, 6) if slot not in used)
        first = logicals[0]
        start = first.ebr if first.ebr is not None else max(sector_size, first.start - (1 << 20))
        lines.append(_line(number, Wanted(start, logicals[-1].end - start, "f"), sector_size))
    lines += [_line(number, one, sector_size) for number, one in enumerate(logicals, 5)]
    return "\n".join(lines) + "\n"


def _line(number: int, one: Wanted, sector_size: int) -> str:
    parts = [f"start={one.start // sector_size:>12}", f"size={one.size // sector_size:>12}", f"type={one.type}"]
    if one.uuid:
        parts.append(f"uuid={one.uuid}")
    if one.name:
        parts.append(f'name="{_quoted(one.name)}"')
    if one.active:
        parts.append("bootable")
    return f"disk{number} : {', '.join(parts)}"


def _quoted(name: str) -> str:
    """sfdisk's quoting: bytes that are not plain as ``\\xNN``."""
    return "".join(
        char if char.isascii() and char.isprintable() and char not in '"\\' else _escaped(char) for char in name
    )


def _escaped(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def read_script(path: str | os.PathLike[str]) -> Script:
    """Read a script file. Raises ``UsageError`` with the line that is wrong."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_SCRIPT + 1)
    except OSError as error:
        raise outside(error, "cannot read the layout", path) from error
    if len(data) > _MAX_SCRIPT:
        raise UsageError("this is no partition script", path=path)
    try:
        return parse_script(data.decode("utf-8", "replace"))
    except UsageError as error:
        error.path = os.fspath(path)
        raise


def parse_script(text: str) -> Script:
    """``label: dos`` or ``gpt``, then lines with start, size and type. Sizes are sectors, and none is left out."""
    label, sector_size = "dos", 512
    found: list[Wanted] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        header = _HEADER.fullmatch(line)
        if header and "=" not in line:
            if header[1] == "label":
                label = header[2].strip()
            elif header[1] == "sector-size":
                sector_size = _number(header[2], number)
            elif header[1] == "unit" and header[2].strip() != "sectors":
                raise UsageError("the unit has to be sectors", line=number)
            continue
        one = _partition(line, number, sector_size)
        if one is not None:
            found.append(one)
    if label not in ("dos", "gpt"):
        raise UsageError(f"{safe_text(label, 40)!r} is no label here", advice="write label: dos, or label: gpt")
    if sector_size not in (512, 4096):
        raise UsageError(f"sectors of {sector_size} bytes are not possible")
    if label == "gpt":
        return Script("gpt", sector_size, tuple(found))
    extended = [one for one in found if one.extended]
    inside = [replace(one, logical=_inside(one, extended)) if one not in extended else one for one in found]
    return Script("dos", sector_size, tuple(inside))


def _inside(one: Wanted, extended: Sequence[Wanted]) -> bool:
    return any(outer.start < one.start and one.end <= outer.end for outer in extended)


def _number(text: str, line: int) -> int:
    try:
        return int(text.strip(), 10)
    except ValueError as error:
        raise UsageError(f"{safe_text(text, 40)!r} is no number", line=line) from error


def _partition(line: str, number: int, sector_size: int) -> Wanted | None:
    device, colon, rest = line.partition(" :")
    fields = rest if colon and "=" not in device else line
    values: dict[str, str] = {}
    position = 0
    while position < len(fields):
        match = _FIELD.match(fields, position)
        if match is None or match.end() == position:
            raise UsageError(f"not understood: {safe_text(fields[position:], 40)!r}", line=number)
        values[(match[1] or match[3]).lower()] = match[2] or ""
        position = match.end()
    if "start" not in values or "size" not in values:
        raise UsageError("every partition needs start= and size=", line=number)
    kind = values.get("type", values.get("id", "83")).strip('"').upper()
    if re.fullmatch(r"[0-9A-F]{1,2}", kind):
        kind = kind.lower().rjust(2, "0")
    elif kind not in GPT_TYPES and not re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", kind):
        raise UsageError(f"{safe_text(kind, 40)!r} is no type", line=number, advice="write two hex digits or a GUID")
    size = _number(values["size"], number)
    if not size:
        return None
    tail = re.search(r"(?<![0-9])([0-9]{1,9})\s*$", device) if colon else None
    return Wanted(
        _number(values["start"], number) * sector_size, size * sector_size, kind,
        _unquoted(values.get("name", "")), "bootable" in values, False, int(tail[1]) if tail else None,
        values.get("uuid", "").strip('"').upper(),
    )  # fmt: skip


def _unquoted(text: str) -> str:
    plain = text[1:-1] if text.startswith('"') else text
    raw = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda match: bytes([int(match[1], 16)]), plain.encode("utf-8"))
    return raw.decode("utf-8", "replace")
