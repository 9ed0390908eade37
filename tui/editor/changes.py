"""What the edit menu does: asks what is missing, shows larger changes before they are made, and makes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.mapedit import ChangeTypes, Clip, Combine, Extend, Invert, MergeBlocks, SetLine, Shift, SplitAt
from engine.mapedit.overlays import read_overlays, union_of
from engine.mapfile.status import MAX_POSITION
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.editor.input import parse_distance, parse_line, parse_span, parse_types

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile
    from engine.ranges import RangeSet
    from tui.screens.map_editor import MapEditorScreen


class Changes:
    """Methods are named as the actions of the scope ``change``."""

    def __init__(self, screen: MapEditorScreen) -> None:
        self._screen = screen

    @property
    def _domain(self) -> RangeSet | None:
        """Where algebra works: in the selection, without one everywhere."""
        return self._screen.editing.selection or None

    def edit_header(self) -> None:
        """Position, status and pass of the status line."""
        map_ = self._screen.editing.map

        def take(text: str) -> None:
            line = parse_line(text, position=map_.position, phase=map_.phase, current_pass=map_.current_pass)
            self._screen.edit(SetLine(*line))

        now = f"0x{map_.position:08X} {map_.phase} {map_.current_pass}"
        self._screen.read("status line (position status pass):", take, value=now)

    def edit_types(self) -> None:
        """Change statuses into others."""

        def take(text: str) -> None:
            self._screen.preview(ChangeTypes(*parse_types(text), self._domain))

        self._screen.read(f"change types{self._where} (OLD NEW, such as */ ?):", take)

    @property
    def _where(self) -> str:
        return " in the selection" if self._domain is not None else ""

    def edit_split(self) -> None:
        """A block border where the cell under the cursor begins."""
        self._screen.edit(SplitAt((self._screen.block_map.cursor_cell[0],)))

    def edit_join(self) -> None:
        """Join neighbours of one status."""
        self._screen.edit(MergeBlocks(self._domain))

    def edit_shift(self) -> None:
        """Move every position."""
        self._screen.read("shift the whole map by (+1M up, -1M down):",
                          lambda text: self._screen.preview(Shift(parse_distance(text))))  # fmt: skip

    def edit_clip(self) -> None:
        """Keep only a range: the selection, the source's size, or what is typed."""
        editing = self._screen.editing
        map_, size = editing.map, editing.document.size
        value = ""
        if editing.selection:
            value = f"{int(editing.selection.starts[0])}-{int(editing.selection.ends[-1])}"
        elif size is not None and size < map_.end:
            value = f"0-{size}"

        def take(text: str) -> None:
            cursor = self._screen.block_map.cursor
            self._screen.preview(Clip(*parse_span(text, here=cursor, start=0, end=MAX_POSITION)))

        self._screen.read("keep only (START-END):", take, value=value)

    def edit_domain(self) -> None:
        """Keep only a domain: the selection, or what a domain map or a list of areas names."""
        screen, domain = self._screen, self._domain
        if domain is not None:
            screen.preview(Clip.to_domain(domain))
            return

        def take(text: str) -> None:
            path = written_path(text)
            background.start(screen, lambda: read_overlays(path),
                             lambda found: screen.preview(Clip.to_domain(union_of(found))))  # fmt: skip

        beside = str(screen.editing.document.path.parent) + os.sep
        screen.read("keep only the areas of (a domain map, a list):", take, value=beside, complete=complete_path)

    def edit_extend(self) -> None:
        """Let the map cover more."""
        editing = self._screen.editing
        map_, size = editing.map, editing.document.size
        end = size if size is not None and size > map_.end else None

        def take(text: str) -> None:
            start, found = parse_span(text, here=map_.end, start=0, end=MAX_POSITION)
            self._screen.preview(Extend(start, found))

        self._screen.read("extend to cover (START-END; new ground is non-tried):", take,
                          value="" if end is None else f"{min(map_.start, 0)}-{end}")  # fmt: skip

    def edit_and(self) -> None:
        """Finished only where another map is finished too."""
        self._with_map("and")

    def edit_or(self) -> None:
        """Finished also where another map is finished."""
        self._with_map("or")

    def edit_xor(self) -> None:
        """Finished in one of two maps only."""
        self._with_map("xor")

    def edit_minus(self) -> None:
        """What another map has finished too becomes bad here."""
        self._with_map("minus")

    def edit_invert(self) -> None:
        """Finished becomes bad, all else finished."""
        self._screen.preview(Invert(self._domain))

    def _with_map(self, operation: str) -> None:
        screen, domain = self._screen, self._domain

        def take(text: str) -> None:
            if not text.strip():
                raise UsageError("no map was named")
            path = Path(text.strip()).expanduser().absolute()
            background.start(
                screen,
                lambda: _read_map(path),
                lambda other: screen.preview(Combine.with_map(operation, other, path.name, domain)),
            )

        beside = str(screen.editing.document.path.parent) + os.sep
        screen.read(f"{operation}{self._where} with the map:", take, value=beside, complete=complete_path)


def _read_map(path: Path) -> Mapfile:
    from engine.mapfile import read_map

    return read_map(path)
