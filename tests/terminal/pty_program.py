"""A program on a pseudo-terminal of ours, whose end we can cut: for signals and exit codes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from tests.terminal.tmux import CHECKOUT, DECK, PATIENCE_S


class PtyProgram:
    """Runs ``argv`` as leader of a session with its own terminal; everything it sends is kept."""

    def __init__(
        self, argv: Sequence[str] = DECK, *, env: Mapping[str, str] | None = None, size: tuple[int, int] = (80, 24)
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        settings = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        settings |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT), **(env or {})}
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=settings,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._sent = bytearray()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # A read that waits would hold the terminal open behind the back of the one that closes it.
        while not self._closing.is_set():
            if not select.select([self.master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self._sent += data

    def __enter__(self) -> PtyProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)

    @property
    def sent(self) -> bytes:
        """What it has sent."""
        return bytes(self._sent)

    def until(self, piece: bytes) -> None:
        """Wait until it has sent ``piece``."""
        end = time.monotonic() + PATIENCE_S
        while piece not in self._sent:
            assert time.monotonic() < end, self.sent[-2000:]
            time.sleep(0.02)

    def write(self, data: bytes) -> None:
        """Press keys."""
        os.write(self.master, data)

    def hang_up(self) -> None:
        """Cut the line: the kernel sends SIGHUP to the program."""
        if self.master >= 0:
            self._closing.set()
            self._reader.join(PATIENCE_S)
            master, self.master = self.master, -1
            os.close(master)

    def wait(self) -> int:
        """Its exit status."""
        return self.process.wait(PATIENCE_S)
