"""The drive that the campaign is about: what it is known by, and where it is now.

A drive with a number of its own (world wide name or serial number) is known by that and its size, under whatever name
it comes back. Anything else (a file, a loop device, a disk that hides its number) is known by the path that the person
named, which may be a link that follows it, by its size, and by what was read from it before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from engine.devices import Identity
from engine.devices.discover import discover, identify
from engine.devices.identity import ContentCheck, Grade, find
from engine.devices.probe import PLACE_SIZE, Place, read_places, safest_places
from engine.devices.watch import alive
from engine.errors import OutsideError, RescueError, UsageError
from engine.host.blocks import node_of_path, whole_disk
from engine.host.roots import HERE, read_int, read_text
from engine.mapfile.model import Mapfile
from engine.rescue.size import source_size
from engine.source import open_path
from engine.text import format_size, safe_text

_PLACES = 8


@dataclass(frozen=True, slots=True)
class KnownDrive:
    """``named`` is the path as the person gave it (absolute), ``size`` in bytes; ``identity`` None for a file."""

    named: str
    size: int
    identity: Identity | None = None

    @property
    def numbered(self) -> bool:
        """Whether it can be told from others by a number of its own."""
        one = self.identity
        return one is not None and not one.backing_file and bool(one.wwn or one.serial)

    @property
    def words(self) -> str:
        """The drive for people, safe for a screen."""
        named = self.identity.words if self.identity is not None and self.numbered else None
        return safe_text(named or f"{self.named}, {format_size(self.size)}", 200)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        identity = asdict(self.identity) if self.identity is not None else None
        return {"named": self.named, "size": self.size, "identity": identity}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> KnownDrive:
        """From ``to_json``. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
        identity = value["identity"]
        return cls(str(value["named"]), int(value["size"]), Identity.from_facts(identity) if identity else None)


def know(source: str) -> KnownDrive:
    """What the drive at ``source`` is known by, while it is there. Raises ``OutsideError`` when it has no size."""
    size = source_size(source)
    if size is None:
        raise OutsideError("the drive is not there, or has size 0", code="device-gone", path=source)
    return KnownDrive(source, size, identify(source) if node_of_path(source) is not None else None)


def attachment(source: str) -> str:
    """A token of this attachment of a block device to this boot of the machine; empty where nobody can tell."""
    node = node_of_path(source)
    return "" if node is None else attachment_of(whole_disk(node))


def attachment_of(name: str) -> str:
    """The same for a disk by its kernel name."""
    number, boot = read_int(HERE.block / name / "diskseq"), boot_of_this_machine()
    return f"{boot}/{number}" if number is not None and boot else ""


def boot_of_this_machine() -> str:
    """A name for the present boot; numbers of attachments count within it."""
    return read_text(HERE.proc / "sys" / "kernel" / "random" / "boot_id") or ""


@dataclass(frozen=True, slots=True)
class Sight:
    """One look for the drive: ``path`` to open when it is there, else None, and the reason in words."""

    path: str | None
    reason: str


def look_for(known: KnownDrive, content: ContentCheck | None = None) -> Sight:
    """Where the drive is now. Reads nothing, but for a content check of a disk that cannot be told otherwise."""
    if not known.numbered:
        return _named(known)
    assert known.identity is not None
    found = find(known.identity, [device for device in discover(everything=True) if alive(device)], content)
    return Sight(found.path if found.grade is Grade.SAME else None, safe_text(found.reason, 300))


def look_for_dead(known: KnownDrive) -> str | None:
    """The node of the drive, although nothing can be read from it; None where there is none."""
    if not known.numbered:
        return known.named if os.path.exists(known.named) else None
    assert known.identity is not None
    found = find(known.identity, discover(everything=True))
    return found.path if found.grade is Grade.SAME else None


def _named(known: KnownDrive) -> Sight:
    try:
        mode = os.stat(known.named).st_mode
    except OSError as error:
        return Sight(None, f"{known.named}: {error.strerror}")
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        return Sight(None, f"{known.named} is neither a drive nor a file")
    size = source_size(known.named)
    if size != known.size:
        return Sight(None, f"{known.named} has {size or 0} bytes instead of {known.size}: another drive")
    return Sight(known.named, "the path that was named, of the same size")


class Proof(StrEnum):
    """What reading a place known good came to."""

    SAME = "same"
    OTHER = "other"  # it answers with something else: another drive
    DEAD = "dead"  # no answer, or an error
    NOTHING = "nothing"  # nothing is known good yet; the drive can at least be opened


@dataclass(frozen=True, slots=True)
class Proved:
    """The answer and the reason in words. ``hangs``: it did not answer at all within the limit."""

    proof: Proof
    reason: str
    hangs: bool = False


def places_of(known: Mapfile | None, image: str, shift: int = 0, count: int = 1) -> list[Place]:
    """Places known good, with what the image holds there: in the middles of the largest rescued areas.

    Places whose bytes are all equal prove nothing: others are taken where there are any.
    """
    if known is None:
        return []
    telling: list[Place] = []
    blank: list[Place] = []
    try:
        with open_path(image) as source:
            for offset in safest_places(known.ranges("+"), count=_PLACES):
                data = source.read(offset + shift, PLACE_SIZE).data
                if len(data) == PLACE_SIZE:
                    (blank if data == data[:1] * PLACE_SIZE else telling).append(Place.of(offset, data))
    except (OutsideError, UsageError):
        return []
    return (telling or blank)[:count]


def prove(path: str, places: list[Place], *, limit_s: float = 20.0) -> Proved:
    """Read places known good again, past the cache, in a child process that may be left behind."""
    read = read_places(path, places, timeout_s=limit_s)
    if read.code != "ok":
        words = safe_text(f"it does not answer: {read.message or read.code}", 300)
        return Proved(Proof.DEAD, words, read.code == "hung")
    if not places:
        return Proved(Proof.NOTHING, "it can be opened; nothing was read from it before")
    where = ", ".join(str(place.offset) for place in places)
    if read.same:
        return Proved(Proof.SAME, f"what was read before at {where} was read again")
    return Proved(Proof.OTHER, f"it holds something else at {where} than what was rescued from there")


def content_check(places: list[Place], limit_s: float = 20.0) -> ContentCheck | None:
    """For drives whose number is weak: compare what was read before. None when nothing was."""
    if not places:
        return None

    def check(device: Any, partition: Any) -> bool | None:
        path = partition.path if partition is not None else device.path
        try:
            read = read_places(path, places, timeout_s=limit_s)
        except RescueError:
            return None
        return read.same if read.code == "ok" else None

    return check
