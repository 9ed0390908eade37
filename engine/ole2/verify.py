"""Is a document right: its structure by itself, an independent reader (olefile), and what its streams hold."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import RescueError
from engine.ole2.kinds import Kind, kind_of
from engine.ole2.model import Document
from engine.ole2.read import check_header
from engine.ole2.streams import content
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE, HEADER_SLOTS, MAX_REGULAR, STREAM
from engine.ole2.table import repeated
from engine.ole2.walks import walk_stream
from engine.source import Source
from engine.text import safe_text

_CHUNK = 1 << 20
_COMPARED = 8 << 20
_MAX_FOR_OLEFILE = 512 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold. ``ok`` None: nobody can tell."""

    name: str
    ok: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Verification:
    """``structure``: all tables, chains and the tree are right; ``whole``: besides, no byte of a stream is missing.
    ``explained`` is the share of the sectors in use that belong to something, ``covered`` that of the file's bytes."""

    checks: tuple[Check, ...]
    structure: bool
    whole: bool
    explained: float
    covered: float
    streams: int
    streams_ok: int
    kind: Kind

    @property
    def failed(self) -> tuple[Check, ...]:
        """What does not hold."""
        return tuple(check for check in self.checks if check.ok is False)


def verify(document: Document, *, outside: bool = True, compare: int = _COMPARED) -> Verification:
    """Check a document. ``outside``: also by olefile, with the content of up to ``compare`` bytes compared."""
    checks = [
        _header(document), _fat_list(document), _difat(document), _links(document), _directory(document),
        _mini(document), _streams(document),
    ]  # fmt: skip
    structure = all(check.ok is not False for check in checks)
    explained, covered = share_explained(document)
    kind = document_kind(document)
    if outside and structure:
        checks.append(by_olefile(document, compare))
        structure = checks[-1].ok is not False
    checks += content_checks(document, kind)
    ok = sum(stream.whole for stream in document.streams)
    right = structure and all(check.ok is not False for check in checks)
    return Verification(
        tuple(checks),
        structure,
        right and ok == len(document.streams),
        explained,
        covered,
        len(document.streams),
        ok,
        kind,
    )


def document_kind(document: Document) -> Kind:
    """What application's document it is."""
    names = [stream.path[0] for stream in document.streams if len(stream.path) == 1]
    return kind_of(names, document.root.class_id if document.root is not None else bytes(16))


def _problems(document: Document, *codes: str) -> list[str]:
    return [problem.message for problem in document.problems if problem.code.startswith(codes)]


