"""What the kernel says of a drive while it is read: resets of the controller, commands given up, the node lost.

From ``/dev/kmsg`` where we may read it; where not, the error counters of sysfs have to do.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.devices.model import Device
from engine.host.roots import HERE, Roots

_MAX_RECORD = 8192
_MAX_RECORDS = 20_000


class Sign(StrEnum):
    """What a line of the kernel's log means for the drive."""

    RESET = "reset"  # the controller resets the link or the device and goes on
    TIMEOUT = "timeout"  # a command was not answered in time
    OFFLINE = "offline"  # the kernel has given the drive up
    GONE = "gone"  # it was unplugged or removed
    MEDIUM = "medium"  # an unreadable sector


_SIGNS = (
    (re.compile(r"rejecting I/O to (?:offline|dead) device|[Dd]evice offlined|device offline error"
                r"|: disable(?:d| device)$|controller is down"), Sign.OFFLINE),
    (re.compile(r"USB disconnect|DID_NO_CONNECT|SATA link down|Removing after probe failure"), Sign.GONE),
    (re.compile(r"DID_TIME_OUT|timeout, (?:aborting|reset|completion)|command timed out|qc timeout"), Sign.TIMEOUT),
    (re.compile(r"(?:hard|soft) resetting link|limiting (?:SATA link )?speed|NCQ disabled|device reset occurred"
                r"|eh_(?:abort|device_reset)_handler|reset (?:high|full|super|low)[- ]?[Ss]peed.* USB device"
                r"|reset controller|resetting controller"), Sign.RESET),
    (re.compile(r"Medium Error|Unrecovered read error|critical medium error"), Sign.MEDIUM),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """How the kernel's log names a drive: ``sdb``, ``1:0:0:0``, ``ata2``, ``nvme0``, ``2-1``."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, device: Device) -> Names:
        """All names of a disk."""
        port = device.port
        listed = [device.name, device.hctl]
        if port is not None:
            listed += [port.ata, port.nvme, port.usb]
        return cls(tuple(word for word in listed if word))

    def mentioned_in(self, text: str) -> bool:
        """Whether a line speaks of this drive."""
        return any(re.search(rf"(?<![\w-]){re.escape(word)}{_behind(word)}", text) for word in self.words)


def _behind(word: str) -> str:
    """What may not stand behind a name: ``sdb`` is in ``sdb1``, not in ``sdba``; ``2-1`` not in ``2-1.4`` (a hub)."""
    if word[-1].isalpha():
        return r"(?![A-Za-z_-])"
    return r"(?!\d|-|\.\d)" if "-" in word else r"(?![\d-])"


def sign_of(text: str, names: Names) -> Sign | None:
    """What a line of the kernel's log means for this drive; None when it is of another, or says nothing bad."""
    if not names.mentioned_in(text):
        return None
    return next((sign for pattern, sign in _SIGNS if pattern.search(text)), None)


def count(lines: Iterable[str], names: Names) -> dict[Sign, int]:
    """How often each sign is met in these lines."""
    found: dict[Sign, int] = {}
    for line in lines:
        sign = sign_of(line, names)
        if sign is not None:
            found[sign] = found.get(sign, 0) + 1
    return found


class KernelLog:
    """The kernel's messages from now on. Without the permission (or in a container) there are none: ``readable``."""

    def __init__(self, roots: Roots = HERE) -> None:
        self._fd = -1
        with contextlib.suppress(OSError):
            self._fd = os.open(Path(roots.dev) / "kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._fd, 0, os.SEEK_END)

    @property
    def readable(self) -> bool:
        """Whether the messages can be read at all."""
        return self._fd >= 0

    def lines(self) -> list[str]:
        """The messages since the last call, without their prefix. Never blocks."""
        found: list[str] = []
        while self._fd >= 0 and len(found) < _MAX_RECORDS:
            try:
                record = os.read(self._fd, _MAX_RECORD)
            except BlockingIOError:
                break
            except BrokenPipeError:  # messages were overwritten before we came: go on with the next
                continue
            except OSError:
                self.close()
                break
            if not record:
                break
            # further lines of a record begin with a blank: they are facts about the device, not text
            rows = record.decode("utf-8", "replace").split("\n")
            found += [row.partition(";")[2] for row in rows if row and not row.startswith(" ")]
        return found

    def close(self) -> None:
        """Let go of it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
