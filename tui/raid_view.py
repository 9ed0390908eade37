"""Arrays as rows and facts: members, candidates, the parity evidence strip by strip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.text import format_exact, format_size, safe_text
from tui.raid_words import (
    STANDINGS,
    VERDICTS,
    layout_words,
    members_words,
    read_words,
    share_words,
    standing_words,
    strip_words,
)  # fmt: skip
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import percent

if TYPE_CHECKING:
    from engine.cases.arrays import Member
    from engine.jobs import Job
    from engine.raid.layout import Geometry
    from engine.raid.model import Candidate, Detection, MemberFacts

RAMP = ".:oO#"
"""How little speaks against the parity, from much to nothing. Plain characters: they look alike on every terminal."""
NOTHING = " "
_MEMBERS = (
    Column("#", 3, right=True, least=3), Column("", 7, least=0), Column("size", 10, right=True),
    Column("metadata", 10), Column("member", 200, flex=True, least=20, path=True),
)  # fmt: skip
_CANDIDATES = (
    Column("#", 3, least=3), Column("sure", 7, right=True), Column("layout", 18), Column("order", 40, least=6),
    Column("strip", 9, right=True), Column("data from", 12, right=True), Column("", 7),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeatColumn:
    """One strip position: evidence by column of the detection, which one the fit names, and whether places between
    this one and the one before were not looked at."""

    position: int
    cells: tuple[float | None, ...]
    parity: int | None
    gap: bool


def heat_columns(answer: Detection, step: int) -> list[HeatColumn]:
    """The evidence gathered into strips of ``step`` bytes (a multiple of the detection's own rows)."""
    found: list[HeatColumn] = []
    if not answer.heat:
        return found
    phase = answer.heat[0].position % answer.heat_run
    groups: dict[int, list[int]] = {}
    for number, row in enumerate(answer.heat):
        groups.setdefault((row.position - phase) // step, []).append(number)
    before: int | None = None
    for strip, numbers in groups.items():
        cells: list[float | None] = []
        for column in range(len(answer.columns)):
            values = [v for n in numbers if (v := answer.heat[n].heat[column]) is not None]
            cells.append(sum(values) / len(values) if values else None)
        named = {answer.heat[n].parity for n in numbers}
        parity = named.pop() if len(named) == 1 else None
        found.append(HeatColumn(strip * step + phase, tuple(cells), parity, before is not None and strip != before + 1))
        before = strip
    return found


def heat_letter(value: float | None) -> str:
    """One cell."""
    return NOTHING if value is None else RAMP[min(len(RAMP) - 1, int(value * len(RAMP)))]


def heat_text(answer: Detection, width: int, step: int) -> Iterator[str]:
    """The picture for a plain terminal: one line for each member, strips from left to right, in blocks."""
    columns = heat_columns(answer, step)
    if not columns:
        yield "there is no evidence to be drawn"
        return
    room = max(16, width - 12)
    yield f"parity evidence, one character a strip of {format_size(step)}: # nothing speaks against it, . much does"
    for start in range(0, min(len(columns), 4 * room), room):
        part = columns[start : start + room]
        yield f"from {part[0].position}:"
        for number, member in enumerate(answer.columns):
            letters = "".join(("|" if one.gap else "") + heat_letter(one.cells[number]) for one in part)
            yield f"  {'x' if member is None else member + 1:>3}  {letters}"


def chosen_parity(geometry: Geometry, answer: Detection, position: int) -> int | None:
    """The column that ``geometry`` says holds the parity at a position of the members' common start."""
    present = [(d, m) for d, m in enumerate(geometry.order) if m is not None]
    base = dict(enumerate(answer.bases))
    drive, member = present[0]
    row = (position + base.get(member, 0) - geometry.offsets[drive]) // geometry.strip
    if row < 0:
        return None
    wanted = geometry.order[geometry.parity_drive(row)]
    return answer.columns.index(wanted) if wanted in answer.columns else None


# --- the lists


def member_section(members: Sequence[Member], answer: Detection | None) -> Section:
    """The members, with what was found out about each."""
    rows = []
    for number, member in enumerate(members):
        facts = answer.members[number] if answer is not None and number < len(answer.members) else None
        size = format_size(facts.size) if facts is not None else ""
        kinds = ", ".join(dict.fromkeys(one.kind for one in facts.supers)) if facts is not None else ""
        state = STANDINGS[facts.standing] if facts is not None else ""
        style = "row--warning" if state in ("STALE", "FOREIGN", "BLANK") else ""
        name = str(member.path) + (f"  [{member.sector_size}]" if member.sector_size else "")
        rows.append(Row(f"member:{number}", (str(number + 1), Cell(state, style), size, kinds, safe_text(name))))
    return Section("" if rows else "MEMBERS", _MEMBERS, tuple(rows), "none yet: a adds one, A all images of a folder")


def candidate_section(candidates: Sequence[Candidate], by_hand: Candidate | None) -> Section:
    """Assemblies, best first; one chosen by hand stands on top."""
    rows = [_candidate_row(f"candidate:{number}", f"{number + 1}.", one) for number, one in enumerate(candidates)]
    if by_hand is not None:
        rows.insert(0, _candidate_row("candidate:hand", "me", by_hand))
    title = "" if rows else "ASSEMBLIES"
    return Section(title, _CANDIDATES, tuple(rows), "d finds strip, sequence and order; o says them by hand")


def _candidate_row(key: str, name: str, one: Candidate) -> Row:
    geometry = one.geometry
    style = "row--good" if one.score >= 0.9 else "" if one.score >= 0.5 else "row--soft"
    layout = str(geometry.layout) + (f" /{geometry.delay}" if geometry.delay > 1 else "")
    offset = str(geometry.data_offset) + ("" if one.offset_known else "?")
    proven = Cell("proven", "row--good") if one.proven else ""
    sure, order = Cell(share_words(one.score), style), members_words(geometry.order, ",")
    return Row(key, (name, sure, layout, order, format_size(geometry.strip), offset, proven))


# --- facts


def state_facts(answer: Detection | None, job: Job | None) -> list[Fact]:
    """What the newest detection says, or how far it is."""
    if job is not None and job.live:
        return [
            ("running", f"{job.message or 'looking at the members'}; {format_size(job.progress.done)} of each read")
        ]
    if job is not None and job.error is not None and answer is None:
        return [("failed", Cell(job.error.message, "row--danger"))]
    if answer is None:
        return [("array", "not looked at yet")]
    good = answer.verdict == "found"
    facts: list[Fact] = [
        (
            "verdict",
            Cell(
                VERDICTS[answer.verdict] + (": file systems stand in the assembled array" if good else ""),
                "row--good" if good else "row--warning",
            ),
        ),
    ]
    if not good:
        facts.append(("", answer.words))
    if answer.sequence is not None:
        facts.append(("strip", f"{strip_words(answer.strip_size)}   sequence {members_words(answer.sequence, '-')}   "
                      f"sure {share_words(answer.sequence_score)}"))  # fmt: skip
    why = ": one is missing" if None in answer.columns and answer.balanced < 0.9 else ""
    facts.append(("XOR", f"{health_line(answer)}  zero in {answer.balanced:.0%}{why}"))
    facts.append(("read", read_words(answer)))
    return facts


def health_line(answer: Detection, width: int = 40) -> str:
    """The XOR along the disk: ``=`` zero, ``#`` not, ``~`` both, ``.`` empty, blank where nobody looked."""
    line = [" "] * width
    end = max((one.size for one in answer.members), default=1) or 1
    for at, mark in answer.health:
        cell = min(width - 1, at * width // end)
        line[cell] = mark if line[cell] in (" ", mark, ".") else line[cell] if mark == "." else "~"
    return "[" + "".join(line) + "]"


def member_facts(member: Member, facts: MemberFacts | None) -> list[Fact]:
    """A member in full."""
    found: list[Fact] = [("member", safe_text(str(member.path)))]
    found.append(("map", safe_text(str(member.map)) if member.map is not None else
                  Cell("none: nobody can say which of its bytes were never read", "row--warning")))  # fmt: skip
    if member.sector_size:
        found.append(("sectors", f"read through as {member.sector_size}"))
    if facts is None:
        return found
    found.append(("size", format_exact(facts.size)))
    words = standing_words(facts)
    if facts.standing in ("stale", "foreign", "blank"):
        found.append(("is", Cell(f"{STANDINGS[facts.standing]}: {facts.why}", "row--warning")))
    elif words:
        found.append(("is", words))
    found.append(
        ("holds", f"{percent(round(facts.zero * 10000), 10000)} empty, {facts.entropy:.2f} bits a byte elsewhere")
    )
    for one in facts.supers:
        layout = f"{one.layout}, " if one.layout is not None else ""
        strip = f"strip {format_size(one.strip)}, " if one.strip else ""
        role = "a spare" if one.role is None else f"drive {one.role} of {one.drives}"
        found.append((one.kind, f"level {one.level}, {layout}{strip}{role}, data from {one.data_offset}; at {one.at}"))
        found += [("", Cell(why, "row--warning")) for why in one.problems]
    return found


def candidate_facts(one: Candidate) -> list[Fact]:
    """An assembly with its reasons."""
    geometry = one.geometry
    found: list[Fact] = [
        ("sure", Cell(share_words(one.score) + (", proven by what stands in it" if one.proven else ""),
                      "row--good" if one.score >= 0.9 else "row--warning")),
        ("layout", f"{layout_words(geometry)}, order {members_words(geometry.order, ',')}"),
        ("strip", f"{strip_words(geometry.strip)}, data from {geometry.data_offset}"),
    ]  # fmt: skip
    if len(set(geometry.offsets)) > 1:
        found.append(("", "data from, drive by drive: " + ", ".join(str(offset) for offset in geometry.offsets)))
    if geometry.missing is not None:
        found.append(("missing", Cell(f"drive {geometry.missing + 1} of the order is computed by XOR", "row--warning")))
    found += [("why" if number == 0 else "", reason) for number, reason in enumerate(one.evidence)]
    return found


def problem_facts(answer: Detection) -> list[Fact]:
    """What disagrees."""
    return [("!", Cell(one.message, "row--warning")) for one in answer.problems]
