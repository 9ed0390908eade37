"""A source as an image file: an assembled array, or strange sectors as plain ones; what is not content is mapped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import OutsideError, RefusedError
from engine.progress import Reporter
from engine.ranges import RangeSet

if TYPE_CHECKING:
    from engine.source import Source

_STEP = 4 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. ``map``: a mapfile of what is content, when not all of it is (``missing`` bytes are not)."""

    path: Path
    size: int
    sha256: str
    missing: int
    map: Path | None

    def to_json(self) -> dict[str, Any]:
        """For documents and results of jobs."""
        return {
            "written": str(self.path), "size": self.size, "sha256": self.sha256, "missing_bytes": self.missing,
            "map": None if self.map is None else str(self.map),
        }  # fmt: skip


def refuse_target(target: Path, sources: list[str], *, force: bool) -> None:
    """An image is written beside what it is made of, never over it. Raises ``OutsideError``, ``RefusedError``."""
    real = os.path.realpath(target)
    if any(os.path.realpath(one) == real for one in sources):
        raise RefusedError("that is one of the sources: it is never written to", code="target-is-source", path=target)
    if os.path.lexists(target) and (not force or not target.is_file() or target.is_symlink()):
        raise OutsideError("the output file exists already", code="exists", path=target,
                           advice="name another one, or use --force")  # fmt: skip


def export_image(
    source: Source, target: Path, reporter: Reporter, *, facts: Mapping[str, Any], journal: Path | None = None,
    force: bool = False,
) -> Exported:  # fmt: skip
    """Write all of ``source`` as ``target``; it is called ``target`` + ``.part`` until it is complete.

    Where members are sparse, so is the image. What nobody has read is left out, the name tells it (``.holed``), and
    a mapfile beside it says where. With ``journal`` a stopped export goes on. Raises ``RescueError``.
    """
    from engine.extract import Item, Options, extract

    content = with_gaps(source)
    report = extract(
        [Item(target.name, content, None, facts)], target.parent,
        Options(journal=journal, purpose=f"image of {source.path}", existing="replace" if force else "refuse"),
        reporter,
    )  # fmt: skip
    if report.failed:
        raise OutsideError(f"the image could not be written: {report.failed[0].problem.message}", path=target)
    one = report.written[0]
    map_ = None
    if one.missing:
        map_ = one.path.with_name(one.path.name + ".map")
        write_map_of(map_, one.missing, one.size)
    return Exported(one.path, one.size, one.sha256, one.missing.total, map_)


def write_map_of(path: Path, missing: RangeSet, size: int) -> None:
    """A mapfile in which all but ``missing`` is finished. An older one is kept as a generation."""
    from engine.mapfile.store import save_as
    from engine.priorities.domain import domain_map

    save_as(path, domain_map(missing.complement(0, size), size), force=True)


def with_gaps(source: Source) -> Source:
    """``source`` with its sparse stretches as gaps, so that they are not written as zeros. Holes stay holes."""
    from engine.source import Extent, ExtentSource

    holes = source.holes
    extents: list[Extent] = []
    at = kept = 0
    while at < source.size:
        following = min(source.size, source.next_data(at))
        if following - at >= _STEP and not holes.overlaps(at, following):
            if at > kept:
                extents.append(Extent(kept, at - kept))
            extents.append(Extent(None, following - at))
            kept = at = following
        else:
            at = min(source.size, max(following, at) + _STEP)
    if not extents:
        return source
    if kept < source.size:
        extents.append(Extent(kept, source.size - kept))
    return ExtentSource(source, extents)
