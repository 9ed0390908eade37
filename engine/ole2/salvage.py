"""Stream by stream: what can be taken out of a document that cannot be made whole, and text, cells and pictures of
it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.ole2.excel import csv_text, read_workbook
from engine.ole2.model import Document, Stream
from engine.ole2.pictures import pictures
from engine.ole2.streams import content
from engine.ole2.word import word_text
from engine.source import Source
from engine.source.extents import BytesSource, Extent, ExtentSource
from engine.text import safe_text

MAX_PARSED = 256 << 20
"""Streams larger than this are written, but not parsed for text or cells."""
_CARRIERS = ("Data", "Pictures", "WordDocument", "Workbook", "Book", "PowerPoint Document", "1Table", "0Table")


@dataclass(frozen=True, slots=True)
class Saved:
    """One file to be. ``kind``: ``stream``, ``text``, ``cells`` or ``picture``; ``of`` is the stream it comes from."""

    name: str
    kind: str
    of: str
    content: Source
    facts: Mapping[str, Any] = field(default_factory=dict)


def salvage(document: Document, *, derived: bool = True) -> Iterator[Saved]:
    """Every stream of which there is anything; with ``derived`` also text, cells and pictures. Problems are facts."""
    for stream in document.streams:
        if stream.state == "lost":
            continue
        facts = {
            "stream": safe_text(stream.name), "state": stream.state, "size": stream.size,
            "missing_bytes": stream.missing, "guessed": stream.guessed,
        }  # fmt: skip
        yield Saved("streams/" + _file_name(stream), "stream", stream.name, content(stream, document.source), facts)
    if derived:
        for stream in document.streams:
            if stream.state not in ("lost", "crossed") and stream.size and stream.size <= MAX_PARSED:
                yield from _derived(document, stream)


def _file_name(stream: Stream) -> str:
    """Control characters in front of a name (such as 05 of SummaryInformation) as ``[5]``."""
    parts = []
    for part in stream.path:
        part = part or "unnamed"
        parts.append("".join(f"[{ord(char)}]" if ord(char) < 32 else "_" if char == "/" else char for char in part))
    return "/".join(parts)


def _derived(document: Document, stream: Stream) -> Iterator[Saved]:
    name = stream.path[-1]
    above = "/".join(_file_name(stream).split("/")[:-1])
    place = f"{above}/" if above else ""
    if name == "WordDocument":
        yield from _word(document, stream, place)
    elif name in ("Workbook", "Book"):
        yield from _excel(document, stream, place)
    elif name == "PowerPoint Document":
        yield from _powerpoint(document, stream, place)
    if name in _CARRIERS or stream.guessed:
        yield from _pictures(document, stream, place)


def _read(document: Document, stream: Stream) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    source = content(stream, document.source)
    reading = source.read(0, source.size)
    return reading.data, reading.holes


def _word(document: Document, stream: Stream, place: str) -> Iterator[Saved]:
    data, holes = _read(document, stream)
    wanted = "1Table" if len(data) > 11 and data[11] & 2 else "0Table"
    table = next((s for s in document.streams if s.path == (*stream.path[:-1], wanted) and s.state == "whole"), None)
    table_data = _read(document, table)[0] if table is not None and table.size <= MAX_PARSED else None
    found = word_text(data, table_data, holes)
    if found.text.strip():
        facts = {"how": found.how, "lost_characters": found.lost, "table": wanted if table is not None else None}
        yield Saved(f"{place}text.txt", "text", stream.name, BytesSource(found.text.encode("utf-8", "replace")), facts)


def _excel(document: Document, stream: Stream, place: str) -> Iterator[Saved]:
    data, holes = _read(document, stream)
    book = read_workbook(data, holes)
    facts = {"skipped_bytes": book.skipped, "lost_strings": book.lost_strings, "encrypted": book.encrypted}
    for number, sheet in enumerate(book.sheets, 1):
        name = f"{place}cells/{number:02d} {sheet.name.replace('/', '_')}.csv"
        body = csv_text(sheet).encode("utf-8", "replace")
        yield Saved(name, "cells", stream.name, BytesSource(body), {**facts, "cells": len(sheet.cells)})


def _powerpoint(document: Document, stream: Stream, place: str) -> Iterator[Saved]:
    data, holes = _read(document, stream)
    texts = list(powerpoint_text(data, holes))
    if texts:
        body = "\n".join(texts).replace("\r", "\n").replace("\x0b", "\n").encode("utf-8", "replace")
        yield Saved(f"{place}text.txt", "text", stream.name, BytesSource(body), {"pieces": len(texts)})


def powerpoint_text(data: bytes, holes: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """The text atoms of a presentation, by walking its records and stepping into containers."""
    at = 0
    while at + 8 <= len(data):
        version, kind, size = struct.unpack_from("<HHI", data, at)
        if not 0x03E8 <= kind <= 0xF200 or at + 8 + size > len(data):
            following = min((p for p in (data.find(b"\x00\x00\xa0\x0f", at + 1), data.find(b"\x00\x00\xa8\x0f", at + 1))
                             if p >= 0), default=-1)  # fmt: skip
            if following < 0:
                return
            at = following
            continue
        body = data[at + 8 : at + 8 + size]
        holed = any(low < at + 8 + size and high > at + 8 for low, high in holes)
        if kind in (0x0FA0, 0x0FA8) and holed:
            yield "[a text of which parts were never read]"
        elif kind == 0x0FA0:
            yield body.decode("utf-16-le", "replace")
        elif kind == 0x0FA8:
            yield body.decode("latin-1")
        at += 8 if version & 0xF == 0xF else 8 + size


def _pictures(document: Document, stream: Stream, place: str) -> Iterator[Saved]:
    data, holes = _read(document, stream)
    source = content(stream, document.source)
    for number, one in enumerate(pictures(data), 1):
        name = f"{place}pictures/{stream.path[-1][:20].strip()} {number:04d}.{one.extension}"
        part = ExtentSource(source, [Extent(one.start, one.end - one.start)])
        facts = {"stream": safe_text(stream.name), "offset": one.start, "whole": one.whole}
        yield Saved(name, "picture", stream.name, part, facts)


__all__ = ["Saved", "salvage"]
