"""Areas laid over the map: their borders on the block map, one of them as the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.mapedit import Overlay, borders_of

if TYPE_CHECKING:
    from tui.screens.map_editor import MapEditorScreen

_MOST_BORDERS = 2000


class Areas:
    """What the editor does with areas."""

    def __init__(self, screen: MapEditorScreen) -> None:
        self._screen = screen

    def choose(self) -> None:
        """The list of areas; the chosen one becomes the selection."""
        from tui.screens.map_areas import MapAreasScreen

        screen = self._screen
        document = screen.editing.document
        image = document.case.image if document.case is not None else screen.image
        screen.app.push_screen(MapAreasScreen(screen.editing.overlays, self.take, self._select, document.path, image))

    def take(self, overlays: tuple[Overlay, ...]) -> None:
        """Other areas."""
        self._screen.editing.overlays = overlays
        self._screen.block_map.set_borders(
            tuple(border.position for border in borders_of(overlays) if border.begins)[:_MOST_BORDERS]
        )

    def _select(self, overlay: Overlay) -> None:
        screen = self._screen
        screen.select(overlay.ranges)
        if overlay.ranges:
            screen.block_map.move_to(int(overlay.ranges.starts[0]))
        screen.say(f"selected: {overlay.label}")
