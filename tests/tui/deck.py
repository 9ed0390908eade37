"""Helpers for screen tests: an app that holds a widget in the deck's looks, and what is on show as text."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult

from themes import sheets
from themes.palettes import THEMES

if TYPE_CHECKING:
    from textual.pilot import Pilot


def screen_lines(app: App[Any]) -> list[str]:
    """The rows of the screen as plain text. The one place that looks behind Textual's public names."""
    return ["".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()]


class WidgetApp(App[None]):
    """Widgets under test, with the deck's sheets and its dark theme."""

    CSS_PATH = list[str | PurePath](sheets())
    pilot: Pilot[None]

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = "dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Sheets are parsed before the theme is set."""
        return dict(THEMES["dark"].variables)

    def body(self) -> ComposeResult:
        """The widgets."""
        yield from ()

    def compose(self) -> ComposeResult:
        yield from self.body()

    def lines(self) -> list[str]:
        """What is on show."""
        return screen_lines(self)
