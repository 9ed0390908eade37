"""Reading whatever can still be read as a map: forum pastes, mail quotes, wrapped, cut, doubled lines, encodings.

Nothing is decided here about gaps and contradictions (see ``check``): this collects block lines and says, line by line,
what was not as it should be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from engine.errors import Problem
from engine.mapfile.lines import Line, next_line, parse_block, parse_status, skip_comments
from engine.mapfile.model import Codes, Int64s
from engine.mapfile.scan import BlockList, read_blocks
from engine.text import safe_text

MAX_LISTED = 200
MAX_NONSENSE = 100_000
_LONGEST = 4096
_WORTH_BULK = 64

_QUOTES = re.compile(rb"^[>|\s]+")
_NUMBERED = re.compile(rb"^[(\[]?\d{1,9}[.:)\]|]*\s+")
_ONE = rb"[+-]?(?:0[xX][0-9a-fA-F]*|[0-9]+)"
_FRAGMENT = re.compile(rb"^" + _ONE + rb"(?:\s+" + _ONE + rb")?\s*$")
_BLOCK_INSIDE = re.compile(rb"(?<![\w])" + _ONE + rb"\s+" + _ONE + rb"\s+[?*/+-](?![^\s#])")


class ProblemList:
    """Problems in the order they were met; the first of them kept, all of them counted."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.count = 0

    def add(self, code: str, message: str, line: int | None = None) -> None:
        self.count += 1
        if len(self.kept) < MAX_LISTED:
            self.kept.append(Problem(code, message, line=line))

    def clear(self) -> None:
        """Forget all of them: something worse makes them pointless."""
        self.kept.clear()
        self.count = 0


@dataclass(slots=True)
class Salvaged:
    """What was found: the status line (None: there is none), blocks in file order with their lines."""

    status: tuple[int, str, int] | None = None
    cut: bool = False
    nonsense: int = 0
    _parts: list[tuple[Int64s, Int64s, Codes, Int64s]] = field(default_factory=list)
    _single: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, block: tuple[int, int, int], line: int) -> None:
        """One block."""
        self._single.append((*block, line))

    def add_run(self, found: BlockList) -> None:
        """A run of blocks that needed no help."""
        self._flush()
        self._parts.append((*found.arrays(), found.lines()))

    def _flush(self) -> None:
        if self._single:
            each = np.array(self._single, np.int64)
            self._parts.append((each[:, 0], each[:, 1], each[:, 2].astype(np.uint8), each[:, 3]))
            self._single = []

    @property
    def has_blocks(self) -> bool:
        """Whether any block was found so far."""
        return bool(self._parts or self._single)

    def arrays(self) -> tuple[Int64s, Int64s, Codes, Int64s]:
        """Starts, sizes, codes and line numbers."""
        self._flush()
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0, np.int64)
        starts, sizes, codes, lines = zip(*self._parts, strict=True)
        return np.concatenate(starts), np.concatenate(sizes), np.concatenate(codes), np.concatenate(lines)


