"""Lines of a mapfile exactly as ddrescue reads them: the slow, exact path, one line at a time.

The rules were measured on ddrescue 1.27 and 1.29: white space and blank lines are skipped; ``#`` begins a comment
when it stands first or right after white space; of what is left the first 127 characters count, up to a NUL; numbers
are C integers (decimal, 0x hex, 0 octal, signed) that saturate at 2^63-1; what follows the last field is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.mapfile.status import CHARS, MAX_POSITION, PHASES, is_phase

MAX_LINE = 127

_NUMBER = rb"[ \t\r\v\f]*+([+-]?(?>0[xX][0-9a-fA-F]*+|0[0-7]*+|[1-9][0-9]*+))"
_BLOCK = re.compile(_NUMBER + _NUMBER + rb"[ \t\r\v\f]*(.)", re.DOTALL)
_STATUS = re.compile(_NUMBER + rb"[ \t\r\v\f]*(.)(?:[ \t\r\v\f]*([+-]?[0-9]+))?", re.DOTALL)
_NEW_STATUS = re.compile(_NUMBER + rb"[ \t\r\v\f]*(.)(?:[ \t\r\v\f]+[+-]?[0-9]+)?[ \t\r\v\f]*\Z", re.DOTALL)
_VISIBLE = re.compile(rb"[^ \t\n\r\v\f]")
_COMMENT_LINES = re.compile(rb"(?:\n[ \t\n\r\v\f]*+#[^\n]*+)++")
_TAIL_COMMENT = re.compile(rb"[ \t\r\v\f]#")

CODE_OF_BYTE = {ord(char): code for code, char in enumerate(CHARS)}


class Line(NamedTuple):
    """One line that says something. ``text`` is None for a pure comment; ``end`` is the offset of its newline."""

    number: int
    start: int
    end: int
    text: bytes | None
    comment: bytes | None


def next_line(data: bytes, offset: int, number: int) -> Line | None:
    """The next line with anything on it at or after ``offset``, which lies in line ``number``; None at the end."""
    found = _VISIBLE.search(data, offset)
    if found is None:
        return None
    start = found.start()
    number += data.count(b"\n", offset, start)
    end = data.find(b"\n", start)
    if end < 0:
        end = len(data)
    if data[start] == 0x23:
        return Line(number, start, end, None, data[start:end])
    text = data[start : min(end, start + MAX_LINE + 1)]
    comment = None
    cut = _TAIL_COMMENT.search(text)
    if cut:
        comment = data[start + cut.end() - 1 : end]
        text = text[: cut.start()]
    text = text[:MAX_LINE]
    nul = text.find(b"\0")
    return Line(number, start, end, text if nul < 0 else text[:nul], comment)


def skip_comments(data: bytes, offset: int, number: int) -> tuple[int, int]:
    """Offset and line number behind all comment lines that follow a newline at ``offset``."""
    found = _COMMENT_LINES.match(data, offset)
    if found is None:
        return offset, number
    return found.end(), number + data.count(b"\n", offset, found.end())


def lines(data: bytes, offset: int = 0, number: int = 1) -> Iterator[Line]:
    """All lines with anything on them."""
    while (line := next_line(data, offset, number)) is not None:
        yield line
        offset, number = line.end, line.number


def c_number(text: bytes) -> int:
    """A C integer that the patterns above let through, held within 2^63-1 on both sides."""
    sign = -1 if text[:1] == b"-" else 1
    digits = text.lstrip(b"+-")
    if digits[:2] in (b"0x", b"0X"):
        value = int(digits[2:] or b"0", 16)
    elif digits[:1] == b"0":
        value = int(digits, 8)
    else:
        value = int(digits)
    return sign * min(value, MAX_POSITION)


def parse_status(text: bytes) -> tuple[int, str, int] | None:
    """(position, phase character, pass) of a status line, or None where ddrescue would refuse it.

    One thing is read that today's ddrescue refuses: an unknown phase character, for maps of newer versions.
    """
    match = _STATUS.match(text)
    if match is None:
        return None
    position, char = c_number(match[1]), match[2].decode("latin-1")
    if position < 0 or not is_phase(char) or (char not in PHASES and not _NEW_STATUS.match(text)):
        return None
    current_pass = 1
    if match[3] is not None:
        value = max(-(1 << 63), min(int(match[3]), MAX_POSITION)) & 0xFFFFFFFF  # the C int it is stored in
        current_pass = value - (1 << 32) if value >> 31 else value
    return (position, char, current_pass) if current_pass >= 1 else None


def parse_block(text: bytes) -> tuple[int, int, int] | None:
    """(start, size, code) of a block line, or None where ddrescue says "Bad block line in list"."""
    match = _BLOCK.match(text)
    if match is None:
        return None
    code = CODE_OF_BYTE.get(match[3][0])
    if code is None:
        return None
    start, size = c_number(match[1]), c_number(match[2])
    if start < 0 or size < 0 or (size == 0 and start != 0):
        return None
    return start, min(size, MAX_POSITION - start), code
