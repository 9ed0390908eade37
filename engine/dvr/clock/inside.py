"""Cuts inside pieces: where two recordings stand side by side and the clock happens to go on."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace

from engine.dvr.clock.ends import HEAD_PACKS, TAIL_PACKS, describe, head_of, read_packs, slices, tail_of
from engine.dvr.clock.model import Join, Piece, Scan
from engine.dvr.clock.packets import Packets, packets_of
from engine.dvr.clock.score import score
from engine.dvr.pack import CLOCK_HZ, PACK_SIZE, clock_distance, pack_clock
from engine.progress import SILENT, Reporter, check
from engine.source import Source

_BACK = 600
"""Packs looked back through for the audio packet before (about a second of the fastest stream)."""
_STANDS_OUT = 0.1
_MOST = 40
"""Breaks looked at in one piece; with more the audio does not keep the grid at all, and that test says nothing."""


def described(source: Source, found: Scan, reporter: Reporter = SILENT) -> list[Piece]:
    """Every piece of a scan with both ends, cut where recordings meet, numbered in the order of the disk.

    ``source`` gives stream order (``SwapSource`` on swapped disks). Raises ``CancelledError``.
    """
    pieces: list[Piece] = []
    for done, piece in enumerate(found.table):
        if done % 16 == 0:
            check(reporter)
            reporter.update(done, len(found.table), "pieces", "ends of pieces")
        low, high = bisect.bisect_right(found.breaks, piece.start), bisect.bisect_left(found.breaks, piece.end)
        for part, why in _parts(source, piece, found.breaks[low:high]):
            pieces.append(replace(describe(source, part), cut=why))
    return [replace(piece, number=number) for number, piece in enumerate(pieces, 1)]


def _parts(source: Source, piece: Piece, breaks: Sequence[int]) -> list[tuple[Piece, str]]:
    cuts: list[tuple[int, str]] = []
    if len(breaks) <= _MOST:
        for place in breaks:
            at = seam(source, piece, place)
            if at is not None and (not cuts or at > cuts[-1][0]) and (why := meet(source, piece, at)):
                cuts.append((at, why))
    return split(source, piece, cuts)


def split(source: Source, piece: Piece, cuts: Sequence[tuple[int, str]]) -> list[tuple[Piece, str]]:
    """``piece`` cut at these bytes (inside it, whole packs), each with the reason; ends not described yet."""
    places = [(piece.start, piece.cut), *cuts, (piece.end, "")]
    parts = []
    for (low, why), (high, _) in zip(places, places[1:], strict=False):
        first = piece.scr_first if low == piece.start else _clock(source, low)
        last = piece.scr_last if high == piece.end else _clock(source, high - PACK_SIZE)
        if first is not None and last is not None and high > low:
            parts.append((replace(piece, start=low, size=high - low, scr_first=first, scr_last=last), why))
    return parts


def _clock(source: Source, at: int) -> int | None:
    return pack_clock(read_packs(source, at, 1))


def seam(source: Source, piece: Piece, place: int) -> int | None:
    """Where two recordings most likely meet, when the audio at ``place`` does not go on from the audio before it.

    Between those two audio packets the place is looked for that has most of: the start of a VOBU, slices that do not
    follow each other, the longest step of the clock. None when nothing stands out.
    """
    packs = min(_BACK, (place - piece.start) // PACK_SIZE)
    low = place - packs * PACK_SIZE
    data = read_packs(source, low, packs + 1)
    best: tuple[float, int] | None = None
    after = packets_of(data[packs * PACK_SIZE : (packs + 1) * PACK_SIZE])
    for number in range(packs, 0, -1):
        at = number * PACK_SIZE
        before = packets_of(data[at - PACK_SIZE : at])
        weight = 3.0 * after.system_first + 2.0 * _torn(before, after)
        one, two = pack_clock(data[at - PACK_SIZE : at]), pack_clock(data[at : at + PACK_SIZE])
        if one is not None and two is not None:
            weight += clock_distance(one, two) / CLOCK_HZ
        if best is None or weight > best[0]:
            best = (weight, low + at)
        if any(chunk.stamp is not None for chunks in before.audio.values() for chunk in chunks):
            break
        after = before
    return best[1] if best is not None and best[0] > _STANDS_OUT and best[1] > piece.start else None


def _torn(before: Packets, after: Packets) -> bool:
    """Whether the slices of two packs that both hold video do not follow each other."""
    last, first = slices(before), slices(after)
    return bool(last and first) and not (first[0] == 0 or last[-1] <= first[0] <= last[-1] + 2)


def meet(source: Source, piece: Piece, at: int) -> str:
    """Why what stands before ``at`` cannot go on behind it; empty when it can."""
    before = min(TAIL_PACKS, (at - piece.start) // PACK_SIZE)
    behind = min(HEAD_PACKS, (piece.end - at) // PACK_SIZE)
    last, first = _clock(source, at - PACK_SIZE), _clock(source, at)
    if last is None or first is None or not before or not behind:
        return ""
    one = replace(piece, size=at - piece.start, scr_last=last,
                  tail=tail_of(read_packs(source, at - before * PACK_SIZE, before)))  # fmt: skip
    two = replace(piece, start=at, size=piece.end - at, scr_first=first, head=head_of(read_packs(source, at, behind)))
    found = score(one, two)
    return "" if isinstance(found, Join) else found
