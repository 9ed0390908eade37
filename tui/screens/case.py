"""A case: what is in it, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from textual.widget import Widget

from engine.cases.next_steps import Step
from engine.jobs import Job
from tui import background
from tui.case_view import STEP, CaseView, case_facts, case_sections, steps_now, view_case
from tui.going_on import Ahead, ask_report, go
from tui.keys import bindings
from tui.listing import JOB
from tui.next_words import step_line
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList


class CaseScreen(DeckScreen):
    """Facts of source, image and map above; next steps, jobs, kept maps and history below."""

    TITLE = "case"
    SCOPES = ("case", "list")
    BINDINGS = bindings("case")
    HELP = (
        "A case is a folder: what the failing drive is, its image, the map of what was read, every kept state of that "
        "map, and the history of all that was done. The first line of the list is what usually comes next; Enter does "
        "it. The folder can be moved to another disk as a whole."
    )

    def __init__(self, directory: Path) -> None:
        super().__init__(str(directory))
        self._directory = directory
        self._facts = Facts(label_width=7, id="case-facts")
        self._list = RowList(id="case-list")
        self._view: CaseView | None = None
        self._jobs: tuple[Job, ...] = ()
        self._looks: background.Latest[CaseView] = background.Latest()
        self._ahead = Ahead(self, directory, own=self._own)

    def body(self) -> Iterable[Widget]:
        """Facts above, the list below."""
        yield self._facts
        yield self._list

    def on_mount(self) -> None:
        """Follow the jobs of this case."""
        self.deck.bridge.add_folder(self._directory / "jobs")
        self.follow_jobs(self._take_jobs)

    def on_screen_resume(self) -> None:
        """Read it (again): a pass may have ended meanwhile."""
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read the case again."""
        self._looks.start(self, lambda: view_case(self._directory), self._take_view)

    def _take_view(self, view: CaseView) -> None:
        self._view = view
        self.refresh_bindings()
        self._show()

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        mine = tuple(job for job in jobs if job.directory.parent.parent == self._directory)
        ended = {job.directory for job in self._jobs if job.live} - {job.directory for job in mine if job.live}
        self._jobs = mine
        if ended:
            self.action_refresh()
        self._show()

    def _show(self) -> None:
        if self._view is not None:
            self._facts.show(case_facts(self._view))
            self._list.show(case_sections(self._view, self._jobs))
            steps = steps_now(self._view, self._jobs)
            self._ahead.show(steps[0] if steps else None)

    def _own(self, step: Step) -> tuple[str, Callable[[], None]] | None:
        return (step_line(step), self.action_report) if step.id == "report" else None

    def action_open(self) -> None:
        """Do what the cursor is on."""
        row = self._list.chosen
        if row is None or self._view is None:
            return
        if row.id.startswith(JOB):
            self.deck.open_job(Path(row.id.removeprefix(JOB)))
        elif row.id.startswith(STEP):
            self._do(row.id.removeprefix(STEP), self._view)
        else:
            self.say(" ".join(cell if isinstance(cell, str) else cell.text for cell in row.cells))

    def _do(self, step: str, view: CaseView) -> None:
        if step.isdecimal():
            steps = steps_now(view, self._jobs)
            if int(step) < len(steps):
                self._take_step(steps[int(step)])
        elif step == "map":
            self.deck.open_path(str(view.case.image), str(view.case.map))
        elif step == "edit":
            self.action_edit_map()
        else:
            inside = {
                "files": self.action_files, "partitions": self.action_partitions, "carve": self.action_carve,
                "recordings": self.action_recordings, "hex": self.action_hex, "report": self.action_report,
            }  # fmt: skip
            inside[step]()

    def action_edit_map(self) -> None:
        """The editor on the case's map."""
        if self._view is not None:
            self.deck.edit_map(self._view.case.map, self._view.case)

    def action_partitions(self) -> None:
        """The partition tables of the case's image, under its map."""
        self.deck.open_partitions(self._directory)

    def action_report(self) -> None:
        """Ask where to, and write it."""
        ask_report(self, self._directory, self.action_refresh)

    def action_carve(self) -> None:
        """Files in the case's image by their own structure."""
        self.deck.open_carving(self._directory)

    def action_files(self) -> None:
        """The files in the case's image, under its map."""
        self.deck.open_files(self._directory)

    def action_recordings(self) -> None:
        """The recordings in the case's image, under its map."""
        self.deck.open_recordings(self._directory)

    def action_hex(self) -> None:
        """The bytes of the case's image, under its map."""
        self.deck.open_bytes(self._directory)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a map there is none to edit, without an image there are no partitions."""
        view = self._view
        if action in ("partitions", "hex", "carve", "files", "recordings"):
            return True if view is not None and view.image_size is not None else None
        if action != "edit_map":
            return True
        return True if view is not None and (view.totals is not None or view.map_problem is not None) else None

    def _take_step(self, step: Step) -> None:
        live = next((job for job in self._jobs if job.live and job.kind == "rescue"), None)
        if step.id == "watch" and live is not None:
            self.deck.open_rescue(live.directory)
        elif step.id == "report":
            self.action_report()
        else:
            go(self, step, self._directory)

    def action_rescue(self) -> None:
        """The live rescue, or the choices before it."""
        live = next((job for job in self._jobs if job.live and job.kind == "rescue"), None)
        if live is not None:
            self.deck.open_rescue(live.directory)
        else:
            self.deck.set_up_rescue(case=self._directory)

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_open()
