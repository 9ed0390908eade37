"""What the clock scan made of a disk, against what was laid there."""

from __future__ import annotations

from dataclasses import dataclass

from engine.dvr.clock.inside import described
from engine.dvr.clock.match import propose
from engine.dvr.clock.model import Puzzle
from engine.dvr.clock.recordings import runs
from engine.dvr.clock.scanning import scan
from engine.source import BytesSource, Source, SwapSource
from tests.engine.dvr.clock.streams import Laid


@dataclass(frozen=True)
class Outcome:
    """``made``: joins of two places of one title in order; ``wrong``: of different titles; ``whole`` titles."""

    puzzle: Puzzle
    made: int
    wrong: list[tuple[int, int]]
    whole: int


def solve(source: Source | bytes) -> Puzzle:
    """Scan, ends, joins."""
    source = BytesSource(source) if isinstance(source, bytes) else source
    found = scan(source)
    view = SwapSource(source) if found.swapped else source
    return propose(described(view, found), found.unread)


def outcome(laid: Laid, puzzle: Puzzle | None = None) -> Outcome:
    """How it went."""
    puzzle = solve(laid.data) if puzzle is None else puzzle
    pairs = {(puzzle.piece(join.first).end, puzzle.piece(join.second).start) for join in puzzle.joins}
    owner = {
        piece.number: title
        for piece in puzzle.pieces
        for title, places in enumerate(laid.titles)
        for start, size in places
        if start <= (piece.start + piece.end) // 2 < start + size
    }
    wrong = [(join.first, join.second) for join in puzzle.joins if owner.get(join.first) != owner.get(join.second)]
    found = [_places([puzzle.piece(number) for number in run.pieces]) for run in runs(puzzle)]
    whole = sum(_merged(list(places)) in found for places in laid.titles)
    return Outcome(puzzle, len(pairs & laid.joins), wrong, whole)


def _places(pieces) -> list[tuple[int, int]]:
    return _merged([(piece.start, piece.size) for piece in pieces])


def _merged(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, size in places:
        if merged and sum(merged[-1]) == start:
            merged[-1] = (merged[-1][0], merged[-1][1] + size)
        else:
            merged.append((start, size))
    return merged
