"""Is this the disk we know? Names and ports prove nothing; world wide name, serial number and size do.

A wrong answer writes another drive's bytes into the image, so every doubt is graded, never rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.devices.model import Device, Identity, Partition
from engine.text import format_exact

ContentCheck = Callable[[Device, Partition | None], bool | None]
"""Compares a few places that were read before: True equal, False not, None could not be told. It reads the disk."""

_DUMMIES = {"0123456789abcdef", "0123456789", "123456789012", "none", "n/a", "unknown", "serial", "default string"}


class Grade(StrEnum):
    """How sure it is."""

    SAME = "same"
    PROBABLE = "probable"  # ask the person
    DIFFERENT = "different"
    AMBIGUOUS = "ambiguous"  # several fit: refuse all until the person picks


@dataclass(frozen=True, slots=True)
class Match:
    """How one disk compares with the known one, and why.

    ``content_helps``: a content check could raise the grade. ``undecided``: ``different`` only because nothing speaks
    for it; nothing speaks against it either, so a person may know better.
    """

    grade: Grade
    reason: str
    content_helps: bool = False
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a search. ``device`` (and ``partition`` when one was known) is set for ``same`` and ``probable``;
    ``candidates`` lists what fitted when several did."""

    grade: Grade
    reason: str
    device: Device | None = None
    partition: Partition | None = None
    candidates: tuple[Device, ...] = ()
    misses: tuple[str, ...] = ()
    """Disks that carry the known one's number or sit at its port and still are not it, each with the reason."""

    @property
    def path(self) -> str | None:
        """The node to open: the partition's or the disk's."""
        if self.partition is not None:
            return self.partition.path
        return self.device.path if self.device is not None else None


def weak_serial(identity: Identity) -> bool:
    """A serial number that other disks may share: a USB bridge's own, or one that a maker forgot to set."""
    serial = (identity.serial or "").lower()
    plain = "".join(char for char in serial if char.isalnum())
    return identity.serial_source == "usb" or len(set(plain)) <= 2 or serial in _DUMMIES or len(plain) < 4


def compare(known: Identity, seen: Identity, content: bool | None = None) -> Match:
    """Grade ``seen`` against ``known``; ``content`` is the outcome of a content check, None when there was none."""
    if content is False:
        return Match(Grade.DIFFERENT, "places that were read before hold something else now")
    geometry = _geometry(known, seen)
    if geometry is not None:
        return geometry
    if known.diskseq is not None and known.boot_id and _attachment(known) == _attachment(seen):
        return Match(Grade.SAME, "it has not been unplugged since")
    if known.backing_file or seen.backing_file:
        same = (known.backing_file, known.backing_offset) == (seen.backing_file, seen.backing_offset)
        if same:
            return Match(Grade.SAME, "a loop device over the same file")
        return Match(Grade.DIFFERENT, "a loop device over another file")
    if known.wwn and seen.wwn and _family(known.wwn) == _family(seen.wwn):
        if known.wwn.lower() == seen.wwn.lower():
            return Match(Grade.SAME, f"same world wide name {seen.wwn} and size")
        return Match(Grade.DIFFERENT, f"another world wide name: {seen.wwn} instead of {known.wwn}")
    return _by_serial(known, seen, content)


def _attachment(one: Identity) -> tuple[int | None, str | None, str]:
    return one.diskseq, one.boot_id, one.first_seen_name


def _family(wwn: str) -> str:
    """``0x``, ``eui``, ``nvme``, ``uuid``: names of two families say nothing about each other."""
    return "0x" if wwn.lower().startswith("0x") else wwn.lower().partition(".")[0]


