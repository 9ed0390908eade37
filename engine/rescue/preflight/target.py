"""Checks of the image: is it another thing than the source and on another disk, and is there room for it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

from engine.devices.model import use_place
from engine.devices.target import target_problems
from engine.errors import RescueError
from engine.host.blocks import (
    Stack,
    first_existing,
    loops_over,
    node_of_path,
    same_object,
    shared,
    stack_of_path,
    whole_disk,
)
from engine.host.space import Room, allocated_bytes, needed_bytes, room_at
from engine.mapfile.lock import foreign_ddrescue
from engine.rescue.preflight.model import Check, Machine, Request, note, ok, refuse, warn
from engine.rescue.preflight.source import SourceFacts
from engine.text import format_exact, format_size

_ROLES = {"source": "the source", "image": "the image", "map": "the map"}


def check_three_things(request: Request, machine: Machine) -> Iterator[Check]:
    """Source, image and map are three different things, also through links, device names and loop devices."""
    paths = {"source": request.source, "image": request.image, "map": request.map}
    facts = {role: _stat(path) for role, path in paths.items()}
    clash = False
    for first, second in (("source", "image"), ("source", "map"), ("image", "map")):
        one, two = facts[first], facts[second]
        same = same_object(one, two) if one is not None and two is not None else False
        if same or os.path.realpath(paths[first]) == os.path.realpath(paths[second]):
            clash = True
            yield refuse("same-thing", f"{_ROLES[first]} and {_ROLES[second]} are the same thing", "name another one")
    below = stack_of_path(request.source, machine.roots) if facts["source"] is not None else Stack()
    for behind in below.files:
        backing = _stat(behind)
        for role in ("image", "map"):
            other = facts[role]
            if backing is not None and other is not None and same_object(backing, other):
                clash = True
                yield refuse("same-thing", f"the source is a loop device over {_ROLES[role]}", "name another one")
    if not clash:
        yield ok("three-things", "source, image and map are three different things")


def check_disks(request: Request, facts: SourceFacts, machine: Machine) -> Iterator[Check]:
    """Nothing is written to the disk that is read."""
    roots = machine.roots
    if facts.size == 0:
        return
    own = set(stack_of_path(request.source, roots, through_loops=False).disks) if facts.is_device else set()
    deep = stack_of_path(request.source, roots)
    places = {"image": request.image, "map": request.map}
    if request.case_directory is not None:
        places["case folder"] = request.case_directory
    on_source: dict[str, list[str]] = {}
    on_its_file: dict[str, list[str]] = {}
    unknown: dict[str, None] = {}
    for role, path in places.items():
        target = stack_of_path(first_existing(path), roots)
        if shared(own, target.nodes):
            on_source[role] = shared(own, target.nodes)
        elif shared(deep.disks, target.disks):
            on_its_file[role] = shared(deep.disks, target.disks)
        unknown.update(dict.fromkeys(target.unknown))
    if on_source:
        words = f"on the disk that is read would be written: {_roles(on_source)}"
        if request.allow_same_disk:
            yield warn("same-disk", words, "every byte written may destroy one that is still to be read")
        else:
            yield refuse("same-disk", words, "choose a place on another disk")
    if on_its_file:
        words = f"on the same disk as the source file: {_roles(on_its_file)}"
        yield note("same-disk-as-file", words, "fine for copying an image, wrong if that disk is failing")
    if unknown:
        yield note("disk-unknown", f"it cannot be told which disk holds {'; '.join(unknown)}")
    if not (on_source or on_its_file or unknown):
        yield ok("other-disk", f"{_roles(dict.fromkeys(places, []))}: on another disk than the source")


def _roles(places: Mapping[str, list[str]]) -> str:
    """``image, map (sda)``."""
    disks = sorted({disk for found in places.values() for disk in found})
    return ", ".join(places) + (f" ({', '.join(disks)})" if disks else "")


def check_image(request: Request, facts: SourceFacts, machine: Machine) -> Iterator[Check]:
    """The image itself: a usable file with room, or a block device that was confirmed."""
    if machine.roots.devno_of(request.image) is not None:
        yield from _device(request, facts, machine)
        return
    status = _stat(request.image)
    if status is not None and not stat.S_ISREG(status.st_mode):
        yield refuse("image-kind", f"{request.image} is not a file", "name a file for the image")
        return
    yield from _folder(request, request.image, "image")
    if status is not None and not os.access(request.image, os.W_OK):
        yield refuse("image-read-only", f"you may not write to {request.image}")
    holder = foreign_ddrescue(request.image)
    if holder is not None and holder.pid != os.getpid():
        yield refuse("image-being-written", f"process {holder.pid} works on the image already ({holder.command})")
    yield from _attached(request, machine)
    yield from _room(request, facts, machine)


def _folder(request: Request, path: str, role: str) -> Iterator[Check]:
    folder = os.path.dirname(os.path.realpath(path))
    if request.will_make is not None and folder == os.path.realpath(request.will_make) and not os.path.exists(folder):
        folder = first_existing(folder)
    if os.path.lexists(folder) and not os.path.isdir(folder):
        yield refuse(f"{role}-folder", f"the {role} needs a folder, and that is none: {folder}", "name another place")
    elif not os.path.isdir(folder):
        yield refuse(f"{role}-folder", f"the folder for the {role} does not exist: {folder}", "create it first")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield refuse(f"{role}-folder", f"you may not write into {folder}", "choose another folder")


def _attached(request: Request, machine: Machine) -> Iterator[Check]:
    for name in loops_over(request.image, machine.roots):
        device = next((device for device in machine.devices if device.name == name), None)
        if device is None:
            continue
        words = ", ".join(use_place(use, name) for use in device.uses)
        if device.writable_use:
            message = f"the image is attached to {device.path}, which is {words}"
            yield refuse("image-in-use", message, "unmount and detach it first")
        elif not device.read_only:
            yield warn("image-loop", f"the image is attached to {device.path}, which can write to it", "detach it")
        else:
            yield note("image-loop", f"the image is attached to {device.path} (read-only); what it shows may be stale")


def _device(request: Request, facts: SourceFacts, machine: Machine) -> Iterator[Check]:
    node = node_of_path(request.image, machine.roots)
    disk = whole_disk(node, machine.roots) if node is not None else None
    device = next((device for device in machine.devices if device.name == disk), None)
    if device is None or node is None:
        yield refuse("target-unknown", f"the kernel tells nothing of {request.image}", "write the image to a file")
        return
    needed = _end(request, facts) + request.shift
    problems = target_problems(device, device.part(node), needed, facts.identity, request.confirmed_target)
    for problem in problems:
        yield refuse(problem.code, f"{request.image}: {problem.message}")
    if not problems:
        yield warn("target-device", f"everything on {request.image} ({device.identity.words}) will be overwritten")


def _room(request: Request, facts: SourceFacts, machine: Machine) -> Iterator[Check]:
    try:
        room = room_at(request.image, machine.roots)
    except RescueError as error:
        yield warn("space-unknown", error.message)
        return
    if room.read_only:
        yield refuse("target-read-only", f"the file system at {room.point} is read-only", "choose another place")
    end = _end(request, facts) + request.shift
    if room.file_limit is not None and end > room.file_limit:
        limit = f"{room.limited_by} ends at {format_exact(room.file_limit)} a file"
        advice = "choose a disk with ext4, XFS, exFAT or NTFS"
        yield refuse("file-limit", f"the image would be {format_exact(end)}, but {limit}", advice)
    if room.in_memory:
        yield warn("target-memory", f"{room.point} lives in memory: the image is gone after a reboot")
    if room.network:
        yield note("target-network", f"{room.point} lies on the network ({room.fstype}): a lost link stops the rescue")
    if facts.size:
        yield _space(request, facts, room)


def _space(request: Request, facts: SourceFacts, room: Room) -> Check:
    domain = _end(request, facts) - request.input_start
    missing = max(0, domain - allocated_bytes(request.image))
    if request.remaining is not None:
        missing = min(missing, request.remaining)
    needed = needed_bytes(domain, domain - missing)
    words = f"{format_size(room.free)} free at {room.point}, {format_size(needed)} needed"
    if room.free >= needed:
        return ok("space", words)
    if request.sparse:
        return warn("space-sparse", f"{words} unless the drive holds enough zeros", "watch the free space")
    return refuse("no-space", f"not enough room: {words}", "make room, or choose a larger disk")


def _end(request: Request, facts: SourceFacts) -> int:
    if request.domain_bytes is None:
        return facts.size
    return min(facts.size, request.input_start + request.domain_bytes) if facts.size else request.domain_bytes


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def check_map_folder(request: Request, machine: Machine) -> Iterator[Check]:
    """Room for the map and its lock, where that is another file system than the image's."""
    yield from _folder(request, request.map, "map")
    try:
        room = room_at(request.map, machine.roots)
    except RescueError as error:
        yield warn("space-unknown", error.message)
        return
    if room.read_only:
        yield refuse("map-read-only", f"the file system at {room.point} is read-only", "choose another place")
    elif room.in_memory:
        words = f"the map would live in memory ({room.point}): after a reboot nobody knows what was read"
        yield warn("map-memory", words)
    elif room.free < needed_bytes(0, 0):
        yield refuse("map-no-space", f"only {format_size(room.free)} free at {room.point}", "make room for the map")
