"""Changing numbers on a slow line: each is a small label of its own that does nothing when its text is the same."""

from __future__ import annotations

from textual.widgets import Static

from engine.text import safe_text

STATES = ("-good", "-warning", "-danger", "-muted")
"""Classes that say how a figure is to be taken; the sheets give them colour."""


class Figure(Static):
    """One value. Only this label is sent to the terminal when the value changes (a big text with many values would
    be sent whole). The text is made safe here and never read as markup."""

    DEFAULT_CSS = "Figure { height: 1; width: 12; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(text, markup=False, id=id, classes=classes)
        self._shown = text
        self._state = ""

    @property
    def text(self) -> str:
        """What is on show."""
        return self._shown

    def show(self, text: str, state: str = "") -> bool:
        """Show ``text``; ``state`` is one of ``STATES`` or empty. Returns whether anything had to be repainted."""
        text = safe_text(text, 400)
        changed = False
        if state != self._state:
            if self._state:
                self.remove_class(self._state)
            if state:
                self.add_class(state)
            self._state = state
            changed = True
        if text != self._shown:
            self._shown = text
            # The size of the label is fixed by its sheet: asking for a layout would repaint its neighbours.
            self.update(text, layout=False)
            changed = True
        return changed
