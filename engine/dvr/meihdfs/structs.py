"""Sizes and places of MEIHDFS. All integers are little-endian. ``FS`` is the byte where the superblock stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

SECTOR = 512
PAGE = 0x1000
BLOCK = 0xC0000
GROUP = BLOCK << 16
"""The superblock and the tables are repeated in every group."""
ALIGNMENT = 0x10000
TABLES_AT = 0xC6000
TABLE_PAGES = 32
TABLE_ENTRIES = 340
TABLE_HEAD = 16
ENTRY = 12
RUNS_AT = 0x100
RUNS = 320
FIRST_NAMES_AT, MORE_NAMES_AT = 0x420, 0x320
FIRST_NAMES, MORE_NAMES = 95, 100
NAME_ENTRY, NAME_SIZE = 32, 24
ROOT = 0
INODE_BLOCKS = 15
"""Inodes lie in the first blocks behind the management blocks of a group."""
SIGNATURE = re.compile(rb"(?:MEIHDFS-V2\.|HDFS2\.)([0-9])")
KNOWN_STARTS = (0x16000000, 0xA4000000, 0)


@dataclass(frozen=True, slots=True)
class Version:
    """What the digit of the signature decides."""

    name: str
    digit: int

    @property
    def tables(self) -> int:
        """How many inode tables there can be."""
        return 6 if self.digit < 3 else 9

    def time(self, seconds: int | None) -> datetime | None:
        """Local time of the recorder; None when not set or beyond all sense."""
        if not seconds:
            return None
        begin = datetime(1980, 1, 1) if self.digit < 3 else datetime(1970, 1, 1)  # noqa: DTZ001
        return begin + timedelta(seconds=seconds)


def version_of(data: bytes | None) -> Version | None:
    """From the first bytes of a superblock, or None when it is none."""
    if data is None:
        return None
    match = SIGNATURE.match(data, 8)
    if not match:
        return None
    digit = match.group(1).decode("ascii")
    return Version(("V2." if data[8:9] == b"M" else "HDFS2.") + digit, int(digit))
