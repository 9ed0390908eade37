"""The App: themes, signals, the trimmed command palette, which screen opens what. Nothing about disks."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import Screen
from textual.signal import Signal

from engine.devices import Device
from engine.errors import RescueError
from engine.jobs import Job
from themes import sheets
from themes.palettes import DESCRIPTIONS, THEMES, choose
from tui import opening
from tui.filters import AsciiFilter
from tui.jobs_bridge import JobsBridge, JobsChanged
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.screens.too_small import TooSmallScreen
from tui.terminal import MIN_HEIGHT, MIN_WIDTH, Terminal
from tui.widgets.prompt_row import PromptRow

LOG = logging.getLogger(__name__)
HANGUP, TERMINATED = 128 + signal.SIGHUP, 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decided about the deck."""

    path: str | None = None
    map: str | None = None
    theme: str | None = None
    ascii: bool | None = None
    link: Literal["fast", "slow"] = "fast"
    mouse: bool = True

    @property
    def poll_s(self) -> float:
        """How often live screens look for news, in seconds."""
        return 2.0 if self.link == "slow" else 1.0


class DeckApp(App[None]):
    """The deck."""

    TITLE = "rescuedeck"
    CSS_PATH = sheets()
    BINDINGS = [*bindings("deck"), Binding("ctrl+c", "how_to_quit", show=False, system=True)]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    AUTO_FOCUS = "DataTable, RowList"

    def __init__(self, terminal: Terminal, options: Options | None = None) -> None:
        self.terminal = terminal
        self.options = options or Options()
        self.crash: BaseException | None = None
        self.jobs: tuple[Job, ...] = ()
        self.messages: deque[tuple[str, str]] = deque(maxlen=200)
        super().__init__()
        self.jobs_changed: Signal[tuple[Job, ...]] = Signal(self, "jobs")
        self.bridge = JobsBridge(self, self.options.poll_s)
        for name in list(self.available_themes):
            if name != self.theme:
                self.unregister_theme(name)
        for theme in THEMES.values():
            self.register_theme(theme)
        before, self.theme = self.theme, self._first_theme()
        self.unregister_theme(before)
        self._filters_of_ours = self._own_filters()

    def _first_theme(self) -> str:
        wanted = self.options.theme
        if self.no_color and wanted is None:
            return "mono"
        return wanted or choose(self.terminal.colours, slow=self.options.link == "slow")

    def _own_filters(self) -> list[LineFilter]:
        filters: list[LineFilter] = []
        if self.no_color:
            filters.append(NoColor())
        terminal, wanted = self.terminal, self.options.ascii
        if wanted or (wanted is None and not terminal.glyphs):
            filters.append(AsciiFilter(letters=bool(wanted) or not terminal.utf8))
        return filters

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
        from tui.screens.start import StartScreen

        self.push_screen(StartScreen())
        if self.options.path is not None:
            self.call_after_refresh(self.open_path, self.options.path, self.options.map)

    def _end(self, code: int) -> None:
        self.exit(return_code=int(code))

    def on_resize(self, event: events.Resize) -> None:
        """Below the smallest usable size one line says so, until there is room again."""
        small = event.size.width < MIN_WIDTH or event.size.height < MIN_HEIGHT
        shown = isinstance(self.screen, TooSmallScreen)
        if small and not shown:
            self.push_screen(TooSmallScreen())
        elif shown and not small:
            self.pop_screen()

    def on_unmount(self) -> None:
        """Nothing of ours goes on."""
        self.bridge.end()

    def on_jobs_changed(self, message: JobsChanged) -> None:
        """News of jobs, for whichever screens listen."""
        self.jobs = message.jobs
        self.jobs_changed.publish(message.jobs)

    def on_prompt_row_said(self, message: PromptRow.Said) -> None:
        """Keep what was said: a row is short."""
        self.messages.append((message.text, message.level))
        if message.level != "info":
            LOG.warning(message.text)

    def _open(self, make: Callable[[], DeckScreen]) -> None:
        try:
            self.push_screen(make())
        except RescueError as error:
            self.tell_error(error)

    def open_path(self, path: str, map: str | None = None) -> None:
        """Open whatever ``path`` is: a case, a job, an image (with its map), a map, a device."""
        self._open(lambda: opening.screen_for(path, map))

    def open_device(self, path: str | None) -> None:
        """The devices, with the cursor on one."""
        self._open(lambda: opening.devices_screen(path))

    def open_job(self, directory: Path) -> None:
        """Watch a job."""
        self._open(lambda: opening.job_screen(directory))

    def open_rescue(self, target: Path) -> None:
        """The live rescue screen on a case or a job directory."""
        self._open(lambda: opening.rescue_screen(target))

    def image_device(self, device: Device) -> None:
        """Choose case and options for imaging a device."""
        self._open(lambda: opening.imaging_screen(device))

    def set_up_rescue(self, case: Path) -> None:
        """Choose options for the next pass of a case."""
        self._open(lambda: opening.setup_screen(case))

    def tell_error(self, error: RescueError) -> None:
        """Show an error on the screen that is up."""
        if isinstance(self.screen, DeckScreen):
            self.screen.tell_error(error)
        else:
            LOG.warning(str(error))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: places and themes."""
        yield SystemCommand("Devices", "identity, health and use of every device", self.action_devices)
        yield SystemCommand("Jobs", "running and stopped jobs", self.action_jobs)
        yield SystemCommand("Help", "the keys of this screen", self.action_help)
        for name, description in DESCRIPTIONS.items():
            yield SystemCommand(f"Theme: {name}", description, lambda name=name: setattr(self, "theme", name))
        yield SystemCommand("Quit", "leave the deck; jobs go on", self.action_quit)

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
        self._open(opening.jobs_screen)

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
