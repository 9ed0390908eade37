"""The next run in full: which phases of ddrescue read what, in which order, and what is left out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from engine.errors import RescueError
from engine.mapedit import preview_run
from engine.rescue.capabilities import probe
from engine.rescue.command import arguments
from engine.rescue.options import RescueOptions
from engine.text import safe_text
from tui import background
from tui.editor import words
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Section

if TYPE_CHECKING:
    from engine.mapfile.nextrun import NextRun
    from tui.editor.editing import Editing

_RETRIES = (0, 1, 3)


class MapNextRunScreen(DeckScreen):
    """A forecast; nothing is started from here."""

    TITLE = "next run"
    SCOPES = ("nextrun", "list")
    BINDINGS = bindings("nextrun")
    HELP = (
        "What one run of ddrescue would read of the map as it is in the editor, if nothing fails: phase by phase in "
        "their order, with the ranges, and what the status line keeps the run from. The keys turn ddrescue's options "
        "on and off to see what they change; the command line below follows them. A drive that fails makes more of "
        "it: what fails in one phase is met again in the next ones."
    )

    def __init__(self, editing: Editing, image: str | None) -> None:
        super().__init__(editing.document.path.name)
        self._editing = editing
        self._options = RescueOptions()
        self._image = image
        self._command = ""
        self._looks: background.Latest[tuple[NextRun, str]] = background.Latest()
        self._words = Static("", markup=False, id="nextrun-words")
        self._list = RowList(id="nextrun-list")
        self._line = Static("", markup=False, id="nextrun-command")

    def body(self) -> Iterable[Widget]:
        """What to watch out for and the phases, the ranges of each, and the command line."""
        yield self._words
        yield self._list
        yield self._line

    def on_mount(self) -> None:
        """Forecast."""
        self._forecast()

    def _forecast(self) -> None:
        map_, document, options = self._editing.map, self._editing.document, self._options
        case = document.case
        source = (case.source_path if case is not None else None) or "SOURCE"
        image = (str(case.image) if case is not None else self._image) or "IMAGE"
        paths = (source, image, str(document.path))
        self._looks.start(
            self, lambda: (preview_run(map_, options, document.size), command_line(options, paths)), self._take
        )

    def _take(self, found: tuple[NextRun, str]) -> None:
        run, self._command = found
        self._words.set_class(bool(run.never), "-danger")
        self._words.update("\n".join((*run.warnings, *numbered(run.words))))
        self._list.show(run_sections(run, self._editing.sector))
        self._line.update(self._command)

    def action_turn(self, name: str) -> None:
        """An option on or off."""
        self._options = self._options.with_values(**{name: not self._options.get(name)})
        self._forecast()

    def action_retries(self) -> None:
        """More retries, then none."""
        now = self._options.retry_passes or 0
        following = _RETRIES[(_RETRIES.index(now) + 1) % len(_RETRIES)]
        self._options = self._options.with_values(retry_passes=following or None)
        self._forecast()

    def action_copy(self) -> None:
        """The command line."""
        self.app.copy_to_clipboard(self._command)
        self.say("the command line is on the clipboard, if the terminal has one")


def command_line(options: RescueOptions, paths: tuple[str, str, str]) -> str:
    """The command as the installed ddrescue takes it, to be typed in a shell."""
    try:
        found = arguments(probe(), options)
    except RescueError as error:
        return error.message
    return safe_text(shlex.join(["ddrescue", *found, *paths]), 8192)


def numbered(lines: Sequence[str]) -> list[str]:
    """``1. ...``, ``2. ...``; a single line stays as it is."""
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)] if len(lines) > 1 else list(lines)


def run_sections(run: NextRun, sector: int) -> list[Section]:
    """What is left out first, then what each phase reads."""
    sections = []
    if run.never:
        rows = tuple(words.range_rows("never", run.never, sector))
        sections.append(Section("NEVER READ BY THIS RUN", words.PLACES, rows))
    elif run.left_out:
        rows = tuple(words.range_rows("later", run.left_out, sector))
        sections.append(Section("ONLY IN LATER PASSES", words.PLACES, rows))
    for number, phase in enumerate(run.phases, 1):
        rows = tuple(words.range_rows(f"{number}", phase.ranges, sector))
        sections.append(Section(f"{number}. {phase.name.upper()}", words.PLACES, rows))
    return sections
