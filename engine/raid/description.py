"""The description of an array, or of an image with strange sectors, as a small file: which members, in which order,
laid out how. ``x.array``.

    {"format": "rescuedeck-array", "version": 1, "layout": "left-symmetric", "strip_size": 65536, "delay": 1,
     "first_delay": 1, "rows": null, "drives": [{"member": 1, "data_offset": 1048576}, {"member": null, ...}],
     "members": [{"path": "disk1.img", "size": 1000204886016, "map": "disk1.map", "sector_size": null}], "note": ""}

Members are numbered from 1, in ``drives`` null is a missing drive. Paths are relative to the file's folder.
``x.sectors`` is the same for one image whose sectors are read through:

    {"format": "rescuedeck-sectors", "version": 1, "path": "disk.img", "size": 1000, "map": null, "sector_size": "520"}
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.atomic import write_json
from engine.errors import DamagedError, RescueError, outside
from engine.raid.layout import MAX_DRIVES, Geometry, Layout

SUFFIX, SECTORS_SUFFIX = ".array", ".sectors"
FORMAT, SECTORS_FORMAT = "rescuedeck-array", "rescuedeck-sectors"
VERSION = 1
_MOST = 1 << 20
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class MemberFile:
    """Where a member is: ``path`` absolute, ``size`` in bytes of the data as it was then, ``map`` of what was read,
    ``sector_size`` as ``parse_sector_format`` reads it."""

    path: Path
    size: int
    map: Path | None = None
    sector_size: str | None = None


@dataclass(frozen=True, slots=True)
class ArrayFile:
    """A whole description."""

    geometry: Geometry
    members: tuple[MemberFile, ...]
    note: str = ""


def save_array(path: str | os.PathLike[str], array: ArrayFile, *, force: bool = False) -> None:
    """Write the description; an existing file is refused unless ``force``. Raises ``OutsideError``."""
    target = _target(path, force)
    folder = target.resolve().parent
    geometry = array.geometry
    drives = zip(geometry.order, geometry.offsets, strict=True)
    value = {
        "format": FORMAT, "version": VERSION, "layout": str(geometry.layout), "strip_size": geometry.strip,
        "delay": geometry.delay, "first_delay": geometry.first_delay, "rows": geometry.rows,
        "drives": [{"member": None if m is None else m + 1, "data_offset": o} for m, o in drives],
        "members": [
            {"path": _written(one.path, folder), "size": one.size,
             "map": None if one.map is None else _written(one.map, folder), "sector_size": one.sector_size}
            for one in array.members
        ],
        "note": array.note,
    }  # fmt: skip
    write_json(target, value, mode=0o644)


def save_view(path: str | os.PathLike[str], image: MemberFile, *, force: bool = False) -> None:
    """Write the description of an image with strange sectors. Raises ``OutsideError``."""
    target = _target(path, force)
    folder = target.resolve().parent
    value = {
        "format": SECTORS_FORMAT, "version": VERSION, "path": _written(image.path, folder), "size": image.size,
        "map": None if image.map is None else _written(image.map, folder), "sector_size": image.sector_size,
    }  # fmt: skip
    write_json(target, value, mode=0o644)


def _target(path: str | os.PathLike[str], force: bool) -> Path:
    from engine.errors import OutsideError

    target = Path(path)
    if target.exists() and not force:
        raise OutsideError("that file exists already", code="exists", path=target, advice="name another one")
    return target


def _written(path: Path, folder: Path) -> str:
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(folder)) if absolute.is_relative_to(folder) else str(absolute)


def is_description(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is called like a description and is a file."""
    return os.fspath(path).endswith((SUFFIX, SECTORS_SUFFIX)) and os.path.isfile(path)


def load_array(path: str | os.PathLike[str]) -> ArrayFile:
    """Read the description of an array. Raises ``OutsideError``, ``DamagedError``."""
    return _load(path, FORMAT, _array)


def load_view(path: str | os.PathLike[str]) -> MemberFile:
    """Read the description of an image with strange sectors. Raises ``OutsideError``, ``DamagedError``."""
    return _load(path, SECTORS_FORMAT, _member)


def members_of(path: str | os.PathLike[str]) -> tuple[MemberFile, ...]:
    """The files that a description of either kind names."""
    return (load_view(path),) if os.fspath(path).endswith(SECTORS_SUFFIX) else load_array(path).members


def _load(path: str | os.PathLike[str], wanted: str, make: Callable[[dict[str, Any], Path], Made]) -> Made:
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        raise outside(error, "cannot read the description", path) from error
    try:
        value = json.loads(data[:_MOST])
        if not isinstance(value, dict) or value.get("format") != wanted:
            raise ValueError("it is none")
        if value.get("version") != VERSION:
            raise ValueError("a newer version wrote it")
        return make(value, Path(path).resolve().parent)
    except (ValueError, KeyError, TypeError, RecursionError, RescueError, OverflowError) as error:
        why = f"{error.args[0] if error.args else error}"
        raise DamagedError(f"the description cannot be used: {why}"[:200], code="array-file", path=path,
                           advice="save it again") from error  # fmt: skip


def _array(value: dict[str, Any], folder: Path) -> ArrayFile:
    drives, listed = value["drives"], value["members"]
    if not isinstance(drives, list) or not isinstance(listed, list) or len(listed) > MAX_DRIVES:
        raise ValueError("drives and members are lists")
    order = tuple(None if one["member"] is None else _number(one["member"]) - 1 for one in drives)
    geometry = Geometry(
        Layout(value["layout"]), _number(value["strip_size"]), order,
        tuple(_number(one["data_offset"]) for one in drives), _number(value["delay"]), _number(value["first_delay"]),
        None if value["rows"] is None else _number(value["rows"]),
    )  # fmt: skip
    if any(member is not None and not 0 <= member < len(listed) for member in order):
        raise ValueError("a drive names a member that is not there")
    members = [_member(one, folder) for one in listed]
    return ArrayFile(geometry, tuple(members), str(value.get("note", ""))[:1000])


def _member(value: dict[str, Any], folder: Path) -> MemberFile:
    if not isinstance(value["path"], str) or "\0" in value["path"]:
        raise ValueError("a member has no path")
    map_, sectors = value.get("map"), value.get("sector_size")
    return MemberFile(
        folder / value["path"], _number(value["size"]), None if map_ is None else folder / str(map_),
        None if sectors is None else str(sectors),
    )  # fmt: skip


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no number")
    return value
