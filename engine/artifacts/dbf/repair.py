"""Rebuilding a table's header: on a copy, with every changed byte told.

What survives is kept byte for byte; only what fails a test is replaced: by what the descriptors, the flags of the
rows, the size of the file or a donor table say.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.artifacts.dbf.header import BACKLINK, DBASE2_RECORDS, MOST, descriptors, parse_header, placed
from engine.artifacts.dbf.model import FLAGS, FOXPRO, VERSIONS, Family, FieldDef, Header
from engine.artifacts.dbf.period import LOOKED_AT, find_period, guess_fields
from engine.artifacts.dbf.rows import END, count_rows
from engine.errors import DamagedError
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer

Date = tuple[int, int, int]
_FAMILIES: tuple[Family, ...] = ("standard", "level7", "dbase2")


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes of the header that differ from what was there, at ``offset`` of the repaired table."""

    offset: int
    old: bytes
    new: bytes


@dataclass(frozen=True, slots=True)
class Repair:
    """A header that fits the rows. ``head`` replaces everything before ``rows_at`` of the damaged file; ``how`` says
    where the layout comes from: ``header`` (it was whole), ``fields``, ``donor`` or ``rows``."""

    header: Header
    head: bytes
    rows_at: int
    how: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether anything changes."""
        return bool(self.changes) or len(self.head) != self.rows_at


def repair(
    source: Source, *, donor: bytes | None = None, memo_kind: str = "", date: Date | None = None, pad: bool = False
) -> Repair:
    """The header that the table in ``source`` should have. ``donor``: the beginning of a table of the same structure.

    ``memo_kind`` is the layout of the memo file beside it; ``date`` goes into a header whose date is lost. ``pad``
    counts a cut last record (``RepairedSource`` completes it with blanks). Raises ``DamagedError``: no layout can be
    found, or none of the rows.
    """
    head = source.read(0, MOST).data
    found = _by_fields(source, head) or _by_donor(source, head, donor) or _by_rows(source)
    if found is None:
        raise DamagedError("neither fields nor a rhythm of rows can be found", code="dbf-layout", path=source.path,
                           advice="give a donor: a table of the same structure")  # fmt: skip
    header, rows_at, how = found
    notes: list[str] = []
    claimed = header.records
    count = count_rows(source, rows_at, header.record_length, claimed)
    rest = source.size - rows_at - count * header.record_length
    cut = 1 < rest < header.record_length and source.read(source.size - rest, 1).data[:1] in (b" ", b"*")
    if cut:
        notes.append(f"the last record is cut: {rest} of {header.record_length} bytes are there")
        count += pad
    if count > claimed and how == "header":
        notes.append(f"{count - claimed} rows more than the header counted are adopted: look at rows {claimed + 1} on")
    elif count < claimed and how == "header":
        notes.append(f"the header counted {claimed - count} rows more than there are")
    header = replace(header, records=count)
    made = _head(head, header, rows_at, how, memo_kind, date, donor)
    final = parse_header(made + source.read(rows_at, 16 * header.record_length).data, len(made) + source.size - rows_at)
    final = replace(final, fields=header.fields) if how == "rows" else final
    if how == "rows":
        notes.append("the fields are made up from the rows: give a donor to have the right ones")
    changes = tuple(_changes(head[:rows_at], made)) if len(made) == rows_at else ()
    if len(made) != rows_at:
        notes.append(f"a header of {len(made)} bytes stands in place of the first {rows_at}")
    return Repair(final, made, rows_at, how, changes, tuple(notes))


def _by_fields(source: Source, head: bytes) -> tuple[Header, int, str] | None:
    """The layout by the descriptors that survive, where the flags of the rows agree."""
    parsed = parse_header(head, source.size)
    wrong = {one.code for one in parsed.problems}
    if (parsed.fields or parsed.record_length == 1) and not wrong - {"records", "rows"}:
        counted = count_rows(source, parsed.header_length, parsed.record_length, parsed.records)
        if "rows" not in wrong or (counted == parsed.records and counted):  # flags of an odd writer, but the end fits
            return parsed, parsed.header_length, "header"
    best: tuple[float, Header, int] | None = None
    for family in _FAMILIES:
        for header, rows_at in _candidates(source, head, family):
            score = _score(source, rows_at, header.record_length) + len(header.fields) / 10_000
            score += 0.05 * _ends_well(source, rows_at, header.record_length)
            if score > 0.8 and (best is None or score > best[0]):
                best = score, header, rows_at
    if best is None:
        return None
    _, header, rows_at = best
    same = header.header_length == parsed.header_length and header.record_length == parsed.record_length
    return header, rows_at, "header" if same and parsed.version == header.version else "fields"


def _candidates(source: Source, head: bytes, family: Family) -> Iterator[tuple[Header, int]]:
    fields = list(descriptors(head, family))
    tail = head.ljust(68, b"\0")
    records, told, length = struct.unpack_from("<IHH", tail, 4)
    if family == "dbase2":
        records, length, told = *struct.unpack_from("<H", tail, 1), *struct.unpack_from("<H", tail, 6), DBASE2_RECORDS
    start, step = {"dbase2": (8, 16), "standard": (32, 32), "level7": (68, 48)}[family]
    layouts = [fields] if fields else []
    if family == "standard":
        layouts += [_long(fields)] if fields else []
        layouts += _mended(head, fields, length, told)
    for layout in layouts:
        placed_fields = placed(layout)
        record_length = 1 + sum(field.length for field in placed_fields)
        end = start + step * len(layout) + 1
        lengths = {DBASE2_RECORDS} if family == "dbase2" else {end, end + 1, end + BACKLINK}
        if family == "level7":
            lengths = {told} if told >= end else _level7_ends(head, end, record_length)
        elif end <= told <= end + 4096 and told in lengths:
            lengths = {told}
        for rows_at in sorted(lengths):
            if record_length > 1 and rows_at <= source.size:
                yield Header(tail[0], family, None, records, rows_at, record_length, placed_fields), rows_at


def _level7_ends(head: bytes, end: int, record_length: int) -> set[int]:
    """Where rows may begin behind a block of properties of unknown size: wherever some flags in a row are right."""
    found = set()
    for at in range(end, min(len(head), end + 8192)):
        flags = head[at : at + 8 * record_length : record_length]
        if len(flags) > 3 and not flags.strip(FLAGS):
            found.add(at)
    return set(sorted(found)[:64])


def _long(fields: Sequence[FieldDef]) -> list[FieldDef]:
    """Character fields with the high byte of their length, as Clipper and FoxPro write them."""
    return [replace(one, length=one.length | one.decimals << 8, decimals=0) if one.type == "C" else one
            for one in fields]  # fmt: skip


def _mended(head: bytes, fields: list[FieldDef], length: int, told: int) -> list[list[FieldDef]]:
    """With one damaged descriptor: what lies behind it is read too, and it gets the bytes that are left over."""
    at = 32 + 32 * (len(fields) + 1)
    if head[at - 32 : at - 31] == b"\r" or at >= told or len(head) <= at:
        return []
    rest = list(descriptors(head[:32] + head[at:], "standard"))
    left = length - 1 - sum(one.length for one in (*fields, *rest))
    if not 1 <= left <= 254 or head[at + 32 * len(rest) : at + 32 * len(rest) + 1] != b"\r":
        return []
    lost = FieldDef(f"LOST{len(fields) + 1}", "C", left, 0, 0, inferred=True)
    return [[*fields, lost, *rest]]


def _score(source: Source, rows_at: int, length: int) -> float:
    """The share of right flags among the first rows; 1 for a table without rows."""
    room = max(0, source.size - rows_at) // length
    if not room:
        return 1.0 if source.size - rows_at <= 1 else 0.0
    right = looked = 0
    for number in range(min(64, room)):
        flag = source.read(rows_at + number * length, 1)
        if flag.holes:
            continue
        if flag.data[0] == END and number:
            break
        looked += 1
        right += flag.data[0] in FLAGS
    return right / looked if looked else 0.5


def _by_donor(source: Source, head: bytes, donor: bytes | None) -> tuple[Header, int, str] | None:
    """The donor's layout, where the flags agree with it: at its place, or where rows begin."""
    if donor is None:
        return None
    header = parse_header(donor, max(len(donor), 1 << 40))
    if not header.fields or header.record_length < 2:
        raise DamagedError("the donor is no table itself", code="dbf-donor")
    first = next((at for at, byte in enumerate(head) if byte), 0)
    length = header.record_length
    places = sorted({header.header_length, first, 0}, key=lambda at: (not _ends_well(source, at, length), -at))
    for rows_at in places:
        if _score(source, rows_at, length) > 0.8 and rows_at < source.size:
            return replace(header, records=0, problems=()), rows_at, "donor"
    return None


