"""Older states of a map: one list for what saves, rescues and repairs kept; comparing any two; reading one."""

from __future__ import annotations

from dataclasses import dataclass

from engine.atomic import write_atomic
from engine.cases import Case, Generation, generations_folder, keep_map, list_maps, load_map
from engine.errors import DamagedError, OutsideError, RefusedError
from engine.mapfile.check import check_map
from engine.mapfile.diff import Move, moves
from engine.mapfile.lock import foreign_ddrescue, hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import Pathish, parse_map, read_file, read_map
from engine.ranges import RangeSet

NOW = 0
"""Stands for the present file where a generation's number is asked for."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states of a map. ``moves``: bytes per pair of statuses, the largest first; ``gained``: what became finished;
    ``lost``: what is no longer called finished. ``line_changed``: the status line differs.
    """

    moves: tuple[Move, ...]
    gained: RangeSet
    lost: RangeSet
    line_changed: bool

    @property
    def same(self) -> bool:
        """Whether both say the same of every byte."""
        return not self.moves


def generations_of(map_path: Pathish, case: Case | None = None) -> list[Generation]:
    """Every kept state, oldest first, whoever kept it: saves of the editor, the rescue before and after each pass.

    ``command`` is the ddrescue command (or another) that worked on that state next.
    """
    return list_maps(generations_folder(map_path, case))


def read_generation(map_path: Pathish, number: int, case: Case | None = None) -> Mapfile:
    """A kept state, or the present file for ``NOW``; a damaged one as the repair proposes it.

    Raises ``NotFoundError``, ``OutsideError``, ``DamagedError``.
    """
    if number == NOW:
        return read_map(map_path)
    data = read_file(load_map(generations_folder(map_path, case), number).path)
    try:
        return parse_map(data)
    except DamagedError:
        repaired = check_map(data).repaired
        if repaired is None:
            raise
        return repaired


def newest_readable(map_path: Pathish, case: Case | None = None) -> Generation | None:
    """The newest kept state that is a whole map, or None."""
    for one in reversed(generations_of(map_path, case)):
        try:
            if len(read_map(one.path)):
                return one
        except (DamagedError, OutsideError):
            continue
    return None


def put_back(map_path: Pathish, number: int, case: Case | None = None) -> Generation | None:
    """Make a kept state the present file again when that is gone or no map any more; what is there is kept first.

    Returns the generation that holds it (None: there was no file). A map that can be read is gone back to by an edit
    (``Restore``) instead. Raises ``RefusedError`` (``map-held``), ``NotFoundError``, ``OutsideError``.
    """
    folder = generations_folder(map_path, case)
    data = read_file(load_map(folder, number).path)
    with hold_map(map_path, "rescuedeck map editor"):
        holder = foreign_ddrescue(map_path)
        if holder is not None:
            raise RefusedError(f"ddrescue (process {holder.pid}) writes that map", code="map-held", path=map_path)
        kept = keep_map(map_path, folder, f"no map any more; before going back to generation {number}", insist=True)
        write_atomic(map_path, data)
    return kept


def compare(before: Mapfile, after: Mapfile) -> Comparison:
    """What was gained and lost from one state to another."""
    changes = moves(before, after)
    gained = lost = RangeSet()
    for move in changes:
        if move.new == "+":
            gained = gained.union(move.ranges)
        if move.old == "+":
            lost = lost.union(move.ranges)
    lines = [(map_.position, map_.phase, map_.current_pass) for map_ in (before, after)]
    return Comparison(changes, gained, lost, lines[0] != lines[1])
