"""What comes next on the way from a failing drive to files that are safe: a pure function of what is known of a case.

``state_of`` (``engine.cases.progress``) gathers what is known; nothing here looks at a disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.text import format_size

StepId = Literal[
    "choose-drive", "rescue", "watch", "resume", "mend-map", "list-files", "recordings", "retry", "extract", "carve",
    "partitions", "report", "done",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class VolumeState:
    """A volume whose files can be read. ``start`` in bytes; ``hit`` files lack ``missing`` bytes; ``stale``: another
    listing would find more; ``saved``: files of it were written out since the last rescue. ``known`` is False where no
    file system was recognised."""

    start: int
    name: str
    known: bool = True
    listed: bool = False
    stale: bool = False
    hit: int = 0
    missing: int = 0
    saved: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """How far a case has come. ``untried`` and ``failed`` bytes of its map are None while there is no map.

    ``source``: a drive is chosen that could be read again; ``running`` and ``resting``: a rescue works, or one was
    stopped and can go on; ``narrowed``: the last rescue read only what files or recordings lacked; ``saved``: something
    was written out since the last rescue; ``saved_before``: before it; ``reported``: and a report since.
    """

    source: bool
    image: bool
    untried: int | None = None
    failed: int | None = None
    finished: int = 0
    map_problem: bool = False
    running: bool = False
    resting: bool = False
    narrowed: bool = False
    volumes: tuple[VolumeState, ...] = ()
    recorder: bool = False
    saved: bool = False
    saved_before: bool = False
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that can be done now. ``volume``: which one is meant, by its start in bytes; ``name`` of it."""

    id: StepId
    reason: str
    volume: int | None = None
    name: str = ""
    first: bool = False
    """Of a rescue: nothing has been read before."""


def next_steps(state: State) -> tuple[Step, ...]:
    """What can be done, the natural thing first; empty when everything is done."""
    return tuple(_steps(state))


def _steps(state: State) -> Iterator[Step]:
    if state.map_problem:
        yield Step("mend-map", "the map cannot be read as it is")
    if state.running:
        yield Step("watch", "it reads now, and goes on when you leave")
        return
    if not state.source and not state.image:
        yield Step("choose-drive", "nothing has been chosen to be read")
        return
    mapped = state.map_problem or state.finished or state.untried or state.failed
    if not mapped and not state.image:
        yield Step("rescue", "nothing has been read yet", first=True)
        return
    again = state.source and not state.map_problem
    untried, failed = state.untried or 0, state.failed or 0
    if state.resting and again and untried + failed:
        yield Step("resume", f"{format_size(untried + failed)} are missing")
    elif untried and again:
        yield Step("rescue", f"{format_size(untried)} have not been tried yet")
    if state.image:
        yield from _inside(state, again=again)
    if again and state.resting and untried + failed:
        yield Step("rescue", "with another recipe or other options")
    elif again and failed and not untried:
        yield Step("rescue", f"{format_size(failed)} failed: they can be tried again")


def _inside(state: State, *, again: bool) -> Iterator[Step]:
    """What lies in the image: listed, mended, written out, reported."""
    if state.recorder and not state.saved:
        yield Step("recordings", "it is a video recorder's disk")
    known = [volume for volume in state.volumes if volume.known]
    for volume in known:
        if not volume.listed:
            yield Step("list-files", "it shows which are hit", volume.start, volume.name)
        elif volume.stale:
            yield Step("list-files", "directories have been read since they were listed", volume.start, volume.name)
    hit = sorted((volume for volume in known if volume.hit), key=lambda volume: -volume.missing)
    retry = [
        Step("retry", f"{_files(volume.hit)} {format_size(volume.missing)}", volume.start, volume.name)
        for volume in hit
        if again
    ]
    if not state.narrowed:
        yield from retry
    listed = [volume for volume in known if volume.listed]
    if state.saved and state.reported:
        yield Step("done", "keep drive and case until somebody has looked at the copies")
    for volume in listed:
        if not volume.saved:
            more = "more has been read since the last time" if state.saved_before else _whole(volume, state)
            yield Step("extract", more, volume.start, volume.name)
    if state.saved and not state.reported:
        yield Step("report", "what was saved, and what is missing")
    if state.narrowed:
        yield from retry
    if not known and not state.recorder:
        yield Step("partitions", "no file system is recognised where it should be")
        yield Step("carve", "files can be found by their own structure")
    if not state.saved and not state.reported and state.finished and not (state.untried or 0):
        yield Step("report", "what was read, and what is missing")


def _files(count: int) -> str:
    return "1 file lacks" if count == 1 else f"{count} files lack"


def _whole(volume: VolumeState, state: State) -> str:
    if state.untried is None:
        return "nobody can say what was never read: there is no map"
    return f"all but {volume.hit} are whole" if volume.hit else "every listed file was read whole"
