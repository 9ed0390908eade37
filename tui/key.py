"""One entry of the key table: an action, the keys that call it, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One action and the keys that call it."""

    id: str
    """``scope.name``, unique; a person's own key map refers to it."""
    keys: str
    """Textual's key names, comma separated; the first is shown."""
    action: str
    label: str
    """One or two words for the key row."""
    help: str
    """A sentence for the help screen and the manual."""
    footer: int = 0
    priority: bool = False
    shown: str | None = None
    """How the keys are written when Textual's names would puzzle."""

    @property
    def scope(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    @property
    def display(self) -> str:
        """The first key as people write it: for the key row."""
        return _written((self.shown or self.keys).split(",")[0])

    @property
    def display_all(self) -> str:
        """All keys as people write them: for help and manual."""
        return " ".join(dict.fromkeys(_written(key) for key in (self.shown or self.keys).split(",")))


_NAMES = {
    "question_mark": "?", "slash": "/", "plus": "+", "minus": "-", "colon": ":", "full_stop": ".", "comma": ",",
    "equals_sign": "=", "enter": "Enter", "escape": "Esc", "space": "Space", "tab": "Tab", "up": "Up", "down": "Down",
    "left": "Left", "right": "Right", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
    "backspace": "Backspace", "delete": "Del", "insert": "Ins", "asterisk": "*", "underscore": "_",
    "left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<", "greater_than_sign": ">",
    "dollar_sign": "$", "apostrophe": "'", "quotation_mark": '"',
}  # fmt: skip


def _written(key: str) -> str:
    *modifiers, name = key.split("+") if key != "+" else ["+"]
    name = _NAMES.get(name, name.upper() if len(name) > 1 and name[0] == "f" and name[1:].isdigit() else name)
    words = {"ctrl": "^", "shift": "Shift-", "alt": "Alt-"}
    prefix = "".join(words.get(modifier, modifier + "-") for modifier in modifiers)
    return prefix + (name.upper() if prefix == "^" and len(name) == 1 else name)
