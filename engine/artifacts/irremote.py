"""Psiloc IrRemote: ``.ir`` import files and ``database.dat``, with the infrared codes in them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import DamagedError, Problem
from engine.source import Source

_MOST_ROWS = 10_000
_MOST_TEXT = 64 << 10
_MOST_XML = 1 << 20
_MOST_FILE = 64 << 20
_FIRST, _THIRD = (0x89, 0x99), (0x63, 0x68)
_SPACE = "{http://irremote.psiloc.com/schema/remote.xsd}"


@dataclass(frozen=True, slots=True)
class Device:
    """What a remote control is for."""

    id: int
    type: str
    vendor: str
    model: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """Which definition serves a device; ``rank`` from -100 to 100; ``xml_name`` only in ``database.dat``."""

    id: int
    file_id: int
    device_id: int
    author: str
    rank: int
    xml_name: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """A definition's XML, read. Times in microseconds, ``frequency`` in hertz; ``codes`` are (button, hex)."""

    name: str
    type: str
    bits: int | None
    attributes: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    codes: tuple[tuple[str, str], ...]
    frequency: int = 38_000


@dataclass(frozen=True, slots=True)
class Definition:
    """An XML text by its number; ``remote`` is None when it cannot be read, ``problem`` says why."""

    file_id: int
    xml: str
    remote: Remote | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class IrFile:
    """What was read. ``signature``: the first five bytes of a ``.ir`` file, as hex; ``importable``: the phone takes
    it as it is."""

    kind: Literal["ir", "database"]
    signature: str
    importable: bool
    devices: tuple[Device, ...]
    files: tuple[FileRow, ...]
    definitions: tuple[Definition, ...]
    size: int
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "kind": self.kind, "signature": self.signature, "importable": self.importable,
            "devices": [{"id": one.id, "type": one.type, "vendor": one.vendor, "model": one.model}
                        for one in self.devices],
            "files": [{"id": one.id, "file_id": one.file_id, "device_id": one.device_id, "author": one.author,
                       "rank": one.rank, "xml_name": one.xml_name or None} for one in self.files],
            "definitions": [{
                "file_id": one.file_id, "xml": one.xml, "problem": one.problem or None,
                "remote": None if one.remote is None else {
                    "name": one.remote.name, "type": one.remote.type, "bits": one.remote.bits,
                    "frequency": one.remote.frequency, "flags": list(one.remote.flags),
                    "attributes": dict(one.remote.attributes), "codes": dict(one.remote.codes),
                },
            } for one in self.definitions],
            "problems": [{"code": one.code, "message": one.message, "offset": one.offset} for one in self.problems],
        }  # fmt: skip


class _Cut(Exception):  # noqa: N818 - ends the reading of a table, no error by itself
    """The data end, or a number is impossible: table, row and why."""


class _Cursor:
    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self, what: str, *, signed: bool = False) -> int:
        if self.at + 4 > len(self.data):
            raise _Cut(f"{what}: the data end")
        self.at += 4
        return int.from_bytes(self.data[self.at - 4 : self.at], "little", signed=signed)

    def text(self, what: str, most: int = _MOST_TEXT) -> str:
        size = self.number(f"length of {what}")
        if size > most or self.at + size > len(self.data):
            self.at -= 4
            raise _Cut(f"{what}: {size} bytes are not there" if size <= most else f"{what}: {size} bytes are too many")
        raw = self.data[self.at : self.at + size]
        self.at += size
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return raw.decode("latin-1")


