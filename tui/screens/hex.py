"""The hex view: bytes of an image or a case, with search, bookmarks, inspector, entropy, saving and editing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from textual.app import App
from textual.timer import Timer
from textual.widget import Widget

from engine.cases.folder import map_beside
from engine.cases.partitions import undo_files
from engine.cases.repairing import undo_repair
from engine.cases.subject import Subject
from engine.edits import Applied, Journal, Undone, WritePlan
from engine.extract import Written
from engine.hex.bookmarks import Bookmark, add_bookmark
from engine.hex.inspector import MOST, Reading, inspect, surroundings
from engine.hex.patch import plan_patch, typed_bytes
from engine.hex.patterns import Kind, Pattern
from engine.hex.reading import Bytes
from engine.hex.saving import save_selection
from engine.hex.strip import Strip, measure
from engine.jobs import Job, StopRequest
from engine.jobs.hex_search import FindsTail
from engine.text import format_size
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.hex_fields import inspector_sections
from tui.hex_search import Searching
from tui.key import Key
from tui.keys import SCOPES, bindings
from tui.screens.hex_base import BytesScreen
from tui.widgets.entropy_strip import EntropyStrip
from tui.widgets.row_list import RowList
from tui.words import local_time, plural

_KINDS: dict[str, Kind] = {"find_text": "text", "find_any": "any-case", "find_hex": "hex", "find_regex": "regex"}
_AROUND = 1 << 20
_LONG = 4096
_REST_S = 0.15
"""The inspector follows when the cursor has rested so long: less goes down a slow line."""


def open_hex(app: App[Any], source_text: str | Path | Subject, at: int = 0, template: str | None = None) -> None:
    """Show the bytes of a source from ``at`` on, with the structure ``template`` laid over them.

    ``source_text`` is an image (the map beside it lies over it), a case, or a ``Subject``.
    """
    app.push_screen(HexScreen(subject_of(source_text), at, template))


def subject_of(source_text: str | Path | Subject) -> Subject:
    """What a path names, under the map that lies beside it."""
    if isinstance(source_text, Subject):
        return source_text
    path = written_path(str(source_text))
    return Subject(path, None if path.is_dir() else map_beside(path))


class HexScreen(BytesScreen):
    """What a person does with the bytes."""

    TITLE = "bytes"
    SCOPES = ("hex", "bytes", "pattern", "list")
    BINDINGS = bindings("hex")
    HELP = (
        "The bytes of an image or a case. What the map does not call finished is drawn by its status letter, never as "
        "zeros. t lays a structure over the bytes: its fields are coloured and listed beside them; wrong ones are "
        "marked !! where nothing can be found without them, ! elsewhere. Tab changes between bytes and fields. "
        "i reads the bytes at the cursor as numbers, dates and text. / searches as a job that goes on when you leave. "
        "e types other bytes; nothing is written before you say so, and u takes it back. A drive itself is read only "
        "when you say so: by a process of its own that may hang alone, and never written to."
    )

    def __init__(self, subject: Subject, at: int = 0, template: str | None = None) -> None:
        super().__init__(subject, at, template)
        self._inspector = RowList(id="hex-inspector")
        self._looks: background.Latest[tuple[list[Reading], list[Reading]]] = background.Latest()
        self._readings: dict[str, Reading] = {}
        self._strip = EntropyStrip(id="hex-strip")
        self._strip_mode = 0
        self._strips: background.Latest[Strip] = background.Latest()
        self._search = Searching(subject)
        self._go_from: int | None = None
        self._rest: Timer | None = None

    def beside(self) -> Iterable[Widget]:
        """The inspector."""
        yield self._inspector

    def below(self) -> Iterable[Widget]:
        """The entropy strip."""
        yield self._strip

    def opened(self, opened: Bytes, *, first: bool) -> None:
        """Follow the searches of this source."""
        if first:
            self.deck.bridge.add_folder(self._subject.jobs_dir)
            self.follow_jobs(self._take_jobs)
            self.deck.bridge.look_now()
        if self._strip_mode:
            self._measure()

    def moved(self) -> None:
        """Inspector and strip follow."""
        self._strip.move_to(self._view.cursor)
        if self.has_class("-inspect"):
            if self._rest is not None:
                self._rest.stop()
            self._rest = self.set_timer(_REST_S, self._inspect)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes sense now."""
        there = self._bytes is not None and self._bytes.size > 0
        if action in ("search", "strip", "edit", "undo", "bookmark", "bookmarks") and self._patient:
            return None  # a failing drive is imaged first: these would read all of it, or write
        if action in ("search", "inspector", "bookmark", "strip", "edit"):
            return True if there else None
        if action in ("next_find", "previous_find"):
            return True if self._search.finds else None
        if action == "stop_search":
            return self._search.live
        if action == "save":
            return True if self._view.selection is not None else None
        return super().check_action(action, parameters)

    # -- search ---------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """What kind, then what."""
        self.prompt.choose("search for", SCOPES["pattern"][1], self._search_kind)

    def _search_kind(self, key: Key) -> None:
        kind = _KINDS[key.action]
        example = {"hex": "hex (de ad ?? ef):", "regex": "expression over bytes:"}.get(kind, "text:")
        self.prompt.read(f"{key.label}: {example}" if kind == "any-case" else example,
                         lambda text: self._begin(Pattern(kind, text)))  # fmt: skip

    def _begin(self, pattern: Pattern) -> None:
        at = self._view.cursor
        self.say("starting ...")
        background.start(self, lambda: self._search.begin(pattern, at), lambda job: self._begun(job, at))

    def _begun(self, _job: Job, at: int) -> None:
        self._go_from = at
        self.deck.bridge.look_now()

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        live = self._search.live
        other = self._search.take(jobs)
        if other:
            self._view.mark_found(())
        if other or live or self._search.live:
            background.start(self, self._search.read, self._take_finds)
        self.refresh_bindings()

    def _take_finds(self, read: tuple[FindsTail | None, tuple[tuple[int, int], ...]]) -> None:
        tail, finds = read
        if tail is None or not self._search.is_present(tail):
            return
        if finds != self._search.finds:
            self._search.finds = finds
            self._view.mark_found(finds)
            self.refresh_bindings()
        if self._go_from is not None:
            self.say(self._search.words)
            if finds:
                self._first_find()
        if not self._search.live:
            self._go_from = None

    def _first_find(self) -> None:
        """The search began at the cursor: its first find is shown when the cursor is still there."""
        start = self._go_from
        if start is not None and self._view.cursor == start:
            first = self._search.following(start - 1)
            if first is not None and (first[0] >= start or not self._search.live):
                self._view.move_to(first[0])

    def action_stop_search(self) -> None:
        """Ask the job to stop."""
        background.start(self, self._search.stop, self._told_to_stop)

    def _told_to_stop(self, _request: StopRequest | None) -> None:
        self.say("stopping after the present block ...")
        self.deck.bridge.look_now()

    def action_next_find(self) -> None:
        """The find behind the cursor, around the end."""
        self._to_find(self._search.following(self._view.cursor))

    def action_previous_find(self) -> None:
        """The find before the cursor, around the beginning."""
        self._to_find(self._search.before(self._view.cursor))

    def _to_find(self, find: tuple[int, int] | None) -> None:
        if find is not None:
            self._view.move_to(find[0])
            number = self._search.finds.index(find) + 1
            self.say(f"find {number} of {len(self._search.finds)} at 0x{find[0]:x}, {find[1]} bytes; "
                     f"{self._search.words}")  # fmt: skip

    # -- inspector and entropy ------------------------------------------------------------------------------------

    def action_inspector(self) -> None:
        """The data under the cursor beside the bytes, or not."""
        shown = not self.has_class("-inspect")
        self.set_class(shown, "-inspect")
        if shown:
            self._inspect()
        elif self.focused is self._inspector:
            self._view.focus()

    def _inspect(self) -> None:
        at = self._view.cursor
        unit = self._bytes.sector_size if self._bytes is not None else 512
        data, long = self._content(at, MOST), self._content(at, _LONG)
        sector = self._content(at - at % unit, unit)
        self._looks.start(self, lambda: (inspect(data), surroundings(long, sector)), self._inspected)

    def _inspected(self, found: tuple[list[Reading], list[Reading]]) -> None:
        readings, around = found
        self._readings = {f"{one.kind}:{one.name}": one for one in (*around, *readings)}
        self._inspector.show(inspector_sections(readings, around))
        self._tell()

    def brought_out(self) -> None:
        """Of the chosen reading: its bytes are brought out, its value stands below in full."""
        super().brought_out()
        if self.focused is self._inspector:
            row, at = self._inspector.chosen, self._view.cursor
            reading = self._readings.get(row.id) if row is not None else None
            self._view.mark_now((at, at + reading.size) if reading is not None else None)
            self._tell()

    def about(self) -> str:
        """The chosen reading in full."""
        row = self._inspector.chosen if self.focused is self._inspector else None
        reading = self._readings.get(row.id) if row is not None else None
        return "" if reading is None else f"{reading.name}, {plural(reading.size, 'byte', 'bytes')}: {reading.value}"

    def _content(self, at: int, most: int) -> bytes:
        """At most ``most`` bytes from ``at`` on, up to the first that nobody has read or that is not at hand."""
        data = b""
        for offset in (at, at + most - 1):
            page = self._view.page_at(offset)
            low = at + len(data)
            if page is None or not page.offset <= low < page.end:
                continue
            high = min(page.end, at + most, *(one.start for one in page.unread if one.end > low), page.end)
            data += page.data[low - page.offset : max(low, high) - page.offset]
            if high < page.end:
                break
        return data

    def action_strip(self) -> None:
        """Off, the whole source, around the cursor."""
        self._strip_mode = (self._strip_mode + 1) % 3
        self.set_class(self._strip_mode > 0, "-strip")
        if self._strip_mode:
            self._measure()

    def _measure(self) -> None:
        opened = self._bytes
        if opened is None:
            return
        low, high, cells = 0, opened.size, max(16, self._view.size.width - 12)
        if self._strip_mode == 2:
            low = max(0, self._view.cursor - _AROUND // 2)
            high = min(opened.size, low + _AROUND)
        self._strip.show(None)
        self._strips.start(self, lambda: measure(opened, low, high, cells, stopped=lambda: not self.is_attached),
                           self._measured)  # fmt: skip

    def _measured(self, strip: Strip) -> None:
        self._strip.show(strip)
        self._strip.move_to(self._view.cursor)
        what = "around the cursor" if self._strip_mode == 2 else "the whole source"
        how = ", the first 4 KiB of each" if strip.sampled else ""
        self.say(f"{what}, {format_size(strip.cell)} a digit{how}: 8 is compressed or encrypted, 0 is one value")

    def on_entropy_strip_chosen(self, message: EntropyStrip.Chosen) -> None:
        """A clicked cell."""
        self._view.move_to(message.offset)

    # -- bookmarks and selections ---------------------------------------------------------------------------------

    def _selected(self) -> tuple[int, int]:
        """Offset and size of the selection, or of the cursor alone."""
        selection = self._view.selection
        return (self._view.cursor, 0) if selection is None else (selection[0], selection[1] - selection[0])

    def action_bookmark(self) -> None:
        """Give the place a name."""
        offset, size = self._selected()
        laid = self._overlay.name or "" if self._overlay.offset == offset else ""
        self.prompt.read(f"bookmark at 0x{offset:x}, name:", lambda name: background.start(
            self, lambda: add_bookmark(self._subject, Bookmark(offset, size, name, laid)), self._marked
        ), value=laid)  # fmt: skip

    def _marked(self, marks: Sequence[Bookmark]) -> None:
        self.say(f"kept; {plural(len(marks), 'bookmark', 'bookmarks')} here, B lists them")

    def action_bookmarks(self) -> None:
        """The list."""
        from tui.screens.hex_marks import BookmarksScreen

        self.app.push_screen(BookmarksScreen(self._subject, self._to_mark))

    def _to_mark(self, mark: Bookmark) -> None:
        self._view.move_to(mark.offset)
        self._view.select((mark.offset, mark.offset + mark.size) if mark.size else None)
        if mark.template:
            self._lay(mark.offset, mark.template)

    def action_save(self) -> None:
        """The selection as a file."""
        selection, opened = self._view.selection, self._bytes
        if selection is None or opened is None:
            return
        low, high = selection

        def take(path: str) -> None:
            where = written_path(path)
            self.say("writing ...")
            background.start(
                self, lambda: save_selection(opened.source, low, high, where, subject=self._subject), self._saved
            )

        where = Path.cwd() / self._subject.image.name if opened.patient else self._subject.image
        name = str(where.with_suffix(f".{low:x}-{high:x}.bin"))
        self.prompt.read("save the selection as:", take, value=name, complete=complete_path)

    def _saved(self, written: Written) -> None:
        missing = written.missing.total
        words = f"; {format_size(missing)} in it were never read, told beside it" if missing else ""
        self.say(f"{format_size(written.size)} in {written.path.name}{words}", "warning" if missing else "info")

    # -- editing --------------------------------------------------------------------------------------------------

    def action_edit(self) -> None:
        """Other bytes at the cursor."""
        at = self._view.cursor
        self.prompt.read(f'new bytes from 0x{at:x} on (55 aa, or "text):', lambda text: self._plan(at, text))

    def _plan(self, at: int, text: str) -> None:
        new, opened = typed_bytes(text), self._bytes
        if opened is not None:
            background.start(self, lambda: plan_patch(opened, at, new), self._planned)

    @property
    def _target(self) -> Subject:
        return Subject(self._subject.path, self._subject.map)

    def _planned(self, plan: WritePlan) -> None:
        from tui.screens.partition_plan import PartitionPlanScreen

        if not plan.writes:
            self.say("these bytes are there already")
        else:
            self.app.push_screen(PartitionPlanScreen(self._target, self._shifted(plan), self._written))

    def _shifted(self, plan: WritePlan) -> WritePlan:
        window = self._subject.window
        return plan if window is None else plan.shifted(window[0], self._subject.image.stat().st_size)

    def _written(self, done: Applied) -> None:
        undo = done.undo_file.name if done.undo_file is not None else ""
        self.action_refresh()
        self.say(f"written and read back; u takes it back ({undo})")

    def action_undo(self) -> None:
        """The newest write that is not taken back yet."""
        background.start(self, lambda: undo_files(self._target), self._ask_undo)

    def _ask_undo(self, found: list[Journal]) -> None:
        if not found:
            self.say("nothing that was written into this image can be taken back")
            return
        one = found[0]

        def answer(key: str) -> None:
            if key == "y":
                background.start(self, lambda: undo_repair(one.path), self._taken_back)

        cut = "" if one.finished else "CUT SHORT: "
        total = plural(one.plan.total, "byte", "bytes")
        self.prompt.ask(f"{cut}Take back {one.plan.title}, of {local_time(one.time)}, {total}?", answer)

    def _taken_back(self, done: Undone) -> None:
        self.action_refresh()
        self.say(f"taken back: {plural(done.written, 'byte', 'bytes')} as they were")
