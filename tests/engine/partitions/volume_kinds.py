"""One small volume of every kind: made by the real mkfs where Debian has one, written here field by field elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.partitions import written_volumes as written
from tests.engine.partitions.disks import MIB, blank, run

Make = Callable[[Path], object]


@dataclass(frozen=True)
class Sample:
    """``wipe``: ranges whose loss leaves only backups (none: the kind has no backup). ``full``: a heavy tool makes it.

    ``blkid`` is the type that blkid gives (empty: it knows none); ``sized`` whether the superblock tells the size.
    """

    name: str
    kind: str
    size: int
    make: Make
    tools: tuple[str, ...] = ()
    wipe: tuple[tuple[int, int], ...] = ()
    full: bool = False
    blkid: str = ""
    sized: bool = True
    quick_backup: bool = True
    """Whether the backup stands where a quick search looks, for volumes that begin and end with a MiB."""


def _mkfs(*argv: str) -> Make:
    return lambda path: run(*argv, path)


def _luks(kind: str) -> Make:
    return lambda path: run(
        "cryptsetup", "luksFormat", "-q", "--type", kind, "--pbkdf-force-iterations", "1000",
        *(("--pbkdf", "pbkdf2", "--label", "LULABEL") if kind == "luks2" else ()), path, stdin="secret",
    )  # fmt: skip


def _iso(path: Path) -> None:
    folder = path.with_suffix(".d")
    folder.mkdir()
    (folder / "file").write_text("x")
    path.unlink()
    run("genisoimage", "-quiet", "-J", "-V", "ISOLABEL", "-o", path, folder)


def _ext(kind: str, *more: str) -> Make:
    return _mkfs(f"mkfs.{kind}", "-q", "-F", "-L", kind.upper(), *more)


_NTFS = ("mkfs.ntfs", "-F", "-Q", "-q", "-L", "NTLABEL")
_SUPER = ((1024, 1024),)

SAMPLES: dict[str, Sample] = {sample.name: sample for sample in (
    Sample("fat12", "fat12", 2 * MIB, _mkfs("mkfs.vfat", "-F12", "-n", "F12LABEL"), ("mkfs.vfat",), blkid="vfat"),
    Sample("fat16", "fat16", 32 * MIB, _mkfs("mkfs.vfat", "-F16", "-n", "F16LABEL"), ("mkfs.vfat",), blkid="vfat"),
    Sample("fat32", "fat32", 64 * MIB, _mkfs("mkfs.vfat", "-F32", "-n", "F32LABEL"), ("mkfs.vfat",),
           ((0, 6 * 512),), blkid="vfat"),
    Sample("exfat", "exfat", 16 * MIB, _mkfs("mkfs.exfat", "-L", "exlabel"), ("mkfs.exfat",), ((0, 12 * 512),),
           blkid="exfat"),
    Sample("ntfs", "ntfs", 16 * MIB, _mkfs(*_NTFS), ("mkfs.ntfs",), ((0, 512),), blkid="ntfs"),
    Sample("ntfs-64k", "ntfs", 32 * MIB, _mkfs(*_NTFS, "-c", "65536"), ("mkfs.ntfs",), ((0, 512),), blkid="ntfs"),
    Sample("ext2", "ext2", 40 * MIB, _ext("ext2"), ("mkfs.ext4",), _SUPER, blkid="ext2", quick_backup=False),
    Sample("ext3", "ext3", 40 * MIB, _ext("ext3"), ("mkfs.ext4",), _SUPER, blkid="ext3", quick_backup=False),
    Sample("ext4", "ext4", 200 * MIB, _ext("ext4", "-b", "4096"), ("mkfs.ext4",), ((0, 8192),), blkid="ext4"),
    Sample("ext4-1k", "ext4", 24 * MIB, _ext("ext4", "-b", "1024"), ("mkfs.ext4",), ((0, 4096),), blkid="ext4",
           quick_backup=False),
    Sample("ext2-r0", "ext2", 40 * MIB, _mkfs("mkfs.ext2", "-q", "-F", "-r", "0"), ("mkfs.ext4",), _SUPER,
           blkid="ext2", quick_backup=False),
    Sample("xfs", "xfs", 300 * MIB, _mkfs("mkfs.xfs", "-q", "-L", "XFSLABEL"), ("mkfs.xfs",), ((0, 512),), blkid="xfs"),
    Sample("btrfs", "btrfs", 128 * MIB, _mkfs("mkfs.btrfs", "-q", "-L", "btrlabel"), ("mkfs.btrfs",),
           ((65536, 4096),), blkid="btrfs"),
    Sample("swap", "swap", 8 * MIB, _mkfs("mkswap", "-q", "-L", "swlabel"), (), blkid="swap"),
    Sample("luks1", "crypto_LUKS", 8 * MIB, _luks("luks1"), ("cryptsetup",), blkid="crypto_LUKS", sized=False),
    Sample("luks2", "crypto_LUKS", 24 * MIB, _luks("luks2"), ("cryptsetup",), ((0, 4096),), blkid="crypto_LUKS",
           sized=False),
    Sample("lvm", "LVM2_member", 8 * MIB, written.lvm, blkid="LVM2_member"),
    Sample("md-0.90", "linux_raid_member", 8 * MIB, written.md_old, blkid="linux_raid_member"),
    Sample("md-1.0", "linux_raid_member", 8 * MIB, written.md_end, blkid="linux_raid_member"),
    Sample("md-1.2", "linux_raid_member", 8 * MIB, written.md_front, blkid="linux_raid_member"),
    Sample("hfsplus", "hfsplus", 8 * MIB, written.hfsplus, (), _SUPER, blkid="hfsplus"),
    Sample("hfsx", "hfsx", 8 * MIB, written.hfsx, (), _SUPER, blkid="hfsplus"),
    Sample("refs", "ReFS", 8 * MIB, written.refs, (), ((0, 512),)),
    Sample("bitlocker", "BitLocker", 8 * MIB, written.bitlocker, (), ((0, 512),), blkid="BitLocker",
           quick_backup=False),
    Sample("zfs", "zfs_member", 8 * MIB, written.zfs, ()),
    Sample("meihdfs", "meihdfs", 8 * MIB, written.meihdfs, (), sized=False),
    Sample("hfs", "hfs", 4 * MIB, _mkfs("hformat", "-l", "HFSLABEL"), ("hformat",), _SUPER, full=True, blkid="hfs"),
    Sample("apfs", "apfs", 600 * MIB, _mkfs("mkapfs", "-L", "aplabel"), ("mkapfs",), ((0, 4096),), full=True,
           blkid="apfs"),
    Sample("f2fs", "f2fs", 64 * MIB, _mkfs("mkfs.f2fs", "-q", "-l", "f2label"), ("mkfs.f2fs",), _SUPER, full=True,
           blkid="f2fs"),
    Sample("jfs", "jfs", 16 * MIB, _mkfs("mkfs.jfs", "-q", "-L", "jlabel"), ("mkfs.jfs",), ((32768, 512),), full=True,
           blkid="jfs"),
    Sample("nilfs2", "nilfs2", 130 * MIB, _mkfs("mkfs.nilfs2", "-q", "-L", "nlabel"), ("mkfs.nilfs2",), _SUPER,
           full=True, blkid="nilfs2"),
    Sample("reiserfs", "reiserfs", 40 * MIB, _mkfs("mkreiserfs", "-qff", "-l", "rlabel"), ("mkreiserfs",), full=True,
           blkid="reiserfs"),
    Sample("udf", "udf", 16 * MIB, _mkfs("mkudffs", "-l", "ulabel"), ("mkudffs",), ((32768, 16384),), full=True,
           blkid="udf", quick_backup=False),
    Sample("iso9660", "iso9660", 1 * MIB, _iso, ("genisoimage",), full=True, blkid="iso9660"),
)}  # fmt: skip

LIGHT = [name for name, sample in SAMPLES.items() if not sample.full]
PARAMS = [pytest.param(name, marks=pytest.mark.full) if SAMPLES[name].full else name for name in SAMPLES]


def backups() -> list[object]:
    """Parameters: the kinds with a backup."""
    return [
        pytest.param(name, marks=pytest.mark.full) if sample.full else name
        for name, sample in SAMPLES.items()
        if sample.wipe
    ]


class Makery:
    """Makes each volume once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        """The volume's file; never write to it. Skips the test when a tool is missing."""
        from tests.support import needs_tool

        sample = SAMPLES[name]
        for tool in sample.tools:
            needs_tool(tool)
        path = self._folder / name
        if not path.exists():
            unfinished = blank(self._folder / f"{name}.part", sample.size)
            sample.make(unfinished)
            unfinished.rename(path)
        return path


