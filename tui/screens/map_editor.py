"""The map editor: a rescue map looked at from the whole drive down to sectors, and edited between two runs.

What is edited and how is the engine's affair (``engine.mapedit``); what a menu does stands in ``tui.editor``. While a
rescue holds the map the screen follows it and edits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.actions import parse as parse_action

from engine.cases import Case, Generation
from engine.errors import RescueError
from engine.mapedit import Reason, Restore, SetStatus, newest_readable, put_back
from engine.ranges import RangeSet
from engine.text import format_size
from tui import background
from tui.editor import words
from tui.editor.areas import Areas
from tui.editor.changes import Changes
from tui.editor.editing import Editing, Loss
from tui.editor.finds import Finds
from tui.editor.following import Follower, Look
from tui.editor.marks import Marks
from tui.editor.session import Session
from tui.key import Key
from tui.keys import SCOPES, bindings
from tui.screens.base import DeckScreen
from tui.screens.map_panes import MapPanesScreen
from tui.widgets.prompt_row import Level
from tui.widgets.rows import Section

if TYPE_CHECKING:
    from engine.mapedit import Edit
    from engine.mapfile.model import Mapfile

Result = TypeVar("Result")

_NEEDS_MAP = (
    "status", "range", "mark", "change", "recipes", "undo", "redo", "write", "read", "find", "goto", "blocks",
    "next_run", "history", "kept", "areas",
)  # fmt: skip
_EDITS = ("status", "change", "recipes", "read")
_VERBS = {"status": "Set status:", "mark": "Select:", "change": "Edit map:", "find": "Find:"}


class MapEditorScreen(MapPanesScreen):
    """``path`` is a mapfile. A closed screen leaves unsaved edits in their journal beside the map."""

    TITLE = "map editor"
    SCOPES = ("editor", "status", "mark", "change", "find", "map", "blocks")
    BINDINGS = bindings("editor")
    HELP = (
        "Edits a ddrescue map between two runs. Put the cursor on a block, or select (v with the cursor keys or the "
        "mouse, m for more), and give it a status with s; c prepares the whole map for the next pass by a recipe. "
        "Nothing is written before w: it saves, and keeps the map as it was as a generation with a note. Every edit "
        "can be undone and redone; edits that were not saved survive a lost terminal and are offered again. ddrescue "
        "goes on at the position of the status line and leaves out what lies before it: the editor puts the position "
        "back where an edit needs it, and says so; the row above the prompt says what the next run will read. While "
        "a rescue holds the map the screen follows it and edits nothing."
    )

    def __init__(self, path: Path, case: Case | None = None, image: Path | None = None) -> None:
        """``image``: the image of a map that belongs to no case, when it is known."""
        super().__init__(str(path))
        self.path, self._case, self.image = path, case, image
        self._follower: Follower | None = None
        self._busy = False
        self.overlays = Areas(self)
        self.session = Session(self, image)
        self._finds = Finds(self)
        self._handlers: dict[str, object] = {
            "status": self, "mark": Marks(self), "change": Changes(self), "find": self._finds, "offer": self.session,
            "outside": self.session, "leaving": self.session,
        }  # fmt: skip

    # -- opening and following ------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Read the map."""
        self._read()

    def _read(self) -> None:
        self._state.show("reading ...", "-muted")
        background.start(self, lambda: Editing.open(self.path, self._case), self._opened, self._not_opened)

    def _not_opened(self, error: RescueError) -> None:
        """It is gone, or no map any more: a kept state of it may be left."""
        self._state.show("cannot be read", "-danger")
        self.tell_error(error)

        def found(kept: Generation | None) -> None:
            if kept is not None:
                self.prompt.ask(
                    f"{error.message}. Put back generation {kept.number} ({kept.note})?",
                    lambda answer: self._put_back(kept.number) if answer == "y" else None,
                )

        background.start(self, lambda: newest_readable(self.path, self._case), found)

    def _put_back(self, number: int) -> None:
        background.start(self, lambda: put_back(self.path, number, self._case), lambda _kept: self._read())

    @property
    def edited_map(self) -> Path:
        """The file: an editor that is open on it is not opened twice."""
        return self.path

    def _opened(self, editing: Editing) -> None:
        self._editing = editing
        self._follower = Follower(editing)
        self.show_map()
        self.set_focus(self.block_map)
        self.refresh_bindings()
        self.set_interval(self.deck.options.poll_s, self.look)
        if editing.document.ignored:
            self.say(editing.document.ignored, "warning")
        if not self.session.decide():
            self._tell_reasons(())

    def on_screen_resume(self) -> None:
        """Back on top: a rescue may have changed the map meanwhile."""
        super().on_screen_resume()
        self.look()

    def look(self) -> None:
        """Look who holds the map and whether it changed on disk."""
        if self._follower is not None and not self._busy and self.on_top and self._follower.begin():
            background.start(self, self._follower.look, self._looked, self._look_failed)

    def _look_failed(self, error: RescueError) -> None:
        if self._follower is not None:
            self._follower.end()
        self.tell_error(error)

    def _looked(self, look: Look) -> None:
        assert self._follower is not None
        if not self._follower.end():
            if look.changed:
                self.show_map()
            return
        before, self.editing.reasons = self.editing.reasons, look.reasons
        if look.changed or ("map-held" in _codes(before)) != ("map-held" in _codes(look.reasons)):
            self.show_map()
        if _codes(before) != _codes(look.reasons):
            self._show_state()
            self.refresh_bindings()
            self._tell_reasons(before)
        if "edited-elsewhere" in _codes(before) - _codes(look.reasons) and not self.editing.document.dirty:
            self._take_over()
        elif "map-held" not in _codes(look.reasons) and not look.stale:
            self.session.tell_reading()

    def _take_over(self) -> None:
        """The other session has ended: what it saved is shown, what it did not save is offered."""
        try:
            with self.editing.lock:
                self.editing.document.reload()
        except RescueError as error:
            self.tell_error(error)
            return
        self.look_again("the other session has ended")
        self.session.decide()

    def _tell_reasons(self, before: tuple[Reason, ...]) -> None:
        known = _codes(before)
        for reason in self.editing.reasons:
            if reason.code not in known:
                self.say(f"{reason.message}; {reason.advice}", "warning")
                return
        if "map-held" in known:
            self.say("the map is free again: it can be edited")
            if self.editing.document.dirty and self.editing.reason("changed-on-disk") is not None:
                self.session.decide()

    def look_again(self, told: str, level: Level = "info") -> None:
        """After a decision: everything anew."""
        if self._follower is not None:
            self._follower.overtake()
        self.editing.reasons = self.editing.document.reasons()
        self.show_map()
        self.refresh_bindings()
        self.say(told, level)

    def work(self, told: str, work: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do something that takes a while in the background; nothing can be edited meanwhile."""

        def done(result: Result) -> None:
            self._free()
            self.show_map()
            then(result)

        def failed(error: RescueError) -> None:
            self._free()
            self.tell_error(error)

        self._busy = True
        self.refresh_bindings()
        self.say(told)
        background.start(self, work, done, failed)

    def _free(self) -> None:
        self._busy = False
        self.editing.reasons = self.editing.document.reasons()
        self._show_state()
        self.refresh_bindings()

    # -- asking ---------------------------------------------------------------------------------------------------

    def menu(self, scope: str, title: str) -> None:
        """A menu of the key table in the prompt row."""
        self.prompt.choose(title, SCOPES[scope][1], self.run_key)

    def run_key(self, key: Key) -> None:
        """Do what a key of one of the menus stands for."""
        _namespace, name, arguments = parse_action(key.action)
        try:
            getattr(self._handlers[key.scope], name)(*arguments)
        except RescueError as error:
            self.tell_error(error)

    # -- editing --------------------------------------------------------------------------------------------------

    def set_status(self, status: str) -> None:
        """Give the selection, or the block under the cursor, a status."""
        self.edit(SetStatus(self.editing.target(self.block_map.cursor), status))

    def edit(self, edit: Edit) -> None:
        """Carry out an edit and say what it did; the loss of finished bytes needs a yes."""
        self._edit(edit, allow_loss=False)

    def _edit(self, edit: Edit, *, allow_loss: bool) -> None:
        try:
            effect = self.editing.apply(edit, allow_loss=allow_loss)
        except Loss:
            lost = format_size(self.editing.document.preview(edit).loses)
            self.prompt.ask(
                f"{lost} would no longer be called finished. Do it all the same?",
                lambda answer: self._edit(edit, allow_loss=True) if answer == "y" else None,
            )
            return
        except RescueError as error:
            self.tell_error(error)
            return
        self.show_map()
        self.refresh_bindings()
        repaired = [word for word in effect.words if word.startswith("The status line")]
        self.say(". ".join([effect.title, *repaired]), "warning" if repaired else "info")

    def preview(self, edit: Edit) -> None:
        """Show what an edit would do, before it is done."""
        from tui.screens.map_change import MapChangeScreen

        try:
            effect = self.editing.document.preview(edit)
        except RescueError as error:
            self.tell_error(error)
            return
        more = []
        sector = self.editing.sector
        if effect.target is not None:
            rows = tuple(words.range_rows("target", effect.target, sector))
            more.append(Section("WHAT THE NEXT RUN IS MEANT TO READ", words.PLACES, rows))

        def agreed() -> None:
            self._edit(edit, allow_loss=bool(effect.loses))
            if effect.domain is not None:
                self.select(effect.domain)
                self.say("these areas are selected: x reads them and nothing else")

        self.app.push_screen(MapChangeScreen.of_edit(effect, sector, agreed, more=more))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        if action not in _NEEDS_MAP:
            return True
        editing = self._editing
        if editing is None or self._busy:
            return None
        if action == "undo":
            return True if editing.document.undo_title and self._may_edit else None
        if action == "redo":
            return True if editing.document.redo_title and self._may_edit else None
        if action == "write":
            return True if editing.document.dirty and editing.locked is None else None
        return True if self._may_edit or action not in _EDITS else None

    @property
    def _may_edit(self) -> bool:
        editing = self.editing
        return editing.locked is None and editing.reason("edits-offered", "changed-on-disk") is None

    # -- keys -----------------------------------------------------------------------------------------------------

    def action_status(self) -> None:
        """The status menu."""
        self.block_map.end_selection()
        try:
            self.menu("status", f"set {self.editing.target_words(self.block_map.cursor)}, to")
        except RescueError as error:
            self.tell_error(error)

    def action_mark(self) -> None:
        """The selection menu."""
        self.menu("mark", "select")

    def action_change(self) -> None:
        """The edit menu."""
        self.menu("change", "edit")

    def action_find(self) -> None:
        """The find menu."""
        self.menu("find", "find")

    def action_goto(self) -> None:
        """Go to an offset."""
        self._finds.goto()

    def action_drop(self) -> None:
        """Drop the selection; without one go back."""
        if self._editing is not None and (self.block_map.selecting or self.editing.selection):
            self.block_map.end_selection()
            self.select(RangeSet())
        else:
            self.action_back()

    def action_undo(self) -> None:
        """One step back."""
        try:
            self.say(f"undone: {self.editing.undo()}")
        except RescueError as error:
            self.tell_error(error)
            return
        self.show_map()
        self.refresh_bindings()

    def action_redo(self) -> None:
        """One step forward again."""
        try:
            self.say(f"done again: {self.editing.redo()}")
        except RescueError as error:
            self.tell_error(error)
            return
        self.show_map()
        self.refresh_bindings()

    def action_recipes(self) -> None:
        """Prepare the next pass."""
        from tui.screens.map_recipes import MapRecipesScreen

        self.app.push_screen(MapRecipesScreen(self.editing, self.block_map.cursor, self.preview))

    def action_history(self) -> None:
        """All edits."""
        from tui.screens.map_history import MapHistoryScreen

        self.app.push_screen(MapHistoryScreen(self.editing.document.history, self._go_to))

    def _go_to(self, number: int) -> None:
        try:
            self.editing.go_to(number)
        except RescueError as error:
            self.tell_error(error)
        self.show_map()
        self.refresh_bindings()

    def action_kept(self) -> None:
        """Older states of the map."""
        from tui.screens.map_kept import MapKeptScreen

        editing = self.editing
        selected = bool(editing.selection)
        self.app.push_screen(MapKeptScreen(editing.document, editing.sector, self._restore, selected=selected))

    def _restore(self, map_: Mapfile, number: int, part: bool) -> None:
        self.edit(Restore.from_map(map_, f"generation {number}", self.editing.selection if part else None))

    def action_next_run(self) -> None:
        """What the next run reads."""
        from tui.screens.map_next_run import MapNextRunScreen

        image = None if self.image is None else str(self.image)
        self.app.push_screen(MapNextRunScreen(self.editing, image))

    def action_areas(self) -> None:
        """Partitions and other areas."""
        self.overlays.choose()

    def action_decide(self) -> None:
        """What waits for a decision."""
        if not self.session.decide():
            self.say("nothing waits for a decision")

    def action_write(self) -> None:
        """Save."""
        self.session.save()

    def action_read(self) -> None:
        """Read the selection now."""
        try:
            self.session.read_now()
        except RescueError as error:
            self.tell_error(error)

    def action_back(self) -> None:
        """Back; asks about unsaved edits."""
        self.session.leave()

    def close(self, told: str = "") -> None:
        """Back without a question."""
        super().action_back()
        if told and isinstance(self.app.screen, DeckScreen):
            self.app.screen.say(told)

    def commands(self) -> Iterable[tuple[str, str, Callable[[], None]]]:
        """For the palette: what the menus offer."""
        for scope, verb in _VERBS.items():
            for key in SCOPES[scope][1]:
                yield f"{verb} {key.label}", key.help, partial(self.run_key, key)


def _codes(reasons: tuple[Reason, ...]) -> set[str]:
    return {reason.code for reason in reasons}
