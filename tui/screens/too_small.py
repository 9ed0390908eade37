"""One line where the terminal is too small for anything else."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from tui.terminal import MIN_HEIGHT, MIN_WIDTH


class TooSmallScreen(Screen[None]):
    """Covers the deck until the terminal has grown; nothing behind it is lost."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static(self._text(), id="too-small", markup=False)

    def on_screen_resume(self) -> None:
        """It was covered meanwhile, and the terminal has grown: nothing to say any more."""
        size = self.app.size
        if size.width >= MIN_WIDTH and size.height >= MIN_HEIGHT:
            self.app.pop_screen()

    def on_resize(self) -> None:
        """Keep the numbers true."""
        self.query_one("#too-small", Static).update(self._text())

    def _text(self) -> str:
        size = self.app.size
        return f"terminal too small: {size.width}x{size.height}, need {MIN_WIDTH}x{MIN_HEIGHT}"
