"""BlackBerry backups: IPD containers (and the databases in a .bbb archive), with their three kinds of dates.

Sources: the published notes about the format and public readers of it; what fields mean stands in ``ipd_fields``.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.artifacts.ipd_fields import DATES, MAIL, MAIL_DATES, NAMES, field_text, sms_coding
from engine.errors import DamagedError, Problem, RefusedError
from engine.source import Source
from engine.source.extents import BytesSource
from engine.times import FORMATS, DateReading, Format, read
from engine.times.fields import blackberry_email

SIGNATURE = b"Inter@ctive Pager Backup/Restore File"
_MOST_DATABASES = 300
# What the library raises over archives that lie, besides its own error.
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, KeyError, ValueError, OSError, RuntimeError, EOFError,
    IndexError, OverflowError,
)  # fmt: skip
_MOST_RECORDS = 500_000
_MOST_RECORD = 4 << 20
_HEAD = 13
_FORMS = {form.name: form for form in FORMATS}
_MS = _FORMS["Unix 64 ms LE"]
_MINUTES = _FORMS["BlackBerry min"]
PLAUSIBLE = (946_684_800, 1_577_836_800)
"""2000 to 2019: the years of these phones, in seconds from 1970."""


@dataclass(frozen=True, slots=True)
class Date:
    """A date in a record. ``kind`` A (milliseconds), B (minutes) or C (packed); ``text`` is empty when it is unset;
    ``suspect``: outside of the years of these phones. ``zone`` as far as the form says one."""

    name: str
    kind: str
    text: str
    zone: str
    suspect: bool
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"name": self.name, "kind": self.kind, "date": self.text or None, "zone": self.zone,
                "suspect": self.suspect, "problem": self.problem}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """A field: its type byte, its bytes, its name where it is known, and its text where it is one."""

    type: int
    name: str
    raw: bytes
    text: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"type": self.type, "name": self.name or None, "hex": self.raw.hex(), "text": self.text}


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a database; ``database`` empty when its number is of none."""

    offset: int
    database: str
    index: int
    version: int
    handle: int
    uid: int
    fields: tuple[Value, ...]
    dates: tuple[Date, ...] = ()
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "offset": self.offset, "database": self.database or None, "index": self.index, "version": self.version,
            "handle": self.handle, "uid": self.uid, "fields": [one.to_json() for one in self.fields],
            "dates": [one.to_json() for one in self.dates], "problems": list(self.problems),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup with its databases (name -> how many records) and records. ``lost`` bytes at its end are no record."""

    databases: tuple[tuple[str, int], ...]
    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()
    lost: int = 0


def read_backup(source: Source, *, base_year: int = 1996) -> Backup:
    """The backup in a source: an IPD file, or a .bbb archive. ``base_year`` is that of the packed dates of emails.

    Raises ``DamagedError``: no backup at all; ``RefusedError``: an encrypted one.
    """
    if source.read(0, 4).data == b"PK\x03\x04":
        return _read_archive(source, base_year)
    head = source.read(0, 1 << 20).data
    if not head.startswith(SIGNATURE):
        raise DamagedError("that is no BlackBerry backup", code="no-ipd", path=source.path)
    if head[37:38] == b" ":
        raise RefusedError("the backup is encrypted", code="encrypted", path=source.path,
                           advice="decrypt it with the desktop software and its password first")  # fmt: skip
    problems: list[Problem] = []
    if head[37:39] != b"\n\x02":
        problems.append(Problem("header", "the bytes behind the signature are not 0A 02", 37))
    count = struct.unpack_from(">H", head.ljust(42, b"\0"), 39)[0]
    names, at = _names(head, min(count, _MOST_DATABASES), problems)
    if count > _MOST_DATABASES:
        problems.append(Problem("names", f"{count} databases are not believed", 39))
    return _records(source, names, at, problems, base_year)


def _names(head: bytes, count: int, problems: list[Problem]) -> tuple[list[str], int]:
    names, at = [], 42
    for number in range(count):
        size = struct.unpack_from("<H", head, at)[0] if at + 2 <= len(head) else 0
        raw = head[at + 2 : at + 2 + size]
        if size < 1 or len(raw) < size or not raw.rstrip(b"\0").isascii():
            problems.append(Problem("names", f"name {number + 1} of {count} is damaged", at))
            break
        names.append(raw.rstrip(b"\0").decode("ascii"))
        at += 2 + size
    return names, at


def _records(source: Source, names: list[str], at: int, problems: list[Problem], base_year: int) -> Backup:
    records: list[Record] = []
    counts = dict.fromkeys(names, 0)
    end = source.size
    while at + _HEAD <= source.size and len(records) < _MOST_RECORDS:
        index, size = struct.unpack("<HI", source.read(at, 6).data)
        if size < 7 or size > _MOST_RECORD or (index >= len(names) and index != 0xFFFF):
            break
        reading = source.read(at, 6 + size)
        if len(reading.data) < 6 + size:
            break
        record = _record(reading.data, at, names[index] if index < len(names) else "", index, base_year)
        if reading.holes:
            record = replace(record, problems=(*record.problems, "a part of it was never read"))
        records.append(record)
        if record.database:
            counts[record.database] += 1
        at += 6 + size
    rest = source.read(at, min(end - at, 1 << 16)).data if at < end else b""
    lost = end - at if rest.strip(b"\0") else 0
    if lost:
        problems.append(Problem("tail", f"{lost} bytes from here on are no record", at))
    if len(records) >= _MOST_RECORDS:
        problems.append(Problem("many", f"only the first {_MOST_RECORDS} records are kept", at))
    return Backup(tuple(counts.items()), tuple(records), tuple(problems), lost)


def _record(data: bytes, offset: int, database: str, index: int, base_year: int) -> Record:
    version, handle, uid = struct.unpack_from("<BHI", data, 6)
    fields: list[Value] = []
    problems: list[str] = []
    family = database.removesuffix(" - All")
    names = NAMES.get(family, {})
    coding: int | None = None
    at = _HEAD
    while at < len(data):
        size, kind = struct.unpack_from("<HB", data, at) if at + 3 <= len(data) else (1 << 16, 0)
        if at + 3 + size > len(data):
            problems.append(f"its fields do not fill it: {len(data) - at} bytes are left over")
            break
        raw = data[at + 3 : at + 3 + size]
        if family == "SMS Messages" and kind == 1:
            coding = sms_coding(raw)
        fields.append(Value(kind, names.get(kind, ""), raw, field_text(family, kind, raw, coding)))
        at += 3 + size
    return Record(offset, database, index, version, handle, uid, tuple(fields),
                  tuple(_dates(family, fields, base_year)), tuple(problems))  # fmt: skip


def _dates(family: str, fields: list[Value], base_year: int) -> Iterator[Date]:
    for value in fields:
        kind = DATES.get(family, {}).get(value.type)
        if kind == "A" and len(value.raw) == 8:
            yield _date(value.name, "A", read(_MS, value.raw, plausible=PLAUSIBLE))
        elif kind == "B" and len(value.raw) == 4:
            yield _date(value.name, "B", read(_MINUTES, value.raw, plausible=PLAUSIBLE))
        elif family == "SMS Messages" and value.type == 1 and len(value.raw) >= 29:
            yield _date("device", "A", read(_MS, value.raw[13:21], plausible=PLAUSIBLE))
            yield _date("service centre", "A", read(_MS, value.raw[21:29], plausible=PLAUSIBLE))
    if family in MAIL and fields and fields[0].type == 0 and len(fields[0].raw) >= MAIL_DATES + 12:
        form = Format("mail", 4, lambda data: blackberry_email(data, base_year))
        for number, name in enumerate(("received", "received (copy)", "sent")):
            at = MAIL_DATES + 4 * number
            yield _date(name, "C", read(form, fields[0].raw[at : at + 4], plausible=PLAUSIBLE))


def _date(name: str, kind: str, got: DateReading) -> Date:
    text = "" if got.unset else got.text
    return Date(name, kind, text, got.zone, bool(text) and not got.plausible, got.problem)


def _read_archive(source: Source, base_year: int) -> Backup:
    """A .bbb of the later desktop software: a ZIP whose manifest gives each database its file."""
    if source.size > 1 << 30:
        raise DamagedError("an archive of more than 1 GiB is not read", code="too-large", path=source.path)
    data = source.read(0, source.size)
    if data.holes:
        raise DamagedError("a part of the archive was never read", code="unread", path=source.path,
                           offset=data.holes[0][0], advice="finish the rescue of this file")  # fmt: skip
    try:
        with zipfile.ZipFile(io.BytesIO(data.data)) as archive:
            manifest = _member(archive, "Manifest.xml").decode("utf-8", "replace")
            listed = re.findall(r'<Database\b[^>]*?\buid="([^"]{1,64})"[^>]*>\s*([^<]{1,200}?)\s*<', manifest)
            parts = [(name, _member(archive, f"Databases/{uid}.dat")) for uid, name in listed[:_MOST_DATABASES]]
    except _BROKEN_ARCHIVE as error:
        words = "the archive is damaged, or no BlackBerry backup"
        raise DamagedError(words, code="no-ipd", path=source.path) from error
    records: list[Record] = []
    counts: list[tuple[str, int]] = []
    problems: list[Problem] = []
    for name, content in parts:
        made = _records(BytesSource(content), [name], 0, problems, base_year)
        records += [replace(one, index=len(counts)) for one in made.records]
        counts.append((name, len(made.records)))
    if not parts:
        raise DamagedError("the manifest names no database", code="no-ipd", path=source.path)
    return Backup(tuple(counts), tuple(records), tuple(problems))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One file of the archive, of at most 64 MiB whatever it claims."""
    with archive.open(name) as stream:
        data = stream.read((64 << 20) + 1)
    if len(data) > 64 << 20:
        raise DamagedError(f"{name} in the archive is too large", code="too-large")
    return data
