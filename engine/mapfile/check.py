"""What is wrong with a mapfile, line by line, and a proposal how it could be repaired.

The repair never claims more than the file does: a gap becomes non-tried, and where lines contradict each other the
least processed status wins (to read a sector again costs time; to call an unread one finished loses it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import DamagedError, Problem
from engine.mapfile.lines import Line, lines, parse_block
from engine.mapfile.loose import compile_blocks, first_clash, status_sets
from engine.mapfile.model import Codes, Comment, Int64s, Mapfile
from engine.mapfile.parse import CommentBox, Pathish, parse_map, read_file
from engine.mapfile.salvage import ProblemList, plain_text, salvage, second_blocks
from engine.mapfile.scan import read_blocks
from engine.mapfile.status import CHARS, NON_TRIED, PHASES, PROCESSING_ORDER
from engine.ranges import RangeSet

_MOST_EACH = 50


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome. ``valid``: ddrescue reads it, and loses nothing silently. ``repaired``: the proposal, or the map
    itself when it is valid; None when nothing in the file can be read as a block. ``count``: all problems, ``problems``
    holds the first of them. ``notes``: what the repair did, in words."""

    valid: bool
    problems: tuple[Problem, ...]
    count: int
    repaired: Mapfile | None
    notes: tuple[str, ...]


def check_file(path: Pathish) -> Check:
    """``check_map`` of a file. Raises ``OutsideError`` when it cannot be read."""
    return check_map(read_file(path))


def check_map(data: bytes) -> Check:
    """Check a map and propose a repair."""
    problems = ProblemList()
    refusal = "ddrescue reads this otherwise than it is written"
    try:
        strict = parse_map(data)
    except DamagedError as error:
        refusal = str(error)
    else:
        _silent_losses(data, strict, problems)
        if not problems.count:
            return Check(True, (), 0, strict, _unknown_phase(strict.phase))
    problems = ProblemList()
    text = plain_text(data, problems)
    repaired, notes = _repair(text, problems)
    if not problems.count:  # nothing that the patient reader minds, yet the strict one does
        problems.add("malformed-map", refusal)
    return Check(False, tuple(problems.kept), problems.count, repaired, tuple(notes))


def _silent_losses(data: bytes, strict: Mapfile, problems: ProblemList) -> None:
    """What ddrescue accepts without a word although part of the map gets lost or is of no use."""
    if not len(strict) and b"\r" in data and b"\n" not in data.strip():
        problems.add("line-ends", "the lines end in bare CR", 1)
        return
    if len(strict) and bool((np.diff(strict.bounds) == 0).any()):
        problems.add("empty-block", "there is a block of size 0")

    def look(line: Line) -> None:
        if second_blocks(line, data):
            problems.add("second-block", "more than one block on a line", line.number)

    head = next((line for line in lines(data) if line.text is not None), None)
    if head is not None:
        read_blocks(data, head.end, head.number, lambda *_: False, on_line=look)


def _unknown_phase(phase: str) -> tuple[str, ...]:
    return () if phase in PHASES else (f"the status character {phase} of the status line is not a known one: kept",)


def _repair(text: bytes, problems: ProblemList) -> tuple[Mapfile | None, list[str]]:
    found = salvage(text, problems)
    starts, sizes, codes, where = found.arrays()
    notes: list[str] = []
    if found.status is None:
        problems.add("missing-status", "there is no status line before the blocks", int(where[0]) if where.size else 1)
        notes.append("a status line is put in: 0x0 ? 1, the next run begins at the start")
    else:
        notes.extend(_unknown_phase(found.status[1]))
    solid = sizes > 0
    if not solid.all():
        _each(problems, "empty-block", np.flatnonzero(~solid), where, lambda _: "a block of size 0: left out")
        starts, sizes, codes, where = starts[solid], sizes[solid], codes[solid], where[solid]
    if not codes.size:
        if found.nonsense or not found.status:
            problems.clear()
            problems.add("not-a-map", "this is no mapfile: none of its lines is a block")
            return None, []
        return Mapfile(np.zeros(1, np.int64), codes, *found.status), notes
    doubtful = _order(starts, starts + sizes, codes, where, problems, notes)
    sets = _settled(starts, starts + sizes, codes)
    bounds, merged = compile_blocks(sets, NON_TRIED, int(starts.min()))
    position, phase, current_pass = found.status or (0, "?", 1)
    if doubtful:
        position, phase, current_pass = 0, "?", 1
        notes.append("position and pass are set to 0x0 ? 1, so that the next run reads what was filled in")
    if found.cut:
        notes.append(f"the map now ends at {int(bounds[-1])}; ddrescue adds the rest of the source as non-tried")
    return Mapfile(bounds, merged, position, phase, current_pass, comments=_comments(text)), notes


def _comments(text: bytes) -> tuple[Comment, ...]:
    """The comments before the first block; further down they have lost their place."""
    box = CommentBox()
    for line in lines(text):
        if line.text is not None and parse_block(line.text) is not None:
            break
        if line.text is None and not box.add(-1, line.comment or b"#"):
            break
    return tuple(box.kept)


def _order(
    starts: Int64s, ends: Int64s, codes: Codes, where: Int64s, problems: ProblemList, notes: list[str]
) -> bool:
    """Report disorder, gaps, overlaps and contradictions; whether anything had to be filled in or decided."""
    shuffled = np.flatnonzero(starts[1:] < starts[:-1]) + 1
    _each(problems, "order", shuffled, where, lambda i: f"the block at {starts[i]} stands after one at {starts[i - 1]}")
    if shuffled.size:
        notes.append("the blocks are sorted")
    order = np.argsort(starts, kind="stable")
    s, e, at = starts[order], ends[order], where[order]
    reach = np.maximum.accumulate(e)
    gaps = np.flatnonzero(s[1:] > reach[:-1]) + 1
    missing = int((s[gaps] - reach[gaps - 1]).sum())
    _each(problems, "gap", gaps, at, lambda i: f"a gap of {s[i] - reach[i - 1]} bytes before {s[i]}")
    if gaps.size:
        notes.append(f"gaps ({gaps.size}, together {missing} bytes) become non-tried")
    overlaps = np.flatnonzero(s[1:] < reach[:-1]) + 1
    _each(problems, "overlap", overlaps, at, lambda i: f"the block at {s[i]} overlaps one that ends at {reach[i - 1]}")
    clash = first_clash(starts, ends, codes) if overlaps.size else None
    if clash is not None:
        problems.add("contradiction", "blocks of different status overlap", int(where[clash]))
        notes.append("where lines contradict each other the least processed status is kept")
    elif overlaps.size:
        notes.append("overlapping blocks agree and are joined")
    return bool(gaps.size) or clash is not None


def _each(
    problems: ProblemList, code: str, indexes: npt.NDArray[np.intp], where: Int64s, words: Callable[[int], str]
) -> None:
    for index in indexes[:_MOST_EACH].tolist():
        problems.add(code, words(index), int(where[index]))
    problems.count += max(0, int(indexes.size) - _MOST_EACH)


def _settled(starts: Int64s, ends: Int64s, codes: Codes) -> list[RangeSet]:
    """Disjoint positions per status; where they contradict each other the least processed status keeps them."""
    sets = status_sets(starts, ends, codes)
    taken = RangeSet()
    for code in PROCESSING_ORDER:
        sets[code] = sets[code].subtract(taken)
        taken = taken.union(sets[code])
    return sets[: len(CHARS)]
