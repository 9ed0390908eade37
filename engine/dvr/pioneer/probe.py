"""Which of the four layouts a disk has, told by what its tables lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.dvr.disk import Disk
from engine.dvr.model import Finding, Rung
from engine.dvr.pack import is_pack
from engine.dvr.pioneer import orphans
from engine.dvr.pioneer.content import UNREAD, Contents
from engine.dvr.pioneer.layouts import BLOCK, KNOWN_DIRECTORIES, LAYOUTS, MARK_633H, Layout
from engine.dvr.pioneer.tables import Programme, Tables
from engine.progress import SILENT, Reporter
from engine.source import Source

BASES = (0, 512, 1024, 1536, -512, -1024, -1536)
_SAMPLE = 12


@dataclass(slots=True)
class Score:
    """Tests passed and failed on the titles of a layout; what is unread counts for neither."""

    right: int = 0
    wrong: int = 0
    titles: int = 0
    heads: int = 0
    """Beginnings of files that could be read."""
    packs: int = 0
    indices: int = 0
    chains: int = 0
    """Chains that hold as many files as their title says."""

    def test(self, answer: bool | None) -> bool:
        """Count an answer."""
        if answer is not None:
            self.right, self.wrong = self.right + answer, self.wrong + (not answer)
        return bool(answer)

    @property
    def confidence(self) -> float:
        """0..1: the share of tests passed, less when few were possible."""
        if not self.indices and (self.wrong or not self.chains):
            return 0.0
        share = self.right / (self.right + self.wrong)
        if not self.indices:
            # The file table is unread: only names and whole chains speak for it.
            return 0.62 * share * min(1.0, 0.7 + 0.1 * self.titles)
        return share * min(1.0, 0.7 + 0.1 * self.titles) * (0.99 if self.packs else 0.4 if self.heads else 0.9)


def probe(source: Source, *, swapped: bool = False) -> list[Finding]:
    """Layouts that fit, best first. Looks at the pointers and, when they lead nowhere, at known places."""
    found = []
    for base in BASES:
        disk = Disk(source, base)
        for layout in LAYOUTS:
            finding = _best_place(disk, layout, swapped)
            if finding is not None:
                found.append(finding)
    return sorted(found, key=lambda one: -one.confidence)


def _best_place(disk: Disk, layout: Layout, swapped: bool) -> Finding | None:
    head = disk.get(layout.pointer, 4)
    pointer = int.from_bytes(head, "big") if head is not None else None
    places: list[tuple[int, str]] = []
    if pointer:
        places.append((pointer, f"block 1 points to the directory at block {pointer:#x}"))
    lead = "block 1 is unread" if pointer is None else "block 1 does not point to it"
    places += [(known, f"{lead}; the directory is at block {known:#x}") for known in KNOWN_DIRECTORIES
               if known != pointer]  # fmt: skip
    best: Finding | None = None
    for number, (directory, words) in enumerate(places):
        backup = not (pointer and number == 0)
        finding = _judge(disk, layout, directory, words, swapped, backup)
        if finding is not None and (best is None or finding.confidence > best.confidence):
            best = finding
    return best


def _judge(disk: Disk, layout: Layout, directory: int, words: str, swapped: bool, backup: bool) -> Finding | None:
    if not 1 < directory < disk.size // BLOCK:
        return None
    # Pointers of the title directory: inside the disk, each its own. Cheap, so before anything else.
    head = disk.piece(directory * BLOCK, layout.fnt_slots * 8)
    blocks = [row[0] for row in head.rows(">I4x", 0, layout.fnt_slots) if row is not None and row[0]]
    if not blocks or max(blocks) >= disk.size // BLOCK or len(set(blocks)) < len(blocks):
        return None
    tables = Tables(disk, layout, directory)
    score = score_titles(tables, sample(tables))
    if not score.indices and not score.wrong:
        score_files(tables, score)
    if score.confidence <= 0:
        return None
    return finding_of(disk, layout, score, [words], swapped, directory, Rung.BACKUP if backup else Rung.DIRECTORY)


def finding_of(
    disk: Disk, layout: Layout, score: Score, words: list[str], swapped: bool, directory: int | None, rung: Rung
) -> Finding:
    """The finding for a layout that was scored."""
    reasons = list(words)
    reasons += [f"{score.indices} files know their own index"] if score.indices else []
    reasons += [f"{score.chains} titles have a whole chain of files"] if score.chains and not score.indices else []
    reasons += [f"{score.packs} files begin with an MPEG pack"] if score.packs else []
    reasons.append(f"{score.right} of {score.right + score.wrong} tests passed")
    if disk.base:
        reasons.append(f"blocks count from byte {disk.base} of the image")
    if swapped:
        reasons.append("the two bytes of each word are exchanged")
    place = None if directory is None else directory * BLOCK + disk.base
    # Sister layouts look alike where tables are unread; what block 1 points to is the likelier.
    confidence = score.confidence * (1.0 if rung is Rung.DIRECTORY else 0.95)
    return Finding("pioneer", layout.key, layout.models, round(confidence, 3), tuple(reasons), disk.base, swapped,
                   place=place, rung=rung)  # fmt: skip


def sample(tables: Tables) -> list[Programme]:
    """Up to a dozen titles from all over the table."""
    found: list[Programme] = []
    for number in range(tables.layout.fnt_slots):
        found += tables.programmes(number)
        if len(found) >= 4 * _SAMPLE:
            break
    return found[:: max(1, len(found) // _SAMPLE)][:_SAMPLE]


def score_titles(tables: Tables, titles: Iterable[Programme]) -> Score:
    """Test each title: count of files, own index, size against runs, pack at the start, date, name."""
    score, contents = Score(), Contents(tables)
    for title in titles:
        score.titles += 1
        if not score.test(1 <= title.count <= 999):
            continue
        indices, _ = contents.chain(title)
        if not indices and title.other_first:
            indices, _ = contents.chain(title, title.other_first)
        score.test(orphans.is_name(title.raw_name))
        if tables.layout.title_date is not None:
            mark = tables.disk.get(title.at + 92, 4)
            score.test(None if mark is None else (mark == MARK_633H) == (tables.layout.key == "633h"))
        entry = contents.peek(indices[0]) if indices else None
        if entry is None or entry.own is None:
            score.chains += len(indices) == title.count and bool(title.raw_name[0])
            continue
        if not score.test(entry.own == entry.index):
            continue
        score.indices += 1
        _score_file(tables, contents, indices[0], score)
        date = title.date or entry.date
        score.test(date is not None and 1999 <= date.year <= 2035)
    return score


def score_files(tables: Tables, score: Score) -> None:
    """Where titles or chains are unread: files that the directory leads to, each by its own index."""
    contents = Contents(tables)
    for number in range(tables.layout.fat_slots):
        if tables.block_number("fat", number):
            first = number * tables.layout.fat_per_block + 1
            for index in range(first, first + tables.layout.fat_per_block):
                entry = contents.peek(index)
                if entry is None or not entry.own or not entry.block_directory:
                    continue
                if score.test(entry.own == index):
                    score.indices += 1
                    _score_file(tables, contents, index, score)
                if score.indices >= _SAMPLE or score.wrong > _SAMPLE:
                    return


def _score_file(tables: Tables, contents: Contents, index: int, score: Score) -> None:
    file = contents.file(index)
    if file is None or not score.test(bool(file.entry.size_blocks)):
        return
    unread = any(problem.code in UNREAD for problem in file.problems)
    blocks = sum(extent.size for extent in file.extents) // BLOCK
    score.test(None if unread else blocks == file.entry.size_blocks)
    if file.extents and file.extents[0].start is not None:
        head = tables.disk.get(file.extents[0].start - tables.disk.base, 14)
        score.heads += head is not None
        score.packs += score.test(None if head is None else is_pack(head))


def search(source: Source, *, swapped: bool = False, deep: bool = False, reporter: Reporter = SILENT) -> list[Finding]:
    """For a disk whose directory area is lost: layouts whose file tables are found by their own numbers."""
    found = []
    for base in BASES if deep else (0,):
        disk = Disk(source, base, reporter)
        limit = disk.size if deep and not base else min(disk.size, orphans.FIRST_PLACES // 2)
        for layout in LAYOUTS:
            seen = orphans.Found()
            orphans.search(disk, layout, 0, limit, seen)
            if seen.fat:
                blocks = sum(len(one) for one in seen.fat.values())
                reasons: tuple[str, ...] = (
                    f"no directory; {blocks} blocks of a file table of this layout lead to MPEG packs",
                )
                confidence = min(0.6, 0.3 + 0.1 * blocks)
                if seen.fnt:
                    # Sister layouts share the file table; the title table tells them apart.
                    reasons += (f"{len(seen.fnt)} blocks of a title table of this layout",)
                    confidence += 0.2
                found.append(Finding("pioneer", layout.key, layout.models, confidence, reasons, base, swapped,
                                     rung=Rung.ORPHAN))  # fmt: skip
        if found:
            break
    return sorted(found, key=lambda one: -one.confidence)
