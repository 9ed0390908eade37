"""The App: themes, signals, the trimmed command palette, which screen opens what. Nothing about disks."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter, Monochrome
from textual.geometry import Size
from textual.screen import Screen
from textual.signal import Signal

from engine.jobs import Job
from themes import sheets
from themes.palettes import THEMES, choose
from tui import palette
from tui.filters import filters_for
from tui.jobs_bridge import JobsBridge, JobsChanged
from tui.keys import bindings
from tui.lean_driver import LeanDriver, lean_driver
from tui.opener import Opener
from tui.options import Options
from tui.screens.base import DeckScreen
from tui.screens.start import StartScreen
from tui.screens.too_small import TooSmallScreen
from tui.terminal import MIN_HEIGHT, MIN_WIDTH, Terminal
from tui.widgets.prompt_row import PromptRow

__all__ = ["DeckApp", "Options"]

LOG = logging.getLogger(__name__)
HANGUP, TERMINATED = 128 + signal.SIGHUP, 128 + signal.SIGTERM


class DeckApp(Opener):
    """The deck."""

    TITLE = "rescuedeck"
    CSS_PATH = sheets()
    BINDINGS = [*bindings("deck"), Binding("ctrl+c", "how_to_quit", show=False, system=True)]
    COMMAND_PALETTE_BINDING = "ctrl+p"
    AUTO_FOCUS = "DataTable, RowList"

    def __init__(self, terminal: Terminal, options: Options | None = None) -> None:
        self.terminal = terminal
        self.options = options or Options()
        self.crash: BaseException | None = None
        self.jobs: tuple[Job, ...] = ()
        self.job_problems: tuple[tuple[str, str], ...] = ()
        self.messages: deque[tuple[str, str]] = deque(maxlen=200)
        super().__init__(driver_class=lean_driver())
        self.jobs_changed: Signal[tuple[Job, ...]] = Signal(self, "jobs")
        self.start = StartScreen()
        self.bridge = JobsBridge(self, self.options.poll_s)
        for name in list(self.available_themes):
            if name != self.theme:
                self.unregister_theme(name)
        for theme in THEMES.values():
            self.register_theme(theme)
        first = "mono" if self.no_color else choose(terminal.colours, slow=self.options.link == "slow")
        before, self.theme = self.theme, self.options.theme or first
        self.unregister_theme(before)
        self._filters_of_ours = filters_for(terminal, ascii=self.options.ascii, no_color=self.no_color)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, but for NO_COLOR no colour at all instead of shades of grey, and ASCII where needed."""
        plain = [line_filter for line_filter in super().get_line_filters() if not isinstance(line_filter, Monochrome)]
        return [*plain, *self._filters_of_ours]

    def on_mount(self) -> None:
        """Handlers for a lost terminal, then the first screen."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number, code in ((signal.SIGHUP, HANGUP), (signal.SIGTERM, TERMINATED)):
                loop.add_signal_handler(number, self._end, code)
        self.bridge.start()
        self.push_screen(self.start)
        self.call_after_refresh(self.check_size)
        if self.options.path is not None:
            self.call_after_refresh(self.open_path, self.options.path, self.options.map)

    def _end(self, code: int) -> None:
        if code == HANGUP and isinstance(self._driver, LeanDriver):
            self._driver.lose_line()
        self.exit(return_code=int(code))

    def on_resize(self, event: events.Resize) -> None:
        """Below the smallest usable size one line says so, until there is room again."""
        self._forget_terminal()
        if len(self.screen_stack) > 1:
            self.check_size(event.size)

    def _forget_terminal(self) -> None:
        """What the terminal shows is not known any more: the next frame is sent whole."""
        if isinstance(self._driver, LeanDriver):
            self._driver.forget_screen()

    def action_redraw(self) -> None:
        """Another program has written over the screen, or the line has garbled it."""
        self._forget_terminal()
        self.screen.refresh()

    def check_size(self, size: Size | None = None) -> None:
        """Cover what is up where the terminal is too small, uncover it where it is not."""
        width, height = size or self.size
        small = width < MIN_WIDTH or height < MIN_HEIGHT
        shown = isinstance(self.screen, TooSmallScreen)
        if small and not shown:
            self.push_screen(TooSmallScreen())
        elif shown and not small:
            self.pop_screen()

    def on_unmount(self) -> None:
        """Nothing of ours goes on."""
        self.bridge.end()

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """Screens that shine through the one on top: none below an opaque one.

        Textual counts one of those as well, and sends the whole screen again (10 kB) whenever that one wakes up.
        """
        return [] if self.screen.styles.background.a == 1 else super()._background_screens

    async def on_key(self, event: events.Key) -> None:
        """What is typed ahead of a question answers it: a slow line brings several keys at once, and the second was on
        its way to the widget that had the focus before."""
        screen = self.screen
        if isinstance(screen, DeckScreen) and screen.prompt.busy and event.is_printable:
            event.prevent_default()
            await screen.prompt.take(event)

    def on_jobs_changed(self, message: JobsChanged) -> None:
        """News of jobs, for whichever screens listen."""
        self.jobs, self.job_problems = message.jobs, message.problems
        self.jobs_changed.publish(message.jobs)

    def on_prompt_row_said(self, message: PromptRow.Said) -> None:
        """Keep what was said: a row is short."""
        self.messages.append((message.text, message.level))
        if message.level != "info":
            LOG.warning(message.text)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: places and themes."""
        return palette.commands(self, screen)

    def action_help(self) -> None:
        """Keys and purpose of the screen that is up."""
        from tui.screens.help import HelpScreen

        if isinstance(self.screen, DeckScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_messages(self) -> None:
        """What was said in this session."""
        from tui.dialogs.messages import MessagesDialog

        if isinstance(self.screen, DeckScreen):
            self.push_screen(MessagesDialog(tuple(self.messages)))

    def action_jobs(self) -> None:
        """All jobs."""
        self.open_jobs()

    def action_devices(self) -> None:
        """All devices."""
        self.open_device(None)

    def action_how_to_quit(self) -> None:
        """Ctrl+C does not quit by accident; it says what does."""
        if isinstance(self.screen, DeckScreen):
            self.screen.say("q goes back, Ctrl+Q leaves the deck (jobs go on)")

    def _handle_exception(self, error: Exception) -> None:
        self.crash = self.crash or error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables, which can hold a client's data.
        self.bell()
        self._close_messages_no_wait()
