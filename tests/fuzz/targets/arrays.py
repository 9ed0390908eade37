"""RAID members: superblocks of every kind, the detection from beginning to end, descriptions; strange sectors."""

from __future__ import annotations

import json
from collections.abc import Iterator

from engine.errors import RescueError
from engine.raid.description import load_array, load_view
from engine.raid.detect import detect
from engine.raid.metadata.read import read_supers
from engine.raid.saved import from_json
from engine.raid.witness import Witness, common_bases, from_metadata
from engine.sectors.detect import detect as detect_sectors
from engine.sectors.protection import check_guards
from engine.source import SectorSource, parse_sector_format
from engine.source.extents import BytesSource
from tests.engine.raid import test_metadata as metadata
from tests.engine.raid import writer
from tests.engine.sectors.writer import convert
from tests.fuzz.folder import folder
from tests.fuzz.sparse import SparseSource, packed
from tests.fuzz.target import Target

MIB = 1 << 20


def supers(data: bytes) -> object:
    """The superblocks of one disk, also as a set of three of it."""
    source = SparseSource(data, 64 * MIB)
    found = read_supers(source)
    witness = Witness((found, found, found))
    common_bases([found] * 3)
    return found, [one.to_json() for one in found], from_metadata([source] * 3, witness), witness.geometries()


def _supers() -> Iterator[bytes]:
    size = 8 * MIB
    for kind, at in metadata.places(size).items():
        yield packed(size, [(at, metadata.md090(1) if kind == "md-0.90" else metadata.md1(2, at=at // 512))])
    head, area = metadata.ddf(1, 4, 65536, 3, 0, size // 512)
    yield packed(size, [(size - 512, head), (size - 100 * 512, area)])
    disk = metadata.ldm_disk(1)
    yield packed(disk.size, [(0, disk.read(0, disk.size).data)])


def members(data: bytes) -> object:
    """Three members cut out of the input in turn, repeated until they are large enough for the statistics."""
    flags, body = (data[0] if data else 0), data[1:]
    if not body:
        return None
    third = max(1, len(body) // 3)
    parts = [(body[n * third : n * third + third] * (65536 // third + 1))[:65536] for n in range(3)]
    if flags & 1:
        parts[2] = bytes(a ^ b for a, b in zip(parts[0], parts[1], strict=True))
    found = detect([BytesSource(part, path=f"m{n}") for n, part in enumerate(parts)], budget=1 << 20)
    saved = json.loads(json.dumps(found.to_json()))
    assert from_json(saved).verdict == found.verdict
    return found


def _members() -> Iterator[bytes]:
    import random

    volume = random.Random(2).randbytes(3000) + bytes(2000) + b"text and more text " * 300
    laid = writer.lay(volume[: len(volume) // 1024 * 1024], 3, 512, "left-symmetric")
    yield b"\0" + b"".join(bytes(one) for one in laid.members)
    yield b"\1" + volume


def descriptions(data: bytes) -> object:
    """``x.array`` and ``x.sectors`` as anybody may have written them; the text of a sector format."""
    place = folder("arrays")
    told: list[object] = []
    for name, load in (("x.array", load_array), ("x.sectors", load_view)):
        (place / name).write_bytes(data)
        try:
            load(place / name)
        except RescueError as error:
            told.append(error.message)
    try:
        parse_sector_format(data[:60].decode("latin-1"))
    except RescueError as error:
        told.append(error.message)
    return told


def _descriptions() -> Iterator[bytes]:
    member = {"path": "disk1.img", "size": 1 << 20, "map": None, "sector_size": None}
    drives = [{"member": n + 1, "data_offset": 0} for n in range(2)] + [{"member": None, "data_offset": 0}]
    yield json.dumps({
        "format": "rescuedeck-array", "version": 1, "layout": "left-symmetric", "strip_size": 65536, "delay": 1,
        "first_delay": 1, "rows": None, "drives": drives, "members": [member, {**member, "path": "b"}], "note": "n",
    }).encode()  # fmt: skip
    yield json.dumps({"format": "rescuedeck-sectors", "version": 1, **member, "sector_size": "520@8"}).encode()
    yield b"520:512@16"


def sectors(data: bytes) -> object:
    """Size, phase and guards of strange sectors."""
    source = BytesSource(data)
    found = detect_sectors(source)
    told: list[object] = [found, found.to_json()]
    if found.format is not None:
        with SectorSource(source, found.format) as view:
            view.read(0, 4096)
        if found.protection is not None:
            told.append(check_guards(source, found.format, found.protection))
    return told


def _sectors() -> Iterator[bytes]:
    plain = (b"FILE0\0\3\0".ljust(1024, b"\1") + b"some prose of a file. " * 93 + bytes(1024)) * 3
    plain = plain[: len(plain) // 512 * 512]
    for raw, kind in ((520, "t10"), (520, "zero"), (528, "zero")):
        try:
            yield convert(plain, raw, kind, before=8)
        except (KeyError, ValueError, AssertionError):
            continue


TARGETS = (
    Target("raid-superblocks", supers, lambda: _supers(), runs=300, longest=16384),
    Target("raid-detection", members, lambda: _members(), runs=40, longest=24576),
    Target("raid-description", descriptions, lambda: _descriptions(), runs=800, longest=4096),
    Target("sector-sizes", sectors, lambda: _sectors(), runs=60, longest=16384),
)
