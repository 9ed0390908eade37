"""The line to the worker: whatever a worker that runs wild says, its owner takes it for dead and goes on."""

from __future__ import annotations

import json
import socket

import pytest

from engine.errors import DamagedError
from engine.filesystems import reader
from engine.source.extents import BytesSource

FACTS = {"type": 8, "block_size": 512, "blocks": 90, "root": 2, "first": 2, "last": 99, "id": "aa"}


def message(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "little") + payload


class Told(reader.Reader):
    """Its worker has said everything already, and hung up."""

    said = b""
    his: socket.socket | None = None

    def _start(self, kind: str | None) -> None:
        self.close()
        self._line, self.his = socket.socketpair()
        self._line.settimeout(1)
        self.his.send(self.said)
        self.his.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        super().close()
        if self.his is not None:
            self.his.close()


def told(said: bytes) -> Told:
    return type("It", (Told,), {"said": said})(BytesSource(bytes(4096)))


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b"[]", b"{}", b"[" * 5000, b"null", json.dumps({**FACTS, "root": None}).encode(),
     json.dumps({**FACTS, "blocks": float("inf")}).encode(), json.dumps({**FACTS, "type": "x"}).encode()],
)  # fmt: skip
def test_an_answer_that_is_none_opens_no_volume(payload):
    with pytest.raises(DamagedError, match="no file system"):
        told(message(b"O", payload) + message(b"D", b""))


@pytest.mark.parametrize(
    ("rows", "runs"),
    [(b"[[1]]", b""), (b"{}", b"x"), (b"[1]", b""), (b"\x80", b""), (b'[[2, "n", 1, 1, 1, 1, 1, 1, null]]', b""),
     (b'[[2, "n", 1, 1, 1, 1, null, [[1, 1, "", 1, 1, "x"]], null]]', b""), (b"[]", b"123")],
)  # fmt: skip
def test_rows_that_are_none_are_a_dead_worker(rows, runs):
    opened = message(b"O", json.dumps(FACTS).encode())
    with told(opened + message(b"F", rows) + message(b"X", runs)) as one, pytest.raises(reader.WorkerDied):
        list(one.list([2]))


def test_a_complaint_that_cannot_be_read():
    with pytest.raises(DamagedError, match="not understood"):
        told(message(b"E", b"\xff\xff"))
