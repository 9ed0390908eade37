"""Recordings as rows and facts: pure functions, no drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.dvr import Gap, Part, Title
from engine.recordings.look import Looked
from engine.text import format_duration, format_exact, format_size
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import percent, plural

_SIGNS = 4
TITLES = (
    Column("", _SIGNS, least=2),
    Column("name", 60, flex=True, least=14),
    Column("recorded", 16),
    Column("length", 8, right=True),
    Column("size", 9, right=True),
    Column("lost", 9, right=True, least=4),
    Column("time lost", 9, right=True),
    Column("channel", 10, drop=1),
    Column("rung", 9, drop=2),
)
_PARTS = (
    Column("", 2, least=2),
    Column("part", 30, flex=True, least=8),
    Column("begins at byte", 16, right=True),
    Column("extents", 7, right=True),
    Column("length", 8, right=True),
    Column("size", 10, right=True),
    Column("rung", 9),
)
_GAPS = (
    Column("", 2, least=2),
    Column("unread, in the programme", 24),
    Column("bytes of the title", 30),
    Column("size", 12, right=True),
    Column("how it is known", 24, drop=1),
)
_WORDS = (Column("", 2, least=2), Column("", 200, flex=True))


def hours(seconds: float | None) -> str:
    """``1:02:03``, or ``-``."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def minutes(seconds: float | None) -> str:
    """Minutes and seconds of programme: ``12:34``; tenths below ten seconds, where whole ones would say nothing; never
    rounded down to none."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "< 0.1 s"
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"


def disk_facts(looked: Looked, shown: int, words: str) -> list[Fact]:
    """Which recorder, why, and what is lost of its directory. ``words``: filter and order."""
    recordings, finding = looked.recordings, looked.recordings.finding
    sure = f"{finding.confidence:.0%} sure"
    variant = f" ({recordings.variant})" if recordings.variant else ""
    style = "row--strong" if finding.readable else "row--warning"
    facts: list[Fact] = [("disk", Cell(f"{recordings.recorder}{variant}, {sure}", style))]
    facts.append(("because", "; ".join(recordings.reasons[:4])))
    if not finding.readable:
        facts.append(("", Cell(f"it cannot be read here: {finding.advice}", "row--warning")))
    if looked.unread_structures:
        lost = f"{format_exact(looked.unread_structures)} of the directory were never read: w reads them first"
        facts.append(("lost", Cell(lost, "row--danger")))
    elif not looked.mapped:
        facts.append(("map", Cell("no map: nobody can say which bytes were never read", "row--warning")))
    if recordings.problems:
        more = f" (and {len(recordings.problems) - 1} more)" if len(recordings.problems) > 1 else ""
        facts.append(("problem", Cell(recordings.problems[0].message + more, "row--warning")))
    count = len(recordings.titles)
    total = sum(title.duration_s or 0.0 for title in recordings.titles)
    listed = f"{shown} of {plural(count, 'title', 'titles')}" if shown != count else plural(count, "title", "titles")
    facts.append(("titles", f"{listed}, {format_duration(total)}{words}"))
    return facts


def title_row(title: Title, *, marked: bool) -> Row:
    """One line of the list: ``*`` marked, ``D`` deleted, ``b`` / ``o`` / ``c`` not by the directory but by a backup, an
    orphaned table or the clock, ``!`` something is missing, ``?`` something is odd, ``~`` its owner edited it."""
    sign = ("*" if marked else "") + ("D" if title.deleted else "")
    sign += "" if title.rung == "directory" else title.rung[0]
    sign += "!" if title.missing else "?" if title.problems else ""
    sign += "~" if title.edited and title.kind != "play list" and len(sign) < _SIGNS else ""
    style = "row--soft" if title.deleted else ""
    lost: str | Cell = Cell(title.missing.amount, "row--danger") if title.missing else "-"
    gone: str | Cell = Cell(minutes(title.missing.seconds), "row--danger") if title.missing else ""
    when = f"{title.recorded_at:%Y-%m-%d %H:%M}" if title.recorded_at else "-"
    rung: str | Cell = str(title.rung) if title.rung == "directory" else Cell(str(title.rung), "row--warning")
    name = title.shown_name + (f" ({title.kind})" if title.kind not in ("recording", "stream") else "")
    return Row(title.id, (
        Cell(sign, "row--strong" if marked else "row--danger" if title.missing else ""), name, when,
        hours(title.duration_s), format_size(title.size), lost, gone, title.channel or title.input, rung,
    ), style)  # fmt: skip


def title_facts(title: Title) -> list[Fact]:
    """One title in full."""
    facts: list[Fact] = [("title", Cell(title.shown_name, "row--strong"))]
    when = f"{title.recorded_at:%Y-%m-%d %H:%M:%S}" if title.recorded_at else "time unknown"
    said = [when, title.channel and f"channel {title.channel}", title.input, title.genre,
            "locked" if title.locked else "", "deleted, but still there" if title.deleted else ""]  # fmt: skip
    facts.append(("recorded", ", ".join(word for word in said if word)))
    parts = plural(len(title.parts), "part", "parts")
    extents = plural(len(title.extents), "extent", "extents")
    facts.append(("holds", f"{hours(title.duration_s)}, {format_exact(title.size)}, {parts}, {extents}"))
    found = f"found by its {title.rung}" if title.rung != "directory" else "by the directory"
    if title.scrambled in ("partly", "all"):
        found += f"; scrambled: {title.scrambled}"
    facts.append(("known", found if title.rung == "directory" else Cell(found, "row--warning")))
    if title.edited:
        facts.append(("edited", "; ".join(edit.words for edit in title.edited)))
    facts += list(_lost_facts(title))
    if title.problems:
        more = f" (and {len(title.problems) - 1} more)" if len(title.problems) > 1 else ""
        facts.append(("problem", Cell(title.problems[0].message + more, "row--warning")))
    return facts


def _lost_facts(title: Title) -> Iterator[Fact]:
    missing = title.missing
    if not missing:
        yield "unread", Cell("nothing that a map knows of", "row--good")
        return
    share = percent(missing.bytes, title.size + missing.unplaced)
    gone = "unknown time" if missing.seconds is None else f"{minutes(missing.seconds)} of programme"
    where = ", ".join(_when(gap) for gap in missing.gaps[:4]) + (" ..." if len(missing.gaps) > 4 else "")
    unplaced = f"; {format_exact(missing.unplaced)} have no known place" if missing.unplaced else ""
    unplaced += "; more is lost, nobody can tell how much" if missing.unknown else ""
    yield "unread", Cell(f"{format_exact(missing.bytes)} ({share}), {gone}{': ' + where if where else ''}{unplaced}",
                         "row--danger")  # fmt: skip


def _when(gap: Gap) -> str:
    if gap.start_s is None or gap.end_s is None:
        return f"byte {gap.start}"
    about = "" if gap.exact else "about "
    first, last = hours(gap.start_s), hours(gap.end_s)
    return f"{about}{first}" if first == last else f"{about}{first}-{last}"


def detail_sections(title: Title) -> list[Section]:
    """Parts, unread stretches, chapters, edits and problems of one title."""
    sections = [Section("", _PARTS, tuple(_part_row(number, part) for number, part in enumerate(title.parts)))]
    gaps = title.missing.gaps
    if gaps:
        shown = tuple(_gap_row(number, gap) for number, gap in enumerate(gaps[:500]))
        sections.append(Section("", _GAPS, shown))
    if title.edited:
        sections.append(_words("edited", [f"{edit.kind}: {edit.words}" for edit in title.edited]))
    if title.plays:
        sections.append(_words("plays", _play_lines(title)))
    if title.chapters:
        rows = [f"{hours(one.time_s)}  {one.name}" for one in title.chapters[:200]]
        sections.append(_words("chapters", rows))
    if title.problems:
        sections.append(_words("problems", [problem.message for problem in title.problems[:50]]))
    return sections


def _play_lines(title: Title) -> list[str]:
    """What a play list plays: when, how long, and from where in which title."""
    lines, at = [], 0.0
    for stretch in title.plays[:500]:
        of = f"{stretch.name} ({stretch.title})" if stretch.title else "what no title plays"
        lines.append(f"{hours(at)}  {hours(stretch.start_s)}-{hours(stretch.end_s)} of {of}")
        at += stretch.length_s
    return lines


def _words(name: str, texts: Sequence[str]) -> Section:
    rows = tuple(Row(f"{name}:{number}", ("", text)) for number, text in enumerate(texts))
    return Section(name, _WORDS, rows)


def _part_row(number: int, part: Part) -> Row:
    start = part.extents[0].start if part.extents else None
    unplaced = Cell("!", "row--danger") if part.unplaced else ""
    return Row(f"part:{number}", (
        unplaced, part.name, "-" if start is None else str(start), str(len(part.extents)), hours(part.duration_s),
        format_size(part.size), str(part.rung),
    ))  # fmt: skip


def _gap_row(number: int, gap: Gap) -> Row:
    when = "time unknown" if gap.start_s is None or gap.end_s is None else _when(gap)
    how = "by clocks on both sides" if gap.exact else "by even bit rate"
    return Row(f"gap:{number}", (
        Cell("!", "row--danger"), when, f"{gap.start}-{gap.end}", format_size(gap.end - gap.start), how,
    ))  # fmt: skip
