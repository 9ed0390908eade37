"""Which of several good solutions is the present state of the document, and which are earlier ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.ole2.model import Document
from engine.ole2.streams import content

if TYPE_CHECKING:
    from engine.ole2.solver import Candidate

_LAST_SAVED = 13
_FILETIME = 0x40


def rank(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best first; of those that say the same one is kept."""
    unique: dict[tuple[bytes, int, int, tuple[tuple[int, bytes], ...]], Candidate] = {}
    for one in sorted(candidates, key=key):
        changed = tuple((change.offset, change.data) for change in one.changes)
        unique.setdefault((one.header.pack(), one.base, one.sector_size, changed), one)
    return list(unique.values())


def key(one: Candidate) -> tuple[object, ...]:
    """Smaller is better. Older states of the same file are as verified as the present one: a state whose streams run
    over another's tables is older, then the time of the last saving decides, then that of the root, then size."""
    seen = one.verification
    older = any(reason.startswith("older:") for reason in one.reasons)
    main = sum(s.size for s in one.document.streams if not s.entry.name.startswith("\x05"))
    root = one.document.root
    failed = sum(1 for check in seen.checks if check.ok is False)
    if one.good:
        worth = round(min(seen.explained, seen.covered) - 0.25 * one.invented - 0.1 * min(failed, 3), 1)
        return (0, -worth, failed, older, -one.saved, -(root.modified if root is not None else 0), -main, -one.score)
    if not seen.streams:
        return (2, -one.score, failed, 0, 0, 0, 0, 0)
    share = round(min(seen.explained, seen.covered), 1)
    return (1, 0, -share, not seen.structure, failed, -seen.streams_ok, -one.score, 0)


def last_saved(document: Document) -> int:
    """FILETIME of the last saving from the summary information; 0 when it does not tell."""
    for stream in document.streams:
        if stream.path == ("\x05SummaryInformation",) and stream.whole and stream.size < 1 << 20:
            data = content(stream, document.source).read(0, stream.size).data
            return _property_time(data)
    return 0


def _property_time(data: bytes) -> int:
    if len(data) < 56:
        return 0
    (section,) = struct.unpack_from("<I", data, 44)
    if section + 8 > len(data):
        return 0
    _, count = struct.unpack_from("<II", data, section)
    for number in range(min(count, 256)):
        at = section + 8 + 8 * number
        if at + 8 > len(data):
            break
        name, offset = struct.unpack_from("<II", data, at)
        place = section + offset
        if name == _LAST_SAVED and place + 12 <= len(data) and struct.unpack_from("<I", data, place)[0] == _FILETIME:
            return int(struct.unpack_from("<Q", data, place + 4)[0])
    return 0
