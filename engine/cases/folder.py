"""What a folder holds for a rescuer: cases, disk images, rescue maps. A bounded look, for the deck's start screen."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from engine.cases.case import load_case
from engine.errors import RescueError, outside

MAX_ENTRIES = 2000
MAX_FOUND = 200
MAX_MAP_BYTES = 8 << 20
"""Maps above this size are listed without totals: a look around must not take seconds."""

_IMAGE_SUFFIXES = frozenset(
    {
        ".img", ".dd", ".raw", ".image", ".iso", ".bin", ".disk",
        ".ima", ".array", ".sectors", ".001", ".000",
    }
)  # fmt: skip
_MAP_SUFFIXES = frozenset({".map", ".mapfile", ".log", ".ddmap"})
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Find:
    """One thing to open. ``kind``: ``case``, ``image`` or ``map`` (one without an image beside it).

    ``size`` in bytes (of a case: its source's, None when unknown). ``finished`` of ``domain`` bytes are rescued, None
    when no map tells (``domain`` also when the map does not know where the source ends).
    ``map`` is the map that belongs to an image. ``problem`` is set when it cannot be read.
    """

    kind: str
    path: Path
    title: str
    size: int | None = None
    map: Path | None = None
    finished: int | None = None
    domain: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A look into ``path``. ``more`` is set when it holds more than was looked at."""

    path: Path
    finds: tuple[Find, ...]
    more: bool = False


def look_around(directory: str | os.PathLike[str]) -> Folder:
    """The cases, images and maps directly in ``directory``, cases first. Raises ``OutsideError``.

    At most ``MAX_ENTRIES`` names are looked at and ``MAX_FOUND`` kept; only heads of possible maps, and whole maps of
    at most ``MAX_MAP_BYTES``, are read; devices, pipes and hidden files are left alone.
    """
    where = Path(directory).absolute()
    try:
        with os.scandir(where) as scan:
            entries = list(islice(scan, MAX_ENTRIES + 1))
    except OSError as error:
        raise outside(error, "cannot look into the folder", where) from error
    more = len(entries) > MAX_ENTRIES
    cases: list[Find] = []
    images: dict[str, Find] = {}
    maps: list[Path] = []
    for entry in sorted(entries[:MAX_ENTRIES], key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        try:
            facts = entry.stat()
        except OSError:
            continue
        path = Path(entry.path)
        if stat.S_ISDIR(facts.st_mode):
            if os.path.isfile(path / "case.json"):
                cases.append(_case(path))
        elif stat.S_ISREG(facts.st_mode):
            suffix = path.suffix.lower()
            if suffix in _IMAGE_SUFFIXES and facts.st_size > 0:
                images[entry.name] = Find("image", path, entry.name, size=facts.st_size)
            elif (suffix in _MAP_SUFFIXES or "map" in entry.name.lower()) and is_map(path):
                maps.append(path)
    for map_path in maps:
        owner = _owner(map_path, images)
        if owner is None:
            images[f"{map_path.name}\0"] = _with_totals(Find("map", map_path, map_path.name), map_path)
        else:
            images[owner] = _with_totals(replace(images[owner], map=map_path), map_path)
    found = [*cases, *(images[name] for name in sorted(images))]
    return Folder(where, tuple(found[:MAX_FOUND]), more or len(found) > MAX_FOUND)


def is_map(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a rescue map does: comments, then a status line of position, status and perhaps pass."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    for line in head.splitlines():
        words = line.split()
        if not words or line.lstrip().startswith(b"#"):
            continue
        phases = (b"?", b"*", b"/", b"-", b"F", b"G", b"+")
        return 2 <= len(words) <= 3 and words[0][:1].isdigit() and words[1] in phases
    return False


def map_beside(image: str | os.PathLike[str]) -> Path | None:
    """The map that lies beside an image under its name (``disk.map`` or ``disk.img.map`` for ``disk.img``), if any."""
    path = Path(image)
    for name in (path.stem, path.name):
        for suffix in sorted(_MAP_SUFFIXES):
            candidate = path.with_name(name + suffix)
            if candidate != path and os.path.isfile(candidate) and is_map(candidate):
                return candidate
    return None


def _owner(map_path: Path, images: dict[str, Find]) -> str | None:
    """The image a map belongs to, by name: ``disk.map`` or ``disk.img.map`` for ``disk.img``; or the only one."""
    for name in images:
        if map_path.stem in (name, Path(name).stem):
            return name
    real = [name for name, find in images.items() if find.kind == "image" and find.map is None]
    alone = map_path.stem.lower() in ("rescue", "mapfile", "map", "ddrescue")
    return real[0] if alone and len(real) == 1 else None


def _case(path: Path) -> Find:
    try:
        case = load_case(path)
    except RescueError as error:
        return Find("case", path, path.name, problem=error.message)
    find = Find("case", path, case.title, size=case.source_size)
    return _with_totals(replace(find, map=case.map), case.map) if os.path.isfile(case.map) else find


def _with_totals(find: Find, map_path: Path) -> Find:
    try:
        if map_path.stat().st_size > MAX_MAP_BYTES:
            return find
        from engine.mapfile import read_map

        loaded = read_map(map_path)
        totals = loaded.totals()
    except (RescueError, OSError) as error:
        return replace(find, problem=f"its map cannot be read: {getattr(error, 'message', error)}")
    domain = None if loaded.open_ended else totals.finished + totals.unfinished
    return replace(find, finished=totals.finished, domain=domain)
