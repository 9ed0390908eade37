"""The undo file: everything that a plan writes over, durable before the first byte is written.

Text, a record a line: length and SHA-256 of the JSON that follows, so that a torn line is known as one. First record
``undo`` (what, where, when), then a ``write`` for each run of bytes, then ``ready``: only when that is on disk are the
data touched. ``done`` is appended when all is written and was read back. ``undoing`` and ``undone`` frame an undo.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import __version__
from engine.atomic import append_line, fsync_directory, new_file, write_all
from engine.edits.plan import Write, WritePlan
from engine.errors import DamagedError, UsageError, outside

FORMAT = 1
SUFFIX = ".undo"
_MAX_SIZE = 256 << 20
_LINE = re.compile(rb"(\d{1,9}) ([0-9a-f]{64}) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Journal:
    """An undo file as read. ``ready`` is False when it was cut before any byte of the target was touched.

    ``records`` are the names of what was appended since, in order: ``done``, ``undoing``, ``undone``, ``redone``.
    """

    path: Path
    plan: WritePlan
    target: str
    kind: str
    time: str
    version: str
    identity: Mapping[str, Any] = field(default_factory=dict)
    ready: bool = False
    records: tuple[str, ...] = ()

    @property
    def finished(self) -> bool:
        """The target holds all new bytes, or all old ones again: nothing was cut short."""
        return not self.ready or (bool(self.records) and self.records[-1] in ("done", "undone"))


def undo_name(target: str | os.PathLike[str], code: str, now: datetime | None = None) -> str:
    """``disk.img.20260102T030405.hidden-sectors.undo``."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S")
    return f"{os.path.basename(os.fspath(target))}.{moment}.{code}{SUFFIX}"


def create_journal(
    directory: str | os.PathLike[str], plan: WritePlan, target: str, kind: str, identity: Mapping[str, Any]
) -> Path:
    """Write the undo file of a plan, durable with its name. Raises ``OutsideError``; nothing is left then."""
    records: list[dict[str, Any]] = [{
        "record": "undo", "format": FORMAT, "version": __version__, "time": _now(), "code": plan.code,
        "title": plan.title, "notes": list(plan.notes), "target": os.path.abspath(target), "kind": kind,
        "size": plan.size, "identity": dict(identity), "writes": len(plan.writes),
    }]  # fmt: skip
    for number, write in enumerate(plan.writes):
        records.append({
            "record": "write", "number": number, "offset": write.offset, "length": len(write.new),
            "reason": write.reason, "old": _pack(write.old), "new": _pack(write.new),
            "old_sha256": _hash(write.old), "new_sha256": _hash(write.new),
        })  # fmt: skip
    records.append({"record": "ready"})
    data = b"".join(_line(record) + b"\n" for record in records)
    path = _free_name(Path(directory), undo_name(target, plan.code))
    fd = new_file(path)
    try:
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        fsync_directory(path.parent)
    except OSError as error:
        try:
            os.unlink(path)
        except OSError:
            pass
        raise outside(error, "cannot save the undo file", path) from error
    return path


def append(path: Path, record: str) -> None:
    """Append a record without content, durably."""
    append_line(path, _line({"record": record, "time": _now()}))


def _free_name(directory: Path, name: str) -> Path:
    stem = name.removesuffix(SUFFIX)
    for number in range(1, 1000):
        path = directory / (f"{stem}{'' if number == 1 else f'-{number}'}{SUFFIX}")
        if not os.path.lexists(path):
            return path
    raise UsageError("there are too many undo files of this second", path=directory)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _pack(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=True).encode("ascii")
    return b"%d %s %s" % (len(text), _hash(text).encode("ascii"), text)


def _records(data: bytes) -> list[dict[str, Any]]:
    """All records but torn ones. Later whole ones count: a torn line was closed off before them."""
    found = []
    for line in data.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None or len(match[3]) != int(match[1]) or _hash(match[3]).encode("ascii") != match[2]:
            continue
        record = json.loads(match[3])
        if isinstance(record, dict):
            found.append(record)
    return found


def read_journal(path: str | os.PathLike[str]) -> Journal:
    """Read an undo file. Raises ``DamagedError`` when it is none, or when a record that is needed is damaged."""
    where = Path(path)
    try:
        with open(where, "rb") as stream:
            data = stream.read(min(_MAX_SIZE, os.fstat(stream.fileno()).st_size) + 1)
    except OSError as error:
        raise outside(error, "cannot read the undo file", where) from error
    try:
        if len(data) > _MAX_SIZE:
            raise ValueError("it is too large")
        return _parse(where, _records(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise DamagedError(
            f"this is no undo file, or it is damaged ({error})", code="undo-damaged", path=where,
            advice="nothing was written; the old bytes in it can still be read as text",
        ) from error  # fmt: skip


def _parse(where: Path, records: list[dict[str, Any]]) -> Journal:
    if not records or records[0]["record"] != "undo":
        raise ValueError("it has no beginning")
    head = records[0]
    if head["format"] > FORMAT:
        raise ValueError("it was made by a newer version")
    # every later record says that the data were touched, also when the one that says so first is damaged
    ready = any(record["record"] not in ("undo", "write") for record in records)
    writes = [_write(record) for record in records if record["record"] == "write"]
    if ready and (len(writes) != head["writes"] or [r["number"] for r in records if r["record"] == "write"] != list(
        range(len(writes))
    )):
        raise ValueError("a record is missing")
    target = str(head["target"])
    os.fsencode(target)  # a path that no system can have is a ``ValueError``
    if "\0" in target:
        raise ValueError("its target is no path")
    plan = WritePlan(str(head["code"]), str(head["title"]), int(head["size"]), tuple(writes),
                     tuple(str(note) for note in head["notes"]))  # fmt: skip
    later = tuple(str(r["record"]) for r in records if r["record"] not in ("undo", "write", "ready"))
    return Journal(where, plan, target, str(head["kind"]), str(head["time"]), str(head["version"]),
                   dict(head["identity"]), ready, later)  # fmt: skip


def _write(record: Mapping[str, Any]) -> Write:
    old, new = (base64.b64decode(record[name], validate=True) for name in ("old", "new"))
    if _hash(old) != record["old_sha256"] or _hash(new) != record["new_sha256"] or len(new) != record["length"]:
        raise ValueError("bytes in it do not fit their checksum")
    return Write(int(record["offset"]), old, new, str(record["reason"]))
