"""Many documents at once: the job's table of outcomes as it grows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.widget import Widget

from engine import jobs
from engine.cases.documents import OUTCOMES, Outcome
from engine.errors import RescueError
from engine.jobs.documents import load_outcomes, summary
from engine.text import format_size, safe_text
from tui import background
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import percent

_STYLES = {
    "right": "", "repaired": "row--good", "partly": "row--warning", "streams": "row--warning", "failed": "row--danger",
    "none": "row--soft", "error": "row--danger",
}  # fmt: skip
_COLUMNS = (
    Column("state", 9), Column("kind", 10), Column("streams", 8, right=True), Column("missing", 9, right=True),
    Column("document", 60, flex=True, least=16, path=True), Column("", 200, flex=True, least=8),
)  # fmt: skip
_SHOWN = 5000


class Ole2ManyScreen(DeckScreen):
    """What came of each document; Enter opens one."""

    TITLE = "documents"
    SCOPES = ("ole2many", "list")
    BINDINGS = bindings("ole2many")
    HELP = (
        "Every document that the job has looked at: right as it is, repaired and whole, repaired with parts missing or "
        "guessed, saved as streams only, or not to be helped. The job goes on when this screen is closed. Enter opens "
        "a document in the wizard."
    )

    def __init__(self, directory: Path) -> None:
        super().__init__(str(directory))
        self._directory = directory
        self._list = RowList(id="ole2-list")
        self._facts = Facts(label_width=8, id="ole2-said")
        self._outcomes: list[Outcome] = []
        self._live = True

    def body(self) -> Iterable[Widget]:
        """Table and facts."""
        yield self._list
        yield self._facts

    def on_mount(self) -> None:
        """Follow the job once a second."""
        self._list.focus()
        self._read()
        self.set_interval(1.0, self._follow)

    def _follow(self) -> None:
        if self._live:
            self._read()

    def _read(self) -> None:
        background.start(self, self._load, self._take, self._failed)

    def _load(self) -> tuple[jobs.Job, list[Outcome]]:
        return jobs.load(self._directory), load_outcomes(self._directory)

    def _failed(self, error: RescueError) -> None:
        self._live = False
        self.tell_error(error)

    def _take(self, loaded: tuple[jobs.Job, list[Outcome]]) -> None:
        job, self._outcomes = loaded
        self._live = job.live
        rows = tuple(self._row(number, one) for number, one in enumerate(self._outcomes[-_SHOWN:]))
        self._list.show([Section("outcomes", _COLUMNS, rows, "none yet")])
        counts = summary(self._outcomes)
        done = job.progress.done
        how = percent(done, job.progress.total) if job.progress.total else ""
        state = f"{done} of {job.progress.total} {how}" if job.live else str(job.state)
        listed = ", ".join(f"{counts[state]} {words}" for state, words in OUTCOMES.items() if counts.get(state))
        facts: list[Fact] = [("job", f"{state}  {safe_text(job.message, 60)}"), ("so far", listed or "nothing yet")]
        if job.error is not None:
            facts.append(("error", Cell(job.error.message, "row--danger")))
        self._facts.show(facts)
        self.refresh_bindings()

    def _row(self, number: int, one: Outcome) -> Row:
        missing = format_size(one.missing_bytes) if one.missing_bytes else ""
        streams = f"{one.streams_ok}/{one.streams}" if one.streams else ""
        return Row(f"o{number}", (
            Cell(one.state, _STYLES.get(one.state, "")), one.kind, streams, missing, safe_text(one.place.title),
            safe_text(one.words),
        ))  # fmt: skip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a job that runs can be stopped."""
        if action == "stop":
            return True if self._live else None
        return True

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_open()

    def action_open(self) -> None:
        """The document under the cursor in the wizard."""
        row = self._list.chosen
        if row is None:
            return
        from tui.screens.ole2 import Ole2Screen

        place = self._outcomes[-_SHOWN:][int(row.id[1:])].place
        window = None if place.start is None or place.size is None else (place.start, place.start + place.size)
        self.app.push_screen(Ole2Screen(Path(place.path), None, window))

    def action_stop(self) -> None:
        """Stop after the present document."""
        jobs.stop(self._directory)
        self.say("stopping after this document; it can go on later")
