"""Files of a volume as rows and facts: health marks, columns, the state of the index."""

from __future__ import annotations

from engine.cases.files_desk import Details, Health, Overview
from engine.cases.volumes import VolumeAt
from engine.filesystems import kinds
from engine.filesystems.index import Entry
from engine.jobs import Job
from engine.text import format_exact, format_loss, format_rate, format_size
from tui.file_words import kind_word, stamp, state_text
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row
from tui.words import percent, plural

COLUMNS = (
    Column("", width=2, least=2),
    Column("name", width=200, flex=True, least=16),
    Column("size", width=11, right=True),
    Column("lacks", width=11, right=True),
    Column("of it", width=9, right=True, drop=1),
    Column("changed", width=16, drop=2),
)
FLAT_COLUMNS = (*COLUMNS[:1], Column("path", width=300, flex=True, least=16, path=True), *COLUMNS[2:])
VOLUME_COLUMNS = (
    Column("n", width=3, right=True),
    Column("start (bytes)", width=18, right=True),
    Column("size", width=11, right=True),
    Column("file system", width=40, flex=True, least=12),
    Column("label", width=20, drop=1),
)
MARKS = "+ whole  - lacks bytes  ? nobody knows  x deleted  * marked"


def mark_of(entry: Entry, health: Health, mapped: bool) -> Cell:
    """The letter and its style: ``+`` whole, ``-`` lacks bytes, ``?`` unknown, ``x`` deleted."""
    if entry.deleted:
        return Cell("x", "row--soft")
    if entry.state & kinds.UNREAD or (entry.lost and not health.missing):
        return Cell("?", "row--danger")
    if health.missing or health.unread or entry.lost:
        return Cell("-", "row--danger")
    return Cell("+" if mapped else " ", "row--good" if mapped else "")


def volume_row(volume: VolumeAt) -> Row:
    """One volume."""
    style = "row--soft" if volume.why_not is not None else ""
    words = volume.title if volume.why_not is None else f"{volume.title} (not readable)"
    return Row(str(volume.start), (str(volume.number), str(volume.start), format_size(volume.size), words,
                                   volume.label), style)  # fmt: skip


def entry_row(entry: Entry, overview: Overview, *, marked: bool, name: str) -> Row:
    """One entry; ``name`` is its name, or its path in flat lists."""
    health = overview.of(entry)
    mark = mark_of(entry, health, overview.mapped)
    if marked:
        mark = Cell(mark.text + "*", "row--strong")
    shown = f"{name}/" if entry.is_directory else name
    if entry.kind == kinds.LINK and entry.target:
        shown = f"{name} -> {entry.target}"
    size = "" if entry.size is None or entry.is_directory else format_size(entry.size)
    lacks, share = "", ""
    if entry.is_directory:
        if health.unread:
            lacks, share = "entries?", ""
        elif health.files:
            lacks, share = format_size(health.missing), plural(health.files, "file", "files")
    elif entry.state & kinds.UNREAD:
        lacks = "unread"
    elif health.missing:
        lacks = format_size(health.missing)
        share = percent(min(health.missing, entry.size), entry.size) if entry.size else ""
    elif entry.deleted:
        share = "deleted"
    style = "row--soft" if entry.deleted or entry.kind == kinds.SYSTEM else ""
    cells = (mark, shown, size or " ", Cell(lacks or " ", "row--danger"), share or " ", stamp(entry.modified) or " ")
    return Row(str(entry.id), cells, style)  # a blank keeps a column that others fill


def details_facts(details: Details) -> list[Fact]:
    """Everything about the entry under the cursor."""
    entry, health = details.entry, details.health
    words = [kind_word(entry)]
    if not entry.is_directory and entry.size is not None:
        words.append(format_exact(entry.size))
    if entry.modified is not None:
        words.append(f"changed {stamp(entry.modified)}")
    facts: list[Fact] = [("path", details.path or "/"), ("", ", ".join(words))]
    state = state_text(entry, details.free)
    if state:
        facts.append(("state", Cell(state, "row--warning")))
    if details.ranges:
        total = details.ranges.total
        told = f"{format_exact(total)}, {percent(total, entry.size)}" if entry.size else format_exact(total)
        if details.seconds is not None:
            told += f", about {format_loss(details.seconds)} of playing"
        told += f", in {plural(len(details.ranges), 'place', 'places')}"
        first = ", ".join(f"{low}-{high}" for low, high in list(details.ranges)[:3])
        facts.append(("lacks", Cell(told, "row--danger")))
        facts.append(("where", first + (" ..." if len(details.ranges) > 3 else "")))
    if entry.is_directory and health.unread:
        facts.append(("unread", Cell(f"{format_exact(health.unread)} of the directory: entries may be missing",
                                     "row--danger")))  # fmt: skip
    if entry.is_directory and health.files:
        facts.append(("below", Cell(f"{plural(health.files, 'file lacks', 'files lack')} "
                                    f"{format_exact(health.missing)}", "row--danger")))  # fmt: skip
    if details.places:
        shown = ", ".join(
            f"{size} B " + (f"at {start}" if start is not None else "nowhere") for _, start, size in details.places[:2]
        )
        more = details.place_count - 2
        facts.append(("lies", shown + (f" and {more} more" if more > 0 else "")))
    if details.other_names:
        facts.append(("names", f"{plural(details.other_names, 'other name', 'other names')} of the same file"))
    if details.problem:
        facts.append(("reader", Cell(details.problem, "row--warning")))
    return facts


def overview_facts(overview: Overview | None, job: Job | None, shown: str) -> list[Fact]:
    """The volume in two or three lines."""
    facts: list[Fact] = []
    if job is not None and job.live:
        done = job.progress
        words = f"{job.kind}: {job.state}"
        if done.done and done.unit == "B":
            words += f", {percent(done.done, done.total)}  {format_size(done.done)} at {format_rate(done.rate)}"
        elif done.done:
            words += f", {done.done} {done.unit}" + (f"  {job.message}" if job.message else "")
        facts.append(("job", Cell(words, "row--strong")))
    if overview is None:
        if not facts:
            facts.append(("files", "not listed yet: i walks the volume and keeps what is where"))
        return facts
    counts, hits = overview.counts, overview.damage.hits
    facts.append(("files", f"{counts['files']} in {plural(counts['directories'], 'directory', 'directories')}, "
                           f"{counts['deleted']} deleted; {shown}"))  # fmt: skip
    if not overview.mapped:
        facts.append(("health", Cell("no map: nobody can say which bytes were never read", "row--warning")))
    elif len(hits) or hits.classes.own or hits.directories.size:
        own = f"; own structures lack {format_size(hits.classes.own)}" if hits.classes.own else ""
        free = f"; free space {format_size(hits.classes.free)}" if hits.classes.free else ""
        facts.append(("health", Cell(f"{plural(len(hits), 'file lacks', 'files lack')} {format_exact(hits.missing)}"
                                     f"{own}{free}", "row--danger")))  # fmt: skip
    else:
        facts.append(("health", Cell("every listed file was read whole", "row--good")))
    if overview.stale:
        facts.append(("index", Cell("directories have been read since it was made: i finds more files",
                                    "row--warning")))  # fmt: skip
    elif counts["unread_bytes"]:
        facts.append(("index", Cell(f"{format_size(counts['unread_bytes'])} of directories and tables are unread: "
                                    "files may be missing here", "row--danger")))  # fmt: skip
    for what, size in overview.copies[:1]:
        facts.append(("copy", f"the {what} was unread ({format_size(size)}): its second copy stands in"))
    return facts
