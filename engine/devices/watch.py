"""Waiting for the known drive to come back, under whatever name, and for nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.devices.discover import discover
from engine.devices.identity import ContentCheck, Found, Grade, find
from engine.devices.model import Device, Identity, Partition
from engine.devices.uevents import Uevents
from engine.errors import CancelledError, OutsideError, RefusedError
from engine.host.roots import HERE, Roots
from engine.progress import SILENT, Reporter

POLL_S = 1.0
SETTLE_S = 10.0


def alive(device: Device) -> bool:
    """The kernel takes reads for it: there is a node, a size, and it has not been given up."""
    return device.node and device.size > 0 and device.state in (None, "running", "live")


def wait_for(
    known: Identity,
    timeout_s: float | None = None,
    reporter: Reporter = SILENT,
    *,
    roots: Roots = HERE,
    content: ContentCheck | None = None,
    accept_probable: bool = False,
    dead_attachment: int | None = None,
    settle_s: float = SETTLE_S,
    list_devices: Callable[[], Sequence[Device]] | None = None,
    pause: Callable[[float], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Wait until the drive with this identity is there and ready; gives its ``device``, ``partition`` and ``path``.

    Only a drive graded ``same`` is returned (``probable`` too with ``accept_probable``, for a person who was asked);
    one of another size never. ``dead_attachment`` is the ``diskseq`` of the attachment that died: the same drive must
    have been attached anew. After the drive is seen, its ``by-id`` link is waited for (``settle_s`` at most) where
    udev keeps such links. ``timeout_s`` None waits for ever. Events to the reporter: ``waiting``, ``other-drive``,
    ``not-sure``, ``returned``.

    Raises ``OutsideError`` (code ``not-returned``) when time is up, ``RefusedError`` (code ``ambiguous-drive``) when
    two drives fit, ``CancelledError`` on request.
    """
    look = list_devices or (lambda: discover(roots, everything=True))
    check = None if content is None else _once(content)
    begun = clock()
    told: set[tuple[str, str]] = set()
    seen_at: float | None = None
    with Uevents() as events:
        wait = pause or events.wait
        reporter.event("waiting", identity=known.words, timeout_s=timeout_s)
        while True:
            if reporter.cancelled():
                raise CancelledError("stopped waiting for the drive", advice="everything rescued so far is kept")
            devices = [device for device in look() if alive(device)]
            if dead_attachment is not None:
                devices = [device for device in devices if device.diskseq != dead_attachment]
            found = find(known, devices, check)
            if found.grade is Grade.AMBIGUOUS:
                raise RefusedError(
                    found.reason, code="ambiguous-drive", advice="unplug the other one, or name the right one yourself"
                )
            if found.device is not None and (found.grade is Grade.SAME or accept_probable):
                seen_at = clock() if seen_at is None else seen_at
                if _settled(known, found, roots) or clock() - seen_at >= settle_s:
                    reporter.event("returned", path=found.path, reason=found.reason, grade=found.grade.value)
                    return found
            else:
                seen_at = None
                _tell(found, reporter, told)
            passed = clock() - begun
            if timeout_s is not None and passed >= timeout_s:
                raise OutsideError(
                    f"the drive did not come back within {timeout_s:g} s ({known.words})",
                    code="not-returned",
                    advice="check power and cable; everything rescued so far is kept",
                )
            total = None if timeout_s is None else int(timeout_s)
            reporter.update(int(passed), total, "s", "waiting for the drive")
            wait(POLL_S if timeout_s is None else max(0.0, min(POLL_S, timeout_s - passed)))


def _once(content: ContentCheck) -> ContentCheck:
    """The check with a memory: each attachment of a disk is read once, not every second."""
    known: dict[tuple[object, ...], bool] = {}

    def check(device: Device, partition: Partition | None) -> bool | None:
        key = (device.name, device.diskseq, device.size, partition.name if partition is not None else None)
        if key not in known:
            answer = content(device, partition)
            if answer is None:
                return None
            known[key] = answer
        return known[key]

    return check


def _settled(known: Identity, found: Found, roots: Roots) -> bool:
    """udev has done its work, as far as it did any for this drive before."""
    if not known.by_id or not (roots.dev / "disk" / "by-id").is_dir():
        return True
    carrier = found.partition or found.device
    return carrier is not None and bool(set(carrier.by_id) & set(known.by_id))


def _tell(found: Found, reporter: Reporter, told: set[tuple[str, str]]) -> None:
    kind = "not-sure" if found.grade is Grade.PROBABLE else "other-drive"
    if found.grade is Grade.DIFFERENT and not found.misses:
        return
    key = (kind, found.reason)
    if key not in told:
        told.add(key)
        reporter.event(kind, reason=found.reason, path=found.path)
