"""The demonstration disk: an MBR with a FAT32 partition and, in an extended one, a logical FAT16 volume."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from engine.atomic import new_file, write_all
from engine.demo.contents import letters, photographs
from engine.demo.fat import SECTOR, FatVolume
from engine.progress import SILENT, Reporter, check

DISK_SECTORS = 96 << 11
"""96 MiB: at the demonstration's reading speed a rescue takes well under a minute."""
PHOTOS_START, PHOTOS_SECTORS = 2048, 64 << 11
EXTENDED_START = PHOTOS_START + PHOTOS_SECTORS
EXTENDED_SECTORS = DISK_SECTORS - EXTENDED_START
LETTERS_START = EXTENDED_START + 2048
LETTERS_SECTORS = 24 << 11
PHOTOS = 220


def _chs(lba: int) -> bytes:
    cylinder, rest = divmod(lba, 255 * 63)
    head, sector = divmod(rest, 63)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    return bytes((head, sector + 1 | cylinder >> 2 & 0xC0, cylinder & 0xFF))


def _table(entries: list[tuple[int, int, int]], *, base: int = 0, disk_id: int = 0) -> bytes:
    """A partition sector; ``entries`` are (type, start, sectors) with the start relative to ``base``."""
    packed = b"".join(
        struct.pack("<B3sB3sII", 0, _chs(base + start), kind, _chs(base + start + count - 1), start, count)
        for kind, start, count in entries
    )
    return struct.pack("<440sIH64s2s", b"", disk_id, 0, packed, b"\x55\xaa")


def write_disk(path: Path, reporter: Reporter = SILENT) -> None:
    """Write the disk image, sparse where it is empty. Raises ``OutsideError`` (exists, no space); may be cancelled."""
    photos = FatVolume(
        bits=32, sectors=PHOTOS_SECTORS, cluster_sectors=1, hidden=PHOTOS_START, label="PHOTOS", serial=0x52440001
    )
    texts = FatVolume(
        bits=16, sectors=LETTERS_SECTORS, cluster_sectors=4, hidden=LETTERS_START, label="LETTERS", serial=0x52440002
    )
    reporter.update(0, 3, "parts", "making pictures and letters")
    pieces = [(PHOTOS_START + at, data) for at, data in photos.write(photographs(PHOTOS))]
    check(reporter)
    reporter.update(1, 3, "parts", "making pictures and letters")
    pieces += [(LETTERS_START + at, data) for at, data in texts.write(letters())]
    pieces.append(
        (
            0,
            _table(
                [(0x0C, PHOTOS_START, PHOTOS_SECTORS), (0x0F, EXTENDED_START, EXTENDED_SECTORS)], disk_id=0x52444D4F
            ),
        )
    )
    # An EBR gives its logical volume's start relative to itself.
    ebr = _table([(0x06, LETTERS_START - EXTENDED_START, LETTERS_SECTORS)], base=EXTENDED_START)
    pieces.append((EXTENDED_START, ebr))
    reporter.update(2, 3, "parts", "writing the disk")
    fd = new_file(path)
    try:
        for sector, data in sorted(pieces, key=lambda piece: piece[0]):
            os.lseek(fd, sector * SECTOR, os.SEEK_SET)
            write_all(fd, data)
        os.lseek(fd, DISK_SECTORS * SECTOR - 1, os.SEEK_SET)
        write_all(fd, b"\0")
        os.fsync(fd)
    finally:
        os.close(fd)
    reporter.update(3, 3, "parts", "the disk is written")
