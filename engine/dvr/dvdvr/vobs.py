"""The movie table: VOB records and the maps of their VOBUs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.dvr.disk import Piece
from engine.dvr.dvdvr.fields import Order, packed_time, stream_format
from engine.dvr.dvdvr.model import Format, Vob
from engine.errors import Problem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int64s = npt.NDArray[np.int64]

MAX_VOBS = 20_000
_FORMAT_SIZE = 60
_DEFAULT = Format(1001 / 60000, "")
BeginsVob = Callable[[int], bool | None]
"""Whether the VRO has a pack at a sector; None when that is not known."""


@dataclass(slots=True)
class Movie:
    """What the table says; ``lost`` counts records that could not be read."""

    vobs: list[Vob | None] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    lost: int = 0
    budget: int = 0
    """Bytes of maps that may still be looked at: overlapping records must not take for ever."""


@dataclass(frozen=True, slots=True)
class _Map:
    """Where a VOB's map stands under one assumption, and what speaks for it."""

    at: int
    time_entries: int
    units: int
    score: int


def is_movie_table(piece: Piece, at: int) -> bool:
    """Whether the head of a movie table stands there."""
    formats = piece.number(at + 3, 1)
    return piece.number(at, 2) == 0 and piece.number(at + 2, 1) == 1 and formats is not None and 1 <= formats <= 16


def read_movie(piece: Piece, at: int, order: Order, sectors: int | None, begins: BeginsVob, panasonic: bool) -> Movie:
    """The table at ``at``. ``sectors``: size of the VRO, when known."""
    movie = Movie(budget=16 * len(piece.data) + (1 << 20))
    count_formats = piece.number(at + 3, 1)
    if count_formats is None:
        movie.lost += 1
        return movie
    formats = []
    for number in range(count_formats):
        video = piece.number(at + 8 + number * _FORMAT_SIZE, 2, order)
        formats.append(_DEFAULT if video is None else stream_format(video))
    head = at + 8 + count_formats * _FORMAT_SIZE
    count = piece.number(head, 2, order)
    if count is None:
        movie.problems.append(Problem("ifo-lost", "the list of VOBs is unread"))
        movie.lost += 1
        return movie
    if count > MAX_VOBS or head + 2 + 4 * count > len(piece.data):
        movie.problems.append(Problem("ifo-count", f"{count} VOBs do not fit into the file"))
        count = max(0, min(count, MAX_VOBS, (len(piece.data) - head - 2) // 4))
    offsets = [piece.number(head + 2 + 4 * number, 4, order) for number in range(count)]
    last = piece.number(at + 4, 4, order)
    end = len(piece.data) if last is None else min(len(piece.data), at + last + 1)
    places = sorted({at + offset for offset in offsets if offset} | {end})
    for number, offset in enumerate(offsets, 1):
        place = None if not offset else at + offset
        if place is None or place >= len(piece.data):
            vob = None
        else:
            limit = next((other for other in places if other > place), len(piece.data))
            vob = _read_vob(piece, place, limit, order, number, formats, sectors, begins, panasonic, movie)
        if vob is None:
            movie.lost += 1
            movie.problems.append(Problem("vob-lost", f"the record of VOB {number} is lost or impossible"))
        movie.vobs.append(vob)
    return movie


def _read_vob(
    piece: Piece, at: int, limit: int, order: Order, number: int, formats: list[Format], sectors: int | None,
    begins: BeginsVob, panasonic: bool, movie: Movie,
) -> Vob | None:  # fmt: skip
    import numpy as np

    flags = piece.number(at, 2, order)
    if flags is None:
        return None
    seam = 12 if flags & 0x80 else 0
    gap = 16 if flags & 0x78 else 0
    more = 2 if panasonic else 0
    # The likeliest first: on equal marks it stays.
    distances = dict.fromkeys([seam + gap + more, seam + more, seam + gap, seam])
    maps = [_map(piece, at + 23 + distance, limit, order, sectors, begins, movie) for distance in distances]
    found = [(one.score, -place, one) for place, one in enumerate(maps) if one is not None]
    if not found:
        return None
    _, place, chosen = max(found, key=lambda one: one[:2])
    if place:
        words = f"the map of VOB {number} stands where no gap block or padding would be, as the stream shows"
        movie.problems.append(Problem("vob-layout", words))
    units = piece.get(chosen.at + 10 + 7 * chosen.time_entries, 3 * chosen.units)
    if units is None:
        return None
    sizes, fields = units_of(units)
    kind = piece.number(at + 8, 1) or 0
    shape = formats[kind - 1] if 1 <= kind <= len(formats) else _DEFAULT
    return Vob(
        number, piece.number(chosen.at + 6, 4, order) or 0, sizes, (fields * shape.field_s).astype(np.float64),
        packed_time(piece.get(at + 2, 5)), piece.number(at + 9, 4, order) or 0, piece.number(at + 15, 4, order) or 0,
        bool(flags & 0x8000), shape.aspect,
    )  # fmt: skip


def _map(
    piece: Piece, at: int, limit: int, order: Order, sectors: int | None, begins: BeginsVob, movie: Movie
) -> _Map | None:
    """The time map head at ``at``, when it is possible, with marks for what fits."""
    times, units = piece.number(at, 2, order), piece.number(at + 2, 2, order)
    first = piece.number(at + 6, 4, order)
    if times is None or not units or first is None:
        return None
    end = at + 10 + 7 * times + 3 * units
    if end > len(piece.data) or times > units + 1:
        return None
    movie.budget -= 3 * units
    table = piece.get(at + 10 + 7 * times, 3 * units) if movie.budget >= 0 else None
    if table is None:
        return None
    sizes, _ = units_of(table)
    score = 0
    if end == limit:
        score += 4
    elif end > limit:
        score -= 4
    if sectors is not None:
        score += 2 if first + int(sizes.sum()) <= sectors else -4
    head = begins(first)
    score += 0 if head is None else 3 if head else -3
    # Every VOBU has a size; one time entry for each 10 seconds begun.
    score += 1 if sizes.all() else -2
    score += 1 if times else 0
    return _Map(at, times, units, score)


def units_of(table: bytes) -> tuple[Int64s, Int64s]:
    """Sizes (sectors) and play times (fields) of VOBU entries. Their word is big-endian on Panasonic's disks too."""
    import numpy as np

    raw = np.frombuffer(table, np.uint8).reshape(-1, 3).astype(np.int64)
    word = raw[:, 1] << 8 | raw[:, 2]
    return word & 0x3FF, word >> 10
