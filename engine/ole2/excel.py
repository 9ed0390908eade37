"""Cells out of an Excel workbook, sheet by sheet, also where records are missing.

Sources: the MS-XLS specification (BIFF8, BIFF5). Record by record; after a gap the walk goes on where several plausible
records follow each other. Shared strings that are lost come out as such: a wrong text is worse than none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_MAX_CELLS = 4_000_000
_MAX_STRINGS = 2_000_000
_NEEDED = 8
_KNOWN = frozenset({
    0x0006, 0x000A, 0x0012, 0x0018, 0x001C, 0x0022, 0x002F, 0x0031, 0x003C, 0x003D, 0x0042, 0x0055, 0x005D, 0x007D,
    0x0085, 0x008C, 0x0092, 0x00BD, 0x00BE, 0x00D7, 0x00E0, 0x00E5, 0x00EC, 0x00FC, 0x00FD, 0x00FF, 0x0200, 0x0201,
    0x0203, 0x0204, 0x0205, 0x0207, 0x0208, 0x020B, 0x0221, 0x023E, 0x027E, 0x0293, 0x041E, 0x04BC, 0x0809, 0x00C1,
    0x0225, 0x0236, 0x01B6, 0x01B8, 0x01C1, 0x00EB, 0x00ED, 0x01AE, 0x0017, 0x0026, 0x0027, 0x0028, 0x0029, 0x002A,
    0x002B, 0x0014, 0x0015, 0x0080, 0x0081, 0x0082, 0x0083, 0x0084, 0x00A1, 0x000D, 0x000C, 0x000F, 0x0010, 0x0011,
})  # fmt: skip


@dataclass(slots=True)
class Sheet:
    """``cells`` by (row, column), counted from 0."""

    name: str
    cells: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(slots=True)
class Workbook:
    """What could be read. ``skipped`` are bytes between records that were understood, ``lost_strings`` cells whose text
    is gone, ``encrypted`` that cell contents cannot be read without the password."""

    sheets: list[Sheet]
    skipped: int = 0
    lost_strings: int = 0
    encrypted: bool = False


def read_workbook(data: bytes, holes: tuple[tuple[int, int], ...] = ()) -> Workbook:
    """Cells of a Workbook or Book stream; ``holes`` of it were never read."""
    return _Reader(data, holes).run()


def records(data: bytes, holes: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int, bytes, int]]:
    """(offset, kind, body, bytes skipped before it) of every record that can be trusted."""
    at = skipped = 0
    trusted = True
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        end = at + 4 + size
        holed = next((high for low, high in holes if low < end and high > at), None)
        if trusted and size <= 8228 and end <= len(data) and holed is None and (kind or size):
            yield at, kind, data[at + 4 : end], skipped
            skipped, at = 0, end
            continue
        if not any(data[at : at + 4096]) and holed is None and at + 4096 >= len(data):
            return  # padding
        start = max(at + 1, holed if holed is not None else 0)
        found = _resume(data, start, holes)
        skipped += (len(data) if found is None else found) - at
        if found is None:
            return
        at, trusted = found, True


def _resume(data: bytes, start: int, holes: tuple[tuple[int, int], ...]) -> int | None:
    """Where at least eight known records follow each other."""
    for at in range(start, min(len(data) - 4, start + (1 << 20))):
        here, count = at, 0
        while here + 4 <= len(data) and count < _NEEDED:
            kind, size = struct.unpack_from("<HH", data, here)
            if kind not in _KNOWN or size > 8228 or here + 4 + size > len(data):
                break
            here += 4 + size
            count += 1
            if kind == 0x000A and here >= len(data) - 512:
                count = _NEEDED
        if count >= _NEEDED and not any(low < here and high > at for low, high in holes):
            return at
    return None


class _Reader:
    def __init__(self, data: bytes, holes: tuple[tuple[int, int], ...]) -> None:
        self.data, self.holes = data, holes
        self.names: dict[int, str] = {}
        self.strings: list[str] = []
        self.whole_strings = False
        self.book = Workbook([])
        self.sheet: Sheet | None = None
        self.wide = True
        self.cells = 0
        self.formula: tuple[int, int] | None = None

    def run(self) -> Workbook:
        shared: list[bytes] | None = None
        for at, kind, body, skipped in records(self.data, self.holes):
            self.book.skipped += skipped
            if shared is not None:
                if kind == 0x003C and not skipped:
                    shared.append(body)
                    continue
                self._shared(shared)
                shared = None
            if kind == 0x0809 and len(body) >= 4:
                self._begin(at, body)
            elif kind == 0x0085 and len(body) >= 8:
                self._name(body)
            elif kind == 0x002F:
                self.book.encrypted = True
            elif kind == 0x00FC:
                shared = [body]
            elif self.cells < _MAX_CELLS and not self.book.encrypted:
                self._cell(kind, body)
        self.book.sheets = [sheet for sheet in self.book.sheets if sheet.cells]
        return self.book

    def _begin(self, at: int, body: bytes) -> None:
        version, sort = struct.unpack_from("<HH", body)
        self.wide = version >= 0x0600
        if sort == 0x0010:
            self.sheet = Sheet(self.names.get(at, f"Sheet at {at}"))
            self.book.sheets.append(self.sheet)
        elif sort == 0x0005:
            self.sheet = None

    def _name(self, body: bytes) -> None:
        place, length = struct.unpack_from("<IxxB", body)
        if self.wide and len(body) >= 8:
            text = body[8:].decode("utf-16-le", "replace") if body[7] & 1 else body[8:].decode("cp1252", "replace")
        else:
            text = body[7:].decode("cp1252", "replace")
        self.names[place] = text[:length]

    def _put(self, row: int, column: int, value: str) -> None:
        if self.sheet is None:
            self.sheet = Sheet("cells of a sheet whose beginning is lost")
            self.book.sheets.append(self.sheet)
        self.sheet.cells[row, column] = value
        self.cells += 1

    def _cell(self, kind: int, body: bytes) -> None:
        if kind == 0x0207 and self.formula is not None:  # the text result of the formula before
            self._put(*self.formula, self._string(body))
            self.formula = None
            return
        if len(body) < 6:
            return
        row, column = struct.unpack_from("<HH", body)
        if kind == 0x0203 and len(body) >= 14:
            self._put(row, column, number_text(struct.unpack_from("<d", body, 6)[0]))
        elif kind == 0x027E and len(body) >= 10:
            self._put(row, column, number_text(rk(struct.unpack_from("<I", body, 6)[0])))
        elif kind == 0x00BD:
            for index in range((len(body) - 6) // 6):
                value = struct.unpack_from("<I", body, 6 + 6 * index)[0]
                self._put(row, column + index, number_text(rk(value)))
        elif kind == 0x00FD and len(body) >= 10:
            index = struct.unpack_from("<I", body, 6)[0]
            if index < len(self.strings):
                self._put(row, column, self.strings[index])
            else:
                self.book.lost_strings += 1
                self._put(row, column, f"[lost string {index}]")
        elif kind == 0x0204 and len(body) >= 8:
            self._put(row, column, self._string(body[6:]))
        elif kind == 0x0205 and len(body) >= 8:
            codes = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
            truth = "TRUE" if body[6] else "FALSE"
            self._put(row, column, codes.get(body[6], "#ERROR") if body[7] else truth)
        elif kind == 0x0006 and len(body) >= 14:
            if body[12:14] == b"\xff\xff":
                self.formula = (row, column) if body[6] == 0 else None
                if body[6] == 1:
                    self._put(row, column, "TRUE" if body[8] else "FALSE")
            else:
                self._put(row, column, number_text(struct.unpack_from("<d", body, 6)[0]))

    def _string(self, body: bytes) -> str:
        if len(body) < 3:
            return ""
        (length,) = struct.unpack_from("<H", body)
        if not self.wide:
            return body[2 : 2 + length].decode("cp1252", "replace")
        flags = body[2]
        return (
            body[3 : 3 + 2 * length].decode("utf-16-le", "replace")
            if flags & 1
            else (body[3 : 3 + length].decode("latin-1"))
        )

    def _shared(self, parts: list[bytes]) -> None:
        """The shared strings over their CONTINUE records; ends early where they are damaged."""
        if len(parts[0]) < 8:
            return
        part, at = 0, 8
        total = struct.unpack_from("<I", parts[0], 4)[0]

        def take(size: int) -> bytes | None:
            nonlocal part, at
            out = b""
            while size:
                if at >= len(parts[part]):
                    part, at = part + 1, 0
                    if part >= len(parts):
                        return None
                piece = parts[part][at : at + size]
                out, at, size = out + piece, at + len(piece), size - len(piece)
            return out

        for _ in range(min(total, _MAX_STRINGS)):
            head = take(3)
            if head is None:
                return
            left, flags = struct.unpack("<HB", head)
            runs = struct.unpack("<H", take(2) or b"\0\0")[0] if flags & 8 else 0
            extra = struct.unpack("<I", take(4) or bytes(4))[0] if flags & 4 else 0
            text = ""
            while left:
                if at >= len(parts[part]):  # characters go on in the next record, which begins with flags again
                    part, at = part + 1, 1
                    if part >= len(parts) or not parts[part]:
                        return
                    flags = flags & ~1 | parts[part][0] & 1
                width = 2 if flags & 1 else 1
                room = (len(parts[part]) - at) // width
                count = min(left, room)
                if not count:
                    return
                piece = parts[part][at : at + count * width]
                text += piece.decode("utf-16-le" if width == 2 else "latin-1", "replace")
                at, left = at + count * width, left - count
            self.strings.append(text)
            if take(4 * runs + extra) is None:
                return


def rk(value: int) -> float:
    """A number in Excel's 32-bit form."""
    if value & 2:
        number = float((value - (1 << 32) if value & 0x80000000 else value) >> 2)
    else:
        number = struct.unpack("<d", struct.pack("<Q", (value & 0xFFFFFFFC) << 32))[0]
    return number / 100 if value & 1 else number


def number_text(value: float) -> str:
    """As short as it can be said."""
    return str(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else repr(value)


def csv_text(sheet: Sheet) -> str:
    """The sheet as comma-separated values; bounded by its cells, not by the largest row number."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows: dict[int, dict[int, str]] = {}
    for (row, column), value in sheet.cells.items():
        rows.setdefault(row, {})[column] = value
    before = -1
    for row in sorted(rows):
        for _ in range(min(row - before - 1, 1000)):
            out.write("\n")
        cells = rows[row]
        writer.writerow([cells.get(column, "") for column in range(min(max(cells) + 1, 16384))])
        before = row
    return out.getvalue()
