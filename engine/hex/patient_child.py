"""The child process of ``patient``: opens one device read-only, answers reads on a pipe until it is closed."""

from __future__ import annotations

import struct
import sys

from engine.errors import RescueError
from engine.hex.patient import ANSWER, ASK
from engine.source.device import DeviceSource

_MOST = 1 << 20


def main() -> int:
    """Open, answer, end with the pipe."""
    try:
        source = DeviceSource(sys.argv[-1])
    except RescueError as error:
        _tell(b"E", str(error).encode("utf-8", "replace")[:4096])
        return 1
    _tell(b"O", struct.pack("<QI", source.size, source.sector_size))
    with source:
        while len(head := sys.stdin.buffer.read(ASK.size)) == ASK.size:
            offset, size = ASK.unpack(head)
            try:
                if not 0 < size <= _MOST or offset + size > source.size:
                    raise RescueError("outside of the device")
                reading = source.read(offset, size)
            except RescueError as error:
                _tell(b"E", error.message.encode("utf-8", "replace")[:4096])
            else:
                _tell(b"D", reading.data)
    return 0


def _tell(kind: bytes, data: bytes) -> None:
    out = sys.stdout.buffer
    out.write(ANSWER.pack(kind, len(data)) + data)
    out.flush()
