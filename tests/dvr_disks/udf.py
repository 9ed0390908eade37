"""UDF trees: bare (file set descriptor alone) or with a volume around."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.dvr_disks.image import Image, when
from tests.dvr_disks.mpeg import Long

BLOCK = 2048


@dataclass
class File:
    """A file below DVD_RTAV. ``pieces``: blocks where its data is laid, each piece but the last ``piece_blocks`` long.
    ``form``: ``short``, ``long`` or ``inside``; ``per_list``: so many descriptors in the entry, the others in lists."""

    name: str
    data: bytes | Long
    pieces: Sequence[int] = ()
    piece_blocks: int = 32
    form: str = "short"
    extended: bool = False
    per_list: int = 200
    deleted: bool = False
    zero_blocks: int = 0
    """So many blocks that are allocated but not recorded, before the data."""
    date: datetime = when(2004, 8, 1, 18, 30)
    file_type: int = 5


@dataclass
class Disk:
    image: Image
    start: int
    entries: dict[str, int] = field(default_factory=dict)
    extents: dict[str, list[tuple[int | None, int]]] = field(default_factory=dict)
    file_set: int = 0
    directories: dict[str, int] = field(default_factory=dict)


def crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1 & 0xFFFF
    return value


def tagged(kind: int, location: int, body: bytes) -> bytes:
    """A descriptor with its tag."""
    tag = bytearray(struct.pack("<HHBBHHHI", kind, 2, 0, 0, 1, crc16(body), len(body), location))
    tag[4] = sum(tag) & 0xFF
    return bytes(tag) + body


def stamp(date: datetime) -> bytes:
    return struct.pack(
        "<HhBBBBBBBB", 1 << 12, date.year, date.month, date.day, date.hour, date.minute, date.second, 0, 0, 0
    )


def long_ad(size: int, block: int, kind: int = 0) -> bytes:
    return struct.pack("<IIH6x", kind << 30 | size, block, 0)


def name_field(name: str, wide: bool = False) -> bytes:
    return b"\x10" + name.encode("utf-16-be") if wide else b"\x08" + name.encode("iso8859-1")


def identifier(name: str, block: int, *, directory: bool = False, deleted: bool = False, parent: bool = False,
               location: int = 0, use: bytes = b"") -> bytes:  # fmt: skip
    flags = (2 if directory else 0) | (4 if deleted else 0) | (8 if parent else 0)
    text = b"" if parent else name_field(name, wide=any(ord(one) > 255 for one in name))
    body = struct.pack("<HBB", 1, flags, len(text)) + long_ad(BLOCK, block) + struct.pack("<H", len(use)) + use + text
    body += bytes(-(16 + len(body)) % 4)
    return tagged(257, location, body)


def entry(block: int, size: int, ads: bytes, *, form: int, file_type: int, date: datetime, extended: bool,
          attributes: bytes = b"") -> bytes:  # fmt: skip
    icb = struct.pack("<IHHHBB6xH", 0, 4, 0, 1, 0, file_type, form)
    body = icb + struct.pack("<IIIHHI", 0, 0, 0, 1, 0, 0) + struct.pack("<Q", size)
    if extended:
        body += (
            struct.pack("<QQ", size, 0) + stamp(when(1999, 1, 1)) + stamp(date) + stamp(when(1999, 1, 2)) + stamp(date)
        )
        body += struct.pack("<II", 1, 0) + bytes(32) + bytes(32) + struct.pack("<Q", 9)
    else:
        body += struct.pack("<Q", 0) + stamp(when(1999, 1, 1)) + stamp(date) + stamp(date)
        body += struct.pack("<I", 1) + bytes(16) + bytes(32) + struct.pack("<Q", 9)
    body += struct.pack("<II", len(attributes), len(ads))
    assert len(body) + 16 == (216 if extended else 176), len(body)
    return tagged(266 if extended else 261, block, body + attributes + ads)


def disk(
    files: Sequence[File], *, start: int = 0x20000, size: int = 32 << 20, volume: bool = False,
    wide_folder: bool = False, folder: str = "DVD_RTAV", label: str = "REC",
) -> Disk:  # fmt: skip
    """``start``: byte of logical block 0 (with ``volume`` a whole UDF volume stands around it)."""
    image = Image(size)
    made = Disk(image, start, file_set=start)

    def put(block: int, data: bytes) -> None:
        image.put(start + block * BLOCK, data)

    body = bytearray(512 - 16)
    body[0:12] = stamp(when(2004, 1, 1))
    name = name_field(label, wide=any(ord(one) > 255 for one in label))
    body[96 : 96 + len(name)], body[96 + 127] = name, len(name)
    body[384:400] = long_ad(BLOCK, 2)
    put(0, tagged(256, 0, bytes(body)))
    next_entry = 10
    records = identifier("", 2, directory=True, parent=True, location=5)
    for file in files:
        block = next_entry
        next_entry += 1
        next_entry = _put_file(made, put, block, next_entry, file)
        made.entries[file.name] = start + block * BLOCK
        records += identifier(file.name, block, deleted=file.deleted, location=5)
    _put_directory(put, 4, 5, records)
    root = identifier("", 2, directory=True, parent=True, location=3)
    root += identifier(folder, 4, directory=True, location=3, use=b"\1\2\3\4" if wide_folder else b"")
    _put_directory(put, 2, 3, root)
    made.directories = {"/": start + 3 * BLOCK, folder: start + 5 * BLOCK}
    if volume:
        _put_volume(image, start)
    return made


def _put_directory(put, block: int, content: int, records: bytes) -> None:  # type: ignore[no-untyped-def]
    ads = struct.pack("<II", len(records), content)
    put(block, entry(block, len(records), ads, form=0, file_type=4, date=when(2004, 1, 1), extended=False))
    put(content, records)


def _put_file(made: Disk, put, block: int, spare: int, file: File) -> int:  # type: ignore[no-untyped-def]
    facts = {"file_type": file.file_type, "date": file.date, "extended": file.extended}
    if file.form == "inside":
        attributes = b"\x77" * 24
        put(block, entry(block, len(file.data), file.data, form=3, attributes=attributes, **facts))  # type: ignore[arg-type]
        head = (216 if file.extended else 176) + len(attributes)
        made.extents[file.name] = [(made.start + block * BLOCK + head, len(file.data))]
        return spare
    runs: list[tuple[int, int, int]] = []
    laid: list[tuple[int | None, int]] = []
    if file.zero_blocks:
        runs.append((1, file.zero_blocks * BLOCK, 7))
        laid.append((None, file.zero_blocks * BLOCK))
    position = 0
    for number, place in enumerate(file.pieces):
        last = number == len(file.pieces) - 1
        piece = file.data[position:] if last else file.data[position : position + file.piece_blocks * BLOCK]
        put(place, piece)
        runs.append((0, len(piece), place))
        laid.append((made.start + place * BLOCK, len(piece)))
        position += len(piece)
    made.extents[file.name] = laid
    size = len(file.data) + file.zero_blocks * BLOCK
    step = 8 if file.form == "short" else 16

    def ad(kind: int, length: int, place: int) -> bytes:
        return struct.pack("<II", kind << 30 | length, place) if step == 8 else long_ad(length, place, kind)

    chunks = [runs[at : at + file.per_list] for at in range(0, len(runs), file.per_list)] or [[]]
    lists = list(range(spare, spare + len(chunks) - 1))
    for number, chunk in enumerate(chunks):
        ads = b"".join(ad(*run) for run in chunk)
        if number < len(lists):
            ads += ad(3, BLOCK, lists[number])
        if number == 0:
            form = 0 if file.form == "short" else 1
            put(block, entry(block, size, ads, form=form, **facts))  # type: ignore[arg-type]
        else:
            put(lists[number - 1], tagged(258, lists[number - 1], struct.pack("<II", 0, len(ads)) + ads))
    return spare + len(lists)


def _put_volume(image: Image, start: int) -> None:
    """Recognition sequence, anchor, main sequence: partition, logical volume, terminator."""
    for number, name in enumerate((b"BEA01", b"NSR03", b"TEA01")):
        image.put((16 + number) * BLOCK, b"\0" + name + b"\1")
    image.put(256 * BLOCK, tagged(2, 256, struct.pack("<IIII", 16 * BLOCK, 32, 16 * BLOCK, 48).ljust(496, b"\0")))
    for sector in (32, 48):
        partition = bytearray(496)
        partition[188 - 16 : 196 - 16] = struct.pack("<II", start // BLOCK, 10_000)
        image.put(sector * BLOCK, tagged(5, sector, bytes(partition)))
        volume = bytearray(424)
        volume[248 - 16 : 264 - 16] = long_ad(BLOCK, 0)
        image.put((sector + 1) * BLOCK, tagged(6, sector + 1, bytes(volume)))
        image.put((sector + 2) * BLOCK, tagged(8, sector + 2, bytes(496)))
