"""Numbered generations of a case's map: what the map was before each run and after each edit, with a note."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.atomic import write_atomic, write_json
from engine.cases.case import Case
from engine.errors import NotFoundError, outside

_NAME = re.compile(r"(\d{4,9})\.map\Z")


@dataclass(frozen=True, slots=True)
class Generation:
    """One kept map: ``number`` from 1, ``path``, when (ISO 8601, UTC), why, and the command that worked on it next."""

    number: int
    path: Path
    time: str
    note: str
    command: str | None


def _numbers(case: Case) -> dict[int, Path]:
    try:
        names = [(_NAME.match(entry.name), entry) for entry in case.maps_dir.iterdir()]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise outside(error, "cannot list the generations", case.maps_dir) from error
    return {int(match.group(1)): entry for match, entry in names if match}


def keep_generation(case: Case, note: str, *, command: str | None = None) -> Generation | None:
    """Keep the present map as the next generation; None when there is no map yet or it equals the newest one."""
    try:
        data = case.map.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise outside(error, "cannot read the map", case.map) from error
    known = _numbers(case)
    if known and known[max(known)].read_bytes() == data:
        return None
    number = max(known, default=0) + 1
    path = case.maps_dir / f"{number:04d}.map"
    case.maps_dir.mkdir(mode=0o700, exist_ok=True)
    facts = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "note": note, "command": command}
    write_json(path.with_suffix(".json"), facts)
    write_atomic(path, data)
    return Generation(number, path, str(facts["time"]), note, command)


def list_generations(case: Case) -> list[Generation]:
    """All generations, oldest first. One whose note is lost is still listed."""
    return [_load(number, path) for number, path in sorted(_numbers(case).items())]


def _load(number: int, path: Path) -> Generation:
    try:
        facts: Any = json.loads(path.with_suffix(".json").read_bytes())
        command = facts.get("command")
        return Generation(
            number, path, str(facts["time"]), str(facts["note"]), None if command is None else str(command)
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        return Generation(number, path, when, "(its note is lost)", None)


def load_generation(case: Case, number: int) -> Generation:
    """One generation by its number. Raises ``NotFoundError``."""
    path = _numbers(case).get(number)
    if path is None:
        raise NotFoundError(f"there is no generation {number} of the map", path=case.maps_dir)
    return _load(number, path)
