"""Rules for writing to a whole block device: the one mistake that cannot be undone."""

from __future__ import annotations

from engine.devices.identity import Grade, compare
from engine.devices.model import Device, Identity, Partition, use_place
from engine.errors import Problem
from engine.text import format_exact


def confirmation_word(device: Device) -> str:
    """What a person types to show that they mean this very device: the last four characters of its serial number.

    A device without one is confirmed by its kernel name.
    """
    serial = "".join((device.serial or "").split())
    return serial[-4:] if len(serial) >= 4 else device.name


def target_problems(
    device: Device,
    partition: Partition | None,
    needed_bytes: int,
    source: Identity | None,
    confirmed: str | None,
) -> list[Problem]:
    """Everything that forbids writing to this device (or partition). Empty only when all is well and confirmed."""
    found = []
    chosen = partition or device
    uses, system = chosen.uses, chosen.system
    if device.system and (partition is None or system):
        found.append(Problem("target-system", f"it belongs to the running system ({', '.join(device.system)})"))
    found += [Problem("target-in-use", use_place(use, chosen.name)) for use in uses]
    if chosen.read_only or device.read_only:
        found.append(Problem("target-read-only", "it is read-only"))
    if chosen.size == 0:
        found.append(Problem("target-empty", "its size is 0"))
    elif chosen.size < needed_bytes:
        sizes = f"{format_exact(chosen.size)} for {format_exact(needed_bytes)}"
        found.append(Problem("target-too-small", f"it is too small: {sizes}"))
    mine = device.identity if partition is None else device.partition_identity(partition)
    if source is not None and compare(source, mine).grade is not Grade.DIFFERENT:
        found.append(Problem("target-is-source", "it may be the source itself"))
    word = confirmation_word(device)
    if confirmed is None or confirmed.strip().lower() != word.lower():
        found.append(Problem("target-not-confirmed", f"everything on it will be overwritten: confirm it with {word}"))
    return found
