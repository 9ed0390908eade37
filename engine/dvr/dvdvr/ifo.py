"""Reading a management file: standard (big-endian, with identifier) or Panasonic's (little-endian, without)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from engine.dvr.disk import Piece
from engine.dvr.dvdvr.fields import Order, best_name, disc_text, packed_time
from engine.dvr.dvdvr.model import Cell, Management, Programme, Vob
from engine.dvr.dvdvr.vobs import BeginsVob, is_movie_table, read_movie
from engine.errors import Problem

IDENTIFIER = b"DVD_RTR_VMG0"
MAX_SIZE = 16 << 20
_PROGRAMME = 142
_MAX_LIST_CELLS = 20_000
_MAX_POINTS = 2000
_MAX_ALL_POINTS = 100_000


def is_standard(piece: Piece) -> bool:
    """Whether it begins with the identifier of the standard."""
    return piece.get(0, 12) == IDENTIFIER


def is_panasonic(piece: Piece) -> bool:
    """Whether the header fits Panasonic's: sizes and positions inside the file, a movie table where it points."""
    last, programmes, movie = (piece.number(at, 4, "little") for at in (0, 8, 20))
    if last is None or not programmes or not movie or last + 1 > len(piece.data):
        return False
    return programmes < len(piece.data) and is_movie_table(piece, movie)


def merge(first: Piece, second: Piece | None) -> Piece:
    """The IFO with what is unread of it taken from its copy (BUP)."""
    if second is None or first.whole:
        return first
    data, unread = bytearray(first.data), []
    for low, high in first.unread:
        position = low
        while position < high:
            end = min(high, position - position % 512 + 512)
            copy = second.get(position, end - position)
            if copy is None:
                unread.append((position, end))
            else:
                data[position:end] = copy
            position = end
    return Piece(first.offset, bytes(data), tuple(unread))


def parse(piece: Piece, sectors: int | None, begins: BeginsVob) -> Management | None:
    """All that the file says, or None when it is no management file. ``sectors``: size of the VRO when known."""
    if is_standard(piece):
        order: Order = "big"
        charset = piece.number(67, 1)
        places = [piece.number(at, 4) for at in (256, 304)]
        label = best_name(piece.get(98, 64) or b"", piece.get(162, 64) or b"", charset or 0)
    elif is_panasonic(piece):
        order, charset, label = "little", None, ""
        places = [piece.number(at, 4, order) for at in (20, 8)]
    else:
        return None
    panasonic = order == "little"
    problems: list[Problem] = []
    movie_at, programmes_at = (place if place and place < len(piece.data) else None for place in places)
    vobs: tuple[Vob | None, ...] = ()
    lost = 1
    if movie_at is None:
        problems.append(Problem("ifo-lost", "the movie table is not where it should be"))
    else:
        movie = read_movie(piece, movie_at, order, sectors, begins, panasonic)
        vobs, lost = tuple(movie.vobs), movie.lost
        problems += movie.problems
    programmes: list[Programme] = []
    if programmes_at is None:
        problems.append(Problem("ifo-lost", "the table of programmes is not where it should be"))
    else:
        programmes = _programmes(piece, programmes_at, order, charset, problems)
    lists = [] if panasonic else _play_lists(piece, charset or 0, problems)
    flags = 0 if panasonic else piece.number(267, 1) or 0
    return Management(panasonic, label, bool(flags & 1), vobs, tuple(programmes), tuple(lists), tuple(problems), lost)


