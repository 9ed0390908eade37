"""The stack of block devices: partitions on disks, md and dm on partitions, loops on files on file systems.

Two questions are answered here for everybody: which disks does this path rest on, and what rests on this disk.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.host.mounts import Mount, mount_of, read_mounts
from engine.host.roots import HERE, DevNo, Roots, names_in, parse_devno, read_raw, read_text

_MAX_NODES = 4096
_RAM = frozenset({"tmpfs", "ramfs", "devtmpfs", "rootfs", "hugetlbfs"})
_DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Stack:
    """What a path or a device rests on.

    ``nodes`` are kernel names of every block device passed on the way down, in the order met; ``disks`` those with
    nothing below (whole disks); ``files`` the backing files of loops passed; ``in_memory`` is set when (a part of) it
    lives in RAM; ``unknown`` says in words where the way down was lost (network, FUSE, ZFS, another container).
    """

    nodes: tuple[str, ...] = ()
    disks: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    in_memory: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """The whole way down was seen."""
        return not self.unknown


def node_name(devno: DevNo, roots: Roots = HERE) -> str | None:
    """The kernel name of a block device number, or None when the kernel has no such device."""
    link = roots.sys / "dev" / "block" / f"{devno[0]}:{devno[1]}"
    return os.path.basename(os.path.realpath(link)) if link.exists() else None


def node_devno(name: str, roots: Roots = HERE) -> DevNo | None:
    """The device number of a kernel name, from sysfs or else from its node."""
    found = parse_devno(read_text(roots.node_directory(name) / "dev"))
    return found if found is not None else roots.devno_of(roots.node_path(name))


def node_of_path(path: str | os.PathLike[str], roots: Roots = HERE) -> str | None:
    """The kernel name behind a block device node or a link to one; None for everything else."""
    devno = roots.devno_of(path)
    return node_name(devno, roots) if devno is not None else None


def parent_disk(name: str, roots: Roots = HERE) -> str | None:
    """The disk that a partition is cut from, None for a whole disk."""
    directory = Path(os.path.realpath(roots.node_directory(name)))
    return directory.parent.name if (directory / "partition").exists() else None


def whole_disk(name: str, roots: Roots = HERE) -> str:
    """The disk itself, or the one a partition is cut from."""
    return parent_disk(name, roots) or name


def partitions_of(name: str, roots: Roots = HERE) -> list[str]:
    """Kernel names of a disk's partitions, in order of their numbers."""
    directory = roots.node_directory(name)
    found = [child for child in names_in(directory) if (directory / child / "partition").exists()]
    return sorted(found, key=lambda child: (len(child), child))


def slaves_of(name: str, roots: Roots = HERE) -> list[str]:
    """Kernel names of the devices that an md or dm device is made of."""
    return names_in(roots.node_directory(name) / "slaves")


def holders_of(name: str, roots: Roots = HERE) -> list[str]:
    """Kernel names of the md and dm devices that are made of this one (not those of its partitions)."""
    return names_in(roots.node_directory(name) / "holders")


def backing_file(name: str, roots: Roots = HERE) -> str | None:
    """The file (or device) behind a bound loop device, None for any other."""
    raw = read_raw(roots.node_directory(name) / "loop" / "backing_file")
    return os.fsdecode(raw.rstrip(b"\n")) or None if raw is not None else None


def loops_over(path: str | os.PathLike[str], roots: Roots = HERE) -> list[str]:
    """Kernel names of the loop devices whose backing file is ``path``: the same file or device, whatever its name."""
    try:
        mine = os.stat(path)
    except OSError:
        return []
    found = []
    for name in names_in(roots.block):
        behind = backing_file(name, roots)
        if behind is None:
            continue
        try:
            same = same_object(os.stat(behind), mine)
        except OSError:  # a name of another mount namespace: only the text is left to compare (a deleted one differs)
            same = behind == os.path.realpath(path)
        if same:
            found.append(name)
    return found


def same_object(first: os.stat_result, second: os.stat_result) -> bool:
    """One and the same file (hard links included) or one and the same device (whatever the nodes' names)."""
    if stat.S_ISBLK(first.st_mode) and stat.S_ISBLK(second.st_mode):
        return first.st_rdev == second.st_rdev
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


