"""The top row: which screen, which case or source, and whether anything may be written to a medium."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from engine.text import safe_text
from tui.widgets.labels import shorten


class TitleRow(Widget):
    """One line: screen title, subject, and in words whether sources are read-only."""

    COMPONENT_CLASSES = {"title--name", "title--subject", "title--safe", "title--danger"}
    ALLOW_SELECT = False

    name_text: reactive[str] = reactive("")
    subject: reactive[str] = reactive("")
    """A case or source name; it is made safe here."""
    writes: reactive[str] = reactive("")
    """What may be written to, in words; empty means nothing: READ ONLY."""

    def render(self) -> Text:
        """The row in exactly the widget's width; the subject gives way first, the write state never."""
        style = self.get_component_rich_style
        state = f" WRITES ON {safe_text(self.writes)} " if self.writes else " sources READ ONLY "
        name = f" {self.name_text} "
        room = self.size.width - cell_len(name) - cell_len(state) - 1
        subject = set_cell_size(shorten(safe_text(self.subject), max(0, room)), max(0, room + 1))
        text = Text(no_wrap=True, overflow="crop", end="")
        text.append(name, style("title--name"))
        text.append(subject, style("title--subject"))
        text.append(state, style("title--danger" if self.writes else "title--safe"))
        return text
