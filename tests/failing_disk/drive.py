"""The failing drive itself, without FUSE: power, bus, reads with their faults, and the log of all reads.

`Drive` is safe to use from many threads. A read may block (slow, hung); everything else answers at once.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from tests.failing_disk.faults import Drop, DropMode, Error, FailsNTimes, Fault, Flaky, Hang, Slow
from tests.failing_disk.profiles import Identity, Profile, Return

LOG_LIMIT = 2_000_000
"""Reads kept in the log; older ones are forgotten (and `status()["reads"]` still counts them)."""

PRESENT = ("alive", "hung", "offline", "gone")
"""States in which the node can be seen."""

_DEAD_ERRNO = {"gone": errno.ENODEV, "removed": errno.EINVAL}


@dataclass(slots=True)
class Read:
    """One read as it reached the drive.

    outcome  ok, error, hang, drop: the drive itself was touched;
             dead: not there to answer; queued: waited behind a hung read; cut: lost while a slow read went on;
             stale: through a descriptor of a node that is no more; misaligned: refused (O_DIRECT); pending
    fault    index in the profile's list of the fault that decided the outcome
    cycle    power cycles before it; node: name under which it was read
    """

    seq: int
    cycle: int
    node: str
    offset: int
    size: int
    outcome: str = "pending"
    fault: int | None = None

    @property
    def touched(self) -> bool:
        """Whether the medium was touched at this place (a hung or dropped read touched it too)."""
        return self.outcome in ("ok", "error", "hang", "drop")


@dataclass(slots=True)
class Handle:
    """An open descriptor: the node it was opened on and the incarnation of the drive behind it."""

    node: str
    instance: int
    direct: bool
    size: int


class Drive:
    """A drive with the faults of `profile` over an image file (opened read-only)."""

    def __init__(self, image: str | os.PathLike[str], profile: Profile) -> None:
        self.profile = profile
        self._fd = os.open(image, os.O_RDONLY | os.O_CLOEXEC)
        sector = profile.sector_size
        image_size = os.lseek(self._fd, 0, os.SEEK_END) // sector * sector
        size = image_size if profile.identity.size is None else profile.identity.size
        self.original = replace(profile.identity, size=size)
        self.identity: Identity = self.original
        self._source: int | None = self._fd
        self._sources = [self._fd]
        self.state = "alive"
        self.node = profile.name
        self.instance = 1
        self.cycles = 0
        self.violations: list[dict[str, Any]] = []
        self._log: deque[Read] = deque(maxlen=LOG_LIMIT)
        self._seq = 0
        self._outcomes: Counter[str] = Counter()
        self._epoch = 0
        self._ready_at = 0.0
        self._busy_until = 0.0
        self._touches: Counter[tuple[int, int]] = Counter()
        self._changed = threading.Condition(threading.Lock())
        self._index = _FaultIndex(profile.faults)

    # -- what the file system asks ------------------------------------------------------------------------------

    def visible_node(self) -> str | None:
        """Name of the node now, or None while there is none."""
        with self._locked():
            return self.node if self.state in PRESENT else None

    def open(self, node: str, direct: bool) -> Handle:
        """Open the node for reading; OSError ENOENT when it is not there, ENXIO when the drive behind it is lost."""
        with self._locked():
            if node != self.node or self.state not in PRESENT:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), node)
            if self.state in ("offline", "gone"):
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), node)
            return Handle(node, self.instance, direct, self.size)

    @property
    def size(self) -> int:
        """Capacity in bytes of the drive that is there now."""
        return self.identity.size or 0

    def read(self, handle: Handle, offset: int, size: int) -> bytes:
        """Read as the drive would: bytes (short at the end of the disk) or OSError, now or much later."""
        sector = self.profile.sector_size
        with self._locked():
            record = Read(self._seq, self.cycles, handle.node, offset, size)
            self._seq += 1
            self._log.append(record)
            epoch = self._epoch
            if handle.direct and (offset % sector or size % sector):
                self._fail(record, "misaligned", errno.EINVAL)
            if handle.instance != self.instance:
                self._fail(record, "stale", errno.ENODEV)
            if self.state == "hung":
                self._changed.wait_for(lambda: self.state != "hung" or self._epoch != epoch)
                self._fail(record, "queued", errno.EIO)
            if self.state != "alive":
                self._fail(record, "dead", _DEAD_ERRNO.get(self.state, errno.EIO))
            size = min(size, max(0, self.size - offset))
            if size == 0:
                self._end(record, "ok")
                return b""
            index, failure, delay = self._decide(offset, size)
            source = self._source
            if delay > 0 and not self._work_for(delay, epoch):
                self._fail(record, "cut", errno.EIO)
            if failure is not None:
                record.fault = index
                self._happen(record, failure, epoch)
            self._end(record, "ok")
        if source is None:
            return _foreign(offset, size)
        data = os.pread(source, size, offset)
        return data + bytes(size - len(data))

    def violation(self, what: str, path: str) -> OSError:
        """Note an attempt to change the disk and give the error to raise for it: EROFS."""
        with self._locked():
            self.violations.append({"what": what, "path": path, "cycle": self.cycles, "after_read": self._seq})
        return OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    # -- faults -------------------------------------------------------------------------------------------------

    def _decide(self, offset: int, size: int) -> tuple[int, Fault | None, float]:
        """The fault at which this read fails (with its index), and the seconds it takes until then."""
        rate = self.profile.bytes_per_second
        delay = size / rate if rate else 0.0
        if not self.identity.same_drive(self.original):
            return -1, None, delay
        for index, fault in self._index.hits(offset, offset + size):
            inside = min(fault.end, offset + size) - max(fault.offset, offset)
            if isinstance(fault, Slow):
                delay += fault.seconds + (inside / fault.bytes_per_second if fault.bytes_per_second else 0.0)
            elif self._fires(index, fault, max(fault.offset, offset), inside):
                return index, fault, delay
        return -1, None, delay

    def _fires(self, index: int, fault: Fault, start: int, inside: int) -> bool:
        """Whether a touch of a fault from its byte `start` on makes the read fail; counts the touch."""
        if isinstance(fault, FailsNTimes):
            sector = self.profile.sector_size
            for at in range(start // sector, -(-(start + inside) // sector)):
                if self._touches[index, at] < fault.times:
                    self._touches[index, at] += 1
                    return True
            return False
        if isinstance(fault, Flaky):
            place = start // self.profile.sector_size
            self._touches[index, place] += 1
            return _draw(self.profile.seed, index, place, self._touches[index, place]) < fault.probability
        self._touches[index, -1] += 1
        times = fault.times if isinstance(fault, Hang | Drop) else None
        return times is None or self._touches[index, -1] <= times

    def _happen(self, record: Read, fault: Fault, epoch: int) -> None:
        """Let the read fail as its fault says; the lock is held."""
        if self._epoch != epoch or self.state != "alive":
            self._fail(record, "dead", _DEAD_ERRNO.get(self.state, errno.EIO))
        if isinstance(fault, Error | FailsNTimes):
            self._fail(record, "error", getattr(errno, fault.errno))
        if isinstance(fault, Drop) or (isinstance(fault, Flaky) and fault.outcome == "drop"):
            self._lose(fault.mode)
            self._fail(record, "drop", _DEAD_ERRNO.get(self.state, errno.EIO))
        if isinstance(fault, Hang) or (isinstance(fault, Flaky) and fault.outcome == "hang"):
            limit = fault.gives_up_after if isinstance(fault, Hang) else None
            self._lose("hung")
            record.outcome = "hang"
            if not self._changed.wait_for(lambda: self.state != "hung" or self._epoch != epoch, limit):
                self._lose("offline")
            self._fail(record, "hang", errno.EIO)
        self._fail(record, "error", errno.EIO)

    def _work_for(self, seconds: float, epoch: int) -> bool:
        """Keep the drive busy (it does one thing at a time); False when it was lost meanwhile."""
        until = max(time.monotonic(), self._busy_until) + seconds
        self._busy_until = until
        lost = self._changed.wait_for(
            lambda: self._epoch != epoch or self.state != "alive", max(0.0, until - time.monotonic())
        )
        return not lost

    def _lose(self, state: str) -> None:
        self.state = state
        self._changed.notify_all()

    def _end(self, record: Read, outcome: str) -> None:
        record.outcome = outcome
        self._outcomes[outcome] += 1

    def _fail(self, record: Read, outcome: str, number: int) -> None:
        self._end(record, outcome)
        raise OSError(number, os.strerror(number))

    # -- power and bus ------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Cut the power: hung and slow reads end with EIO, the node goes."""
        with self._locked():
            self._off()

    def power_on(self) -> None:
        """Give power again; counts as a cycle when it was off. The node is there after the settle time."""
        with self._locked():
            self._on()

    def power_cycle(self, off_seconds: float = 0.0) -> None:
        """Off and on. Without off and settle times nobody ever sees the node missing."""
        if off_seconds > 0:
            self.power_off()
            time.sleep(off_seconds)
            self.power_on()
            return
        with self._locked():
            self._off()
            self._on()

    def lose(self, mode: DropMode | str) -> None:
        """Make the drive fall off (offline, gone, removed) or hang (hung) now, without a read."""
        if mode not in ("offline", "gone", "removed", "hung"):
            raise ValueError(f"not a way to be lost: {mode!r}")
        with self._locked():
            if self.state in (*PRESENT, "removed"):
                self._lose(mode)

    def wait_until(self, states: Collection[str], timeout: float) -> bool:
        """Wait until the drive is in one of these states; False when the time ran out or it never will be."""
        deadline = time.monotonic() + timeout
        with self._locked():
            while self.state not in states and self.state != "closed":
                now = time.monotonic()
                if now >= deadline:
                    break
                settled = self._ready_at - now if self.state == "settling" else timeout
                self._changed.wait(max(0.001, min(settled, deadline - now)))
                self._advance()
            return self.state in states

    def close(self) -> None:
        """End everything: blocked reads come back with EIO, so do all later ones."""
        with self._locked():
            self._epoch += 1
            self._lose("closed")

    def _off(self) -> None:
        if self.state in ("closed", "off"):
            return
        self._epoch += 1
        self._lose("off")

    def _on(self) -> None:
        if self.state != "off":
            return
        power = self.profile.power
        self.cycles += 1
        self._busy_until = 0.0
        if power.dies_after_cycles is not None and self.cycles > power.dies_after_cycles:
            self._lose("dead")
            return
        change = power.returns.get(self.cycles, Return())
        before = (self.node, self.identity)
        name = change.name or (f"{self.profile.name}-{self.cycles + 1}" if power.rename else None)
        self.node = name or self.node
        self.identity = replace(self.identity, **dict(change.identity))  # type: ignore[arg-type]
        if change.image is not None:
            self._source = os.open(change.image, os.O_RDONLY | os.O_CLOEXEC)
            self._sources.append(self._source)
        elif not self.identity.same_drive(before[1]):
            self._source = self._fd if self.identity.same_drive(self.original) else None
        if (self.node, self.identity) != before or power.old_descriptors == "dead":
            self.instance += 1
        self._ready_at = time.monotonic() + power.settle_seconds
        self._lose("settling")
        self._advance()

    def _advance(self) -> None:
        """Let a settling drive appear when its time has come; the lock is held."""
        if self.state == "settling" and time.monotonic() >= self._ready_at:
            self._lose("alive")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._changed:
            self._advance()
            yield

    # -- what tests ask -----------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """State, power cycles, counters and identity as a JSON object."""
        with self._locked():
            return {
                "state": self.state,
                "node": self.node if self.state in PRESENT else None,
                "name": self.node,
                "instance": self.instance,
                "cycles": self.cycles,
                "in_flight": [
                    {"offset": r.offset, "size": r.size, "outcome": r.outcome}
                    for r in list(self._log)[-256:]
                    if r.outcome == "pending" or (r.outcome == "hang" and self.state == "hung")
                ],
                "reads": self._seq,
                "outcomes": dict(self._outcomes),
                "violations": len(self.violations),
                "identity": {**asdict(self.identity), "sector_size": self.profile.sector_size},
            }

    def reads(self, since: int = 0, limit: int = 100_000) -> list[Read]:
        """Up to `limit` reads in the log from number `since` on."""
        with self._locked():
            first = self._log[0].seq if self._log else 0
            skip = max(0, since - first)
            return [replace(r) for i, r in enumerate(self._log) if skip <= i < skip + limit]


