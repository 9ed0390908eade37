"""From the runs of a stream to the places of its bytes: content, gaps, what is lost, slack behind the end."""

from __future__ import annotations

from dataclasses import dataclass

from engine.filesystems.reader import COMPRESSED, FILLER, SPARSE, Stream

CONTENT, PACKED, SLACK, DIRECTORY, META, DELETED, SYSTEM = range(7)
"""What a place holds. PACKED: a compressed unit or a resident file, readable only as a whole."""
GAP, LOST = -1, -2
"""In place of a position on the volume: zeros by right; a part of the file whose place is not known."""

_CLUSTERS_PER_UNIT = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """``span`` bytes of the file from ``position`` on: at ``start`` of the volume, ``size`` bytes there.

    ``size`` differs from ``span`` for packed pieces only. ``start`` may be GAP or LOST.
    """

    position: int
    span: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the bytes of a stream are: ``pieces`` cover ``[0, size)`` in order; ``slack``: (start, size) behind it."""

    pieces: tuple[Piece, ...]
    slack: tuple[tuple[int, int], ...]
    packed: bool = False

    @property
    def lost(self) -> int:
        """Bytes of the file whose place is not known."""
        return sum(piece.span for piece in self.pieces if piece.start == LOST)


def place(
    stream: Stream, block: int, *, valid: int | None = None, gaps_lost: bool = False, unlisted: int = LOST
) -> Placed:
    """The places of a plain stream. ``valid``: bytes from here on are zeros by right although blocks are reserved
    (NTFS's initialised size). ``gaps_lost``: gaps are not to be believed (what told of them was never read).
    ``unlisted``: what a part without any run is; in ext's extent trees a gap."""
    if gaps_lost:
        unlisted = LOST
    if len(stream.runs) == 1 and valid is None:
        (at_, address, count, flags), whole = stream.runs[0], stream.size
        if not at_ and not flags and 0 <= address < 1 << 50 and 0 < whole <= count * block < 1 << 62:  # most files
            start = address * block
            behind = ((start + whole, count * block - whole),) if whole < count * block else ()
            return Placed((Piece(0, whole, start, whole),), behind)
    size = stream.size
    content_end = size if valid is None else min(valid, size)
    pieces: list[Piece] = []
    slack: list[tuple[int, int]] = []
    at = 0
    for offset, address, count, flags in sorted(stream.runs):
        low, high = offset * block, (offset + count) * block
        if offset < 0 or count <= 0 or address < 0 or high >= 1 << 62 or address >= 1 << 50:
            continue
        if low < at:
            low = at
        if low >= high:
            continue
        if flags & (SPARSE | FILLER):
            if low < size:
                _fill(pieces, at, low, unlisted)
                mark = unlisted if flags & FILLER else LOST if gaps_lost else GAP
                _fill(pieces, low, min(high, size), mark)
                at = min(high, size)
            continue
        if low > at:
            _fill(pieces, at, min(low, size), unlisted)
        start = address * block + (low - offset * block)
        if low < content_end:
            end = min(high, content_end)
            _add(pieces, Piece(low, end - low, start, end - low))
        if low < size and high > content_end:
            first, end = max(low, content_end), min(high, size)
            _fill(pieces, first, end, GAP)
        if high > content_end:
            first = max(low, content_end)
            slack.append((start + first - low, high - first))
        at = max(at, high)
    if at < size:
        _fill(pieces, at, size, unlisted)
    return Placed(tuple(pieces), tuple(slack))


def _fill(pieces: list[Piece], low: int, high: int, start: int) -> None:
    if high > low:
        _add(pieces, Piece(low, high - low, start, high - low))


def _add(pieces: list[Piece], piece: Piece) -> None:
    if pieces:
        last = pieces[-1]
        behind = last.start >= 0 and last.start + last.size == piece.start
        follows = last.start == piece.start if piece.start < 0 else behind
        if follows and last.span == last.size and last.position + last.span == piece.position:
            pieces[-1] = Piece(last.position, last.span + piece.span, last.start, last.size + piece.size)
            return
    pieces.append(piece)


def place_compressed(stream: Stream, block: int) -> Placed:
    """The places of an NTFS compressed stream: units of 16 clusters, each stored whole, shorter, or not at all."""
    unit = _CLUSTERS_PER_UNIT * block
    units: dict[int, list[tuple[int, int]]] = {}
    for offset, address, count, flags in stream.runs:
        if flags & (SPARSE | FILLER) or count <= 0 or offset < 0 or address < 0:
            continue
        low, high, start = offset * block, (offset + count) * block, address * block
        while low < high:
            number = low // unit
            end = min(high, (number + 1) * unit)
            units.setdefault(number, []).append((start, end - low))
            start, low = start + end - low, end
    pieces: list[Piece] = []
    at = 0
    for number in sorted(units):
        low, high = number * unit, min((number + 1) * unit, stream.size)
        if low >= stream.size:
            break
        _fill(pieces, at, low, GAP)
        pieces += [Piece(low, high - low, start, size) for start, size in units[number]]
        at = high
    _fill(pieces, at, stream.size, GAP)
    return Placed(tuple(pieces), (), packed=True)


def place_record(size: int, start: int, record: int) -> Placed:
    """The place of a resident stream: its file's record, which is readable only as a whole."""
    return Placed((Piece(0, size, start, record),) if size else (), (), packed=True)


def is_compressed(stream: Stream) -> bool:
    """Whether its content must be unpacked."""
    return bool(stream.flags & COMPRESSED)
