"""Titles from a management file and the VRO it describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.dvr.cutting import Cutter
from engine.dvr.disk import Disk
from engine.dvr.dvdvr.lists import plays, units, vob_of
from engine.dvr.dvdvr.model import PTM_HZ, SECTOR, Management, Programme, Vob
from engine.dvr.dvdvr.vobs import BeginsVob
from engine.dvr.model import Chapter, Edit, EditKind, Extent, Part, Rung, Stretch, TimeMap, Title
from engine.dvr.pack import is_pack, is_scrambled
from engine.dvr.timing import duration, taken_out, taken_words
from engine.errors import Problem

ROLE = "VRO program"
_SAMPLES = 8
_EPSILON_S = 0.02


@dataclass(frozen=True, slots=True)
class Video:
    """A VRO: its extents, how much of it has no known place, and how it was found."""

    path: str
    extents: tuple[Extent, ...]
    unplaced: int = 0
    rung: Rung = Rung.DIRECTORY
    problems: tuple[Problem, ...] = ()


def begins_with_pack(disk: Disk, video: Video) -> BeginsVob:
    """A test for ``ifo.parse``: has the VRO a pack at a sector; None when that is unread."""
    cutter = Cutter(video.extents)

    def test(sector: int) -> bool | None:
        place = cutter.place(sector * SECTOR)
        if place is None:
            return False if sector * SECTOR >= cutter.size + video.unplaced else None
        head = disk.get(place - disk.base, 14)
        return None if head is None else is_pack(head)

    return test


def titles_of(
    disk: Disk, management: Management, video: Video, rung: Rung = Rung.DIRECTORY, prefix: str = ""
) -> list[Title]:
    """Programmes, then play lists, then VOBs that no programme plays. ``prefix`` makes ids unique on a disk with many
    management files; ``rung`` tells where the management file came from."""
    maker = _Maker(disk, management, Cutter(video.extents), video, max(rung, video.rung, key=list(Rung).index), prefix)
    whole = [programme for programme in management.programmes if programme.cells]
    ids = _ids(prefix, management)
    made = [(programme, maker.title(programme, ids(programme.number))) for programme in whole]
    titles = [title for _, title in made if title.parts or title.problems]
    stretches = plays(management, made if management.play_lists else [])
    fallback = not any(title.parts for title in titles)
    used = {cell.vob for programme in whole for cell in programme.cells if cell is not None and not cell.still}
    for programme in management.play_lists:
        title = maker.title(programme, f"{prefix}p{programme.number}")
        played = stretches(programme)
        titles.append(replace(title, kind="play list", edited=(_list_edit(programme, played),), plays=played))
    for vob in management.vobs:
        if vob is not None and (fallback or vob.number not in used):
            titles.append(maker.lone(vob, f"{prefix}v{vob.number}", fallback))
    return titles


def _list_edit(programme: Programme, played: Sequence[Stretch]) -> Edit:
    several = len({stretch.title for stretch in played})
    stretches = f"{len(played)} stretch{'es' if len(played) != 1 else ''}"
    words = f"plays {stretches} of {several} other title{'s' if several != 1 else ''}"
    return Edit(EditKind.PLAY_LIST, words if played else f"plays {len(programme.cells)} stretches of other titles")


def bare_title(disk: Disk, video: Video, id: str, name: str, problems: Sequence[Problem] = ()) -> Title:
    """A VRO that no management file describes, as one title."""
    seconds = duration(disk, video.extents)
    part = Part(video.path, video.extents, seconds, video.rung, video.unplaced)
    return Title(id, name, parts=(part,), duration_s=seconds, rung=video.rung, role="MPEG-2 program stream",
                 problems=(*problems, *video.problems))  # fmt: skip


def _ids(prefix: str, management: Management) -> Callable[[int], str]:
    """One programme of one recording on a hard disk is known by the recording's number alone."""
    alone = prefix and len(management.programmes) == 1
    return lambda number: prefix.rstrip("-") if alone else f"{prefix}{number}"


