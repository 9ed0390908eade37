"""The frame every screen stands in: title row, body, prompt row, key row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from engine.errors import RescueError, outside
from engine.jobs.model import Job
from tui.background import Failed, Finished
from tui.keys import BY_ID, bindings
from tui.widgets.key_row import KeyRow
from tui.widgets.prompt_row import Level, PromptRow
from tui.widgets.title_row import TitleRow

if TYPE_CHECKING:
    from tui.app import DeckApp


class DeckScreen(Screen[None]):
    """A screen of the deck. Subclasses set ``SCOPES``, ``TITLE`` and ``HELP`` and yield their body from ``body``."""

    BINDINGS = bindings("screen")
    SCOPES: ClassVar[tuple[str, ...]] = ()
    """Scopes of the key table that the help screen shows for this screen, its own first."""
    HELP: ClassVar[str] = ""
    """What is this screen for: a paragraph for the help screen."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As Textual's, but moving the focus does not send the whole screen again (4 kB)."""

    def __init__(self, subject: str = "") -> None:
        super().__init__()
        self._title_row = TitleRow()
        self._title_row.name_text = self.TITLE or ""
        self._title_row.subject = subject
        self.prompt = PromptRow()
        self._take_jobs_news: Callable[[tuple[Job, ...]], None] | None = None
        self._next_step: Callable[[], None] | None = None

    @property
    def deck(self) -> DeckApp:
        """The app, with its own type."""
        return cast("DeckApp", self.app)

    def body(self) -> Iterable[Widget]:
        """The widgets between title row and prompt row."""
        return ()

    def compose(self) -> ComposeResult:
        """The frame around ``body``."""
        yield self._title_row
        yield Vertical(*self.body(), id="body")
        yield self.prompt
        yield KeyRow()

    def set_subject(self, subject: str) -> None:
        """Which case or source this screen is about; made safe by the row."""
        self._title_row.subject = subject

    def set_writes(self, target: str) -> None:
        """Name the medium that may be written to; empty: READ ONLY."""
        self._title_row.writes = target

    @property
    def on_top(self) -> bool:
        """Whether this is the screen that is seen. Textual's ``is_current`` counts the one below as well, and what
        changes there is sent to the terminal again as a part of this one."""
        return self.app.screen is self

    def follow_jobs(self, take: Callable[[tuple[Job, ...]], None]) -> None:
        """Give ``take`` the jobs now, when they change while this screen is on top, and when it comes on top again."""
        self._take_jobs_news = take
        self.deck.jobs_changed.subscribe(self, self._jobs_news)
        take(self.deck.jobs)

    def on_unmount(self) -> None:
        """Let go of the jobs: a screen that is subscribed stays in memory until jobs change the next time."""
        self.deck.jobs_changed.unsubscribe(self)

    def _jobs_news(self, jobs: tuple[Job, ...]) -> None:
        if self._take_jobs_news is not None and self.on_top:
            self._take_jobs_news(jobs)

    def on_screen_resume(self) -> None:
        """Catch up with the jobs."""
        if self._take_jobs_news is not None:
            self._take_jobs_news(self.deck.jobs)

    def offer(self, words: str, then: Callable[[], None] | None, key: str = "") -> None:
        """What comes next, in the prompt row; no words: nothing. ``then`` is done by the key for it, in every screen
        the same one; without it ``key`` is shown, one of the screen's own that must not be pressed by habit."""
        self._next_step = then if words else None
        self.prompt.offer(words, BY_ID["screen.go_on"].display if then is not None else key)

    def action_go_on(self) -> None:
        """Do what is offered as next."""
        if self._next_step is not None:
            self._next_step()
        else:
            self.say("nothing is offered as next here")

    def say(self, text: str, level: Level = "info") -> None:
        """A message in the prompt row."""
        self.prompt.say(text, level)

    def tell_error(self, error: RescueError) -> None:
        """An error a person can act on, in the prompt row and in the log."""
        self.prompt.say(str(error), "error")

    def on_finished(self, message: Finished) -> None:
        """Background work of this screen has a result."""
        message.stop()
        message.deliver()

    def on_failed(self, message: Failed) -> None:
        """Background work failed: tell what a person can act on, end on a fault of ours."""
        message.stop()
        error = message.error
        if isinstance(error, OSError):  # the disk under a case can fail at any look; the deck is needed then
            error = outside(error, "cannot look at the files", error.filename)
        if not isinstance(error, RescueError):
            raise error
        self.tell_error(error)

    def commands(self) -> Iterable[tuple[str, str, Callable[[], None]]]:
        """What this screen adds to the palette: name, help, what it does."""
        return ()

    def action_back(self) -> None:
        """Back to the screen before."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
