"""Management files of DVD-VR, standard (big-endian) and Panasonic's hard-disk variant (little-endian)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

SECTOR = 2048


@dataclass
class Unit:
    """A VOBU: sectors and fields of play time."""

    sectors: int
    fields: int = 25


@dataclass
class Vob:
    """A recording in the VRO, from sector ``first`` on."""

    first: int
    units: Sequence[Unit]
    date: datetime | None = None
    seam: bool = False
    gap: bool = False
    erased: bool = False
    start_ptm: int = 90_000
    format: int = 1

    @property
    def fields(self) -> int:
        return sum(unit.fields for unit in self.units)


@dataclass
class Cell:
    """A cell over VOB number ``vob``; None: all of it. ``points``: (PTM, label or None)."""

    vob: int
    start_ptm: int | None = None
    end_ptm: int | None = None
    points: Sequence[tuple[int, bytes | None]] = ()
    still: bool = False


@dataclass
class Programme:
    """A title, or a play list."""

    cells: Sequence[Cell]
    name: bytes = b""
    name2: bytes = b""
    protected: bool = False


@dataclass
class Formats:
    """TV system 1 is 625/50; aspect 1 is 16:9."""

    system: int = 1
    aspect: int = 0

    def data(self, order: str) -> bytes:
        video = 1 << 14 | self.system << 12 | self.aspect << 10
        return struct.pack(order + "HBB", video, 1, 0) + b"\0\x40\x09" + bytes(53)


@dataclass
class Management:
    vobs: Sequence[Vob]
    programmes: Sequence[Programme]
    play_lists: Sequence[Programme] = ()
    label: bytes = b"DVD VR"
    charset: int = 0x11
    encrypted: bool = False
    formats: Sequence[Formats] = field(default_factory=lambda: [Formats()])
    cells_big_endian: bool = False
    """Panasonic: the number of cells of a programme stands big-endian."""
    list_head: int = 6

    def standard(self) -> bytes:
        """VR_MANGR.IFO."""
        return _standard(self)

    def panasonic(self) -> bytes:
        """nnnn.IFO."""
        return _panasonic(self)


def packed_time(date: datetime | None) -> bytes:
    if date is None:
        return bytes(5)
    bits = date.year << 26 | date.month << 22 | date.day << 17 | date.hour << 12 | date.minute << 6 | date.second
    return bits.to_bytes(5, "big")


def _ticks(vob: Vob, formats: Sequence[Formats]) -> int:
    return round(vob.fields * (1800 if formats[vob.format - 1].system == 1 else 1501.5))


def _vob(vob: Vob, order: str, formats: Sequence[Formats], panasonic: bool) -> bytes:
    flags = (0x8000 if vob.erased else 0) | (0x80 if vob.seam else 0) | (0x20 if vob.gap else 0)
    data = struct.pack(order + "H", flags) + packed_time(vob.date) + b"\0" + bytes([vob.format])
    end = vob.start_ptm + _ticks(vob, formats)
    data += struct.pack(order + "IHIH", vob.start_ptm, 0, end, 0) + struct.pack(order + "H", 0)
    if vob.seam:
        data += struct.pack(order + "IHIH", 1234, 0, 999, 0)
    if vob.gap:
        data += struct.pack(order + "IHIHHH", 4711, 1, 4712, 2, 300, 0)
    if panasonic:
        data += b"\xab\xcd"
    assert len(data) == 23 + (12 if vob.seam else 0) + (16 if vob.gap else 0) + (2 if panasonic else 0)
    entries = b""
    played, at = 0, 0
    for number, unit in enumerate(vob.units, 1):
        if number == 1 or played // 500 != (played + unit.fields) // 500:
            entries += struct.pack(order + "HBI", number, 0, at)
        played, at = played + unit.fields, at + unit.sectors
    data += struct.pack(order + "HHHI", len(entries) // 7, len(vob.units), 0, vob.first) + entries
    for unit in vob.units:
        data += bytes([min(255, unit.sectors)]) + struct.pack(">H", unit.fields << 10 | unit.sectors)
    return data


def _movie(management: Management, order: str, panasonic: bool) -> bytes:
    records = [_vob(vob, order, management.formats, panasonic) for vob in management.vobs]
    formats = b"".join(one.data(order) for one in management.formats)
    head = 8 + len(formats) + 2 + 4 * len(records)
    offsets, body = [], b""
    for record in records:
        offsets.append(head + len(body))
        body += record
    data = formats + struct.pack(order + "H", len(records))
    data += b"".join(struct.pack(order + "I", offset) for offset in offsets) + body
    return struct.pack(order + "HBBI", 0, 1, len(management.formats), 8 + len(data) - 1) + data


def _cell(cell: Cell, management: Management, order: str) -> bytes:
    if cell.still:
        return bytes([0, 1 << 5]) + struct.pack(order + "HBB", cell.vob, 1, 1) + bytes(12)
    vob = management.vobs[min(cell.vob, len(management.vobs)) - 1]
    start = vob.start_ptm if cell.start_ptm is None else cell.start_ptm
    end = vob.start_ptm + _ticks(vob, management.formats) if cell.end_ptm is None else cell.end_ptm
    data = bytes([0, 0]) + struct.pack(order + "HHIHIH", cell.vob, len(cell.points), start, 0, end, 0)
    for ptm, label in cell.points:
        data += bytes([0 if label is None else 0x40]) + struct.pack(order + "IH", ptm, 0)
        data += b"" if label is None else label.ljust(128, b"\0")
    return data


def _programmes(management: Management, order: str) -> bytes:
    cells = [cell for programme in management.programmes for cell in programme.cells]
    data = struct.pack(order + "HH", len(management.programmes), len(cells))
    number_order = ">" if management.cells_big_endian else order
    for programme in management.programmes:
        data += bytes([0, 0x80 if programme.protected else 0]) + struct.pack(number_order + "H", len(programme.cells))
        data += programme.name.ljust(64, b"\0") + programme.name2.ljust(64, b"\0") + bytes(10)
    head, offsets, body = len(data) + 4 * len(cells), [], b""
    for cell in cells:
        offsets.append(head + len(body))
        body += _cell(cell, management, order)
    return data + b"".join(struct.pack(order + "I", offset) for offset in offsets) + body


def _list_table(management: Management) -> bytes:
    records = []
    for programme in management.play_lists:
        cells = [_cell(cell, management, ">") for cell in programme.cells]
        at, offsets, body = 4 + 4 * len(cells), [], b""
        for cell in cells:
            offsets.append(at + len(body))
            body += cell
        records.append(struct.pack(">HH", 0, len(cells)) + b"".join(struct.pack(">I", one) for one in offsets) + body)
    at = management.list_head + 4 * len(records)
    offsets, body = [], b""
    for record in records:
        offsets.append(at + len(body))
        body += record
    data = bytes(management.list_head - 6) + b"".join(struct.pack(">I", one) for one in offsets) + body
    return struct.pack(">BBI", 0, len(records), 6 + len(data) - 1) + data


def _standard(management: Management) -> bytes:
    pointers = b""
    for number, programme in enumerate(management.play_lists, 1):
        pointers += (
            bytes([0, 0, number]) + bytes(5) + programme.name.ljust(64, b"\0") + programme.name2.ljust(64, b"\0")
        )
        pointers += bytes(10)
    lists = struct.pack(">HBBI", 0, 0, len(management.play_lists), 8 + len(pointers) - 1) + pointers
    tables = [_movie(management, ">", False), _programmes(management, ">")]
    if management.play_lists:
        tables.append(_list_table(management))
    places, body = [], lists
    for table in tables:
        body += bytes(-len(body) % 4)
        places.append(512 + len(body))
        body += table
    head = bytearray(512)
    head[0:12] = b"DVD_RTR_VMG0"
    head[12:16] = struct.pack(">I", 512 + len(body) - 1)
    head[28:32] = struct.pack(">I", 512 + len(lists) - 1)
    head[33], head[67] = 0x11, management.charset
    head[98:162] = management.label.ljust(64, b"\0")
    head[256:260], head[304:308] = struct.pack(">I", places[0]), struct.pack(">I", places[1])
    if management.play_lists:
        head[308:312] = struct.pack(">I", places[2])
    head[267] = int(management.encrypted)
    return bytes(head) + body


def _panasonic(management: Management) -> bytes:
    programmes, movie = _programmes(management, "<"), _movie(management, "<", True)
    programmes += bytes(-len(programmes) % 4)
    first = 64
    second = first + len(programmes)
    body = programmes + movie
    head = struct.pack("<IIIIII", first + len(body) - 1, 1, first, second, second, second)
    return head.ljust(first, b"\0") + body


def units_of(stream: bytes, fields: int = 25) -> list[Unit]:
    """VOBUs of a stream: packs with a system header begin one; each plays ``fields``."""
    starts = [at for at in range(0, len(stream), SECTOR) if stream[at + 14 : at + 18] == b"\0\0\1\xbb"]
    assert starts and starts[0] == 0
    ends = [*starts[1:], len(stream)]
    return [Unit((end - start) // SECTOR, fields) for start, end in zip(starts, ends, strict=True)]


@dataclass
class Built:
    """A VRO with its management: ``contents`` of each programme by its number (``"1"``, ...)."""

    vro: bytes
    management: Management
    contents: dict[str, bytes]


def build(recordings: Sequence[tuple[bytes, bytes, datetime | None]], *, gap_packs: int = 0, **facts: object) -> Built:
    """One programme with one VOB for each (name, stream, date); ``gap_packs`` of old data between the VOBs."""
    vro, vobs, programmes, contents = b"", [], [], {}
    for number, (name, stream, date) in enumerate(recordings, 1):
        vobs.append(Vob(len(vro) // SECTOR, units_of(stream), date))
        programmes.append(Programme([Cell(number)], name))
        contents[str(number)] = stream
        vro += stream + b"\xee" * SECTOR * gap_packs
    return Built(vro, Management(vobs, programmes, **facts), contents)  # type: ignore[arg-type]