def _programmes(piece: Piece, at: int, order: Order, charset: int | None, problems: list[Problem]) -> list[Programme]:
    count, cell_count = piece.number(at, 2, order), piece.number(at + 2, 2, order)
    if count is None or cell_count is None:
        problems.append(Problem("ifo-lost", "the head of the table of programmes is unread"))
        return []
    if at + 4 + _PROGRAMME * count + 4 * cell_count > len(piece.data):
        problems.append(Problem("ifo-count", f"{count} programmes with {cell_count} cells do not fit into the file"))
        count = max(0, min(count, (len(piece.data) - at - 4) // _PROGRAMME))
    offsets_at = at + 4 + _PROGRAMME * count
    budget = [_MAX_ALL_POINTS]
    found: list[Programme] = []
    next_cell = 0
    for number in range(count):
        entry = at + 4 + _PROGRAMME * number
        cells = _cell_number(piece, entry, order, cell_count)
        if cells is None or next_cell + cells > cell_count:
            words = f"the number of cells of programme {number + 1} is unread or impossible"
            problems.append(Problem("cells-lost", words))
            cells = max(0, min(cells or 1, cell_count - next_cell))
        places = [piece.number(offsets_at + 4 * (next_cell + one), 4, order) for one in range(cells)]
        next_cell += cells
        raw = (piece.get(entry + 4, 64) or b"", piece.get(entry + 68, 64) or b"")
        kind = piece.number(entry + 1, 1) or 0
        found.append(Programme(
            number + 1, best_name(*raw, charset), b"".join(raw),
            tuple(_cell(piece, at + place if place else None, order, budget, charset) for place in places),
            bool(kind & 0x80),
        ))  # fmt: skip
    if next_cell < cell_count:
        problems.append(Problem("cells-left", f"{cell_count - next_cell} cells belong to no programme"))
    return found


def _cell_number(piece: Piece, entry: int, order: Order, limit: int) -> int | None:
    """The number of cells; on Panasonic's disks in the byte order that gives a possible one."""
    for one in (order, "big"):
        value = piece.number(entry + 2, 2, one)
        if value is None:
            return None
        if 1 <= value <= limit:
            return value
    return None


def _cell(piece: Piece, at: int | None, order: Order, budget: list[int], charset: int | None) -> Cell | None:
    if at is None:
        return None
    kind, vob = piece.number(at + 1, 1), piece.number(at + 2, 2, order)
    count, start, end = (piece.number(at + 4, 2, order), piece.number(at + 6, 4, order),
                         piece.number(at + 12, 4, order))  # fmt: skip
    if kind is None or not vob or start is None or end is None:
        return None
    if kind >> 5 == 1:
        return Cell(vob, 0, 0, (), still=True)
    points: list[tuple[int, str]] = []
    place = at + 18
    for _ in range(min(count or 0, _MAX_POINTS)):
        mark, ptm = piece.number(place, 1), piece.number(place + 1, 4, order)
        budget[0] -= 1
        if mark is None or ptm is None or budget[0] < 0:
            break
        named = mark >> 6 == 1
        label = piece.get(place + 7, 128) if named else None
        points.append((ptm, disc_text(label, charset) if label else ""))
        place += 7 + (128 if named else 0)
    return Cell(vob, start, end, tuple(points))


def _play_lists(piece: Piece, charset: int, problems: list[Problem]) -> list[Programme]:
    """User-defined programmes. Nothing that is wrong here touches the titles."""
    at = piece.number(308, 4)
    count = piece.number(at + 1, 1) if at else None
    if not at or not count:
        return []
    names = _list_names(piece, charset)
    last = piece.number(at + 2, 4) or 0
    budget = [_MAX_ALL_POINTS]
    for head in (6, 8):
        offsets = [piece.number(at + head + 4 * number, 4) for number in range(count)]
        if all(offset is not None and head + 4 * count <= offset <= max(last, 8) for offset in offsets):
            break
    else:
        problems.append(Problem("play-lists", "the table of play lists is damaged"))
        return []
    found = []
    left = _MAX_LIST_CELLS
    for number, offset in enumerate(offsets, 1):
        place = at + (offset or 0)
        cells = min(piece.number(place + 2, 2) or 0, left, len(piece.data) // 4)
        left -= cells
        places: Iterable[int | None] = (piece.number(place + 4 + 4 * one, 4) for one in range(cells))
        name, created, raw = names.get(number, ("", None, b""))
        parsed = tuple(_cell(piece, place + one if one else None, "big", budget, charset) for one in places)
        found.append(Programme(number, name, raw, parsed, created_at=created))
    return found


def _list_names(piece: Piece, charset: int) -> dict[int, tuple[str, datetime | None, bytes]]:
    """Names and dates from the play-list pointers, by chain number."""
    found: dict[int, tuple[str, datetime | None, bytes]] = {}
    for number in range(piece.number(515, 1) or 0):
        entry = piece.get(520 + 146 * number, 146)
        if entry is not None:
            name = best_name(entry[8:72], entry[72:136], charset)
            found[entry[2]] = (name, packed_time(entry[3:8]), entry[8:136])
    return found