def read_irremote(source: Source) -> IrFile:
    """A ``.ir`` file or a ``database.dat``; what is complete of a damaged one. Raises ``DamagedError``."""
    reading = source.read(0, min(source.size, _MOST_FILE))
    data = reading.data
    if len(data) >= 5 and data[0] in _FIRST and data[1] == 0x12 and data[2] in _THIRD and data[3:5] == b"\x13\x01":
        made = _ir(data)
    elif len(data) >= 8 and data[:4] in (b"\1\0\0\0", b"\2\0\0\0") and _plausible(data):
        made = _database(data)
    else:
        raise DamagedError("that is neither an .ir file nor a database.dat", code="no-irremote", path=source.path)
    if reading.holes:
        lost = sum(end - start for start, end in reading.holes)
        problem = Problem("unread", f"{lost} bytes of it were never read", reading.holes[0][0])
        made = IrFile(made.kind, made.signature, made.importable, made.devices, made.files, made.definitions, made.size,
                      (problem, *made.problems))  # fmt: skip
    return made


def _plausible(data: bytes) -> bool:
    count = int.from_bytes(data[4:8], "little")
    return count <= _MOST_ROWS and (count == 0 or int.from_bytes(data[12:16].ljust(4, b"\0"), "little") <= _MOST_TEXT)


def _ir(data: bytes) -> IrFile:
    problems: list[Problem] = []
    cursor = _Cursor(data, 5)
    devices: list[Device] = []
    files: list[FileRow] = []
    definitions: list[Definition] = []
    try:
        counts = [_counted(cursor, name) for name in ("devices", "file rows", "definitions")]
        for number in range(counts[0]):
            devices.append(_device(cursor, number))
        for number in range(counts[1]):
            files.append(_file(cursor, number, named=False))
        for number in range(counts[2]):
            file_id = cursor.number(f"definition {number + 1}")
            definitions.append(_definition(file_id, cursor.text(f"definition {number + 1}", _MOST_XML)))
    except _Cut as cut:
        problems.append(Problem("cut", str(cut), cursor.at))
    else:
        rest = data[cursor.at :]
        if rest.strip(b"\0"):
            problems.append(Problem("tail", f"{len(rest)} bytes behind the last definition", cursor.at))
    known = {one.file_id for one in definitions}
    problems += _orphans(devices, files, known)
    problems += [Problem("xml", f"definition {one.file_id}: {one.problem}") for one in definitions if one.problem]
    if data[0] != 0x89:
        words = "it begins with 99: the phone was seen to refuse that; 89 is taken"
        problems.append(Problem("signature", words, 0))
    return IrFile("ir", data[:5].hex(" "), data[0] == 0x89, tuple(devices), tuple(files), tuple(definitions), cursor.at,
                  tuple(problems))  # fmt: skip


def _database(data: bytes) -> IrFile:
    problems: list[Problem] = []
    cursor = _Cursor(data, 4)
    devices: list[Device] = []
    files: list[FileRow] = []
    version = int.from_bytes(data[:4], "little")
    if version != 1:
        problems.append(Problem("version", f"version {version}; 1 is known", 0))
    try:
        for number in range(_counted(cursor, "devices")):
            devices.append(_device(cursor, number))
        for number in range(_counted(cursor, "file rows")):
            files.append(_file(cursor, number, named=True))
    except _Cut as cut:
        problems.append(Problem("cut", str(cut), cursor.at))
    else:
        if data[cursor.at :].strip(b"\0"):
            problems.append(Problem("tail", f"{len(data) - cursor.at} bytes behind the last row", cursor.at))
    problems += _orphans(devices, files, None)
    return IrFile("database", "", True, tuple(devices), tuple(files), (), cursor.at, tuple(problems))


def _counted(cursor: _Cursor, what: str) -> int:
    count = cursor.number(f"number of {what}")
    if count > _MOST_ROWS:
        raise _Cut(f"{count} {what} are not believed")
    return count


def _device(cursor: _Cursor, number: int) -> Device:
    what = f"device {number + 1}"
    return Device(cursor.number(what), cursor.text(f"{what} type"), cursor.text(f"{what} vendor"),
                  cursor.text(f"{what} model"))  # fmt: skip


