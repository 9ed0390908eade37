"""Pieces, their ends, joins between them with the reasons, and what a person decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.dvr.pack import CLOCK_HZ, PACK_SIZE, clock_distance
from engine.ranges import RangeSet


@dataclass(frozen=True, slots=True)
class AudioEnd:
    """The audio stream at one end of a piece.

    ``kind``: ``ac3``, ``mpeg``, ``lpcm``; ``frame`` bytes and ``ticks`` (90 kHz) of one frame. ``open``: at the end
    of a piece the bytes that its last frame still lacks, at the start those before the first frame that begins there;
    0 = the border of a frame. ``pts``: at the end when the next frame has to begin, at the start when the first one
    does. ``partial``: the bytes of the frame that the cut went through, as far as this side has them. ``sound``:
    whole frames of this end have the right check sums, so those of a frame put together can be trusted."""

    kind: str
    stream: int
    frame: int
    ticks: float
    open: int | None = None
    pts: int | None = None
    partial: bytes = b""
    sound: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """One end of a piece. ``sequence``: width, height, aspect code, frame rate code. ``slice``: number of the last
    slice (at the end) or the first (at the start), None when a new picture begins there. ``clean``: begins with a
    system header and a sequence header. ``time_code``: that of the first group of pictures, in seconds (None: none
    seen)."""

    sequence: tuple[int, int, int, int] | None = None
    streams: tuple[int, ...] = ()
    audio: AudioEnd | None = None
    slice: int | None = None
    new_picture: bool = False
    clean: bool = False
    time_code: float | None = None
    real_time_data: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Packs that follow each other on the disk with a rising clock. ``start`` and ``size`` in bytes, clocks in ticks of
    27 MHz, ``mux_rate`` in units of 50 bytes/s. ``number`` counts from 1 in the order of the disk.
    ``cut`` tells why it begins here when it was part of a longer one."""

    number: int
    start: int
    size: int
    scr_first: int
    scr_last: int
    mux_rate: int
    head: End = field(default_factory=End)
    tail: End = field(default_factory=End)
    cut: str = ""

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.start + self.size

    @property
    def packs(self) -> int:
        """How many packs it has."""
        return self.size // PACK_SIZE

    @property
    def duration_s(self) -> float:
        """Seconds from its first to its last pack."""
        return clock_distance(self.scr_first, self.scr_last) / CLOCK_HZ

    @property
    def pack_ticks(self) -> float:
        """The least distance of two packs of this stream, in ticks of 27 MHz."""
        return PACK_SIZE * CLOCK_HZ / (self.mux_rate * 50)


@dataclass(frozen=True, slots=True)
class Reason:
    """One test of a join: what it is, in words, and what it counts. ``decisive``: it speaks of the content itself."""

    words: str
    points: int
    decisive: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """``second`` may follow ``first`` (piece numbers). ``gap_s`` seconds between their clocks; ``lost`` bytes that
    nobody has read lie between them on the disk (0: they are not neighbours over a hole)."""

    first: int
    second: int
    score: int
    gap_s: float
    reasons: tuple[Reason, ...]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Puzzle:
    """All pieces with the joins that were made, the ties that wait for a decision, and the others that are possible.

    ``ties``: groups of joins of which at most one can be right, or that are too weak to be made unasked.
    """

    pieces: tuple[Piece, ...]
    joins: tuple[Join, ...] = ()
    ties: tuple[tuple[Join, ...], ...] = ()
    others: tuple[Join, ...] = ()

    def piece(self, number: int) -> Piece:
        """The piece of that number."""
        return self.pieces[number - 1]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a person decided, by the bytes where pieces stand, so that it outlives another numbering.

    ``joins``: (start of a piece, start of the piece that follows it); ``apart``: joins that are not to be made;
    ``cuts``: bytes at which a piece is cut.
    """

    joins: tuple[tuple[int, int], ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    cuts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces of one recording in playing order, by number."""

    pieces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found. ``table``: pieces without their ends. ``breaks``: bytes where the audio clock does not go on
    inside a piece. ``unread``: bytes that the scan could not look at. ``swapped``: 16-bit words stand exchanged."""

    size: int
    swapped: bool
    table: Sequence[Piece]
    breaks: tuple[int, ...] = ()
    unread: RangeSet = field(default_factory=RangeSet)
