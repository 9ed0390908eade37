"""A map and its edits in the few words that rows and lists have: pure functions from the engine's values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.text import format_exact, format_size
from themes.palettes import BY_LETTER
from tui.widgets.cell_line import size_text
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import plural

if TYPE_CHECKING:
    from engine.mapfile.diff import Move
    from engine.mapfile.model import Mapfile
    from engine.mapfile.nextrun import NextRun
    from engine.ranges import RangeSet

MOST_RANGES = 200
"""Ranges of one pair of statuses that a list shows; the rest is counted."""

MOVE = "move:"
_PAIRS = (Column("", 34), Column("", 30, right=True), Column("", 12, right=True))
PLACES = (Column("", 34), Column("", 30, right=True), Column("", 12, right=True))
_SENTENCES = (Column("", 400, flex=True),)


def name_of(status: str) -> str:
    """``? non-tried``; outside of the map there is none."""
    mark = BY_LETTER.get(status)
    return f"{mark.letter} {mark.label}" if mark is not None else "not in the map"


def move_words(move: Move) -> str:
    """``? non-tried -> - bad sector``."""
    return f"{name_of(move.old)} -> {name_of(move.new)}"


def place(offset: int) -> str:
    """``0x00E3C00000``, as in the list of blocks."""
    return f"0x{offset:010X}"


def amount(size: int, sector: int) -> str:
    """``64.0 KiB (128 sectors)``, ``3 sectors``, ``1.5 GiB``: exact as long as it can be counted."""
    text = size_text(size, sector)
    if text.endswith(("sector", "sectors")) or size % sector or size >= 1 << 20:
        return text
    return f"{text} ({plural(size // sector, 'sector', 'sectors')})"


def moves_sections(moves: Sequence[Move], sector: int, *, empty: str) -> list[Section]:
    """The bytes of each pair of statuses; then, pair by pair, where."""
    rows = tuple(
        Row(
            f"{MOVE}{number}",
            (move_words(move), format_exact(move.bytes), plural(len(move.ranges), "area", "areas")),
            "row--danger" if move.loses else "",
        )
        for number, move in enumerate(moves)
    )
    sections = [Section("WHAT CHANGES", _PAIRS, rows, empty)]
    sections += [
        Section(move_words(move), PLACES, tuple(range_rows(f"{move.old}{move.new}", move.ranges, sector)))
        for move in moves
    ]
    return sections


def range_rows(name: str, ranges: RangeSet, sector: int, most: int = MOST_RANGES) -> Iterable[Row]:
    """The first ranges as rows, and how many more there are."""
    for start, end in zip(ranges.starts[:most].tolist(), ranges.ends[:most].tolist(), strict=True):
        yield Row(
            f"range:{name}:{start}",
            (f"{place(start)} - {place(end)}", amount(end - start, sector), format_size(start)),
        )
    rest = len(ranges) - most
    if rest > 0:
        more = int((ranges.ends[most:] - ranges.starts[most:]).sum())
        yield Row(f"range:{name}:more", (f"and {rest} more", format_size(more), ""), "row--soft")


def selection_words(map_: Mapfile, selected: RangeSet, sector: int, width: int) -> str:
    """``selected 0x0000100000 + 64.0 KiB (128 sectors): - 8 sectors  ? 60.0 KiB``, shorter where it must be."""
    if not selected:
        return ""
    size, mix = amount(selected.total, sector), mix_words(map_, selected, sector)
    where = f"{place(int(selected.starts[0]))} + {size}" if len(selected) == 1 else f"{len(selected)} ranges, {size}"
    variants = (f"selected {where}: {mix}", f"selected {size}: {mix}", f"{format_size(selected.total)}: {mix}")
    return first_fitting(variants, width)


def first_fitting(variants: Sequence[str], width: int) -> str:
    """The first text that fits, or the last one cut at its end."""
    fitting = next((text for text in variants if len(text) <= width), None)
    return fitting if fitting is not None else variants[-1][: max(0, width - 1)] + "…"


def mix_words(map_: Mapfile, ranges: RangeSet, sector: int) -> str:
    """How much of each status lies in ranges, the worst first."""
    from engine.mapedit.performing import held

    amounts = held(map_, ranges)
    parts = [
        f"{mark} {size_text(size, sector)}" for mark, size in reversed(list(zip("+?*/-", amounts, strict=True))) if size
    ]
    return "  ".join(parts) or "nothing of the map"


def line_words(map_: Mapfile) -> str:
    """``status line 0x03C20000 ? 1 (copying, pass 1)``."""
    line = f"0x{map_.position:08X} {map_.phase} {map_.current_pass}"
    passes = f", pass {map_.current_pass}" if map_.phase in "?-" else ""
    return f"status line {line} ({map_.phase_name}{passes})"


def sentences(title: str, notes: Sequence[str], style: str = "", width: int = 400) -> Section:
    """Sentences as rows; one longer than ``width`` cells goes on in the next row."""
    lines = [line for note in notes for line in textwrap.wrap(note, max(20, width - 4), subsequent_indent="  ")]
    rows = tuple(Row(f"note:{title}:{number}", (Cell(line, style),)) for number, line in enumerate(lines))
    return Section(title, _SENTENCES, rows)


def next_run_words(run: NextRun, width: int) -> tuple[str, str]:
    """What the next run of ddrescue would read, in one row; and how that is to be taken (a figure's state)."""
    if run.never:
        never = f"next run NEVER READS {format_size(run.never.total)} of {run.phases[0].status}"
        variants = (f"{never}: set the status line to 0 ? 1 (e h); R tells all", f"{never}: e h, then 0 ? 1", never)
        return first_fitting(variants, width), "-danger"
    if not run.phases:
        nothing = "next run: nothing to read"
        more = f"{nothing}; bad sectors are read again only by retries (R)"
        return first_fitting((more, nothing), width), "-muted"
    first = run.phases[0]
    way = "backwards" if first.backwards else "forwards"
    number = f" pass {first.first_pass}" if first.name == "copying" else ""
    at = f"0x{first.position:X}" if first.position else "0"
    reads = f"next run reads {format_size(run.reads.total)}"
    begin = f"{first.name}{number} {way} from {at}"
    more = "".join(f", {phase.name}" for phase in run.phases[1:])
    fewer = f", +{len(run.phases) - 1} phases" if len(run.phases) > 2 else more
    later = f"; {format_size(run.left_out.total)} only in later passes" if run.left_out else ""
    tails = (f": {begin}{more}{later}", f": {begin}{fewer}{later}", f": {begin}{later}", later)
    text = first_fitting([reads + tails[0], *(reads.replace(" reads", "") + tail for tail in tails[:3]), reads + later],
                         width)  # fmt: skip
    return text, "-warning" if run.left_out else ""
