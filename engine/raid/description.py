"""The description of an array as a small file: which members, in which order, laid out how. ``x.array``.

    {"format": "rescuedeck-array", "version": 1, "layout": "left-symmetric", "strip_size": 65536, "delay": 1,
     "first_delay": 1, "rows": null, "drives": [{"member": 1, "data_offset": 1048576}, {"member": null, ...}],
     "members": [{"path": "disk1.img", "size": 1000204886016, "map": "disk1.map", "sector_size": null}], "note": ""}

Members are numbered from 1, in ``drives`` null is a missing drive. Paths are relative to the file's folder.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import write_json
from engine.errors import DamagedError, RescueError, outside
from engine.raid.layout import MAX_DRIVES, Geometry, Layout

SUFFIX = ".array"
FORMAT = "rescuedeck-array"
VERSION = 1
_MOST = 1 << 20


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
    from engine.errors import OutsideError

    target = Path(path)
    if target.exists() and not force:
        raise OutsideError("that file exists already", code="exists", path=target, advice="name another one")
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


def _written(path: Path, folder: Path) -> str:
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(folder)) if absolute.is_relative_to(folder) else str(absolute)


def is_description(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is called like a description and is a file."""
    return os.fspath(path).endswith(SUFFIX) and os.path.isfile(path)


def load_array(path: str | os.PathLike[str]) -> ArrayFile:
    """Read a description. Raises ``OutsideError``, ``DamagedError``."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        raise outside(error, "cannot read the description of the array", path) from error
    try:
        value = json.loads(data[:_MOST])
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise ValueError("it is not a description of an array")
        if value.get("version") != VERSION:
            raise ValueError("a newer version wrote it")
        return _array(value, Path(path).resolve().parent)
    except (ValueError, KeyError, TypeError, RecursionError, RescueError) as error:
        why = f"{error.args[0] if error.args else error}"
        raise DamagedError(f"the description of the array cannot be used: {why}"[:200], code="array-file", path=path,
                           advice="save it again from raid detect or the deck") from error  # fmt: skip


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
    members = []
    for one in listed:
        if not isinstance(one["path"], str) or "\0" in one["path"]:
            raise ValueError("a member has no path")
        map_, sectors = one.get("map"), one.get("sector_size")
        members.append(MemberFile(
            folder / one["path"], _number(one["size"]), None if map_ is None else folder / str(map_),
            None if sectors is None else str(sectors),
        ))  # fmt: skip
    return ArrayFile(geometry, tuple(members), str(value.get("note", ""))[:1000])


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r} is no number")
    return value
