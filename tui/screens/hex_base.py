"""Bytes and fields of the hex view: opening, reading pages, laying structures, moving about."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from engine.cases.subject import Subject
from engine.errors import RescueError
from engine.hex.goto import FORMS, parse_place
from engine.hex.reading import Bytes, Page, open_bytes
from engine.hex.registry import Overlay, field_at, lay
from engine.template import Field
from engine.text import format_exact, format_size
from themes.palettes import BY_LETTER
from tui import background
from tui.hex_fields import FIELD, GROUP, field_rows, field_spans, field_words, first_folds
from tui.screens.base import DeckScreen
from tui.widgets.hex_view import HexView
from tui.widgets.row_list import RowList
from tui.words import percent, plural

_SLOW_JUMP = 8
"""On a slow line a row more is not worth painting all rows again."""


class BytesScreen(DeckScreen):
    """Bytes on the left, fields on the right, and two lines below about the byte under the cursor."""

    def __init__(self, subject: Subject, at: int = 0, template: str | None = None) -> None:
        super().__init__(str(subject.path))
        self._subject, self._first_at, self._first_template = subject, at, template
        self._view = HexView(id="hex-view")
        self._fields = RowList(id="hex-fields")
        self._place = Static("", markup=False, id="hex-place")
        self._about = Static("", markup=False, id="hex-about")
        self._bytes: Bytes | None = None
        self._overlay = Overlay()
        self._folded: frozenset[str] = frozenset()
        self._lays: background.Latest[Overlay] = background.Latest()
        self._opens: background.Latest[Bytes] = background.Latest()
        self._told = ("", "")
        self._patient = False
        """Whether a person agreed that the drive itself is read."""

    def body(self) -> Iterable[Widget]:
        """Bytes and fields side by side, two lines below."""
        yield Horizontal(self._view, self._fields, *self.beside(), id="hex-panes")
        yield from self.below()
        yield self._place
        yield self._about

    def beside(self) -> Iterable[Widget]:
        """More widgets beside the bytes."""
        return ()

    def below(self) -> Iterable[Widget]:
        """More widgets between the bytes and the lines about them."""
        return ()

    def on_mount(self) -> None:
        """Open the source."""
        self._view.focus()
        self._view.jump = _SLOW_JUMP if self.deck.options.link == "slow" else 1
        self.say("opening ...")
        self.set_class(self._first_template is not None, "-fields")
        self._opens.start(self, lambda: open_bytes(self._subject), self._opened, self._not_opened)

    def _not_opened(self, error: RescueError) -> None:
        """A drive is read only when a person says so."""
        self.tell_error(error)
        if error.code == "device" and not self._patient and self._subject.path.is_block_device():
            question = "This reads the drive itself; a failing one is imaged first. Read it?"
            self.prompt.ask(question, self._read_patient)

    def _read_patient(self, key: str) -> None:
        if key != "y":
            self.action_back()
            return
        self._patient = True
        self._opens.start(self, lambda: open_bytes(self._subject, patient=True), self._opened, self._not_opened)

    def on_unmount(self) -> None:
        """Give the descriptors back."""
        if self._bytes is not None:
            self._bytes.close()

    @property
    def subject(self) -> Subject:
        """What is looked at."""
        return self._subject

    @property
    def view(self) -> HexView:
        """The bytes on show."""
        return self._view

    @property
    def overlay(self) -> Overlay:
        """The structure that is laid over them."""
        return self._overlay

    def _opened(self, opened: Bytes) -> None:
        old, self._bytes = self._bytes, opened
        if old is not None:
            old.close()
        if not self.is_attached:
            opened.close()
            return
        at = self._first_at if old is None else self._view.cursor
        if old is not None and old.size == opened.size:
            self._view.forget()
        else:
            self._view.show(opened.size, at=at, sector_size=opened.sector_size)
        self.opened(opened, first=old is None)
        if old is None or old.unread_bytes != opened.unread_bytes:
            words = "" if opened.mapped else "no map: nobody can say which of these bytes were really read"
            if opened.patient:
                words = "read from the drive itself, 4 KiB at a time: image it first if it fails"
            if opened.unread_bytes:
                words = f"{format_exact(opened.unread_bytes)} were never read"
            self.say(words, "warning" if words else "info")
        name = self._first_template if old is None else self._overlay.name
        if name is not None:
            self._lay(self._overlay.offset if old is not None else at, name)

    def about(self) -> str:
        """What is said of the byte under the cursor instead of its field."""
        return ""

    def opened(self, opened: Bytes, *, first: bool) -> None:
        """The source is open, for the first time or again."""

    # -- bytes ----------------------------------------------------------------------------------------------------

    def on_hex_view_wanted(self, message: HexView.Wanted) -> None:
        """Read pages, off the event loop."""
        opened, pages = self._bytes, message.pages
        if opened is not None:
            background.start(
                self, lambda: {number: opened.page(number) for number in pages}, lambda got: self._supplied(opened, got)
            )

    def _supplied(self, opened: Bytes, pages: dict[int, Page]) -> None:
        """What comes from a source that was opened again meanwhile is not shown: the view has asked anew."""
        if opened is self._bytes:
            self._view.supply(pages)

    def on_hex_view_moved(self) -> None:
        """Tell about the byte; the field list follows."""
        self._tell()
        field = field_at(self._overlay.fields, self._view.cursor)
        if field is not None and self.focused is not self._fields:
            self._fields.choose(self._row_of(field))
        self.moved()

    def moved(self) -> None:
        """The cursor is on another byte, or other bytes are under it."""

    def on_hex_view_marked(self) -> None:
        """Another selection."""
        self._tell()

    def _tell(self) -> None:
        opened, at = self._bytes, self._view.cursor
        if opened is None or not opened.size:
            return
        unit = opened.sector_size
        words = f" 0x{at:x}  {at}  sector {at // unit} + {at % unit}  {percent(at, opened.size)}"
        selection = self._view.selection
        if selection is not None:
            size = selection[1] - selection[0]
            words += f"  selected {size}" + (f" ({format_size(size)})" if size >= 1024 else "")
        page = self._view.page_at(at)
        letter = page.letter_at(at) if page is not None else None
        field = field_at(self._overlay.fields, at)
        about = self.about() or (field_words(field) if field is not None else "")
        if letter is not None and page is not None:
            hole = next(one for one in page.unread if one.start <= at < one.end)
            more = " or more" if hole.end == page.end or hole.start == page.offset else ""
            about = f"{letter} {BY_LETTER[letter].label}: {hole.end - hole.start} bytes{more} nobody has read  {about}"
        told = words, " " + about
        if told != self._told:
            for widget, text, before in zip((self._place, self._about), told, self._told, strict=True):
                if text != before:
                    widget.update(text, layout=False)
            self._told = told

    # -- structure ------------------------------------------------------------------------------------------------

    def _lay(self, offset: int, name: str | None) -> None:
        opened = self._bytes
        if opened is not None:
            alone = opened.patient
            self._lays.start(self, lambda: lay(opened.source, offset, name, alone=alone), self._laid, self._not_laid)

    def _laid(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._folded = first_folds(overlay.fields)
        self._view.overlay(field_spans(overlay.fields))
        self._show_fields()
        self.set_class(overlay.name is not None, "-fields")
        self.set_class(False, "-inspect")
        self._tell()
        if overlay.name is not None and self._view.cursor == overlay.offset:
            self.call_after_refresh(self._view.move_to, overlay.offset, top=True)
        wrong = sum(one.problem is not None for one in overlay.fields)
        if overlay.name is None:
            self.say("no structure is known here; t chooses one", "warning")
        else:
            words = "every field is right" if not wrong else plural(wrong, "field is wrong or unread",
                                                                   "fields are wrong or unread")  # fmt: skip
            self.say(f"{overlay.title} at {overlay.offset}: {words}", "warning" if wrong else "info")
        self.refresh_bindings()

    def _not_laid(self, error: RescueError) -> None:
        self.tell_error(error)

    def _show_fields(self) -> None:
        self._fields.show([field_rows(self._overlay.name or "FIELDS", self._overlay.fields, self._folded)])

    def _row_of(self, field: Field) -> str:
        """The row of a field, or of the folded group that hides it."""
        groups = field.name.split(".")[:-1]
        for depth in range(len(groups)):
            key = ".".join(groups[: depth + 1])
            if key in self._folded:
                return GROUP + key
        return f"{FIELD}{self._overlay.fields.index(field)}"

    @property
    def _chosen(self) -> Field | None:
        """The field under the cursor of the list; of a group its first one."""
        row = self._fields.chosen
        if row is None:
            return None
        kind, _, rest = row.id.partition(":")
        if kind == "field":
            return self._overlay.fields[int(rest)]
        return next((one for one in self._overlay.fields if one.name.startswith(rest + ".")), None)

    def on_row_list_moved(self) -> None:
        """Another row beside the bytes."""
        self.brought_out()

    def brought_out(self) -> None:
        """The chosen field is brought out among the bytes, and the cursor goes there."""
        field = self._chosen if self.focused is self._fields else None
        self._view.mark_now((field.offset, field.offset + field.size) if field is not None else None)
        if field is not None:
            self._view.move_to(field.offset)

    def watch_focused(self) -> None:
        """Between bytes and lists: what is brought out follows."""
        self.brought_out()
        self._tell()
        self.refresh_bindings()

    def on_row_list_opened(self) -> None:
        """A double click folds a group."""
        self.action_fold()

    # -- keys -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes sense now."""
        if action == "next_wrong":
            return True if any(one.problem for one in self._overlay.fields) else None
        if action == "fold":
            return self.focused is self._fields
        if action in ("goto", "template"):
            return True if self._bytes is not None and self._bytes.size else None
        return True

    def action_goto(self) -> None:
        """A typed place."""
        self.prompt.read(f"go to ({FORMS}):", self._typed_place)

    def _typed_place(self, text: str) -> None:
        opened = self._bytes
        if opened is not None and text.strip():
            self._view.move_to(
                parse_place(text, now=self._view.cursor, size=opened.size, sector_size=opened.sector_size)
            )

    def action_template(self) -> None:
        """Choose a structure."""
        from tui.screens.hex_structures import StructuresScreen

        self.app.push_screen(StructuresScreen(self._view.cursor, self._chosen_template))

    def _chosen_template(self, name: str | None) -> None:
        self._lay(self._view.cursor, name)

    def action_fields(self) -> None:
        """The fields beside the bytes, or not."""
        shown = not self.has_class("-fields") or self.has_class("-inspect")
        self.set_class(False, "-inspect")
        self.set_class(shown, "-fields")
        if not shown and self.focused is self._fields:
            self._view.focus()

    def action_fold(self) -> None:
        """Fold or unfold the group under the cursor of the list."""
        row = self._fields.chosen
        if row is not None and row.id.startswith(GROUP):
            self._folded = self._folded ^ {row.id.removeprefix(GROUP)}
            self._show_fields()

    def action_next_wrong(self) -> None:
        """The next wrong field, from the top again after the last."""
        wrong = [one for one in self._overlay.fields if one.problem is not None]
        if not wrong:
            return
        at = self._view.cursor
        following = next((one for one in wrong if one.offset > at), wrong[0])
        self._view.move_to(following.offset)

    def action_refresh(self) -> None:
        """Open image and map again."""
        patient = self._patient
        self._opens.start(self, lambda: open_bytes(self._subject, patient=patient), self._opened, self._not_opened)

    def action_drop(self) -> None:
        """Drop the selection; without one go back."""
        if self._view.selection is not None:
            self._view.select(None)
        else:
            self.action_back()
