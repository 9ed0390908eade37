"""What is known of a recorder's disk: which recorder, its titles, where each stands and what of it is missing.

All positions are bytes in the source that was probed (or in ``Recordings.view(source)`` when the disk stores its 16-bit
words swapped; the positions are the same). All texts here are safe to print; raw bytes stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.errors import Problem
from engine.ranges import RangeSet
from engine.source.extents import Extent
from engine.text import format_size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.source import Source

    Int64s = npt.NDArray[np.int64]
    Float64s = npt.NDArray[np.float64]

__all__ = [
    "Chapter", "Edit", "EditKind", "Extent", "Finding", "Gap", "Missing", "Part", "Problem", "RecorderFile",
    "Recordings", "Rung", "Stretch", "TimeMap", "Title",
]  # fmt: skip


class Rung(StrEnum):
    """How far down the damage ladder something was found; the order is from good to bad."""

    DIRECTORY = "directory"
    """The recorder's own directory leads there."""
    BACKUP = "backup"
    """A backup or a repeated superblock or table leads there."""
    ORPHAN = "orphan"
    """A table or inode that nothing points to was found by its own numbers."""
    CLOCK = "clock"
    """Only the clock in the stream holds it together."""


class EditKind(StrEnum):
    """What the recorder's owner did to a title."""

    DIVIDED = "divided"
    AB_DELETE = "A-B delete"
    COMBINED = "combined"
    CUT = "cut"
    """Only a part of what was recorded is played."""
    PLAY_LIST = "play list"
    """Plays stretches of other titles."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One way in which a title was edited, with what shows it."""

    kind: EditKind
    words: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a play list plays: seconds ``start_s`` to ``end_s`` of another title, by its id and its shown name. Both are
    empty for a stretch that no title plays; ``start_s`` then counts in what was recorded (its VOB)."""

    title: str
    name: str
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Seconds of play."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class TimeMap:
    """Content position in a part (bytes) against its programme time (seconds): rising, both arrays of one length.

    Between two points time runs evenly. The first point is (0, 0.0), the last (size, duration).
    """

    positions: Int64s
    seconds: Float64s

    def at(self, position: int) -> float:
        """Programme time in seconds of a content position."""
        import numpy as np

        return float(np.interp(position, self.positions, self.seconds))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a title that plays without a cut of the directory's making: a recorder file, a cell, a VOB.

    ``extents`` in playing order. ``unplaced`` bytes belong to it according to the directory, but what says where they
    are is lost; they are not among the extents.
    """

    name: str
    extents: tuple[Extent, ...]
    duration_s: float | None = None
    rung: Rung = Rung.DIRECTORY
    unplaced: int = 0
    times: TimeMap | None = None
    recorded_at: datetime | None = None

    @property
    def size(self) -> int:
        """Bytes that the extents hold."""
        return sum(extent.size for extent in self.extents)


