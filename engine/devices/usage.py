"""What the running system does with each disk: mounts, swap, arrays, volumes, loops; and which carry the system."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.devices.model import Use
from engine.host import mounts as tables
from engine.host.blocks import (
    device_members,
    holders_of,
    loops_on_devices,
    node_of_path,
    nodes_above,
    stack_of_path,
)
from engine.host.roots import HERE, Roots, read_text

SYSTEM_PLACES = ("/", "/boot", "/boot/efi", "/usr", "/var")


@dataclass(frozen=True, slots=True)
class Usage:
    """One look at the whole machine: direct uses of every node, and why nodes belong to the system."""

    direct: dict[str, tuple[Use, ...]]
    system: dict[str, tuple[str, ...]]
    loops: dict[str, list[str]]
    roots: Roots

    def uses_of(self, name: str) -> tuple[Use, ...]:
        """All uses of a node and of everything that rests on it, mounts and swap first."""
        found: dict[Use, None] = {}
        for node in nodes_above(name, self.roots, self.loops):
            found.update(dict.fromkeys(self.direct.get(node, ())))
            found.update(dict.fromkeys(_holder_uses(node, self.roots)))
        return tuple(sorted(found, key=lambda use: use.kind not in ("mount", "swap")))

    def system_reasons(self, name: str) -> tuple[str, ...]:
        """Why a node belongs to the running system; empty if it does not."""
        return self.system.get(name, ())


def read_usage(
    roots: Roots = HERE, *, keep: Iterable[str | os.PathLike[str]] = (), program: Iterable[str] | None = None
) -> Usage:
    """Look at mounts, swap, loops and holders now.

    ``keep`` are further places whose disks are fenced off (the case folder); ``program`` the files of this program
    (None: the interpreter and the engine's own folder).
    """
    mounts = tables.read_mounts(roots)
    swaps = tables.read_swaps(roots)
    loops = loops_on_devices(roots)
    direct: dict[str, dict[Use, None]] = {}

    def add(node: str | None, kind: str, what: str, read_only: bool = False) -> None:
        if node is not None:
            direct.setdefault(node, {})[Use(kind, what, node, read_only)] = None

    for mount in mounts:
        for member in device_members(mount, roots):
            add(member, "mount", mount.point, mount.read_only)
    for swap in swaps:
        if swap.kind != "file":
            add(node_of_path(swap.path, roots), "swap", swap.path)
    for below, above in loops.items():
        for name in above:
            add(below, "loop", roots.node_path(name), read_text(roots.node_directory(name) / "ro") == "1")
    reasons = _system(roots, mounts, [swap.path for swap in swaps], keep, program)
    return Usage({node: tuple(uses) for node, uses in direct.items()}, reasons, loops, roots)


def _system(
    roots: Roots,
    mounts: tuple[tables.Mount, ...],
    swaps: list[str],
    keep: Iterable[str | os.PathLike[str]],
    program: Iterable[str] | None,
) -> dict[str, tuple[str, ...]]:
    points = {mount.point for mount in mounts}
    files = (sys.executable, str(Path(__file__).resolve().parent)) if program is None else tuple(program)
    places = [(place, place) for place in SYSTEM_PLACES if place == "/" or place in points]
    places += [(path, "swap") for path in swaps]
    places += [(path, "this program") for path in files if path]
    places += [(os.fspath(path), "the case") for path in keep]
    found: dict[str, dict[str, None]] = {}
    for path, reason in places:
        for node in stack_of_path(path, roots, mounts=mounts).nodes:
            found.setdefault(node, {})[reason] = None
    return {node: tuple(reasons) for node, reasons in found.items()}


def _holder_uses(node: str, roots: Roots) -> list[Use]:
    uses = []
    for holder in holders_of(node, roots):
        directory = roots.node_directory(holder)
        name = read_text(directory / "dm" / "name")
        if name is not None:
            prefix = (read_text(directory / "dm" / "uuid") or "").partition("-")[0].lower()
            kind = prefix if prefix in ("lvm", "crypt", "mpath") else "dm"
            uses.append(Use(kind, name, node))
        elif (directory / "md").is_dir():
            level = read_text(directory / "md" / "level")
            state = read_text(directory / "md" / "array_state")
            words = ", ".join(filter(None, (level, state)))
            uses.append(Use("md", f"{holder} ({words})" if words else holder, node, state in ("readonly", "read-auto")))
        else:
            uses.append(Use("holder", holder, node))
    return uses