def _geometry(known: Identity, seen: Identity) -> Match | None:
    if seen.size_bytes == 0 or seen.disk_bytes == 0:
        return Match(Grade.DIFFERENT, "its size is 0: not ready, or it does not answer")
    for now, before, what in (
        (seen.disk_bytes, known.disk_bytes, "disk"),
        (seen.size_bytes, known.size_bytes, "partition" if known.partition is not None else "disk"),
    ):
        if now != before:
            told = format_exact(now or 0), format_exact(before or 0)
            return Match(Grade.DIFFERENT, f"the {what} has {told[0]} instead of {told[1]}")
    if seen.partition_start != known.partition_start:
        return Match(Grade.DIFFERENT, "the partition begins elsewhere")
    return None


def _by_serial(known: Identity, seen: Identity, content: bool | None) -> Match:
    comparable = known.serial and seen.serial and (known.serial_source == "usb") == (seen.serial_source == "usb")
    if comparable and _plain(known.serial) != _plain(seen.serial):
        return Match(Grade.DIFFERENT, f"another serial number: {seen.serial} instead of {known.serial}")
    if known.model and seen.model and _plain(known.model) != _plain(seen.model) and not _bridged(known, seen):
        return Match(Grade.DIFFERENT, f"another model: {seen.model} instead of {known.model}")
    if comparable:
        weak = weak_serial(known) or weak_serial(seen)
        if content:
            return Match(Grade.SAME, f"same serial number {seen.serial}, size and contents")
        if not weak and known.model and seen.model:
            return Match(Grade.SAME, f"same serial number {seen.serial}, model and size")
        why = "a serial number that other disks may have too" if weak else "the same serial number, the model unknown"
        return Match(Grade.PROBABLE, f"same size and {why}", content_helps=True)
    same_port = known.port is not None and known.port == seen.port
    if content:
        where = "at the same port" if same_port else "at another port"
        return Match(Grade.PROBABLE, f"same size and contents {where}, but no number to tell it by")
    # Only what sits where the known drive sat is worth reading: other people's disks are left alone.
    return Match(Grade.DIFFERENT, "same size, but nothing to tell it by", same_port, undecided=True)


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).lower()


def _bridged(known: Identity, seen: Identity) -> bool:
    """One of the two was seen through a USB bridge, which puts its own name before the disk's."""
    return (known.transport == "usb") != (seen.transport == "usb")


def find(known: Identity, devices: Iterable[Device], content: ContentCheck | None = None) -> Found:
    """The known disk (or partition) among ``devices``. Two that fit equally well are refused as ambiguous."""
    same: list[tuple[Device, Partition | None, Match]] = []
    probable: list[tuple[Device, Partition | None, Match]] = []
    misses: list[str] = []
    for device in devices:
        for part, seen in _identities(known, device):
            match = compare(known, seen)
            if match.content_helps and content is not None:
                match = compare(known, seen, content(device, part))
            if match.grade is Grade.SAME:
                same.append((device, part, match))
            elif match.grade is Grade.PROBABLE:
                probable.append((device, part, match))
            elif _claims(known, seen):
                misses.append(f"{device.path}: {match.reason}")
    fitting = same or probable
    if len(fitting) > 1:
        names = ", ".join(device.path for device, _, _ in fitting)
        return Found(
            Grade.AMBIGUOUS, f"several disks fit: {names}", candidates=tuple(device for device, _, _ in fitting)
        )
    if fitting:
        device, part, match = fitting[0]
        return Found(match.grade, match.reason, device, part, (device,))
    reason = "; ".join(misses) or "no disk here is the one that is known"
    return Found(Grade.DIFFERENT, reason, misses=tuple(misses))


def _identities(known: Identity, device: Device) -> list[tuple[Partition | None, Identity]]:
    if known.partition is None:
        return [(None, device.identity)]
    return [(part, device.partition_identity(part)) for part in device.partitions if part.number == known.partition]


def _claims(known: Identity, seen: Identity) -> bool:
    """Worth telling why not: it carries the same number, or sits at the same port."""
    numbers = {item for item in (known.wwn, known.serial) if item}
    return bool(numbers & {seen.wwn, seen.serial}) or (known.port is not None and known.port == seen.port)
