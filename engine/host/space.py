"""Room for an image: free space, what a file system can hold in one file, and whether it is a disk at all."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

from engine.errors import outside
from engine.host.blocks import first_existing
from engine.host.mounts import mount_of
from engine.host.roots import HERE, Roots

MARGIN = 64 << 20
"""Bytes kept free beside image and map: journals, logs, the map's older generations."""

_FILE_LIMITS = {
    "vfat": (4 << 30) - 1,
    "msdos": (2 << 30) - 1,
    "ext2": 2 << 40,  # with the usual blocks of 4096 bytes
    "ext3": 2 << 40,
    "minix": (2 << 30) - 1,
    "hfs": 2 << 30,
    "hpfs": (2 << 30) - 1,
    "isofs": 0,
}
_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs", "rootfs"})
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs"}
)


@dataclass(frozen=True, slots=True)
class Room:
    """A place to write to, sizes in bytes. ``free`` is what an ordinary user may still use.

    ``file_limit`` is the largest file possible (of the file system or of this process), None when there is no such
    limit worth naming; ``limited_by`` says whose it is.
    """

    point: str
    fstype: str
    free: int
    total: int
    read_only: bool
    file_limit: int | None
    limited_by: str
    in_memory: bool
    network: bool


def room_at(path: str | os.PathLike[str], roots: Roots = HERE) -> Room:
    """The room where ``path`` is or would come to lie. Raises ``OutsideError`` when the place cannot be looked at."""
    place = first_existing(path)
    try:
        facts = os.statvfs(place)
    except OSError as error:
        raise outside(error, "cannot look at the free space", path) from error
    mount = mount_of(place, roots)
    fstype = mount.fstype if mount is not None else ""
    limit, whose = file_limit(fstype)
    return Room(
        point=mount.point if mount is not None else place,
        fstype=fstype,
        free=facts.f_bavail * facts.f_frsize,  # f_bfree counts blocks that only root may fill
        total=facts.f_blocks * facts.f_frsize,
        read_only=bool(facts.f_flag & os.ST_RDONLY) or (mount is not None and mount.read_only),
        file_limit=limit,
        limited_by=whose,
        in_memory=fstype in _MEMORY,
        network=fstype in _NETWORK,
    )


def file_limit(fstype: str) -> tuple[int | None, str]:
    """The largest file in bytes on a file system of this type for this process, and what limits it."""
    limit, whose = _FILE_LIMITS.get(fstype), f"the file system ({fstype})"
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if soft != resource.RLIM_INFINITY and (limit is None or soft < limit):
        return soft, "the limit of this process (ulimit -f)"
    return (limit, whose) if limit is not None else (None, "")


def allocated_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes that a file takes on its disk now (holes of a sparse file do not count); 0 when it is not there."""
    try:
        return os.stat(path).st_blocks * 512
    except OSError:
        return 0


def needed_bytes(domain_bytes: int, already: int) -> int:
    """Free space that copying ``domain_bytes`` wants, ``already`` of them being on disk: 1 % and a margin on top."""
    left = max(0, domain_bytes - already)
    return left + domain_bytes // 100 + MARGIN
