"""Pieces and joins as recordings, with what a person decided laid over what was proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.dvr.clock.ends import describe
from engine.dvr.clock.inside import split
from engine.dvr.clock.model import Decisions, Join, Piece, Puzzle, Run
from engine.dvr.model import Extent, Part, Rung, Title
from engine.dvr.pack import PACK_SIZE
from engine.source import Source


def cut_by_hand(source: Source, pieces: Sequence[Piece], cuts: Sequence[int]) -> list[Piece]:
    """``pieces`` also cut at ``cuts`` (bytes; the start of a pack inside a piece, others are passed over)."""
    made: list[Piece] = []
    for piece in pieces:
        places = sorted({
            cut for cut in cuts if piece.start < cut < piece.end and (cut - piece.start) % PACK_SIZE == 0
        })  # fmt: skip
        if not places:
            made.append(piece)
            continue
        parts = split(source, piece, [(place, "cut by hand") for place in places])
        made += [replace(describe(source, part), cut=why) for part, why in parts]
    return [replace(piece, number=number) for number, piece in enumerate(made, 1)]


def runs(puzzle: Puzzle, decisions: Decisions = Decisions()) -> list[Run]:  # noqa: B008 (frozen)
    """Recordings as lists of pieces, in the order of the disk by their first piece.

    Joins by hand come first and push out proposed ones at the same ends; one that would close a circle is left out.
    """
    number = {piece.start: piece.number for piece in puzzle.pieces}
    apart = {(number.get(a), number.get(b)) for a, b in decisions.apart}
    wanted = [(number[a], number[b]) for a, b in decisions.joins if a in number and b in number]
    wanted += [(join.first, join.second) for join in puzzle.joins]
    follows: dict[int, int] = {}
    before: dict[int, int] = {}
    for first, second in wanted:
        if (first, second) in apart or first in follows or second in before or first == second:
            continue
        at: int | None = second
        while at is not None and at != first:
            at = follows.get(at)
        if at is None:
            follows[first], before[second] = second, first
    found = []
    for piece in puzzle.pieces:
        if piece.number not in before:
            chain = [piece.number]
            while chain[-1] in follows:
                chain.append(follows[chain[-1]])
            found.append(Run(tuple(chain)))
    return found


def made_joins(puzzle: Puzzle, decisions: Decisions) -> list[Join]:
    """The joins that ``runs`` makes, proposed or by hand (those without reasons were never scored as possible)."""
    known = {(join.first, join.second): join for join in (*puzzle.others, *puzzle.joins)}
    pairs = [(a, b) for run in runs(puzzle, decisions) for a, b in zip(run.pieces, run.pieces[1:], strict=False)]
    return [known.get(pair, Join(*pair, 0, 0.0, ())) for pair in pairs]


def titles_of(puzzle: Puzzle, decisions: Decisions = Decisions()) -> tuple[Title, ...]:  # noqa: B008 (frozen)
    """Every recording as a title on the last rung of the ladder. Its id is the place of its first piece.

    Where two pieces were joined over bytes that nobody has read, those belong to the recording: its content has a hole.
    """
    lost = {(join.first, join.second): join for join in puzzle.joins if join.lost}
    return tuple(_title(puzzle, run, lost) for run in runs(puzzle, decisions))


def _title(puzzle: Puzzle, run: Run, lost: dict[tuple[int, int], Join]) -> Title:
    pieces = [puzzle.piece(number) for number in run.pieces]
    parts: list[Part] = []
    for place, piece in enumerate(pieces):
        extents = [Extent(piece.start, piece.size)]
        length = piece.duration_s
        over = lost.get((piece.number, pieces[place + 1].number)) if place + 1 < len(pieces) else None
        if over is not None:
            extents.append(Extent(piece.end, over.lost))
            length += over.gap_s
        parts.append(Part(f"piece {piece.number}", tuple(extents), length, Rung.CLOCK))
    sequence = pieces[0].head.sequence
    return Title(
        id=f"c{pieces[0].start // PACK_SIZE:x}", kind="stream", parts=tuple(parts), rung=Rung.CLOCK,
        duration_s=sum(part.duration_s or 0.0 for part in parts), role="MPEG-2 program stream",
        aspect={2: "4:3", 3: "16:9"}.get(sequence[2], "") if sequence is not None else "",
    )  # fmt: skip
