"""All titles of a Pioneer or Sony disk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from engine.dvr.disk import Disk
from engine.dvr.model import Edit, EditKind, Finding, Part, Recordings, Rung, Title
from engine.dvr.pioneer import orphans
from engine.dvr.pioneer.content import Contents, FileContent
from engine.dvr.pioneer.layouts import BLOCK, BY_KEY, GENRES, INPUTS, Layout
from engine.dvr.pioneer.tables import Programme, Tables
from engine.dvr.reused import mark_reused, reused_bytes
from engine.dvr.timing import duration, taken_out, taken_words
from engine.dvr.words import western
from engine.errors import Problem
from engine.progress import SILENT, Reporter
from engine.source import Source

ROLE = "MPEG-2 program stream"


@dataclass(slots=True)
class Reading:
    """What one read of a disk works on."""

    disk: Disk
    layout: Layout
    tables: Tables
    contents: Contents
    programmes: list[Programme]
    rung: Rung
    titles: list[Title] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    """FAT indices that a title owns."""


def read(source: Source, finding: Finding, *, deep: bool = False, reporter: Reporter = SILENT) -> Recordings:
    """The titles under ``finding``. ``deep`` looks through the whole disk for tables that nothing points to: lost ones,
    or those of deleted titles."""
    disk = Disk(source, finding.base, reporter)
    layout = BY_KEY[finding.variant]
    directory = None if finding.place is None else (finding.place - finding.base) // BLOCK
    disk.note(0x800, 0x60)
    tables = Tables(disk, layout, directory)
    programmes = [p for number in range(layout.fnt_slots) for p in tables.programmes(number)]
    visible, list_whole = tables.visible()
    work = Reading(disk, layout, tables, Contents(tables), programmes, finding.rung)
    loose: list[int] = []
    lost = orphans.lost(tables) or directory is None
    if lost or deep or not programmes:
        work.programmes, loose = orphans.complete(tables, programmes, deep=deep)
    order = _order(work, visible, list_whole and directory is not None, lost)
    unlinked = []
    for programme, deleted in order:
        title, indices = _title(work, programme, deleted)
        if title is None:
            continue
        if not title.parts:
            unlinked.append((len(work.titles), programme))
        work.titles.append(title)
        work.used |= set(indices)
    _propose(work, unlinked)
    _loose_files(work)
    if work.tables.lost["fat"] or directory is None or deep:
        _loose_lists(work, loose, deleted=not lost)
    titles = _without_reused(_mark_divided(work.titles))
    _report_lost(work)
    return Recordings(finding, tuple(titles), (), disk.structures, tuple(disk.problems))


def _order(work: Reading, visible: list[int], list_whole: bool, lost_tables: bool) -> list[tuple[Programme, bool]]:
    """Programmes in the recorder's order with whether they are deleted; a damaged list hides and deletes nothing."""
    by_slot = {programme.slot: programme for programme in work.programmes if programme.slot}
    known = [slot for slot in dict.fromkeys(visible) if slot in by_slot]
    strange = len([slot for slot in visible if slot not in by_slot]) + len(visible) - len(set(visible))
    reliable = list_whole
    if strange:
        lost = bool(work.tables.lost["fnt"])
        if not lost:
            words = f"{strange} entries of the list of visible titles name no title or one twice"
            work.disk.problem("visible-list", words)
        reliable = reliable and (lost or strange <= len(known))
    if not list_whole and work.tables.directory is not None:
        work.disk.problem("visible-list", "the list of visible titles is unread in part: none is called deleted")
    elif not reliable:
        work.disk.problem("visible-list", "the list of visible titles is not believed: none is called deleted")
    elif not visible and by_slot:
        work.disk.problem("visible-list", "the list of visible titles is empty: all titles are called deleted")
    order = [(by_slot[slot], False) for slot in known]
    chosen = set(known)
    rest = [programme for programme in work.programmes if not programme.slot or programme.slot not in chosen]
    # A title block that nothing points to, where nothing is lost, is from before the disk was formatted.
    return order + [(one, reliable if one.slot else not lost_tables) for one in rest]


