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

    def write(self, data: str) -> None:
        """Send what differs from what the terminal shows."""
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
