"""Files in more than one piece: where a checksum or a decoder says that it broke, gaps are tried until it is right.

Checksum-guided search: a file leaves its place at a cluster border at or before the break and goes on some clusters
later. Formats that check themselves decide; nothing is believed that only looks right.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.carve.find import Find
from engine.carve.layout import Layout
from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, Status
from engine.carve.strict import decodes, roughness
from engine.carve.view import Reader
from engine.carve.walking import walk
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet

if TYPE_CHECKING:
    from engine.carve.signatures import Signature
    from engine.source.base import Source

REPAIRABLE = frozenset(
    (
        "png",
        "mng",
        "jng",
        "zip",
        "odf",
        "ooxml",
        "epub",
        "jar",
        "apk",
        "kmz",
        "gzip",
        "bzip2",
        "xz",
        "jpeg",
        "flac",
        "ogg",
        "7z",
        "rar",
    )
)
_MOST_FILE = 64 << 20
_TEXT = bytes((9, 10, 13, *range(32, 127)))
_BACK = 24
"""Clusters before the noticed break in which the real one is looked for first: decoders go on a little on wrong data,
and on very regular data for long, so that everything before is tried after that."""
_NEAR_GAP = 128
"""Clusters: gaps up to this are tried before larger ones."""
_MORE_PIXELS = 400_000_000
"""A picture has no checksum: after one join that decodes, others are tried until so much was decoded again."""


@dataclass(frozen=True, slots=True)
class Search:
    """``cluster``: bytes, a power of two; ``most_gap``: clusters; ``taken``: bytes that belong to other whole files."""

    cluster: int = 4096
    most_gap: int = 4096
    taken: RangeSet = RangeSet()
    most_pieces: int = 4
    most_trials: int = 200_000


def repair(
    source: Source, find: Find, signature: Signature, search: Search, reporter: Reporter = SILENT
) -> Find | None:
    """The find put together from pieces, or None. Raises ``CancelledError``."""
    layout = Layout((), find.start)
    trials = _Trials(search.most_trials, reporter)
    reader = Reader(source)
    for _ in range(search.most_pieces - 1):
        outcome = _walked(source, layout, signature)
        if outcome is None or (outcome.status is Status.COMPLETE and _right(source, layout, outcome, signature)):
            break
        step = _step(source, reader, layout, outcome, signature, search, trials)
        if step is None:
            return None
        layout, outcome = step
        if outcome.status is Status.COMPLETE:
            return _made(find, layout, outcome)
    return None


def _made(find: Find, layout: Layout, outcome: Outcome) -> Find:
    extents = layout.extents(outcome.end)
    return replace(
        find, kind=outcome.kind or find.kind, extension=outcome.extension or find.extension, extents=extents,
        status=Status.COMPLETE, confidence=outcome.confidence,
        reason=f"{len(extents)} pieces; {outcome.reason}", at=None, name=outcome.name or find.name,
        modified=outcome.modified, facts=dict(outcome.facts),
    )  # fmt: skip


class _Trials:
    """Counts trials, and asks now and then whether to stop."""

    def __init__(self, most: int, reporter: Reporter) -> None:
        self.left, self._reporter = most, reporter

    def one(self) -> bool:
        """Whether another trial may be made."""
        self.left -= 1
        if not self.left % 256:
            check(self._reporter)
        return self.left > 0


def _walked(source: Source, layout: Layout, signature: Signature, most: int = _MOST_FILE) -> Outcome | None:
    return walk(Reader(layout.source(source, most)), 0, signature)


def _right(source: Source, layout: Layout, outcome: Outcome, signature: Signature) -> bool:
    if signature.kind != "jpeg":
        return outcome.confidence >= CHECKED
    return decodes(layout.source(source, _MOST_FILE).read(0, outcome.end).data) is not False


def _step(
    source: Source, reader: Reader, layout: Layout, outcome: Outcome, signature: Signature, search: Search,
    trials: _Trials,
) -> tuple[Layout, Outcome] | None:  # fmt: skip
    """One gap more: the layout that brings the file to its end, or farther than the break."""
    broken = outcome.at if outcome.at is not None else outcome.end
    make_quick = _QUICK.get(signature.kind)
    quick = make_quick() if make_quick is not None else None
    best: tuple[Layout, Outcome] | None = None
    joins = _Joins()
    for cut in _cuts(source, reader, layout, outcome, broken, signature, search):
        if not trials.one() or joins.enough:
            break
        place, gap = cut
        if search.taken.overlaps(place + gap, place + gap + 1):
            continue
        tried = layout.cut(place, gap)
        if quick is not None and not quick(source, layout, place, gap):
            continue
        found = _walked(source, tried, signature)
        if found is None:
            continue
        if signature.kind == "jpeg":
            if found.status is Status.COMPLETE:
                joins.look(source, tried, found)
            continue
        if found.status is Status.COMPLETE and _right(source, tried, found, signature):
            return tried, found
        reached = found.at if found.at is not None else found.end
        gained = reached - max(broken, tried.length)
        if gained >= 2 * search.cluster and (best is None or reached > (best[1].at or 0)):
            best = (tried, found)
    return joins.best() or best


class _Joins:
    """Joins of a picture that its decoder takes without a warning; the smoothest of them is the likeliest."""

    def __init__(self) -> None:
        self._found: list[tuple[float, Layout, Outcome]] = []
        self._pixels = 0

    @property
    def enough(self) -> bool:
        """Whether enough others were tried after the first that decodes."""
        return bool(self._found) and self._pixels > _MORE_PIXELS

    def look(self, source: Source, layout: Layout, outcome: Outcome) -> None:
        """Decode one join; what decodes is kept."""
        if self._found:
            self._pixels += int(outcome.facts.get("width", 1)) * int(outcome.facts.get("height", 1))
        rough = roughness(layout.source(source, _MOST_FILE).read(0, outcome.end).data)
        if rough is not None:
            self._found.append((rough, layout, outcome))

    def best(self) -> tuple[Layout, Outcome] | None:
        """The smoothest join; when others decode as well, it is not called sure."""
        if not self._found:
            return None
        _, layout, outcome = min(self._found, key=lambda one: one[0])
        others = len({one[1] for one in self._found}) - 1
        if others:
            words = f"decoded without a warning, as {others} other joins are; the smoothest picture was taken"
            return layout, replace(outcome, confidence=SIZED, reason=words)
        words = "decoded without a warning, and no other join is; a picture has no checksum"
        return layout, replace(outcome, confidence=WALKED, reason=words)


def _cuts(
    source: Source, reader: Reader, layout: Layout, outcome: Outcome, broken: int, signature: Signature, search: Search
) -> Iterator[tuple[int, int]]:
    """(place on the disk where the file breaks off, gap in bytes), the likeliest first."""
    if signature.kind == "png":
        known = list(_png_gaps(source, layout, outcome.good, search))
        if known:
            yield from known
            return
    if signature.kind == "zip":
        known = list(_zip_gaps(source, layout, outcome, broken, search))
        if known:
            yield from known
            return
    cluster = search.cluster
    last = -(-layout.place(broken) // cluster) * cluster
    first = -(-max(layout.tail, layout.place(0) + 1) // cluster) * cluster
    places = [place for place in range(last, first - 1, -cluster) if place > layout.tail or layout.settled]
    near, far = places[: _BACK + 1], places[_BACK + 1 :]
    dull = [] if signature.kind == "png" else list(_dull(reader, layout, broken, cluster))
    small, large = (1, min(_NEAR_GAP, search.most_gap)), (_NEAR_GAP + 1, search.most_gap)
    for some, (low, high) in ((dull, small), (near, small), (far, small), (dull, large), (near, large), (far, large)):
        for place in some:
            for count in range(low, high + 1):
                if place + count * cluster >= source.size:
                    break
                yield place, count * cluster


def _dull(reader: Reader, layout: Layout, broken: int, cluster: int) -> Iterator[int]:
    """The first cluster of zeros or text among compressed data: where a gap begins, most likely."""
    end = layout.place(broken)
    place = -(-(layout.tail + 1) // cluster) * cluster
    while place <= end:
        data, _ = reader.read(place, min(cluster, 4096))
        if data and (len(set(data)) <= 16 or not data.translate(None, _TEXT)):
            yield place
            return
        place += cluster


def _png_gaps(source: Source, layout: Layout, good: int, search: Search) -> Iterator[tuple[int, int]]:
    """The chunk at ``good`` has a wrong CRC: where its end would have to be, another chunk's head shows the gap."""
    cluster = search.cluster
    at = layout.place(good)
    head = source.read(at, 8).data
    length = int.from_bytes(head[:4], "big") if len(head) == 8 else 1 << 31
    border = -(-at // cluster) * cluster
    if length > 1 << 26 or not head[4:8].isalpha():
        for count in range(1, search.most_gap + 1):
            yield border, count * cluster
        return
    end = at + 12 + length
    kinds = (b"IDAT", b"IEND", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"gAMA", b"PLTE", b"pHYs", b"cHRM", b"sRGB", b"iCCP",
             b"bKGD", b"tRNS", b"eXIf", b"fdAT", b"fcTL", b"acTL")  # fmt: skip
    for count in range(1, search.most_gap + 1):
        gap = count * cluster
        following = source.read(end + gap, 8).data
        last = head[4:8] == b"IEND"
        if not last and following[4:8] not in kinds:
            continue
        place = max(border, -(-(at + 1) // cluster) * cluster)
        while place < end:
            yield place, gap
            place += cluster
        yield place, gap


def _zip_gaps(
    source: Source, layout: Layout, outcome: Outcome, broken: int, search: Search
) -> Iterator[tuple[int, int]]:
    """The end record tells where the directory stands in the file; where it stands on the disk gives the gap."""
    cluster, start = search.cluster, layout.place(outcome.good)
    most = min(source.size, start + search.most_gap * cluster + _MOST_FILE)
    position, overlap = start, b""
    while position < most:
        data = overlap + source.read(position, min(4 << 20, most - position)).data
        base = position - len(overlap)
        at = data.find(b"PK\x05\x06")
        while at >= 0 and at + 22 <= len(data):
            size = int.from_bytes(data[at + 12 : at + 16], "little")
            offset = int.from_bytes(data[at + 16 : at + 20], "little")
            if offset == 0xFFFFFFFF and at >= 76 and data[at - 20 : at - 16] == b"PK\x06\x07":
                size = int.from_bytes(data[at - 36 : at - 28], "little") + 76
                offset = int.from_bytes(data[at - 28 : at - 20], "little")
            directory = base + at - size
            gap = directory - layout.place(0) - offset
            settled = layout.tail - layout.place(0) - layout.length if layout.settled else 0
            gap -= settled
            if (
                gap > 0
                and not gap % cluster
                and offset + size < _MOST_FILE
                and source.read(directory, 4).data == b"PK\x01\x02"
            ):
                last = -(-layout.place(broken) // cluster) * cluster
                first = -(-max(layout.tail + 1, layout.place(outcome.good)) // cluster) * cluster
                for place in range(last, first - 1, -cluster):
                    yield place, gap
                for place in range(last + cluster, directory - gap + 1, cluster):
                    yield place, gap
                return
            at = data.find(b"PK\x05\x06", at + 4)
        overlap = data[-128:]
        position += min(4 << 20, most - position)


def _quick_jpeg(source: Source, _layout: Layout, place: int, gap: int) -> bool:
    """Compressed data after the gap: no zeros, no text, no other file's head."""
    data = source.read(place + gap, 512).data
    return len(set(data)) > 120 and not data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"PK\x03\x04", b"%PDF"))


class _GzipQuick:
    """Feeds the decoder, stopped at the border, with what lies behind the gap."""

    def __init__(self) -> None:
        self._key: tuple[int, tuple[tuple[int, int], ...], int] | None = None
        self._engine: zlib._Decompress | None = None

    def __call__(self, source: Source, layout: Layout, place: int, gap: int) -> bool:
        key = (id(source), layout.settled, place)
        if key != self._key:
            self._key, self._engine = key, self._at(source, layout, place)
        if self._engine is None:
            return False
        engine = self._engine.copy()
        try:
            for at, size in ((0, 1 << 10), (1 << 10, 15 << 10), (16 << 10, 48 << 10)):
                engine.decompress(engine.unconsumed_tail + source.read(place + gap + at, size).data, 1 << 20)
        except zlib.error:
            return False
        return True

    @staticmethod
    def _at(source: Source, layout: Layout, place: int) -> zlib._Decompress | None:
        cut = layout.cut(place, 0)
        engine = zlib.decompressobj(31)
        data = layout.source(source, place - layout.tail).read(0, cut.length).data
        try:
            for at in range(0, len(data), 64 << 10):
                feed = data[at : at + (64 << 10)]
                while feed:
                    engine.decompress(feed, 1 << 20)
                    feed = engine.unconsumed_tail
        except zlib.error:
            return None
        return None if engine.eof else engine


_Quick = Callable[["Source", Layout, int, int], bool]
_QUICK: dict[str, Callable[[], _Quick]] = {"jpeg": lambda: _quick_jpeg, "gzip": _GzipQuick}
