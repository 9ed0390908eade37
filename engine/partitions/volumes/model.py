"""What is known of a volume: kind, place, size by its own word, and what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from engine.errors import Problem


class Confirmation(IntEnum):
    """What the rest of the volume says to its superblock, from bad to good."""

    CONTRADICTED = 0
    """A structure that the superblock names was read and is not there."""
    UNKNOWN = 1
    """What would settle it has not been read (a hole), or the format has nothing of the kind."""
    CONFIRMED = 2
    """A second, independent structure is where the superblock says, or a checksum covers all that counts."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A structure that was read and found good. ``offset`` in bytes from the beginning of the source."""

    what: str
    offset: int


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume that was recognised. Positions and sizes in bytes; texts as they stand on the disk (not made safe)."""

    kind: str
    """One of ``engine.partitions.volumes.kinds.KINDS``."""
    start: int
    size: int | None
    """By its own superblock; None when the format does not tell."""
    version: str = ""
    """Of the format, where the kind leaves it open: ``1`` and ``2`` of LUKS, ``0.90`` to ``1.2`` of md."""
    label: str = ""
    uuid: str = ""
    """As ``blkid`` writes it: a UUID, or the serial number of FAT, exFAT and NTFS."""
    block_size: int | None = None
    """The unit of allocation: block or cluster."""
    sector_size: int | None = None
    """The logical sector that the volume was made for, where the format says."""
    tail: int = 0
    """Bytes that the volume needs behind ``size`` in its partition (the backup boot sector of NTFS)."""
    by_backup: bool = False
    """The primary structure is bad, foreign or unread: a backup told all this."""
    checksum: bool | None = None
    """Whether the superblock's checksum is right; None when the format has none."""
    confirmation: Confirmation = Confirmation.UNKNOWN
    evidence: tuple[Evidence, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def partition_size(self) -> int | None:
        """The least size of a partition that holds all of it."""
        return None if self.size is None else self.size + self.tail

    @property
    def trusted(self) -> bool:
        """Whether more than one signature speaks for it."""
        return self.confirmation is Confirmation.CONFIRMED and self.checksum is not False

    def to_json(self) -> dict[str, Any]:
        """``kind, label, uuid, size`` and what else is known, as JSON values."""
        return {
            "kind": self.kind,
            "version": self.version,
            "label": self.label,
            "uuid": self.uuid,
            "size": self.size,
            "block_size": self.block_size,
            "by_backup": self.by_backup,
            "problems": [{"code": one.code, "message": one.message, "offset": one.offset} for one in self.problems],
        }

    @classmethod
    def from_json(cls, start: int, value: Mapping[str, Any]) -> Volume:
        """What ``to_json`` kept of a volume at ``start``. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
        size, block = value["size"], value["block_size"]
        return cls(
            str(value["kind"]), start, None if size is None else int(size), version=str(value["version"]),
            label=str(value["label"]), uuid=str(value["uuid"]), block_size=None if block is None else int(block),
            by_backup=bool(value["by_backup"]),
            problems=tuple(
                Problem(str(one["code"]), str(one["message"]), None if one["offset"] is None else int(one["offset"]))
                for one in value["problems"]
            ),
        )  # fmt: skip
