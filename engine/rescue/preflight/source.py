"""Checks of the source: is it there, can it be read, is it the one we know, does anything else use it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from engine.devices import Device, Identity, Partition
from engine.devices.identity import Grade, compare
from engine.devices.model import use_place
from engine.errors import RescueError
from engine.host.blocks import loops_over, node_of_path, whole_disk
from engine.mapfile.lock import foreign_ddrescue
from engine.rescue.preflight.model import Check, Machine, Request, note, ok, refuse, warn
from engine.source import open_path
from engine.text import format_exact

_OPEN_ADVICE = {
    "permission": "start rescuedeck with sudo, or let root give you this drive: setfacl -m u:USER:r DEVICE",
    "hung": "the drive hangs: power-cycle it, then try again",
    "device-gone": "check power and cable; sectors of 520 or 528 bytes need sg tools",
    "missing": "check the name: rescuedeck devices",
}


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The source as far as it could be looked at. ``size`` 0: unknown. ``node`` is the kernel name of a block
    device."""

    size: int = 0
    sector_size: int = 512
    node: str | None = None
    device: Device | None = None
    partition: Partition | None = None
    identity: Identity | None = None

    @property
    def is_device(self) -> bool:
        """A block device, not a file."""
        return self.node is not None


def look_at_source(request: Request, machine: Machine) -> tuple[SourceFacts, list[Check]]:
    """The facts, and what is wrong with the source."""
    try:
        mode = os.stat(request.source).st_mode
    except OSError as error:
        return SourceFacts(), [
            refuse("source-missing", f"{request.source}: {error.strerror}", _OPEN_ADVICE["missing"])
        ]
    devno = machine.roots.devno_of(request.source)
    if devno is not None:
        return _device(request, machine)
    if stat.S_ISDIR(mode):
        return SourceFacts(), [refuse("source-kind", f"{request.source} is a folder", "name a drive or an image")]
    if not stat.S_ISREG(mode):
        return SourceFacts(), [refuse("source-kind", f"{request.source} is neither a drive nor a file")]
    return _file(request, machine)


def _file(request: Request, machine: Machine) -> tuple[SourceFacts, list[Check]]:
    try:
        with open_path(request.source) as source:
            facts = SourceFacts(source.size, source.sector_size)
    except RescueError as error:
        return SourceFacts(), [refuse("source-unreadable", error.message, error.advice or "")]
    found = [ok("source-readable", f"the source is a file of {format_exact(facts.size)}")]
    found += _size(request, facts)
    for name in loops_over(request.source, machine.roots):
        device = next((device for device in machine.devices if device.name == name), None)
        if device is not None and device.writable_use:
            words = ", ".join(use_place(use, device.name) for use in device.uses)
            found.append(_in_use(request, f"the source is attached to {device.path}, which is {words}"))
        elif device is not None and not device.read_only:
            found.append(note("source-loop", f"the source is attached to {device.path}, which can write to it"))
    found += _other_reader(request)
    return facts, found


def _device(request: Request, machine: Machine) -> tuple[SourceFacts, list[Check]]:
    opened = machine.open_device(request.source)
    node = node_of_path(request.source, machine.roots)
    disk = whole_disk(node, machine.roots) if node is not None else None
    device = next((device for device in machine.devices if device.name == disk), None)
    partition = device.part(node) if device is not None and node is not None else None
    identity = None
    if device is not None:
        identity = device.identity if partition is None else device.partition_identity(partition)
    named = identity.words if identity is not None else request.source
    if opened.ok:
        facts = SourceFacts(opened.size, opened.sector_size, node or "", device, partition, identity)
        found = [ok("source-readable", f"the source is {named}"), *_size(request, facts)]
    else:  # what sysfs knows is still good for the other checks
        size, sector = (identity.size_bytes, identity.logical_sector) if identity is not None else (0, 512)
        facts = SourceFacts(size, sector, node or "", device, partition, identity)
        words = f"{request.source}: {opened.message or opened.code}"
        found = [refuse("source-unreadable", words, _OPEN_ADVICE.get(opened.code, ""))]
    found += _identity(request, facts)
    found += _claims(request, facts, opened.busy)
    found += _other_reader(request)
    return facts, found


def _size(request: Request, facts: SourceFacts) -> Iterator[Check]:
    if facts.size == 0:
        yield refuse("source-empty", "the source has size 0", "it is gone, holds no medium, or is an empty file")
    elif request.input_start >= facts.size:
        yield refuse("domain-outside", f"the range begins beyond the end of the source ({format_exact(facts.size)})")
    elif request.known is not None and request.known.size_bytes not in (0, facts.size):
        sizes = f"{format_exact(facts.size)} instead of {format_exact(request.known.size_bytes)}"
        advice = "this is another drive, or it shows only a part of itself"
        yield refuse("source-size", f"the source has {sizes}", advice)


def _identity(request: Request, facts: SourceFacts) -> Iterator[Check]:
    known, seen = request.known, facts.identity
    if known is None:
        return
    if seen is None:
        yield warn("source-unknown", "the kernel tells nothing of this device: nobody can say if it is the known drive")
        return
    match = compare(known, seen)
    if match.grade is Grade.SAME:
        yield ok("source-identity", f"it is the known drive: {match.reason}")
    elif match.grade is Grade.PROBABLE or match.undecided:
        words = f"it may be the known drive ({known.words}), but that is not sure: {match.reason}"
        if request.allow_unsure:
            yield warn("source-unsure", words)
        else:
            yield refuse("source-unsure", words, "compare model and serial on the label, then confirm")
    else:
        yield refuse(
            "source-other", f"this is not the known drive ({known.words}): {match.reason}", "connect the right one"
        )


def _claims(request: Request, facts: SourceFacts, busy: bool) -> Iterator[Check]:
    carrier = facts.partition or facts.device
    uses = carrier.uses if carrier is not None else ()
    name = carrier.name if carrier is not None else ""
    writing = [use for use in uses if not use.read_only]
    if writing:
        yield _in_use(request, "the source is in use: " + ", ".join(use_place(use, name) for use in writing))
    elif uses:
        words = ", ".join(use_place(use, name) for use in uses)
        yield warn("source-used", f"the source is in use: {words}", "unmount it: reading it twice wears it twice")
    elif busy:
        yield _in_use(request, "something has claimed the source (O_EXCL fails), maybe outside of this container")
    else:
        yield ok("source-idle", "nothing else uses the source")
    if carrier is not None and carrier.system:
        yield warn("source-system", f"the source carries the running system ({', '.join(carrier.system)})")


def _in_use(request: Request, message: str) -> Check:
    if request.allow_in_use:
        return warn("source-in-use", message, "what is written meanwhile makes the image inconsistent")
    return refuse("source-in-use", message, "unmount or stop it first; it changes while it is read")


def _other_reader(request: Request) -> Iterator[Check]:
    holder = foreign_ddrescue(request.source)
    if holder is not None and holder.pid != os.getpid():
        yield refuse(
            "source-being-read",
            f"process {holder.pid} reads the source already ({holder.command})",
            "stop that one first: two readers make a sick drive worse",
        )