def _ends_well(source: Source, rows_at: int, length: int) -> bool:
    """Whether whole records, and perhaps the end mark, fill the file from there on."""
    return max(0, source.size - rows_at) % length <= 1


def _by_rows(source: Source) -> tuple[Header, int, str] | None:
    """Record length by rhythm, fields by what stands in the columns."""
    data = source.read(0, LOOKED_AT).data
    period = find_period(data)
    if period is None:
        return None
    fields = guess_fields(data, period)
    header_length = 32 + 32 * len(fields) + 1
    header = Header(0x03, "standard", None, 0, header_length, period.length, fields)
    return header, period.start, "rows"


def _head(
    old: bytes, header: Header, rows_at: int, how: str, memo_kind: str, date: Date | None, donor: bytes | None
) -> bytes:
    """The bytes before the rows."""
    if how == "donor":
        assert donor is not None
        made = bytearray(donor[: header.header_length])
    elif how == "rows":
        made = bytearray(32) + b"".join(map(descriptor_bytes, header.fields)) + b"\r"
    else:
        made = bytearray(old[:rows_at].ljust(rows_at, b"\0"))
        _mend_descriptors(made, header)
    lost = how == "rows" or (how != "donor" and not _version_fits(old[0] if old else 0, header))
    if lost:
        version = _guess_version(header, memo_kind)
        made[0] = version
        if header.family != "dbase2":
            made[12:32] = bytes(20)
            if version in FOXPRO and header.has_memo:
                made[28] = 2
    when = _date_bytes(made, header.family)
    if when is None or (lost and how != "donor"):
        year, month, day = date or (2000, 1, 1)
        if header.family == "dbase2":
            made[3:6] = bytes([month, day, year % 100])
        else:
            made[1:4] = bytes([year - 1900 if year < 2156 else year % 100, month, day])
    if header.family == "dbase2":
        struct.pack_into("<H", made, 1, min(header.records, 0xFFFF))
        struct.pack_into("<H", made, 6, header.record_length)
    else:
        struct.pack_into("<IHH", made, 4, header.records, len(made), header.record_length)
    return bytes(made)


