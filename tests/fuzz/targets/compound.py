"""OLE2 documents: the reader, repair with all that follows, what is inside the streams, documents in an image."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from engine.ole2.container import rebuild
from engine.ole2.evidence import gather
from engine.ole2.excel import csv_text, read_workbook
from engine.ole2.kinds import recognise
from engine.ole2.pictures import pictures
from engine.ole2.read import read_document
from engine.ole2.salvage import powerpoint_text, salvage
from engine.ole2.scan import find_documents
from engine.ole2.sector_map import by_chain, by_content
from engine.ole2.sheet import header_sheet
from engine.ole2.solver import solve
from engine.ole2.streams import content
from engine.ole2.triage import triage
from engine.ole2.verify import verify
from engine.ole2.walks import walk_biff, walk_fib, walk_powerpoint, walk_properties, walk_stream
from engine.ole2.word import word_text
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write
from tests.fuzz.target import Target

NAMES = ("WordDocument", "1Table", "Workbook", "Book", "PowerPoint Document", "Current User", "\5SummaryInformation",
         "\1CompObj", "Pictures", "Data")  # fmt: skip


def _small() -> Iterator[bytes]:
    text, table = writer.fib("A short letter. " * 8, 1200)
    streams = {"WordDocument": text, "1Table": table, "\5SummaryInformation": writer.summary(), "small": b"abc" * 30}
    for layout in (Layout(), Layout(tables="front"), Layout(tables="mixed", pieces=3, stale=True), Layout(4096)):
        yield write(streams, layout).data
    yield write({"Workbook": writer.biff(40), "a/b/c": bytes(100)}, Layout()).data
    yield write({"PowerPoint Document": writer.powerpoint(5), "Current User": b"x" * 40}, Layout(marks=False)).data


def document(data: bytes) -> object:
    """Reader, its problems, the streams' contents."""
    source = BytesSource(data)
    read = read_document(source)
    for stream in read.streams[:50]:
        content(stream, source).read(0, 2000)
    return [triage(source), read.problems, [one.name for one in verify(read, outside=True).checks]]


def _first_bytes(data: bytes) -> tuple[bytes, bytes]:
    return data[:1] or b"\0", data[1:]


def repair(data: bytes) -> object:
    """Evidence, the solver, the best candidate's streams saved and its container rebuilt."""
    flags, data = _first_bytes(data)
    if flags[0] & 1:
        data = bytes(min(512, len(data))) + data[512:]
    source = BytesSource(data)
    evidence = gather(source)
    by_content(evidence).cells(0, max(1, len(data)), 40)
    best = solve(source, thorough=bool(flags[0] & 2), evidence=evidence).best
    told: list[object] = []
    if best is not None:
        told.append([header_sheet(None, best), best.document.problems])
        by_chain(best.document, evidence, 0, len(data)).counts()
        for one in list(salvage(best.document))[:50]:
            one.content.read(0, 100)
        if any(one.size and one.state not in ("lost", "crossed") for one in best.document.streams):
            rebuild(best.document).read(0, 2048)
    return told


def _repairs() -> Iterator[bytes]:
    for number, one in enumerate(_small()):
        yield bytes([number & 3]) + one


def streams(data: bytes) -> object:
    """What is in the streams of Word, Excel and PowerPoint, property sets, pictures."""
    kind, data = _first_bytes(data)
    holes = ((10, 20), (600, 700)) if kind[0] & 1 else ()
    which = kind[0] >> 1 & 7
    if which == 0:
        word_text(data, data[len(data) // 2 :], holes)  # goes to a file, not to a terminal
        return None
    if which == 1:
        for sheet in read_workbook(data, holes).sheets[:10]:
            csv_text(sheet)
        return None
    if which == 2:
        return sum(map(len, powerpoint_text(data, holes)))
    if which == 3:
        return sum(1 for _ in pictures(data))
    if which == 4:
        recognise(data)  # its name may begin with a control character, as those of such streams do
        return None
    source = BytesSource(data)
    if which == 5:
        return walk_stream(NAMES[kind[0] >> 4 & 7], source)
    return [walk(source) for walk in (walk_biff, walk_fib, walk_powerpoint, walk_properties)]


def _streams() -> Iterator[bytes]:
    text, table = writer.fib("A short letter. " * 8, 1200)
    for which, body in ((0, text + table), (1, writer.biff(40)), (2, writer.powerpoint(6)), (4, writer.summary()),
                        (3, b"junk" + b"\xff\xd8\xff\xe0" + bytes(64) + b"\xff\xd9"), (6, writer.biff(20)),
                        (6, writer.summary()), (6, text), (6, writer.powerpoint(4))):  # fmt: skip
        yield bytes([which << 1]) + body
        yield bytes([which << 1 | 1]) + body
    for name in range(8):
        yield bytes([5 << 1 | name << 4]) + writer.summary()
    sheet = struct.pack("<HHHHHHII", 0x809, 16, 0x600, 0x10, 0, 0, 0, 0)
    label = struct.pack("<HHHHHHB", 0x204, 11, 0, 0, 0, 2, 0) + b"ab"
    yield bytes([1 << 1]) + sheet + label + struct.pack("<HH", 10, 0)


def image(data: bytes) -> object:
    """Documents anywhere in an image."""
    source = BytesSource(data)
    return [(one.votes, read_document(one.source(source)).problems) for one in find_documents(source)[:5]]


def _images() -> Iterator[bytes]:
    for one in _small():
        yield bytes(1024) + one[:9000]


TARGETS = (
    Target("ole2", document, lambda: _small(), runs=250, longest=32768),
    Target("ole2-repair", repair, lambda: _repairs(), runs=40, longest=32768),
    Target("ole2-streams", streams, lambda: _streams(), runs=800, longest=8192),
    Target("ole2-image", image, lambda: _images(), runs=60, longest=16384),
)
