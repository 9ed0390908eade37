"""Panasonic's MEIHDFS, versions V2.0 to V2.3 and HDFS2.x."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.dvr_disks.image import Image, when
from tests.dvr_disks.mpeg import Long

PAGE = 0x1000
BLOCK = 0xC0000
GROUP = BLOCK << 16
DATE = when(2009, 3, 7, 21, 0, 5)
PLACES = (0, 0x1000, 0x2000, 0xF000, 0x10000, 0x11000, 0x12000, 0x13000, 0x14000)


@dataclass
class File:
    """A file. ``blocks``: where each of its runs begins (allocation blocks); the data is laid over them in order, each
    run but the last ``run_bytes`` long. ``offset``: sectors into the block."""

    path: str
    data: bytes | Long
    inode: int | None = None
    blocks: Sequence[int] = ()
    run_bytes: int = BLOCK
    factor: int = 1
    offset: int = 0
    offset_unit: int = 512
    date: datetime = DATE
    incomplete: bool = False
    """Size without runs in the current inode; a copy with runs is known to group 1."""
    in_directory: bool = True
    page: int | None = None


@dataclass
class Disk:
    """Where things are (positions in the image)."""

    image: Image
    start: int
    tables: dict[int, int] = field(default_factory=dict)
    inodes: dict[str, int] = field(default_factory=dict)
    pages: dict[int, int] = field(default_factory=dict)
    directory_pages: list[int] = field(default_factory=list)
    extents: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def superblock(version: str, blocks: int, groups: int) -> bytes:
    """512 bytes. ``version`` such as ``V2.1`` or ``HDFS2.0``."""
    name = b"MEIHDFS-" + version.encode() if version.startswith("V") else version.encode()
    data = bytearray(512)
    data[0:4] = struct.pack("<I", 0xFE95)
    data[8 : 8 + len(name)] = name
    data[0x18:0x1B] = b"HDD"
    data[0x28:0x34] = struct.pack("<III", 0xEF99, blocks, 4)
    listed = [group << 16 | number for group in range(groups) for number in (1, 2, 3, 4)]
    data[0x34 : 0x34 + 4 * len(listed)] = b"".join(struct.pack("<I", one) for one in listed)
    return bytes(data)


def inode_page(
    number: int, size: int, *, directory: bool, version: str, runs: Sequence[tuple[int, int, int]] = (),
    factor: int = 1, pages: int = 1, date: datetime = DATE, generation: int = 50,
) -> bytes:  # fmt: skip
    """One page."""
    digit = int(version[-1])
    begin = when(1980, 1, 1) if digit < 3 else when(1970, 1, 1)
    seconds = int((date - begin) / timedelta(seconds=1))
    mode = (0x41C2 if digit == 0 else 0x41C0) if directory else (0x81C0 if digit == 0 else 0x8180)
    if directory and number == 0:
        mode = 0x41FF
    data = bytearray(PAGE)
    data[0:0x18] = struct.pack("<IIIIQ", generation, number, factor, pages, size)
    data[0x1C:0x20] = struct.pack("<HH", 1, mode)
    data[0x28:0x34] = struct.pack("<III", seconds, seconds, seconds)
    for place, run in enumerate(runs[:320]):
        data[0x100 + 12 * place : 0x10C + 12 * place] = struct.pack("<III", *run)
    return bytes(data)


def name_entry(inode: int, name: str, folder: bool) -> bytes:
    return struct.pack("<IHH", inode, 2 if folder else 1, len(name)) + name.encode("ascii").ljust(24, b"\0")


def table_page(entries: dict[int, int], generation: int = 60) -> bytes:
    data = bytearray(PAGE)
    data[0:8] = struct.pack("<II", generation, 0x173C)
    for entry, page in entries.items():
        data[16 + 12 * entry : 28 + 12 * entry] = struct.pack("<QHH", page, 1, 1)
    return bytes(data)


def disk(
    version: str,
    files: Sequence[File],
    *,
    start: int = 0x160000,
    size: int | None = None,
    groups: int = 1,
    names_at: int = 0x420,
    deleted: Sequence[str] = (),
    first_table: int = 0,
    backup_tables: bool = True,
    padding_names: int = 0,
    table_order: Sequence[int] | None = None,
    folder: str = "DVD_RTAV",
) -> Disk:
    """Files in one folder below the root. ``padding_names``: so many deleted entries before the files, which fill
    directory pages. ``table_order``: which table stands at which of the usual places."""
    highest = max([block for file in files for block in file.blocks], default=8)
    needed = max((len(file.data) for file in files), default=0) * max([1, *(file.factor for file in files)])
    total = size or start + (highest + needed // BLOCK + 4) * BLOCK
    if groups > 1:
        total = max(total, start + (groups - 1) * GROUP + 20 * BLOCK)
    image = Image(total)
    made = Disk(image, start)
    blocks = (total - start) // BLOCK
    for group in range(groups):
        image.put(start + group * GROUP, superblock(version, blocks, groups))
    # Inode pages live in block 5; in block 6 the copies that only group 1 knows.
    next_page, copy_page = 5 * BLOCK // PAGE, 6 * BLOCK // PAGE
    pages: dict[int, int] = {}
    backup: dict[int, int] = {}

    def put_page(page: int, data: bytes) -> None:
        image.put(start + page * PAGE, data)

    listed: list[bytes] = [name_entry(0, f"OLD{number:05d}.VRO", False) for number in range(padding_names)]
    listed += [name_entry(0xFFFFFFFF, name, False) for name in deleted]
    number = 2
    for file in files:
        inode = file.inode if file.inode is not None else number
        number = max(number, inode) + 1
        runs = _lay(image, made, start, file)
        page = file.page if file.page is not None else next_page
        next_page += 1 + (len(runs) > 320)
        date_facts = {"version": version, "date": file.date, "factor": file.factor, "directory": False}
        if file.incomplete:
            put_page(page, inode_page(inode, len(file.data), **date_facts))  # type: ignore[arg-type]
            put_page(copy_page, inode_page(inode, len(file.data), runs=runs, generation=40, **date_facts))  # type: ignore[arg-type]
            backup[inode] = copy_page
            copy_page += 1
        else:
            more = len(runs) > 320
            put_page(page, inode_page(inode, len(file.data), runs=runs, pages=2 if more else 1, **date_facts))  # type: ignore[arg-type]
            if more:
                put_page(page + 1, bytes(0x100) + b"".join(struct.pack("<III", *run) for run in runs[320:]))
        pages[inode] = page
        made.inodes[file.path] = inode
        if file.in_directory:
            listed.append(name_entry(inode, file.path.rpartition("/")[2], False))
    _directory(made, put_page, pages, 1, listed, version, next_page, names_at)
    next_page += len(made.directory_pages)
    root = [name_entry(1, folder, True)]
    _directory(made, put_page, pages, 0, root, version, next_page, 0x420)
    made.pages = {inode: start + page * PAGE for inode, page in pages.items()}
    tables: dict[int, dict[int, int]] = {}
    for inode, page in pages.items():
        tables.setdefault(inode // 340, {})[inode % 340] = page
    order = list(table_order) if table_order is not None else sorted(tables)
    for group in range(groups if backup_tables else 1):
        for place, which in enumerate(order):
            entries = {entry: backup.get(340 * which + entry, page) for entry, page in tables[which].items()} \
                if group else tables[which]  # fmt: skip
            at = start + group * GROUP + 0xC6000 + first_table + PLACES[place]
            image.put(at, table_page(entries))
            if not group:
                made.tables[which] = at
    return made


def _lay(image: Image, made: Disk, start: int, file: File) -> list[tuple[int, int, int]]:
    """Put the data down and give the runs; lengths in units of 512 x factor."""
    runs, laid, position = [], [], 0
    places = list(file.blocks) or [8]
    for number, block in enumerate(places):
        last = number == len(places) - 1
        piece = file.data[position:] if last else file.data[position : position + file.run_bytes]
        at = start + block * BLOCK + file.offset * file.offset_unit
        if piece:
            image.put(at, piece)
        unit = 512 * max(1, file.factor)
        runs.append((block, file.offset, -(-len(piece) // unit)))
        laid.append((at, len(piece)))
        position += len(piece)
    made.extents[file.path] = laid
    return runs


def _directory(
    made: Disk, put, pages, number: int, entries: list[bytes], version: str, page: int, names_at: int
) -> None:  # type: ignore[no-untyped-def]
    first = (PAGE - names_at) // 32
    chunks = [entries[:first]] + [entries[at : at + 100] for at in range(first, len(entries), 100)]
    head = bytearray(inode_page(number, len(entries), directory=True, version=version, pages=len(chunks)))
    body = b"".join(chunks[0])
    head[names_at : names_at + len(body)] = body
    put(page, bytes(head))
    # What stands behind the hundredth entry of a further page can be garbage.
    for place, chunk in enumerate(chunks[1:], 1):
        put(page + place, bytes(0x320) + b"".join(chunk).ljust(3200, b"\0") + b"\x55" * 96)
    pages[number] = page
    if number == 1:
        made.directory_pages = [made.start + (page + place) * PAGE for place in range(len(chunks))]
