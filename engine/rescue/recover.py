"""A map that a crash left cut, empty or missing: what older states say, taken together.

ddrescue writes its map in place, so a kill or a power cut can leave half of one. It syncs the image before it saves
the map: an area that any older state calls finished is in the image.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import DamagedError, RescueError
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.rescue.guard import merge
from engine.text import format_size

_NEWEST = 3


def read_or_recover(
    map_path: str, generations: Path, *, allow: bool, emergency: str = ""
) -> tuple[Mapfile | None, str]:
    """The map and, when it had to be taken together from older states, what was done; (None, "") without any map.

    With ``allow`` a broken map is replaced by the union of what its backup, the last generations and an ``emergency``
    save say was rescued; nothing is written here. Without, ``DamagedError`` tells what there is.
    """
    problem = ""
    saved = _readable([Path(emergency)]) if emergency else []
    try:
        known = read_map(map_path)
        if len(known) and saved:
            return merge([saved[0][1], known]), f"the map saved in {emergency} was put back"
        if len(known):
            return known, ""
        problem = "the map is empty"
    except DamagedError as error:
        problem = f"the map is damaged: {error.message}"
    except RescueError:
        if os.path.lexists(map_path):
            raise
        problem = "the map is gone"
    older = saved + older_states(map_path, generations)
    if not older:
        if os.path.lexists(map_path) and os.path.getsize(map_path):
            raise DamagedError(problem, code="map-malformed", path=map_path, advice="see 'map check'")
        return None, ""  # nothing there, or an empty file as ddrescue leaves when its disk was full at the start
    best = max(older, key=lambda entry: entry[1].totals().finished)
    words = f"{best[0].name} says {format_size(best[1].totals().finished)} were rescued"
    if not allow:
        advice = f"{words}: --recover-map goes on from it"
        raise DamagedError(problem, code="map-malformed", path=map_path, advice=advice)
    return merge([known for _, known in older]), f"{problem}; put together from {len(older)} older states: {words}"


def older_states(map_path: str, generations: Path) -> list[tuple[Path, Mapfile]]:
    """Readable older states of a map, the newest first: ddrescue's own backup, then the last generations."""
    names = [Path(map_path + ".bak")]
    if generations.is_dir():
        names += sorted(generations.glob("*.map"), reverse=True)[:_NEWEST]
    return _readable(names)


def _readable(names: list[Path]) -> list[tuple[Path, Mapfile]]:
    found = []
    for name in names:
        try:
            known = read_map(name)
        except RescueError:
            continue
        if len(known):
            found.append((name, known))
    return found