def _version_fits(version: int, header: Header) -> bool:
    if version not in VERSIONS:
        return False
    family: Family = "dbase2" if version == 2 else "level7" if version in (0x04, 0x8C) else "standard"
    if family != header.family:
        return False
    if family != "standard":
        return True
    linked = header.header_length == 32 + 32 * len(header.fields) + 1 + BACKLINK
    return (version in FOXPRO) == linked


def _guess_version(header: Header, memo_kind: str) -> int:
    if header.family == "dbase2":
        return 0x02
    if header.family == "level7":
        return 0x8C if header.has_memo else 0x04
    types = {field.type for field in header.fields}
    if header.header_length == 32 + 32 * len(header.fields) + 1 + BACKLINK:
        return 0x32 if types & {"V", "Q"} else 0x31 if any(field.flags & 8 for field in header.fields) else 0x30
    if not header.has_memo:
        return 0x03
    return {"dbt4": 0x8B, "fpt": 0xF5, "smt": 0xE5}.get(memo_kind, 0x83)


def _date_bytes(made: bytes | bytearray, family: Family) -> Date | None:
    """The date that is there, None when it is none; three zeros count as one."""
    header = parse_header(bytes(made), len(made))
    day = made[3:6] if family == "dbase2" else made[1:4]
    return header.updated if header.family == family and header.updated else (0, 0, 0) if not any(day) else None


def _mend_descriptors(made: bytearray, header: Header) -> None:
    """Write what was made up for a damaged descriptor, and the mark behind the last one."""
    start, step = {"dbase2": (8, 16), "standard": (32, 32), "level7": (68, 48)}[header.family]
    for number, field in enumerate(header.fields):
        if field.inferred:
            made[start + number * step : start + (number + 1) * step] = descriptor_bytes(field)
    end = start + step * len(header.fields)
    if end < len(made) and not (header.family == "dbase2" and len(header.fields) == 32):
        made[end] = 0x0D


def descriptor_bytes(field: FieldDef) -> bytes:
    """A descriptor of the standard family."""
    name = field.name.encode("ascii", "replace")[:10].ljust(11, b"\0")
    return name + field.type.encode() + bytes(4) + bytes([field.length & 255, field.decimals]) + bytes(14)


def _changes(old: bytes, new: bytes) -> Iterator[Change]:
    """Runs of bytes that differ."""
    start: int | None = None
    for at in range(len(new) + 1):
        differs = at < len(new) and (at >= len(old) or old[at] != new[at])
        if differs and start is None:
            start = at
        elif not differs and start is not None:
            yield Change(start, old[start:at], new[start:at])
            start = None


class RepairedSource(Source):
    """The repaired table: its new header, then everything from the first row on as it is. ``flags`` are row numbers
    whose deletion is taken back; ``pad`` completes a cut last record with blanks. It does not close what lies below."""

    def __init__(self, below: Source, made: Repair, *, undelete: Sequence[int] = (), pad: bool = False) -> None:
        self._below, self._made = below, made
        self._live = {len(made.head) + number * made.header.record_length for number in undelete}
        body = below.size - made.rows_at
        self._tail = b""
        if pad:
            wanted = made.header.records * made.header.record_length
            self._tail = b" " * max(0, wanted - body) + (b"\x1a" if wanted > body else b"")
        self._body_end = len(made.head) + body
        self.size = self._body_end + len(self._tail)
        self.path, self.sector_size = below.path, below.sector_size

    @property
    def holes(self) -> RangeSet:
        moved = self._below.holes.clip(self._made.rows_at, self._below.size)
        return RangeSet((low - self._made.rows_at + len(self._made.head), high - self._made.rows_at
                         + len(self._made.head)) for low, high in moved)  # fmt: skip

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        head, view, end = self._made.head, memoryview(buffer), offset + len(buffer)
        if offset < len(head):
            piece = head[offset : min(end, len(head))]
            view[: len(piece)] = piece
        low, high = max(offset, len(head)), min(end, self._body_end)
        if low < high:
            self._below.read_into(low - len(head) + self._made.rows_at, view[low - offset : high - offset])
        if end > self._body_end:
            at = max(offset, self._body_end)
            view[at - offset :] = self._tail[at - self._body_end : end - self._body_end]
        for place in self._live:
            if offset <= place < end and view[place - offset] == 0x2A:
                view[place - offset] = 0x20
        return tuple(self.holes.clip(offset, end))

    def close(self) -> None:
        return