@dataclass(frozen=True, slots=True)
class Chapter:
    """An entry point: seconds from the start of the title, and its label (may be empty)."""

    time_s: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of programme nobody has read: ``[start, end)`` in bytes of the title's content, and in seconds of it
    when the time is known (``exact``: by clocks or maps on both sides, otherwise by even bit rate)."""

    start: int
    end: int
    start_s: float | None = None
    end_s: float | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """What of a title is not there. ``ranges`` are the unread bytes in the source, ``gaps`` the same in the title's
    content; ``unplaced`` bytes have no known place; with ``unknown`` more is lost, and nothing tells how much.
    ``seconds`` None when the time is not known."""

    ranges: RangeSet = field(default_factory=RangeSet)
    gaps: tuple[Gap, ...] = ()
    unplaced: int = 0
    seconds: float | None = 0.0
    unknown: bool = False

    @property
    def bytes(self) -> int:
        """Unread and unplaced bytes together."""
        return sum(gap.end - gap.start for gap in self.gaps) + self.unplaced

    @property
    def amount(self) -> str:
        """In words: ``1.5 MiB``; ``over 1.5 MiB`` when more is lost; ``unknown``; ``-`` when nothing is missing."""
        if not self:
            return "-"
        if self.unknown:
            return f"over {format_size(self.bytes)}" if self.bytes else "unknown"
        return format_size(self.bytes)

    def __bool__(self) -> bool:
        return self.bytes > 0 or self.unknown


@dataclass(frozen=True, slots=True)
class Title:
    """One recording (or play list, or file that no title owns) as a person sees it.

    ``id`` is short, unique in its list and stable: the same when the list is read again after more of the disk was
    rescued. ``name`` may be empty; ``shown_name`` never is. ``recorded_at`` is local time. ``kind``:
    ``recording``, ``play list``, ``file`` (no title owns it), ``stream`` (found by its clock). ``input`` a line input
    or tuner in words, ``channel`` a channel as text. ``scrambled``: ``none``, ``partly``, ``all``; None: not looked.
    """

    id: str
    name: str = ""
    kind: str = "recording"
    parts: tuple[Part, ...] = ()
    recorded_at: datetime | None = None
    channel: str = ""
    input: str = ""
    genre: str = ""
    locked: bool = False
    deleted: bool = False
    duration_s: float | None = None
    edited: tuple[Edit, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    rung: Rung = Rung.DIRECTORY
    problems: tuple[Problem, ...] = ()
    missing: Missing = field(default_factory=Missing)
    role: str = ""
    """What the content is, such as ``VRO program`` or ``MPEG-2 program stream``."""
    scrambled: str | None = None
    aspect: str = ""
    """``4:3`` or ``16:9`` when the directory says so."""
    name_raw: bytes = b""
    plays: tuple[Stretch, ...] = ()
    """Of a play list: stretches of other titles, in playing order."""

    @property
    def extents(self) -> tuple[Extent, ...]:
        """All extents in playing order."""
        return tuple(extent for part in self.parts for extent in part.extents)

    @property
    def size(self) -> int:
        """Bytes of content whose place is known."""
        return sum(part.size for part in self.parts)

    @property
    def incomplete(self) -> bool:
        """Whether a part of it has no known place: what its extents give is not all of it, however well it is read."""
        return self.missing.unplaced > 0 or self.missing.unknown

    @property
    def shown_name(self) -> str:
        """Name, else date, else id."""
        if self.name:
            return self.name
        return f"{self.recorded_at:%Y-%m-%d %H:%M}" if self.recorded_at else f"{self.kind} {self.id}"

    @property
    def ranges(self) -> RangeSet:
        """Where it stands in the source, as a set (play order lost)."""
        return RangeSet((e.start, e.start + e.size) for e in self.extents if e.start is not None)


@dataclass(frozen=True, slots=True)
class RecorderFile:
    """A file of the recorder's own file system, such as ``DVD_RTAV/VR_MANGR.IFO``. ``path`` is for showing (safe);
    saving makes names safe again. ``role``: ``IFO``, ``backup``, ``VRO``, ``stream``, ``management``, ``data``."""

    path: str
    extents: tuple[Extent, ...]
    size: int
    modified: datetime | None = None
    role: str = "data"
    deleted: bool = False
    rung: Rung = Rung.DIRECTORY
    unplaced: int = 0
    missing: Missing = field(default_factory=Missing)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One way to understand a disk. ``base``: byte of the source that the file system counts from (below 0 when the
    image lacks its first sectors). ``confidence`` 0..1; ``recorder`` names makers and models. When it cannot be read,
    ``advice`` says what can be done. ``place`` is where its directory or superblock is, None when it was not found."""

    family: str
    variant: str
    recorder: str
    confidence: float
    reasons: tuple[str, ...]
    base: int = 0
    swapped: bool = False
    readable: bool = True
    advice: str = ""
    place: int | None = None
    rung: Rung = Rung.DIRECTORY


@dataclass(frozen=True, slots=True)
class Recordings:
    """What a source holds. ``structures``: the directory's own bytes (to be rescued first), read or not. ``label``: the
    name of the disc or of the volume."""

    finding: Finding
    titles: tuple[Title, ...] = ()
    files: tuple[RecorderFile, ...] = ()
    structures: RangeSet = field(default_factory=RangeSet)
    problems: tuple[Problem, ...] = ()
    label: str = ""

    @property
    def recorder(self) -> str:
        """Maker and models in words."""
        return self.finding.recorder

    @property
    def variant(self) -> str:
        """The layout, such as ``545h`` or ``V2.1``."""
        return self.finding.variant

    @property
    def confidence(self) -> float:
        """0..1."""
        return self.finding.confidence

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks for this layout."""
        return self.finding.reasons

    def title(self, id: str) -> Title | None:
        """The title with this id, or None."""
        return next((title for title in self.titles if title.id == id), None)

    def view(self, source: Source) -> Source:
        """The source to read extents from: ``source`` itself, or with the bytes of each word exchanged."""
        from engine.source import SwapSource

        return SwapSource(source) if self.finding.swapped else source

    def with_titles(self, titles: tuple[Title, ...]) -> Recordings:
        """The same disk with other titles (such as more found by the clock)."""
        return replace(self, titles=titles)