def plain_text(data: bytes, problems: ProblemList) -> bytes:
    """The bytes as ddrescue would want them: no BOM, no UTF-16, no NUL fill at the end, real line ends and blanks."""
    for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            problems.add("encoding", "the text is UTF-16; ddrescue reads plain ASCII", 1)
            data = data[2:].decode(name, "replace").encode("ascii", "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        problems.add("encoding", "the text begins with a byte order mark", 1)
        data = data[3:]
    if data.endswith(b"\0"):
        problems.add("nul-tail", "the file ends in NUL bytes: it was cut by a crash or a power failure")
        data = data.rstrip(b"\0")
    if b"\xc2\xa0" in data:
        problems.add("encoding", "there are no-break spaces in it")
        data = data.replace(b"\xc2\xa0", b" ")
    if b"\n" not in data and b"\r" in data:
        problems.add("line-ends", "the lines end in bare CR: ddrescue reads no blocks at all from such a file", 1)
        data = data.replace(b"\r", b"\n")
    return data


def second_blocks(line: Line, data: bytes) -> list[tuple[int, int, int]]:
    """Further blocks on a block line: ddrescue reads the first and loses the others without a word."""
    rest = data[line.start : min(line.end, line.start + _LONGEST)].split(b"#")[0]
    found = [parse_block(match.group()) for match in _BLOCK_INSIDE.finditer(rest)]
    return [block for block in found[1:] if block is not None]


def salvage(data: bytes, problems: ProblemList) -> Salvaged:
    """Collect all that can be read as status line or block from ``plain_text``."""
    made = Salvaged()
    fragment: tuple[bytes, int] | None = None
    offset, number, run = 0, 1, _WORTH_BULK
    while made.nonsense <= MAX_NONSENSE:
        line = next_line(data, offset, number)
        if line is None:
            break
        offset, number = line.end, line.number
        if line.text is None:
            offset, number = skip_comments(data, offset, number)
            continue
        if fragment is None and parse_block(line.text) is not None:
            offset, number, run = _read_run(data, line, made, problems, bulk=run >= _WORTH_BULK)
            continue
        whole = data[line.start : min(line.end, line.start + _LONGEST)]
        fragment = _odd_line(whole, line.number, fragment, made, problems)
    if fragment is not None:
        made.cut = True
        problems.add("cut", "the list is cut off inside this line", fragment[1])
    if made.nonsense > MAX_NONSENSE:
        problems.add("not-a-map", "too much of this is no map; reading stopped here", number)
    return made


def _read_run(data: bytes, line: Line, made: Salvaged, problems: ProblemList, *, bulk: bool) -> tuple[int, int, int]:
    """Read good block lines from ``line`` on; returns where to go on: offset, line number, blocks read."""
    doubled: list[Line] = []

    def look(odd: Line) -> None:
        if second_blocks(odd, data):
            doubled.append(odd)

    found, bad = read_blocks(data, line.start, line.number, lambda *_: False, bulk=bulk, on_line=look)
    made.add_run(found)
    for odd in doubled:
        problems.add("second-block", "more than one block on a line: ddrescue ignores all but the first", odd.number)
        for block in second_blocks(odd, data):
            made.add(block, odd.number)
    if bad is None:
        return len(data), line.number, found.count
    return bad.start, bad.number, found.count


def _odd_line(
    whole: bytes, number: int, fragment: tuple[bytes, int] | None, made: Salvaged, problems: ProblemList
) -> tuple[bytes, int] | None:
    """Make the best of a line that is no block as it stands; returns a fragment that may go on in the next line."""
    text = _QUOTES.sub(b"", whole).rstrip()
    if text.startswith(b"#") or not text:
        return fragment
    if fragment is not None:
        joined = parse_block(fragment[0] + b" " + text)
        if joined is None and (match := _FRAGMENT.match(fragment[0] + text)) is not None:
            return match.group(), fragment[1]
        if joined is None:
            joined = parse_block(fragment[0] + text)
        if joined is not None and parse_block(text) is None:
            problems.add("broken-line", "a block is broken over two lines: joined", fragment[1])
            made.add(joined, fragment[1])
            return None
        problems.add("bad-line", f"half a block, left out: {_show(fragment[0])}", fragment[1])
        made.nonsense += 1
    if (block := parse_block(text)) is not None:
        problems.add("quoted", "quote marks before the block", number)
        made.add(block, number)
        return None
    if _BLOCK_INSIDE.fullmatch(text) is not None:
        problems.add("empty-block", "a block of size 0 or below 0: left out", number)
        return None
    unnumbered = _NUMBERED.sub(b"", text)
    if unnumbered.startswith(b"#"):
        return None
    if (block := parse_block(unnumbered)) is not None:
        problems.add("numbered", "a line number before the block", number)
        made.add(block, number)
        return None
    for candidate in (text, unnumbered):
        status = parse_status(candidate)
        if status is not None and len(candidate.split()) <= 3:
            if made.status is None and not made.has_blocks:
                made.status = status
                if candidate != whole.rstrip():
                    problems.add("quoted", "quote marks or a line number before the status line", number)
            else:
                problems.add("second-status", "another status line: left out", number)
            return None
    if _FRAGMENT.match(unnumbered) and (made.has_blocks or made.status):
        return unnumbered, number
    made.nonsense += 1
    problems.add("bad-line", f"neither comment nor block, left out: {_show(text)}", number)
    return None


def _show(text: bytes) -> str:
    return safe_text(text[:60].decode("latin-1"), 60)
