"""One sequential pass over a source: which 512-byte rows look like tables, directory, header or the head of a stream.

A FAT tells by itself which sectors it describes: along a file that lies in one piece entry i holds i + 1, so every
value v at word i votes for the first sector b = v - i - 1 of its row. Nothing of the file is kept but the rows that
look like tables or directories, so that memory does not grow with the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.ole2.model import unused, well_formed
from engine.ole2.structs import DIFAT_MARK, END, ENTRY_SIZE, FAT_MARK, FREE
from engine.progress import SILENT, Reporter, check

if TYPE_CHECKING:
    from engine.source import Source

ROW = 512
BLOCK = 2 << 20
MAX_TABLE_ROWS = 150_000
"""Rows kept: a 2 GiB document has 32,768 FAT and as many mini FAT rows at most; 75 MiB."""
MAX_OTHER_ROWS = 1 << 20

OTHER, ZERO, UNREAD, TABLE, DIRECTORY, ROOT, HEADER, HEAD = range(8)

Int64s = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint32]
Bytes8 = npt.NDArray[np.uint8]

_PROBES = (1, 40, 80, 126)
_FOUR = np.uint32(4)
_POSITIONS = np.arange(128, dtype=np.int64)
# First words of streams that can be told by them; see engine.ole2.kinds for what each means.
_HEADS = np.array([0x00100809, 0x00080809, 0x03E8000F, 0x0FF60000, 0x0000FEFF, 0xFEFF0001, 0x02000001], dtype=np.uint32)
_WORD_HEADS = np.array([0xA5EC, 0xA5DC], dtype=np.uint32)
# type and colour of a directory entry as one 16-bit word
_TYPES = np.zeros(65536, bool)
_TYPES[[colour << 8 | kind for colour in (0, 1) for kind in (0, 1, 2, 5)]] = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a pass found. Offsets are bytes in the source; ``phase`` is where the first row begins.

    ``classes`` has one value for each row. ``table[i]`` are the words of the table row at ``table_at[i]``; ``votes[i]``
    its two best first sectors (-1: none) with as many ``support``; ``marks[i]`` how many FAT marks it holds.
    ``dropped`` counts rows that were too many to keep.
    """

    phase: int
    size: int
    classes: Bytes8
    table_at: Int64s
    table: Words
    votes: Int64s
    support: Int64s
    marks: Int64s
    directory_at: Int64s
    root_at: Int64s
    header_at: Int64s
    head_at: Int64s
    dropped: int = 0

    def class_at(self, offset: int) -> int:
        """The class of the row that holds ``offset``."""
        row = (offset - self.phase) // ROW
        return int(self.classes[row]) if 0 <= row < self.classes.size else UNREAD


def value_limit(size: int) -> int:
    """The largest sector number that a table of a file of ``size`` bytes can be expected to hold: a truncated file
    still points far beyond its end."""
    rows = size // ROW
    return min(16 * rows + 4096, max(2 * rows, 1 << 22))


