"""A FAT32 volume with as many files as wanted, written in a moment: two clusters each, never side by side."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

_PER_DIRECTORY = 1000
_CLUSTER = 4096
_RESERVED = 32


def write(path: Path, files: int) -> int:
    """Write it (sparse); returns where the first file begins. File n has clusters first + n and first + files + n."""
    directories = -(-files // _PER_DIRECTORY)
    per = -(-(_PER_DIRECTORY + 2) * 32 // _CLUSTER)
    root = -(-directories * 32 // _CLUSTER)
    first = 2 + root + directories * per
    clusters = max(70_000, first - 2 + 2 * files + 100)  # fewer would be FAT16
    fat_sectors = -(-(clusters + 2) * 4 // 512)
    total = _RESERVED + fat_sectors + clusters * (_CLUSTER // 512)
    fat = np.zeros(fat_sectors * 128, "<u4")
    fat[:2] = (0x0FFFFFF8, 0x0FFFFFFF)
    _chain(fat, 2, root)
    for number in range(directories):
        _chain(fat, 2 + root + number * per, per)
    fat[first : first + files] = np.arange(first + files, first + 2 * files)
    fat[first + files : first + 2 * files] = 0x0FFFFFFF
    boot = bytearray(512)
    boot[:11] = b"\xeb\x58\x90MSWIN4.1"
    struct.pack_into("<HBHBHHBHHHII", boot, 11, 512, _CLUSTER // 512, _RESERVED, 1, 0, 0, 0xF8, 0, 63, 255, 0, total)
    struct.pack_into("<IHHIHH", boot, 36, fat_sectors, 0, 0, 2, 1, 0)
    boot[64:67] = b"\x80\0\x29"
    boot[82:90] = b"FAT32   "
    boot[510:] = b"\x55\xaa"
    data = (_RESERVED + fat_sectors) * 512
    with open(path, "wb") as stream:
        stream.truncate(total * 512)
        stream.write(boot)
        stream.seek(_RESERVED * 512)
        stream.write(fat.tobytes())
        stream.seek(data)
        stream.write(b"".join(_entry(f"DIR{n:05}", "", 0x10, 2 + root + n * per, 0) for n in range(directories)))
        for number in range(directories):
            stream.seek(data + (root + number * per) * _CLUSTER)
            low, high = number * _PER_DIRECTORY, min(files, (number + 1) * _PER_DIRECTORY)
            dots = _entry(".", "", 0x10, 2 + root + number * per, 0) + _entry("..", "", 0x10, 0, 0)
            stream.write(dots + b"".join(_entry(f"F{n:07}", "JPG", 0x20, first + n, 6000) for n in range(low, high)))
    return data + (first - 2) * _CLUSTER


def _chain(fat: np.ndarray, first: int, count: int) -> None:
    fat[first : first + count - 1] = np.arange(first + 1, first + count)
    fat[first + count - 1] = 0x0FFFFFFF


def _entry(name: str, extension: str, attribute: int, cluster: int, size: int) -> bytes:
    return struct.pack(
        "<8s3sB10xHHI", name.ljust(8).encode(), extension.ljust(3).encode(), attribute, 0x5A21, cluster & 0xFFFF, size
    )[:20] + struct.pack("<HHHHI", cluster >> 16, 0x6000, 0x5A21, cluster & 0xFFFF, size)  # fmt: skip
