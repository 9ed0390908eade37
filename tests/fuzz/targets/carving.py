"""Carving: the walker of every type, scans, fragments put together; the look into a file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.carve.carving import carve
from engine.carve.find import Find, make_find
from engine.carve.fragments import REPAIRABLE, Search, repair
from engine.carve.naming import file_name
from engine.carve.outcome import Status
from engine.carve.signatures import table
from engine.carve.view import Reader
from engine.carve.walking import walk
from engine.extract.names import safe_name
from engine.filesystems import media, preview
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.carve import made_files
from tests.engine.carve.made_files import MAKERS, made
from tests.fuzz.target import Target

SIGNATURES = table()
_WORDS = random.Random(3).randbytes(700) + b"words and words " * 20


def _check(find: Find, size: int) -> object:
    name = safe_name(file_name(find))
    assert name.count("/") == 1 and ".." not in name.split("/")
    assert all(0 <= start < start + count <= size for start, count in find.extents), find
    document = find.to_json()
    assert Find.from_json(document).to_json() == document
    return name, find.reason, find.kind, find.extension


def walkers(data: bytes) -> object:
    """The walker of the type that the first byte names, over the rest; the second byte lays a hole."""
    if len(data) < 3:
        return None
    signature, hole, body = SIGNATURES[data[0] % len(SIGNATURES)], data[1], data[2:]
    if not signature.matches(body[signature.offset :]):  # a scan hands over nothing else
        at = signature.offset
        body = body[:at].ljust(at, b"\0") + signature.magic + body[at + len(signature.magic) :]
    holes = RangeSet.of(hole * 16, hole * 16 + 16) if hole else RangeSet()
    source = BytesSource(body, holes=holes)
    outcome = walk(Reader(source), 0, signature)
    if outcome is None:
        return None
    assert outcome.end > 0
    assert outcome.status is not Status.COMPLETE or outcome.end <= len(body)
    return _check(make_find(signature, 0, replace(outcome, end=min(outcome.end, len(body)))), len(body))


SMALL: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: made_files.picture("JPEG", (24, 16)),
    "progressive": lambda: made_files.picture("JPEG", (24, 16), progressive=True),
    "png": lambda: made_files.picture("PNG", (24, 16)),
    "gif": lambda: made_files.picture("GIF", (24, 16)),
    "bmp": lambda: made_files.picture("BMP", (12, 8)),
    "tiff": lambda: made_files.picture("TIFF", (12, 8)),
    "webp": lambda: made_files.picture("WEBP", (24, 16)),
    "icon": lambda: made_files.picture("ICO", (16, 16)),
    "jpeg2000": lambda: made_files.picture("JPEG2000", (24, 16)),
    "gzip": lambda: gzip.compress(_WORDS),
    "bzip2": lambda: bz2.compress(_WORDS),
    "xz": lambda: lzma.compress(_WORDS),
    "zlib": lambda: zlib.compress(_WORDS),
    "ogg": lambda: made_files.ogg_pages(2),
    "mp3": lambda: made_files.mp3_frames(4),
    "ts": lambda: made_files.packets(12),
}


def _files() -> Iterator[bytes]:
    for name in sorted({*MAKERS, *SMALL}):
        if name != "elf":
            yield SMALL[name]() if name in SMALL else made(name)
    yield made("elf")[:4096]


def _walkers() -> Iterator[bytes]:
    """A small file of each type there is a maker for, and the magic of every type before a little of anything."""
    for body in _files():
        for number, one in enumerate(SIGNATURES):
            if one.matches(body[one.offset :]):
                yield bytes([number, 0]) + body[:12000]
    filler = bytes(8) + b"\0\0\0\1" + bytes(range(64)) + bytes(200)
    for number, one in enumerate(SIGNATURES):
        yield bytes([number, 0]) + bytes(one.offset) + one.magic + filler


def scans(data: bytes) -> object:
    """A scan by blocks, or at every byte; the finds and what they are called."""
    flags, body = (data[0] if data else 0), data[1:]
    holes = RangeSet.of(512, 1024) if flags & 2 else RangeSet()
    source = BytesSource(body, holes=holes)
    finds = carve(source, SIGNATURES, block=512, everywhere=bool(flags & 1))
    return [_check(find, len(body)) for find in finds]


def _scans() -> Iterator[bytes]:
    files = list(_files())
    for number in range(0, len(files) - 2, 3):
        image = b"".join(
            one[:5000].ljust(-(-min(5000, len(one)) // 512) * 512, b"\0") for one in files[number : number + 3]
        )
        yield bytes([number & 3]) + image


def pieces(data: bytes) -> object:
    """A file in two pieces: what is put together is inside the image."""
    if not data:
        return None
    kinds = [one for one in SIGNATURES if one.kind in REPAIRABLE]
    signature, body = kinds[data[0] % len(kinds)], data[1:]
    source = BytesSource(body)
    outcome = walk(Reader(source), 0, signature)
    if outcome is None or outcome.status is Status.COMPLETE:
        return None
    find = make_find(signature, 0, replace(outcome, end=max(1, min(outcome.end, len(body)))))
    search = Search(cluster=512, most_gap=8, most_trials=300)
    mended = repair(source, find, signature, search)
    return None if mended is None else _check(mended, len(body))


def _pieces() -> Iterator[bytes]:
    kinds = [one for one in SIGNATURES if one.kind in REPAIRABLE]
    for body in _files():
        for number, one in enumerate(kinds):
            if one.matches(body[one.offset :]) and len(body) > 600:
                cut = min(len(body), 8000) // 2 // 512 * 512 or 512
                yield bytes([number]) + body[:cut] + random.Random(4).randbytes(1024) + body[cut:8000]


def looks(data: bytes) -> object:
    """The text of a file as a screen shows it, and the playing time in its header. Pictures have a test of their own:
    they are decoded in a process of theirs."""
    kinds = sorted(media._KINDS)
    hole = RangeSet.of(64, 96) if data[:1] > b"\x80" else RangeSet()
    source = BytesSource(data[1:], holes=hole)
    media.seconds(source, kinds[data[0] % len(kinds)] if data else "")
    return preview._text(data[1:], hole.clip(0, max(0, len(data) - 1)))


def _looks() -> Iterator[bytes]:
    for number, body in enumerate(_files()):
        yield bytes([number]) + body[:4000]
    yield b"\x90" + "Zeile äöü\r\n\x1b[31m".encode() * 20
    yield b"\0\xff\xfe" + "utf-16 \u202e text\n".encode("utf-16-le") * 9


TARGETS = (
    Target("carve-walkers", walkers, lambda: _walkers(), runs=1200, longest=16384),
    Target("carve-scan", scans, lambda: _scans(), runs=60, longest=16384),
    Target("carve-pieces", pieces, lambda: _pieces(), runs=60, longest=12288),
    Target("file-looks", looks, lambda: _looks(), runs=400, longest=8192),
)
