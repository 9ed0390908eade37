"""What /proc says of a running ddrescue: the byte offset of the read in flight, its state, and what it waits for.

The offset is exact, since ddrescue seeks before each read, and it can be read while the process hangs in the kernel.
Nothing here touches the drive: links under /proc are read as text and never followed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_GONE = " (deleted)"
_HEX = re.compile(r"0x([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Look:
    """``state`` is the letter of /proc/PID/stat (R, S, D, Z ...), empty when the process is gone.

    ``position`` is the offset of the source's descriptor in bytes, None when it is not open. ``doing`` is ``reading``,
    ``writing``, ``saving the map`` or ``running``; empty when that may not be asked.
    """

    state: str = ""
    position: int | None = None
    doing: str = ""


def look(pid: int, source: str, image: str, map_path: str) -> Look:
    """One look at a process that has these three files open. Paths as /proc shows them: absolute, links resolved."""
    state = process_state(pid)
    if not state:
        return Look()
    open_files = descriptors(pid)
    position = None
    for number, target in open_files.items():
        if target == source and _is_readable(pid, number):
            position = offset(pid, number)
    return Look(state, position, _doing(pid, open_files, source, image, map_path))


def process_state(pid: int) -> str:
    """The state letter of a process; empty when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read(4096).rpartition(b")")[2].split()
    except OSError:
        return ""
    return fields[0].decode("ascii", "replace") if fields else ""


def descriptors(pid: int) -> dict[int, str]:
    """Open descriptors and the names they were opened by. Empty for a process that is gone or not ours."""
    found: dict[int, str] = {}
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for name in names:
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}").removesuffix(_GONE)
        except (OSError, ValueError):
            continue  # closed between the two looks
    return found


def _info(pid: int, number: int) -> dict[str, str]:
    try:
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii", errors="replace") as file:
            return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}
    except OSError:
        return {}


def offset(pid: int, number: int) -> int | None:
    """The file offset of a descriptor in bytes."""
    text = _info(pid, number).get("pos", "")
    return int(text) if text.isdigit() else None


def _is_readable(pid: int, number: int) -> bool:
    flags = _info(pid, number).get("flags", "")
    return bool(flags) and int(flags, 8) & os.O_ACCMODE == os.O_RDONLY


def _doing(pid: int, open_files: dict[int, str], source: str, image: str, map_path: str) -> str:
    """What the system call under way concerns, by the file its first argument names."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii", errors="replace") as file:
            text = file.read(512)
    except OSError:
        return ""
    if text.startswith("running"):
        return "running"
    first = _HEX.search(text.partition(" ")[2])
    target = open_files.get(int(first[1], 16), "") if first else ""
    if target == source:
        return "reading"
    if target == image:
        return "writing"
    return "saving the map" if target == map_path else "running"
