"""Start: what is here to work on."""

from __future__ import annotations

from tui.keys import bindings
from tui.screens.base import DeckScreen


class StartScreen(DeckScreen, inherit_bindings=False):
    """Devices, images and cases in the current directory, running jobs."""

    TITLE = "rescuedeck"
    SCOPES = ("start", "list")
    BINDINGS = bindings("start")
    HELP = "Choose what to work on."
