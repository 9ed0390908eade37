"""A node or a place opened: the sectors it comes from, field by field."""

from __future__ import annotations

import zlib
from typing import Any

from engine.errors import UsageError
from engine.partitions.bootsector import parse_boot
from engine.partitions.gpt import read_gpt
from engine.partitions.model import Node, Place, Tree
from engine.partitions.peek import Peek
from engine.partitions.read import tables_and_volumes
from engine.partitions.templates import TEMPLATES, guess
from engine.source import Source
from engine.template import Field, walk


def fields_at(peek: Peek, tree: Tree, node: Node, place: Place) -> list[Field]:
    """The fields of one of a node's ``places``. Offsets are those of the disk; what was never read says so."""
    template = TEMPLATES[place.template]
    reading = peek.reading(place.offset, max(place.size, 512 if template.size == 512 else place.size))
    return walk(template, reading.data, base=place.offset, facts=facts_of(peek, tree, node, place), holes=reading.holes,
                stride=_stride(peek, tree, place))  # fmt: skip


def facts_of(peek: Peek, tree: Tree, node: Node, place: Place) -> dict[str, Any]:
    """What the notes of a template are told about a place."""
    size = tree.sector_size
    facts: dict[str, Any] = {"sector_size": size, "disk_sectors": peek.size // size, "own_lba": place.offset // size}
    ebr = node if node.kind == "ebr" else next(
        (one for one in tree.walk() if one.kind == "ebr" and node in one.children), None
    )
    if ebr is not None:
        facts["own_lba"] = ebr.start // size
        facts["base_lba"] = next(
            (one.start // size for one in tree.walk() if one.kind == "extended" and ebr in one.children), None
        )
    if place.template.endswith("-boot"):
        data = peek.bytes_at(place.offset, 512)
        boot = parse_boot(data) if data is not None else None
        unit = boot.sector_size if boot is not None else size
        facts |= {"sector_size": unit, "start_lba": node.start // unit, "whole": node.kind == "volume",
                  "ebr_lba": None if ebr is None else ebr.start // unit}  # fmt: skip
    if place.template == "gpt-header":
        gpt = read_gpt(peek, place.offset // size, size)
        array = None
        if gpt is not None and gpt.array in ("ok", "crc"):
            array = peek.bytes_at(gpt.header.array_offset, gpt.header.array_size)
        facts["array_crc"] = None if array is None else zlib.crc32(array)
    return facts


def _stride(peek: Peek, tree: Tree, place: Place) -> int | None:
    """How far the entries of a GPT are apart, as its header says."""
    if place.template != "gpt-entries":
        return None
    for node in tree.walk():
        if node.kind == "gpt" and place in node.places:
            header = next(one for one in node.places if one.template == "gpt-header")
            gpt = read_gpt(peek, header.offset // tree.sector_size, tree.sector_size)
            return gpt.header.entry_size if gpt is not None else None
    return None


def look(source: Source, offset: int, name: str | None = None) -> tuple[str | None, list[Field]]:
    """The structure at an offset: the template's name and its fields, with all that the disk's tables tell about it.

    ``name`` is a template; None takes the one that a partition table or the bytes themselves suggest; (None, []) when
    nothing does. Raises ``UsageError`` for an unknown template, or an offset beyond the end.
    """
    if name is not None and name not in TEMPLATES:
        raise UsageError(f"there is no template {name!r}", advice=f"these are: {', '.join(TEMPLATES)}")
    if not 0 <= offset < source.size:
        raise UsageError("the offset lies behind the end", offset=offset, advice=f"the source has {source.size} bytes")
    peek = Peek(source)
    tree = tables_and_volumes(peek)
    known = [
        (node, place)
        for node in tree.walk()
        for place in node.places
        if place.offset == offset and name in (None, place.template)
    ]
    if known:
        node, place = known[0]
        return place.template, fields_at(peek, tree, node, place)
    if name is None:
        data = peek.bytes_at(offset, min(512, source.size - offset))
        name = guess(data) if data is not None else None
        if name is None:
            return None, []
    size = TEMPLATES[name].size * (128 if TEMPLATES[name].repeated else 1)
    reading = peek.reading(offset, size)
    unit = tree.sector_size
    facts = {"sector_size": unit, "disk_sectors": source.size // unit, "own_lba": offset // unit}
    return name, walk(TEMPLATES[name], reading.data, base=offset, facts=facts, holes=reading.holes)
