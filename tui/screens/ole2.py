"""The wizard for an OLE2 document: nine steps, each with its evidence, each overruled by hand, or all left to the
program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Static

from engine.cases.document_desk import Desk, Seen, with_field
from engine.cases.documents import Saved
from engine.cases.subject import Subject
from engine.errors import OutsideError, RescueError
from engine.ole2.model import Stream
from engine.ole2.sheet import Line
from engine.ole2.solver import Choices
from engine.text import format_size, parse_size
from tui import background
from tui import ole2_view as view
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.block_map import BlockMap
from tui.widgets.facts import Fact, Facts
from tui.widgets.map_look import SECTORS
from tui.widgets.row_list import RowList
from tui.widgets.rows import Row
from tui.words import of_window

LOOK, FAT, DIRECTORY, MINI, HEADER, CHAINS, CANDIDATES, PREVIEW, WRITE = range(9)
_SECTIONS = {
    FAT: view.fat_section, DIRECTORY: view.directory_section, MINI: view.mini_section, HEADER: view.header_section,
    CHAINS: view.chain_section, CANDIDATES: view.candidate_section, PREVIEW: view.tree_section,
    WRITE: view.write_section,
}  # fmt: skip


class Ole2Screen(DeckScreen):
    """Steps above, what the step shows, what is under its cursor below."""

    TITLE = "document"
    SCOPES = ("ole2", "list", "map")
    BINDINGS = bindings("ole2")
    HELP = (
        "A damaged Word, Excel, PowerPoint or other OLE2 document, put right in the steps a person would take: look at "
        "the sectors, find the FAT, the directory and the mini FAT, compute the header, check the chains, compare "
        "readings, look at the streams, write a copy. . and , change the step. Everything is computed already; Enter "
        "overrules the line under the cursor, x takes that back, a leaves it all to the program. In the header sheet S "
        "marks standard values, C the critical ones. The original is never changed. What nobody has read is never "
        "shown as zeros, and a copy with such parts says .holed in its name."
    )

    def __init__(self, path: Path, map: Path | None = None, window: tuple[int, int] | None = None) -> None:
        super().__init__(of_window(str(path), window))
        self._path, self._map, self._window = path, map, window
        self._desk: Desk | None = None
        self._seen: Seen | None = None
        self._step = LOOK
        self._choices = Choices()
        self._thorough = False
        self._says = Static("", markup=False, id="ole2-steps")
        self._sectors = BlockMap(seek="HDFImso?", id="ole2-map", legend=SECTORS)
        self._list = RowList(id="ole2-list")
        self._facts = Facts(label_width=9, id="ole2-said")
        self._looks: background.Latest[Seen] = background.Latest()

    def body(self) -> Iterable[Widget]:
        """Steps, map or list, facts."""
        yield self._says
        yield self._sectors
        yield self._list
        yield self._facts

    def on_mount(self) -> None:
        """Open the file and solve it."""
        self._list.display = False
        self._show_step()
        self.say("reading ...")
        background.start(self, lambda: Desk(self._path, self._map, self._window), self._opened, self._failed)

    def on_unmount(self) -> None:
        """Give the file back."""
        if self._desk is not None:
            self._desk.close()

    def _opened(self, desk: Desk) -> None:
        self._desk = desk
        self._solve(self._choices)

    def _failed(self, error: RescueError) -> None:
        self._facts.show([("error", str(error))])
        self.tell_error(error)

    def _solve(self, choices: Choices, *, then: Callable[[], None] | None = None) -> None:
        desk = self._desk
        if desk is None:
            return

        def take(seen: Seen) -> None:
            self._take(seen)
            if then is not None:
                then()

        self.say("solving ...")
        self._looks.start(self, lambda: desk.examine(choices, thorough=self._thorough), take, self._failed)

    def _take(self, seen: Seen) -> None:
        self._seen, self._choices = seen, seen.choices
        self._sectors.show_picture(seen.sectors, sector=seen.sectors.sector_size)
        self._show_step()
        one = seen.candidate
        by_hand = "  (by hand in part; x takes it back)" if seen.choices.any else ""
        if one is None:
            self.say("no document was found in it" + by_hand, "warning")
        elif one.intact and one.verification.whole:
            self.say("nothing to repair: it is right as it is" + by_hand)
        else:
            ok = f"{one.verification.streams_ok} of {one.verification.streams} streams whole"
            words = "verified" if one.verification.structure else "NOT verified"
            self.say(f"{words}, {ok}; a repairs it{by_hand}", "info" if one.verification.structure else "warning")

    # --- steps

    def _show_step(self) -> None:
        width = max(40, self.size.width or 80)
        self._says.update(view.steps_line(self._step, width) + "\n" + view.SAYS[self._step][:width])
        look = self._step == LOOK
        self._sectors.display, self._list.display = look, not look
        if self._seen is not None and not look:
            self._list.show([_SECTIONS[self._step](self._seen)])
        (self._sectors if look else self._list).focus()
        self._show_facts()
        self.refresh_bindings()

    def _show_facts(self) -> None:
        seen = self._seen
        if seen is None:
            return
        row = self._list.chosen
        facts: list[Fact]
        if self._step == LOOK:
            facts = [*view.look_facts(seen), ("here", view.place_words(seen, self._sectors.cursor)),
                     ("legend", view.legend(200))]  # fmt: skip
        elif self._step == HEADER:
            line = self._line(row)
            facts = view.header_facts(line) if line is not None else []
        elif self._step == CANDIDATES and row is not None:
            facts = view.candidate_facts(seen, int(row.id[1:]))[:8]
        elif self._step in (CHAINS, PREVIEW):
            stream = self._stream(row)
            facts = view.verdict_facts(seen) if stream is None else self._stream_facts(stream)
        elif self._step in (DIRECTORY, MINI) and row is not None:
            words = row.cells[3]
            facts = [("sector", str(row.cells[1])), ("why", words)]
        else:
            facts = view.verdict_facts(seen)
        self._facts.show(facts)

    def _line(self, row: Row | None) -> Line | None:
        if self._seen is None or row is None:
            return None
        return next((line for line in self._seen.sheet if line.name == row.id), None)

    def _stream(self, row: Row | None) -> Stream | None:
        one = None if self._seen is None else self._seen.candidate
        if one is None or row is None or not row.id.startswith("s"):
            return None
        return next((s for s in one.document.streams if f"s{s.entry.number}" == row.id), None)

    def _stream_facts(self, stream: Stream) -> list[Fact]:
        one = None if self._seen is None else self._seen.candidate
        if self._desk is None or one is None:
            return []
        data, holes = self._desk.preview(one, stream, 64)
        return view.stream_facts(stream, data, holes)

    def on_row_list_moved(self) -> None:
        """Another line."""
        self._show_facts()

    def on_block_map_moved(self) -> None:
        """Another sector."""
        self._show_facts()

    def on_block_map_not_found(self) -> None:
        """No further structure."""
        self.say("there is no further one")

    def action_next_step(self) -> None:
        """On."""
        self._step = min(WRITE, self._step + 1)
        self._show_step()

    def action_previous_step(self) -> None:
        """Back."""
        self._step = max(LOOK, self._step - 1)
        self._show_step()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done yet."""
        if action in ("write", "repair_all"):
            one = None if self._seen is None else self._seen.candidate
            return True if one is not None and one.document.streams else None
        if action == "forget":
            return True if self._choices.any or self._thorough else None
        return True

    # --- by hand

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Overrule the line under the cursor."""
        seen, row = self._seen, self._list.chosen
        if seen is None:
            return
        if self._step == LOOK:
            self.action_bytes()
        elif self._step == FAT and row is not None:
            self._ask_number(f"sector of FAT {row.id[3:]}:", f"difat[{row.id[3:]}]", str(row.cells[1]))
        elif self._step == DIRECTORY:
            self._ask_start("first sector of the directory:", "directory_start", row)
        elif self._step == MINI:
            self._ask_start("first sector of the mini FAT:", "mini_fat_start", row)
        elif self._step == HEADER:
            line = self._line(row)
            if line is not None:
                value = line.computed if isinstance(line.computed, int) else line.present
                self._ask_number(f"{line.label}:", line.name, str(value) if isinstance(value, int) else "")
        elif self._step == CANDIDATES and row is not None:
            self._show_candidate(int(row.id[1:]))
        elif self._step in (CHAINS, PREVIEW):
            stream = self._stream(row)
            if stream is not None:
                self._open_stream(stream)
        elif self._step == WRITE and row is not None and row.id in ("patched", "new", "streams"):
            self._ask_out(row.id)

    def _ask_start(self, question: str, field: str, row: Row | None) -> None:
        self._ask_number(question, field, str(row.cells[1]) if row is not None else "")

    def _ask_number(self, question: str, field: str, value: str) -> None:
        def take(text: str) -> None:
            one = None if self._seen is None else self._seen.candidate
            self._solve(with_field(self._choices, one, field, parse_size(text)))

        self.prompt.read(question, take, value=value)

    def _show_candidate(self, number: int) -> None:
        desk, seen = self._desk, self._seen
        if desk is None or seen is None:
            return
        self._looks.start(self, lambda: desk.show(seen.solution, seen.choices, number), self._take, self._failed)

    def _open_stream(self, stream: Stream) -> None:
        """The stream's first extent in the bytes of the file."""
        start = next((start for start, _ in stream.extents if start is not None), None)
        one = None if self._seen is None else self._seen.candidate
        if start is not None and one is not None:
            self._bytes_at(start + max(0, one.base))

    def action_place(self) -> None:
        """Where the header lies."""

        def take(text: str) -> None:
            words = text.split()
            size = int(words[1]) if len(words) > 1 and words[1] in ("512", "4096") else None
            negative = words[0].startswith("-") if words else False
            base = parse_size(words[0].lstrip("-")) * (-1 if negative else 1) if words else 0
            self._solve(replace(self._choices, base=base, sector_size=size))

        one = None if self._seen is None else self._seen.candidate
        value = f"{one.base} {one.sector_size}" if one is not None else "0 512"
        self.prompt.read("header at (bytes), sectors of:", take, value=value)

    def action_donor(self) -> None:
        """Standard fields from a working file."""

        def take(text: str) -> None:
            desk = self._desk
            if desk is not None:
                donor = desk.donor(written_path(text))
                self._solve(replace(self._choices, donor=donor))

        self.prompt.read("a working document:", take, complete=complete_path)

    def action_forget(self) -> None:
        """Back to what the program found."""
        self._thorough = False
        self._solve(Choices())

    def action_thorough(self) -> None:
        """Everything that could be read out of it."""
        self._thorough = True
        self._step = CANDIDATES
        self._show_step()
        self._solve(self._choices)

    def action_bytes(self) -> None:
        """The bytes under the cursor."""
        at = self._sectors.cursor
        seen = self._seen
        template = None
        if self._step == HEADER and seen is not None and seen.candidate is not None:
            at, template = max(0, seen.candidate.base), "ole2-header"
        elif self._step != LOOK:
            stream = self._stream(self._list.chosen)
            if stream is not None:
                self._open_stream(stream)
                return
        self._bytes_at(at, template)

    def _bytes_at(self, at: int, template: str | None = None) -> None:
        low = self._window[0] if self._window is not None else 0
        if low + at < os.path.getsize(Subject(self._path).image):
            self.deck.open_bytes(self._path, self._map, low + at, template)

    # --- writing

    def action_repair_all(self) -> None:
        """Everything by the program: forget what was decided, go to the last step, ask for the copy's name."""

        def ready() -> None:
            self._step = WRITE
            self._show_step()
            self._ask_out("patched")

        if self._choices.any or self._thorough:
            self._thorough = False
            self._solve(Choices(), then=ready)
        else:
            ready()

    def action_write(self) -> None:
        """The last step."""
        self._step = WRITE
        self._show_step()
        row = self._list.chosen
        self._ask_out(row.id if row is not None and row.id in ("patched", "new", "streams") else "patched")

    def _ask_out(self, form: str) -> None:
        one = None if self._seen is None else self._seen.candidate
        if one is None or not one.document.streams:
            return
        extension = self._path.suffix or f".{one.verification.kind.extension}"
        stem = self._path.with_name(self._path.stem)
        if self._window is not None:
            extension = f".{one.verification.kind.extension}"
            stem = Subject(self._path).exports_dir / f"document_{self._window[0]}"
        name = f"{stem}.parts" if form == "streams" else f"{stem}.repaired{extension}"
        what = {
            "patched": "write the copy to:",
            "new": "write the new container to:",
            "streams": "folder for the streams:",
        }
        self.prompt.read(what[form], partial(self._write, form), value=name, complete=complete_path)

    def _write(self, form: str, text: str) -> None:
        desk, one = self._desk, None if self._seen is None else self._seen.candidate
        if desk is None or one is None:
            return
        out = str(written_path(text))
        self.say("writing ...")
        if form == "streams":
            background.start(self, lambda: desk.write_streams(one, out), lambda report: self.say(
                f"{len(report.written)} files written below {out}"
                + (f", {format_size(report.missing_bytes)} missing" if report.missing_bytes else "")))  # fmt: skip
            return
        if os.path.lexists(out):
            raise OutsideError("the output file exists already", code="exists", path=out, advice="name another one")
        background.start(self, lambda: desk.write(one, out, form), self._written)

    def _written(self, saved: Saved) -> None:
        seen = saved.verification
        words = (
            "read back: whole"
            if seen.whole
            else "read back: structure right"
            if seen.structure
            else ("read back: NOT right")
        )
        missing = f"; {format_size(saved.missing_bytes)} were never read" if saved.missing_bytes else ""
        self.say(f"written {saved.path.name}, {words}{missing}", "info" if seen.whole else "warning")

    def action_many(self) -> None:
        """All documents of this folder, as a job."""
        folder = self._path.parent

        def take(text: str) -> None:
            from engine import jobs

            target = written_path(text)
            job = jobs.start("documents-repair", {"folder": str(folder), "target": str(target)}, f"{target}.jobs",
                             title=str(folder))  # fmt: skip
            from tui.screens.ole2_many import Ole2ManyScreen

            self.app.push_screen(Ole2ManyScreen(job.directory))

        self.prompt.read(
            f"repair all of {folder.name}/ into:", take, value=f"{folder}.repaired", complete=complete_path
        )
