"""Documents that mean harm: loops, sizes of 2^63, counts of 2^32, random tables. Work is bounded and nothing raises."""

from __future__ import annotations

import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.ole2 import table as tables
from engine.ole2.container import rebuild
from engine.ole2.excel import read_workbook
from engine.ole2.kinds import recognise
from engine.ole2.pictures import pictures
from engine.ole2.read import read_document
from engine.ole2.salvage import powerpoint_text, salvage
from engine.ole2.sheet import header_sheet
from engine.ole2.solver import solve
from engine.ole2.streams import content
from engine.ole2.table import Budget, Table
from engine.ole2.verify import verify
from engine.ole2.word import word_text
from engine.source import Source
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

BASE = write(writer.letter(), Layout())
WIDE = write(writer.letter(), Layout(4096))
NUMBERS = st.sampled_from(
    [0, 1, 2, 7, 60, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFA, 0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF]
)
LIGHT = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Counting(BytesSource):
    """Counts what is read, so that work can be bounded without a clock."""

    reads = 0
    taken = 0

    def read_into(self, offset, buffer):
        self.reads += 1
        self.taken += len(buffer)
        return super().read_into(offset, buffer)


def harmless(data: bytes) -> None:
    source: Source = Counting(data)
    document = read_document(source)
    verify(document, outside=False)
    for stream in document.streams[:50]:
        content(stream, source).read(0, 100)
    best = solve(source).best
    header_sheet(document.header, best)
    if best is not None and best.document.streams:
        for one in list(salvage(best.document))[:50]:
            one.content.read(0, 100)
        if any(one.size and one.state not in ("lost", "crossed") for one in best.document.streams):
            rebuild(best.document).read(0, 2048)
    assert source.taken < 40_000 * max(len(data), 4096) and source.reads < 400_000


@LIGHT
@given(st.lists(st.tuples(st.integers(0, 120), NUMBERS), min_size=1, max_size=12))
def test_header_words(changes):
    data = bytearray(BASE.data)
    for word, value in changes:
        struct.pack_into("<I", data, word * 4, value)
    harmless(bytes(data))


@LIGHT
@given(
    st.lists(st.tuples(st.integers(0, 127), st.one_of(NUMBERS, st.integers(0, 130))), min_size=1, max_size=40),
    st.booleans(),
)
def test_fat_words(changes, wipe):
    data = bytearray(BASE.data)
    at = BASE.offset(BASE.fat[0])
    for word, value in changes:
        struct.pack_into("<I", data, at + word * 4, value)
    if wipe:
        data[:512] = bytes(512)
    harmless(bytes(data))


@LIGHT
@given(
    st.lists(
        st.tuples(
            st.integers(0, 11), st.sampled_from([0x40, 0x42, 0x44, 0x48, 0x4C, 0x74, 0x78, 0x7C]),
            st.one_of(NUMBERS, st.integers(0, 16)),
        ),
        min_size=1, max_size=12,
    ),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_directory_words(changes, wide, wipe):
    made = WIDE if wide else BASE
    data = bytearray(made.data)
    start = made.offset(made.directory[0])
    for entry, field, value in changes:
        at = start + entry * 128 + field
        if at + 4 <= len(data):
            struct.pack_into("<I", data, at, value)
    if wipe:
        data[:512] = bytes(512)
    harmless(bytes(data))


@LIGHT
@given(st.binary(min_size=0, max_size=6000))
def test_anything_at_all(data):
    harmless(data)


@LIGHT
@given(st.binary(min_size=0, max_size=3000), st.sampled_from(["word", "excel", "ppt", "pictures", "kind"]))
def test_contents(data, kind):
    heads = {
        "word": struct.pack("<H", 0xA5EC), "excel": b"\x09\x08\x10\x00\x00\x06\x05\x00", "kind": b"\xfe\xff\x00\x00",
        "ppt": b"\x0f\x00\xe8\x03", "pictures": b"\xff\xd8\xff\xe0",
    }  # fmt: skip
    data = heads[kind] + data
    word_text(data, data)
    read_workbook(data, ((10, 20),))
    list(powerpoint_text(data, ()))
    list(pictures(data))
    recognise(data)


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1, (1 << 32) - 1, 1 << 40])
def test_sizes_that_cannot_be(size):
    data = bytearray(WIDE.data)
    start = WIDE.offset(WIDE.directory[0])
    for entry in range(1, 10):
        if data[start + entry * 128 + 0x42] == 2:
            struct.pack_into("<Q", data, start + entry * 128 + 0x78, size)
    harmless(bytes(data))
    document = read_document(BytesSource(bytes(data)))
    assert all(not one.whole for one in document.streams if one.size == size)


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1, 1 << 45, 1 << 32])
def test_a_mini_stream_that_cannot_be(size):
    for made in (WIDE, BASE):
        data = bytearray(made.data)
        struct.pack_into("<Q", data, made.offset(made.directory[0]) + 0x78, size)
        for sector in made.mini_fat:
            data[made.offset(sector) : made.offset(sector + 1)] = bytes(made.sector)
        harmless(bytes(data))
        data[:512] = bytes(512)
        harmless(bytes(data))


def test_a_loop_through_every_sector_costs_one_walk(monkeypatch):
    count = 1 << 16
    import numpy as np

    words = np.arange(2, count + 2, dtype=np.uint32) % count  # every entry a break: the worst there is
    table = Table(words)
    steps = 0
    real = tables.bisect_left

    def counted(*args):
        nonlocal steps
        steps += 1
        return real(*args)

    monkeypatch.setattr(tables, "bisect_left", counted)
    chain = table.walk(0)
    assert chain.stop == "loop" and steps <= count + 1
    steps = 0
    budget = Budget(1000)
    for start in range(5000):
        table.walk(start, budget)
    assert steps <= 1000 + 5001


def test_a_million_streams_in_one_chain_are_bounded():
    streams = {f"s{number:04d}": bytes(5000) for number in range(300)}
    made = write(streams, Layout())
    data = bytearray(made.data)
    first = None
    for sector in made.directory:  # every stream begins where the first one does
        for slot in range(4):
            at = made.offset(sector) + slot * 128
            if data[at + 0x42] == 2:
                first = first if first is not None else data[at + 0x74 : at + 0x78]
                data[at + 0x74 : at + 0x78] = first
    source = Counting(bytes(data))
    document = read_document(source)
    assert all(one.state == "crossed" for one in document.streams)
    assert source.taken < 4 * len(data)