def copy_into(disk: Path, start: int, volume: Path) -> int:
    """Lay a volume into a disk at ``start``, sparse where it is sparse; returns its size."""
    source, target = os.open(volume, os.O_RDONLY), os.open(disk, os.O_WRONLY)
    try:
        size, position = os.fstat(source).st_size, 0
        if os.fstat(target).st_size < start + size:
            os.ftruncate(target, start + size)
        while position < size:
            try:
                low = os.lseek(source, position, os.SEEK_DATA)
            except OSError:
                break
            high = os.lseek(source, low, os.SEEK_HOLE)
            for at in range(low, high, MIB):
                os.pwrite(target, os.pread(source, min(MIB, high - at), at), start + at)
            position = high
        return size
    finally:
        os.close(source)
        os.close(target)


def wipe(disk: Path, start: int, name: str) -> None:
    """Zero the primary structures of the volume that begins at ``start``."""
    with open(disk, "r+b") as file:
        for offset, size in SAMPLES[name].wipe:
            file.seek(start + offset)
            file.write(bytes(size))


def lay(disk: Path, make: Makery, names: list[str], *, aligned: bool = True, tail: int = MIB) -> dict[int, str]:
    """A disk with these volumes one after the other; starts and names. Unaligned: at odd sectors."""
    blank(disk, 0)
    places, position = {}, MIB
    for number, name in enumerate(names):
        position = -(-position // MIB) * MIB
        start = position if aligned else position + 512 * (7 + 2 * number)
        size = copy_into(disk, start, make(name))
        places[start] = name
        position = start + size + (64 << 10)
    os.truncate(disk, -(-position // MIB) * MIB + tail)
    return places


def blkid(path: Path) -> dict[str, str]:
    """What ``blkid -p`` says: TYPE, LABEL, UUID, VERSION ..."""
    lines = run("blkid", "-p", "-o", "export", path, ok=(0, 2)).splitlines()
    return {name: value.replace("\\ ", " ") for name, _, value in (line.partition("=") for line in lines)}
