"""What a report says, before it is written in any form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done: ``when`` (ISO 8601, UTC), and what in words."""

    when: str
    what: str


@dataclass(frozen=True, slots=True)
class Amount:
    """Bytes and areas of one status of the map. ``letter`` is ddrescue's."""

    letter: str
    words: str
    bytes: int
    areas: int


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of the image. ``hits``: the files that lack bytes, worst first, (path, size, missing); ``hurt`` counts
    all of them; None: nobody has looked.
    """

    title: str
    label: str
    start: int
    size: int
    hurt: int | None = None
    files: int | None = None
    missing: int = 0
    hits: tuple[tuple[str, int, int], ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A title of a video recorder's disk. ``missing`` bytes and ``missing_s`` seconds of it were never read."""

    name: str
    when: str
    duration_s: float | None
    size: int
    missing: int
    missing_s: float | None


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was got out, as its sidecar tells."""

    path: str
    size: int
    missing: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CaseReport:
    """Everything. ``domain`` is the size of what was to be read; ``image_sha256`` only when it was asked for."""

    title: str
    created: str
    made: str
    source: tuple[tuple[str, str], ...]
    image: str
    image_size: int | None
    image_sha256: str | None
    domain: int | None
    amounts: tuple[Amount, ...] = ()
    map: Mapfile | None = None
    map_problem: str = ""
    steps: tuple[Step, ...] = ()
    steps_left_out: int = 0
    volumes: tuple[Volume, ...] = ()
    volumes_problem: str = ""
    recorder: str = ""
    recordings: tuple[Recording, ...] = ()
    saved: tuple[Saved, ...] = ()
    saved_left_out: int = 0
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def finished(self) -> int:
        """Bytes that were read."""
        return sum(one.bytes for one in self.amounts if one.letter == "+")

    @property
    def missing(self) -> int:
        """Bytes that were not."""
        return sum(one.bytes for one in self.amounts if one.letter != "+")
