"""The files of a volume: a tree with health marks, what is hit, what must be read first, and getting it out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.damage import MadeDomain
from engine.cases.files_desk import Details, FilesDesk, Listing, Overview, View
from engine.cases.next_steps import Step
from engine.cases.taking import Choice
from engine.errors import RescueError, UsageError
from engine.filesystems.index import Entry
from engine.filesystems.pick import GROUPS, Wish, types_of
from engine.jobs import Job, start
from engine.jobs.files import INDEX_KIND, TAKE_KIND
from engine.text import format_size, safe_text
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.file_view import COLUMNS, FLAT_COLUMNS, MARKS, details_facts, entry_row, overview_facts
from tui.going_on import Ahead
from tui.key import Key
from tui.keys import SCOPES, bindings
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Facts
from tui.widgets.long_list import LongList
from tui.widgets.rows import Row
from tui.words import plural

_VIEWS: tuple[View, ...] = ("tree", "hit", "deleted")
_VIEW_WORDS = {"tree": "as a tree", "hit": "files hit, most missing bytes first", "deleted": "deleted files",
               "search": "found by name"}  # fmt: skip
_UP = -1
_ROOT = 1


class FilesScreen(JobScreen):
    """State above, entries in the middle, the one under the cursor below."""

    TITLE = "files"
    SCOPES = ("files", "list")
    BINDINGS = bindings("files")
    HELP = (
        "Files by the volume's own directories. The letters: " + MARKS + ". i walks the volume once, as a job, "
        "and keeps an index; after each pass of the rescue the marks follow the map without a new walk. v shows what "
        "unread areas cost, d makes a domain map of what must be read first and hands it to the rescue, w writes "
        "files: what was never read becomes a gap, the name says .holed and a .rescue.json tells where."
    )

    def __init__(self, desk: FilesDesk) -> None:
        super().__init__(f"{desk.subject.path}  {desk.volume.title} at {desk.volume.start}")
        self._desk = desk
        self._state = Facts(label_width=7, id="file-state")
        self._list = LongList(id="files")
        self._facts = Facts(label_width=7)
        self._overview: Overview | None = None
        self._job: Job | None = None
        self._ended: set[str] = set()
        self._view: View = "tree"
        self._words = ""
        self._directory = 1
        self._entries: list[Entry] = []
        self._paths: dict[int, str] = {}
        self._marked: set[int] = set()
        self._looks: background.Latest[Overview | None] = background.Latest()
        self._lists: background.Latest[Listing] = background.Latest()
        self._details: background.Latest[Details] = background.Latest()
        self._trail = "/"
        self._shown: View = "tree"
        self._map_seen: int | None = None
        self._ahead = Ahead(self, desk.subject.path, desk.subject.map, self._own_step)

    @property
    def shown_volume(self) -> tuple[Path, int]:
        """What it lies in, and where it begins in bytes."""
        return self._desk.subject.path, self._desk.volume.start

    def on_screen_resume(self) -> None:
        """Other screens may have done what was offered, and read what was unread."""
        super().on_screen_resume()
        if self._overview is not None:
            if self._map_time() != self._map_seen:
                self.action_refresh()
            else:
                self._look_ahead()

    def _map_time(self) -> int | None:
        """When the map was saved last, in nanoseconds."""
        try:
            path = self._desk.subject.map_path
            return None if path is None else os.stat(path).st_mtime_ns
        except (OSError, RescueError):
            return None

    def body(self) -> Iterable[Widget]:
        """State, entries, one entry."""
        yield self._state
        yield self._list
        yield VerticalScroll(self._facts, id="file-pane")

    def on_mount(self) -> None:
        """Look whether there is an index, and follow the jobs."""
        self._list.focus()
        self.deck.bridge.add_folder(self._desk.subject.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.deck.bridge.look_now()
        self.say("looking for the index ...")
        self.action_refresh()

    def on_unmount(self) -> None:
        """Give the index back."""
        self._desk.close()

    # --- what there is

    def action_refresh(self) -> None:
        """What index and map say now."""
        self._map_seen = self._map_time()
        self._looks.start(self, self._desk.refresh, self._take_overview, self._failed)

    def _failed(self, error: RescueError) -> None:
        self.tell_error(error)

    def _take_overview(self, overview: Overview | None) -> None:
        self._overview = overview
        self.say("")
        if overview is None:
            self._entries = []
            self._fill()
        self._show_state()
        self._look_ahead()
        if overview is not None:
            self._load()

    def _load(self, at: int | None = None) -> None:
        view, directory, words = self._view, self._directory, self._words

        def take(loaded: Listing) -> None:
            self._entries, self._paths, self._trail = list(loaded.entries), loaded.paths, loaded.trail
            self._shown = view
            self._fill(at)
            self._ahead.again()
            self._show_state()

        self._lists.start(self, lambda: self._desk.listing(view, directory, words), take, self._failed)

    def _fill(self, at: int | None = None) -> None:
        up = self._view == "tree" and self._directory != 1 and self._overview is not None
        count = len(self._entries) + up
        place = None
        if at is not None:
            place = next((n for n, entry in enumerate(self._entries) if entry.id == at), 0) + up
        empty = "nothing here" if self._overview is not None else "i lists what is in this volume"
        columns = COLUMNS if self._view == "tree" else FLAT_COLUMNS
        self._list.fill(columns, count, self._row, empty=empty, at=place)

    def _row(self, index: int) -> Row:
        entry = self._entry_at(index)
        if entry is None or self._overview is None:
            return Row("up", (" ", "..", " ", " ", " ", " "))
        name = self._paths.get(entry.id, entry.name) if self._view != "tree" else entry.name
        return entry_row(entry, self._overview, marked=entry.id in self._marked, name=name)

    def _entry_at(self, index: int | None) -> Entry | None:
        if index is None:
            return None
        if self._view == "tree" and self._directory != 1:
            index -= 1
        return self._entries[index] if 0 <= index < len(self._entries) else None

    @property
    def _entry(self) -> Entry | None:
        return self._entry_at(self._list.index)

    def _show_state(self) -> None:
        shown = self._trail if self._view == "tree" else _VIEW_WORDS[self._view]
        if self._view == "search":
            shown = f"named {self._words!r}"
        if self._marked:
            shown += f"; {len(self._marked)} marked"
        self._state.show(overview_facts(self._overview, self._job, shown))
        self.refresh_bindings()

    def on_long_list_at(self) -> None:
        """Another entry."""
        entry = self._entry
        self.refresh_bindings()
        if entry is None:
            self._facts.show(())
            return
        self._details.start(self, lambda: self._desk.details(entry), self._show_details, self._failed)

    def _show_details(self, details: Details) -> None:
        if self._entry is not None and details.entry.id == self._entry.id:
            self._facts.show(details_facts(details))

    # --- jobs

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        mine = [
            job for job in jobs
            if job.kind in (INDEX_KIND, TAKE_KIND)
            and job.arguments.get("source") == os.path.abspath(self._desk.subject.path)
            and job.arguments.get("volume") == self._desk.volume.start
        ]  # fmt: skip
        before = self._job
        live = [job for job in mine if job.live]
        self._job = max(live or mine, key=lambda job: (job.created, job.id), default=None)
        job = self._job
        if before is not None and before.live and job is not None and not job.live and job.id not in self._ended:
            self._ended.add(job.id)
            self._tell_end(job)
        self._show_state()

    def _tell_end(self, job: Job) -> None:
        if job.error is not None:
            self.say(job.error.message, "error")
        elif job.result is None:
            self.say(f"stopped{'; u goes on' if job.resumable else ''}", "warning")
        elif job.kind == INDEX_KIND:
            self.say(f"{job.result.get('files')} files listed")
        else:
            lack = int(job.result.get("missing_bytes", 0))
            words = plural(int(job.result.get("files", 1)), "file", "files")
            lacks = f", {format_size(lack)} never read" if lack else ""
            target = Path(str(job.arguments.get("target")))
            near = target.parent == self._desk.subject.exports_dir.parent
            text = f"{words} written{lacks}" + ("" if near else f"; in {safe_text(str(target))}")
            self.say(text, "warning" if lack else "info")
        if job.kind == INDEX_KIND:
            self.action_refresh()
        else:
            self._look_ahead()

    # --- what comes next

    def _look_ahead(self) -> None:
        if self._job is not None and self._job.live:
            self.offer("", None)
        else:
            self._ahead.look()

    def _own_step(self, step: Step) -> tuple[str, Callable[[], None]] | None:
        if step.volume != self._desk.volume.start:
            return None
        if step.id == "list-files":
            return "list the files", self.action_index
        if step.id == "extract":
            return f"write out all files: {step.reason}", self._extract_all
        if step.id != "retry":
            return None
        if self._shown != "hit":
            return f"show the files that are hit: {step.reason}", self._show_hit
        return f"read only what these files lack: {step.reason}", self._first_hit

    def _show_hit(self) -> None:
        self._view = "hit"
        self._load(at=_UP)

    def _first_hit(self) -> None:
        """A domain map of every file that is hit, handed over to the rescue."""
        self._save_domain(Wish("files", tuple(sorted(entry.id for entry in self._entries))))

    def _begin(self, kind: str, more: dict[str, Any]) -> None:
        desk = self._desk
        arguments = {**desk.job_arguments(), **more}
        title = f"{desk.subject.path.name} {desk.volume.title}"
        self.say("starting ...")
        background.start(self, lambda: start(kind, arguments, desk.subject.jobs_dir, title=title), self._begun)

    def action_index(self) -> None:
        """Walk the volume."""
        self._begin(INDEX_KIND, {"orphans": None})

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without an index there is nothing to do but make it."""
        live = self._job is not None and self._job.live
        if action == "index":
            return None if live else True
        if action == "stop":
            return live
        if action == "resume":
            return self._job is not None and not live and self._job.resumable and self._job.result is None
        if action in ("open", "up", "mark", "bytes", "view", "search", "domain", "extract", "space"):
            if self._overview is None:
                return False
            if action in ("mark", "bytes"):
                return True if self._entry is not None else None
        return True

    # --- moving about

    def on_long_list_opened(self) -> None:
        """A double click."""
        self.action_open()

    on_row_list_opened = on_long_list_opened

    def action_open(self) -> None:
        """Into a directory; a look into a file."""
        entry = self._entry
        if entry is None:
            if self._list.index == 0 and self._directory != 1:
                self.action_up()
            return
        if entry.is_directory:
            self._view, self._directory = "tree", entry.id
            self._load(at=_UP)
            return
        from tui.screens.file_look import FileLookScreen

        files = [one for one in self._entries if not one.is_directory]
        terminal = self.deck.terminal
        letters = self.deck.no_color or not terminal.glyphs or terminal.colours not in ("truecolor", "256")
        self.app.push_screen(FileLookScreen(self._desk, files, files.index(entry), letters=letters))

    def action_up(self) -> None:
        """The directory above; out of a flat list back to the tree."""
        if self._view != "tree":
            entry = self._entry
            self._view = "tree"
            self._directory = entry.parent or 1 if entry is not None else self._directory
            self._load(at=None if entry is None else entry.id)
            return
        if self._directory == 1:
            self.say("this is the top of the volume")
            return
        here = self._directory

        def take(entry: Entry) -> None:
            self._directory = entry.id
            self._load(at=here)

        background.start(self, lambda: self._desk.parent(here), take)

    def action_view(self) -> None:
        """The next view."""
        at = _VIEWS.index(self._view) if self._view in _VIEWS else -1
        self._view = _VIEWS[(at + 1) % len(_VIEWS)]
        self.say(_VIEW_WORDS[self._view])
        self._load(at=_UP)

    def action_search(self) -> None:
        """By name."""

        def take(words: str) -> None:
            if words.strip():
                self._view, self._words = "search", words.strip()
                self._load(at=_UP)

        self.prompt.read("names with:", take, value=self._words)

    def action_mark(self) -> None:
        """Into the choice, or out of it."""
        entry, index = self._entry, self._list.index
        if entry is not None and index is not None:
            self._marked ^= {entry.id}
            self._list.look_again(index)
            self._list.action_cursor_down()
            self._show_state()

    def _chosen(self) -> tuple[int, ...]:
        if self._marked:
            return tuple(sorted(self._marked))
        entry = self._entry
        return (entry.id,) if entry is not None else (self._directory,)

    def action_bytes(self) -> None:
        """Where it begins, among all bytes."""
        entry = self._entry
        if entry is None:
            return

        def take(details: Details) -> None:
            start = next((at for _, at, _ in details.places if at is not None), None)
            if start is None:
                self.say("nothing of it has a place on the disk")
            else:
                self.deck.open_bytes(self._desk.subject.path, self._desk.subject.map, start)

        background.start(self, lambda: self._desk.details(entry), take)

    # --- getting out

    def action_extract(self) -> None:
        """The marked ones, or the one under the cursor."""
        words = plural(len(self._marked), "marked entry", "marked entries") if self._marked else "this entry"
        self._extract(self._chosen(), words)

    def _extract_all(self) -> None:
        self._extract((_ROOT,), "all files")

    def _extract(self, numbers: tuple[int, ...], words: str) -> None:
        def take(text: str) -> None:
            target = written_path(text)
            if target.exists() and not target.is_dir():
                raise UsageError("that is a file; name a folder", path=target)
            choice = Choice(numbers, deleted=self._view == "deleted" or self._gone(numbers))
            self._begin(TAKE_KIND, {"choice": choice.to_json(), "target": str(target), "what": "files", "verify": True})

        where = str(self._desk.subject.exports_dir)
        self.prompt.read(f"write {words} into:", take, value=where, complete=complete_path)

    def _gone(self, numbers: tuple[int, ...]) -> bool:
        return any(entry.deleted for entry in self._entries if entry.id in numbers)

    def action_space(self) -> None:
        """Free space or slack, as one file."""
        self.prompt.choose("write", SCOPES["space"][1], self._space)

    def _space(self, key: Key) -> None:
        what = "slack" if key.action == "slack" else "unallocated"

        def take(text: str) -> None:
            target = written_path(text)
            if target.is_dir():
                raise UsageError("that is a folder; name a file", path=target)
            self._begin(TAKE_KIND, {"target": str(target), "what": what})

        default = self._desk.subject.exports_dir / f"{what}.bin"
        self.prompt.read(f"write {what} as:", take, value=str(default), complete=complete_path)

    # --- what must be read first

    def action_domain(self) -> None:
        """Choose, save, hand over to the rescue."""
        self.prompt.choose("read first:", SCOPES["first"][1], self._first)

    def _first(self, key: Key) -> None:
        if key.action in ("metadata", "used"):
            self._save_domain(Wish(key.action))  # type: ignore[arg-type]
        elif key.action == "files":
            self._save_domain(Wish("files", self._chosen()))
        elif key.action in GROUPS:
            self._save_domain(Wish("files", types=types_of([key.action])))
        else:
            self.prompt.read("extensions:", self._typed_types, value="")

    def _typed_types(self, text: str) -> None:
        found = types_of(text.replace(",", " ").split())
        if not found:
            raise UsageError("name extensions, such as jpg cr2")
        self._save_domain(Wish("files", types=found))

    def _save_domain(self, wish: Wish) -> None:
        def take(text: str) -> None:
            path = written_path(text)
            self.say("gathering the places ...")
            background.start(self, lambda: self._desk.domain(wish, path), self._saved, self._failed)

        self.prompt.read("domain map:", take, value=str(self._desk.default_domain), complete=complete_path)

    def _saved(self, made: MadeDomain) -> None:
        from engine.cases import is_case

        words = f"{format_size(made.wanted.total)} wanted, {format_size(made.missing)} still unread"
        where = self._desk.subject.path
        if not is_case(where):
            self.say(f"{made.path.name}: {words}; for ddrescue -m")
            return

        def answer(key: str) -> None:
            if key == "y":
                self.deck.set_up_rescue(Path(where), made.path)
            else:
                self.say(f"saved as {made.path}")

        self.prompt.ask(f"{words}. Set up the rescue of just that?", answer, default="y")
