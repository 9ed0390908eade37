"""What becomes of the file: saving, leaving, edits of a lost session, a file changed by somebody else, reading now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine import jobs
from engine.errors import UsageError
from engine.jobs import Job
from engine.mapedit import Document, ReadNow, Saved, read_selection
from engine.ranges import RangeSet
from engine.text import format_exact, format_size
from tui.dialogs.path import complete_path
from tui.editor import words
from tui.words import local_time, plural

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile
    from tui.screens.map_editor import MapEditorScreen


class Session:
    """Methods are named as the actions of the scopes ``offer``, ``outside`` and ``leaving``."""

    def __init__(self, screen: MapEditorScreen, image: Path | None) -> None:
        self._screen = screen
        self._source: str | None = None
        self._image = None if image is None else str(image)
        self._reading: tuple[Job, Mapfile] | None = None

    @property
    def _document(self) -> Document:
        return self._screen.editing.document

    # -- saving ---------------------------------------------------------------------------------------------------

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Ask for a note and save; ``then`` when it is saved."""
        document = self._document
        if not document.dirty:
            self._screen.say("nothing to save")
            return
        lost = sum(move.bytes for move in document.unsaved_moves() if move.loses)
        if lost:
            self._screen.prompt.ask(
                f"{format_size(lost)} that are finished in the file would be no longer. Save?",
                lambda answer: self._ask_note(then, allow_loss=True) if answer == "y" else None,
            )
        else:
            self._ask_note(then, allow_loss=False)

    def _ask_note(self, then: Callable[[], None] | None, *, allow_loss: bool) -> None:
        self._screen.read("save; a note for later (may be empty):",
                          lambda note: self._save(note.strip(), then, allow_loss=allow_loss))  # fmt: skip

    def _save(self, note: str, then: Callable[[], None] | None, *, allow_loss: bool) -> None:
        editing = self._screen.editing

        def work() -> Saved:
            with editing.lock:
                return editing.document.save(note, allow_loss=allow_loss)

        def done(saved: Saved) -> None:
            kept = f"; generation {saved.generation.number} keeps it as it was" if saved.generation is not None else ""
            self._screen.say(f"saved{kept}")
            if then is not None:
                then()

        self._screen.work("saving ...", work, done)

    # -- leaving --------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Back, but not without asking about unsaved edits."""
        screen = self._screen
        if screen.opened and self._document.dirty and not self._document.damage and screen.editing.locked is None:
            count = plural(screen.editing.unsaved, "edit is", "edits are")
            screen.menu("leaving", f"{count} not saved:")
        else:
            screen.close()

    def save_and_leave(self) -> None:
        """Save, then leave."""
        self.save(self._screen.close)

    def keep_and_leave(self) -> None:
        """Leave; the journal offers the edits next time."""
        self._screen.close("the edits are kept beside the map, and offered when it is opened again")

    def drop_and_leave(self) -> None:
        """Leave without the edits."""
        with self._screen.editing.lock:
            self._document.reload()
        self._screen.close("the edits are dropped; their journal is kept aside")

    # -- decisions that wait --------------------------------------------------------------------------------------

    def decide(self) -> bool:
        """Ask what waits for a decision; False when nothing does."""
        screen, document = self._screen, self._document
        if document.damage is not None:
            from tui.screens.map_problems import MapProblemsScreen

            screen.app.push_screen(MapProblemsScreen(document, self.accept_repair))
        elif document.offer is not None:
            offer = document.offer
            count = plural(len(offer.titles), "edit", "edits")
            screen.menu("offer", f"{count} of a lost session, {local_time(offer.until)}:")
        elif screen.editing.reason("changed-on-disk") is not None:
            screen.menu("outside", "the file was changed; your edits are not in it:")
        else:
            return False
        return True

    def accept_repair(self) -> None:
        """Go on with the proposed repair."""
        with self._screen.editing.lock:
            self._document.accept_repair()
        self._screen.look_again("the repair is in the editor; w writes it, and keeps the damaged file")

    def replay(self) -> None:
        """The edits of the lost session again."""

        def work() -> int:
            with self._screen.editing.lock:
                return self._document.replay()

        self._screen.work("doing them again ...", work, lambda count: self._screen.look_again(
            f"{plural(count, 'edit is', 'edits are')} back, not saved yet"))  # fmt: skip

    def show_offer(self) -> None:
        """What they are."""
        from tui.screens.map_history import MapOfferScreen

        offer = self._document.offer
        if offer is not None:
            self._screen.app.push_screen(MapOfferScreen(offer))

    def discard(self) -> None:
        """Begin without them."""
        with self._screen.editing.lock:
            self._document.discard_offer()
        self._screen.look_again("left out; their journal is kept aside")

    def merge(self) -> None:
        """The unsaved edits on what is in the file now."""
        with self._screen.editing.lock:
            merged = self._document.merge()
        told = [f"{plural(merged.steps, 'edit', 'edits')} done again on the new state"]
        if merged.kept:
            told.append(f"{format_exact(merged.kept)} that were rescued meanwhile stay finished")
        told += merged.failed
        self._screen.look_again("; ".join(told), "warning" if merged.failed else "info")

    def reload(self) -> None:
        """What is in the file now."""
        with self._screen.editing.lock:
            self._document.reload()
        self._screen.look_again("read again; the unsaved edits were put aside")

    # -- reading the selection now --------------------------------------------------------------------------------

    def read_now(self) -> None:
        """Run ddrescue on the selection, or on the block under the cursor."""
        screen = self._screen
        target = screen.editing.target(screen.block_map.cursor)
        if self._document.dirty:
            screen.prompt.ask(
                "The edits are not saved. Save them first?",
                lambda answer: self.save(lambda: self._ask_source(target)) if answer == "y" else None, default="y",
            )  # fmt: skip
        else:
            self._ask_source(target)

    def _ask_source(self, target: RangeSet) -> None:
        case = self._document.case
        source = case.source_path if case is not None else self._source
        image = str(case.image) if case is not None else self._image

        def with_source(text: str) -> None:
            self._source = _absolute(text)
            self._ask_source(target)

        def with_image(text: str) -> None:
            self._image = _absolute(text)
            self._ask_source(target)

        if source is None and case is None:
            self._screen.read("read from (the failing drive):", with_source, value="/dev/", complete=complete_path)
        elif image is None:
            self._screen.read("into the image:", with_image, complete=complete_path)
        else:
            self._prepare(target, source, image)

    def _prepare(self, target: RangeSet, source: str | None, image: str) -> None:
        plan = read_selection(self._document, target, source=source, image=image, dry_run=True)
        size = words.amount(plan.reads.total, self._screen.editing.sector)
        line = (
            " The status line is set to 0 ? 1 first." if len(plan.words) > 1 and "status line" in plan.words[-1] else ""
        )
        self._screen.prompt.ask(
            f"Read {size} from {source} now?{line}",
            lambda answer: self._start(target, source, image) if answer == "y" else None,
        )

    def _start(self, target: RangeSet, source: str | None, image: str) -> None:
        screen = self._screen

        def work() -> Job:
            with screen.editing.lock:
                ready: ReadNow = read_selection(self._document, target, source=source, image=image)
            assert ready.arguments is not None
            title = f"reading {words.place(int(target.starts[0]))}"
            return jobs.start("rescue", ready.arguments.to_json(), ready.arguments.jobs_directory, title)

        before = self._document.map

        def started(job: Job) -> None:
            self._reading = job, before
            screen.deck.bridge.look_now()
            screen.deck.open_job(job.directory)

        screen.work("starting ddrescue on the selection ...", work, started)

    def tell_reading(self) -> None:
        """After a reading has ended: what it brought."""
        if self._reading is None or jobs.load(self._reading[0].directory).live:
            return
        (_job, before), self._reading = self._reading, None
        from engine.mapfile.diff import moves

        changes = moves(before, self._document.map)
        gained = sum(move.bytes for move in changes if move.new == "+")
        failed = sum(move.bytes for move in changes if move.new in "*/-")
        told = f"read: {format_exact(gained)} more are finished"
        if failed:
            told += f", {format_exact(failed)} failed"
        self._screen.say(told if changes else "read: nothing new came of it", "info" if gained else "warning")


def _absolute(text: str) -> str:
    if not text.strip():
        raise UsageError("no path was named")
    return str(Path(text.strip()).expanduser().absolute())
