"""The wizard's steps as rows and facts: pure functions, no drawing."""

from __future__ import annotations

from engine.cases.document_desk import Seen
from engine.cases.documents import OUTCOMES
from engine.ole2.model import Stream
from engine.ole2.sector_map import NAMES
from engine.ole2.sheet import CRITICAL, STANDARD, Line
from engine.text import format_exact, format_size, safe_text
from themes.palettes import ROLES
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import plural

STEPS = ("look", "FAT", "dir", "mini", "header", "chains", "compare", "preview", "write")
SAYS = (
    "What stands where. Each letter is a role; the line below names the sector.",
    "The FAT's sectors in order: each votes for its place, and the FAT marks its own.",
    "Where the directory begins. Enter takes another one, or a sector by number.",
    "Where the mini FAT begins. Enter takes another one, or a sector by number.",
    "S standard: any file's.  C critical: this file's own.  i: any value opens.",
    "Each stream's chain against its size.",
    "Ways to read the document, the best first. Enter shows another one.",
    "The document's tree. Enter shows the beginning of a stream.",
    "What will be written, and how it was checked. The original is never changed.",
)
STATES = {
    "whole": "row--good", "holed": "row--warning", "cut": "row--warning", "lost": "row--danger",
    "crossed": "row--danger",
}  # fmt: skip
_MOST = 5000


def steps_line(step: int, width: int) -> str:
    """``1 look [2 FAT] 3 directory ...``, cut around the present one."""
    short = [f"[{n} {name}]" if n == step + 1 else f"{n} {name}" for n, name in enumerate(STEPS, 1)]
    line = " ".join(short)
    if len(line) <= width:
        return line
    line = " ".join(word if n == step else str(n + 1) for n, word in enumerate(short))
    return line[:width]


def legend(width: int) -> str:
    """The letters of the map."""
    return "  ".join(f"{role.letter} {role.label}" for role in reversed(ROLES))[:width]


def number_text(value: int | bytes | None) -> str:
    """A header value as it is read best."""
    if value is None:
        return "never read"
    if isinstance(value, bytes):
        return (
            value.hex(" ").upper()
            if len(value) <= 8 and any(value)
            else "zeros"
            if not any(value)
            else (value[:5].hex(" ").upper() + " ..")
        )
    return {0xFFFFFFFF: "FFFFFFFF", 0xFFFFFFFE: "FFFFFFFE"}.get(value, str(value))


def header_section(seen: Seen) -> Section:
    """The header as a sheet."""
    columns = (
        Column("at", 6, right=True), Column("", 1, least=1), Column("field", 24), Column("present", 23, right=True),
        Column("computed", 23, right=True), Column("why", 200, flex=True, least=8),
    )  # fmt: skip
    return Section("", columns, tuple(_header_row(line) for line in seen.sheet))


def _header_row(line: Line) -> Row:
    style = {STANDARD: "field--standard", CRITICAL: "field--critical"}.get(line.field_class, "row--soft")
    present = Cell(number_text(line.present), "" if line.ok else "row--danger")
    return Row(
        line.name,
        (f"{line.offset:#x}", Cell(line.letter, style), Cell(line.label, style), present,
         "=" if line.ok else number_text(line.computed), line.why),
    )  # fmt: skip


def header_facts(line: Line) -> list[Fact]:
    """One field in full."""
    classes = {STANDARD: "standard: the same in practically every file", CRITICAL: "critical: this file's own"}
    return [
        ("field", f"{line.label}, {line.size} bytes at {line.offset:#x}"),
        ("class", classes.get(line.field_class, "informative: any value opens")),
        ("present", Cell(number_text(line.present), "row--good" if line.ok else "row--danger")),
        ("computed", number_text(line.computed)),
        ("why", line.why),
    ]


def fat_section(seen: Seen) -> Section:
    """The FAT's sectors."""
    columns = (
        Column("index", 6, right=True), Column("sector", 10, right=True), Column("offset", 14, right=True),
        Column("votes", 6, right=True), Column("marked", 6), Column("state", 200, flex=True, least=10),
    )  # fmt: skip
    rows = []
    if seen.others is not None:
        for one in seen.others.fat[:_MOST]:
            others = ", also voting: " + ", ".join(map(str, one.others)) if one.others else ""
            state = Cell("put back" if not one.alive else f"found{others}", "row--warning" if not one.alive else "")
            rows.append(Row(
                f"fat{one.index}",
                (str(one.index), str(one.sector), str(one.offset), str(one.votes), "yes" if one.marked else "no",
                 state),
            ))  # fmt: skip
    return Section("", columns, tuple(rows), "no FAT was found")


_CHOICE_COLUMNS = (
    Column("", 1, least=1), Column("sector", 10, right=True), Column("score", 7, right=True),
    Column("evidence", 400, flex=True, least=20),
)  # fmt: skip