@dataclass(slots=True)
class _Maker:
    disk: Disk
    management: Management
    cutter: Cutter
    video: Video
    rung: Rung
    prefix: str

    def vob(self, number: int) -> Vob | None:
        """The VOB of a number."""
        return vob_of(self.management, number)

    def title(self, programme: Programme, id: str) -> Title:
        """A programme: one part for each cell."""
        parts: list[Part] = []
        problems: list[Problem] = list(self.video.problems)
        chapters: list[Chapter] = []
        edits: list[Edit] = []
        begun = 0.0
        stills = 0
        for number, cell in enumerate(programme.cells, 1):
            if cell is not None and cell.still:
                stills += 1
                continue
            vob = self.vob(cell.vob) if cell is not None else None
            if cell is None or vob is None:
                problems.append(Problem("cell-lost", f"cell {number} is lost, or the record of its VOB is"))
                continue
            first, last = units(vob, cell)
            part = self.part(vob, first, last, problems)
            if (first, last) != (0, len(vob.sizes)) and not any(edit.kind is EditKind.CUT for edit in edits):
                edits.append(Edit(EditKind.CUT, f"plays a part of VOB {vob.number}"))
            offset = float(vob.seconds[:first].sum())
            for ptm, label in cell.points:
                at = (ptm - vob.start_ptm) / PTM_HZ - offset
                if -_EPSILON_S <= at <= (part.duration_s or 0) + _EPSILON_S:
                    chapters.append(Chapter(begun + max(0.0, at), label))
            begun += part.duration_s or 0.0
            parts.append(part)
        if stills:
            problems.append(Problem("stills", f"{stills} of its cells are still pictures, which are left out"))
        edits += _joins(self.disk, parts)
        dates = [part.recorded_at for part in parts if part.recorded_at]
        aspects = {vob.aspect for cell in programme.cells if cell and (vob := self.vob(cell.vob))} - {""}
        lost = len(parts) < len(programme.cells) - stills
        return Title(
            id, programme.name, parts=tuple(parts), recorded_at=min(dates) if dates else programme.created_at,
            locked=programme.protected, duration_s=begun if parts and not lost else None, edited=tuple(edits),
            chapters=tuple(chapters), rung=self.rung, problems=tuple(problems), role=ROLE,
            scrambled=self.scrambled(parts), aspect=aspects.pop() if len(aspects) == 1 else "", name_raw=programme.raw,
        )  # fmt: skip

    def lone(self, vob: Vob, id: str, fallback: bool) -> Title:
        """A VOB that no programme plays: deleted, unless the table of programmes is of no use."""
        problems: list[Problem] = list(self.video.problems)
        part = self.part(vob, 0, len(vob.sizes), problems)
        words = "the table of programmes is lost: one title for each VOB" if fallback else "no programme plays it"
        problems.append(Problem("no-title", words))
        return Title(
            id, parts=(part,), recorded_at=vob.recorded_at, deleted=not fallback, duration_s=part.duration_s,
            rung=self.rung, problems=tuple(problems), role=ROLE, aspect=vob.aspect, scrambled=self.scrambled([part]),
        )  # fmt: skip

    def part(self, vob: Vob, first: int, last: int, problems: list[Problem]) -> Part:
        """VOBUs ``first`` to ``last`` (exclusive) of a VOB."""
        import numpy as np

        start = (vob.first_sector + int(vob.sizes[:first].sum())) * SECTOR
        size = int(vob.sizes[first:last].sum()) * SECTOR
        extents = self.cutter.cut(start, size)
        placed = sum(extent.size for extent in extents)
        unplaced = 0
        if placed < size:
            unplaced = size - placed
            words = f"VOB {vob.number} ends {size - placed} bytes behind the end of {self.video.path}"
            problems.append(Problem("vob-outside", words))
        positions = np.concatenate(([0], np.cumsum(vob.sizes[first:last]) * SECTOR))
        seconds = np.concatenate(([0.0], np.cumsum(vob.seconds[first:last])))
        return Part(
            f"VOB {vob.number}", extents, float(seconds[-1]), self.rung, unplaced, TimeMap(positions, seconds),
            vob.recorded_at,
        )  # fmt: skip

    def scrambled(self, parts: Sequence[Part]) -> str | None:
        """By a few packs of each part, where the disc says that it can be."""
        if not self.management.may_be_scrambled:
            return None
        seen = []
        for part in parts:
            cutter = Cutter(part.extents)
            for number in range(_SAMPLES):
                place = cutter.place(cutter.size // SECTOR * number // _SAMPLES * SECTOR)
                data = None if place is None else self.disk.get(place - self.disk.base, SECTOR)
                if data is not None and (answer := is_scrambled(data)) is not None:
                    seen.append(answer)
        if not seen:
            return None
        return "all" if all(seen) else "partly" if any(seen) else "none"


def _joins(disk: Disk, parts: Sequence[Part]) -> list[Edit]:
    """Several cells: what was taken out of one recording, or recordings put together."""
    if len(parts) < 2:
        return []
    dates = {part.recorded_at for part in parts}
    if len(dates) == 1 and None not in dates:
        taken = [taken_out(disk, one.extents, two.extents) for one, two in pairwise(parts)]
        told = taken_words([(part.duration_s, seconds) for part, seconds in zip(parts, taken, strict=False)])
        words = told + " (by the clock)" if told else "what was between them is taken out"
        return [Edit(EditKind.AB_DELETE, f"{len(parts)} parts of one recording; {words}")]
    return [Edit(EditKind.COMBINED, f"plays {len(parts)} recordings one after the other")]
