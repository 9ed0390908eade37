"""The case directory and its ``case.json``.

    case.json       what the source is (identity record), where image and map are, title, when it began
    history.jsonl   every action with its time, append-only
    image.img       the image (or elsewhere: case.json says where)
    rescue.map      the rescue map that ddrescue works on
    maps/           numbered generations of the map, each with a note
    jobs/           one directory for each piece of long work
    undo/           what repairs wrote over
    exports/        files, recordings, documents that were got out

Relative paths in ``case.json`` are relative to the case, so that a case can be moved to another disk.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.atomic import give_to_owner, write_json
from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError, UsageError, outside

CASE_FILE = "case.json"
FORMAT = 1
_MAX_CASE_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its ``case.json`` tells it. ``source`` is None while nobody has chosen one.

    ``source_path`` is where the source was seen last (device names change); ``identity`` is the devices room's record
    as plain JSON values (serial, wwn, model, size_bytes, ...), empty for an image file.
    """

    directory: Path
    title: str
    created: str
    image: Path
    map: Path
    source_path: str | None = None
    source_size: int | None = None
    sector_size: int = 512
    identity: Mapping[str, Any] = field(default_factory=dict)
    generations: Path | None = None
    """Where generations of the map are kept when that is not the case's own folder (a map of no case)."""

    @property
    def maps_dir(self) -> Path:
        """Generations of the map."""
        return self.generations or self.directory / "maps"

    @property
    def jobs_dir(self) -> Path:
        """One directory for each job."""
        return self.directory / "jobs"

    @property
    def undo_dir(self) -> Path:
        """Undo files of repairs."""
        return self.directory / "undo"

    @property
    def exports_dir(self) -> Path:
        """What was got out."""
        return self.directory / "exports"

    @property
    def history_path(self) -> Path:
        """The journal of actions."""
        return self.directory / "history.jsonl"

    def with_source(
        self, path: str, *, size: int | None, sector_size: int, identity: Mapping[str, Any] | None = None
    ) -> Case:
        """The case with its source chosen; save it with ``save_case``."""
        return replace(
            self, source_path=path, source_size=size, sector_size=sector_size, identity=dict(identity or {})
        )


def is_case(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is a case directory (its ``case.json`` is there; it may still be damaged)."""
    return os.path.isfile(Path(path, CASE_FILE))


def create_case(
    directory: str | os.PathLike[str],
    *,
    title: str = "",
    image: str | os.PathLike[str] | None = None,
    map: str | os.PathLike[str] | None = None,
    source_path: str | None = None,
    source_size: int | None = None,
    sector_size: int = 512,
    identity: Mapping[str, Any] | None = None,
) -> Case:
    """Make a case directory (mode 0700) and return the case.

    ``image`` and ``map`` default to files inside the case; existing ones elsewhere are referred to, never moved.
    Raises ``RefusedError`` when the directory is a case already or holds other files.
    """
    where = Path(directory).absolute()
    if is_case(where):
        raise RefusedError("there is a case already", code="exists", path=where, advice="open it, or choose another")
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(where.iterdir()):
            raise RefusedError(
                "the folder holds other files", code="exists", path=where, advice="choose a new folder for the case"
            )
        adopt(where)
        for name in ("maps", "jobs", "undo", "exports"):
            (where / name).mkdir(mode=0o700)
            adopt(where / name)
    except OSError as error:
        raise outside(error, "cannot create the case", where) from error
    case = Case(
        directory=where,
        title=title or where.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        image=Path(image).absolute() if image else where / "image.img",
        map=Path(map).absolute() if map else where / "rescue.map",
        source_path=source_path,
        source_size=source_size,
        sector_size=sector_size,
        identity=dict(identity or {}),
    )
    save_case(case)
    return case


def adopt(directory: Path) -> None:
    """A new folder (0700, whatever it was before) belongs to the owner of the one that it is in, or under sudo to the
    person who called. Raises ``OSError``; a link in its place is refused."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_IMODE(os.fstat(fd).st_mode) & 0o077:
            try:
                os.fchmod(fd, 0o700)
            except PermissionError:
                pass  # somebody else's folder, or a file system without permissions: it was chosen to be used
        give_to_owner(fd)
    finally:
        os.close(fd)


def save_case(case: Case) -> None:
    """Write ``case.json`` atomically; the last three versions stay beside it."""

    def inside(path: Path) -> str:
        return str(path.relative_to(case.directory)) if path.is_relative_to(case.directory) else str(path)

    write_json(
        case.directory / CASE_FILE,
        {
            "format": FORMAT,
            "title": case.title,
            "created": case.created,
            "image": inside(case.image),
            "map": inside(case.map),
            "source": {
                "path": case.source_path,
                "size": case.source_size,
                "sector_size": case.sector_size,
                "identity": dict(case.identity),
            },
        },
        keep=3,
    )
    _point_back(case)


def pointer_beside(map_path: str | os.PathLike[str]) -> Path:
    """The file beside a map that lies outside of its case: it names the case."""
    real = Path(os.path.realpath(map_path))
    return real.with_name(f".{real.name}.case")


def _point_back(case: Case) -> None:
    """So that the map's path alone leads to the case. Where the map lies on a medium that cannot be written to, the way
    from the case to the map is the only one."""
    real = Path(os.path.realpath(case.map))
    if real.parent == Path(os.path.realpath(case.directory)) or not real.parent.is_dir():
        return
    try:
        write_json(pointer_beside(real), {"case": str(case.directory)})
    except OutsideError:
        return


def load_case(directory: str | os.PathLike[str]) -> Case:
    """Read a case. Raises ``NotFoundError``, ``DamagedError`` (which names the version before), ``OutsideError``."""
    where = Path(directory).absolute()
    file = where / CASE_FILE
    try:
        mode = os.stat(file).st_mode
        if not stat.S_ISREG(mode):
            raise DamagedError("case.json is not a file", code="case-damaged", path=file)
        with open(file, "rb") as stream:
            data = stream.read(_MAX_CASE_FILE + 1)
    except FileNotFoundError as error:
        raise NotFoundError(
            "that is no case directory (it has no case.json)", code="no-case", path=where
        ) from error
    except OSError as error:
        raise outside(error, "cannot read the case", file) from error
    try:
        if len(data) > _MAX_CASE_FILE:
            raise ValueError("it is too large")
        return _parse(where, json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        older = "; the version before is case.json.1" if os.path.exists(where / "case.json.1") else ""
        raise DamagedError(
            f"case.json cannot be understood ({type(error).__name__}: {error})",
            code="case-damaged",
            path=file,
            advice=f"image and map are untouched: open them by name{older}",
        ) from error


def _parse(where: Path, value: Any) -> Case:
    if value["format"] > FORMAT:
        raise UsageError(
            "the case was made by a newer rescuedeck", code="newer-format", path=where, advice="use that version"
        )
    source = value["source"]

    def text(item: Any) -> str:
        if not isinstance(item, str) or "\0" in item:
            raise ValueError("a text was expected")
        return item

    size = source["size"]
    if size is not None and (not isinstance(size, int) or not 0 <= size < 1 << 63):
        raise ValueError("the source's size is impossible")
    sector = source["sector_size"]
    if not isinstance(sector, int) or not 1 <= sector <= 1 << 20:
        raise ValueError("the sector size is impossible")
    return Case(
        directory=where,
        title=text(value["title"]),
        created=text(value["created"]),
        image=where / text(value["image"]),
        map=where / text(value["map"]),
        source_path=None if source["path"] is None else text(source["path"]),
        source_size=size,
        sector_size=sector,
        identity=dict(source["identity"]),
    )
