"""The question before something that cannot be taken back: a word has to be typed, so that no reflex answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from engine.text import safe_text
from tui.keys import bindings
from tui.widgets.facts import Fact, Facts
from tui.widgets.key_row import KeyRow


class ConfirmDialog(ModalScreen[bool]):
    """Shows what will happen; True only when ``word`` was typed. Escape, or any other word, is no."""

    BINDINGS = bindings("confirm")
    SCOPES: ClassVar[tuple[str, ...]] = ("confirm",)

    def __init__(self, question: str, facts: Sequence[Fact], word: str) -> None:
        """``facts`` say what is touched (model, serial, size, ranges); ``word`` is shown and has to be typed."""
        super().__init__()
        self._question = question
        self._list = facts
        self._word = word
        self._facts = Facts()
        self._told = Static("", markup=False, id="confirm-told")

    def compose(self) -> ComposeResult:
        """A box in the middle of the screen."""
        with Vertical(id="confirm-box"):
            yield Static(safe_text(self._question), markup=False, id="confirm-question")
            yield VerticalScroll(self._facts, id="confirm-facts", can_focus=False)
            yield Static(f"To do it, type {safe_text(self._word)} and press Enter.", markup=False)
            field = Input(id="confirm-word", compact=True, select_on_focus=False)
            field.cursor_blink = False
            yield field
            yield self._told
            yield KeyRow()

    def on_mount(self) -> None:
        """Show the facts, wait for the word."""
        self._facts.show(self._list)
        self.query_one("#confirm-word", Input).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter: only the very word is a yes."""
        message.stop()
        if message.value.strip() == self._word:
            self.dismiss(True)
        else:
            self._told.update("That is not the word. Nothing has been done.")

    def action_cancel(self) -> None:
        """Escape: no."""
        self.dismiss(False)
