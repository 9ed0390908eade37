"""The row above the keys: messages, one-key questions, menus of keys and one-line input.

It is always there, so that nothing moves when it speaks: a message costs some 75 bytes, a dialog 15,000. While it is
silent, or has room beside a message, it offers what comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from engine.errors import RescueError, outside
from engine.text import safe_text
from tui.key import Key
from tui.keys import BY_ID, bindings, fitting
from tui.widgets.labels import shorten

_LEAST_OFFER = 24
"""Cells below which an offer beside a message says nothing any more."""
Level = Literal["info", "warning", "error"]
Complete = Callable[[str], Sequence[str]]


@dataclass(slots=True)
class _Question:
    text: str
    choices: str
    default: str
    then: Callable[[str], None]


@dataclass(slots=True)
class _Menu:
    text: str
    keys: tuple[Key, ...]
    then: Callable[[Key], None]


@dataclass(slots=True)
class _Entry:
    text: str
    then: Callable[[str], None]
    complete: Complete | None
    value: str = ""
    cursor: int = 0
    offered: str = ""
    before: Widget | None = field(default=None)


class PromptRow(Widget):
    """One line. ``say`` shows, ``ask`` takes one key, ``choose`` one of many, ``read`` a line; Escape answers with the
    default."""

    COMPONENT_CLASSES = {
        "prompt--info", "prompt--warning", "prompt--error", "prompt--question", "prompt--cursor", "prompt--next",
        "prompt--key",
    }  # fmt: skip
    BINDINGS = bindings("prompt")
    ALLOW_SELECT = False

    class Said(Message):
        """Something was said: for the list of messages."""

        def __init__(self, text: str, level: Level) -> None:
            super().__init__()
            self.text = text
            self.level = level

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._message = ""
        self._level: Level = "info"
        self._next: tuple[str, str] | None = None
        self._open: _Question | _Menu | _Entry | None = None
        self._before: Widget | None = None

    @property
    def busy(self) -> bool:
        """A question or an input is open."""
        return self._open is not None

    @property
    def text(self) -> str:
        """The message on show (tests and help read it)."""
        return self._message

    def say(self, text: str, level: Level = "info") -> None:
        """Show a message until the next one. Text from a disk is made safe here."""
        text = safe_text(text)
        if (text, level) != (self._message, self._level):
            self._message, self._level = text, level
            if text:
                self.post_message(self.Said(text, level))
            if not self.busy:
                self.refresh()

    def offer(self, words: str, key: str = "") -> None:
        """What comes next, and the key that does it; no words: nothing is offered."""
        offered = (safe_text(words), key) if words else None
        if offered != self._next:
            self._next = offered
            if not self.busy:
                self.refresh()

    def ask(self, question: str, then: Callable[[str], None], *, choices: str = "yn", default: str = "n") -> None:
        """Ask for one key of ``choices``; ``then`` gets it, or ``default`` on Escape or Enter."""
        self._start(_Question(safe_text(question), choices, default, then))

    def read(
        self, prompt: str, then: Callable[[str], None], *, value: str = "", complete: Complete | None = None
    ) -> None:
        """Read a line; ``then`` gets it on Enter and nothing is called on Escape. ``complete`` offers longer values."""
        self._start(_Entry(safe_text(prompt), then, complete, value, len(value)))

    def choose(self, title: str, keys: Sequence[Key], then: Callable[[Key], None]) -> None:
        """A menu: ``then`` gets the key of the table that was pressed, nothing is called on Escape. What does not fit
        in this row stands in the row of keys below."""
        self._start(_Menu(safe_text(title), tuple(keys), then))

    def watch_has_focus(self, _has_focus: bool) -> None:
        """It looks the same: no style sheet asks for its focus."""

    @property
    def menu_rest(self) -> tuple[Key, ...]:
        """The entries of an open menu that did not fit: the row of keys shows them."""
        if not isinstance(self._open, _Menu):
            return ()
        return self._open.keys[self._menu_room(self._open) :]

    def _menu_room(self, menu: _Menu) -> int:
        """How many entries of a menu stand in this row."""
        return len(fitting(menu.keys, self.size.width - cell_len(menu.text) - 2))

    def _start(self, opened: _Question | _Menu | _Entry) -> None:
        if not self.busy:
            self._before = self.screen.focused
        self._open = opened
        self.can_focus = True
        # At once: what was typed ahead is an answer.
        self.screen.set_focus(self)
        self.refresh_bindings()
        self.refresh()

    def _close(self) -> None:
        self._open = None
        self.can_focus = False
        self._message = ""
        before, self._before = self._before, None
        self.screen.set_focus(before if before is not None and before.is_attached else None)
        self.refresh()

    def on_blur(self) -> None:
        """An open question keeps the keys: a click elsewhere, or a focus that was asked for earlier, takes them not."""
        if self.busy and self.is_attached:
            self.screen.set_focus(self)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While it is open, letters are answers and not commands."""
        return self.busy and character is not None and character.isprintable()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Completion only where there is something to complete."""
        if action == "complete":
            return isinstance(self._open, _Entry) and self._open.complete is not None
        if action == "accept":
            return self.busy and not isinstance(self._open, _Menu)
        return self.busy

    def action_accept(self) -> None:
        """Enter."""
        opened = self._open
        self._close()
        if isinstance(opened, _Question):
            self._hand(opened.then, opened.default)
        elif isinstance(opened, _Entry):
            self._hand(opened.then, opened.value)

    def action_cancel(self) -> None:
        """Escape: a question gets its default, a menu or an input is dropped."""
        opened = self._open
        self._close()
        if isinstance(opened, _Question):
            self._hand(opened.then, opened.default)

    def _hand(self, then: Callable[[str], None], answer: str) -> None:
        """Answers are often paths: whatever the system says to them is told here and never ends the deck."""
        try:
            then(answer)
        except RescueError as error:
            self.say(str(error), "error")
        except OSError as error:
            self.say(str(outside(error, "that cannot be done", error.filename)), "error")

    def action_complete(self) -> None:
        """Tab: extend the value as far as it is certain, and show what could follow."""
        entry = self._open
        if not isinstance(entry, _Entry) or entry.complete is None:
            return
        found = list(entry.complete(entry.value))
        if found:
            common = _common(found)
            if len(common) > len(entry.value):
                entry.value = common
            entry.cursor = len(entry.value)
        names = [name.rstrip("/").rpartition("/")[2] + ("/" if name.endswith("/") else "") for name in found]
        entry.offered = "  ".join(names[:20]) if len(found) > 1 else ("" if found else "nothing there")
        self.refresh()

    async def take(self, event: events.Key) -> None:
        """A key that was on its way to another widget when this row opened."""
        await self._on_key(event)

    async def _on_key(self, event: events.Key) -> None:
        if not self.busy:
            return
        character = event.character if event.is_printable else None
        if isinstance(self._open, _Question):
            if character is not None:
                event.stop()
                event.prevent_default()
                if character.lower() in self._open.choices:
                    opened = self._open
                    self._close()
                    self._hand(opened.then, character.lower())
            return
        if isinstance(self._open, _Menu):
            if character is not None:
                event.stop()
                event.prevent_default()
                self._pick(self._open, character)
            return
        assert self._open is not None
        if self._edit(self._open, event.key, character):
            event.stop()
            event.prevent_default()
            self.refresh()

    def _pick(self, menu: _Menu, character: str) -> None:
        picked = next((key for key in menu.keys if key.display == character), None)
        if picked is not None:
            self._close()
            menu.then(picked)

    def _edit(self, entry: _Entry, key: str, character: str | None) -> bool:
        value, at = entry.value, entry.cursor
        entry.offered = ""
        if character is not None:
            entry.value, entry.cursor = value[:at] + character + value[at:], at + 1
        elif key in ("backspace", "ctrl+h"):
            entry.value, entry.cursor = value[: max(0, at - 1)] + value[at:], max(0, at - 1)
        elif key == "delete":
            entry.value = value[:at] + value[at + 1 :]
        elif key == "ctrl+u":
            entry.value, entry.cursor = value[at:], 0
        elif key in ("ctrl+w", "ctrl+backspace"):
            keep = value[:at].rstrip("/ ").rfind("/") + 1
            entry.value, entry.cursor = value[:keep] + value[at:], keep
        elif key in ("left", "right", "home", "end", "ctrl+a", "ctrl+e"):
            places = {"left": at - 1, "right": at + 1, "home": 0, "ctrl+a": 0}
            entry.cursor = min(max(places.get(key, len(value)), 0), len(value))
        else:
            return False
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        if isinstance(self._open, _Entry):
            line = event.text.partition("\n")[0].strip()
            entry = self._open
            entry.value = entry.value[: entry.cursor] + line + entry.value[entry.cursor :]
            entry.cursor += len(line)
            event.stop()
            self.refresh()

    def render(self) -> Text:
        """The row in the widget's width."""
        style = self.get_component_rich_style
        width = self.size.width
        text = Text(" ", no_wrap=True, overflow="crop", end="")
        if isinstance(self._open, _Question):
            marks = "/".join(c.upper() if c == self._open.default else c for c in self._open.choices)
            text.append(shorten(self._open.text, width - len(marks) - 4), style("prompt--question"))
            text.append(f" {marks} ", style("prompt--question"))
            text.append(" ", style("prompt--cursor"))
        elif isinstance(self._open, _Menu):
            text.append(self._open.text, style("prompt--question"))
            for key in self._open.keys[: self._menu_room(self._open)]:
                text.append("  ")
                text.append(key.display, style("prompt--question"))
                text.append(" " + key.label, style("prompt--info"))
        elif isinstance(self._open, _Entry):
            entry = self._open
            text.append(entry.text + " ", style("prompt--question"))
            room = max(8, width - text.cell_len - 2)
            before, after = safe_text(entry.value[: entry.cursor]), safe_text(entry.value[entry.cursor :])
            while cell_len(before) >= room:
                before = before[1:]
            text.append(before)
            text.append(after[:1] or " ", style("prompt--cursor"))
            text.append(after[1:])
            if entry.offered:
                text.append("  " + safe_text(entry.offered), style("prompt--info"))
        else:
            self._render_quiet(text, width - 2)
        return text

    def _render_quiet(self, text: Text, width: int) -> None:
        """Message and offer: what was said is never cut for an offer."""
        style = self.get_component_rich_style
        words, key = self._next or ("", "")
        message = self._message
        room = width - cell_len(message) - 2 if message else width
        shown = next((form for form in (words, _verb(words)) if form and _offer_width(form, key) <= room), _verb(words))
        if not shown or room < min(_LEAST_OFFER, _offer_width(shown, key)):
            text.append(_cut(message, width), style(f"prompt--{self._level}"))
            return
        if message:
            text.append(message + "  ", style(f"prompt--{self._level}"))
        text.append("next:", style("prompt--next"))
        if key:
            text.append(" " + key, style("prompt--key"))
        left = width - text.cell_len
        text.append(" " + (shown if cell_len(shown) <= left else shown[: left - 1] + "…"), style("prompt--info"))


def _verb(words: str) -> str:
    """An offer without its reason."""
    return words.partition(":")[0]


def _offer_width(words: str, key: str) -> int:
    return len("next:") + sum(1 + cell_len(part) for part in (key, words) if part)


def _cut(message: str, width: int) -> str:
    """The message's beginning, and where to read the rest of it when it does not fit."""
    if cell_len(message) <= width:
        return message
    rest = f"… ({BY_ID['deck.messages'].display}: all)"
    return set_cell_size(message, max(0, width - cell_len(rest))).rstrip() + rest


def _common(names: Sequence[str]) -> str:
    low, high = min(names), max(names)
    for number, char in enumerate(low):
        if number >= len(high) or high[number] != char:
            return low[:number]
    return low
