"""The solver: ranked ways to make a document whole again, each verified and with its reasons.

Nothing is written: a candidate is the original's bytes with a header and some sectors laid over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.ole2.bases import Place, places
from engine.ole2.draft import Draft
from engine.ole2.evidence import ROW, ZERO, Evidence, find_phases, gather
from engine.ole2.fat_rows import Rows, table_rows
from engine.ole2.finish import Clues, finish
from engine.ole2.model import Document, Header
from engine.ole2.overlay import OverlaySource
from engine.ole2.pages import Pages
from engine.ole2.rank import last_saved, rank
from engine.ole2.read import read_difat, read_document, read_header
from engine.ole2.solve_directory import solve_directory
from engine.ole2.solve_fat import UNKNOWN, FatSet, solve_fat
from engine.ole2.structs import DIFAT_MARK, END, FREE, HEADER_SIZE, ROOT, SIGNATURE
from engine.ole2.verify import Verification, verify
from engine.progress import SILENT, Reporter, check

if TYPE_CHECKING:
    from engine.source import Source

ENOUGH = 0.6
"""A solution that explains less of the sectors in use may be a document inside the document."""
_MAX_TRIED = 12
_MAX_PLACES = 6


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decided; None leaves it to the program. Sectors are numbers, ``base`` is in bytes.

    ``fields`` are header fields by name with the value they shall have; ``donor`` a header whose standard fields are
    taken.
    """

    base: int | None = None
    sector_size: int | None = None
    fat: tuple[int, ...] | None = None
    directory: int | None = None
    mini_fat: int | None = None
    fields: Mapping[str, int] = field(default_factory=dict)
    donor: Header | None = None

    @property
    def any(self) -> bool:
        """Whether anything was decided."""
        return self != Choices()


@dataclass(frozen=True, slots=True)
class Change:
    """Bytes that the repaired document has other than the original, at ``offset`` of the repaired one."""

    offset: int
    data: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to read the document. ``size`` is that of the repaired file; ``intact`` says that nothing has to change.

    ``fat_lost`` counts FAT sectors that had to be refilled; ``invented`` is 1 when there was no FAT at all, and 1 more
    when there was no directory.
    """

    base: int
    sector_size: int
    header: Header
    changes: tuple[Change, ...]
    size: int
    score: float
    reasons: tuple[str, ...]
    guessed: Mapping[str, str]
    document: Document
    verification: Verification
    origin: str
    saved: int = 0
    fat_lost: int = 0
    invented: int = 0

    @property
    def intact(self) -> bool:
        """Whether the original is right as it is."""
        return not self.changes and self.base == 0

    @property
    def good(self) -> bool:
        """Whether the structure is verified and explains what the FAT calls used."""
        seen = self.verification
        return seen.structure and seen.streams > 0 and seen.explained >= ENOUGH

    @property
    def enough(self) -> bool:
        """Whether besides it is about most of the file: then nothing else needs to be tried."""
        return (
            self.good and self.verification.covered >= ENOUGH and not self.verification.failed and not (self.invented)
        )

    @property
    def image(self) -> Source:
        """The repaired document's bytes; what nobody has read is a hole in it."""
        return self.document.source


