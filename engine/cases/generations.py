"""Numbered generations of a map: what it was before each run and each edit, with a note and the command that used it.

In a case they lie in its ``maps`` folder, for a map of no case in ``NAME.generations`` beside it, in the same form:
``0007.map`` (the bytes of the file, exactly) and ``0007.json`` (time, note, command).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.atomic import write_atomic, write_json
from engine.cases.case import Case, adopt, is_case, load_case, pointer_beside
from engine.errors import NotFoundError, RescueError, outside

Pathish = str | os.PathLike[str]

_NAME = re.compile(r"(\d{4,9})\.map\Z")
_MAX_FACTS = 1 << 20
_MAX_NOTE = 4000
_MAX_POINTER = 64 << 10
_LOST = "(its note is lost)"
_THINNED = ((64, 16), (1024, 256))
"""Of what passes keep by themselves, so many newest ones are all kept, then only every so manieth."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One kept map: ``number`` from 1, ``path``, when (ISO 8601, UTC), why, and the command that worked on it next.

    ``automatic``: kept by a pass, not for a person's edit or note; of old ones only some stay.
    """

    number: int
    path: Path
    time: str
    note: str
    command: str | None
    automatic: bool = False


# -- any map ------------------------------------------------------------------------------------------------------


def case_of_map(map_path: Pathish) -> Case | None:
    """The case whose map this is, when the map lies in its directory or a file beside the map names the case; None
    otherwise, or when the case is damaged, gone, or has another map now."""
    path = Path(os.path.abspath(map_path))
    for folder in (path.parent, _pointed_at(path)):
        if folder is None or not is_case(folder):
            continue
        try:
            case = load_case(folder)
        except RescueError:
            continue
        if os.path.realpath(case.map) == os.path.realpath(path):
            return case
    return None


def _pointed_at(path: Path) -> Path | None:
    try:
        fd = os.open(pointer_beside(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as stream:
            named: Any = json.loads(stream.read(_MAX_POINTER)).get("case")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return Path(named) if isinstance(named, str) and os.path.isabs(named) and "\0" not in named else None


def generations_folder(map_path: Pathish, case: Case | None = None) -> Path:
    """Where the generations of a map are kept; the folder need not exist yet."""
    case = case or case_of_map(map_path)
    return case.maps_dir if case is not None else folder_beside(map_path)


def folder_beside(map_path: Pathish) -> Path:
    """The folder for a map of no case."""
    real = Path(os.path.realpath(map_path))
    return real.with_name(f"{real.name}.generations")


def keep_map(
    map_path: Pathish, folder: Pathish, note: str, *, command: str | None = None, insist: bool = False,
    automatic: bool = False,
) -> Generation | None:  # fmt: skip
    """Keep the present file as the next generation in ``folder``.

    None when there is no file yet. A file equal to the newest generation is not kept twice: without a ``command`` the
    answer is None, or with ``insist`` the newest one with the note added; a first command is added to the newest one,
    with the note; a second command for the same state makes a generation of its own, so that none is lost.

    ``automatic`` generations (of passes: a rescue that runs for days makes thousands) are thinned when they are old:
    the newest 64 stay, then every 16th, beyond a thousand every 256th. Their commands stay in the case's history.
    """
    try:
        data = Path(map_path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise outside(error, "cannot read the map", map_path) from error
    where = Path(folder)
    known = _numbers(where)
    if known and known[max(known)].read_bytes() == data:
        newest = _load(max(known), known[max(known)])
        if command is None and not insist:
            return None
        if command is None or newest.command is None:
            command = command or newest.command
            automatic = automatic and newest.automatic
            return _write(where, newest.number, None, newest.time, _joined(newest.note, note), command, automatic)
    number = max(known, default=0) + 1
    try:
        if not where.exists():
            where.mkdir(mode=0o700)
            adopt(where)
    except OSError as error:
        raise outside(error, "cannot make the folder for generations", where) from error
    made = _write(where, number, data, datetime.now(UTC).isoformat(timespec="seconds"), note, command, automatic)
    if automatic:
        _thin(known, number)
    return made


def _thin(known: dict[int, Path], newest: int) -> None:
    """Let go of the automatic ones that have just become old."""
    for age, step in _THINNED:
        for number in range(max(1, newest - age - step), newest - age + 1):
            path = known.get(number)
            if path is None or not number % step or not _load(number, path).automatic:
                continue
            try:
                os.unlink(path)
                os.unlink(path.with_suffix(".json"))
            except OSError:
                continue  # it stays: nothing depends on its going


def _joined(older: str, note: str) -> str:
    return f"{older}; {note}" if len(older) < _MAX_NOTE else older


def _write(
    folder: Path, number: int, data: bytes | None, time: str, note: str, command: str | None, automatic: bool
) -> Generation:
    path = folder / f"{number:04d}.map"
    facts = {"time": time, "note": note, "command": command} | ({"automatic": True} if automatic else {})
    write_json(path.with_suffix(".json"), facts)
    if data is not None:
        write_atomic(path, data)
    return Generation(number, path, time, note, command, automatic)


def list_maps(folder: Pathish) -> list[Generation]:
    """All generations of a folder, oldest first. One whose note is lost is still listed."""
    return [_load(number, path) for number, path in sorted(_numbers(Path(folder)).items())]


def load_map(folder: Pathish, number: int) -> Generation:
    """One generation by its number. Raises ``NotFoundError``."""
    path = _numbers(Path(folder)).get(number)
    if path is None:
        raise NotFoundError(f"there is no generation {number} of the map", path=folder)
    return _load(number, path)


def _numbers(folder: Path) -> dict[int, Path]:
    try:
        names = [(_NAME.match(entry.name), entry) for entry in folder.iterdir()]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise outside(error, "cannot list the generations", folder) from error
    return {int(match.group(1)): entry for match, entry in names if match}


def _load(number: int, path: Path) -> Generation:
    try:
        with open(path.with_suffix(".json"), "rb") as stream:
            facts: Any = json.loads(stream.read(_MAX_FACTS))
        command = facts.get("command")
        return Generation(
            number, path, str(facts["time"]), str(facts["note"]), None if command is None else str(command),
            facts.get("automatic") is True,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError, OverflowError):
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        return Generation(number, path, when, _LOST, None)


# -- a case's map -------------------------------------------------------------------------------------------------


def keep_generation(case: Case, note: str, *, command: str | None = None) -> Generation | None:
    """``keep_map`` of the case's map."""
    return keep_map(case.map, case.maps_dir, note, command=command)


def list_generations(case: Case) -> list[Generation]:
    """All generations of the case's map, oldest first."""
    return list_maps(case.maps_dir)


def load_generation(case: Case, number: int) -> Generation:
    """One generation by its number. Raises ``NotFoundError``."""
    return load_map(case.maps_dir, number)
