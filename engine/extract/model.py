"""What is to leave as files, how, and what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.errors import Problem
from engine.ranges import RangeSet
from engine.source import Source

Existing = Literal["rename", "replace", "refuse"]


@dataclass(frozen=True, slots=True)
class Item:
    """One file to be. ``name`` comes from a disk: relative, ``/`` between folders, hostile; it is made safe and unique.

    ``modified`` is a POSIX time or None (the time of writing stays). ``facts`` (JSON values) go into the sidecar.
    ``content`` is not closed here. Its ``holes`` become sparse gaps of the file, told by name and sidecar.
    """

    name: str
    content: Source
    modified: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    filled: RangeSet = field(default_factory=RangeSet)
    """Bytes of ``content`` that stand in for what nobody has read (padding): they count as missing, told by name."""


@dataclass(frozen=True, slots=True)
class Options:
    """How files are written.

    ``journal``: where to note what was done, so that the same call after a crash goes on (None: it cannot). ``purpose``
    says what the journal is of; one of another purpose is begun anew. ``existing``: a file that is there already, or an
    unfinished one (``.part``), makes the new one take another name, is replaced, or is an error. ``durable``: a final
    name is given only to a file that is on the disk (fsync); without it a power cut may leave a final name on an empty
    file. ``sidecar``: write ``NAME.rescue.json``.
    """

    journal: Path | None = None
    purpose: str = ""
    existing: Existing = "rename"
    durable: bool = True
    sidecar: bool = True
    check_space: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is complete. ``missing``: positions in the file that nobody has read (sparse there, not content)."""

    item: Item
    index: int
    path: Path
    size: int
    sha256: str
    missing: RangeSet


@dataclass(frozen=True, slots=True)
class Failed:
    """An item that could not be written while the others could."""

    item: Item
    index: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it, in the order of the items."""

    written: tuple[Written, ...]
    failed: tuple[Failed, ...] = ()

    @property
    def missing_bytes(self) -> int:
        """Bytes of all written files that are not content."""
        return sum(one.missing.total for one in self.written)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the work is: item ``number`` (from 1) of ``items``, ``done`` of ``size`` bytes of it."""

    number: int
    items: int
    name: str
    done: int
    size: int

    def facts(self) -> dict[str, Any]:
        """As JSON values, for a job's facts."""
        return {"number": self.number, "items": self.items, "name": self.name, "done": self.done, "size": self.size}
