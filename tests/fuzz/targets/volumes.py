"""Files in a volume: our own readers of its structures, and the whole index through the worker process, which may
crash or hang over it: what is fuzzed is that its owner does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime

from engine.demo.fat import DemoFile, FatVolume
from engine.errors import RescueError
from engine.extract.names import safe_name
from engine.filesystems import kinds, reader, slack
from engine.filesystems.build import build
from engine.filesystems.content import Contents
from engine.filesystems.hits import files_hit
from engine.filesystems.index import Index
from engine.filesystems.layout.ntfs import shorter_streams
from engine.filesystems.layout.table import copies_of, layout_of
from engine.filesystems.reading import CarefulSource, MirrorSource
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.fuzz.folder import folder
from tests.fuzz.sparse import SparseSource, packed
from tests.fuzz.target import Target
from tests.fuzz.volumes import volume_parts

MIB = 1 << 20
FAMILIES = ("fat12", "fat16", "fat32", "exfat", "ntfs", "ext2", "ext3", "ext4", "hfs+")
_WHEN = datetime(2020, 1, 1)  # noqa: DTZ001 - FAT keeps local time without a zone


def layouts(data: bytes) -> object:
    """The structures of the family that the first byte names; the volume's own files lie where the second says."""
    if len(data) < 3:
        return None
    family, at = FAMILIES[data[0] % len(FAMILIES)], data[1] * 4096
    source = CarefulSource(SparseSource(data[2:], 64 * MIB))
    copies = copies_of(source)
    MirrorSource(source, copies).read(0, min(source.size, 4096))
    runs = [(at, 8192), (at + 65536, 4096)] if data[1] else []
    inside = [(start, min(size, source.size - start)) for start, size in runs if start < source.size]
    made = layout_of(source, family, lambda name: inside if "$" in name or "bitmap" in name.lower() else ())
    if data[0] & 0x80:
        shorter_streams(source, inside, 1024)
    if made is None:
        return None
    for number in (0, 1, 5, 1 << 20, 1 << 40):
        place = made.record(number)
        assert place is None or place[0] >= 0
    return [area.what for area in made.areas[:1000]], made.family


def _fat(bits: int) -> bytes:
    """A volume with files, one of them deleted, as an input."""
    volume = FatVolume(bits=bits, sectors=9000 if bits == 16 else 70000, cluster_sectors=1, hidden=0, label="FUZZ",
                       serial=7)  # fmt: skip
    files = [DemoFile("a.txt", b"text " * 300, _WHEN), DemoFile("folder/A longer name than eight.bin", b"x", _WHEN),
             DemoFile("folder/gone.txt", b"deleted " * 90, _WHEN, deleted=True)]  # fmt: skip
    parts = [(sector * 512, part) for sector, part in volume.write(files)]
    return packed(volume.sectors * 512, parts)


def _volumes() -> Iterator[tuple[int, bytes]]:
    for bits in (16, 32):
        yield (1 if bits == 16 else 2), _fat(bits)
    for number, family in enumerate(FAMILIES):
        parts = volume_parts(family)
        if parts:
            yield number, packed(-(-max(at + len(part) for at, part in parts) // MIB) * MIB, parts)


def _layouts() -> Iterator[bytes]:
    for number, body in _volumes():
        yield bytes([number, 0]) + body
        yield bytes([number, 16]) + body
        yield bytes([0x80 + (number - 0x80) % 9 if number == 4 else number, 4]) + body


def index(data: bytes) -> object:
    """Everything a screen does with a volume."""
    where = folder("index") / "index.sqlite"
    with SparseSource(data, 16 * MIB) as source:
        build(source, where)
        made = Index(where)
        told: list[object] = [made.problems]
        try:
            files_hit(made, RangeSet.of(0, source.size // 3))
            slack.slack(made, source.size)
            slack.unallocated(made)
            with Contents(made, source) as contents:
                for entry in list(made.everything("WHERE id > 1"))[:200]:
                    name = safe_name(made.path(entry))
                    assert not {"", ".", ".."} & set(name.split("/"))
                    if entry.kind == kinds.FILE and entry.size is not None and entry.size < 1 << 40:
                        try:
                            content = contents.open(entry)
                            content.read(0, 4096)
                            content.read(max(0, content.size - 100), 100)
                        except RescueError as error:
                            told.append(error.message)
        finally:
            made.close()
    return told


def _indexes() -> Iterator[bytes]:
    for _number, body in _volumes():
        yield body


class _Hostile(reader.Reader):
    """A worker that says whatever the input holds, and then hangs up."""

    said = b""

    def _start(self, kind: str | None) -> None:
        self.close()
        mine, his = socket.socketpair()
        mine.settimeout(reader.QUIET_S)
        his.setblocking(False)
        his.send(self.said[:100_000])
        his.shutdown(socket.SHUT_WR)
        self._line, self._his = mine, his
        self._ask(b"o", {"size": self._source.size, "sector": 512, "kind": kind})

    def close(self) -> None:
        super().close()
        his = getattr(self, "_his", None)
        if his is not None:
            his.close()


def answers(data: bytes) -> object:
    """The owner's side of the line to the worker."""
    hostile = type("_Said", (_Hostile,), {"said": data})
    reader.QUIET_S = 0.01  # all that it ever says is there already
    try:
        with hostile(BytesSource(bytes(4096))) as opened:
            for row in opened.list([opened.facts.root, 5]):
                assert isinstance(row, (reader.Row, reader.Listed))
            opened.stat(3)
            opened.content(3, 1, 0, 0, 100)
    except reader.WorkerDied:
        return None
    finally:
        reader.QUIET_S = HUNG_S
    return None


def _message(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "little") + payload


def _answers() -> Iterator[bytes]:
    facts = b'{"type": 8, "block_size": 512, "blocks": 90, "root": 2, "first": 2, "last": 99, "id": "aa"}'
    opened = _message(b"O", facts)
    rows = b'[[2, "name", 1, 5, 7, 0, [1, 2, 3, 4, 5, 6, 7, 8, 9], [[128, 0, "", 700, 3, 1]], null], [2, null, null]]'
    runs = b"".join(n.to_bytes(8, "little", signed=True) for n in (0, 9, 2, 0))
    listed = _message(b"F", rows) + _message(b"X", runs) + _message(b"D", b"")
    yield opened + listed + listed + _message(b"C", b"content")
    yield opened + listed
    yield _message(b"R", (0).to_bytes(8, "little") + (512).to_bytes(4, "little")) + opened + _message(b"E", b'"no"')


# A hung worker costs so long, not a minute.
HUNG_S = reader.QUIET_S = 2.0

TARGETS = (
    Target("volume-layouts", layouts, lambda: _layouts(), runs=400, longest=16384),
    Target("volume-index", index, lambda: _indexes(), runs=8, longest=32768),
    Target("worker-answers", answers, lambda: _answers(), runs=120, longest=4096),
)