class _FaultIndex:
    """Finds the faults that a read touches, in the order in which the drive meets them."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._borders = sorted({x for f in faults for x in (f.offset, f.end)})
        self._cover: list[list[int]] = [[] for _ in self._borders]
        for i, fault in enumerate(faults):
            first, behind = self._find(fault.offset), self._find(fault.end)
            for segment in range(first, behind):
                self._cover[segment].append(i)

    def _find(self, offset: int) -> int:
        return bisect_right(self._borders, offset) - 1

    def hits(self, start: int, end: int) -> list[tuple[int, Fault]]:
        """Index and fault of all that overlap [start, end), by where they are first met, then by their order."""
        if not self._borders:
            return []
        seen: dict[int, None] = {}
        for segment in range(max(0, self._find(start)), self._find(end - 1) + 1):
            seen.update(dict.fromkeys(self._cover[segment]))
        return [(i, self._faults[i]) for i in seen]


def _draw(seed: int, fault: int, sector: int, touch: int) -> float:
    """A number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.blake2b(f"{seed}/{fault}/{sector}/{touch}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _foreign(offset: int, size: int) -> bytes:
    """The bytes of a drive that is not the one we know."""
    text = b"OTHER DRIVE, NOT THE PATIENT. "
    start = offset % len(text)
    return (text * (size // len(text) + 2))[start : start + size]