def gather(
    source: Source, *, phase: int = 0, reporter: Reporter = SILENT, limit: int | None = None, message: str = "reading"
) -> Evidence:
    """The pass. ``limit``: the largest sector number to expect (an image of many documents is larger than each)."""
    limit = value_limit(source.size) if limit is None else limit
    rows = max(0, (source.size - phase) // ROW)
    classes = np.zeros(rows, np.uint8)
    kept: dict[str, list[Int64s]] = {name: [] for name in ("at", "dir", "root", "sig", "head")}
    kept_rows: list[Words] = []
    counts = {"at": 0, "dir": 0, "head": 0}
    dropped = 0
    buffer = bytearray(BLOCK)
    view = memoryview(buffer)
    for first in range(0, rows, BLOCK // ROW):
        check(reporter)
        number = min(BLOCK // ROW, rows - first)
        start = phase + first * ROW
        holes = source.read_into(start, view[: number * ROW])
        part = classes[first : first + number]
        found = _block(np.frombuffer(view[: number * ROW], "<u4").reshape(number, 128), limit, part)
        tables, directories, roots, headers, heads, rows_of = found
        for low, high in holes:
            part[(low - start) // ROW : -(-(high - start) // ROW)] = UNREAD
        if holes:
            keep = part[tables] != UNREAD
            tables, rows_of = tables[keep], rows_of[keep]
            directories, roots, headers, heads = (
                one[part[one] != UNREAD] for one in (directories, roots, headers, heads)
            )
        if counts["at"] + tables.size > MAX_TABLE_ROWS:
            spare = max(0, MAX_TABLE_ROWS - counts["at"])
            dropped += tables.size - spare
            tables, rows_of = tables[:spare], rows_of[:spare]
        for name, index in (("dir", directories), ("head", heads)):
            if counts[name] + index.size > MAX_OTHER_ROWS:
                dropped += int(index.size)
            else:
                kept[name].append(start + index * ROW)
                counts[name] += int(index.size)
        counts["at"] += int(tables.size)
        kept["at"].append(start + tables * ROW)
        kept_rows.append(rows_of)
        if roots.size and len(kept["root"]) < MAX_OTHER_ROWS:
            kept["root"].append(start + roots * ROW)
        if headers.size:
            kept["sig"].append(start + headers * ROW)
        reporter.update(start + number * ROW - phase, source.size, message=message)
    table: Words = np.concatenate(kept_rows) if kept_rows else np.zeros((0, 128), np.uint32)
    votes, support = index_votes(table)
    marks = (table == FAT_MARK).sum(axis=1).astype(np.int64)
    at, directory, root, header, head = (_joined(kept[name]) for name in ("at", "dir", "root", "sig", "head"))
    return Evidence(
        phase, source.size, classes, at, table, votes, support, marks, directory, root, header, head, dropped
    )  # fmt: skip


def _joined(parts: list[Int64s]) -> Int64s:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


_Found = tuple[Int64s, Int64s, Int64s, Int64s, Int64s, Words]


def _block(words: Words, limit: int, classes: Bytes8) -> _Found:
    """Classify the rows of a block (into ``classes``); the numbers of the interesting ones, and the table rows."""
    high = np.uint32(min(limit + 4, 0xFFFFFFFF))
    probes = words[:, _PROBES]
    likely = ((probes + _FOUR) <= high).all(axis=1)
    index = np.flatnonzero(likely)
    # zeros first: they are many
    blank = index[(probes[index] == 0).all(axis=1)]
    zero = blank[~words[blank].any(axis=1)] if blank.size else blank
    classes[zero] = ZERO
    index = index[classes[index] != ZERO]
    full = words[index]
    index, full = _tables(index, full, high)
    classes[index] = TABLE
    first = words[:, 0]
    heads = np.flatnonzero(np.isin(first, _HEADS) | np.isin(first & np.uint32(0xFFFF), _WORD_HEADS))
    classes[heads] = HEAD
    headers = np.flatnonzero((first == 0xE011CFD0) & (words[:, 1] == 0xE11AB1A1))
    classes[headers] = HEADER
    directories = _directories(words)
    roots = directories[_root_type(words, directories)] if directories.size else directories
    classes[directories] = DIRECTORY
    classes[roots] = ROOT
    return index, directories, roots, headers, heads, full


def _tables(index: Int64s, full: Words, high: np.uint32) -> tuple[Int64s, Words]:
    if not index.size:
        return index, full
    good = ((full + _FOUR) <= high).all(axis=1)
    index, full = index[good], full[good]
    specials = full >= np.uint32(DIFAT_MARK)
    some = specials.any(axis=1) & ~(full == np.uint32(FREE)).all(axis=1)
    ordered = np.sort(full, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] < np.uint32(DIFAT_MARK))
    different = ~twice.any(axis=1)
    unsure = different & ~some & (~specials).all(axis=1)
    some |= unsure & (_run_lengths(full) >= 16)
    good = different & some
    return index[good], full[good]


def _run_lengths(full: Words) -> npt.NDArray[np.int64]:
    """How many words of each row are one more than the word before them."""
    counted: npt.NDArray[np.int64] = (full[:, 1:] == full[:, :-1] + np.uint32(1)).sum(axis=1)
    return counted


def _directories(words: Words) -> Int64s:
    halves = words.view("<u2").reshape(words.shape[0], 4, 64)
    kinds = halves[:, :, 33]
    index = np.flatnonzero(_TYPES[kinds].all(axis=1) & ((kinds & 0xFF) != 0).any(axis=1))
    if not index.size:
        return index
    lengths = halves[index][:, :, 32]
    index = index[((lengths <= 64) & (lengths % 2 == 0)).all(axis=1)]
    keep = [number for number in index.tolist() if directory_row(words[number].tobytes())]
    return np.array(keep, np.int64)


def directory_row(data: bytes) -> bool:
    """Whether 512 bytes are four directory entries, one at least in use."""
    entries = [data[at : at + ENTRY_SIZE] for at in range(0, ROW, ENTRY_SIZE)]
    good = [well_formed(entry) for entry in entries]
    return any(good) and all(fine or unused(entry) for fine, entry in zip(good, entries, strict=True))


def _root_type(words: Words, index: Int64s) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (words.view(np.uint8).reshape(words.shape[0], ROW)[index, 0x42]) == 5
    return found


def index_votes(table: Words, words: int = 128) -> tuple[Int64s, Int64s]:
    """For each row of ``words`` table entries its two best first sectors, and how many entries say so."""
    count = table.shape[0]
    votes, support = np.full((count, 2), -1, np.int64), np.zeros((count, 2), np.int64)
    if not count:
        return votes, support
    step = max(1, (1 << 22) // words)
    for low in range(0, count, step):
        part = table[low : low + step]
        first = part.astype(np.int64) - np.arange(1, words + 1)
        valid = (part < np.uint32(DIFAT_MARK)) & (first >= 0) & (first % words == 0)
        row, column = np.nonzero(valid)
        if not row.size:
            continue
        keys, amount = np.unique((row.astype(np.int64) << 32) | first[row, column], return_counts=True)
        rows, values = keys >> 32, keys & 0xFFFFFFFF
        order = np.lexsort((values, -amount, rows))
        rows, values, amount = rows[order], values[order], amount[order]
        begin = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
        votes[low + rows[begin], 0], support[low + rows[begin], 0] = values[begin], amount[begin]
        second = begin + 1
        second = second[(second < rows.size)]
        second = second[rows[second] == rows[second - 1]]
        votes[low + rows[second], 1], support[low + rows[second], 1] = values[second], amount[second]
    return votes, support


def find_phases(source: Source, reporter: Reporter = SILENT) -> tuple[int, ...]:
    """Where, modulo 512, a header's signature or a root entry's name stands, besides 0; the most frequent first."""
    from collections import Counter

    seen: Counter[int] = Counter()
    needles = ("Root Entry".encode("utf-16-le"), bytes.fromhex("d0cf11e0a1b11ae1"))
    for start in range(0, source.size, BLOCK):
        check(reporter)
        data = source.read(start, BLOCK + 32).data
        for needle in needles:
            at = data.find(needle)
            while 0 <= at < BLOCK and len(seen) < 512:
                seen[(start + at) % ROW] += 1
                at = data.find(needle, at + 1)
        reporter.update(min(source.size, start + BLOCK), source.size, message="looking for other alignments")
    return tuple(phase for phase, _ in seen.most_common(9) if phase)[:8]


__all__ = ["END", "Evidence", "directory_row", "find_phases", "gather", "index_votes", "value_limit"]
