"""What a compound document consists of, as data."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.errors import Problem
from engine.ole2 import structs
from engine.ole2.structs import END, FREE, HEADER_SLOTS, NO_ENTRY, SIGNATURE

if TYPE_CHECKING:
    from engine.ole2.pages import Pages
    from engine.ole2.table import Chain, Table
    from engine.source import Source

_HEADER = struct.Struct("<8s16s5H6s9I109I")
_ENTRY = struct.Struct("<64sHBBIII16sIQQIQ")


@dataclass(frozen=True, slots=True)
class Header:
    """The first 512 bytes. Defaults are what nearly every file has; sector numbers and counts are the file's own."""

    signature: bytes = SIGNATURE
    class_id: bytes = bytes(16)
    minor_version: int = 0x3E
    major_version: int = 3
    byte_order: int = 0xFFFE
    sector_shift: int = 9
    mini_sector_shift: int = 6
    reserved: bytes = bytes(6)
    directory_sectors: int = 0
    fat_sectors: int = 0
    directory_start: int = END
    transaction: int = 0
    mini_cutoff: int = structs.CUTOFF
    mini_fat_start: int = END
    mini_fat_sectors: int = 0
    difat_start: int = END
    difat_sectors: int = 0
    difat: tuple[int, ...] = (FREE,) * HEADER_SLOTS

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """From at least 512 bytes, whatever they hold."""
        values = _HEADER.unpack_from(data)
        named = dict(zip(cls.__dataclass_fields__, values[:17], strict=False))
        return cls(**named, difat=tuple(values[17:]))

    def pack(self) -> bytes:
        """The 512 bytes."""
        names = self.__dataclass_fields__
        values = [getattr(self, name) for name in names if name != "difat"]
        return _HEADER.pack(*values, *self.difat)

    @property
    def sector_size(self) -> int | None:
        """Bytes of a sector when the shift is one that exists."""
        return 1 << self.sector_shift if self.sector_shift in (9, 12) else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A directory entry. ``number`` is its DirID; ``created`` and ``modified`` are FILETIMEs; ``lost`` says that its
    128 bytes were never read or are gone."""

    number: int
    name: str = ""
    kind: int = structs.UNUSED
    colour: int = 0
    left: int = NO_ENTRY
    right: int = NO_ENTRY
    child: int = NO_ENTRY
    class_id: bytes = bytes(16)
    state: int = 0
    created: int = 0
    modified: int = 0
    start: int = 0
    size: int = 0
    name_length: int = 0
    lost: bool = False

    @classmethod
    def parse(cls, number: int, data: bytes, *, wide: bool) -> Entry:
        """From 128 bytes; ``wide``: the upper half of the size counts (4096-byte sectors)."""
        name, length, kind, colour, left, right, child, class_id, state, created, modified, start, size = _ENTRY.unpack(
            data
        )
        used = name[: max(0, min(length, 64) - 2)]
        if length == 2 and kind == structs.ROOT and name[:2] != b"\0\0":
            used = name[:2]  # Mac Office: "R" with the length of an empty name
        text = used[: len(used) & ~1].decode("utf-16-le", "surrogatepass").split("\0")[0]
        return cls(
            number, text, kind, colour, left, right, child, class_id, state, created, modified, start,
            size if wide else size & 0xFFFFFFFF, length,
        )  # fmt: skip

    def pack(self) -> bytes:
        """The 128 bytes of a used entry, or those of an unused one."""
        if self.kind == structs.UNUSED:
            return bytes(68) + b"\xff" * 12 + bytes(48)
        name = self.name.encode("utf-16-le", "surrogatepass")[:62]
        length = self.name_length if self.name_length == 2 else len(name) + 2
        return _ENTRY.pack(
            name, length, self.kind, self.colour, self.left, self.right, self.child, self.class_id, self.state,
            self.created, self.modified, self.start, self.size,
        )  # fmt: skip

    @property
    def used(self) -> bool:
        """Whether it names something."""
        return self.kind in (structs.STORAGE, structs.STREAM, structs.ROOT)

    @property
    def small(self) -> bool:
        """Whether its content lies in the mini stream."""
        return self.kind == structs.STREAM and 0 < self.size < structs.CUTOFF


def well_formed(data: bytes) -> bool:
    """Whether 128 bytes are a used directory entry by the book (the two known oddities of root names accepted)."""
    if len(data) < structs.ENTRY_SIZE:
        return False
    name, length, kind, colour, left, right, child, _, _, _, _, start, _ = _ENTRY.unpack(data[: structs.ENTRY_SIZE])
    if kind not in (1, 2, 5) or colour > 1 or length % 2 or not 2 <= length <= 64:
        return False
    if length > 2 and (name[length - 2 : length] != b"\0\0" or any(
        name[at : at + 2] == b"\0\0" for at in range(0, length - 2, 2)
    )):  # fmt: skip
        return False
    if length == 2 and kind != structs.ROOT:
        return False
    links = all(link < structs.MAX_ENTRIES or link == NO_ENTRY for link in (left, right, child))
    return links and (start <= structs.MAX_REGULAR or start >= END)


def unused(data: bytes) -> bool:
    """Whether 128 bytes are an unused entry, as any writer leaves them."""
    _, length, kind, colour, left, right, child, *_ = _ENTRY.unpack(data[: structs.ENTRY_SIZE])
    return kind == 0 and length <= 2 and colour <= 1 and all(link in (0, NO_ENTRY) for link in (left, right, child))


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of the document and what there is of it.

    ``path`` is its name with those of its storages before it; ``extents`` are (start, size) of the source in order,
    start None where the place is not known; ``missing`` counts bytes that are in no extent, behind the end of the
    source or in a hole. ``state``: ``whole``, ``holed`` (bytes were never read), ``cut`` (its chain or the file ends
    early), ``lost`` (nothing of it), ``crossed`` (another stream lies in the same sectors).
    ``guessed`` tells what of it is not certain.
    """

    entry: Entry
    path: tuple[str, ...]
    chain: Chain
    mini: bool
    size: int
    extents: tuple[tuple[int | None, int], ...]
    missing: int
    state: str
    guessed: str = ""

    @property
    def whole(self) -> bool:
        """Whether every byte is there, in sectors of its own."""
        return self.state == "whole"

    @property
    def name(self) -> str:
        """The path as one text."""
        return "/".join(self.path)


@dataclass(frozen=True, slots=True)
class Document:
    """A compound document as it could be read. Nothing of it is checked to be right: see ``problems``.

    ``fat_list`` are the FAT's sectors in order, ``difat_list`` those of the DIFAT; ``directory`` and ``mini_fat`` are
    chains in the FAT; ``mini_stream`` that of the root entry.
    """

    pages: Pages
    header: Header
    fat: Table
    fat_list: tuple[int, ...]
    difat_list: tuple[int, ...]
    directory: Chain
    entries: tuple[Entry, ...]
    mini_fat: Chain
    mini: Table
    mini_stream: Chain
    streams: tuple[Stream, ...]
    problems: tuple[Problem, ...] = ()
    owners: dict[str, object] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        """Where its bytes are."""
        return self.pages.source

    @property
    def root(self) -> Entry | None:
        """The first entry, when it is a root."""
        return self.entries[0] if self.entries and self.entries[0].kind == structs.ROOT else None

    @property
    def wide(self) -> bool:
        """Whether sizes have 64 bits."""
        return self.pages.sector_size == 4096

    def with_streams(self, streams: tuple[Stream, ...]) -> Document:
        """The same with other streams."""
        return replace(self, streams=streams)
