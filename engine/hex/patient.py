"""Looking at a drive itself: read by a small process of its own, in pieces, each waited for with a limit.

A drive that hangs holds up that process alone; the screen goes on and says that there was no answer. Nothing is read
ahead, nothing twice: a piece that was refused, or that brought no answer, stays unread.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import engine
from engine.errors import OutsideError
from engine.ranges import RangeSet
from engine.source.base import Buffer, ReadError, Source
from engine.tools import child_environment

ASK = struct.Struct("<QI")
ANSWER = struct.Struct("<cI")
PIECE = 4096
"""What is asked for at once when a page is shown: what a bad sector costs."""
_MOST = 1 << 20
TIMEOUT_S = 15.0
_ROOT = str(Path(engine.__file__).resolve().parents[1])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from engine.hex.patient_child import main; sys.exit(main())"


class PatientSource(Source):
    """A block device behind a child process. Reads may come from any thread; one is made at a time.

    After a read without an answer the child is left to itself and nothing is read any more (``silent``).
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout_s: float = TIMEOUT_S) -> None:
        """Open it. Raises ``OutsideError``: it cannot be opened, or gives no answer to that."""
        self.path, self._timeout = os.fspath(path), timeout_s
        self._lock = threading.Lock()
        self.silent = False
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, _ROOT, self.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=child_environment(), cwd="/",
            start_new_session=True, close_fds=True,
        )  # fmt: skip
        kind, data = self._answer()
        if kind != b"O":
            self.close()
            raise OutsideError(data.decode("utf-8", "replace") or "the device cannot be opened", path=path,
                               advice="check cable and power; image it first")  # fmt: skip
        self.size, self.sector_size = struct.unpack("<QI", data)

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.check_inside(offset, len(buffer))
        view = memoryview(buffer)
        with self._lock:
            for at in range(0, len(buffer), _MOST):
                size = min(_MOST, len(buffer) - at)
                view[at : at + size] = self._read(offset + at, size)
        return ()

    def _read(self, offset: int, size: int) -> bytes:
        if self.silent:
            raise ReadError("the drive gave no answer: nothing is read from it any more", code="device-silent",
                            path=self.path, offset=offset, advice="image it; a rescue copes with that")  # fmt: skip
        stdin = self._child.stdin
        assert stdin is not None
        try:
            stdin.write(ASK.pack(offset, size))
            stdin.flush()
        except OSError:
            self.silent = True
        kind, data = self._answer() if not self.silent else (b"", b"")
        if kind != b"D" or len(data) != size:
            words = data.decode("utf-8", "replace") if kind == b"E" else "no answer from the drive"
            raise ReadError(words, path=self.path, offset=offset, advice="image the drive first")
        return data

    def _answer(self) -> tuple[bytes, bytes]:
        """The next message of the child; empty when none came in time."""
        head = self._wait(ANSWER.size, time.monotonic() + self._timeout)
        if head is None:
            return b"", b""
        kind, size = ANSWER.unpack(head)
        data = self._wait(size, time.monotonic() + self._timeout)
        return (kind, data) if data is not None else (b"", b"")

    def _wait(self, size: int, until: float) -> bytes | None:
        stdout = self._child.stdout
        assert stdout is not None
        data = b""
        while len(data) < size:
            ready, _, _ = select.select([stdout], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(stdout.fileno(), size - len(data)) if ready else b""
            if not piece:
                self.silent = True
                self._child.kill()  # a process stuck in the kernel goes when the drive lets go; it is not waited for
                return None
            data += piece
        return data

    def close(self) -> None:
        self.silent = True
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except OSError:
                    pass  # the other end has gone before: there is nothing left to give back
        self._child.kill()
        try:
            self._child.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            pass  # stuck in the kernel: it ends when the drive answers or goes
