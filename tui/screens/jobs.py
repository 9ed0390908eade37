"""Jobs: all long work of this person, live or resting."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases import is_case
from engine.errors import RescueError
from engine.jobs import Job, JournalTail, LogoutRisk, StopRequest, logout_risk, remove, resume, stop
from engine.text import format_duration, format_size
from tui import background
from tui.keys import bindings
from tui.listing import JOB, job_problems_section, jobs_section
from tui.rescue_words import event_lines
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell

_EVENTS = 5


class JobsScreen(DeckScreen):
    """A list, and under it the job under the cursor."""

    TITLE = "jobs"
    SCOPES = ("jobs", "list")
    BINDINGS = bindings("jobs")
    HELP = (
        "Long work runs in processes of its own: it goes on when you leave the deck, close the terminal or lose the "
        "line. A stopped job goes on where it was, and so does one that was killed. Stop waits for the read in flight; "
        "a drive that hangs can hold it until it answers or loses power."
    )

    def __init__(self, chosen: Path | None = None) -> None:
        super().__init__()
        self._chosen_first = chosen
        self._list = RowList(id="jobs")
        self._facts = Facts(id="job-facts")
        self._jobs: tuple[Job, ...] = ()
        self._tail: tuple[Path, JournalTail] | None = None
        self._events: list[str] = []

    def body(self) -> Iterable[Widget]:
        """List above, facts below."""
        yield self._list
        yield VerticalScroll(self._facts, id="job-pane")

    def on_mount(self) -> None:
        """Follow the jobs; say so when a logout would end them."""
        self.follow_jobs(self._take)
        if self._chosen_first is not None:
            self._list.choose(JOB + str(self._chosen_first))
        background.start(self, logout_risk, self._warn)

    def _warn(self, risk: LogoutRisk | None) -> None:
        if risk is not None and not self.prompt.text:
            self.say(f"{risk.message}; {risk.advice}", "warning")

    def _take(self, jobs: tuple[Job, ...]) -> None:
        self._jobs = jobs
        sections = [jobs_section(jobs, empty="no jobs yet: image a device, and the work appears here")]
        if self.deck.job_problems:
            sections.append(job_problems_section(self.deck.job_problems))
        self._list.show(sections)
        self._show_facts()

    def _job(self) -> Job | None:
        row = self._list.chosen
        return next((j for j in self._jobs if row is not None and row.id == JOB + str(j.directory)), None)

    def on_row_list_moved(self) -> None:
        """Another job under the cursor."""
        self._show_facts()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_open()

    def _show_facts(self) -> None:
        job = self._job()
        if job is not None:
            self._read_events(job)
        self._facts.show(job_facts(job, self._events) if job is not None else ())
        self._offer(job)
        self.refresh_bindings()

    def _offer(self, job: Job | None) -> None:
        case = job.directory.parent.parent if job is not None else None
        if job is not None and job.kind == "rescue" and (job.live or job.resumable):
            self.offer("watch this rescue", self.action_open)
        elif case is not None and is_case(case):
            self.offer("open its case: it says what comes next", lambda: self.deck.open_path(str(case)))
        else:
            self.offer("", None)

    def _read_events(self, job: Job) -> None:
        if self._tail is None or self._tail[0] != job.directory:
            self._tail, self._events = (job.directory, JournalTail(job.directory)), []
        try:
            news = self._tail[1].read()
        except RescueError as error:
            self.tell_error(error)
            return
        self._events = [*self._events, *event_lines(tuple(news), _EVENTS)][-_EVENTS:]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Stop for what runs, resume for what rests; grey otherwise."""
        job = self._job() if action in ("stop", "resume", "open", "remove") else None
        if action == "stop":
            return True if job is not None and (job.live or job.orphan) else None
        if action == "resume":
            return True if job is not None and job.resumable else None
        if action == "remove":
            return True if job is not None and not job.live and not job.orphan else None
        if action == "open":
            return True if job is not None and job.kind == "rescue" else None
        return True

    def action_open(self) -> None:
        """Watch it on its own screen."""
        job = self._job()
        if job is not None and job.kind == "rescue":
            self.deck.open_rescue(job.directory)

    def action_stop(self) -> None:
        """Ask it to stop."""
        job = self._job()
        if job is None:
            return

        def answer(key: str) -> None:
            if key == "y":
                background.start(self, lambda: stop(job.directory), self._told_to_stop)

        again = "End it at once? What was saved last stays." if job.stop_requests else "It can go on later."
        self.prompt.ask(f"Stop this job? {again}", answer)

    def _told_to_stop(self, request: StopRequest) -> None:
        if request.stuck:
            self.say("told to stop; it waits for the drive and ends when that answers or loses power", "warning")
        else:
            self.say("stopping after the present block ...")
        self.deck.bridge.look_now()

    def action_resume(self) -> None:
        """Let it go on."""
        job = self._job()
        if job is not None:
            self.say("starting ...")
            background.start(self, lambda: resume(job.directory), self._resumed)

    def _resumed(self, job: Job) -> None:
        self.say(f"{job.title or job.kind} goes on")
        self.deck.bridge.look_now()

    def action_remove(self) -> None:
        """Forget a job that does not run; asks."""
        job = self._job()
        if job is None:
            return

        def answer(key: str) -> None:
            if key == "y":
                background.start(self, lambda: remove(job.directory), lambda _: self.deck.bridge.look_now())

        self.prompt.ask("Forget this job and its journal? Image, map and history stay.", answer)

    def action_refresh(self) -> None:
        """Look again now."""
        self.deck.bridge.look_now()


def job_facts(job: Job, events: list[str]) -> list[Fact]:
    """One job in full."""
    done = format_size(job.progress.done) if job.progress.unit == "B" else f"{job.progress.done} {job.progress.unit}"
    total = job.progress.total
    if total is not None:
        done += f" of {format_size(total) if job.progress.unit == 'B' else total}"
    facts: list[Fact] = [("job", f"{job.kind}  {job.title}"), ("folder", str(job.directory)), ("done", done)]
    facts.append(("worked", f"{format_duration(job.elapsed_s)} in {job.runs} run{'s' if job.runs != 1 else ''}"))
    if job.message:
        facts.append(("message", job.message))
    if job.warning:
        facts.append(("warning", Cell(job.warning, "row--warning")))
    if job.error is not None:
        facts.append(("error", Cell(job.error.message, "row--danger")))
        if job.error.advice:
            facts.append(("", job.error.advice))
    facts += [("events" if number == 0 else "", Cell(line, "row--soft")) for number, line in enumerate(events)]
    return facts
