"""Carved files as rows and facts: words, no drawing."""

from __future__ import annotations

from engine.carve.find import Find
from engine.carve.listing import Choice, Listing
from engine.carve.outcome import Status
from engine.jobs import Job
from engine.text import format_exact, format_rate, format_size
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row
from tui.words import percent, plural

COLUMNS = (
    Column("", 1, least=1),
    Column("start", 14, right=True, drop=2),
    Column("size", 10, right=True, least=9),
    Column("type", 8, least=4),
    Column("sure", 4, drop=3),
    Column("state", 24, flex=True, least=12),
    Column("name", 40, flex=True, drop=1),
)
STATES = ("all", "whole", "lacking", "broken")
STATE_WORDS = {"all": "", "whole": "whole ones", "lacking": "lacking bytes", "broken": "broken or cut off"}
SORT_WORDS = {"place": "", "size": "largest first", "type": "by type", "mend": "cheapest to mend first"}
_SURE = ("head only", "footer or longest length", "size field", "walked to its end", "checksum or full decode")


def state_cell(find: Find, unread: int) -> Cell:
    """Whole, or what is wrong with it."""
    if unread:
        more = " at least" if find.status is Status.UNREAD else ""
        return Cell(f"{format_size(unread)} unread{more}", "row--warning")
    if find.status is Status.COMPLETE:
        pieces = len(find.extents)
        if find.confidence >= 3:
            return Cell("whole" if pieces == 1 else f"whole, {pieces} pieces", "row--good")
        return Cell("end not proven", "row--soft")
    words = {Status.BROKEN: "broken", Status.MORE: "cut off", Status.OPEN: "open end", Status.UNREAD: "unread"}
    at = f" at {format_size(find.at)}" if find.at is not None and find.status is Status.BROKEN else ""
    return Cell(words[find.status] + at, "row--danger" if find.status is Status.BROKEN else "row--warning")


def find_row(listing: Listing, index: int, *, marked: bool) -> Row:
    """One find."""
    find = listing.finds[index]
    kind = find.extension or find.kind
    return Row(str(index), (
        "*" if marked else "", f"{find.start:,}".replace(",", " "), format_size(find.size),
        kind if find.inside is None else f"({kind})", f"{find.confidence}/4", state_cell(find, listing.unread[index]),
        find.name,
    ))  # fmt: skip


def find_facts(listing: Listing, index: int, sector: int = 512) -> list[Fact]:
    """Everything about one find."""
    find = listing.finds[index]
    facts: list[Fact] = [
        (
            "what",
            f"{find.kind}, {find.category}; {format_exact(find.size)} from byte {find.start} "
            f"(sector {find.start // sector})",
        ),
        ("sure", f"{find.confidence} of 4 ({_SURE[find.confidence]}): {find.reason}"),
    ]
    if len(find.extents) > 1:
        facts.append(("pieces", ", ".join(f"{start}+{size}" for start, size in find.extents)))
    missing = listing.missing(index)
    if missing.total:
        shown = ", ".join(f"{start - find.start}+{end - start}" for start, end in list(missing.unread)[:4])
        more = f" and {len(missing.unread) - 4} more" if len(missing.unread) > 4 else ""
        words = f"{format_exact(missing.total)} never read, at {shown}{more} of the file"
        words += "; its end is not known yet" if missing.open_end else ""
        facts.append(("unread", Cell(words, "row--warning")))
    told = [f"{key} {value}" for key, value in find.facts.items()]
    if find.name:
        told.insert(0, f'"{find.name}"')
    if told:
        facts.append(("content", ", ".join(told)))
    if find.inside is not None:
        facts.append(("inside", f"a part of the file at {find.inside}"))
    return facts


def found_words(listing: Listing) -> str:
    """How many were found. Goes through all of them: once for each listing is enough."""
    top = [index for index, find in enumerate(listing.finds) if find.inside is None]
    whole = sum(listing.whole(index) for index in top)
    lacking = sum(listing.unread[index] > 0 for index in top)
    return f"{plural(len(top), 'file', 'files')}, {whole} whole, {lacking} with unread bytes"


def scan_facts(job: Job | None, found: str, choice: Choice, shown: int, marked: int) -> list[Fact]:
    """How far the scan is, and what is on show. ``found``: ``found_words``; empty while nothing is listed."""
    if job is None:
        return [("scan", "none yet: s looks at every block for the beginnings of files; nothing is written by that")]
    done = job.progress
    way = "every byte" if job.arguments.get("everywhere") else "every block"
    if job.arguments.get("free"):
        way = "free space"
    far = f"{percent(done.done, done.total)}  {format_size(done.done)}"
    if job.live:
        words: str | Cell = f"{way}: {job.state}, {far} at {format_rate(done.rate)}"
    elif job.error is not None:
        words = Cell(f"{way}: failed: {job.error.message}", "row--danger")
    elif job.result is None:
        words = Cell(f"{way}: {job.state}, {far}" + ("; u goes on" if job.resumable else ""), "row--warning")
    else:
        words = f"{way}: done, {format_size(done.done)}"
        if skipped := int(job.result.get("skipped") or 0):
            words += f"; {plural(skipped, 'beginning', 'beginnings')} not followed: too many of their type lead nowhere"
    facts: list[Fact] = [("scan", words)]
    if found:
        facts.append(("found", found))
        narrowed = [word for word in (
            choice.typed, STATE_WORDS[choice.state], SORT_WORDS[choice.sort],
            "parts of others too" if choice.parts else "", f"{marked} marked" if marked else "",
        ) if word]  # fmt: skip
        if narrowed:
            facts.append(("shown", f"{shown}: " + "; ".join(narrowed)))
    return facts
