"""What was found out about an image's sectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.ranges import RangeSet
from engine.source import SectorFormat

TRAILERS = {
    "none": "nothing stands beside the data",
    "t10-pi": "T10 protection information: guard CRC, application tag, reference tag",
    "zero": "zeros beside the data",
    "vendor": "checksums or stamps of an array's own kind",
    "unknown": "bytes without a pattern that is known",
}
KNOWN = {
    (520, 512, 0): "SAS and FC drives with protection, EMC and other arrays",
    (520, 512, 8): "IBM AS/400 (IBM i): 8 bytes before the data",
    (522, 512, 0): "older AS/400 drives",
    (524, 512, 8): "IBM DS6000 and DS8000: 8 bytes before, 4 behind the data",
    (528, 512, 0): "IBM i on SAS, some arrays",
    (4104, 4096, 0): "4 KiB sectors with one protection tuple",
    (4112, 4096, 0): "4 KiB sectors with 16 bytes of metadata",
    (4160, 4096, 0): "NetApp block checksums on 520-byte drives, or 4 KiB with 64 bytes",
    (4224, 4096, 0): "4 KiB sectors with 128 bytes, as 528 for eight",
    (4608, 4096, 0): "NetApp block checksums on 512-byte drives: every ninth sector holds them",
}


@dataclass(frozen=True, slots=True)
class Protection:
    """T10 PI as found. ``interval``: bytes that one guard covers; ``offset``: of the first tuple in the raw sector;
    ``kind`` 1, 2 or 3; ``start``: the reference tag of the image's first sector (type 1: its LBA), None for type 3.
    Of ``checked`` tuples in the sample ``right`` had the right guard; ``escaped`` ones were never written."""

    interval: int
    offset: int
    kind: int
    start: int | None
    checked: int
    right: int
    escaped: int


@dataclass(frozen=True, slots=True)
class SizeScore:
    """How well the anchors (structures that begin a sector) sit on a grid of ``raw`` bytes; ``share`` of them do."""

    raw: int
    score: float
    share: float


@dataclass(frozen=True, slots=True)
class SectorFinding:
    """The answer. ``format`` None: cannot be told. ``convert``: sure enough that a conversion may be offered.
    ``confidence`` 0..1; ``trailer`` a key of ``TRAILERS``."""

    format: SectorFormat | None
    trailer: str
    confidence: float
    convert: bool
    evidence: tuple[str, ...]
    protection: Protection | None
    sizes: tuple[SizeScore, ...]
    anchors: int
    read: int
    image_size: int

    def to_json(self) -> dict[str, Any]:
        """The document of ``sectors detect --json``."""
        format, pi = self.format, self.protection
        return {
            "sector_size": None if format is None else format.raw, "data_size": None if format is None else format.data,
            "data_offset": None if format is None else format.before, "head": None if format is None else format.head,
            "format": None if format is None else str(format), "trailer": self.trailer,
            "confidence": round(self.confidence, 4), "convert": self.convert, "evidence": list(self.evidence),
            "protection": None if pi is None else {
                "type": pi.kind, "interval": pi.interval, "offset": pi.offset, "start": pi.start,
                "checked": pi.checked, "right": pi.right, "escaped": pi.escaped,
            },
            "sizes": [
                {"sector_size": s.raw, "score": round(s.score, 1), "share": round(s.share, 4)} for s in self.sizes
            ],
            "anchors": self.anchors, "read": self.read, "image_size": self.image_size,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class GuardCheck:
    """All guards of an image: ``bad`` are ranges of the data whose guard does not fit, ``misplaced`` those whose
    reference tag belongs elsewhere, ``unread`` what nobody has read, ``escaped`` tuples that were never written."""

    checked: int
    escaped: int
    bad: RangeSet
    misplaced: RangeSet
    unread: RangeSet
    size: int
