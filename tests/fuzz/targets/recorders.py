"""Recorders' disks: probing, every family's reader at every rung, DVD-VR folders, the scan by the MPEG clock."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from engine import dvr
from engine.dvr.clock.inside import described
from engine.dvr.clock.match import propose
from engine.dvr.clock.recordings import titles_of
from engine.dvr.clock.scanning import scan
from engine.dvr.disk import Piece
from engine.dvr.document import recordings_document
from engine.dvr.dvdvr.ifo import parse
from engine.dvr.folder import FolderSource
from engine.dvr.listing import arrange, haystack
from engine.dvr.missing import with_missing
from engine.dvr.recorders import BY_FAMILY
from engine.extract.names import safe_name
from engine.recordings.items import stem
from engine.source import Source, SwapSource
from engine.source.extents import BytesSource
from tests.dvr_disks import ifo, meihdfs, mpeg, pioneer, udf
from tests.dvr_disks.image import Image, when
from tests.fuzz.folder import folder
from tests.fuzz.sparse import SparseSource, packed
from tests.fuzz.target import Target

MOST = 4 << 20
DATE = when(2007, 11, 3, 20, 15, 30)


def _told(recordings: dvr.Recordings, size: int) -> object:
    for title in recordings.titles:
        assert title.duration_s is None or title.duration_s >= 0
        assert "/" not in stem(title)
        assert ".." not in safe_name(stem(title)).split("/")
        for extent in title.extents:
            assert extent.size > 0, title.id
            assert extent.start is None or 0 <= extent.start <= extent.start + extent.size <= size, title.id
    for file in recordings.files:
        assert all(one.start is None or 0 <= one.start <= one.start + one.size <= size for one in file.extents)
    ids = [title.id for title in recordings.titles]
    assert len(ids) == len(set(ids))
    arrange(recordings.titles, order="date", show="all", search="a")
    return recordings, recordings_document(recordings, extents=True), [haystack(one) for one in recordings.titles[:50]]


def _read(source: Source, deep: bool) -> object:
    told = []
    for finding in dvr.probe(source, deep=deep)[:3]:
        recordings = dvr.read(source, finding, deep=deep)
        told.append(_told(with_missing(recordings, recordings.view(source)), source.size))
    return told


def disks(data: bytes) -> object:
    """Probe, then read by each of the best findings; the first byte's lowest bit looks deeper."""
    return _read(SparseSource(data[1:], MOST), bool(data[:1] and data[0] & 1))


@functools.cache
def _images() -> dict[str, Image]:
    made: dict[str, Image] = {}
    for key in pioneer.MODELS:
        titles = [pioneer.Title(b"T%d" % n, [pioneer.File(mpeg.stream(2, n), runs=2)], DATE) for n in range(2)]
        made[key] = pioneer.disk(key, titles, size=600 * 2048, directory=16, data_at=64).image
    built = ifo.build([(b"One", mpeg.stream(4, 1), DATE), (b"Two", mpeg.stream(3, 2), None)], gap_packs=1)
    files = [meihdfs.File("0001.IFO", built.management.panasonic(), blocks=[6]),
             meihdfs.File("0001.VRO", built.vro, blocks=[7])]  # fmt: skip
    made["meihdfs"] = meihdfs.disk("V2.1", files, start=0, size=9 * meihdfs.BLOCK).image
    tree = [udf.File("VR_MANGR.IFO", built.management.standard(), pieces=[30]),
            udf.File("VR_MOVIE.VRO", built.vro, pieces=[40, 90], piece_blocks=40, per_list=1)]  # fmt: skip
    made["udf"] = udf.disk(tree, start=0, size=240 * 2048).image
    made["udf-volume"] = udf.disk(tree, start=0, size=700 * 2048, volume=True).image
    return made


def _thin(image: Image, family: str) -> bytes:
    """The structures as they are; of each pack of the streams its first sixteenth."""
    flat = bytearray(image.size)
    for at, part in image.parts:
        flat[at : at + len(part)] = part
    finding = dvr.probe(BytesSource(bytes(flat)))[0]
    structures = BY_FAMILY[finding.family].read(BytesSource(bytes(flat)), finding, deep=False).structures
    parts = [(low, bytes(flat[low:high])) for low, high in structures]
    for at in range(0, image.size, 2048):
        if flat[at : at + 4] == b"\0\0\1\xba":
            parts.append((at, bytes(flat[at : at + 128])))
    return packed(image.size, parts)


