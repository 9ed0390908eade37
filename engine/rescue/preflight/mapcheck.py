"""Checks of the map: nobody else writes it, it parses, and it tells the truth about this image and this source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import DamagedError, RescueError
from engine.mapfile import Mapfile, map_holder, read_map
from engine.rescue.preflight.model import Check, Machine, Request, note, ok, refuse, warn
from engine.rescue.preflight.source import SourceFacts
from engine.text import format_exact, format_size

_OLDER = 20


def check_map(request: Request, facts: SourceFacts, machine: Machine) -> Iterator[Check]:
    """All of it; a map that is not there yet is fine unless an image is."""
    try:
        holder = map_holder(request.map)
    except RescueError as error:
        yield refuse("map-lock", error.message)
        holder = None
    if holder is not None and holder.pid != os.getpid():
        who = f"process {holder.pid} ({holder.command})" if holder.pid else "another process"
        yield refuse("map-held", f"the map is being written by {who}", "stop that job first, or watch it")
    image_is_file = machine.roots.devno_of(request.image) is None
    image = _written(request.image) if image_is_file else 0
    if not os.path.lexists(request.map):
        yield _no_map(request, image)
        return
    try:
        current = read_map(request.map)
    except DamagedError as error:
        where = f", line {error.line}" if error.line is not None else ""
        yield refuse("map-malformed", f"the map cannot be read: {error.message}{where}", _older_maps(request))
        return
    except RescueError as error:
        yield refuse("map-unreadable", error.message, error.advice or "")
        return
    if not len(current):
        yield _empty_map(request, image)
        return
    yield from _against_source(current, facts)
    if image_is_file:
        yield from _against_image(request, current)
    totals = current.totals()
    yield ok("map", f"the map says: {format_size(totals.finished)} rescued, {len(current)} areas")


def _no_map(request: Request, image: int) -> Check:
    if not image:
        return ok("map-new", "a new map will be written")
    if request.adopt_image:
        return warn("image-without-map", "the image has no map: everything is read again, over what it holds")
    return refuse(
        "image-without-map",
        f"the image holds {format_size(image)}, but there is no map that says what of it is good",
        _older_maps(request) or "name the map that belongs to it, or another image",
    )


def _empty_map(request: Request, image: int) -> Check:
    if not image:
        return note("map-empty", "the map is empty, and so is the image: the rescue begins anew")
    if request.adopt_image:
        return warn("map-empty", "the map is empty: everything is read again, over what the image holds")
    return refuse(
        "map-empty",
        f"the map is empty, but the image holds {format_size(image)}: all would be read again",
        _older_maps(request) or "name the map that belongs to this image",
    )


def _against_source(current: Mapfile, facts: SourceFacts) -> Iterator[Check]:
    if not facts.size:
        return
    beyond = current.ranges("+", facts.size)
    if beyond:
        yield refuse(
            "map-past-end",
            f"the map says that {format_exact(beyond.total)} were rescued beyond the end of this source "
            f"({format_exact(facts.size)})",
            "the map belongs to another drive, or the drive shows only a part of itself",
        )
    elif current.end > facts.size and not current.open_ended:
        sizes = f"{format_exact(current.end)}, the source at {format_exact(facts.size)}"
        yield warn(
            "map-longer",
            f"the map ends at {sizes}: what was not rescued there is cut off",
            "make sure that this is the right drive and that it shows all of itself",
        )
    elif current.end < facts.size:
        yield note("map-shorter", f"the map ends at {format_exact(current.end)}: what follows counts as not tried")


def _against_image(request: Request, current: Mapfile) -> Iterator[Check]:
    finished = current.ranges("+")
    if not finished:
        return
    try:
        status = os.stat(request.image)
    except FileNotFoundError:
        yield refuse(
            "image-missing",
            f"the map says that {format_size(finished.total)} were rescued, but the image is not there",
            "name the image that belongs to this map, or start with a new map",
        )
        return
    except OSError as error:
        yield refuse("image-unreadable", f"the image cannot be looked at: {error.strerror}")
        return
    end = int(finished.ends[-1]) + request.shift
    if status.st_size >= end:
        return
    words = f"the image ends at {format_exact(status.st_size)}, the map has rescued areas up to {format_exact(end)}"
    if request.sparse:  # the zeros at the end of a sparse image are only made real when a run ends
        yield warn("image-short", words, "right only when what is missing are zeros of a sparse run that was killed")
    else:
        yield refuse("image-short", words, "it was cut, or it belongs to another map: those areas must be read again")


def _written(path: str) -> int:
    """Bytes that an image file holds; 0 when there is none, it is empty, or it is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_size if os.path.isfile(path) else 0


def older_maps(request: Request) -> list[tuple[Path, int]]:
    """Earlier states of the map that can be read, newest first, each with the bytes that it says were rescued."""
    path = Path(request.map)
    names = [path.with_name(path.name + ".bak"), *(path.with_name(f"{path.name}.{n}") for n in range(1, _OLDER + 1))]
    if request.case_directory is not None:
        folder = Path(request.case_directory) / "maps"
        if folder.is_dir():
            names += sorted(folder.glob("*.map"), reverse=True)[:_OLDER]
    found = []
    for name in names:
        try:
            rescued = read_map(name).totals().finished
        except RescueError:
            continue
        if rescued:
            found.append((name, rescued))
    return found


def _older_maps(request: Request) -> str:
    found = older_maps(request)
    if not found:
        return ""
    best = max(found, key=lambda entry: entry[1])
    return f"an earlier map is there: {best[0]} says {format_size(best[1])} rescued"
