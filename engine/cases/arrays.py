"""Arrays of members: a description opened as one source, members opened for a detection, an assembly saved."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import DamagedError, RefusedError, UsageError, outside
from engine.source import Source

if TYPE_CHECKING:
    from engine.raid.layout import Geometry
    from engine.raid.model import Candidate

_MOST_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A member as a person names it: an image, a device, a case; ``map`` and ``sector_size`` as in ``open_source``."""

    path: Path
    map: Path | None = None
    sector_size: str | None = None


def is_array(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is the description of an array, or of an image with strange sectors."""
    from engine.raid.description import is_description

    return is_description(path)


def image_size(path: str | os.PathLike[str]) -> int:
    """Bytes of an image; of the description of an array those of the array, for screens: an array over devices is
    refused. Raises ``OSError``, ``RescueError``."""
    if not is_array(path):
        return os.stat(path).st_size
    from engine.raid.description import members_of

    refuse_devices([Member(one.path) for one in members_of(path)])
    with open_array(path) as source:
        return source.size


def written_sectors(text: str) -> str | None:
    """A sector format as a person writes it, in its usual form; None for plain sectors. Raises ``UsageError``."""
    from engine.source import parse_sector_format

    format = parse_sector_format(text.strip() or "512")
    return None if format.plain else str(format)


def open_array(path: str | os.PathLike[str], depth: int = 0) -> Source:
    """What a description names: an array assembled over its members, or an image whose sectors are read through.

    Raises ``RescueError``.
    """
    from engine.raid.array import ArraySource
    from engine.raid.description import SECTORS_SUFFIX, load_array, load_view

    if depth > _MOST_DEPTH:
        raise DamagedError("arrays of arrays that lead in a circle", code="array-file", path=path)
    if os.fspath(path).endswith(SECTORS_SUFFIX):
        view = load_view(path)
        return _open_member(Member(view.path, view.map, view.sector_size), depth)
    array = load_array(path)
    used = {number for number in array.geometry.order if number is not None}
    opened: list[Source | None] = []
    try:
        for number, one in enumerate(array.members):
            if number not in used:
                opened.append(None)
                continue
            source = _open_member(Member(one.path, one.map, one.sector_size), depth)
            opened.append(source)
            if source.size < one.size:
                raise DamagedError(
                    f"member {number + 1} has {source.size} bytes, it had {one.size}", code="array-member",
                    path=one.path, advice="it was cut, or another file took its name: find the right one",
                )  # fmt: skip
        return ArraySource(opened, array.geometry, os.fspath(path))
    except BaseException:
        for one_open in opened:
            if one_open is not None:
                one_open.close()
        raise


def _open_member(member: Member, depth: int = 0) -> Source:
    from engine.cases.case import is_case, load_case
    from engine.cases.opening import lay_map, open_source
    from engine.source import SectorSource, parse_sector_format

    if is_case(member.path):  # a case may lie over an array, and that over the case: count it as a step
        case = load_case(member.path)
        under = case.map if member.map is None and case.map.exists() else member.map
        return _open_member(Member(case.image, under, member.sector_size), depth + 1)
    if not is_array(member.path):
        return open_source(member.path, map=member.map, sector_size=member.sector_size)
    source: Source = open_array(member.path, depth + 1)
    try:
        if member.map is not None:
            source = lay_map(source, member.map)
        if member.sector_size is not None:
            source = SectorSource(source, parse_sector_format(member.sector_size))
    except BaseException:
        source.close()
        raise
    return source


@contextmanager
def opened_members(members: Sequence[Member]) -> Iterator[list[Source]]:
    """All members, open. The same file twice is refused. Raises ``RescueError``."""
    seen: dict[str, int] = {}
    for number, member in enumerate(members):
        real = os.path.realpath(member.path)
        if real in seen:
            raise UsageError(f"members {seen[real] + 1} and {number + 1} are the same file", code="raid-members",
                             path=member.path)  # fmt: skip
        seen[real] = number
    opened: list[Source] = []
    try:
        for member in members:
            opened.append(_open_member(member))
        yield opened
    finally:
        for source in opened:
            source.close()


def refuse_devices(members: Sequence[Member]) -> None:
    """Screens read images only: raises ``RefusedError`` when a member is a device."""
    from engine.cases.case import is_case, load_case

    for member in members:
        path = load_case(member.path).image if is_case(member.path) else member.path
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise outside(error, "cannot open the member", path) from error
        if stat.S_ISBLK(mode):
            raise RefusedError("a device is read in a job only", code="device", path=path,
                               advice="detect as a job, or image it first")  # fmt: skip


def save_assembly(
    path: str | os.PathLike[str], members: Sequence[Member], geometry: Geometry, note: str = "", *, force: bool = False
) -> None:
    """Write the description of an assembly, once it was seen to hold together (sizes fit). Raises ``RescueError``."""
    from engine.raid.array import ArraySource
    from engine.raid.description import ArrayFile, MemberFile, save_array

    with opened_members(members) as sources:
        ArraySource(sources, geometry, os.fspath(path))
        files = tuple(
            MemberFile(Path(os.path.abspath(m.path)), s.size, None if m.map is None else Path(os.path.abspath(m.map)),
                       m.sector_size)
            for m, s in zip(members, sources, strict=True)
        )  # fmt: skip
    save_array(path, ArrayFile(geometry, files, note), force=force)


def save_sectors_view(
    path: str | os.PathLike[str], image: Path, map: Path | None, sector_size: str, *, force: bool = False
) -> int:
    """Write a description that opens as the data of an image's sectors; returns their size. Raises ``RescueError``."""
    from engine.raid.description import SECTORS_SUFFIX, MemberFile, save_view

    if not os.fspath(path).endswith(SECTORS_SUFFIX):
        raise UsageError(f"a description of strange sectors is called FILE{SECTORS_SUFFIX}", path=path)
    with _open_member(Member(image, map, sector_size)) as source:
        size = source.size
    absolute = None if map is None else Path(os.path.abspath(map))
    save_view(path, MemberFile(Path(os.path.abspath(image)), size, absolute, sector_size), force=force)
    return size


def judge(members: Sequence[Member], geometry: Geometry) -> Candidate:
    """An assembly that a person chose: what stands in it, and how sure that makes it. Raises ``RescueError``."""
    from engine.raid.overrule import judge_geometry

    with opened_members(members) as sources:
        return judge_geometry(sources, geometry)
