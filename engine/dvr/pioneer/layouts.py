"""The four layouts of Pioneer's and Sony's disks: where each field stands. All integers are big-endian.

Facts: a working public reader, and arithmetic: room for 1024 programmes and 16384 files explains every known offset.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 2048
ADDRESS = 8
DEFAULT_DIRECTORY = 0x4008
KNOWN_DIRECTORIES = (0x4008, 0x14800)
CAPACITY = 1024
"""Programmes."""
MAX_FILES = 16384
NAME_SIZE = 64
LIST_ENTRIES = BLOCK // ADDRESS
MAX_RUN = 0x7FFF
MARK_633H = b"\x00\x24\xcc\x0c"


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout. Names of places: in the directory area (``*_at``), in an FNT entry (``title_*``), in a FAT entry
    (``file_*``); sizes in bytes."""

    key: str
    models: str
    pointer: int
    fnt_entry: int
    fot_entry: int
    fat_entry: int
    visible_at: int
    fat_at: int
    fat_slots: int
    fot_at: int
    fot_slots: int
    title_first: tuple[int, int]
    """Offset and width of the first FOT index."""
    title_first_other: tuple[int, int] | None
    """Where the field stands that changed places with it in a sister layout."""
    title_count: tuple[int, int]
    title_source: int
    title_date: int | None
    file_date: int | None
    file_blocks: int
    file_size: int
    file_index: int
    title_locked: int | None = None
    title_genre: int | None = None
    title_name: int = 24

    @property
    def fnt_per_block(self) -> int:
        """Programmes in one block."""
        return BLOCK // self.fnt_entry

    @property
    def fot_per_block(self) -> int:
        """Chain links in one block."""
        return BLOCK // self.fot_entry

    @property
    def fat_per_block(self) -> int:
        """Files in one block."""
        return BLOCK // self.fat_entry

    @property
    def fnt_slots(self) -> int:
        """Entries of the FNT directory."""
        return CAPACITY // self.fnt_per_block


def _old(key: str, models: str, pointer: int, blocks: int, size: int, index: int) -> Layout:
    return Layout(
        key, models, pointer, 128, 16, 96, 0x200, 0xA80, 781, 0x2AE8, 512, title_first=(18, 2), title_first_other=None,
        title_count=(20, 2), title_source=22, title_date=0, file_date=None, file_blocks=blocks, file_size=size,
        file_index=index, title_locked=90, title_genre=91,
    )  # fmt: skip


LAYOUTS = (
    Layout(
        "545h", "Pioneer DVR-545H, 640H", 0x830, 128, 32, 128, 0x200, 0xA80, 1024, 0x3280, 1024, title_first=(92, 4),
        title_first_other=(10, 2), title_count=(96, 4), title_source=14, title_date=None, file_date=0, file_blocks=20,
        file_size=32, file_index=60,
    ),
    Layout(
        "550h", "Pioneer DVR-550H, LX60; Sony RDR-HXD series", 0x830, 256, 32, 128, 0x400, 0xC80, 1024, 0x3480, 1024,
        title_first=(10, 2), title_first_other=(94, 2), title_count=(96, 4), title_source=14, title_date=None,
        file_date=0, file_blocks=20, file_size=32, file_index=60,
    ),
    _old("633h", "Pioneer DVR-433H, 530H, 633H", 0x838, 12, 48, 80),
    _old("520h", "Pioneer DVR-520H", 0x834, 8, 60, 76),
)  # fmt: skip

BY_KEY = {layout.key: layout for layout in LAYOUTS}

GENRES = {0: "", 1: "movies", 3: "sports", 5: "others", 6: "children"}
GENRES |= {6 + number: f"free {number}" for number in range(1, 6)}
INPUTS = {0x80: "line 1", 0x81: "line 2", 0x82: "line 3", 0x83: "DV"}
