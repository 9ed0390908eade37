"""Declarations of the header and a directory entry, and the numbers that have a meaning of their own.

Source: the MS-CFB open specification; D. Rentz's compound document paper. All integers are little-endian.
"""

from __future__ import annotations

from construct import Array, Bytes, Int8ul, Int16ul, Int32ul, Int64ul, Struct

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
HEADER_SIZE = 512
ENTRY_SIZE = 128
MINI_SECTOR = 64
CUTOFF = 4096
"""Streams smaller than this lie in the mini stream."""
HEADER_SLOTS = 109
"""FAT sectors that the header itself lists."""

FREE = 0xFFFFFFFF
END = 0xFFFFFFFE
FAT_MARK = 0xFFFFFFFD
DIFAT_MARK = 0xFFFFFFFC
MAX_REGULAR = 0xFFFFFFFA
NO_ENTRY = 0xFFFFFFFF
"""A directory entry's link that leads nowhere."""
MAX_ENTRIES = 1 << 20

UNUSED, STORAGE, STREAM, ROOT = 0, 1, 2, 5
KINDS = {UNUSED: "unused", STORAGE: "storage", STREAM: "stream", 3: "lock bytes", 4: "property", ROOT: "root"}

RANGE_LOCK = 0x7FFFFF00
"""Bytes from here to the 2 GiB border belong to no stream in files with 4096-byte sectors."""

HEADER = Struct(
    "signature" / Bytes(8),
    "class_id" / Bytes(16),
    "minor_version" / Int16ul,
    "major_version" / Int16ul,
    "byte_order" / Int16ul,
    "sector_shift" / Int16ul,
    "mini_sector_shift" / Int16ul,
    "reserved" / Bytes(6),
    "directory_sectors" / Int32ul,
    "fat_sectors" / Int32ul,
    "directory_start" / Int32ul,
    "transaction" / Int32ul,
    "mini_cutoff" / Int32ul,
    "mini_fat_start" / Int32ul,
    "mini_fat_sectors" / Int32ul,
    "difat_start" / Int32ul,
    "difat_sectors" / Int32ul,
    "difat" / Array(HEADER_SLOTS, Int32ul),
)

ENTRY = Struct(
    "name" / Bytes(64),
    "name_length" / Int16ul,
    "type" / Int8ul,
    "colour" / Int8ul,
    "left" / Int32ul,
    "right" / Int32ul,
    "child" / Int32ul,
    "class_id" / Bytes(16),
    "state" / Int32ul,
    "created" / Int64ul,
    "modified" / Int64ul,
    "start" / Int32ul,
    "size" / Int64ul,
)
