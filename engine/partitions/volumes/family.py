"""What a family of volumes offers to the recogniser and to the search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.errors import Problem
from engine.partitions.volumes.model import Confirmation, Volume
from engine.partitions.volumes.view import View

if TYPE_CHECKING:
    from engine.partitions.volumes.sieve import Mask, Rows

Examine = Callable[[View], Volume | None]
"""``examine(view)``: the volume that begins at the view's start, or None."""

Locate = Callable[[View], list[int]] | tuple[int, ...]
"""``locate(view)``: a signature was found in the sector at the view's start. Where the volume would begin that this
structure belongs to, relative to the sector; several when it may be the primary or a backup; none when it is no such
structure. A tuple instead of a function: always these places."""

Sieve = Callable[["Rows"], "Mask"]
"""Of sectors (rows of 512 bytes) that hold the two bytes, the ones worth a closer look."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Two bytes ``magic`` at an even ``place`` (0 to 510) that a sector with a structure of the family has."""

    place: int
    magic: bytes
    sieve: Sieve
    locate: Locate


@dataclass(frozen=True, slots=True)
class Family:
    """Recognisers of a group of kinds that share a superblock."""

    name: str
    examine: Examine
    marks: tuple[Mark, ...] = ()


_MOST = 1 << 63
"""Bytes: no disk can be larger, its size is a signed number of 64 bits."""


def examined(family: Family, view: View) -> Volume | None:
    """What the family finds at the view's start. A size that no volume can have is not passed on: the superblock that
    names it is bad, whatever else speaks for it."""
    volume = family.examine(view)
    if volume is None or volume.size is None or 0 < volume.size < _MOST:
        return volume
    words = f"the superblock says a size of {volume.size} bytes, which no volume has"
    return replace(
        volume, size=None, tail=0, confirmation=Confirmation.CONTRADICTED,
        problems=(*volume.problems, Problem("superblock-bad", words, volume.start)),
    )  # fmt: skip