def _title(work: Reading, programme: Programme, deleted: bool) -> tuple[Title | None, list[int]]:
    indices, problems = _chain(work, programme)
    if indices is None:
        return None, []
    parts = []
    for index in indices:
        content = work.contents.file(index)
        if content is None:
            words = f"file {index} is lost: its entry in the file table is unread or empty"
            problems.append(Problem("file-lost", words, programme.at + work.disk.base))
            continue
        problems += content.problems
        parts.append(_part(work, content))
    edits = []
    if len(parts) > 1:
        edits.append(Edit(EditKind.AB_DELETE, _taken(work, parts)))
    date = programme.date or next((part.recorded_at for part in parts if part.recorded_at), None)
    rung = max([work.rung, *(part.rung for part in parts)], key=list(Rung).index)
    source = programme.source
    title = Title(
        _id(work, programme), western(programme.raw_name), parts=tuple(parts), recorded_at=date,
        channel=str(source) if source is not None and 0 < source < 0x80 else "",
        input="" if source is None or source < 0x80 else INPUTS.get(source, f"input {source:#x}"),
        genre=GENRES.get(programme.genre, f"genre {programme.genre}"), locked=programme.locked, deleted=deleted,
        duration_s=_total(parts), edited=tuple(edits), rung=rung if programme.slot else Rung.ORPHAN,
        problems=tuple(problems), role=ROLE, name_raw=programme.raw_name,
    )  # fmt: skip
    return title, indices


def _id(work: Reading, programme: Programme) -> str:
    return str(programme.slot) if programme.slot else f"n{(programme.at + work.disk.base) // 128}"