class _Walk:
    """One walk downwards: remembers what it has seen, so that no loop of loops keeps it."""

    def __init__(self, roots: Roots, through_loops: bool, mounts: tuple[Mount, ...] | None) -> None:
        self.roots = roots
        self.through_loops = through_loops
        self.mounts = read_mounts(roots) if mounts is None else mounts
        self.nodes: dict[str, None] = {}
        self.disks: set[str] = set()
        self.files: dict[str, None] = {}
        self.unknown: dict[str, None] = {}
        self.in_memory = False
        self.paths: set[str] = set()

    def result(self) -> Stack:
        return Stack(
            tuple(self.nodes), frozenset(self.disks), tuple(self.files), self.in_memory, tuple(self.unknown)
        )

    def node(self, name: str) -> None:
        if name in self.nodes or len(self.nodes) >= _MAX_NODES:
            return
        self.nodes[name] = None
        disk = parent_disk(name, self.roots)
        if disk is not None:
            self.node(disk)
            return
        if name.startswith(("zram", "ram")):
            self.in_memory = True
        below = slaves_of(name, self.roots)
        behind = backing_file(name, self.roots) if self.through_loops else None
        if behind is not None:
            self.files[behind] = None
            # a deleted file still lies on the file system of its folder
            self.path(os.path.dirname(behind) if behind.endswith(_DELETED) else behind)
        for lower in below:
            self.node(lower)
        if not below and behind is None:
            self.disks.add(name)

    def devno(self, devno: DevNo, what: str) -> None:
        name = node_name(devno, self.roots)
        if name is None:
            self.unknown[f"{what}: no block device {devno[0]}:{devno[1]} here"] = None
        else:
            self.node(name)

    def path(self, path: str) -> None:
        real = os.path.realpath(path)
        if real in self.paths or len(self.paths) >= _MAX_NODES:
            return
        self.paths.add(real)
        block = self.roots.devno_of(real)
        if block is not None:
            self.devno(block, path)
            return
        mount = mount_of(real, self.roots, self.mounts)
        try:
            number = os.stat(real).st_dev
        except OSError as error:
            self.unknown[f"{path}: {error.strerror}"] = None
            return
        devno = mount.devno if mount is not None else (os.major(number), os.minor(number))
        if devno[0] != 0:
            self.devno(devno, path)
        elif mount is None:
            self.unknown[f"{path}: its file system is not in the mount table"] = None
        else:
            self.anonymous(mount)

    def anonymous(self, mount: Mount) -> None:
        """A file system without a device number of its own: its source, members or layers lead on."""
        if mount.fstype in _RAM:
            self.in_memory = True
        elif mount.fstype == "overlay":
            upper, lower = mount.super_option("upperdir"), mount.super_option("lowerdir")
            for layer in (upper or "", *(lower or "").split(":")):
                if layer:
                    self.path(layer)
        else:
            members = device_members(mount, self.roots)
            for member in members:
                self.node(member)
            if not members:
                self.unknown[f"{mount.point}: {mount.fstype} from {mount.source}"] = None


def device_members(mount: Mount, roots: Roots = HERE) -> list[str]:
    """Kernel names of the devices that a mounted file system lies on; none when it has none or hides them."""
    if mount.fstype == "btrfs":
        return btrfs_members(mount.source, roots)
    if mount.devno[0] != 0:
        name = node_name(mount.devno, roots)
    else:
        name = node_of_path(mount.source, roots) if mount.source.startswith("/") else None
    return [name] if name is not None else []


def btrfs_members(source: str, roots: Roots = HERE) -> list[str]:
    """Kernel names of all devices of the btrfs that ``source`` belongs to (``/sys/fs/btrfs/UUID/devices``)."""
    name = node_of_path(source, roots)
    for uuid in names_in(roots.sys / "fs" / "btrfs"):
        members = names_in(roots.sys / "fs" / "btrfs" / uuid / "devices")
        if name is not None and name in members:
            return members
    return [name] if name is not None else []


def stack_of_path(
    path: str | os.PathLike[str],
    roots: Roots = HERE,
    *,
    through_loops: bool = True,
    mounts: tuple[Mount, ...] | None = None,
) -> Stack:
    """What a file, folder or device node rests on. ``through_loops=False`` takes a loop for a disk of its own."""
    walk = _Walk(roots, through_loops, mounts)
    walk.path(os.fspath(path))
    return walk.result()


def stack_of_node(
    name: str, roots: Roots = HERE, *, through_loops: bool = True, mounts: tuple[Mount, ...] | None = None
) -> Stack:
    """What the block device of that kernel name rests on (itself included)."""
    walk = _Walk(roots, through_loops, mounts)
    walk.node(name)
    return walk.result()


def loops_on_devices(roots: Roots = HERE) -> dict[str, list[str]]:
    """Loop devices that are set up over a block device instead of a file, by the kernel name of that device."""
    found: dict[str, list[str]] = {}
    for name in names_in(roots.block):
        behind = backing_file(name, roots)
        node = node_of_path(behind, roots) if behind is not None else None
        if node is not None:
            found.setdefault(node, []).append(name)
    return found


def nodes_above(name: str, roots: Roots = HERE, loops: dict[str, list[str]] | None = None) -> list[str]:
    """The device and everything in the kernel that rests on it: partitions, holders, loops, and what rests on those.

    ``loops`` is a ready ``loops_on_devices()``.
    """
    over = loops_on_devices(roots) if loops is None else loops
    found: dict[str, None] = {}
    waiting = [name]
    while waiting and len(found) < _MAX_NODES:
        node = waiting.pop(0)
        if node not in found:
            found[node] = None
            waiting += partitions_of(node, roots) + holders_of(node, roots) + over.get(node, [])
    return list(found)


def first_existing(path: str | os.PathLike[str]) -> str:
    """``path`` or the nearest folder above it that exists: where a new file would come to lie."""
    real = os.path.realpath(path)
    while not os.path.lexists(real) and os.path.dirname(real) != real:
        real = os.path.dirname(real)
    return real


def shared(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """Names in both, sorted."""
    return sorted(set(first) & set(second))
