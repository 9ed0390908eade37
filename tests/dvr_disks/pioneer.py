"""Pioneer and Sony disks in all four layouts."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.dvr_disks.image import Image, Spread, when
from tests.dvr_disks.mpeg import Long

BLOCK = 2048
MODELS = ("520h", "633h", "545h", "550h")

# key: pointer, FNT entry, FOT entry, FAT entry, visible, FAT directory, FOT directory, FNT directory entries
_SHAPES = {
    "520h": (0x834, 128, 16, 96, 0x200, 0xA80, 0x2AE8, 64),
    "633h": (0x838, 128, 16, 96, 0x200, 0xA80, 0x2AE8, 64),
    "545h": (0x830, 128, 32, 128, 0x200, 0xA80, 0x3280, 64),
    "550h": (0x830, 256, 32, 128, 0x400, 0xC80, 0x3480, 128),
}
# key: block directory, size, own index in a FAT entry
_FILE = {"520h": (8, 60, 76), "633h": (12, 48, 80), "545h": (20, 32, 60), "550h": (20, 32, 60)}


@dataclass
class File:
    """A file of a title: its bytes (whole blocks), and into how many runs they are laid."""

    data: bytes | Long
    runs: int = 1
    date: datetime | None = None
    index: int | None = None
    gap_lists: int = 0
    """Zero entries between two block lists."""
    lists: int = 1
    size_blocks: int | None = None


@dataclass
class Title:
    """A title. ``slot`` counts from 1; None: the next free one."""

    name: bytes
    files: Sequence[File]
    date: datetime | None = when(2008, 5, 17, 20, 15)
    source: int = 3
    locked: bool = False
    genre: int = 0
    slot: int | None = None
    visible: bool = True
    key: str = ""
    swap_links: bool = False
    """545h/550h: the first link stands in the sister layout's field."""


@dataclass
class Disk:
    """Where the writer put things (blocks), for tests that damage them."""

    image: Image
    directory: int
    fnt: dict[int, int] = field(default_factory=dict)
    fot: dict[int, int] = field(default_factory=dict)
    fat: dict[int, int] = field(default_factory=dict)
    block_directories: dict[int, int] = field(default_factory=dict)
    lists: dict[int, list[int]] = field(default_factory=dict)


def stamp(date: datetime | None) -> bytes:
    """Eight bytes of a date."""
    if date is None:
        return bytes(8)
    return struct.pack(">HBBBBBB", date.year, date.month, date.day, date.hour, date.minute, date.second, 0)


