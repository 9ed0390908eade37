"""Domain mapfiles: the wanted bytes finished (``+``), the rest non-tried (``?``), as ddrescue's ``-m`` takes them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import DamagedError, UsageError
from engine.ranges import RangeSet

if TYPE_CHECKING:
    from engine.mapfile import Mapfile

Pathish = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Domain:
    """What is wanted of a source of ``size`` bytes."""

    wanted: RangeSet
    size: int


def aligned(wanted: RangeSet, unit: int, size: int) -> RangeSet:
    """``wanted`` grown outward to whole units of ``unit`` bytes, cut at ``size``: a drive reads whole sectors."""
    if unit < 1:
        raise UsageError(f"{unit} is no sector size", code="bad-size")
    starts = wanted.starts - wanted.starts % unit
    ends = -(-wanted.ends // unit) * unit
    return RangeSet.from_arrays(starts, ends).clip(0, size)


def domain_map(wanted: RangeSet, size: int) -> Mapfile:
    """The mapfile of a domain: covers ``[0, size)``, finished where wanted. Wanted bytes behind the end are dropped."""
    import numpy as np

    from engine.mapfile.model import Mapfile
    from engine.mapfile.status import code_of

    if size <= 0:
        raise UsageError("a domain needs the size of the source", code="bad-size")
    inside = wanted.clip(0, size)
    edges = np.empty(2 * len(inside) + 2, np.int64)
    edges[0], edges[-1] = 0, size
    edges[1:-1:2], edges[2:-1:2] = inside.starts, inside.ends
    codes = np.full(edges.size - 1, code_of("?"), np.uint8)
    codes[1::2] = code_of("+")
    solid = np.diff(edges) > 0
    return Mapfile(np.concatenate((edges[:-1][solid], edges[-1:])), codes[solid], phase="+").merged()


def write_domain(path: Pathish, wanted: RangeSet, size: int, *, unit: int = 512, force: bool = False) -> Domain:
    """Save what is wanted of a source of ``size`` bytes as a domain mapfile, atomically.

    Grown outward to whole sectors of ``unit`` bytes (1: as given). An existing file is refused unless ``force``; it
    then stays as ``NAME.1``. Returns what was saved. Raises ``UsageError`` when nothing is wanted (ddrescue would have
    nothing to read), ``OutsideError``, ``RefusedError`` (a rescue uses that map).
    """
    from engine.mapfile.store import save_as

    grown = aligned(wanted.clip(0, size), unit, size)
    if not grown:
        raise UsageError(
            "nothing is wanted: the domain would be empty", code="empty-domain", path=path,
            advice="choose something that lies on the disk",
        )  # fmt: skip
    save_as(path, domain_map(grown, size), force=force)
    return Domain(grown, size)


def read_domain(path: Pathish) -> Domain:
    """What a domain mapfile wants, and the size it was made for. Raises ``OutsideError``, ``DamagedError``."""
    from engine.mapfile import read_map

    found = read_map(path)
    wanted = found.ranges("+")
    if not wanted:
        raise DamagedError(
            "that map marks nothing as wanted", code="empty-domain", path=path,
            advice="a domain map has its wanted blocks marked finished (+)",
        )  # fmt: skip
    return Domain(wanted, found.end)
