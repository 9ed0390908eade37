"""The terminal driver with the filter that lets only differences through."""

from __future__ import annotations

import os

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from tui.lean import LeanScreen


def lean_driver() -> type[Driver] | None:
    """The driver for a terminal of ours; None where the person has chosen another one for Textual (a browser)."""
    return None if os.environ.get("TEXTUAL_DRIVER") else LeanDriver


class LeanDriver(LinuxDriver):
    """Textual's driver for terminals; what it writes goes through a ``LeanScreen``."""

    _lean: LeanScreen | None = None
    _line_lost = False

    def lose_line(self) -> None:
        """The terminal is gone: nothing is sent any more, so that nothing waits for it."""
        self._line_lost = True

    @property
    def _can_send(self) -> bool:
        """Whether somebody takes what is written: the thread that sends dies of its first write to a lost line, and
        its queue, once full, would hold up the whole program."""
        return not self._line_lost and self._writer_thread is not None and self._writer_thread.is_alive()

    def _sigcont_application(self, *_: object) -> None:
        """Continue after Ctrl+Z only. A hang-up comes with SIGCONT as well: Textual would then enter the terminal once
        more, which is not there, and never end."""
        if self._must_signal_resume:
            super()._sigcont_application()

    def close(self) -> None:
        """Let the sending thread end, if there is one."""
        if self._can_send:
            super().close()

    def write(self, data: str) -> None:
        """Send what differs from what the terminal shows."""
        if not self._can_send:
            return
        try:
            width, height = os.get_terminal_size(self._file.fileno() if self._file is not None else 2)
        except (OSError, ValueError):
            self._lean = None
            super().write(data)
            return
        if self._lean is None:
            self._lean = LeanScreen(width, height)
        elif (width, height) != (self._lean.width, self._lean.height):
            self._lean.resize(width, height)
        lean = self._lean.feed(data)
        if lean:
            super().write(lean)

    def forget_screen(self) -> None:
        """The terminal may show something else than we think (it was resized, or another program wrote to it)."""
        if self._lean is not None:
            self._lean.forget()
