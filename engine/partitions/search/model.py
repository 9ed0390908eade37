"""What a search found. Positions and sizes in bytes of the source that was searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from engine.errors import DamagedError
from engine.partitions.volumes import Evidence, Volume

Confidence = Literal["high", "medium", "low"]


class SizeFrom(StrEnum):
    """Where the size of a find comes from."""

    SUPERBLOCK = "superblock"
    """The volume tells it."""
    TABLE = "table"
    """A table names a partition there that fits."""
    NEXT = "next"
    """The volume does not tell: as far as the next one, or the end of the disk."""


class Standing(StrEnum):
    """What a find is on this disk."""

    VOLUME = "volume"
    """It stands for itself: a partition of its own could be made of it."""
    INSIDE = "inside"
    """It lies in another find: contents of a container, a disk image stored as a file, or old contents."""
    OLDER = "older"
    """What is left of an earlier layout, over which another was written."""
    DOUBTFUL = "doubtful"
    """One structure alone, and what it names is not there."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A partition that a table found on the disk names. ``logical``: in an extended partition; ``ebr``: its EBR."""

    start: int
    size: int
    type: str
    name: str = ""
    logical: bool = False
    ebr: int | None = None


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A GPT header with its entries, or EBRs that agree on the extended partition at ``base``.

    ``present``: the disk's own tables name the same partitions. A table whose ``base`` is not 0 (GPT) belongs to a
    disk image inside this source.
    """

    kind: Literal["gpt", "ebr-chain"]
    position: int
    base: int
    sector_size: int
    entries: tuple[TableEntry, ...]
    present: bool = False

    def to_json(self) -> dict[str, Any]:
        """As in ``parts search --json``."""
        return {
            "kind": self.kind,
            "position": self.position,
            "base": self.base,
            "sector_size": self.sector_size,
            "present": self.present,
            "entries": [
                {"start": one.start, "size": one.size, "type": one.type, "name": one.name, "logical": one.logical,
                 "ebr": one.ebr}
                for one in self.entries
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Find:
    """A volume, or a partition that only a table tells of (``volume`` is None)."""

    start: int
    size: int
    size_from: SizeFrom
    volume: Volume | None
    evidence: tuple[Evidence, ...]
    confidence: Confidence
    standing: Standing = Standing.VOLUME
    listed: bool = False
    """Whether a partition of the present table begins there, or the disk has no table and this is its one volume."""
    type: str = ""
    """Type in the table that told of it."""
    name: str = ""
    logical: bool = False
    inside: int | None = None
    """Start of the find in which this one lies, or whose layout replaced it."""
    group: int | None = None
    """Finds with the same number overlap, and only one of them can be in a table; None: no overlap."""

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.size

    @property
    def by_backup(self) -> bool:
        """Whether only a backup of its superblock was found."""
        return self.volume is not None and self.volume.by_backup

    @property
    def kind(self) -> str:
        """Kind of the volume; empty when only a table tells of it."""
        return "" if self.volume is None else self.volume.kind

    def to_json(self) -> dict[str, Any]:
        """As in ``parts search --json``."""
        return {
            "start": self.start,
            "size": self.size,
            "size_from": str(self.size_from),
            "filesystem": None if self.volume is None else self.volume.to_json(),
            "evidence": [{"what": proof.what, "offset": proof.offset} for proof in self.evidence],
            "confidence": self.confidence,
            "standing": str(self.standing),
            "listed": self.listed,
            "by_backup": self.by_backup,
            "type": self.type,
            "name": self.name,
            "logical": self.logical,
            "inside": self.inside,
            "group": self.group,
        }


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``unread`` are ranges that were skipped since nobody has read them (at most 1000 are kept), ``unread_bytes`` all
    of them. ``dropped`` counts candidates beyond what is kept; 0 on any sane disk."""

    deep: bool
    size: int
    sector_size: int
    searched_bytes: int
    finds: tuple[Find, ...]
    tables: tuple[FoundTable, ...]
    unread: tuple[tuple[int, int], ...]
    unread_bytes: int
    dropped: int = 0

    @property
    def volumes(self) -> tuple[Find, ...]:
        """The finds at top level."""
        return tuple(find for find in self.finds if find.standing is Standing.VOLUME)

    @property
    def lost(self) -> tuple[Find, ...]:
        """Those of them that the present table does not name."""
        return tuple(find for find in self.volumes if not find.listed)

    def to_json(self) -> dict[str, Any]:
        """As in ``parts search --json``; ``from_json`` reads it."""
        return {
            "deep": self.deep,
            "size": self.size,
            "sector_size": self.sector_size,
            "searched_bytes": self.searched_bytes,
            "unread_bytes": self.unread_bytes,
            "unread": [{"start": low, "size": high - low} for low, high in self.unread],
            "dropped": self.dropped,
            "found": [find.to_json() for find in self.finds],
            "tables": [table.to_json() for table in self.tables],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SearchResult:
        """Raises ``DamagedError`` when that is no result of a search."""
        try:
            return cls(
                bool(value["deep"]), int(value["size"]), int(value["sector_size"]), int(value["searched_bytes"]),
                tuple(_find(one) for one in value["found"]), tuple(_table(one) for one in value["tables"]),
                tuple((int(one["start"]), int(one["start"]) + int(one["size"])) for one in value["unread"]),
                int(value["unread_bytes"]), int(value["dropped"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DamagedError("that is no result of a search for partitions", code="search-result") from error


def _find(value: Mapping[str, Any]) -> Find:
    start, inside, group = int(value["start"]), value["inside"], value["group"]
    confidence = str(value["confidence"])
    return Find(
        start, int(value["size"]), SizeFrom(value["size_from"]),
        None if value["filesystem"] is None else Volume.from_json(start, value["filesystem"]),
        tuple(Evidence(str(one["what"]), int(one["offset"])) for one in value["evidence"]),
        "high" if confidence == "high" else "medium" if confidence == "medium" else "low",
        Standing(value["standing"]), bool(value["listed"]), str(value["type"]), str(value["name"]),
        bool(value["logical"]), None if inside is None else int(inside), None if group is None else int(group),
    )  # fmt: skip


def _table(value: Mapping[str, Any]) -> FoundTable:
    return FoundTable(
        "gpt" if value["kind"] == "gpt" else "ebr-chain", int(value["position"]), int(value["base"]),
        int(value["sector_size"]),
        tuple(
            TableEntry(int(one["start"]), int(one["size"]), str(one["type"]), str(one["name"]), bool(one["logical"]),
                       None if one["ebr"] is None else int(one["ebr"]))
            for one in value["entries"]
        ),
        bool(value["present"]),
    )  # fmt: skip
