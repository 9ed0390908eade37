"""Text, cells and pictures out of damaged streams, and what is said of what is missing."""

from __future__ import annotations

import struct
import zlib

from engine.ole2.excel import csv_text, read_workbook
from engine.ole2.pictures import pictures
from engine.ole2.read import read_document
from engine.ole2.salvage import salvage
from engine.ole2.word import word_text
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write

TEXT = "Dear t\u00e9sters, first line\rand more. " * 30


def test_word_text_by_pieces_by_header_and_by_search():
    main, table = writer.fib(TEXT, 30_000)
    exact = word_text(main, table)
    assert exact.how == "pieces" and exact.text == TEXT.replace("\r", "\n")
    again = word_text(main, None)
    assert again.how == "header" and again.text == exact.text
    blind = word_text(bytes(0x400) + main[0x400:], None)
    assert blind.how == "search" and "first line" in blind.text


def test_unread_characters_are_marked_not_dropped():
    main, table = writer.fib(TEXT, 30_000)
    found = word_text(main, table, ((0x800 + 20, 0x800 + 60),))
    assert found.lost == 20 and "[20 characters were never read]" in found.text


def test_cells_of_a_workbook():
    book = read_workbook(writer.biff(400))
    assert [sheet.name for sheet in book.sheets] == ["Sheet1"] and not book.skipped
    assert len(book.sheets[0].cells) == 400
    values = set(book.sheets[0].cells.values())
    assert any(value.startswith("text ") for value in values)
    assert csv_text(book.sheets[0]).count("\n") == 50


def test_cells_go_on_behind_a_hole_and_lost_strings_are_told():
    data = writer.biff(400)
    whole = read_workbook(data).sheets[0].cells
    book = read_workbook(data, ((3000, 3300),))
    left = {place: value for sheet in book.sheets for place, value in sheet.cells.items()}
    assert 350 < len(left) < 400 and all(whole[place] == value for place, value in left.items())
    assert book.skipped >= 300
    start = data.index(struct.pack("<H", 0x00FC))
    lost = read_workbook(data, ((start, start + 60),))
    told = [value for sheet in lost.sheets for value in sheet.cells.values() if value.startswith("[lost string")]
    assert lost.lost_strings == len(told) > 0


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(12) for _ in range(4)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_pictures_are_cut_to_their_own_ends():
    picture = png()
    data = b"junk" * 9 + picture + b"more" * 5 + picture[:40]
    found = list(pictures(data))
    assert [(one.extension, one.start, one.end, one.whole) for one in found] == [
        ("png", 36, 36 + len(picture), True), ("png", 36 + len(picture) + 20, len(data), False),
    ]  # fmt: skip


def test_salvage_of_a_document_with_a_hole():
    main, table = writer.fib(TEXT, 30_000)
    streams = {"WordDocument": main, "1Table": table, "Data": bytes(100) + png() + bytes(9000)}
    made = write(streams, Layout())
    at = made.offset(made.chains["WordDocument"][4])
    source = BytesSource(made.data, holes=RangeSet.of(at, at + 512))
    saved = {one.name: one for one in salvage(read_document(source))}
    assert saved["streams/WordDocument"].facts["missing_bytes"] == 512
    assert saved["streams/WordDocument"].content.holes.total == 512
    picture = saved["pictures/Data 0001.png"].content
    assert picture.read(0, picture.size).data == png()
    assert saved["text.txt"].facts["lost_characters"] > 0
