"""What a management file (IFO) says. Sectors of 2048 bytes count from the start of the VRO; PTM in ticks of 90 kHz."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from engine.errors import Problem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SECTOR = 2048
PTM_HZ = 90_000


@dataclass(frozen=True, slots=True)
class Format:
    """A stream format: ``field_s`` is the length of a field in seconds, ``aspect`` ``4:3``, ``16:9`` or empty."""

    field_s: float
    aspect: str


@dataclass(frozen=True, slots=True, eq=False)
class Vob:
    """One uninterrupted recording. ``sizes`` (sectors) and ``seconds`` (play time) of its VOBUs, in order."""

    number: int
    first_sector: int
    sizes: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    recorded_at: datetime | None
    start_ptm: int
    end_ptm: int
    erased: bool
    aspect: str

    @property
    def sectors(self) -> int:
        """Sectors of content."""
        return int(self.sizes.sum())


@dataclass(frozen=True, slots=True)
class Cell:
    """A time range of a VOB; ``points`` are chapter marks as (PTM, label)."""

    vob: int
    start_ptm: int
    end_ptm: int
    points: tuple[tuple[int, str], ...]
    still: bool = False


@dataclass(frozen=True, slots=True)
class Programme:
    """A title of the original table, or a play list. ``name`` decoded and safe; ``raw`` both name fields."""

    number: int
    name: str
    raw: bytes
    cells: tuple[Cell | None, ...]
    protected: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Management:
    """All of an IFO. ``panasonic``: little-endian, of a hard disk. ``vobs`` by number - 1; None: its record is lost."""

    panasonic: bool
    label: str
    may_be_scrambled: bool
    vobs: tuple[Vob | None, ...]
    programmes: tuple[Programme, ...]
    play_lists: tuple[Programme, ...]
    problems: tuple[Problem, ...]
    lost: int
    """How many of its records could not be read."""