def directory_section(seen: Seen) -> Section:
    """Candidates for the directory."""
    rows = []
    document = seen.candidate.document if seen.candidate is not None else None
    now = None if document is None else document.directory.start
    for one in seen.others.directories if seen.others is not None else ():
        start = one.chain.start
        mark = "*" if start == now else ""
        rows.append(Row(f"dir{start}", (mark, str(start), f"{one.score:.1f}", "; ".join(one.reasons))))
    if now is not None and not any(row.id == f"dir{now}" for row in rows):
        rows.insert(0, Row(f"dir{now}", ("*", str(now), "", "made anew")))
    return Section("", _CHOICE_COLUMNS, tuple(rows), "no directory was found; Enter names a sector by hand")


def mini_section(seen: Seen) -> Section:
    """Candidates for the mini FAT."""
    rows = []
    document = seen.candidate.document if seen.candidate is not None else None
    now = None if document is None else document.mini_fat.start
    for one in seen.others.mini_fats if seen.others is not None else ():
        mark = "*" if one.sectors[0] == now else ""
        rows.append(
            Row(f"mini{one.sectors[0]}", (mark, str(one.sectors[0]), f"{one.score:.1f}", "; ".join(one.reasons)))
        )
    if now is not None and not any(row.id == f"mini{now}" for row in rows):
        rows.insert(0, Row(f"mini{now}", ("*", str(now), "", "put back")))
    empty = "no small streams: none is needed" if document is not None and now is None else "no mini FAT was found"
    return Section("", _CHOICE_COLUMNS, tuple(rows), empty)


def chain_section(seen: Seen) -> Section:
    """Each stream's chain."""
    columns = (
        Column("stream", 40, flex=True, least=12), Column("size", 10, right=True), Column("start", 9, right=True),
        Column("in", 4), Column("sectors", 8, right=True), Column("runs", 5, right=True), Column("state", 8),
        Column("guessed", 200, flex=True, least=8),
    )  # fmt: skip
    rows = [
        Row(f"s{one.entry.number}", (
            safe_text(one.name), format_size(one.size), str(one.entry.start) if one.size else "-",
            "mini" if one.mini else "FAT", str(one.chain.length), str(len(one.chain.runs)),
            Cell(one.state, STATES.get(one.state, "")), one.guessed,
        )) for one in _streams(seen)
    ]  # fmt: skip
    return Section("", columns, tuple(rows), "there is no stream")


def _streams(seen: Seen) -> tuple[Stream, ...]:
    return seen.candidate.document.streams[:_MOST] if seen.candidate is not None else ()


def candidate_section(seen: Seen) -> Section:
    """All candidates."""
    columns = (
        Column("", 1, least=1), Column("header at", 10, right=True), Column("sectors", 7, right=True),
        Column("verified", 9), Column("streams", 8, right=True), Column("explains", 8, right=True),
        Column("why", 400, flex=True, least=16),
    )  # fmt: skip
    rows = []
    for number, one in enumerate(seen.solution.candidates[:64]):
        check = one.verification
        verified = (
            Cell("whole", "row--good")
            if check.whole
            else Cell("structure")
            if check.structure
            else (Cell("no", "row--danger"))
        )
        why = "; ".join(one.reasons[1:]) if len(one.reasons) > 1 else "; ".join(one.reasons)
        rows.append(Row(f"c{number}", (
            "*" if number == seen.chosen else "", str(one.base), str(one.sector_size), verified,
            f"{check.streams_ok}/{check.streams}", f"{check.explained:.0%}", safe_text(why),
        )))  # fmt: skip
    return Section("", columns, tuple(rows), "nothing was found that could be a document")


def candidate_facts(seen: Seen, number: int) -> list[Fact]:
    """Reasons and failed checks of a candidate."""
    if number >= len(seen.solution.candidates):
        return []
    one = seen.solution.candidates[number]
    facts: list[Fact] = [
        ("reasons" if not index else "", safe_text(reason)) for index, reason in enumerate(one.reasons)
    ]
    facts += [("WRONG", Cell(f"{check.name}: {safe_text(check.words)}", "row--danger")) for check in
              one.verification.failed]  # fmt: skip
    return facts


def tree_section(seen: Seen) -> Section:
    """The document as a tree with the health of each stream."""
    kind = seen.candidate.verification.kind.title if seen.candidate is not None else "document"
    columns = (
        Column("", 2, least=2), Column(kind, 60, flex=True, least=16), Column("size", 12, right=True),
        Column("missing", 10, right=True), Column("state", 200, flex=True, least=8),
    )  # fmt: skip
    rows: list[Row] = []
    above: tuple[str, ...] = ()
    for one in _streams(seen):
        folder = one.path[:-1]
        for depth in range(len(folder)):
            if above[: depth + 1] != folder[: depth + 1]:
                name = "  " * depth + safe_text(folder[depth]) + "/"
                rows.append(Row(f"d{len(rows)}", ("", Cell(name, "row--strong"), "", "", "storage")))
        above = folder
        mark = {"whole": "", "holed": "!", "cut": "!", "lost": "!!", "crossed": "!!"}[one.state]
        missing = format_size(one.missing) if one.missing else ""
        state = one.state + (f" ({one.guessed})" if one.guessed else "")
        rows.append(Row(f"s{one.entry.number}", (
            Cell(mark, STATES.get(one.state, "")), "  " * len(folder) + safe_text(one.path[-1]), format_size(one.size),
            missing, Cell(state, STATES.get(one.state, "") if one.state != "whole" else ""),
        )))  # fmt: skip
    return Section("", columns, tuple(rows), "there is no stream")


