"""The whole program in a real terminal: a private tmux server with one pane."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

CHECKOUT = Path(__file__).resolve().parents[2]
DECK = (sys.executable, "-m", "tui")
PATIENCE_S = 30.0


class Pane:
    """A program in tmux. Use it as a context manager: the server ends with it, and the program gets SIGHUP."""

    def __init__(
        self,
        argv: Sequence[str] = DECK,
        *,
        size: tuple[int, int] = (80, 24),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        unset: Sequence[str] = (),
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deck-"))
        self.raw = self.folder / "raw"
        self.raw.touch()
        self.ended = self.folder / "status"
        settings = {
            "TERM": "tmux-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT),
            "COLUMNS": "", "LINES": "", **(env or {}),
        }  # fmt: skip
        for name, value in os.environ.items():
            if name.startswith("XDG_") and name not in settings:
                settings[name] = value
        removed = [f"-u {name}" for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "COLUMNS", "LINES", *unset)]
        given = [f"{name}={shlex.quote(value)}" for name, value in settings.items() if value]
        # What the pane sends is recorded before the program starts.
        command = f"env {' '.join(removed)} {' '.join(given)} {shlex.join(argv)}"
        # tmux itself now and then never learns the exit status.
        line = f"sleep 0.3; {command}; echo $? >{self.folder}/status.part; mv {self.folder}/status.part {self.ended}"
        width, height = size
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "s", "-x", str(width), "-y", str(height),
            "-c", str(cwd or Path.cwd()), line, ";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "status",
            "off", ";", "set", "-sg", "escape-time", "0", ";", "set", "-g", "window-size", "manual", ";", "pipe-pane",
            "-t", "s", "-o", f"cat >> {self.raw}",
        )  # fmt: skip

    def __enter__(self) -> Pane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tmux(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self.folder / "socket"), *args], capture_output=True, text=True, timeout=30
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def text(self) -> str:
        """What is on show, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._tmux("capture-pane", "-p", "-t", "s").split("\n"))

    def styled(self) -> str:
        """What is on show, with its colour sequences."""
        return self._tmux("capture-pane", "-e", "-p", "-t", "s")

    def sent(self) -> bytes:
        """Every byte the program has sent so far."""
        return self.raw.read_bytes()

    @property
    def status(self) -> int:
        """Its exit status, once it has ended."""
        end = time.monotonic() + PATIENCE_S
        while not self.ended.exists():
            assert time.monotonic() < end, f"it does not end:\n{self.text()}"
            time.sleep(0.05)
        return int(self.ended.read_text())

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names; a single character is typed as it is."""
        for name in names:
            self._tmux("send-keys", "-t", "s", *(("-l", "--") if len(name) == 1 else ()), name)

    def type(self, text: str) -> None:
        """Type a text."""
        self._tmux("send-keys", "-t", "s", "-l", "--", text)

    def resize(self, width: int, height: int) -> None:
        """Another size of terminal."""
        self._tmux("resize-window", "-t", "s", "-x", str(width), "-y", str(height))

    def until(self, pattern: str) -> str:
        """Wait until the screen matches; the screen. Fails with the screen."""
        end = time.monotonic() + PATIENCE_S
        while True:
            shown = self.text()
            if re.search(pattern, shown, re.MULTILINE):
                return shown
            assert time.monotonic() < end, f"{pattern!r} never came:\n{shown}"
            time.sleep(0.05)

    def until_sent(self, piece: bytes) -> bytes:
        """Wait until the program has sent ``piece``; all it has sent. tmux wipes the screen of programs that end."""
        end = time.monotonic() + PATIENCE_S
        while piece not in self.sent():
            assert time.monotonic() < end, self.sent()[-2000:]
            time.sleep(0.05)
        return self.sent()

    def settled(self, quiet_s: float = 0.5) -> int:
        """Wait until nothing is sent for a while; the number of bytes sent so far."""
        end = time.monotonic() + PATIENCE_S
        before, since = len(self.sent()), time.monotonic()
        while time.monotonic() - since < quiet_s:
            assert time.monotonic() < end, "it never stops sending"
            time.sleep(0.05)
            now = len(self.sent())
            if now != before:
                before, since = now, time.monotonic()
        return before
