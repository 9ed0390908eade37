"""Small volumes as parts of a disk, made by the tools of their families; a tool that is missing gives none."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

from tests.support import find_tool

MIB = 1 << 20
# family: size in MiB, command; the image's path is put at the end
_TOOLS: dict[str, tuple[int, tuple[str, ...]]] = {
    "fat12": (1, ("mkfs.fat", "-F", "12", "-i", "11223344")),
    "fat16": (8, ("mkfs.fat", "-F", "16", "-i", "11223344")),
    "fat32": (40, ("mkfs.fat", "-F", "32", "-s", "1", "-i", "11223344")),
    "exfat": (8, ("mkfs.exfat",)),
    "ntfs": (4, ("mkfs.ntfs", "-F", "-Q", "-q", "-c", "4096")),
    "ext2": (1, ("mkfs.ext2", "-q", "-F", "-N", "32")),
    "ext4": (4, ("mkfs.ext4", "-q", "-F", "-N", "32", "-O", "^has_journal")),
    "xfs": (16, ("mkfs.xfs", "-q", "-f")),
    "btrfs": (110, ("mkfs.btrfs", "-q", "-f")),
    "swap": (1, ("mkswap", "-q")),
    "f2fs": (40, ("mkfs.f2fs", "-q")),
    "jfs": (16, ("mkfs.jfs", "-q")),
    "reiserfs": (36, ("mkfs.reiserfs", "-q", "-ff")),
}
_PIECE = 4096
_MOST = 96 << 10


@functools.cache
def volume_parts(family: str) -> list[tuple[int, bytes]]:
    """(offset, bytes) of what the tool wrote, zeros left out, from the front up to 96 KiB."""
    if family not in _TOOLS:
        return []
    size, command = _TOOLS[family]
    program = find_tool(command[0])
    if program is None:
        return []
    with tempfile.TemporaryDirectory(prefix="fuzz-volume-") as folder:
        image = Path(folder, family)
        with open(image, "wb") as file:
            file.truncate(size * MIB)
        done = subprocess.run(
            [program, *command[1:], os.fspath(image)], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode:
            return []
        return written_parts(image)


def written_parts(image: Path, most: int = _MOST) -> list[tuple[int, bytes]]:
    """What is not zero in an image, in pieces of 4 KiB, up to ``most`` bytes of them."""
    parts: list[tuple[int, bytes]] = []
    with open(image, "rb") as file:
        at = 0
        while at < image.stat().st_size and len(parts) * _PIECE < most:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // _PIECE * _PIECE
            except OSError:
                break
            piece = os.pread(file.fileno(), _PIECE, at)
            if any(piece):
                parts.append((at, piece))
            at += _PIECE
    return parts
