"""Volumes made by the field's own tools and filled by the kernel, ntfs-3g, exfat-fuse or mtools, with their truth."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import find_tool

FATS = ("fat12", "fat16", "fat32")
KERNEL = ("ext2", "ext3", "ext4")
SIZES_MIB = {"fat12": 8, "fat16": 32, "fat32": 64, "exfat": 32, "ntfs": 24, "ext2": 24, "ext3": 32, "ext4": 32}
TOOLS = {
    "fat12": ("mkfs.vfat", "mcopy"), "fat16": ("mkfs.vfat", "mcopy"), "fat32": ("mkfs.vfat", "mcopy"),
    "exfat": ("mkfs.exfat", "mount.exfat-fuse"), "ntfs": ("mkfs.ntfs", "ntfs-3g"),
    "ext2": ("mkfs.ext2",), "ext3": ("mkfs.ext3",), "ext4": ("mkfs.ext4",),
}  # fmt: skip


@dataclass(frozen=True)
class Volume:
    """An image and the SHA-256 of every file in it, by path."""

    image: Path
    family: str
    truth: dict[str, str]
    deleted: tuple[str, ...] = ()


def run(*argv: str | os.PathLike[str], timeout: float = 60) -> str:
    found = find_tool(str(argv[0]))
    assert found is not None, argv[0]
    env = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([found, *argv[1:]], capture_output=True, text=True, timeout=timeout, check=False, env=env,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 0, (argv, done.stderr[-400:])
    return done.stdout


def fill(top: Path, seed: int = 5, *, plain: bool = False) -> None:
    """Directories, sizes around borders, two files written in turn (in pieces), a sparse one, a name in other letters.
    """
    dice = random.Random(seed)
    (top / "docs" / "deep" / "deeper").mkdir(parents=True)
    (top / "photos").mkdir()
    for number in range(12):
        (top / "photos" / f"IMG_{number:04}.JPG").write_bytes(dice.randbytes(dice.randrange(1000, 90_000)))
    for size in (0, 1, 59, 300, 511, 512, 513, 700, 1023, 1024, 4095, 4096, 4097):
        (top / "docs" / "deep" / f"size {size}.txt").write_bytes(dice.randbytes(size))
    (top / "docs" / "deep" / "deeper" / "ünïcode name.doc").write_bytes(dice.randbytes(20_000))
    (top / "big.bin").write_bytes(dice.randbytes(1_500_000))
    with open(top / "frag1.bin", "wb") as one, open(top / "frag2.bin", "wb") as two:
        for _ in range(20):
            for stream in (one, two):
                stream.write(dice.randbytes(20_000))
                stream.flush()
                if not plain:
                    os.fsync(stream.fileno())
    with open(top / "sparse.bin", "wb") as stream:
        stream.write(b"begin")
        stream.seek(700_000)
        stream.write(b"end")
    os.utime(top / "big.bin", (1_500_000_000, 1_500_000_000))


def hashes(top: Path) -> dict[str, str]:
    return {
        str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(top.rglob("*"))
        if path.is_file() and not path.is_symlink() and "lost+found" not in path.parts
    }


def format_(image: Path, family: str, size_mib: int | None = None) -> None:
    image.unlink(missing_ok=True)
    with open(image, "wb") as stream:
        stream.truncate((size_mib or SIZES_MIB[family]) << 20)
    if family in FATS:
        run("mkfs.vfat", "-F", family[3:], image)
    elif family == "exfat":
        run("mkfs.exfat", image)
    elif family == "ntfs":
        run("mkfs.ntfs", "-qFf", image)
    else:
        run(f"mkfs.{family}", "-qF", image)


@contextmanager
def mounted(image: Path, family: str, *, read_only: bool = False) -> Iterator[Path]:
    """The volume mounted; ext by the kernel, NTFS and exFAT through FUSE on a loop device of our own."""
    folder = tempfile.mkdtemp(prefix="rescuedeck-mount-")  # removed as an empty folder only, never with what is in it
    loop = None
    for _ in range(20):
        loop = _mount(image, family, folder, "ro" if read_only else "rw")
        if read_only or not os.statvfs(folder).f_flag & os.ST_RDONLY:
            break
        _unmount(folder, loop)  # a loop device that was read-only a moment ago
        time.sleep(0.2)
    try:
        yield Path(folder)
    finally:
        run("sync", "-f", folder)
        _unmount(folder, loop)
        os.rmdir(folder)


def _mount(image: Path, family: str, folder: str, mode: str) -> str | None:
    if family in KERNEL:
        run("mount", "-o", f"loop,{mode}", image, folder)
        return None
    if family == "ntfs":
        run("ntfs-3g", "-o", mode, image, folder)
        return None
    loop = run("losetup", "-f", "--show", *(("-r",) if mode == "ro" else ()), image).strip()
    run("mount.exfat-fuse", "-o", mode, loop, folder)
    return loop


def _unmount(folder: str, loop: str | None) -> None:
    _until_done("umount", folder)
    if loop is not None:
        _until_done("losetup", "-d", loop)


def _until_done(*argv: str) -> None:
    """Something may still look into a mount for a moment."""
    done = None
    for _ in range(100):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError((argv, done))


def make(folder: Path, family: str) -> Volume:
    """A volume with deleted files in it."""
    image = folder / f"{family}.img"
    format_(image, family)
    gone = ("photos/IMG_0001.JPG", "photos/IMG_0004.JPG")
    if family in FATS:
        tree = folder / f"{family}-tree"
        tree.mkdir()
        fill(tree, plain=True)
        run("mcopy", "-s", "-m", "-i", image, *sorted(tree.iterdir()), "::")
        run("mdel", "-i", image, *(f"::{name}" for name in gone))
        truth = hashes(tree)
    else:
        with mounted(image, family) as top:
            fill(top)
            os.sync()
            for name in gone:
                (top / name).unlink()
        with mounted(image, family, read_only=True) as top:
            truth = hashes(top)
    return Volume(image, family, {name: digest for name, digest in truth.items() if name not in gone}, gone)


def read_back(volume: Volume, image: Path, folder: Path) -> dict[str, bytes]:
    """The files as the counterpart reads them."""
    if volume.family in FATS:
        tree = folder / "back"
        tree.mkdir()
        run("mcopy", "-s", "-i", image, "::", tree)
        top = next((one for one in (tree, tree / "::") if (one / "big.bin").exists()), tree)
        return {name: (top / name).read_bytes() for name in volume.truth}
    with mounted(image, volume.family, read_only=True) as mount:
        return {name: (mount / name).read_bytes() for name in volume.truth}
