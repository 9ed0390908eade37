"""What the find menu does: the cursor goes to blocks of a status, to the largest gap, to the first and last failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.text import format_size
from tui.editor import words
from tui.editor.input import parse_offset

if TYPE_CHECKING:
    from engine.mapfile.cells import Area
    from tui.screens.map_editor import MapEditorScreen

_NOTHING = "there is none"


class Finds:
    """Methods are named as the actions of the scope ``find``."""

    def __init__(self, screen: MapEditorScreen) -> None:
        self._screen = screen

    def find_status(self, statuses: str) -> None:
        """Next block of these statuses; n and N look for them from now on."""
        self._screen.block_map.seek = statuses
        self._screen.block_map.action_next()

    def find_here(self) -> None:
        """Next block of the status under the cursor."""
        status = self._screen.editing.map.status_at(self._screen.block_map.cursor)
        if status is not None:
            self.find_status(status)

    def find_largest(self) -> None:
        """The largest area that is not finished."""
        from engine.mapfile.cells import largest_area

        self._show(largest_area(self._screen.editing.map, "?*/-"), "largest gap")

    def find_first(self) -> None:
        """The first failure."""
        from engine.mapfile.cells import first_area

        self._show(first_area(self._screen.editing.map, "*/-"), "first failure")

    def find_last(self) -> None:
        """The last failure."""
        from engine.mapfile.cells import last_area

        self._show(last_area(self._screen.editing.map, "*/-"), "last failure")

    def find_position(self) -> None:
        """The position of the status line."""
        screen = self._screen
        position = screen.editing.map.position
        screen.block_map.move_to(position)
        screen.say(f"the status line's position, {words.place(position)}")

    def _show(self, area: Area | None, name: str) -> None:
        if area is None:
            self._screen.say(f"{name}: {_NOTHING}")
            return
        self._screen.block_map.move_to(area.start)
        self._screen.say(f"{name}: {words.place(area.start)}, {format_size(area.size)}")

    def goto(self) -> None:
        """Ask for an offset."""
        screen = self._screen

        def take(text: str) -> None:
            start, end = screen.editing.domain
            screen.block_map.move_to(parse_offset(text, here=screen.block_map.cursor, start=start, end=end))

        screen.read("go to (1G, 0x1000, 2048s, 50%, +1M):", take)
