"""Windows XP System Restore: which backup file held which original (``change.log``), and the points (``rp.log``).

Sources: Microsoft's published System Restore structures; the libyal documentation of the format.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.errors import DamagedError, Problem
from engine.source import Source
from engine.times import FORMATS, read

MAGIC = b"\x12\xef\xcd\xab"
_MAGIC_NUMBER = 0xABCDEF12
LONGEST = 65_536
_ENTRY_HEAD = 64
_BLOCK = 4 << 20
_MOST = 200_000
_FILETIME = next(form for form in FORMATS if form.name == "FILETIME LE")

ENTRY_TYPES = {
    0x1: "stream change", 0x2: "ACL change", 0x4: "attribute change", 0x8: "stream overwrite", 0x10: "file delete",
    0x20: "file create", 0x40: "file rename", 0x80: "directory create", 0x100: "directory rename",
    0x200: "directory delete", 0x400: "mount create", 0x800: "mount delete", 0x1000: "volume error",
    0x2000: "stream create", 0x10000: "no optimise", 0x20000: "is directory", 0x40000: "is not directory",
    0x80000: "simulated delete", 0x100000: "in pre-create", 0x200000: "opened by id",
}  # fmt: skip
_FLAG_PARTS = {1: (5,), 2: (4,), 4: (6, 7), 8: (8,), 0x10: (9,)}
"""Flag of an entry -> the sub-records that it announces."""
_POINT_EVENTS = {0x64: "begin", 0x65: "end", 0x66: "begin nested", 0x67: "end nested"}
_POINT_TYPES = {0: "application install", 1: "application uninstall", 7: "system checkpoint", 0xA: "driver install",
                0xC: "modify settings", 0xD: "cancelled operation"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. ``path`` begins at the volume's root; ``backup`` is the name in the restore point's folder; ``time``
    stands only in entries with debug information. ``attributes`` None: not recorded."""

    offset: int
    size: int
    sequence: int
    type: int
    flags: int
    attributes: int | None
    path: str = ""
    new_path: str = ""
    backup: str = ""
    short_name: str = ""
    acl_file: str = ""
    acl_bytes: int = 0
    process: str = ""
    time: str = ""
    partial: bool = False
    problems: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The bits of the type by name."""
        known = [name for bit, name in ENTRY_TYPES.items() if self.type & bit]
        rest = self.type & ~sum(ENTRY_TYPES)
        return (*known, *([f"0x{rest:x}"] if rest else []))

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "offset": self.offset, "sequence": self.sequence, "actions": list(self.actions), "path": self.path,
            "new_path": self.new_path or None, "backup": self.backup or None, "short_name": self.short_name or None,
            "acl_file": self.acl_file or None, "acl_bytes": self.acl_bytes, "attributes": self.attributes,
            "process": self.process or None, "time": self.time or None, "flags": self.flags, "partial": self.partial,
            "problems": list(self.problems),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Log:
    """What a log holds. ``volumes`` are the device paths of the log headers in it (more than one: logs follow each
    other); ``swept``: found by signature in something that is no log by itself."""

    entries: tuple[Entry, ...]
    volumes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    unread: int = 0
    swept: bool = False

    @property
    def backups(self) -> dict[str, str]:
        """Backup name -> original path; of several entries the one with the highest sequence number."""
        ordered = sorted((one for one in self.entries if one.backup), key=lambda one: one.sequence)
        return {one.backup: one.path for one in ordered}


@dataclass(slots=True)
class _Parts:
    """The sub-records of an entry as they are read."""

    values: dict[str, Any] = field(default_factory=dict)
    kinds: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    tiled: bool = True


def read_log(source: Source, *, sweep: bool = False) -> Log:
    """Every entry of a log, or (``sweep``) every entry anywhere in a source: free space, an image, a damaged log.

    A log is read record by record; where one is damaged the next signature is looked for. Raises ``DamagedError`` when
    there is nothing of a log in it.
    """
    entries: list[Entry] = []
    volumes: list[str] = []
    problems: list[Problem] = []
    at = last_end = 0
    for hit in _hits(source):
        if hit < last_end or len(entries) >= _MOST:
            continue
        if not sweep and hit > last_end:
            problems.append(Problem("gap", f"{hit - last_end} bytes are no record", last_end))
        head = source.read(hit, 16).data
        size, kind = struct.unpack_from("<II", head.ljust(8, b"\0"))
        if kind == 0:
            volume, end = _log_header(source, hit, size)
            if end is None:
                problems.append(Problem("log-header", "a damaged log header", hit))
                continue
            volumes.append(volume)
            last_end = end
            continue
        entry = _entry(source, hit, size)
        if entry is None:
            problems.append(Problem("entry", "a damaged entry, left out", hit))
            continue
        entries.append(entry)
        last_end = hit + entry.size
        at = last_end
    if not entries and not volumes:
        raise DamagedError("there is nothing of a System Restore log in it", code="no-log", path=source.path)
    if not sweep and at and last_end < source.size and source.read(last_end, 4096).data.strip(b"\0"):
        problems.append(Problem("tail", f"{source.size - last_end} bytes behind the last record", last_end))
    if len(entries) >= _MOST:
        problems.append(Problem("many", f"only the first {_MOST} entries are kept"))
    return Log(tuple(entries), tuple(volumes), tuple(problems), source.holes.total, sweep)


def _hits(source: Source) -> Iterator[int]:
    """Where a record may begin: 8 bytes before each signature with a type of 0 or 1 before it. Not in what nobody has
    read."""
    carry = 16
    position = 0
    while position < source.size:
        reading = source.read(max(0, position - carry), _BLOCK + min(carry, position))
        for match in re.finditer(re.escape(MAGIC), reading.data):
            at = reading.offset + match.start() - 8
            if at + 12 <= position or at < 0:
                continue
            kind = reading.data[match.start() - 4 : match.start()]
            hole = any(low < at + 12 and high > at for low, high in reading.holes)
            if kind in (b"\0\0\0\0", b"\1\0\0\0") and not hole:
                yield at
        position += _BLOCK


def _log_header(source: Source, at: int, size: int) -> tuple[str, int | None]:
    data = source.read(at, min(size, LONGEST)).data if 16 <= size <= LONGEST else b""
    if len(data) < size or len(data) < 32 or data[-4:] != data[:4] or data[12:16] != b"\2\0\0\0":
        return "", None
    inner, kind = struct.unpack_from("<II", data, 16)
    path = _string(data[24 : 16 + inner]) if kind == 2 and 8 <= inner <= size - 20 else ""
    return path, at + size


def _entry(source: Source, at: int, size: int) -> Entry | None:
    """The entry at ``at``; None when it is none, or damaged. A cut last one is kept as far as it goes."""
    if not _ENTRY_HEAD + 12 <= size <= LONGEST:
        return None
    reading = source.read(at, size)
    data = reading.data
    cut = len(data) < size
    if len(data) < _ENTRY_HEAD:
        return None
    kind, flags, attributes, sequence = struct.unpack_from("<IIIq", data, 12)
    if flags & ~0x1F or (not cut and data[-4:] != data[:4]):
        return None
    parts = _parts(data[_ENTRY_HEAD : len(data) if cut else size - 4])
    if not parts.tiled and not cut:
        return None
    if not parts.kinds and not cut:
        return None
    problems = parts.problems
    for bit, kinds in _FLAG_PARTS.items():
        if not cut and bool(flags & bit) != any(one in parts.kinds for one in kinds):
            problems.append(f"its flags and its parts differ about {_part_name(kinds[0])}")
    if reading.holes:
        problems.append("a part of it was never read")
    if cut:
        problems.append("cut off")
    process = data[32:64].decode("utf-16-le", "replace").partition("\0")[0]
    values = {"process": process, **parts.values} if process and "process" not in parts.values else parts.values
    return Entry(at, min(size, len(data)), sequence, kind, flags, None if attributes == 0xFFFFFFFF else attributes,
                 partial=cut or bool(reading.holes), problems=tuple(problems), **values)  # fmt: skip


def _part_name(kind: int) -> str:
    return {4: "the second path", 5: "the backup", 6: "the ACL", 8: "debug information", 9: "the short name"}[kind]


def _parts(data: bytes) -> _Parts:
    """The sub-records, which must follow each other without a gap; by type, never by position."""
    found = _Parts()
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            found.tiled = False
            return found
        size, kind = struct.unpack_from("<II", data, at)
        if not 8 <= size <= len(data) - at:
            found.tiled = False
            return found
        body = data[at + 8 : at + size]
        name = {3: "path", 4: "new_path", 5: "backup", 7: "acl_file", 9: "short_name"}.get(kind)
        if name is not None:
            if not _ends(body):
                found.problems.append(f"the text of part {kind} does not end")
            found.values[name] = _string(body)
        elif kind == 6:
            found.values["acl_bytes"] = len(body)
        elif kind == 8 and len(body) >= 29:
            found.values["time"] = _filetime(body[8:16])
            found.values["process"] = body[16:29].partition(b"\0")[0].decode("cp1252", "replace")
        elif kind not in (6, 8):
            found.problems.append(f"a part of unknown type {kind}")
        found.kinds.append(kind)
        at += size
    if found.kinds and found.kinds[0] != 3:
        found.problems.append("its first part is no path")
    return found


def _ends(body: bytes) -> bool:
    return any(body[at : at + 2] == b"\0\0" for at in range(0, len(body) - 1, 2))


def _string(body: bytes) -> str:
    return body[: len(body) - len(body) % 2].decode("utf-16-le", "replace").partition("\0")[0]


def _filetime(data: bytes) -> str:
    return read(_FILETIME, data).text


@dataclass(frozen=True, slots=True)
class Point:
    """A restore point by its ``rp.log``. ``created`` in UTC."""

    event: str
    type: str
    sequence: int
    description: str
    created: str
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"event": self.event, "type": self.type, "sequence": self.sequence, "description": self.description,
                "created": self.created, "problems": list(self.problems)}  # fmt: skip


def read_point(data: bytes) -> Point:
    """``rp.log``: 536 bytes. Raises ``DamagedError``."""
    if len(data) < 536:
        raise DamagedError(f"an rp.log has 536 bytes, this one {len(data)}", code="rp-log")
    event, kind, sequence = struct.unpack_from("<IIq", data)
    problems = [] if event in _POINT_EVENTS else [f"event {event} is not known"]
    created = read(_FILETIME, data[528:536])
    problems += [] if created.plausible else ["its time is not plausible"]
    return Point(_POINT_EVENTS.get(event, str(event)), _POINT_TYPES.get(kind, str(kind)), sequence,
                 _string(data[16:528]), created.text, tuple(problems))  # fmt: skip


def shortcut(data: bytes) -> list[tuple[str, str]]:
    """Backup and path by the published shortcut: a 16-byte pattern, the path 64 bytes on, the backup behind it.

    Right for entries with a backup, an ACL and a short name only: ``read_log(sweep=True)`` finds those and the rest.
    """
    found = []
    for match in re.finditer(rb"\x12\xef\xcd\xab.{4}\x15\0\0\0.{4}", data, re.DOTALL):
        path, after = _terminated(data, match.start() + 64)
        backup, _ = _terminated(data, after + 8)
        if path and backup:
            found.append((backup, path))
    return found


def _terminated(data: bytes, at: int) -> tuple[str, int]:
    end = at
    while end + 1 < len(data) and data[end : end + 2] != b"\0\0" and end - at < 2 * 4096:
        end += 2
    return data[at:end].decode("utf-16-le", "replace"), end + 2
