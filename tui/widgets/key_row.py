"""The bottom row: the keys of this screen, whole entries only, clickable."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

from tui.key import Key
from tui.keys import BY_ID
from tui.keys import fitting as fitting_keys
from tui.widgets.prompt_row import PromptRow

_FIRST = 20
"""Keys up to this place stand there even while they do nothing: they tell what the screen is for."""


class KeyRow(Widget):
    """Shows as many keys as fit, by their order in the key table: those that do nothing now give way first, help and
    back stay to the last."""

    COMPONENT_CLASSES = {"key--key", "key--label", "key--off"}
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[tuple[Key, bool], ...] = ()
        self._spots: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        """Stop following."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        entries: dict[str, tuple[Key, bool]] = {}
        alone = isinstance(screen.focused, PromptRow)  # while it is open, nothing else gets a key
        for _node, binding, enabled, _tooltip in screen.active_bindings.values():
            key = BY_ID.get(binding.id or "")
            if key is not None and key.footer > 0 and (not alone or key.scope == "prompt"):
                entries.setdefault(key.action, (key, enabled))
        if alone:
            prompt = screen.focused
            assert isinstance(prompt, PromptRow)
            entries |= {key.action: (key, True) for key in prompt.menu_rest}
        found = tuple(sorted(entries.values(), key=lambda entry: entry[0].footer))
        if found != self._entries:
            self._entries = found
            self.refresh()

    def render(self) -> Text:
        """The row; entries that do not fit are left out whole, the later ones before help and back."""
        kept = fitting(self._entries, self.size.width)
        text = Text(" ", no_wrap=True, overflow="crop", end="")
        self._spots = []
        for number, (key, enabled) in enumerate(kept):
            if number:
                text.append("  ")
            start = text.cell_len
            off = self.get_component_rich_style("key--off")
            text.append(key.display, self.get_component_rich_style("key--key") if enabled else off)
            text.append(" " + key.label, self.get_component_rich_style("key--label") if enabled else off)
            self._spots.append((start, text.cell_len, key.keys.split(",")[0]))
        return text

    def on_click(self, event: events.Click) -> None:
        """A click on an entry presses its key."""
        for start, end, key in self._spots:
            if start <= event.x < end:
                self.app.simulate_key(key)
                event.stop()


def fitting(entries: Sequence[tuple[Key, bool]], width: int) -> list[tuple[Key, bool]]:
    """The entries that fit whole into ``width`` cells (``keys.fitting``)."""
    enabled = dict(entries)
    keys = [key for key, _enabled in entries]
    for key in reversed([key for key in keys if not enabled[key] and key.footer > _FIRST]):
        if len(fitting_keys(keys, width)) == len(keys):
            break
        keys.remove(key)
    return [(key, enabled[key]) for key in fitting_keys(keys, width)]
