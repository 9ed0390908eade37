"""Images put together from files and fillings, with the truth of what lies where."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.carve.carving import State, carve
from engine.carve.find import Find
from engine.carve.signatures import table
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.carve.made_files import made

TEXT = b"The quick brown fox jumps over the lazy dog, and again it does so. "


def filling(kind: str, size: int, seed: int = 9) -> bytes:
    """``size`` bytes that are no file: zeros, random or text."""
    if kind == "zeros":
        return bytes(size)
    if kind == "random":
        return random.Random(seed).randbytes(size)
    return (TEXT * (size // len(TEXT) + 1))[:size]


@dataclass
class Image:
    """Files at known places."""

    data: bytearray = field(default_factory=bytearray)
    files: dict[int, tuple[str, bytes]] = field(default_factory=dict)

    def fill(self, kind: str, size: int, seed: int = 9) -> Image:
        self.data += filling(kind, size, seed)
        return self

    def put(self, name: str, content: bytes | None = None, *, kind: str = "zeros", align: int = 512) -> Image:
        """One file at the next multiple of ``align``."""
        self.fill(kind, -len(self.data) % align, len(self.data))
        content = made(name) if content is None else content
        self.files[len(self.data)] = (name, content)
        self.data += content
        return self


def finds_in(data: bytes, holes: Iterable[tuple[int, int]] = (), **options: object) -> list[Find]:
    """Everything a scan finds at top level."""
    return [find for find in all_finds(data, holes, **options) if find.inside is None]


def all_finds(data: bytes, holes: Iterable[tuple[int, int]] = (), **options: object) -> list[Find]:
    """Everything a scan finds, parts of others too."""
    source = BytesSource(data, holes=RangeSet(list(holes)))
    return list(carve(source, table(), **options))  # type: ignore[arg-type]


def at(finds: Sequence[Find], start: int) -> Find | None:
    """The find that begins there."""
    return next((find for find in finds if find.start == start), None)


__all__ = ["Image", "State", "all_finds", "at", "filling", "finds_in"]
