"""The recordings of a disk: which recorder, why, its titles, and what of them nobody has read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases import is_case
from engine.cases.next_steps import Step
from engine.dvr import Title
from engine.dvr.listing import FILTERS, ORDERS, arrange
from engine.errors import RescueError
from engine.jobs import Job
from engine.recordings.apart import look_apart
from engine.recordings.look import Looked, Place
from engine.text import format_exact
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.going_on import Ahead
from tui.keys import bindings
from tui.recording_words import TITLES, disk_facts, title_facts, title_row
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.long_list import LongList
from tui.widgets.rows import Cell, Row
from tui.words import plural

_ORDERS, _FILTERS = tuple(ORDERS), tuple(FILTERS)


class RecordingsScreen(DeckScreen):
    """The recorder above, its titles in the middle, the title under the cursor below."""

    TITLE = "recordings"
    SCOPES = ("recordings", "list")
    BINDINGS = bindings("recordings")
    HELP = (
        "Titles of a video recorder's disk. Nobody is asked which recorder it was: the first lines say what was found "
        "and why. In front of a title: * marked, D deleted but still there, b, o, c known by a backup, an orphaned "
        "table or the clock only, ! a part of it was never read, ? something is odd, ~ its owner edited it. w saves "
        "what a rescue should read first: the directory itself, then the titles that matter; when that pass has ended, "
        "this list is read again. c finds recordings where no directory is left."
    )

    def __init__(self, place: Place) -> None:
        super().__init__(str(place.path))
        self._place = place
        self._state = Facts(label_width=8, id="recorder")
        self._list = LongList(id="recordings")
        self._facts = Facts(label_width=9)
        self._pane = VerticalScroll(self._facts, id="recording-pane")
        self._looked: Looked | None = None
        self._looks: background.Latest[Looked] = background.Latest()
        self._titles: tuple[Title, ...] = ()
        self._marked: frozenset[str] = frozenset()
        self._order, self._filter, self._words = "disk", "all", ""
        self._descending = self._deep = False
        self._way = 0
        self._stamp: tuple[int, int] | None = None
        self._live: frozenset[Path] = frozenset()
        self._ahead = Ahead(self, place.path, place.map, self._own_step)

    def body(self) -> Iterable[Widget]:
        """Recorder, titles, one title."""
        yield self._state
        yield self._list
        yield self._pane

    def on_mount(self) -> None:
        """Read the disk; follow its rescue."""
        self._list.focus()
        if self._place.searchable:
            self.deck.bridge.add_folder(self._place.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.action_refresh()

    def on_screen_resume(self) -> None:
        """Another screen may have started a pass: the map is compared with the one that was read."""
        super().on_screen_resume()
        if self._looked is not None and self._map_stamp() != self._stamp:
            self.action_refresh()
        elif self._looked is not None:
            self._ahead.look()

    def _own_step(self, step: Step) -> tuple[str, Callable[[], None]] | None:
        """What titles lack is read before they are written out, once."""
        if step.id != "recordings" or self._looked is None:
            return None
        lacking = [title for title in self._looked.recordings.titles if title.missing.bytes]
        state = self._ahead.state
        if lacking and state is not None and state.source and not state.narrowed:
            words = plural(len(lacking), "recording lacks", "recordings lack")
            return f"read first what {words}", lambda: self._ask_domain("titles", lacking)
        return "write out the recordings: the marked ones, or all", self.action_extract

    def _map_stamp(self) -> tuple[int, int] | None:
        from engine.cases import load_case

        try:
            map_ = load_case(self._place.path).map if is_case(self._place.path) else self._place.map
            facts = os.stat(map_) if map_ is not None else None
        except (OSError, RescueError):
            return None
        return None if facts is None else (facts.st_mtime_ns, facts.st_size)

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        """When a rescue of this case has ended, more of the disk is there."""
        folder = os.path.abspath(self._place.jobs_dir)
        live = frozenset(
            job.directory for job in jobs if job.live and job.kind == "rescue"
            and os.path.abspath(job.directory.parent) == folder
        )  # fmt: skip
        ended, self._live = self._live - live, live
        if ended and self._looked is not None:
            self.say("a pass has ended: the list is read again")
            self.action_refresh()

    def action_refresh(self) -> None:
        """Read it again."""
        place, way, deep = self._place, self._way, self._deep
        if self._looked is None:
            drive = ": the drive is read in a process of its own, a weak one takes its time"
            self._state.show([("disk", f"looking ...{'' if place.searchable else drive}")])
        self._stamp = self._map_stamp()
        self._looks.start(self, lambda: look_apart(place, variant=way, deep=deep), self._take, self._failed)

    def _failed(self, error: RescueError) -> None:
        self._looked = None
        facts: list[Fact] = [("disk", Cell(error.message, "row--warning"))]
        if error.advice:
            clock = "c looks for recordings by the MPEG clock"
            facts.append(("", clock if error.code == "not-found" else error.advice))
        self._state.show(facts)
        self._titles = ()
        if error.code == "not-found" and self._place.searchable:
            self.offer("look for recordings by the MPEG clock", self.action_scan)
        self._fill("")
        self._facts.show([])
        self.refresh_bindings()

    def _take(self, looked: Looked) -> None:
        self._looked = looked
        self._marked &= frozenset(title.id for title in looked.recordings.titles)
        self._show()
        self._ahead.look()

    # --- what is on show

    def _show(self) -> None:
        if self._looked is None:
            return
        index, before = self._list.index, self._title
        self._titles = arrange(
            self._looked.recordings.titles, order=self._order, descending=self._descending, show=self._filter,
            search=self._words,
        )  # fmt: skip
        self._show_state()
        any_ = bool(self._looked.recordings.titles)
        place = 0
        if index and before is not None:  # at the top one stays at the top, elsewhere on the title
            place = next((n for n, title in enumerate(self._titles) if title.id == before.id), index)
        self._fill("no title fits" if any_ else "no titles: c looks for recordings by their clock", place)

    def _fill(self, empty: str, place: int = 0) -> None:
        lost = next((n for n, title in enumerate(self._titles) if title.missing), None)
        received = next((n for n, title in enumerate(self._titles) if title.channel or title.input), None)
        also = [n for n in (lost, received) if n is not None]
        self._list.fill(TITLES, len(self._titles), self._row, empty=empty, at=place, also=also)

    def _row(self, place: int) -> Row:
        title = self._titles[place]
        return title_row(title, marked=title.id in self._marked)

    def _show_state(self) -> None:
        if self._looked is not None:
            self._state.show(disk_facts(self._looked, len(self._titles), self._narrowed()))

    def _narrowed(self) -> str:
        words = [f"by {self._order}{', turned round' if self._descending else ''}"] if self._order != "disk" else []
        words += [f"only {self._filter}"] if self._filter != "all" else []
        words += [f"with {self._words!r}"] if self._words else []
        words += [f"{len(self._marked)} marked"] if self._marked else []
        return "; " + ", ".join(words) if words else ""

    @property
    def _title(self) -> Title | None:
        place = self._list.index
        return self._titles[place] if place is not None and place < len(self._titles) else None

    def on_long_list_at(self) -> None:
        """Another title."""
        self._show_title()

    def _show_title(self) -> None:
        title = self._title
        self._facts.show(title_facts(title) if title is not None else ())
        self._pane.scroll_home(animate=False)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is nothing for."""
        if action in ("open", "mark", "mark_all"):
            return True if self._titles else None
        if action == "extract":
            return True if self._looked is not None and self._looked.recordings.titles else None
        if action == "files":
            return True if self._looked is not None and self._looked.recordings.files else None
        if action in ("first", "deep"):
            return True if self._looked is not None else None
        if action == "other":
            return True if self._looked is not None and len(self._looked.findings) > 1 else None
        return True

    # --- keys

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_open()

    def action_open(self) -> None:
        """One title."""
        from tui.screens.recording import RecordingScreen

        if self._looked is not None and self._title is not None:
            self.app.push_screen(RecordingScreen(self._place, self._looked, self._title, self._way, self._deep))

    def action_mark(self) -> None:
        """In or out; the cursor goes on."""
        title, place = self._title, self._list.index
        if title is not None and place is not None:
            self._marked ^= {title.id}
            self._list.look_again(place)
            self._list.go_to(place + 1)
            self._show_state()

    def action_mark_all(self) -> None:
        """All that are shown, or none."""
        shown = frozenset(title.id for title in self._titles)
        self._marked = self._marked - shown if shown <= self._marked else self._marked | shown
        self._list.look_again()
        self._show_state()

    def action_search(self) -> None:
        """By words."""
        self.prompt.read("titles with (words; empty: all): ", self._searched, value=self._words)

    def _searched(self, text: str) -> None:
        self._words = text.strip()
        self._show()

    def action_filter(self) -> None:
        """The next filter."""
        self._filter = _FILTERS[(_FILTERS.index(self._filter) + 1) % len(_FILTERS)]
        self._show()

    def action_sort(self) -> None:
        """The next order."""
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._show()

    def action_turn(self) -> None:
        """From the other end."""
        self._descending = not self._descending
        self._show()

    def action_other(self) -> None:
        """The next way in which the disk makes sense."""
        if self._looked is not None:
            self._way = (self._way + 1) % len(self._looked.findings)
            self.say(f"way {self._way + 1} of {len(self._looked.findings)}")
            self.action_refresh()

    def action_deep(self) -> None:
        """Through the whole disk."""
        self._deep = not self._deep
        self.say("looking through the whole disk ..." if self._deep else "only where structures stand")
        self.action_refresh()

    def _has_jobs(self, verb: str) -> bool:
        """Long work is a job, and a drive itself has no folder for one."""
        if not self._place.searchable:
            self.say(f"image the drive first, or: rescuedeck dvr {verb} {self._place.path} -o DIR", "warning")
        return self._place.searchable

    def action_scan(self) -> None:
        """By the clock."""
        from tui.screens.recordings_scan import RecordingsScanScreen

        if not self._has_jobs("scan"):
            return
        self.app.push_screen(RecordingsScanScreen(self._place))

    def action_extract(self) -> None:
        """The marked ones, or all."""
        self._extract(files=False)

    def action_files(self) -> None:
        """The recorder's own files."""
        self._extract(files=True)

    def _extract(self, *, files: bool) -> None:
        from engine.recordings.extracting import Order
        from tui.screens.recordings_extract import RecordingsExtractScreen, Request

        if self._looked is None or not self._has_jobs("extract"):
            return
        ids = tuple(title.id for title in self._looked.recordings.titles if title.id in self._marked) or None
        recordings = self._looked.recordings
        count = len(recordings.files) if files else len(ids) if ids else len(recordings.titles)
        size = sum(one.size for one in recordings.files) if files else sum(
            title.size for title in recordings.titles if ids is None or title.id in ids
        )  # fmt: skip
        request = Request(Order(ids, files=files), count, size, self._way, self._deep)
        self.app.push_screen(RecordingsExtractScreen(self._place, request))

    # --- what a rescue should read first

    def action_first(self) -> None:
        """The directory, or titles too."""
        if self._looked is not None:
            marked = f"the {len(self._marked)} marked titles" if self._marked else "the title here"
            self.prompt.ask(f"a rescue reads first: d the directory, t with {marked}?", self._domain, choices="dt",
                            default="")  # fmt: skip

    def _domain(self, key: str) -> None:
        if not key or self._looked is None:
            return
        titles = [title for title in self._looked.recordings.titles if title.id in self._marked]
        if not titles and self._title is not None:
            titles = [self._title]
        self._ask_domain("titles" if key == "t" else "directory", titles if key == "t" else [])

    def _ask_domain(self, name: str, chosen: list[Title]) -> None:
        from engine.recordings.wanted import domain_path

        path = domain_path(self._place.path, name)
        self.prompt.read("domain map: ", lambda text: self._save_domain(text, chosen), value=str(path),
                         complete=complete_path)  # fmt: skip

    def _save_domain(self, text: str, titles: list[Title]) -> None:
        from engine.recordings.wanted import save_domain, structures_wanted, titles_wanted

        looked = self._looked
        if looked is None:
            return
        path = written_path(text)

        def work() -> int:
            wanted = structures_wanted(looked.recordings, looked.size)
            if titles:
                wanted = titles_wanted(looked.recordings, titles, looked.size)
            return save_domain(path, wanted, looked.size).wanted.total

        background.start(self, work, lambda total: self._saved(path, total))

    def _saved(self, path: Path, total: int) -> None:
        words = f"{path.name}: {format_exact(total)}"
        if not is_case(self._place.path):
            self.say(f"{words}; ddrescue takes it with -m")
            return

        def answer(key: str) -> None:
            if key == "y":
                self.deck.set_up_rescue(self._place.path, path)

        self.prompt.ask(f"{words}. Set up the rescue with it?", answer, default="y")
