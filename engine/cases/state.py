"""How far a case, or an image under a map, has come: what ``next_steps`` decides by.

Image files are read, a device never.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases.case import Case, is_case, load_case
from engine.cases.history import Action, newest_first
from engine.cases.next_steps import State, VolumeState
from engine.errors import RescueError

if TYPE_CHECKING:
    from engine.cases.volumes import VolumeAt
    from engine.jobs import Job

_READ = frozenset({"rescue-pass", "rescue-ended", "campaign-pass"})
_SAVED = frozenset({"files-extracted", "recordings-extracted", "files-carved"})
_REPORTED = "report-written"


def state_of(path: Path, map: Path | None = None, jobs: Sequence[Job] | None = None) -> State:
    """Of a case directory, or of an image with the map that lies over it. ``jobs``: those of the case, newest known
    state; None: looked for. What cannot be read counts as not known. Raises ``RescueError`` when it is neither.
    """
    if not is_case(path):
        untried, failed, finished, problem = _totals(map)
        volumes, recorder = _volumes(path, map) if _is_file(path) else ((), False)
        return State(False, True, untried, failed, finished, problem, volumes=volumes, recorder=recorder)
    case = load_case(path)
    if jobs is None:
        from engine.jobs import list_jobs

        jobs = list_jobs(case.jobs_dir).jobs
    rescues = sorted((job for job in jobs if job.kind == "rescue"), key=lambda job: (job.created, job.id))
    last = rescues[-1] if rescues else None
    untried, failed, finished, problem = _totals(case.map)
    image = _is_file(case.image)
    volumes, recorder = _volumes(path, None) if image and not problem else ((), False)
    saved, saved_before, reported, written = _done(case)
    volumes = tuple(replace(one, saved=one.start in written) for one in volumes)
    return State(
        source=case.source_path is not None, image=image, untried=untried, failed=failed, finished=finished,
        map_problem=problem, running=any(job.live for job in rescues),
        resting=last is not None and not last.live and last.resumable and last.result is None,
        narrowed=last is not None and bool((last.arguments.get("options") or {}).get("domain_mapfile")),
        volumes=volumes, recorder=recorder, saved=saved, saved_before=saved_before, reported=reported,
    )  # fmt: skip


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _totals(path: Path | None) -> tuple[int | None, int | None, int, bool]:
    """Untried, failed, finished bytes of a map; and whether it is there but cannot be read."""
    if path is None or not os.path.lexists(path):
        return None, None, 0, False
    from engine.mapfile import read_map

    try:
        finished, untried, *failed = read_map(path).totals().bytes
    except RescueError:
        return None, None, 0, True
    return untried, sum(failed), finished, False


def _done(case: Case) -> tuple[bool, bool, bool, frozenset[object]]:
    """Whether something was written out since the last reading, before it, and whether a report came after both; and
    the volumes that were written since, by their start."""
    written: set[object] = set()
    saved = reported = False
    for action in newest_first(case, _READ | _SAVED | {_REPORTED}):
        if action.action in _READ:
            break
        if action.action == _REPORTED:
            reported = reported or not saved
        elif _is_saved(action):
            saved = True
            written.add(action.facts.get("volume"))
    before = not saved and any(_is_saved(action) for action in newest_first(case, _SAVED))
    return saved, before, reported, frozenset(written)


def _is_saved(action: Action) -> bool:
    return action.action in _SAVED and action.facts.get("what", "files") == "files"


def _volumes(path: Path, map: Path | None) -> tuple[tuple[VolumeState, ...], bool]:
    """The volumes that can be read, and whether one is a recorder's."""
    from engine.cases.opening import open_source
    from engine.cases.volumes import RECORDERS, list_volumes

    try:
        with open_source(path, map=map) as source:
            listed = list_volumes(source)
    except RescueError:
        return (), False
    readable = tuple(_volume(path, map, one) for one in listed if one.why_not is None)
    return readable, any(one.kind in RECORDERS for one in listed)


def _volume(path: Path, map: Path | None, at: VolumeAt) -> VolumeState:
    from engine.cases.damage import damage
    from engine.cases.volumes import index_place, open_volume

    plain = VolumeState(at.start, at.label or at.title, known=bool(at.kind))
    place = index_place(path, at.start)
    if place is None or not place.exists():
        return plain
    try:
        with open_volume(path, map=map, volume=at.start, make=False) as opened:
            hits = damage(opened).hits
            return VolumeState(
                at.start, plain.name, True, listed=True, stale=opened.stale, hit=len(hits), missing=hits.missing
            )
    except RescueError:
        return plain
