"""Pieces of streams, their joins and what a person decided, as rows and facts: pure functions, no drawing."""

from __future__ import annotations

from collections.abc import Sequence

from engine.dvr.clock.model import AudioEnd, End, Join, Piece, Run
from engine.dvr.pack import CLOCK_HZ
from engine.jobs import Job
from engine.recordings.clockwork import Clockwork
from engine.text import format_exact, format_rate, format_size
from tui.recording_words import hours
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row
from tui.words import percent, plural

PIECES = (
    Column("", 2, least=2),
    Column("", 16, least=8),
    Column("begins at byte", 16, right=True),
    Column("size", 10, right=True),
    Column("length", 8, right=True),
    Column("clock", 10, right=True, drop=1),
    Column("why it is here", 60, flex=True, least=30),
)
MOST = 3000
"""Lines that are shown of a scan; the command line lists them all."""


def scan_facts(job: Job | None, work: Clockwork | None, shown: int, hidden: int, marked: int) -> list[Fact]:
    """How far the scan is, and what it came to."""
    if job is None:
        return [("scan", "none yet: s reads the whole disk for pieces of MPEG streams")]
    done = job.progress
    far = f"{percent(done.done, done.total)}  {format_size(done.done)}" if done.unit == "B" else f"{done.done}"
    facts: list[Fact] = []
    if job.live:
        rate = f" at {format_rate(done.rate)}" if done.unit == "B" else ""
        facts.append(("scan", Cell(f"{job.state}, {far}{rate}  {job.message}", "row--strong")))
    elif job.error is not None:
        facts.append(("scan", Cell(f"failed: {job.error.message}", "row--danger")))
    elif job.result is None:
        facts.append(("scan", Cell(f"{job.state}, {far}" + ("; u goes on" if job.resumable else ""), "row--warning")))
    if work is None:
        return facts
    puzzle = work.puzzle
    words = f"{plural(shown + hidden, 'recording', 'recordings')} of {plural(len(puzzle.pieces), 'piece', 'pieces')}"
    words += f", {plural(len(puzzle.joins), 'join', 'joins')} proposed"
    words += f"; {hidden} short ones hidden (h)" if hidden else ""
    words += f"; {marked} marked" if marked else ""
    facts.append(("found", Cell(words, "row--strong" if shown else "")))
    if work.open_ties:
        facts.append(("open", Cell(f"{plural(len(work.open_ties), 'place', 'places')} to decide: t goes there, + joins",
                                   "row--warning")))  # fmt: skip
    decided = len(work.decisions.joins) + len(work.decisions.apart) + len(work.decisions.cuts)
    if decided:
        facts.append(("by hand", f"{plural(decided, 'decision', 'decisions')}; z takes the last back"))
    if work.unread.total:
        facts.append(("unread", Cell(f"{format_exact(work.unread.total)} were never read, and so not searched",
                                     "row--warning")))  # fmt: skip
    return facts


def run_rows(
    work: Clockwork, number: int, run: Run, joins: dict[tuple[int, int], Join], tied: frozenset[int], *, marked: bool
) -> list[Row]:
    """A recording: a line for all of it, then one for each piece when there are several."""
    pieces = [work.puzzle.piece(one) for one in run.pieces]
    size, length = sum(piece.size for piece in pieces), sum(piece.duration_s for piece in pieces)
    words = plural(len(pieces), "piece", "pieces") if len(pieces) > 1 else _alone(pieces[0])
    sign = ("*" if marked else "") + ("?" if any(piece.number in tied for piece in pieces) else "")
    rows = [Row(f"run:{pieces[0].start}:{pieces[0].number}", (
        Cell(sign, "row--warning"), Cell(f"recording {number}", "row--strong"), str(pieces[0].start),
        format_size(size), hours(length), clock(pieces[0].scr_first), words,
    ))]  # fmt: skip
    for place, piece in enumerate(pieces if len(pieces) > 1 else ()):
        join = joins.get((pieces[place - 1].number, piece.number)) if place else None
        why = join_words(join) if place else _alone(piece)
        rows.append(Row(f"piece:{piece.number}", (
            Cell("?" if piece.number in tied else "", "row--warning"), f"  piece {piece.number}", str(piece.start),
            format_size(piece.size), hours(piece.duration_s), clock(piece.scr_first), why,
        )))  # fmt: skip
    return rows


def _alone(piece: Piece) -> str:
    if piece.cut:
        return f"cut: {piece.cut}"
    return "begins as a recording does" if piece.head.clean and piece.head.time_code == 0 else ""


def clock(ticks: int) -> str:
    """A clock of 27 MHz as a time of day: hours, minutes, seconds."""
    return hours(ticks / CLOCK_HZ)


def join_words(join: Join | None) -> str:
    """A join in a few words."""
    if join is None or not join.reasons:
        return "joined by hand"
    best = sorted(join.reasons, key=lambda reason: -abs(reason.points))
    return f"{join.score} points: " + "; ".join(reason.words for reason in best[:3])


def piece_facts(piece: Piece, join: Join | None, candidates: Sequence[Join], before: Piece | None) -> list[Fact]:
    """One piece: both ends, why it stands where it does, what else could follow."""
    facts: list[Fact] = [
        ("piece", Cell(f"{piece.number}: bytes {piece.start}-{piece.end}, {hours(piece.duration_s)}", "row--strong")),
        ("begins", end_words(piece.head, first=True)),
        ("ends", end_words(piece.tail, first=False)),
    ]
    for other in candidates[:6]:
        rest = f"{other.score} points, {other.gap_s * 1000:.0f} ms later: " + "; ".join(
            reason.words for reason in other.reasons if reason.points
        )  # fmt: skip
        facts.append((f"or {other.second}", rest))
    if before is not None:
        facts.append(("after", f"piece {before.number}"))
        reasons = sorted(join.reasons if join is not None else (), key=lambda reason: -abs(reason.points))
        facts += [("", f"{reason.points:+d}  {reason.words}") for reason in reasons] or [("", "joined by hand")]
    return facts


def end_words(end: End, *, first: bool) -> str:
    """What is known of an end."""
    words = []
    if end.sequence is not None:
        words.append(f"{end.sequence[0]}x{end.sequence[1]}")
    if first and end.clean:
        words.append("with a sequence header")
    if end.time_code is not None:
        words.append(f"pictures from {hours(end.time_code)}")
    if end.new_picture:
        words.append("at a new picture")
    elif end.slice is not None:
        words.append(f"slice {end.slice}")
    if end.audio is not None:
        words.append(audio_words(end.audio, first=first))
    return ", ".join(words) or "nothing known"


def audio_words(audio: AudioEnd, *, first: bool) -> str:
    """The audio frame at an end."""
    name = {"ac3": "AC-3", "mpeg": "MPEG audio", "lpcm": "LPCM"}[audio.kind]
    if not audio.open:
        return f"{name} at a frame"
    return f"{name}, {audio.open} bytes of a frame first" if first else f"{name}, a frame lacks {audio.open} bytes"
