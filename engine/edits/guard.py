"""May this be written to? What the running system does with a target decides, before it is opened and after."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from engine.errors import RefusedError, outside
from engine.host.blocks import (
    device_members,
    holders_of,
    loops_on_devices,
    loops_over,
    node_devno,
    node_of_path,
    nodes_above,
    stack_of_path,
    whole_disk,
)
from engine.host.mounts import read_mounts, read_swaps
from engine.host.openers import openers
from engine.host.roots import HERE, Roots, read_text

_SYSTEM = ("/", "/boot", "/boot/efi", "/usr", "/var")


def check_device(path: str, roots: Roots = HERE, *, keep: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuse a device that the running system uses in any way: mounted, swap, part of an array or volume, looped, part
    of the system, read-only. The whole disk counts, whichever partition is meant.

    ``keep`` are files whose disk must not be written to either (the undo file). Raises ``RefusedError``.
    """
    node = node_of_path(path, roots)
    if node is None:
        raise RefusedError("the kernel tells nothing of this device", code="target-unknown", path=path)
    disk = whole_disk(node, roots)
    mine = nodes_above(disk, roots)
    _refuse_system(path, mine, roots, keep)
    _refuse_used(path, mine, roots)
    for name in mine:
        for opener in openers(roots.node_path(name), roots):
            if "udev" not in opener.name:  # looks at every device that changes, and lets go of it
                words = f"process {opener.pid} ({opener.name}) has {name} open"
                raise RefusedError(words, code="target-in-use", path=path, advice="stop it first")
    for name in (disk, node):
        if read_text(roots.node_directory(name) / "ro") == "1":
            raise RefusedError("the device is read-only", code="target-read-only", path=path,
                               advice="blockdev --setrw lifts that, if it is not the drive's own switch")  # fmt: skip


def _refuse_system(path: str, mine: list[str], roots: Roots, keep: Iterable[str | os.PathLike[str]]) -> None:
    here = [place for place in _SYSTEM if os.path.exists(place)]
    here += [sys.executable, str(Path(__file__).resolve().parent)]
    for place in here:
        if set(stack_of_path(place, roots).nodes) & set(mine):
            raise RefusedError("the running system lies on this disk", code="target-system", path=path,
                               advice="start another system to repair it, or work on an image")  # fmt: skip
    for kept in keep:
        if set(stack_of_path(kept, roots).nodes) & set(mine):
            raise RefusedError("the undo file would lie on the disk that is repaired", code="target-holds-undo",
                               path=path, advice="name a folder on another disk")  # fmt: skip


def _refuse_used(path: str, mine: list[str], roots: Roots) -> None:
    uses: list[str] = []
    for mount in read_mounts(roots):
        uses += [f"{name} is mounted at {mount.point}" for name in device_members(mount, roots) if name in mine]
    for swap in read_swaps(roots):
        name = node_of_path(swap.path, roots) if swap.kind != "file" else None
        if name in mine:
            uses.append(f"{name} is swap")
    loops = loops_on_devices(roots)
    for name in mine:
        uses += [f"{name} belongs to {holder}" for holder in holders_of(name, roots)]
        uses += [f"{name} is attached to {loop}" for loop in loops.get(name, ())]
    if uses:
        raise RefusedError(f"it is in use: {uses[0]}", code="target-in-use", path=path,
                           advice="unmount and detach it first")  # fmt: skip


def check_image(path: str, roots: Roots = HERE) -> None:
    """Refuse an image whose loop device is in use, or that another program has open for writing (a rescue, a virtual
    machine): two would write to the same bytes. Raises ``RefusedError``."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise outside(error, "cannot open", path) from error
    if not stat.S_ISREG(mode):
        raise RefusedError("it is not an image file", code="target-kind", path=path)
    loops = [node for name in loops_over(path, roots) for node in nodes_above(name, roots)]
    _refuse_used(path, loops, roots)
    found = openers(path, roots)
    for name in loops:
        found += openers(roots.node_path(name), roots)
    for opener in found:
        if opener.writing and "udev" not in opener.name:
            words = f"process {opener.pid} ({opener.name}) may be writing to it"
            raise RefusedError(words, code="target-in-use", path=path, advice="let it end, or stop it")


def same_device(descriptor: int, path: str, roots: Roots = HERE) -> bool:
    """Whether an open descriptor is still what ``path`` names: names can change between choice and opening."""
    number = os.fstat(descriptor).st_rdev
    node = node_of_path(path, roots)
    return node is not None and node_devno(node, roots) == (os.major(number), os.minor(number))