@dataclass(frozen=True, slots=True)
class Solution:
    """Candidates, the best first (perhaps none); what the pass saw; how many were tried."""

    candidates: tuple[Candidate, ...]
    evidence: Evidence | None
    tried: int
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The best one."""
        return self.candidates[0] if self.candidates else None


def as_it_is(source: Source) -> Candidate | None:
    """The document as its header tells it, when that is right."""
    if source.size < 2 * HEADER_SIZE:
        return None
    header, holes = read_header(source)
    if header.signature != SIGNATURE or holes:
        return None
    document = read_document(source, header=header)
    verification = verify(document)
    if not verification.structure:
        return None
    reasons = ("the document is right as it is",)
    return Candidate(
        0, document.pages.sector_size, header, (), source.size, 100.0, reasons, {}, document, verification, "intact",
        last_saved(document),
    )  # fmt: skip


def solve(
    source: Source, choices: Choices | None = None, *, reporter: Reporter = SILENT, evidence: Evidence | None = None,
    thorough: bool = False,
    most: int = _MAX_TRIED,
) -> Solution:  # fmt: skip
    """Candidates for a document. ``evidence`` of an earlier pass is used again; ``thorough`` looks for candidates even
    when the document is right or the first solution is good; ``most``: how many are finished at each place."""
    choices = choices or Choices()
    if not choices.any and not thorough:
        right = as_it_is(source)
        if right is not None:
            return Solution((right,), evidence, 1)
    wanted = (choices.base or 0) % HEADER_SIZE
    if evidence is None or evidence.phase != wanted:
        evidence = gather(source, phase=wanted, reporter=reporter)
    found, tried = _at_phase(source, evidence, choices, reporter, thorough, most)
    best = evidence
    if not any(one.enough for one in found) and choices.base is None:
        for phase in find_phases(source, reporter):
            other = gather(source, phase=phase, reporter=reporter)
            more, count = _at_phase(source, other, choices, reporter, thorough, most)
            tried += count
            found += more
            if any(one.enough for one in more):
                best = other
                break
    notes = ("some rows were too many to be kept",) if best.dropped else ()
    return Solution(tuple(rank(found)), best, tried, notes)


def _at_phase(
    source: Source, evidence: Evidence, choices: Choices, reporter: Reporter, thorough: bool, most: int
) -> tuple[list[Candidate], int]:
    found: list[Candidate] = []
    tried = 0
    for place in places(source, evidence, choices.base, choices.sector_size)[:_MAX_PLACES]:
        check(reporter)
        pages = Pages(source, place.base, place.sector_size)
        drafts = list(_drafts(pages, evidence, choices, place))
        drafts.sort(key=lambda one: -one[0].score)
        for draft, clues, origin in drafts[:most]:
            check(reporter)
            tried += 1
            one = make_candidate(finish(draft, clues), clues, choices, origin)
            found.append(one)
            if one.verification.whole and one.verification.explained > 0.98 and not thorough and len(drafts) < 3:
                break
        if any(one.enough for one in found) and not thorough:
            break
    return found, tried


def _drafts(pages: Pages, evidence: Evidence, choices: Choices, place: Place) -> Iterator[tuple[Draft, Clues, str]]:
    """Every pairing of a FAT with a directory that is worth finishing."""
    header = surviving_header(pages)
    rows = table_rows(pages, evidence)
    listed: list[int] = []
    difat: list[int] = []
    if header is not None and header.fat_sectors <= pages.count:
        difat, listed = read_difat(header, pages, [])
    sets = _fat_sets(pages, rows, listed, choices)
    clues = Clues(header, difat, choices.mini_fat)
    for one in sets:
        words, lost = pages.table(one.sectors)
        for k in one.damaged:
            lost[k * pages.words : (k + 1) * pages.words] = True
        draft = Draft(pages, evidence, rows, list(one.sectors), words, lost)
        marks = {int(s) for s in np.flatnonzero((words == DIFAT_MARK) & ~lost)}
        hint = header.directory_start if header is not None else None
        directories = solve_directory(pages, evidence, draft.fat, draft.tables | marks, hint, only=choices.directory)
        best = directories[0].score if directories else 0
        kept = [d for d in directories if d.score >= best - 12][:4]
        for directory in kept:
            made = replace_draft(draft)
            made.directory = directory.chain.sectors(pages.count)
            made.entries = list(directory.entries)
            made.score = one.score + directory.score + place.votes * 0.01 + (20 if header is not None else 0)
            made.reasons = [place.words, *one.reasons, *directory.reasons]
            yield made, clues, one.origin
        if not kept or kept[0].entries[0].kind != ROOT or kept[0].explained < ENOUGH:
            made = replace_draft(draft)
            made.score = one.score - 10
            made.reasons = [place.words, *one.reasons, "no directory was found"]
            made.score += 20 if header is not None else 0
            yield made, clues, one.origin


def replace_draft(draft: Draft) -> Draft:
    """A copy whose tables can be changed."""
    return replace(
        draft, fat_list=list(draft.fat_list), words=draft.words.copy(), lost=draft.lost.copy(), reasons=[], guessed={},
        patches={}, entries=[], directory=[],
    )  # fmt: skip


def _fat_sets(pages: Pages, rows: Rows, listed: list[int], choices: Choices) -> list[FatSet]:
    if choices.fat is not None:
        empty = frozenset(k for k, sector in enumerate(choices.fat) if rows.find(sector) is None)
        return [FatSet(choices.fat, empty, 0.0, "hand", ("the FAT's sectors were chosen by hand",))]
    sets = solve_fat(pages, rows, listed)
    alive = [one for one in sets if len(one.lost) < len(one.sectors)]
    if not alive or not bool(rows.marks.any()) or alive[0].score < 0:
        count = max(1, -(-pages.count // pages.words))
        words = ("no FAT sector is left: every chain is taken to lie in one piece",)
        known = [sector if pages.inside(sector) else UNKNOWN for sector in listed] or [UNKNOWN] * count
        damaged = frozenset(k for k, sector in enumerate(known) if sector >= 0)
        alive.append(FatSet(tuple(known), damaged, -20.0, "none", words))
    return alive


def surviving_header(pages: Pages) -> Header | None:
    """The header when it was read and most of it is possible: single wrong fields do not disqualify it."""
    if pages.base < 0:
        return None
    header, holes = read_header(pages.source, pages.base)
    if holes:
        return None
    good = [
        header.signature == SIGNATURE, header.byte_order == 0xFFFE, header.mini_sector_shift == 6,
        header.mini_cutoff == 4096, header.sector_size == pages.sector_size,
        0 < header.fat_sectors <= pages.count, pages.inside(header.directory_start),
        pages.inside(header.mini_fat_start) or header.mini_fat_start in (END, FREE),
        header.mini_fat_sectors <= pages.count, pages.inside(header.difat[0]),
    ]  # fmt: skip
    return header if sum(good) >= 6 else None


def make_candidate(draft: Draft, clues: Clues, choices: Choices, origin: str) -> Candidate:
    """Header, image and verification of a finished draft."""
    pages = draft.pages
    header = draft.header(clues.header)
    if choices.donor is not None:
        header = with_standard(header, choices.donor)
    if choices.fields:
        values: dict[str, Any] = dict(choices.fields)
        header = replace(header, **values)
    base, size = pages.base, pages.sector_size
    patches = {pages.offset(sector) - base: (data, reason) for sector, (data, reason) in draft.patches.items()}
    end = max(pages.source.size - base, 0)
    top = draft.end if draft.end > pages.count or draft.appended else 0
    end = max(
        end, *(at + len(data) for at, (data, _) in patches.items()), (top + draft.appended + 1) * size if top else 0
    )
    packed = header.pack()
    lead = packed
    if base < 0:
        lead = packed.ljust(min(size, -base), b"\0")
    old = pages.source.read(base, HEADER_SIZE) if base >= 0 else None
    changed = old is None or old.holes or old.data != same_header(packed, old.data, clues.header, header)
    if changed:
        patches[0] = (lead, "header computed from the tables")
    image = OverlaySource(pages.source, base, end, {at: data for at, (data, _) in patches.items()})
    if not changed:
        header = Header.parse(old.data if old is not None else packed)
    document = read_document(image, header=header, sector_size=size)
    document = document.with_streams(
        tuple(
            replace(stream, guessed=stream.guessed or draft.guessed.get(stream.entry.name, ""))
            for stream in document.streams
        )
    )
    bare = read_document(image, header=header, sector_size=size)
    verification = verify(bare)
    # what is nothing but zeros need not be explained
    content = max(512, draft.evidence.size - int((draft.evidence.classes == ZERO).sum()) * ROW)
    verification = replace(verification, covered=min(1.0, verification.covered * end / content))
    return Candidate(
        base, size, header, tuple(Change(at, *patches[at]) for at in sorted(patches)), end, draft.score,
        tuple(draft.reasons), dict(draft.guessed), document, verification, origin, last_saved(document),
        sum(reason == "FAT sector put back" for _, reason in draft.patches.values()), draft.invented,
    )  # fmt: skip


def same_header(packed: bytes, old: bytes, credible: Header | None, new: Header) -> bytes:
    """The old header's bytes when it says the same in all that matters, else ``packed``.

    What any value may stand in (class id, revision, transaction, the form of "none") is left as it was found.
    """
    if credible is None:
        return packed
    found = Header.parse(old)
    alike = replace(
        found, class_id=new.class_id, minor_version=new.minor_version, transaction=new.transaction,
        difat_start=new.difat_start if found.difat_start in (END, FREE) and not new.difat_sectors
        else found.difat_start,
        mini_fat_start=new.mini_fat_start if found.mini_fat_start in (END, FREE) and not new.mini_fat_sectors
        else found.mini_fat_start,
        mini_fat_sectors=new.mini_fat_sectors if new.mini_fat_start == END and found.mini_fat_start in (END, FREE)
        else found.mini_fat_sectors,
        difat=tuple(b if a >= END and b >= END else a for a, b in zip(found.difat, new.difat, strict=True)),
    )  # fmt: skip
    return old if alike == new else packed


def with_standard(header: Header, donor: Header) -> Header:
    """The standard fields of a working file's header with the critical ones of this."""
    return replace(
        header, signature=donor.signature, class_id=donor.class_id, minor_version=donor.minor_version,
        byte_order=donor.byte_order, mini_sector_shift=donor.mini_sector_shift, reserved=donor.reserved,
        mini_cutoff=donor.mini_cutoff,
    )  # fmt: skip
