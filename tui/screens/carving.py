"""Files by their own structure: a scan as a job, its catalogue, and the writing of what was chosen."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.carve.fragments import REPAIRABLE
from engine.carve.handover import Handover, handover
from engine.carve.job import PIECES, SCAN, WRITE, catalogue_path
from engine.carve.listing import SORTS, Choice, Desk, Listing, load_listing, narrowed
from engine.carve.missing import wanted
from engine.cases.subject import Subject
from engine.jobs import Job, start
from engine.text import format_exact
from tui import background
from tui.carving_words import COLUMNS, STATES, find_facts, find_row, found_words, scan_facts
from tui.keys import bindings
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Facts
from tui.widgets.long_list import LongList
from tui.widgets.rows import Row
from tui.words import plural

_RELOAD_S, _RELOAD_SHARE = 3.0, 20
"""While a scan runs, the list is read again after so many seconds, and at most a twentieth of the time."""


class CarvingScreen(JobScreen):
    """The scan above, its finds in the middle, the find under the cursor below."""

    TITLE = "files by signature"
    SCOPES = ("carving", "list")
    BINDINGS = bindings("carving")
    HELP = (
        "Finds files by their own structure where no directory names them: every type has a walker that finds the real "
        "end and says how sure it is. The scan is a job and fills a catalogue; nothing is written before w. What was "
        "never read is known from the map: such a file says what it lacks, o puts the cheapest to mend first, and d "
        "saves a domain map of just those bytes for the next pass."
    )

    def __init__(self, subject: Subject) -> None:
        super().__init__(str(subject.path))
        self._subject = subject
        self._state = Facts(label_width=6, id="carve-state")
        self._list = LongList(id="carved")
        self._facts = Facts(label_width=8)
        self._job: Job | None = None
        self._listing: Listing | None = None
        self._found = ""
        self._loaded: tuple[str, int, object] | None = None
        self._load_next = 0.0
        self._loads: background.Latest[Listing] = background.Latest()
        self._choice = Choice()
        self._shown: list[int] = []
        self._marked: set[int] = set()
        self._told: set[str] = set()
        self._own: set[str] = set()

    def body(self) -> Iterable[Widget]:
        """State, finds, one find."""
        yield self._state
        yield self._list
        yield VerticalScroll(self._facts, id="carve-pane")

    def on_mount(self) -> None:
        """Follow the scans of this image."""
        self._list.focus()
        self._fill()
        self.deck.bridge.add_folder(self._subject.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.deck.bridge.look_now()

    # -- jobs

    def _mine(self, job: Job) -> bool:
        where = os.path.abspath(self._subject.path)
        if job.kind == SCAN:
            return job.arguments.get("source") == where and not job.arguments.get("window")
        return job.kind in (WRITE, PIECES) and job.arguments.get("subject") == where

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        mine = [job for job in jobs if self._mine(job)]
        scans = [job for job in mine if job.kind == SCAN]
        self._job = max(scans, key=lambda job: (job.created, job.id), default=None)
        for job in mine:
            if job.kind != SCAN and not job.live and job.id in self._own and job.id not in self._told:
                self._told.add(job.id)
                self._tell_end(job)
        self._load_when_news()
        self._show_state()

    def _tell_end(self, job: Job) -> None:
        if job.error is not None:
            self.say(f"{job.error.message}", "error")
        elif job.kind == WRITE and job.result is not None:
            files, lack = int(job.result.get("files", 0)), int(job.result.get("missing_bytes", 0))
            text = f"{plural(files, 'file', 'files')} written"
            if twins := int(job.result.get("duplicates", 0)):
                text += f", {twins} with the content of another"
            if lack:
                text += f", {format_exact(lack)} of them never read,"
            text += f" to {job.arguments.get('target')}"
            self.say(text, "warning" if lack else "info")
        elif job.kind == PIECES and job.result is not None:
            if job.result.get("found"):
                self._loaded = None
                self.say(f"put together: {job.result.get('reason')}")
            else:
                self.say("no gap makes it whole; it stays as it is", "warning")

    def _load_when_news(self) -> None:
        job = self._job
        if job is None:
            return
        state = (job.id, job.runs, job.result is not None or job.facts.get("finds"))
        if state == self._loaded or (job.live and time.monotonic() < self._load_next):
            return
        path = self._catalogue(job)
        if not path.exists():
            return
        begun = time.monotonic()
        self._loaded, self._load_next = state, begun + _RELOAD_S

        def take(listing: Listing) -> None:
            now = time.monotonic()
            self._load_next = now + max(_RELOAD_S, _RELOAD_SHARE * (now - begun))
            self._take_listing(listing)

        self._loads.start(self, lambda: load_listing(path, self._subject), take)

    @staticmethod
    def _catalogue(job: Job) -> Path:
        kept = job.arguments.get("catalogue")
        return Path(kept) if isinstance(kept, str) else catalogue_path(job.directory)

    def _take_listing(self, listing: Listing) -> None:
        self._listing, self._found = listing, found_words(listing)
        self._fill()
        self._show_state()

    # -- what is on show

    def _fill(self) -> None:
        listing = self._listing
        empty = "nothing was found yet" if self._job is not None else "s begins to look"
        if listing is None:
            self._list.fill(COLUMNS, 0, lambda index: Row(str(index), ()), empty=empty)
            return
        at = self._find
        self._shown = listing.chosen(self._choice)
        place = self._shown.index(at) if at is not None and at in self._shown else None
        empty = "nothing fits" if listing.finds else empty
        self._list.fill(COLUMNS, len(self._shown), self._row, empty=empty, at=place)
        self._show_find()

    def _row(self, place: int) -> Row:
        assert self._listing is not None
        index = self._shown[place]
        return find_row(self._listing, index, marked=self._listing.finds[index].start in self._marked)

    @property
    def _find(self) -> int | None:
        place = self._list.index
        return self._shown[place] if place is not None and place < len(self._shown) else None

    def _show_state(self) -> None:
        self._state.show(scan_facts(self._job, self._found, self._choice, len(self._shown), len(self._marked)))
        self._offer()
        self.refresh_bindings()

    def _offer(self) -> None:
        """Look, then write what is marked, or all that is shown."""
        if self.check_action("stop", ()):
            self.offer("", None)
        elif self.check_action("write", ()):
            what = f"the {len(self._marked)} marked" if self._marked else "all that are shown"
            self.offer(f"write out {what}: marks choose, filters narrow", self.action_write)
        elif self.check_action("resume", ()):
            self.offer("go on with the scan", self.action_resume)
        elif self.check_action("scan", ()):
            self.offer("look for files at every block: nothing is written by that", self.action_scan)
        else:
            self.offer("", None)

    def _show_find(self) -> None:
        index, listing = self._find, self._listing
        self._facts.show(find_facts(listing, index) if listing is not None and index is not None else ())
        self.refresh_bindings()

    def on_long_list_at(self) -> None:
        """Another find."""
        self._show_find()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_look()

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One scan at a time; what needs finds waits for them."""
        live = self._job is not None and self._job.live
        if action in ("scan", "everywhere", "free"):
            return None if live else True
        if action == "stop":
            return live
        if action == "resume":
            return self._job is not None and not live and self._job.resumable
        if action in ("mark", "look", "bytes", "mark_all", "write", "domain"):
            return True if self._shown else None
        if action == "hand_over":
            return self._taker() is not None
        if action == "pieces":
            return True if self._broken() is not None and not live else None
        return True

    def _broken(self) -> int | None:
        index, listing = self._find, self._listing
        if index is None or listing is None:
            return None
        find = listing.finds[index]
        fit = find.inside is None and find.kind in REPAIRABLE and len(find.extents) == 1
        return index if fit and (find.status.value == "broken" or find.kind == "jpeg") else None

    def action_scan(self) -> None:
        """At every block."""
        self._begin()

    def action_everywhere(self) -> None:
        """At every byte."""
        self._begin(everywhere=True)

    def action_free(self) -> None:
        """Only where no file lies."""
        self._begin(free=True)

    def _begin(self, *, everywhere: bool = False, free: bool = False) -> None:
        subject = self._subject
        arguments = {
            "source": os.path.abspath(subject.path), "everywhere": everywhere, "free": free, "block": 512,
            "map": None if subject.map is None else os.path.abspath(subject.map), "window": None, "types": None,
        }  # fmt: skip
        self._marked.clear()
        self.say("starting ...")
        background.start(self, lambda: start(SCAN, arguments, subject.jobs_dir, title=subject.path.name), self._begun)

    def action_mark(self) -> None:
        """In or out; the cursor goes on."""
        index, listing = self._find, self._listing
        if index is not None and listing is not None:
            self._marked ^= {listing.finds[index].start}
            place = self._list.index or 0
            self._list.look_again(place)
            self._list.go_to(place + 1)
            self._show_state()

    def action_mark_all(self) -> None:
        """All that are shown, or none."""
        listing = self._listing
        if listing is None:
            return
        starts = {listing.finds[index].start for index in self._shown}
        self._marked = self._marked - starts if starts <= self._marked else self._marked | starts
        self._list.look_again()
        self._show_state()

    def action_filter(self) -> None:
        """By words, size, and how sure they are."""
        self.prompt.read("show only (jpg name >1M <4G 3/4; empty: all): ", self._filtered, value=self._choice.typed)

    def _filtered(self, text: str) -> None:
        self._narrow(narrowed(self._choice, text))

    def action_state(self) -> None:
        """All, whole, lacking, broken."""
        state = STATES[(STATES.index(self._choice.state) + 1) % len(STATES)]
        self._narrow(replace(self._choice, state=state))

    def action_sort(self) -> None:
        """The next order."""
        sort = SORTS[(SORTS.index(self._choice.sort) + 1) % len(SORTS)]
        self._narrow(replace(self._choice, sort=sort))

    def action_parts(self) -> None:
        """Parts of others, or not."""
        self._narrow(replace(self._choice, parts=not self._choice.parts))

    def _narrow(self, choice: Choice) -> None:
        self._choice = choice
        self._fill()
        self._show_state()

    def action_look(self) -> None:
        """Picture, text or bytes of the find."""
        from tui.screens.file_look import FileLookScreen

        listing, place = self._listing, self._list.index
        if listing is not None and place is not None and self._shown:
            finds = [listing.finds[index] for index in self._shown]
            terminal = self.deck.terminal
            letters = self.deck.no_color or not terminal.glyphs or terminal.colours not in ("truecolor", "256")
            self.app.push_screen(FileLookScreen(Desk(self._subject), finds, place, letters=letters))

    def action_bytes(self) -> None:
        """The bytes of the find on the disk."""
        index, listing = self._find, self._listing
        if index is not None and listing is not None:
            self.deck.open_bytes(self._subject.path, self._subject.map, listing.finds[index].start)

    def _taker(self) -> Handover | None:
        index, listing = self._find, self._listing
        return None if index is None or listing is None else handover(listing.finds, index, listing.size)

    def action_hand_over(self) -> None:
        """To the room that knows more about such files, at its place in the image."""
        taker, subject = self._taker(), self._subject
        if taker is None:
            return
        if taker.room == "document":
            from tui.screens.ole2 import Ole2Screen

            self.app.push_screen(Ole2Screen(subject.path, subject.map, taker.window))
        else:
            from engine.recordings.look import Place
            from tui.screens.recordings_scan import RecordingsScanScreen

            self.app.push_screen(RecordingsScanScreen(Place(subject.path, subject.map, taker.window)))

    def action_write(self) -> None:
        """Ask where to."""
        count = len(self._marked) or len(self._shown)
        what = f"the {count} marked" if self._marked else f"all {count} shown"
        target = self._subject.exports_dir / "carved"
        self.prompt.read(f"write {what} to: ", self._write_to, value=str(target))

    def _write_to(self, text: str) -> None:
        job, listing = self._job, self._listing
        if job is None or listing is None or not text.strip():
            return
        starts = sorted(self._marked) or sorted(listing.finds[index].start for index in self._shown)
        arguments = {
            "subject": os.path.abspath(self._subject.path), "catalogue": str(self._catalogue(job)),
            "target": os.path.abspath(os.path.expanduser(text.strip())), "chosen": starts, "partial": True,
            "map": None if self._subject.map is None else os.path.abspath(self._subject.map),
        }  # fmt: skip
        title = f"{self._subject.path.name}: {plural(len(starts), 'file', 'files')}"
        background.start(self, lambda: start(WRITE, arguments, self._subject.jobs_dir, title=title), self._writing)

    def _writing(self, job: Job) -> None:
        self._own.add(job.id)
        self.say("writing; J shows how far it is")
        self.deck.bridge.look_now()

    def action_pieces(self) -> None:
        """Look for the gap that makes the find whole."""
        index, listing, scan = self._broken(), self._listing, self._job
        if index is None or listing is None or scan is None:
            return
        arguments = {
            "subject": os.path.abspath(self._subject.path), "catalogue": str(self._catalogue(scan)),
            "start": listing.finds[index].start, "cluster": 4096, "most_gap": 4096,
            "map": None if self._subject.map is None else os.path.abspath(self._subject.map),
        }  # fmt: skip
        title = f"{self._subject.path.name}: pieces of the file at {listing.finds[index].start}"
        background.start(self, lambda: start(PIECES, arguments, self._subject.jobs_dir, title=title), self._searching)

    def _searching(self, job: Job) -> None:
        self._own.add(job.id)
        self.say("trying gaps; it goes on when you leave, J can stop it")
        self.deck.bridge.look_now()

    def action_domain(self) -> None:
        """Ask where to save the map of what is to be read again."""
        target = self._subject.exports_dir / "reread.map"
        self.prompt.read("domain map of what the shown ones lack: ", self._save_domain, value=str(target))

    def _save_domain(self, text: str) -> None:
        listing, shown = self._listing, list(self._shown)
        if listing is None or not text.strip():
            return
        path = Path(os.path.abspath(os.path.expanduser(text.strip())))

        def work() -> int:
            from engine.priorities import write_domain

            lacking = [index for index in shown if listing.unread[index]]
            path.parent.mkdir(parents=True, exist_ok=True)
            ranges = wanted([listing.missing(index) for index in lacking])
            write_domain(path, ranges, listing.size)
            return ranges.total

        background.start(self, work, lambda count: self.say(
            f"{format_exact(count)} to read again; R on the case uses it as its domain: {path}"))  # fmt: skip
