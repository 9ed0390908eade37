"""What the command palette offers: the places of the deck and its themes, nothing of Textual's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.screen import Screen

from themes.palettes import DESCRIPTIONS
from tui.screens.base import DeckScreen

if TYPE_CHECKING:
    from tui.app import DeckApp


def commands(app: DeckApp, screen: Screen[object]) -> Iterable[SystemCommand]:
    """All commands by name, those of the screen that is up first."""
    if isinstance(screen, DeckScreen):
        yield from (SystemCommand(*command) for command in screen.commands())
    yield SystemCommand("Devices", "identity, health and use of every device", app.action_devices)
    yield SystemCommand("Jobs", "running and stopped jobs", app.action_jobs)
    yield SystemCommand("Messages", "all messages of this session", app.action_messages)
    yield SystemCommand("Help", "the keys of this screen", app.action_help)
    for name, description in DESCRIPTIONS.items():
        yield SystemCommand(f"Theme: {name}", description, lambda name=name: setattr(app, "theme", name))
    yield SystemCommand("Quit", "leave the deck; jobs go on", app.action_quit)
