"""All structure templates, by name: each room that knows a format keeps its own in ``templates.py``.

Such a module has ``TEMPLATES`` (name -> ``Template`` or ``Shape``), and may have ``guess(data) -> name | None``, which
is asked about the bytes at the cursor.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.errors import UsageError
from engine.source import Source
from engine.template import Field, Shape, Template, walk

ROOMS: tuple[str, ...] = (
    "engine.partitions.templates",
    "engine.filesystems.templates",
    "engine.dvr.templates",
    "engine.artifacts.templates",
    "engine.ole2.templates",
    "engine.raid.templates",
)
"""The modules, in the order in which their guesses are asked for."""
_GUESSED = 4096
_REPEATS = 128


@dataclass(frozen=True, slots=True)
class Overlay:
    """A structure laid over bytes. ``name`` None: nothing is known there."""

    name: str | None = None
    title: str = ""
    offset: int = 0
    fields: tuple[Field, ...] = field(default_factory=tuple)

    @property
    def end(self) -> int:
        """First byte behind its fields."""
        return max((one.offset + one.size for one in self.fields), default=self.offset)


def templates() -> dict[str, Template | Shape]:
    """Every template, by name."""
    found: dict[str, Template | Shape] = {}
    for name in ROOMS:
        found |= importlib.import_module(name).TEMPLATES
    return found


def guess(data: bytes) -> str | None:
    """The template for bytes of unknown kind, as the rooms see it."""
    for name in ROOMS:
        ask = getattr(importlib.import_module(name), "guess", None)
        said: str | None = ask(data) if ask is not None else None
        if said is not None:
            return said
    return None


def lay(source: Source, offset: int, name: str | None = None, *, alone: bool = False) -> Overlay:
    """The structure at ``offset``: the one named, else what tables of the disk or the bytes themselves suggest.

    ``alone``: the tables of the disk are not looked at (a drive is read no further than what is on show).
    Raises ``UsageError`` for an unknown name or an offset behind the end.
    """
    known = templates()
    if name is not None and name not in known:
        raise UsageError(f"there is no template {name!r}", advice=f"these are: {', '.join(known)}")
    if not 0 <= offset < source.size:
        raise UsageError("the offset lies behind the end", offset=offset, advice=f"the source has {source.size} bytes")
    from engine.partitions.inspect import look
    from engine.partitions.templates import TEMPLATES as OF_DISKS

    if not alone and (name is None or name in OF_DISKS):
        found, fields = look(source, offset, name)
        if found is not None:
            return Overlay(found, OF_DISKS[found].title, offset, tuple(fields))
    if name is None:
        reading = source.read(offset, _GUESSED)
        name = None if reading.holes else guess(reading.data)
        if name is None:
            return Overlay(offset=offset)
    return _walked(source, offset, known[name])


def _walked(source: Source, offset: int, known: Template | Shape) -> Overlay:
    if isinstance(known, Shape):
        template = known.build(source.read(offset, known.most).data)
    else:
        template = known
    reading = source.read(offset, template.size * (_REPEATS if template.repeated else 1))
    facts = {"sector_size": source.sector_size, "own_offset": offset, "source_size": source.size}
    fields = walk(template, reading.data, base=offset, facts=facts, holes=reading.holes)
    return Overlay(known.name, template.title, offset, tuple(fields))


def field_at(fields: Sequence[Field], offset: int) -> Field | None:
    """The field that holds a byte."""
    for one in fields:
        if one.offset <= offset < one.offset + one.size:
            return one
    return None
