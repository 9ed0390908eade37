"""Plug-in and plug-out messages of the kernel, without root; where they cannot be had, time passes instead.

Netlink family 15 (kobject uevents), multicast group 1: the kernel's own messages, sent before udev has made its links.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from dataclasses import dataclass
from types import TracebackType

NETLINK_KOBJECT_UEVENT = 15
_KERNEL_GROUP = 1
_MAX_MESSAGE = 64 << 10


@dataclass(frozen=True, slots=True)
class Uevent:
    """One message: ``action`` (``add``, ``remove``, ``change``, ``offline``...), and where it happened."""

    action: str
    devpath: str
    subsystem: str
    name: str | None
    devtype: str | None
    diskseq: int | None


def parse_uevent(message: bytes) -> Uevent | None:
    """A kernel message (``add@/devices/...``, then NUL-separated ``KEY=value``); None for anything else (libudev's)."""
    head, _, rest = message.partition(b"\0")
    if b"@" not in head:
        return None
    values: dict[str, str] = {}
    for entry in rest.split(b"\0"):
        key, found, value = entry.partition(b"=")
        if found:
            values[key.decode("ascii", "replace")] = value.decode("utf-8", "backslashreplace")
    number = values.get("DISKSEQ", "")
    return Uevent(
        action=values.get("ACTION", head.partition(b"@")[0].decode("ascii", "replace")),
        devpath=values.get("DEVPATH", ""),
        subsystem=values.get("SUBSYSTEM", ""),
        name=values.get("DEVNAME"),
        devtype=values.get("DEVTYPE"),
        diskseq=int(number) if number.isdecimal() else None,
    )


class Uevents:
    """Listens for block device messages while it is open. ``listening`` is False when only polling is left."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        try:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
            self._socket = socket.socket(socket.AF_NETLINK, kind, NETLINK_KOBJECT_UEVENT)
            self._socket.bind((0, _KERNEL_GROUP))
            self._socket.setblocking(False)
        except (OSError, AttributeError):  # other systems, tight sandboxes: polling does as well
            self.close()

    @property
    def listening(self) -> bool:
        """Messages arrive; otherwise ``wait`` only lets time pass."""
        return self._socket is not None

    def wait(self, timeout_s: float) -> list[Uevent]:
        """Block device messages, as soon as there are some, or nothing after ``timeout_s`` seconds."""
        end = time.monotonic() + timeout_s
        if self._socket is None:
            time.sleep(max(0.0, timeout_s))
            return []
        while True:
            found = self._read()
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            select.select([self._socket], [], [], left)

    def _read(self) -> list[Uevent]:
        found = []
        while self._socket is not None:
            try:
                message, sender = self._socket.recvfrom(_MAX_MESSAGE)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # messages were lost: something happened, so look
                    found.append(Uevent("lost", "", "block", None, None, None))
                    continue
                self.close()
                break
            event = parse_uevent(message) if sender[0] == 0 else None  # 0: the kernel itself
            if event is not None and event.subsystem == "block":
                found.append(event)
        return found

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Uevents:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