def _file(cursor: _Cursor, number: int, *, named: bool) -> FileRow:
    what = f"file row {number + 1}"
    head = cursor.number(what), cursor.number(what), cursor.number(what), cursor.text(f"{what} author")
    name = cursor.text(f"{what} name") if named else ""
    return FileRow(*head, cursor.number(f"{what} rank", signed=True), name)


def _orphans(devices: list[Device], files: list[FileRow], known: set[int] | None) -> list[Problem]:
    ids = {one.id for one in devices}
    found = [Problem("orphan", f"file row {one.id} names a device {one.device_id} that is not there")
             for one in files if one.device_id not in ids]  # fmt: skip
    if known is not None:
        found += [Problem("orphan", f"file row {one.id} names a definition {one.file_id} that is not there")
                  for one in files if one.file_id not in known]  # fmt: skip
    found += [Problem("rank", f"file row {one.id} has the rank {one.rank}")
              for one in files if not -100 <= one.rank <= 100]  # fmt: skip
    return found


def _definition(file_id: int, xml: str) -> Definition:
    try:
        return Definition(file_id, xml, _remote(xml))
    except (ElementTree.ParseError, ValueError) as error:
        return Definition(file_id, xml, None, str(error))


def _remote(xml: str) -> Remote:
    if "<!" in xml:  # no document type, no entities: nothing that grows when it is read
        raise ValueError("declarations are not taken")
    root = ElementTree.fromstring(xml)
    if root.tag.rpartition("}")[2] != "remote":
        raise ValueError("its root is no remote")

    def every(path: str) -> list[ElementTree.Element]:
        return root.findall("/".join(f"{_SPACE}{part}" for part in path.split("/"))) or root.findall(path)

    codes = tuple((one.get("name", ""), one.get("data", "")) for one in every("codes/code"))
    flags = tuple((one.text or one.get("name") or "").strip() for one in every("flags/flag"))
    bits, frequency = root.get("bits"), root.get("frequency")
    listed = tuple(sorted(root.attrib.items()))
    return Remote(root.get("name", ""), root.get("type", ""), int(bits) if bits else None, listed, flags, codes,
                  int(frequency) if frequency else 38_000)  # fmt: skip


def lirc(remote: Remote) -> str:
    """The remote as a section of ``lircd.conf``. Names that LIRC does not take get underscores."""
    values = dict(remote.attributes)

    def word(text: str) -> str:
        kept = "".join(char if char.isalnum() and char.isascii() or char in "-_+." else "_" for char in text)
        return kept or "unnamed"

    def digits(key: str) -> str | None:
        value = values.get(key, "")
        return value if value.isdecimal() and value.isascii() else None

    lines = ["begin remote", f"  name {word(remote.name)}"]
    lines += [f"  bits {remote.bits}"] if remote.bits is not None else []
    known = [flag for flag in remote.flags if flag.replace("_", "").isalnum() and flag.isascii()]
    lines += [f"  flags {'|'.join(known)}"] if known else []
    lines += [f"  {key} {digits(key)}" for key in ("eps", "aeps") if digits(key)]
    for name, first, second in (("header", "phead", "shead"), ("one", "pone", "sone"), ("zero", "pzero", "szero")):
        if digits(first) and digits(second):
            lines.append(f"  {name} {digits(first)} {digits(second)}")
    lines += [f"  gap {digits('gap')}"] if digits("gap") else []
    lines += [f"  min_repeat {digits('minrepeat')}"] if digits("minrepeat") else []
    lines += [f"  frequency {remote.frequency}", "  begin codes"]
    for name, data in remote.codes:
        if data and all(char in "0123456789abcdefABCDEF" for char in data):
            lines.append(f"    {word(name)} 0x{data.upper()}")
    return "\n".join([*lines, "  end codes", "end remote", ""])


def importable(data: bytes) -> bytes:
    """A ``.ir`` file with the first byte that the phone takes."""
    return b"\x89" + data[1:]


