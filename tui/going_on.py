"""From what comes next in a case to the screen that does it; the same for every screen that offers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases.case import is_case, load_case
from engine.cases.next_steps import State, Step, next_steps
from engine.cases.state import state_of
from engine.errors import RescueError
from engine.jobs import Job, list_jobs, resume
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.next_words import step_line

if TYPE_CHECKING:
    from tui.screens.base import DeckScreen

Own = Callable[[Step], tuple[str, Callable[[], None]] | None]
"""A screen's own way to do a step: what it is called there, and the call; None: the usual way."""


@dataclass(slots=True)
class Ahead:
    """Looks what comes next for a case, or an image under a map, and has the screen offer it."""

    screen: DeckScreen
    path: Path
    map: Path | None = None
    own: Own | None = None
    step: Step | None = None
    """What was found last."""
    state: State | None = None
    """What it was found from."""
    _looks: background.Latest[State] | None = None

    def look(self) -> None:
        """In the background; what cannot be looked at offers nothing, other parts of the screen tell why."""
        if not is_case(self.path) and not self.path.is_file():
            return  # a device is not read here
        self._looks = self._looks or background.Latest()
        self._looks.start(self.screen, lambda: state_of(self.path, self.map), self._take, self._failed)

    def _failed(self, _error: RescueError) -> None:
        self.screen.offer("", None)

    def _take(self, state: State) -> None:
        self.state = state
        steps = next_steps(state)
        self.show(steps[0] if steps else None)

    def again(self) -> None:
        """Offer what was found last: the screen does it in another way now."""
        self.show(self.step)

    def show(self, step: Step | None) -> None:
        """Offer this step."""
        self.step = step
        if step is None:
            self.screen.offer("", None)
            return
        known = step
        if step.id == "done":
            self.screen.offer(step_line(step), None)
            return
        own = self.own(step) if self.own is not None else None
        words, then = own or (step_line(step), lambda: go(self.screen, known, self.path, self.map))
        self.screen.offer(words, then)


def go(screen: DeckScreen, step: Step, path: Path, map: Path | None = None) -> None:
    """Do a step where it is usually done."""
    deck = screen.deck
    if step.id == "choose-drive":
        deck.open_device(None)
    elif step.id == "rescue":
        deck.set_up_rescue(path)
    elif step.id == "watch":
        deck.open_rescue(path)
    elif step.id == "resume":
        _resume(screen, path)
    elif step.id == "mend-map":
        case = load_case(path)
        deck.edit_map(case.map, case)
    elif step.id in ("list-files", "retry", "extract"):
        deck.open_files(path, map, step.volume)
    elif step.id == "recordings":
        deck.open_recordings(path, map)
    elif step.id == "carve":
        deck.open_carving(path, map)
    elif step.id == "partitions":
        deck.open_partitions(path, map)
    elif step.id == "report" and is_case(path):
        ask_report(screen, path)


def _resume(screen: DeckScreen, case: Path) -> None:
    def work() -> Job | None:
        jobs = [job for job in list_jobs(load_case(case).jobs_dir).jobs if job.kind == "rescue" and not job.live]
        newest = max(jobs, key=lambda job: (job.created, job.id), default=None)
        return None if newest is None or not newest.resumable else resume(newest.directory)

    def then(job: Job | None) -> None:
        screen.deck.bridge.look_now()
        if job is not None:
            screen.deck.open_job(job.directory)

    screen.say("starting ...")
    background.start(screen, work, then)


def ask_report(screen: DeckScreen, case: Path, then: Callable[[], None] | None = None) -> None:
    """Ask where the report of a case goes, and write it."""
    from engine.report.steps import note
    from engine.report.writing import write_report

    def write(path: Path) -> str:
        told = write_report(case, path, replace=True)
        note(case, path)
        return told

    def written(path: Path, told: str) -> None:
        screen.say(f"{path}: {told}")
        if then is not None:
            then()

    def take(text: str) -> None:
        if text.strip():
            path = written_path(text)
            screen.say("reading the case ...")
            background.start(screen, lambda: write(path), lambda told: written(path, told))

    place = str(case / "report.html")
    screen.prompt.read("report (.html or .md) to:", take, value=place, complete=complete_path)
