"""What the selection menu does: by block, area, status, typed range, partition; grow, shrink, align."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.mapedit import borders_of, selection
from engine.ranges import RangeSet
from engine.text import parse_size
from tui.editor.input import parse_span, parse_statuses, parse_unit

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile
    from tui.screens.map_editor import MapEditorScreen


class Marks:
    """Methods are named as the actions of the scope ``mark``."""

    def __init__(self, screen: MapEditorScreen) -> None:
        self._screen = screen

    @property
    def _map(self) -> Mapfile:
        return self._screen.editing.map

    @property
    def _extent(self) -> tuple[int, int]:
        return self._map.start, self._map.end

    def mark_block(self) -> None:
        """The block under the cursor."""
        self._screen.select(self._screen.editing.block(self._screen.block_map.cursor))

    def mark_area(self) -> None:
        """The unfinished area around the cursor."""
        found = selection.area_at(self._map, self._screen.block_map.cursor, "?*/-")
        if not found:
            raise UsageError("what is under the cursor is finished", advice="find a gap first (f g)")
        self._screen.select(found)

    def mark_status(self) -> None:
        """All blocks of some statuses."""

        def take(text: str) -> None:
            self._screen.select(selection.by_status(self._map, parse_statuses(text)))

        self._screen.read("select all of (+?*/-, gaps, failed):", take)

    def mark_typed(self) -> None:
        """A typed range."""
        screen = self._screen

        def take(text: str) -> None:
            start, end = screen.editing.domain
            found = parse_span(text, here=screen.block_map.cursor, start=start, end=end)
            screen.select(RangeSet.of(*found))
            screen.block_map.move_to(found[0])

        screen.read("select (START-END, START+SIZE, +SIZE):", take)

    def mark_whole(self) -> None:
        """The whole map."""
        self._screen.select(RangeSet.of(*self._extent))

    def mark_overlay(self) -> None:
        """A partition, or what else is known."""
        self._screen.overlays.choose()

    def mark_borders(self) -> None:
        """Out to the nearest borders of areas; without a selection what lies between two of them."""
        screen = self._screen
        overlays = screen.editing.overlays
        if not overlays:
            raise UsageError("no areas are known", advice="p reads partitions from the image, or areas from a file")
        cursor = screen.block_map.cursor
        ranges = screen.editing.selection or RangeSet.of(cursor, cursor + 1)
        screen.select(selection.to_borders(ranges, borders_of(overlays), self._extent))

    def mark_only(self) -> None:
        """Of what is selected only some statuses."""
        selected = self._some()

        def take(text: str) -> None:
            self._screen.select(selection.by_status(self._map, parse_statuses(text), within=selected))

        self._screen.read("of the selection only (+?*/-, gaps, failed):", take)

    def mark_invert(self) -> None:
        """What is not selected."""
        self._screen.select(selection.inverse(self._screen.editing.selection, self._extent))

    def mark_grow(self) -> None:
        """More on both sides."""
        selected = self._some()
        self._screen.read("grow by (on both sides):",
                          lambda text: self._screen.select(selection.grow(selected, parse_size(text), self._extent)),
                          value="64K")  # fmt: skip

    def mark_shrink(self) -> None:
        """Less on both sides."""
        selected = self._some()
        self._screen.read("shrink by (on both sides):",
                          lambda text: self._screen.select(selection.shrink(selected, parse_size(text))),
                          value="64K")  # fmt: skip

    def mark_align(self) -> None:
        """Out to whole units."""
        selected, sector = self._some(), self._screen.editing.sector

        def take(text: str) -> None:
            self._screen.select(selection.align(selected, parse_unit(text, sector), self._extent))

        self._screen.read("align out to:", take, value=str(sector))

    def mark_none(self) -> None:
        """Nothing."""
        self._screen.select(RangeSet())

    def _some(self) -> RangeSet:
        selected = self._screen.editing.selection
        if not selected:
            raise UsageError("nothing is selected")
        return selected
