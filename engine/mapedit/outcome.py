"""What a document gives back and is made of: history lines, saves, merges; a map file's states and their digests."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from engine.cases import Generation
from engine.errors import DamagedError, RefusedError
from engine.mapedit.edits import Restore
from engine.mapedit.history import Step
from engine.mapedit.performing import Performed, perform
from engine.mapfile.check import Check, check_map
from engine.mapfile.diff import Move
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map
from engine.text import format_exact


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history for people. ``done`` False: undone, and ready to be redone. ``saved``: the file is as this
    step left it. ``time``: seconds since 1970."""

    number: int
    title: str
    words: tuple[str, ...]
    done: bool
    saved: bool
    time: float


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save did. ``generation`` keeps the state before it (None when one did already)."""

    generation: Generation | None
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge with a map that changed on disk did. ``failed``: steps that make no sense any more, with the reason.
    ``kept``: bytes that were rescued meanwhile and stay finished although a step would have unset them.
    """

    steps: int
    failed: tuple[str, ...]
    kept: int


def again(step: Step, map_: Mapfile) -> list[Performed]:
    """A step's edits carried out on another map."""
    done = []
    for edit in step.edits:
        done.append(perform(edit, map_))
        map_ = done[-1].after
    return done


def state_edit(map_: Mapfile, source: str, low: int, high: int) -> Restore:
    """The edit that leads to this state, to the letter, from one that differs inside ``[low, high)`` only."""
    piece = map_.runs_around(low, high)
    return Restore(
        source[:200], (piece,) if len(piece) else (), (map_.position, map_.phase, map_.current_pass),
        (map_.start, map_.end),
    )  # fmt: skip


def load(data: bytes, path: Path) -> tuple[Mapfile, Check | None]:
    """A map and, when it is damaged, what is wrong; the map is then the proposed repair."""
    try:
        return parse_map(data, path=path), None
    except DamagedError:
        damage = check_map(data)
        if damage.repaired is None:
            raise
        return damage.repaired, damage


def loses(amount: int, path: Path) -> RefusedError:
    """The refusal of a change that loses finished bytes."""
    return RefusedError(
        f"{format_exact(amount)} that are finished would no longer be called finished", code="loses-finished",
        path=path, advice="say explicitly that this is meant",
    )  # fmt: skip


def digest_of(data: bytes) -> str:
    """What a journal knows a state of the file by."""
    return hashlib.sha256(data).hexdigest()


def stamp_of(path: Path) -> tuple[int, ...]:
    """What a look at the file's entry tells; empty when it is gone."""
    try:
        facts = os.stat(path)
    except OSError:
        return ()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
