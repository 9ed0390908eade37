"""Mounted file systems and swap, from ``/proc/self/mountinfo`` and ``/proc/swaps`` (formats: proc(5))."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.host.roots import HERE, DevNo, Roots, parse_devno

_MAX_TABLE = 16 << 20
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo. ``devno`` has major 0 for file systems without one device (btrfs, overlay, NFS, tmpfs)."""

    mount_id: int
    devno: DevNo
    root: str
    point: str
    options: tuple[str, ...]
    fstype: str
    source: str
    super_options: tuple[str, ...]

    @property
    def read_only(self) -> bool:
        """Nothing can be written through this mount (``ro`` on the mount or on the whole file system)."""
        return "ro" in self.options or "ro" in self.super_options

    def super_option(self, name: str) -> str | None:
        """The value of ``name=value`` among the file system's own options."""
        for option in self.super_options:
            key, found, value = option.partition("=")
            if found and key == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Swap:
    """One line of ``/proc/swaps``; ``kind`` is ``partition`` or ``file``, ``size`` in bytes."""

    path: str
    kind: str
    size: int


def unescape(text: str) -> str:
    """Undo the kernel's octal escapes for blank, tab, newline and backslash."""
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """All well-formed lines of a mountinfo table, in mount order; other lines are passed over."""
    mounts = []
    for line in text.splitlines():
        before, found, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if not found or len(left) < 6 or len(right) < 2:
            continue
        devno = parse_devno(left[2])
        if devno is None or not left[0].isdecimal():
            continue
        mounts.append(
            Mount(
                mount_id=int(left[0]),
                devno=devno,
                root=unescape(left[3]),
                point=unescape(left[4]),
                options=tuple(left[5].split(",")),
                fstype=right[0],
                source=unescape(right[1]),
                super_options=tuple(unescape(option) for option in right[2].split(",")) if len(right) > 2 else (),
            )
        )
    return tuple(mounts)


def parse_swaps(text: str) -> tuple[Swap, ...]:
    """The swap areas of a ``/proc/swaps`` table (sizes there are in KiB)."""
    swaps = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 3 and fields[2].isdecimal():
            swaps.append(Swap(unescape(fields[0]), fields[1], int(fields[2]) * 1024))
    return tuple(swaps)


def _table(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_TABLE).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def read_mounts(roots: Roots = HERE) -> tuple[Mount, ...]:
    """What is mounted in this mount namespace; empty when ``/proc`` is not there."""
    return parse_mountinfo(_table(roots.proc / "self" / "mountinfo"))


def read_swaps(roots: Roots = HERE) -> tuple[Swap, ...]:
    """The swap areas in use."""
    return parse_swaps(_table(roots.proc / "swaps"))


def mount_of(
    path: str | os.PathLike[str], roots: Roots = HERE, mounts: tuple[Mount, ...] | None = None
) -> Mount | None:
    """The mount that ``path`` (an existing file or folder) lies in.

    The kernel names it in ``/proc/self/fdinfo`` for an ``O_PATH`` descriptor, which opens nothing. Where that cannot be
    had, the longest mount point above the real path decides, the newest of several.
    """
    table = read_mounts(roots) if mounts is None else mounts
    number = _mount_id(path, roots)
    if number is not None:
        for mount in table:
            if mount.mount_id == number:
                return mount
    best: Mount | None = None
    real = os.path.realpath(path)
    for mount in table:
        point = mount.point.rstrip("/")
        inside = real == mount.point or real.startswith(point + "/")
        if inside and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def _mount_id(path: str | os.PathLike[str], roots: Roots) -> int | None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = _table(roots.proc / "self" / "fdinfo" / str(fd))
    finally:
        os.close(fd)
    found = re.search(r"^mnt_id:\s*(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else None
