"""Which joins are made: one to one, only good ones, and where several are as good, none: a person decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.dvr.clock.model import Join, Piece, Puzzle
from engine.dvr.clock.score import ENOUGH, score
from engine.dvr.pack import CLOCK_HZ, CLOCK_WRAP, PACK_SIZE
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet

_DOUBTED = 12
"""Points a join needs when one of its tests speaks against it (packs are lost between, or it is another recording): the
right check sum of an audio frame must be among them. Recordings that all begin at clock 0 share one grid of audio
frames, so that without check sums the picture alone tells them apart."""
_MARGIN = 2
"""Points by which a join must be better than any other at either end, or a person is asked."""
_MOST_EACH = 200
"""Candidates looked at for one end: on a disk of noise or of one clock for everything there is no end of them."""
_SHOWN = 5
_MAX_HOLE = 4 << 30


def propose(pieces: Sequence[Piece], unread: RangeSet | None = None, reporter: Reporter = SILENT) -> Puzzle:
    """All joins that stand on the content itself, and the ties. ``unread``: what nobody has read of the disk."""
    possible: list[Join] = []
    firsts = np.array([piece.scr_first for piece in pieces], np.int64)
    order = np.argsort(firsts, kind="stable")
    ranked = firsts[order]
    for done, piece in enumerate(pieces):
        if done % 64 == 0:
            check(reporter)
            reporter.update(done, len(pieces), "pieces", "joins")
        joins = []
        for index in _after(piece, ranked, order):
            if pieces[index].number != piece.number:
                found = score(piece, pieces[index])
                if isinstance(found, Join):
                    joins.append(found)
        joins.sort(key=lambda join: (-join.score, join.gap_s))
        possible += joins[:_SHOWN]
    possible += _over_holes(pieces, RangeSet() if unread is None else unread)
    return _settle(tuple(pieces), possible)


def _after(piece: Piece, ranked: npt.NDArray[np.int64], order: npt.NDArray[np.intp]) -> list[int]:
    """Pieces that begin within a second after this one's end, the nearest first."""
    low = (piece.scr_last + 1) % CLOCK_WRAP
    high = (piece.scr_last + CLOCK_HZ) % CLOCK_WRAP
    a, b = np.searchsorted(ranked, low, "left"), np.searchsorted(ranked, high, "right")
    if low <= high:
        near = order[a:b]
    else:  # over the wrap of the clock
        near = np.concatenate((order[a:], order[:b]))
    return [int(index) for index in near[:_MOST_EACH]]


def _over_holes(pieces: Sequence[Piece], unread: RangeSet) -> list[Join]:
    """Neighbours on the disk with nothing but unread bytes between them."""
    found = []
    for one, two in zip(pieces, pieces[1:], strict=False):
        between = two.start - one.end
        if 0 < between <= _MAX_HOLE and between % PACK_SIZE == 0 and unread.overlaps(one.end, two.start):
            # The hole may begin or end within a pack, which is then no pack: up to one block at each side.
            rest = RangeSet.of(one.end, two.start).subtract(unread).total
            if rest < 2 * PACK_SIZE:
                join = score(one, two, between // PACK_SIZE)
                if isinstance(join, Join):
                    found.append(join)
    return found


def content(join: Join) -> bool:
    """Whether any test of the content itself speaks for it: the clock alone never does."""
    return any(reason.decisive and reason.points > 0 for reason in join.reasons)


def good(join: Join) -> bool:
    """Whether it may be made unasked, if it has no rival."""
    doubted = any(reason.points < 0 for reason in join.reasons)
    return content(join) and join.score >= (_DOUBTED if doubted else ENOUGH)


def _settle(pieces: tuple[Piece, ...], possible: list[Join]) -> Puzzle:
    by_first: dict[int, list[Join]] = {}
    by_second: dict[int, list[Join]] = {}
    for join in possible:
        by_first.setdefault(join.first, []).append(join)
        by_second.setdefault(join.second, []).append(join)
    made: list[Join] = []
    ends: set[int] = set()
    begins: set[int] = set()
    loops: dict[int, int] = {}
    for join in sorted(possible, key=lambda one: (-one.score, one.gap_s, abs(one.second - one.first))):
        if join.first in ends or join.second in begins or not good(join):
            continue
        rivals = [
            other
            for other in (*by_first[join.first], *by_second[join.second])
            if other is not join and other.first not in ends and other.second not in begins
        ]
        if any(other.score > join.score - _MARGIN and content(other) for other in rivals):
            continue
        if _closes(loops, join):
            continue
        made.append(join)
        ends.add(join.first)
        begins.add(join.second)
        loops[join.first] = join.second
    open_ = [join for join in possible if join.first not in ends and join.second not in begins and join.score > 0]
    return Puzzle(pieces, tuple(made), _groups(open_), tuple(join for join in possible if join not in set(made)))


def _closes(loops: dict[int, int], join: Join) -> bool:
    at: int | None = join.second
    while at is not None:
        if at == join.first:
            return True
        at = loops.get(at)
    return False


def _groups(joins: list[Join]) -> tuple[tuple[Join, ...], ...]:
    """Joins that share an end, put together; the best group first."""
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def find(end: tuple[str, int]) -> tuple[str, int]:
        while parent.setdefault(end, end) != end:
            end = parent[end]
        return end

    for join in joins:
        parent[find(("end", join.first))] = find(("begin", join.second))
    groups: dict[tuple[str, int], list[Join]] = {}
    for join in joins:
        groups.setdefault(find(("end", join.first)), []).append(join)
    ranked = [tuple(sorted(group, key=lambda join: (-join.score, join.gap_s))) for group in groups.values()]
    return tuple(sorted(ranked, key=lambda group: (-group[0].score, group[0].first)))
