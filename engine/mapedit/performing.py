"""Carrying out one edit: the map after it, the patch that undoes it, and what it does in bytes and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.mapedit.edits import Edit
from engine.mapedit.patch import Line, Patch
from engine.mapedit.words import line_of, was
from engine.mapfile.algebra import codes_at, merge_edges
from engine.mapfile.diff import Move, moves
from engine.mapfile.model import Mapfile, measure
from engine.mapfile.resume import from_the_start, resume_of, resume_retrying
from engine.mapfile.status import CHARS, NO_CODE
from engine.ranges import RangeSet
from engine.text import format_exact


@dataclass(frozen=True, slots=True)
class Effect:
    """What an edit does. ``title`` is its line in the history; ``words`` sentences for people.

    ``moves``: bytes per pair of statuses, the largest first ("" stands for "not in the map"). ``loses``: bytes that are
    finished before and not after. ``line_before``, ``line_after``: (position, status, pass). ``target`` and ``domain``:
    what a recipe wants the next run to read, and the domain it must be given. ``low`` - ``high``: where it happened.
    """

    title: str
    moves: tuple[Move, ...]
    loses: int
    line_before: Line
    line_after: Line
    words: tuple[str, ...]
    low: int
    high: int
    target: RangeSet | None = None
    domain: RangeSet | None = None

    @property
    def changes(self) -> bool:
        """Whether any status or the status line changes (a split or merge does not)."""
        return bool(self.moves) or self.line_before != self.line_after


@dataclass(frozen=True, slots=True)
class Performed:
    """An edit carried out on a map."""

    edit: Edit
    after: Mapfile
    patch: Patch
    effect: Effect


def perform(edit: Edit, before: Mapfile) -> Performed:
    """Apply an edit; unless it decides about the status line itself, see to it that the next run reads what it set
    to non-tried. Pure; raises what the edit raises.
    """
    made = edit.apply(before)
    after = made.map
    words = list(made.notes)
    patch = Patch.between(before, after)
    changes = window_moves(before, after, patch)
    if edit.settles:
        after, said = settle(after, changes)
        words.extend(said)
        patch = patch if after is made.map else Patch.between(before, after)
    loses = sum(move.bytes for move in changes if move.loses)
    if loses:
        words.append(f"{format_exact(loses)} that are finished would no longer be called finished.")
    effect = Effect(
        _title(edit, before), changes, loses, (before.position, before.phase, before.current_pass),
        (after.position, after.phase, after.current_pass), tuple(words), patch.low, patch.high, made.target,
        made.domain,
    )  # fmt: skip
    return Performed(edit, after, patch, effect)


def window_moves(before: Mapfile, after: Mapfile, patch: Patch) -> tuple[Move, ...]:
    """The changes between two maps, looked for only where their patch says that there are any."""
    if patch.low >= patch.high:
        return ()
    return moves(_window(before, patch.low, patch.high), _window(after, patch.low, patch.high))


def _window(map_: Mapfile, low: int, high: int) -> Mapfile:
    piece = map_.runs(low, high)
    return Mapfile(piece.bounds, piece.codes)


def settle(after: Mapfile, changes: tuple[Move, ...]) -> tuple[Mapfile, tuple[str, ...]]:
    """The map with a status line that makes the next run begin before what became non-tried; and a sentence about it.

    With status ``?`` ddrescue goes on at the position and leaves out what lies before it, in its last pass for good;
    with status ``-`` it does so with what it retries.
    """
    wanted = {"?": "?", "-": "-"}.get(after.phase)
    fresh = [move for move in changes if move.new == wanted]
    if not fresh:
        return after, ()
    left_out = resume_of(after).left_out if wanted == "?" else resume_retrying(after).left_out
    skipped = sum(left_out.intersect(move.ranges).total for move in fresh) if left_out else 0
    if not skipped:
        return after, ()
    kind = "now non-tried" if wanted == "?" else "now bad sectors"
    said = (
        f"The status line becomes 0x0 ? 1: with the old one ({line_of(after)}) the next run would have "
        f"left out {format_exact(skipped)} of what is {kind}."
    )
    return from_the_start(after), (said,)


def _title(edit: Edit, before: Mapfile) -> str:
    touched = edit.touched()
    if touched is None or not touched:
        return edit.title()
    return f"{edit.title()} (was: {was(held(before, touched))})"


def held(map_: Mapfile, ranges: RangeSet) -> tuple[int, ...]:
    """Bytes per status code inside ranges."""
    piece = map_.runs(int(ranges.starts[0]), int(ranges.ends[-1]))
    if len(ranges) == 1:
        return measure(piece.bounds, piece.codes).bytes
    window = Mapfile(piece.bounds, piece.codes)
    edges = merge_edges([piece.bounds, ranges.starts, ranges.ends])
    at, sizes = edges[:-1], np.diff(edges)
    index = np.searchsorted(ranges.starts, at, "right") - 1
    inside = (index >= 0) & (at < ranges.ends[np.maximum(index, 0)])
    codes = np.where(inside, codes_at(window, at), np.uint8(NO_CODE))
    return tuple(int(np.sum(sizes, where=codes == code)) for code in range(len(CHARS)))