def disk(
    key: str,
    titles: Sequence[Title],
    *,
    size: int = 64 << 20,
    directory: int = 0x4008,
    pointer: int | None = None,
    tables_at: int | None = None,
    data_at: int | None = None,
    index_step: int = 1,
    first_index: int = 1,
    run_gap: int = 3,
    visible: Sequence[int] | None = None,
) -> Disk:
    """A disk of layout ``key``. ``pointer``: what block 1 says (default the directory; 0: nothing). ``index_step``
    spreads FOT and FAT indices over several table blocks. ``visible`` overrides the list of visible slots."""
    image = Image(size)
    made = Disk(image, directory)
    shape = _SHAPES[key]
    table_space = Spread(tables_at or directory + 16, (data_at or size // BLOCK), gap=1)
    data_space = Spread(data_at or directory + 4096, size // BLOCK, gap=run_gap)
    tables: dict[tuple[str, int], bytearray] = {}
    image.put(shape[0], struct.pack(">II", directory if pointer is None else pointer, 7))

    def entry(table: str, index: int, entry_size: int) -> memoryview:
        per_block = BLOCK // entry_size
        number = (index - 1) // per_block
        block = tables.setdefault((table, number), bytearray(BLOCK))
        at = (index - 1) % per_block * entry_size
        return memoryview(block)[at : at + entry_size]

    fot_index, fat_index, slot = first_index, first_index, 0
    slots = []
    for number, title in enumerate(titles):
        slot = title.slot or slot + 1
        name = title.key or str(slot)
        image.laid[name], image.content[name] = [], b""
        if title.visible:
            slots.append(slot)
        first_fot = fot_index
        for position, file in enumerate(title.files):
            this_fat = file.index or fat_index
            last = position == len(title.files) - 1
            link = entry("fot", fot_index, shape[2])
            link[0:8] = b"\x11" * 8
            link[8:12] = struct.pack(">HH", this_fat, 0 if last else fot_index + index_step)
            _write_file(key, image, made, entry("fat", this_fat, shape[3]), this_fat, file, title, data_space, name)
            fot_index, fat_index = fot_index + index_step, max(fat_index, this_fat) + index_step
        _write_title(key, entry("fnt", slot, shape[1]), title, number, first_fot)
    area = {"fnt": (0, made.fnt), "fat": (shape[5], made.fat), "fot": (shape[6], made.fot)}
    for (table, number), data in sorted(tables.items()):
        block = table_space.take(1)
        image.put(block * BLOCK, data)
        image.put(directory * BLOCK + area[table][0] + number * 8, struct.pack(">II", block, 0x55))
        area[table][1][number] = block
    listed = list(visible) if visible is not None else slots
    image.put(directory * BLOCK + shape[4], b"".join(struct.pack(">H", one) for one in listed) + bytes(2))
    # The bitmap between the FAT directory and the FOT directory: set bits.
    image.put(directory * BLOCK + shape[6] - 0x800, b"\xff" * 0x800)
    # And the one behind the FOT directory, which has room for as many links as there can be files.
    image.put(directory * BLOCK + shape[6] + 16384 // (BLOCK // shape[2]) * 8, b"\xff" * 0x800)
    return made


def _write_title(key: str, entry: memoryview, title: Title, number: int, first_fot: int) -> None:
    entry[24 : 24 + 64] = title.name.ljust(64, b"\0")[:64]
    count = len(title.files)
    if key in ("520h", "633h"):
        entry[0:8] = stamp(title.date)
        entry[16:24] = struct.pack(">HHHH", number + 1, first_fot, count, title.source)
        entry[90], entry[91] = int(title.locked), title.genre
        if key == "633h":
            entry[92:96] = b"\x00\x24\xcc\x0c"
        return
    entry[8:16] = struct.pack(">HHHH", number + 1, 0, 0, title.source)
    entry[96:100] = struct.pack(">I", count)
    if (key == "550h") != title.swap_links:
        entry[10:12] = struct.pack(">H", first_fot)
    elif key == "545h":
        entry[92:96] = struct.pack(">I", first_fot)
    else:
        entry[94:96] = struct.pack(">H", first_fot)


def _write_file(
    key: str,
    image: Image,
    made: Disk,
    entry: memoryview,
    index: int,
    file: File,
    title: Title,
    space: Spread,
    name: str,
) -> None:
    assert len(file.data) % BLOCK == 0
    blocks = len(file.data) // BLOCK
    directory_at, size_at, index_at = _FILE[key]
    if key in ("545h", "550h"):
        entry[0:8] = stamp(file.date or title.date)
    runs = _runs(file, blocks, space)
    directory = space.take(1)
    per_list = -(-len(runs) // file.lists)
    made.block_directories[index], made.lists[index] = directory, []
    addresses = b""
    for start in range(0, len(runs), per_list):
        part = runs[start : start + per_list]
        block = space.take(1)
        rows = b"".join(struct.pack(">IHH", at, count | (0x8000 if count % 2 else 0), 9) for at, count in part)
        # An unused entry may stand between used ones.
        if len(part) < 200:
            rows = rows[:8] + bytes(8) + rows[8:]
        image.put(block * BLOCK, rows)
        made.lists[index].append(block)
        addresses += struct.pack(">II", block, 1) + bytes(8 * file.gap_lists)
    image.put(directory * BLOCK, addresses)
    position = 0
    for at, count in runs:
        image.put(at * BLOCK, file.data[position : position + count * BLOCK])
        image.laid[name].append((at * BLOCK, count * BLOCK))
        position += count * BLOCK
    if not isinstance(file.data, Long):
        image.content[name] += file.data
    entry[directory_at : directory_at + 8] = struct.pack(">II", directory, 3)
    entry[size_at : size_at + 4] = struct.pack(">I", blocks if file.size_blocks is None else file.size_blocks)
    entry[index_at : index_at + 4] = struct.pack(">HH", index, 1)


def _runs(file: File, blocks: int, space: Spread) -> list[tuple[int, int]]:
    """Runs in playing order, laid on the disk in another order."""
    count = min(file.runs, blocks)
    sizes = [blocks // count + (1 if number < blocks % count else 0) for number in range(count)]
    order = sorted(range(count), key=lambda number: number * 7 % 11)
    places = {number: space.take(sizes[number]) for number in order}
    return [(places[number], sizes[number]) for number in range(count)]
