"""The bus behind a disk: its node deleted before the power goes, a rescan when it is back, the kernel's patience.

Only sysfs is written, by a helper program with a limit: writing ``delete`` blocked 35 s on a disk that hung. Where a
disk sits is noted while it is there; it cannot be read afterwards. What the kernel was told of a disk (its patience,
that nobody may write to it) is lost when the disk returns, and is told again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine import tools
from engine.devices.sysfs import read_disk
from engine.errors import OutsideError
from engine.host.blocks import node_of_path, whole_disk
from engine.host.roots import HERE, Roots, read_int

Run = Callable[..., tools.Finished]
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a disk sits. ``delete`` is the sysfs file that takes its node away, ``scan`` the one that looks for disks
    again; both empty where there is no such thing (loop devices, virtual ones). ``name`` is its kernel name."""

    name: str
    delete: str = ""
    scan: str = ""
    scan_word: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def seat_of(path: str, roots: Roots = HERE) -> Seat | None:
    """Where the disk at ``path`` sits; None for a file and for a disk that is not there."""
    node = node_of_path(path, roots)
    if node is None:
        return None
    name = whole_disk(node, roots)
    disk = read_disk(name, roots)
    if disk is None:
        return None
    directory, port = roots.block / name / "device", disk.port
    if port is not None and port.nvme is not None:
        remove = roots.sys / "class" / "nvme" / port.nvme / "device" / "remove"
        if remove.exists():
            return Seat(name, str(remove), str(roots.sys / "bus" / "pci" / "rescan"), "1")
        return Seat(name)
    if port is None or port.scsi_host is None or not (directory / "delete").exists():
        return Seat(name)
    scan = roots.sys / "class" / "scsi_host" / port.scsi_host / "scan"
    return Seat(name, str(directory / "delete"), str(scan), "- - -")


def detach(seat: Seat, *, run: Run = tools.run, limit_s: float = LIMIT_S) -> str:
    """Take the node of a disk away, so that it can come back under its name. A problem in words, or empty."""
    return _write(seat.delete, "1", run, limit_s) if seat.delete and Path(seat.delete).exists() else ""


def rescan(seat: Seat, *, run: Run = tools.run, limit_s: float = LIMIT_S) -> str:
    """Have the controller look for disks. A problem in words, or empty."""
    return _write(seat.scan, seat.scan_word, run, limit_s) if seat.scan else ""


def set_patience(path: str, seconds: int, roots: Roots = HERE, *, run: Run = tools.run) -> str:
    """How long the kernel waits for one command of the disk; lost when it returns. A problem in words, or empty."""
    node = node_of_path(path, roots)
    if node is None:
        return ""
    device = roots.block / whole_disk(node, roots) / "device"
    problems = [
        _write(str(device / name), str(value), run, LIMIT_S)
        for name, value in (("timeout", seconds), ("eh_timeout", min(seconds, 10)))
        if (device / name).exists()
    ]
    return "; ".join(problem for problem in problems if problem)


def is_read_only(path: str, roots: Roots = HERE) -> bool:
    """Whether the kernel refuses to write to the disk at ``path`` (``blockdev --setro``); False for a file."""
    node = node_of_path(path, roots)
    return node is not None and read_int(roots.node_directory(node) / "ro") == 1


def set_read_only(path: str, roots: Roots = HERE, *, run: Run = tools.run, limit_s: float = LIMIT_S) -> str:
    """Have the kernel refuse to write to the whole disk that ``path`` is (a part of). A problem in words, or empty."""
    node = node_of_path(path, roots)
    if node is None:
        return ""
    disk = roots.node_path(whole_disk(node, roots))
    try:
        done = run((tools.find_tool("blockdev") or "/usr/sbin/blockdev", "--setro", disk), timeout_s=limit_s)
    except OutsideError as error:
        return f"{disk}: {error.message}"
    return "" if done.status == 0 else f"{disk}: {done.stderr.strip()[-200:] or 'blockdev failed'}"


def _write(path: str, text: str, run: Run, limit_s: float) -> str:
    argv: Sequence[str] = (tools.find_tool("tee") or "/usr/bin/tee", path)
    try:
        done = run(argv, timeout_s=limit_s, stdin=text.encode("ascii") + b"\n")
    except OutsideError as error:
        return f"{path}: {error.message}"
    return "" if done.status == 0 else f"{path}: {done.stderr.strip()[-200:] or 'could not be written'}"
