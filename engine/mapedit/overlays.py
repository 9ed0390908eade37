"""Overlays: labelled ranges laid over a map (partitions, files, metadata), their borders, and text files of them.

Any room may make them; here are readers for what people have at hand: ``sfdisk --dump`` or ``sfdisk --json`` of a disk,
files as ``fs list --json`` and ``fs hit --json`` give them, a plain list of "START SIZE LABEL", and a domain map (its
finished blocks).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.errors import DamagedError, RescueError, UsageError
from engine.mapfile.loose import parse_loose
from engine.mapfile.parse import Pathish, read_file
from engine.ranges import MAX_POSITION, RangeSet
from engine.text import parse_size, safe_text

MAX_OVERLAYS = 100_000
_MAX_FILE = 64 << 20
_LABEL = 120


@dataclass(frozen=True, slots=True)
class Overlay:
    """A labelled set of ranges in bytes. The label has passed ``safe_text``."""

    label: str
    ranges: RangeSet


@dataclass(frozen=True, slots=True, order=True)
class Border:
    """Where an overlay's range begins (``begins``) or ends, in bytes."""

    position: int
    label: str
    begins: bool


def make_overlay(label: str, ranges: RangeSet) -> Overlay:
    """An overlay with a label made safe."""
    return Overlay(safe_text(label, _LABEL), ranges)


def borders_of(overlays: Iterable[Overlay]) -> tuple[Border, ...]:
    """Every border, in order."""
    found = []
    for overlay in overlays:
        for start, end in overlay.ranges:
            found.append(Border(start, overlay.label, True))
            found.append(Border(end, overlay.label, False))
    return tuple(sorted(found))


def union_of(overlays: Iterable[Overlay]) -> RangeSet:
    """All ranges together."""
    whole = RangeSet()
    for overlay in overlays:
        whole = whole.union(overlay.ranges)
    return whole


def read_overlays(path: Pathish) -> tuple[Overlay, ...]:
    """Overlays from a file of any form named above. Raises ``OutsideError``, ``DamagedError``."""
    data = read_file(path)
    if len(data) > _MAX_FILE:
        raise DamagedError("too large for a list of areas", code="not-an-overlay", path=path)
    try:
        return parse_overlays(data, os.path.basename(os.fspath(path)))
    except RescueError as error:
        raise DamagedError(error.message, code=error.code, path=path, line=error.line, advice=error.advice) from error


def parse_overlays(data: bytes, name: str = "") -> tuple[Overlay, ...]:
    """Overlays from such text. ``name`` labels a domain map, which has no names inside. Raises ``DamagedError``."""
    text = data.decode("utf-8", "replace")
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text)
    lines = [line for line in (raw.strip() for raw in text.splitlines()) if line and not line.startswith("#")]
    if any(_DUMP.match(line) for line in lines[:200]):
        return _from_dump(lines)
    if lines and _STATUS_LINE.match(lines[0]):
        return (make_overlay(name or "finished in the domain map", parse_loose(data).ranges("+")),)
    return _from_list(text)


_STATUS_LINE = re.compile(r"\w+\s+[?*/+FG-](\s+\d+)?(\s*#.*)?\Z")
_DUMP = re.compile(r"(?P<name>\S.*?)\s*:\s*start=")
_FIELD = re.compile(r"(start|size|type|Id|name)=\s*(\"[^\"]*\"|[^,\s]*)")
_SECTOR = re.compile(r"(?:sector-size|unit):\s*(\d+|sectors)")


def _range(start: int, size: int) -> RangeSet:
    if start < 0 or size < 0 or start + size > MAX_POSITION:
        raise DamagedError("an area lies outside of what can be addressed", code="not-an-overlay")
    return RangeSet.of(start, start + size)


def _from_dump(lines: list[str]) -> tuple[Overlay, ...]:
    sector = 512
    found: list[Overlay] = []
    for line in lines:
        head = _SECTOR.match(line)
        if head is not None and head.group(1).isdecimal():
            sector = int(head.group(1))
        match = _DUMP.match(line)
        if match is None:
            continue
        fields = {key: value.strip('"') for key, value in _FIELD.findall(line)}
        if not fields.get("start", "").isdecimal() or not fields.get("size", "").isdecimal():
            raise DamagedError("a partition without start and size", code="not-an-overlay")
        start, size = int(fields["start"]) * sector, int(fields["size"]) * sector
        if size and len(found) < MAX_OVERLAYS:
            found.append(make_overlay(_partition_label(match.group("name"), fields), _range(start, size)))
    return tuple(found)


def _partition_label(node: str, fields: dict[str, str]) -> str:
    number = re.search(r"(\d+)$", node)
    name = fields.get("name") or fields.get("type") or fields.get("Id") or ""
    return f"partition {number.group(1) if number else node} {name}".strip()


def _from_json(text: str) -> tuple[Overlay, ...]:
    try:
        value: Any = json.loads(text)
        if isinstance(value, dict) and "partitiontable" not in value:
            return _from_files(value)
        if isinstance(value, dict):
            table = value["partitiontable"]
            sector = int(table.get("sectorsize", 512))
            return tuple(
                make_overlay(
                    _partition_label(str(entry["node"]), {"name": str(entry.get("name") or entry.get("type") or "")}),
                    _range(int(entry["start"]) * sector, int(entry["size"]) * sector),
                )
                for entry in table.get("partitions", [])[:MAX_OVERLAYS]
                if int(entry["size"]) > 0
            )
        return tuple(
            make_overlay(str(entry["label"]), _range(int(entry["start"]), int(entry["size"])))
            for entry in value[:MAX_OVERLAYS]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise DamagedError(
            "this JSON is no list of areas", code="not-an-overlay",
            advice='give the output of sfdisk --json or fs list --json, or a list of {"label", "start", "size"}',
        ) from error  # fmt: skip


def _piece(one: Any) -> RangeSet:
    """``{"start", "size"}`` (no start: a gap of a sparse file), or ``[start, end]``."""
    if isinstance(one, dict):
        return RangeSet() if one.get("start") is None else _range(int(one["start"]), int(one["size"]))
    return _range(int(one[0]), int(one[1]) - int(one[0]))


def _from_files(value: dict[str, Any]) -> tuple[Overlay, ...]:
    """``fs list --json`` and ``fs hit --json``: files with their extents, or the ranges of them that are missing."""
    found: list[Overlay] = []
    for entry in (value["entries"] if "entries" in value else value["files"])[:MAX_OVERLAYS]:
        pieces = entry.get("extents", entry.get("ranges")) or ()
        ranges = RangeSet(pair for one in pieces for pair in _piece(one))
        if ranges:
            found.append(make_overlay(str(entry["path"]), ranges))
    return tuple(found)


def _from_list(text: str) -> tuple[Overlay, ...]:
    """``START SIZE [LABEL]`` in each line; areas with the same label are one overlay."""
    sets: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#", 1)[0].split(None, 2)
        if not words:
            continue
        if number > MAX_OVERLAYS * 10:
            raise DamagedError("too many areas", code="not-an-overlay", line=number)
        try:
            start, size = parse_size(words[0]), parse_size(words[1])
            for pair in _range(start, size):
                label = words[2].strip() if len(words) > 2 else f"area at {start}"
                sets.setdefault(label, []).append(pair)
        except (IndexError, UsageError, DamagedError) as error:
            raise DamagedError(
                "this line is not START SIZE LABEL", code="not-an-overlay", line=number,
                advice="numbers in bytes, or with s (sectors), K, M, G, T",
            ) from error  # fmt: skip
    return tuple(make_overlay(label, RangeSet(pairs)) for label, pairs in sets.items())