def _total(parts: list[Part]) -> float | None:
    known = [part.duration_s for part in parts if part.duration_s is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _chain(work: Reading, programme: Programme) -> tuple[list[int] | None, list[Problem]]:
    """FAT indices of a programme. Two sister layouts exchange the field of the first link with another: where the
    one of this layout leads to no file that knows its own index, the other is tried."""
    own, problems = work.contents.chain(programme) if programme.first <= 0xFFFF and programme.first else ([], [])
    other = programme.other_first
    if not 0 < other <= 0xFFFF or other == programme.first or _leads(work, own):
        return own if programme.first else None, problems
    second, more = work.contents.chain(programme, other)
    if not _leads(work, second):
        return own if programme.first else None, problems
    words = f"its first link {programme.first} leads nowhere; {other}, in the sister layout's field, leads to its files"
    return second, [*more, Problem("first-link", words, programme.at + work.disk.base)]


def _leads(work: Reading, indices: list[int]) -> bool:
    entries = [work.contents.peek(index) for index in indices]
    return any(entry is not None and entry.own == entry.index and entry.block_directory for entry in entries)


def _part(work: Reading, content: FileContent) -> Part:
    extents = content.extents
    return Part(
        f"file {content.entry.index}", extents, duration(work.disk, extents),
        Rung.ORPHAN if _is_extra(work, "fat", content.entry.index) else content.rung,
        content.unplaced, recorded_at=content.entry.date,
    )  # fmt: skip


def _is_extra(work: Reading, table: str, index: int) -> bool:
    per_block = work.layout.fat_per_block if table == "fat" else work.layout.fot_per_block
    return (table, (index - 1) // per_block) in work.tables.extra


def _propose(work: Reading, unlinked: list[tuple[int, Programme]]) -> None:
    """Titles whose chain is lost, and files that no title owns: matched in order when both count the same."""
    wanted = [(place, programme) for place, programme in unlinked if programme.count <= 999]
    files = [index for index in _all_files(work) if index not in work.used]
    if not wanted or not work.tables.lost["fot"] or sum(p.count for _, p in wanted) != len(files):
        return
    for place, programme in sorted(wanted, key=lambda one: one[1].first):
        mine, files = files[: programme.count], files[programme.count :]
        contents = [content for content in map(work.contents.file, mine) if content is not None]
        parts = tuple(replace(_part(work, content), rung=Rung.ORPHAN) for content in contents)
        words = "its chain of files is lost; the files that no title owns fit in number and are given in their order"
        title = work.titles[place]
        work.titles[place] = replace(
            title, parts=parts, rung=Rung.ORPHAN, duration_s=_total(list(parts)),
            recorded_at=title.recorded_at or next((part.recorded_at for part in parts if part.recorded_at), None),
            problems=(*title.problems, Problem("proposed", words, programme.at + work.disk.base)),
        )  # fmt: skip
        work.used |= set(mine)


def _all_files(work: Reading) -> list[int]:
    """Indices of all FAT entries that look used."""
    layout, found = work.layout, []
    for number in range(layout.fat_slots):
        if work.tables.block("fat", number) is None:
            continue
        first = number * layout.fat_per_block + 1
        for index in range(first, first + layout.fat_per_block):
            entry = work.contents.peek(index)
            if entry is not None and entry.block_directory and entry.size_blocks and entry.own == index:
                found.append(index)
    return found


def _loose_files(work: Reading) -> None:
    """Files that no title owns: of titles whose table block is lost, or left over from deleted ones."""
    table_lost = bool(work.tables.lost["fnt"] or work.tables.lost["fot"]) or work.tables.directory is None
    for index in _all_files(work):
        if index in work.used:
            continue
        content = work.contents.file(index)
        if content is None or not content.extents:
            continue
        part = replace(_part(work, content), rung=Rung.ORPHAN)
        at = content.entry.at + work.disk.base
        work.titles.append(Title(
            f"f{index}", kind="file", parts=(part,), recorded_at=content.entry.date, deleted=not table_lost,
            duration_s=part.duration_s, rung=Rung.ORPHAN, role=ROLE,
            problems=(*content.problems, Problem("no-title", f"no title owns file {index}", at)),
        ))  # fmt: skip
        work.used.add(index)


def _loose_lists(work: Reading, blocks: list[int], *, deleted: bool) -> None:
    """Block lists that no file owns any more: each is up to 256 runs of one file, in order."""
    for block in blocks:
        if work.contents.owned(block):
            continue
        extents = work.contents.loose_list(block)
        if not extents:
            continue
        seconds = duration(work.disk, extents)
        part = Part(f"block list {block}", extents, seconds, Rung.ORPHAN)
        words = "no file owns this block list; of a long file there may be others"
        work.titles.append(Title(
            f"b{block}", kind="file", parts=(part,), duration_s=seconds, rung=Rung.ORPHAN, role=ROLE, deleted=deleted,
            problems=(Problem("no-file", words, block * BLOCK + work.disk.base),),
        ))  # fmt: skip


def _taken(work: Reading, parts: list[Part]) -> str:
    """How much is taken out between the files of a title, and where: the recorder leaves their clocks as they were."""
    disk = work.disk
    taken = [taken_out(disk, one.extents, two.extents) for one, two in pairwise(parts)]
    told = taken_words([(part.duration_s, seconds) for part, seconds in zip(parts, taken, strict=False)])
    return f"plays {len(parts)} files one after the other; {told or 'the clock jumps between'}"


def _mark_divided(titles: list[Title]) -> list[Title]:
    """Neighbours in the list with one name and one date are the halves of a divided recording."""
    halves: set[int] = set()
    shown = [number for number, title in enumerate(titles) if title.kind == "recording" and not title.deleted]
    for one, two in zip(shown, shown[1:], strict=False):
        first, second = titles[one], titles[two]
        if first.name_raw == second.name_raw and first.name and _same(first.recorded_at, second.recorded_at):
            halves |= {one, two}
    words = "its neighbour in the list has the same name and date"
    return [
        replace(title, edited=(*title.edited, Edit(EditKind.DIVIDED, words))) if number in halves else title
        for number, title in enumerate(titles)
    ]


def _same(one: datetime | None, two: datetime | None) -> bool:
    return one is not None and one == two


def _without_reused(titles: list[Title]) -> list[Title]:
    """Marked, and without the deleted files of which nothing is left."""
    return [
        title
        for title, taken in zip(mark_reused(titles), reused_bytes(titles), strict=True)
        if not taken or taken < title.size or title.kind != "file"
    ]


def _report_lost(work: Reading) -> None:
    names = {"fnt": "titles", "fot": "chains of files", "fat": "files"}
    for table, numbers in work.tables.lost.items():
        numbers = [number for number in numbers if (table, number) not in work.tables.extra]
        if not numbers:
            continue
        shown = ", ".join(map(str, numbers[:8])) + (" ..." if len(numbers) > 8 else "")
        words = f"the table of {names[table]} is unread in {len(numbers)} of its blocks ({shown})"
        work.disk.problem(f"{table}-lost", words)