def stream_facts(stream: Stream, data: bytes, holes: tuple[tuple[int, int], ...]) -> list[Fact]:
    """A stream in full, with its first bytes."""
    facts: list[Fact] = [
        ("stream", f"{safe_text(stream.name)}, {format_exact(stream.size)}"),
        ("state", Cell(stream.state, STATES.get(stream.state, ""))),
    ]
    if stream.missing:
        facts.append(("missing", Cell(format_exact(stream.missing), "row--warning")))
    if stream.guessed:
        facts.append(("guessed", stream.guessed))
    for at in range(0, min(len(data), 64), 16):
        part = data[at : at + 16]
        shown = [
            "??" if any(low <= at + n < high for low, high in holes) else f"{byte:02X}" for n, byte in enumerate(part)
        ]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        facts.append((f"{at:04X}", " ".join(shown) + "  " + ("" if "??" in shown else text)))
    return facts


def write_section(seen: Seen) -> Section:
    """The forms that can be written, and the checks."""
    columns = (Column("", 200, flex=True, least=20), Column("", 200, flex=True, least=20))
    one = seen.candidate
    if one is None:
        return Section("", columns, (), "nothing was found that could be written")
    changed = sum(len(change.data) for change in one.changes)
    rows = [
        Row(
            "patched",
            (
                "a patched copy",
                f"{plural(len(one.changes), 'range', 'ranges')}, {format_size(changed)} other than the original",
            ),
        ),
        Row("new", ("a new container", "every stream in one piece, tables made anew")),
        Row("streams", ("the streams as files", "with text, cells and pictures")),
    ]
    for number, change in enumerate(one.changes[:200]):
        rows.append(Row(f"w{number}", (f"at {change.offset}: {len(change.data)} bytes", change.reason)))
    return Section("write", columns, tuple(rows))


def verdict_facts(seen: Seen) -> list[Fact]:
    """What the result is, honestly."""
    one = seen.candidate
    if one is None:
        return [("result", Cell("no document was found in it", "row--danger")), ("", seen.triage.words)]
    check = one.verification
    whole = sum(stream.whole and not stream.guessed for stream in one.document.streams)
    holed = [stream for stream in one.document.streams if not stream.whole]
    guessed = [stream for stream in one.document.streams if stream.whole and stream.guessed]
    words = (
        "right as it is"
        if one.intact and check.whole
        else "verified, whole"
        if check.whole
        else ("structure verified" if check.structure else "NOT verified")
    )
    style = "row--good" if check.whole else "row--warning" if check.structure else "row--danger"
    facts: list[Fact] = [("result", Cell(words, style))]
    facts.append(("streams", f"{whole} whole, {len(holed)} with parts missing, {len(guessed)} guessed"))
    if holed:
        facts.append(("missing", Cell(", ".join(f"{safe_text(s.name, 40)} {format_size(s.missing)}" for s in holed[:6]),
                                      "row--warning")))  # fmt: skip
    for failed in check.failed[:4]:
        facts.append(("WRONG", Cell(f"{failed.name}: {safe_text(failed.words, 200)}", "row--danger")))
    if not check.failed:
        facts.append(("checks", ", ".join(c.name + ("" if c.ok else " (cannot tell)") for c in check.checks)[:300]))
    return facts


def look_facts(seen: Seen) -> list[Fact]:
    """The first step: what it is, and how much of each role."""
    counts = seen.sectors.counts()
    amounts = ", ".join(f"{counts[name]} {name}" for name in reversed(NAMES) if name in counts)
    facts: list[Fact] = [("file", f"{format_exact(seen.size)}; {seen.triage.words}")]
    if seen.unread:
        facts.append(("unread", Cell(f"{format_exact(seen.unread)} were never read", "row--warning")))
    facts.append(("sectors", f"of {seen.sectors.sector_size} bytes: {amounts}"))
    return facts


def place_words(seen: Seen, offset: int) -> str:
    """The sector under the cursor of the map."""
    sectors = seen.sectors
    at = sectors.index(offset)
    words = f"0x{offset:08X}  physical sector {at}, number {at - 1}: {NAMES[int(sectors.codes[at])]}"
    owner = int(sectors.owner[at])
    one = seen.candidate
    if one is not None:
        number = at - 1
        if 0 <= number < len(one.document.fat):
            word = int(one.document.fat.words[number])
            following = {0xFFFFFFFF: "free", 0xFFFFFFFE: "end", 0xFFFFFFFD: "FAT", 0xFFFFFFFC: "DIFAT"}.get(
                word, str(word)
            )
            words += f", next {following}"
        if owner > 0 and owner < len(one.document.entries):
            words += f", {safe_text(one.document.entries[owner].name, 32)}"
    return words


__all__ = ["OUTCOMES", "SAYS", "STEPS"]
