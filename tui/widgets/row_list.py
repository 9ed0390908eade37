"""A list of rows under headings with one cursor: devices, files, jobs. Only lines that changed are sent again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.keys import bindings
from tui.widgets.rows import Line, Row, Section, lay_out

_KEPT = 256
"""So many drawn lines are kept."""


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """``show`` takes sections of rows. Enter is left to the screen, which asks for ``chosen``."""

    COMPONENT_CLASSES = {
        "row--heading", "row--empty", "row--soft", "row--strong", "row--warning", "row--danger", "row--good",
        "row--cursor", "row--cursor-blurred", "status--finished", "status--non-tried", "status--non-trimmed",
        "status--non-scraped", "status--bad", "field--standard", "field--critical",
    }  # fmt: skip
    BINDINGS = bindings("list")
    ALLOW_SELECT = False

    class Moved(Message):
        """The cursor stands on another row (or on none)."""

        def __init__(self, sender: RowList, row: Row | None) -> None:
            super().__init__()
            self.list = sender
            self.row = row

        @property
        def control(self) -> RowList:
            """The list it comes from."""
            return self.list

    class Opened(Message):
        """A row was double-clicked."""

        def __init__(self, sender: RowList, row: Row) -> None:
            super().__init__()
            self.list = sender
            self.row = row

        @property
        def control(self) -> RowList:
            """The list it comes from."""
            return self.list

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sections: tuple[Section, ...] = ()
        self._lines: list[Line] = []
        self._cursor: int | None = None
        self._strips: dict[int, Strip] = {}
        self._touched = False
        """The person (or the screen) has put the cursor somewhere; before that it stays on the first row."""

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor."""
        return self._lines[self._cursor].row if self._cursor is not None else None

    @property
    def rows(self) -> list[Row]:
        """All rows, in order."""
        return [line.row for line in self._lines if line.row is not None]

    def show(self, sections: Sequence[Section]) -> None:
        """Show these sections; the cursor stays on the row with the same id, or near where it was."""
        sections = tuple(sections)
        if sections != self._sections:
            self._sections = sections
            self._layout_lines()

    def choose(self, row_id: str) -> bool:
        """Put the cursor on a row; False when it is not there."""
        self._touched = True
        for number, line in enumerate(self._lines):
            if line.row is not None and line.row.id == row_id:
                self._move_to(number)
                return True
        return False

    def _layout_lines(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        before, chosen, at = self._lines, self.chosen, self._cursor
        self._lines = lay_out(self._sections, width)
        self.virtual_size = Size(width, len(self._lines))
        places = [number for number, line in enumerate(self._lines) if line.row is not None]
        self._cursor = self._keep_place(places, chosen, at)
        if len(before) != len(self._lines):
            self._strips.clear()
            self.refresh()
        else:
            for number, (old, new) in enumerate(zip(before, self._lines, strict=True)):
                if old != new or number in (at, self._cursor):
                    self._redraw(number)
        if self.chosen != chosen:
            self.post_message(self.Moved(self, self.chosen))

    def _keep_place(self, places: list[int], chosen: Row | None, at: int | None) -> int | None:
        if not self._touched or chosen is None:
            return places[0] if places else None
        same = next((number for number in places if self._row_id(number) == chosen.id), None)
        return same if same is not None else min(places, key=lambda number: abs(number - (at or 0)), default=None)

    def _row_id(self, number: int) -> str | None:
        row = self._lines[number].row
        return row.id if row is not None else None

    def _redraw(self, number: int | None) -> None:
        if number is not None:
            self._strips.pop(number, None)
            self.refresh_line(number - self.scroll_offset.y)

    def refresh_line(self, y: int) -> None:
        """Repaint one line on show."""
        size = self.scrollable_content_region.size
        if 0 <= y < size.height:
            self.refresh(Region(0, y, size.width, 1))

    def _move_to(self, number: int | None) -> None:
        if number is None or number == self._cursor:
            return
        self._touched = True
        old, self._cursor = self._cursor, number
        self._redraw(old)
        self._redraw(number)
        # A heading just above the first row of a section comes into view with it.
        top = number - 1 if number and self._lines[number - 1].row is None else number
        self.scroll_to_region(Region(0, top, 1, number - top + 1), animate=False, force=True)
        self.post_message(self.Moved(self, self.chosen))

    def _step(self, amount: int) -> None:
        places = [number for number, line in enumerate(self._lines) if line.row is not None]
        self._touched = True
        if places:
            at = places.index(self._cursor) if self._cursor in places else 0
            self._move_to(places[max(0, min(len(places) - 1, at + amount))])

    def action_cursor_up(self) -> None:
        """One row up."""
        if self._cursor is not None and not any(line.row for line in self._lines[: self._cursor]):
            self.scroll_home(animate=False)
        self._step(-1)

    def action_cursor_down(self) -> None:
        """One row down."""
        self._step(1)

    def action_page_up(self) -> None:
        """One screen up."""
        self._step(-max(1, self.size.height - 1))

    def action_page_down(self) -> None:
        """One screen down."""
        self._step(max(1, self.size.height - 1))

    def action_first(self) -> None:
        """First row."""
        self._step(-len(self._lines))
        self.scroll_home(animate=False)

    def action_last(self) -> None:
        """Last row."""
        self._step(len(self._lines))

    def on_resize(self) -> None:
        """Lay out again for the new width; the row under the cursor stays in view."""
        self._strips.clear()
        self._layout_lines()
        if self._cursor is not None:
            self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)

    def on_focus(self, event: events.Focus) -> None:
        """Only the cursor's line looks different: Textual would send the whole list again."""
        event.prevent_default()
        self.has_focus = True
        self._redraw(self._cursor)

    def on_blur(self, event: events.Blur) -> None:
        """As ``on_focus``."""
        event.prevent_default()
        self.has_focus = False
        self._redraw(self._cursor)

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a double click opens."""
        number = event.y + self.scroll_offset.y
        if 0 <= number < len(self._lines) and self._lines[number].row is not None:
            self._move_to(number)
            row = self.chosen
            if event.chain == 2 and row is not None:
                self.post_message(self.Opened(self, row))

    def notify_style_update(self) -> None:
        """Another theme: forget what was drawn."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the list."""
        number = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        strip = self._strips.get(number)
        if strip is None:
            if len(self._strips) >= _KEPT:
                self._strips.clear()
            strip = self._strips[number] = self._strip(number, width)
        return strip

    def _strip(self, number: int, width: int) -> Strip:
        line = self._lines[number]
        base = self.rich_style
        overlay: Style | None = None
        mark = "  " if line.row is not None else ""
        if number == self._cursor:
            overlay = self.get_component_rich_style("row--cursor" if self.has_focus else "row--cursor-blurred")
            mark = "> " if self.has_focus else "  "
        segments = [Segment(mark, overlay or base)] if mark else []
        for text, style in line.spans:
            plain = base + self.get_component_rich_style(style, partial=True) if style else base
            segments.append(Segment(text, overlay or plain))
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, overlay or base)
