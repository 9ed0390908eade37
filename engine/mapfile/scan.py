"""Reading a block list in bulk: stretches of alike lines with numpy, every other line through the exact path.

ddrescue writes all lines of a stretch with equal length, so a stretch is a matrix of characters. Each row that has the
very form of the first one is decoded; the first row that has not ends the stretch and is read by ``lines``. Both ways
give the same blocks; the matrix only spares the loop.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable

import numpy as np

from engine.errors import DamagedError
from engine.mapfile.lines import CODE_OF_BYTE, Line, next_line, parse_block, skip_comments
from engine.mapfile.model import Codes, Int64s
from engine.mapfile.status import CHARS, MAX_POSITION

MAX_BLOCKS = 1 << 25

# what each character stands for: 0-15 a hex digit, 64 and up a status, 255 anything else
_OTHER, _STATUS_CLASS = 255, 64
_table = bytearray([_OTHER]) * 256
for _digit in range(16):
    _table[ord("0123456789ABCDEF"[_digit])] = _digit
    _table[ord("0123456789abcdef"[_digit])] = _digit
for _code, _char in enumerate(CHARS):
    _table[ord(_char)] = _STATUS_CLASS + _code
_CLASSES = bytes(_table)

# the line whose form a stretch repeats: two hex numbers and a status, with blanks between that stay the same
_FORM = re.compile(
    rb"[ \t]{0,9}0[xX]([0-9A-Fa-f]{1,16})[ \t]{1,20}0[xX]([0-9A-Fa-f]{1,16})[ \t]{0,20}([?*/+-])[ \t\r]{0,9}\n"
)
# one plain line of any length, far below the limits of length and number; ends before its newline
_PLAIN_NUMBER = rb"(0x[0-9A-Fa-f]{1,15}|[1-9][0-9]{0,17}|0)"
_BLANKS = rb"[ \t]{1,20}"
_PLAIN = re.compile(rb"[ \t]{0,9}" + _PLAIN_NUMBER + _BLANKS + _PLAIN_NUMBER + _BLANKS + rb"([?*/+-])\r?(?=\n)")

_ROWS_FIRST, _ROWS_MOST = 256, 1 << 15
_ROWS_WORTH = 32  # a stretch shorter than this costs more than reading its lines one by one
_LINES_PAUSE = 256


class BlockList:
    """Collects blocks in file order and knows the line of each."""

    def __init__(self) -> None:
        self._done: list[tuple[Int64s, Int64s, Codes]] = []
        self._starts, self._sizes, self._codes = array("q"), array("q"), bytearray()
        self._segment_blocks: list[int] = []
        self._segment_lines: list[int] = []
        self.count = 0

    def _mark(self, number: int) -> None:
        if self._segment_blocks and number - self._segment_lines[-1] == self.count - self._segment_blocks[-1]:
            return
        self._segment_blocks.append(self.count)
        self._segment_lines.append(number)

    def add(self, start: int, size: int, code: int, number: int) -> None:
        self._mark(number)
        self._starts.append(start)
        self._sizes.append(size)
        self._codes.append(code)
        self.count += 1

    def add_many(self, starts: Int64s, sizes: Int64s, codes: Codes, number: int) -> None:
        self._mark(number)
        self._flush()
        self._done.append((starts, sizes, codes))
        self.count += int(codes.size)

    def _flush(self) -> None:
        if self._starts:
            codes = np.frombuffer(bytes(self._codes), np.uint8)
            self._done.append((np.array(self._starts, np.int64), np.array(self._sizes, np.int64), codes))
            self._starts, self._sizes, self._codes = array("q"), array("q"), bytearray()

    def arrays(self) -> tuple[Int64s, Int64s, Codes]:
        """Starts, sizes and codes in file order."""
        self._flush()
        if not self._done:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8)
        starts, sizes, codes = zip(*self._done, strict=True)
        return np.concatenate(starts), np.concatenate(sizes), np.concatenate(codes)

    def lines(self) -> Int64s:
        """The line numbers of all blocks."""
        if not self._segment_blocks:
            return np.zeros(0, np.int64)
        blocks, lines = np.array(self._segment_blocks, np.int64), np.array(self._segment_lines, np.int64)
        counts = np.diff(np.append(blocks, self.count))
        return np.arange(self.count, dtype=np.int64) + np.repeat(lines - blocks, counts)

    def line_of(self, index: int) -> int:
        """The line number of a block."""
        segment = bisect_right(self._segment_blocks, index) - 1
        return self._segment_lines[segment] + index - self._segment_blocks[segment]


def read_blocks(
    data: bytes,
    offset: int,
    number: int,
    on_comment: Callable[[int, bytes, bool], bool],
    *,
    bulk: bool = True,
    on_line: Callable[[Line], None] | None = None,
) -> tuple[BlockList, Line | None]:
    """Read block lines from ``offset`` (in line ``number``) up to the end or the first bad line, which is returned.

    ``on_comment(block index, text, whole line)`` is told of comments; once it says False further ones may be skipped.
    ``on_line`` is shown each block line that was not in plain form. ``bulk=False`` reads each line on its own.
    Raises ``DamagedError`` beyond ``MAX_BLOCKS``.
    """
    found = BlockList()
    pause = 0
    rows = _ROWS_FIRST
    while True:
        if data[offset : offset + 1] == b"\n":
            offset, number = offset + 1, number + 1
        if found.count > MAX_BLOCKS:
            raise DamagedError("more blocks than any mapfile has", code="not-a-map", line=number)
        if bulk and pause == 0:
            length, stretch = _stretch(data, offset, rows)
            if stretch is not None:
                count = int(stretch[2].size)
                found.add_many(*stretch, number)
                offset, number = offset + count * length, number + count
                if count == rows:
                    rows = min(rows * 4, _ROWS_MOST)
                    continue
                pause = 1 if count >= _ROWS_WORTH else _LINES_PAUSE
            else:
                pause = _LINES_PAUSE if rows == _ROWS_FIRST else 1
            rows = _ROWS_FIRST
        pause = max(0, pause - 1)
        if bulk and (plain := _PLAIN.match(data, offset)) is not None and (length := int(plain[2], 0)):
            found.add(int(plain[1], 0), length, CODE_OF_BYTE[plain[3][0]], number)
            offset = plain.end()
            continue
        line = next_line(data, offset, number)
        if line is None:
            return found, None
        offset, number = line.end, line.number
        if line.text is not None:
            block = parse_block(line.text)
            if block is None:
                return found, line
            if line.comment is not None:
                on_comment(found.count, line.comment, False)
            if on_line is not None:
                on_line(line)
            found.add(*block, number)
        elif line.comment is not None and not on_comment(found.count, line.comment, True):
            offset, number = skip_comments(data, offset, number)


def _stretch(data: bytes, offset: int, rows: int) -> tuple[int, tuple[Int64s, Int64s, Codes] | None]:
    """Line length and blocks of up to ``rows`` lines of one form from ``offset``, or None for no blocks."""
    form = _FORM.match(data, offset)
    if form is None:
        return 0, None
    length = form.end() - offset
    pos, size, status = (slice(form.start(group) - offset, form.end(group) - offset) for group in (1, 2, 3))
    rows = min(rows, (len(data) - offset) // length)
    text = np.frombuffer(data, np.uint8, rows * length, offset).reshape(rows, length)
    good = np.ones(rows, bool)
    for column in {*range(length)} - {*range(*pos.indices(length)), *range(*size.indices(length)), status.start}:
        good &= text[:, column] == text[0, column]
    classes = np.frombuffer(data[offset : offset + rows * length].translate(_CLASSES), np.uint8).reshape(rows, length)
    codes = classes[:, status.start] - np.uint8(_STATUS_CLASS)
    good &= codes < len(CHARS)
    starts = _hex(classes[:, pos], good)
    sizes = _hex(classes[:, size], good)
    good &= (sizes != 0) | (starts == 0)
    if not good.all():
        rows = int(np.argmin(good))
        if rows == 0:
            return length, None
        starts, sizes, codes = starts[:rows], sizes[:rows], codes[:rows]
    np.minimum(sizes, MAX_POSITION - starts, out=sizes)
    return length, (starts, sizes, codes)


def _hex(digits: Codes, good: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Int64s:
    """Rows of hex digits (most significant first) as numbers held at 2^63-1; rows with anything else lose ``good``."""
    count, width = digits.shape
    padded = np.zeros((count, 16), np.uint8)
    padded[:, 16 - width :] = digits
    words = padded.view(np.uint64)
    wrong = (words & np.uint64(0xF0F0F0F0F0F0F0F0)).any(axis=1)
    np.logical_and(good, ~wrong, out=good)
    packed = (padded[:, 0::2] << np.uint8(4)) | padded[:, 1::2]
    values = packed.view(">u8").ravel()
    numbers: Int64s = np.minimum(values, np.uint64(MAX_POSITION)).astype(np.int64)
    return numbers
