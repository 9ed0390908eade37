"""Play lists: which stretches of which titles they play."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.dvr.dvdvr.model import PTM_HZ, Cell, Management, Programme, Vob
from engine.dvr.model import Stretch, Title

_EPSILON_S = 0.02
_MOST = 100
"""Titles that are looked at for one VOB: nobody divides a recording so often, a hostile table may."""


@dataclass(frozen=True, slots=True)
class _Played:
    """Seconds ``start`` to ``end`` of a VOB are played by a title from second ``at`` on."""

    title: Title
    start: float
    end: float
    at: float


def units(vob: Vob, cell: Cell) -> tuple[int, int]:
    """The VOBUs that overlap a cell, as [first, last)."""
    import numpy as np

    count = len(vob.sizes)
    if cell.end_ptm <= cell.start_ptm or (cell.start_ptm <= vob.start_ptm and cell.end_ptm >= vob.end_ptm):
        return 0, count
    ends = np.cumsum(vob.seconds)
    low, high = (cell.start_ptm - vob.start_ptm) / PTM_HZ, (cell.end_ptm - vob.start_ptm) / PTM_HZ
    first = int(np.searchsorted(ends, low + _EPSILON_S, "right"))
    last = int(np.searchsorted(ends - vob.seconds, high - _EPSILON_S, "left"))
    return (first, last) if first < last <= count else (0, count)


def ranges(management: Management, programme: Programme) -> Iterator[tuple[int, float, float]]:
    """Of each cell that plays moving pictures: VOB, and the seconds of it that are played (whole VOBUs)."""
    for cell in programme.cells:
        vob = vob_of(management, cell.vob) if cell is not None and not cell.still else None
        if cell is not None and vob is not None:
            first, last = units(vob, cell)
            yield vob.number, float(vob.seconds[:first].sum()), float(vob.seconds[:last].sum())


def vob_of(management: Management, number: int) -> Vob | None:
    """The VOB of a number; None when there is no such one or its record is lost."""
    return management.vobs[number - 1] if 1 <= number <= len(management.vobs) else None


def plays(
    management: Management, titles: Sequence[tuple[Programme, Title]]
) -> Callable[[Programme], tuple[Stretch, ...]]:
    """A function that tells what a play list plays of these titles."""
    played: dict[int, list[_Played]] = {}
    for programme, title in titles:
        at = 0.0
        for vob, start, end in ranges(management, programme):
            played.setdefault(vob, []).append(_Played(title, start, end, at))
            at += end - start
    for ones in played.values():
        ones.sort(key=lambda one: (one.start, one.end))
        del ones[_MOST:]

    def told(play_list: Programme) -> tuple[Stretch, ...]:
        return tuple(
            stretch
            for vob, start, end in ranges(management, play_list)
            for stretch in _stretches(played.get(vob, ()), start, end)
        )

    return told


def _stretches(played: Sequence[_Played], start: float, end: float) -> Iterator[Stretch]:
    for one in played:
        low, high = max(start, one.start), min(end, one.end)
        if high - low <= _EPSILON_S:
            continue
        if low - start > _EPSILON_S:
            yield Stretch("", "", start, low)
        first = one.at + low - one.start
        yield Stretch(one.title.id, one.title.shown_name, first, first + high - low)
        start = high
    if end - start > _EPSILON_S:
        yield Stretch("", "", start, end)