def _check(name: str, wrong: list[str], good: str) -> Check:
    return Check(name, not wrong, "; ".join(wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")
                 if wrong else good)  # fmt: skip


def _header(document: Document) -> Check:
    wrong = [one.message for one in check_header(document.header, document.pages)]
    return _check("header", wrong, "every field is possible")


def _fat_list(document: Document) -> Check:
    sectors = document.fat_list
    pages, words, lost = document.pages, document.fat.words, document.fat.lost
    wrong = []
    if not sectors:
        wrong.append("there is no FAT")
    if len(set(sectors)) != len(sectors):
        wrong.append("a FAT sector is listed twice")
    outside = sum(not pages.inside(sector) for sector in sectors)
    if outside:
        wrong.append(f"{outside} FAT sectors do not exist")
    if lost[: pages.count].any():
        wrong.append("parts of the FAT were never read")
    marked = sum(sector < len(document.fat) and words[sector] == FAT_MARK for sector in sectors)
    others = int((words == FAT_MARK).sum())
    if others and (marked != len(sectors) or others != marked):
        wrong.append(f"{marked} of {len(sectors)} FAT sectors are marked as such, and {others - marked} others")
    return _check("FAT", wrong, f"{len(sectors)} sectors" + (", all marked" if marked else ", marked nowhere"))


def _difat(document: Document) -> Check:
    need = max(0, -(-(len(document.fat_list) - HEADER_SLOTS) // (document.pages.words - 1)))
    wrong = _problems(document, "difat-")
    if len(document.difat_list) != need or document.header.difat_sectors != need:
        words = f"{document.header.difat_sectors} in the header, {len(document.difat_list)} in the chain"
        wrong.append(f"{need} DIFAT sectors are needed: {words}")
    return _check("DIFAT", wrong, f"{need} sectors")


def _links(document: Document) -> Check:
    count = document.pages.count
    words = document.fat.words[:count]
    wrong = []
    regular = words[words <= MAX_REGULAR]
    inside = regular[regular < len(document.fat)]
    twice = repeated(inside)
    if twice:
        wrong.append(f"{twice} sectors follow two others")
    outside = int(regular.size - int((regular < count).sum()))
    if outside:
        wrong.append(f"{outside} links lead behind the end of the file")
    leads = document.fat.words[inside[inside < count]]
    bad = int(((leads == FREE) | (leads == FAT_MARK) | (leads == DIFAT_MARK)).sum())
    if bad:
        wrong.append(f"{bad} links lead to free or table sectors")
    return _check("links", wrong, "every chain leads on to its end, none meets another")


def _directory(document: Document) -> Check:
    wrong = _problems(document, "tree", "directory")
    if document.root is None:
        wrong.insert(0, "the first entry is no root")
    if document.directory.stop != "end":
        wrong.append(f"its chain does not end properly: {document.directory.stop}")
    used = sum(one.used for one in document.entries)
    return _check("directory", wrong, f"{used} entries, all in the tree")


def _mini(document: Document) -> Check:
    root = document.root
    wrong = _problems(document, "mini-fat")
    size = root.size if root is not None else 0
    small = any(stream.mini for stream in document.streams)
    if size and document.mini_stream.length * document.pages.sector_size < size:
        wrong.append("the mini stream is shorter than the root entry says")
    if (size or small) and len(document.mini) * 64 < size:
        wrong.append("the mini FAT is shorter than the mini stream")
    if document.mini_fat.stop not in ("end", "none"):
        wrong.append(f"its chain does not end properly: {document.mini_fat.stop}")
    regular = document.mini.words[document.mini.words <= MAX_REGULAR]
    if repeated(regular):
        wrong.append("two mini sectors lead to the same one")
    return _check("mini FAT", wrong, f"{document.mini_fat.length} sectors for {size} bytes")


def _streams(document: Document) -> Check:
    wrong = []
    for stream in document.streams:
        if stream.state == "crossed":
            wrong.append(f"{safe_text(stream.name, 64)!r} lies in sectors of something else")
        elif stream.size and (stream.guessed or stream.chain.stop != "end"):
            wrong.append(f"{safe_text(stream.name, 64)!r}: {stream.guessed or stream.chain.stop}")
    return _check("streams", wrong, f"{len(document.streams)} streams, chains exactly as long as their sizes")


def share_explained(document: Document) -> tuple[float, float]:
    """Of the sectors in use those that belong to the tables, the directory or a stream; and of the file's bytes."""
    size = min(len(document.fat), document.pages.count)
    used = document.fat.words[:size] != FREE
    taken = np.zeros(len(document.fat), bool)
    tables = [s for s in (*document.fat_list, *document.difat_list) if s < taken.size]
    taken[tables] = True
    chains = [document.directory, document.mini_fat, document.mini_stream]
    left = 4 * len(document.fat) + 4096
    for chain in (*chains, *(stream.chain for stream in document.streams if not stream.mini)):
        for first, count in chain.runs:
            left -= count
            if left > 0:
                taken[first : first + count] = True
    total = int(used.sum())
    known = int((taken[:size] & used).sum())
    length = max(1, document.source.size)
    return known / total if total else 0.0, min(1.0, (known + 1) * document.pages.sector_size / length)


def content_checks(document: Document, kind: Kind) -> list[Check]:
    """Structure checks of the streams that are known."""
    out = []
    names = {stream.path[0] for stream in document.streams if len(stream.path) == 1}
    if kind.main and not names & set(kind.main):
        out.append(Check("main stream", False, f"a {kind.title} without {kind.main[0]!r}"))
    for stream in document.streams:
        if len(stream.path) > 1 or stream.state in ("lost", "crossed") or not stream.size:
            continue
        source = content(stream, document.source)
        walk = walk_stream(stream.path[-1], source)
        if walk is not None:
            good = None if walk.good is False and stream.missing else walk.good
            out.append(Check(safe_text(stream.path[-1], 64), good, walk.words))
    return out


class SourceFile(io.RawIOBase):
    """A source as a file object for readers that want one; a hole reads as zeros (the caller knows the holes)."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._source.size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        size = max(0, min(len(view), self._source.size - self._at))
        if size:
            self._source.read_into(self._at, view[:size])
        self._at += size
        return size


def by_olefile(document: Document, compare: int) -> Check:
    """Open it with olefile: no issue may be found, names and sizes must be ours, and the first ``compare`` bytes of
    content too."""
    name = "olefile"
    try:
        import olefile
    except ImportError:
        return Check(name, None, "it is not installed here")
    if document.source.size > _MAX_FOR_OLEFILE:
        return Check(name, None, "too large to be read twice")
    stream = io.BufferedReader(SourceFile(document.source), 1 << 16)
    try:
        with olefile.OleFileIO(stream) as other:
            issues = [str(issue[1]) for issue in other.parsing_issues]
            wrong = [safe_text(issue, 80) for issue in issues[:4]] + _differences(document, other, compare)
            return _check(name, wrong, "opens it and finds the same streams")
    except RecursionError:
        return Check(name, None, "its directory is nested too deeply for it")
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error, AssertionError,
            OverflowError, RescueError) as error:  # fmt: skip
        return Check(name, False, f"does not open it: {safe_text(str(error), 80)}")


def _differences(document: Document, other: object, compare: int) -> list[str]:
    wrong: list[str] = []
    entries = getattr(other, "direntries", [])
    theirs = {one.sid: one for one in entries if one is not None and one.entry_type == STREAM}
    ours = {stream.entry.number: stream for stream in document.streams}
    if set(theirs) != set(ours):
        wrong.append(f"olefile sees {len(theirs)} streams, not {len(ours)}")
    left = compare
    for number, stream in ours.items():
        one = theirs.get(number)
        if one is None or one.size != stream.size:
            wrong.append(f"{safe_text(stream.name, 64)!r} has another size there")
            continue
        if 0 < stream.size <= left and stream.chain.stop == "end":
            left -= stream.size
            read = other._open(one.isectStart, one.size)  # type: ignore[attr-defined]
            if hashlib.sha256(read.read()).digest() != digest(document, stream.entry.number):
                wrong.append(f"{safe_text(stream.name, 64)!r} has other content there")
    return wrong


def digest(document: Document, number: int) -> bytes:
    """SHA-256 of a stream; what is missing counts as zeros (the stream says that it is not whole)."""
    stream = next(one for one in document.streams if one.entry.number == number)
    source = content(stream, document.source)
    total = hashlib.sha256()
    for at in range(0, source.size, _CHUNK):
        total.update(source.read(at, _CHUNK).data)
    return total.digest()


__all__ = ["END", "Check", "SourceFile", "Verification", "by_olefile", "verify"]
