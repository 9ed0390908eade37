"""What the worker process and its owner say to each other: framed messages over a socket, never pickles.

The worker runs a C library over hostile bytes. Whatever it sends is checked like a file from a disk.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEAD = struct.Struct("<cI")
READ = struct.Struct("<QI")
MAX_MESSAGE = 256 << 20
MAX_READ = 64 << 20


class Gone(Exception):  # noqa: N818 - not an error by itself: the other side has ended
    """The other side has closed the line."""


def send(line: socket.socket, kind: bytes, payload: bytes = b"") -> None:
    """One message. Raises ``Gone``."""
    try:
        line.sendall(HEAD.pack(kind, len(payload)) + payload)
    except OSError as error:
        raise Gone from error


def send_json(line: socket.socket, kind: bytes, value: Any) -> None:
    """One message with a JSON value."""
    send(line, kind, json.dumps(value).encode("ascii"))


def receive(line: socket.socket) -> tuple[bytes, bytes]:
    """The next message as (kind, payload). Raises ``Gone``, ``ValueError`` (too long), ``TimeoutError``."""
    kind, size = HEAD.unpack(exactly(line, HEAD.size))
    if size > MAX_MESSAGE:
        raise ValueError("a message of the worker is too long")
    return kind, exactly(line, size)


def exactly(line: socket.socket, size: int) -> bytes:
    """``size`` bytes. Raises ``Gone``, ``TimeoutError``."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            count = line.recv_into(view)
        except TimeoutError:
            raise
        except OSError as error:
            raise Gone from error
        if not count:
            raise Gone
        view = view[count:]
    return bytes(data)
