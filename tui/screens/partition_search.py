"""The search for lost partitions: a job that outlives the terminal, its finds, and the table they would make."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.partitions import propose_table
from engine.cases.subject import Subject
from engine.errors import RescueError
from engine.jobs import Job, start
from engine.jobs.partition_search import KIND, load_result
from engine.partitions.model import Tree
from engine.partitions.search import Find, SearchResult, TablePlan
from engine.text import format_exact, format_rate, format_size
from tui import background
from tui.keys import bindings
from tui.partition_view import find_facts, find_section
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell
from tui.words import percent, plural


class PartitionSearchScreen(JobScreen):
    """State of the newest search above, finds in the middle, the find under the cursor below."""

    TITLE = "lost partitions"
    SCOPES = ("finds", "list")
    BINDINGS = bindings("finds")
    HELP = (
        "Looks for volumes by their own structures and their backups, where partitions usually begin (s) or at every "
        "sector (d). The search is a job: leaving this screen, or the deck, does not stop it. t puts what was found "
        "into one consistent table; with Space a table of chosen finds only. What nobody has read is not searched."
    )

    def __init__(self, subject: Subject, written: Callable[[], None]) -> None:
        super().__init__(str(subject.path))
        self._subject, self._written = subject, written
        self._state = Facts(label_width=8, id="find-state")
        self._list = RowList(id="finds")
        self._facts = Facts(label_width=9)
        self._job: Job | None = None
        self._found: SearchResult | None = None
        self._read_of: tuple[str, int] | None = None
        self._chosen: frozenset[int] = frozenset()
        self._everything = False

    def body(self) -> Iterable[Widget]:
        """State, finds, one find."""
        yield self._state
        yield self._list
        yield VerticalScroll(self._facts, id="find-pane")

    def on_mount(self) -> None:
        """Follow the searches of this image."""
        self._list.focus()
        self.deck.bridge.add_folder(self._subject.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.deck.bridge.look_now()

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        wanted = os.path.abspath(self._subject.path)
        map_ = None if self._subject.map is None else os.path.abspath(self._subject.map)
        mine = [
            job
            for job in jobs
            if job.kind == KIND
            and job.arguments.get("source") == wanted
            and job.arguments.get("map") == map_
            and not job.arguments.get("window")
        ]
        self._job = max(mine, key=lambda job: (job.created, job.id), default=None)
        job = self._job
        if job is not None and job.result is not None and self._read_of != (job.id, job.runs):
            self._read_of = (job.id, job.runs)
            background.start(self, lambda: load_result(job.directory), self._take)
        self._show_state()

    def _take(self, found: SearchResult) -> None:
        self._found, self._chosen = found, frozenset()
        self._show()
        self._show_state()

    def _show_state(self) -> None:
        self._state.show(search_facts(self._job, self._found))
        self._offer()
        self.refresh_bindings()

    def _offer(self) -> None:
        if self.check_action("stop", ()):
            self.offer("", None)
        elif self.check_action("resume", ()):
            self.offer("go on with the search", self.action_resume)
        elif self._found is None:
            self.offer("search where partitions begin: nothing is written by that", self.action_quick)
        elif any(not find.listed for find in self._found.finds):
            self.offer("one table of what was found: shown first", self.action_table)
        else:
            self.offer("search every sector: it takes longer", self.action_deep)

    def _show(self) -> None:
        if self._found is not None:
            self._list.show([find_section(self._found, self._chosen, everything=self._everything)])
        self.on_row_list_moved()

    @property
    def _find(self) -> Find | None:
        row = self._list.chosen
        if row is None or self._found is None:
            return None
        return self._found.finds[int(row.id.partition(":")[2])]

    def on_row_list_moved(self) -> None:
        """Another find."""
        find = self._find
        self._facts.show(find_facts(find) if find is not None else ())
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One search at a time; a table only of finds."""
        live = self._job is not None and self._job.live
        if action in ("quick", "deep"):
            return None if live else True
        if action == "stop":
            return live
        if action == "resume":
            return self._job is not None and not live and self._job.resumable
        if action in ("choose", "everything"):
            return True if self._found is not None and self._found.finds else None
        if action == "table":
            return True if self._found is not None else None
        return True

    def action_quick(self) -> None:
        """Where partitions begin."""
        self._begin(deep=False)

    def action_deep(self) -> None:
        """Every sector."""
        self._begin(deep=True)

    def _begin(self, *, deep: bool) -> None:
        subject = self._subject
        arguments = {
            "source": os.path.abspath(subject.path), "deep": deep, "window": None, "sector_size": None,
            "map": None if subject.map is None else os.path.abspath(subject.map),
        }  # fmt: skip
        self.say("starting ...")
        background.start(self, lambda: start(KIND, arguments, subject.jobs_dir, title=subject.path.name), self._begun)

    def action_everything(self) -> None:
        """All finds, or those at top level."""
        self._everything = not self._everything
        self._show()

    def action_choose(self) -> None:
        """Into the choice, or out of it."""
        find = self._find
        if find is not None:
            self._chosen = self._chosen ^ {find.start}
            self._show()

    def action_table(self) -> None:
        """The table that names the finds."""
        found, chosen = self._found, sorted(self._chosen) or None
        if found is not None:
            background.start(self, lambda: propose_table(self._subject, found, chosen), self._proposed, self._failed)

    def _failed(self, error: RescueError) -> None:
        self.tell_error(error)

    def _proposed(self, proposed: tuple[TablePlan, Tree]) -> None:
        from tui.screens.partition_table import PartitionTableScreen

        self.app.push_screen(PartitionTableScreen(self._subject, *proposed, self._written))


def search_facts(job: Job | None, found: SearchResult | None) -> list[Fact]:
    """How far the search is, and what it has found."""
    if job is None:
        return [("search", "none yet: s looks where partitions begin, d looks at every sector")]
    way = "every sector" if job.arguments.get("deep") else "where partitions begin"
    done = job.progress
    far = f"{percent(done.done, done.total)}  {format_size(done.done)}" if done.unit == "B" else f"{done.done}"
    if job.live:
        words: str | Cell = f"{way}: {job.state}, {far} at {format_rate(done.rate)}"
    elif job.error is not None:
        words = Cell(f"{way}: failed: {job.error.message}", "row--danger")
    elif job.result is None:
        words = Cell(f"{way}: {job.state}, {far}" + ("; u goes on" if job.resumable else ""), "row--warning")
    else:
        words = f"{way}: done"
    facts: list[Fact] = [("search", words)]
    if found is None:
        return facts
    lost = plural(len(found.lost), "is", "are")
    facts.append(("found", f"{plural(len(found.volumes), 'volume', 'volumes')}, {lost} not in the present table; "
                           f"{len(found.finds) - len(found.volumes)} inside others, older or doubtful"))  # fmt: skip
    if found.unread_bytes:
        words = f"{format_exact(found.unread_bytes)} were never read, and so not searched"
        facts.append(("unread", Cell(words, "row--warning")))
    if found.dropped:
        words = f"{plural(found.dropped, 'find', 'finds')} too many: the least credible are not shown"
        facts.append(("", Cell(words, "row--warning")))
    return facts