def _disks(*names: str) -> Iterator[bytes]:
    for name, image in _images().items():
        if not names or name.startswith(names):
            yield b"\0" + _thin(image, name)


def by_family(family: str, data: bytes) -> object:
    """The reader of one family alone, also under what its own search finds when the probe finds nothing."""
    deep = bool(data[:1] and data[0] & 1)
    source = SparseSource(data[1:], MOST)
    recorder = BY_FAMILY[family]
    findings = [one for one in dvr.probe(source) if one.family == family]
    findings = findings or list(recorder.search(source, swapped=False, deep=deep))
    return [_told(recorder.read(source, one, deep=deep), source.size) for one in findings[:2]]


def management(data: bytes) -> object:
    """A DVD-VR management file, in either order, in front of a film of any length."""
    sectors = None if data[:1] == b"\0" else int.from_bytes(data[1:3], "little")
    return parse(Piece(0, data[3:]), sectors, lambda sector: (sector % 3 == 0) if data[:1] < b"\x80" else None)


def _managements() -> Iterator[bytes]:
    for management in (_built(2).management, _built(5).management):
        yield b"\0\x40\0" + management.standard()
        yield b"\1\x40\0" + management.panasonic()


def _built(count: int) -> ifo.Built:
    return ifo.build([(b"Name %d" % n, mpeg.stream(2, n), DATE) for n in range(count)], gap_packs=1)


def folders(data: bytes) -> object:
    """A DVD_RTAV folder: its management file, then the film."""
    place = folder("dvd") / "DVD_RTAV"
    place.mkdir(exist_ok=True)
    length = int.from_bytes(data[:2], "little")
    (place / "VR_MANGR.IFO").write_bytes(data[2 : 2 + length])
    (place / "VR_MOVIE.VRO").write_bytes(data[2 + length :])
    with FolderSource(place) as source:
        return _read(source, False)


def _folders() -> Iterator[bytes]:
    built = _built(1)
    head = built.management.standard().rstrip(b"\0")
    yield len(head).to_bytes(2, "little") + head + built.vro[:4096]


def clocks(data: bytes) -> object:
    """Packs of which the input holds the heads: each starts on a sector, its length is the distance to the next."""
    count = min(len(data) // 64, 600)
    flat = bytearray(max(1, count) * 2048 + 512)
    for number in range(count):
        flat[number * 2048 : number * 2048 + 64] = data[number * 64 : number * 64 + 64]
    source: Source = BytesSource(bytes(flat))
    found = scan(source)
    view = SwapSource(source) if found.swapped else source
    pieces = described(view, found)
    for piece in pieces:
        assert 0 <= piece.start < piece.end <= source.size
    return titles_of(propose(pieces, found.unread))


def _clocks() -> Iterator[bytes]:
    for first, second in ((0, 0), (90000 * 300, 5), (1 << 33, 90000)):
        stream = mpeg.stream(80, 1, scr=first % (1 << 33) * 300) + mpeg.stream(80, 2, scr=second * 300)
        heads = [stream[at : at + 64] for at in range(0, len(stream), 2048)]
        yield b"".join(heads)
        yield b"".join(heads[40:] + heads[:40])


def _family(name: str):  # type: ignore[no-untyped-def]
    return lambda data: by_family(name, data)


TARGETS = (
    Target("recorder-disks", disks, lambda: _disks(), runs=30, longest=32768),
    Target("pioneer", _family("pioneer"), lambda: _disks(*pioneer.MODELS), runs=40, longest=24576),
    Target("meihdfs", _family("meihdfs"), lambda: _disks("meihdfs"), runs=40, longest=24576),
    Target("udf", _family("udf"), lambda: _disks("udf"), runs=60, longest=24576),
    Target("dvd-vr", management, lambda: _managements(), runs=500, longest=8192),
    Target("dvd-vr-folder", folders, lambda: _folders(), runs=100, longest=12288),
    Target("mpeg-clock", clocks, lambda: _clocks(), runs=60, longest=24576),
)
