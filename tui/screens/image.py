"""An image under its map, or a map alone: how much is there and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from engine.cases import create_case, record
from engine.cases.arrays import image_size
from engine.errors import OutsideError, RescueError
from tui import background
from tui.case_view import MapTotals, totals_cells
from tui.dialogs.path import complete_path, written_path
from tui.going_on import Ahead
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.block_map import BlockMap
from tui.widgets.cell_line import cell_text
from tui.widgets.facts import Fact, Facts
from tui.widgets.rows import Cell
from tui.words import plural, size

if TYPE_CHECKING:
    from engine.mapfile import Mapfile


@dataclass(frozen=True, slots=True)
class _Loaded:
    map: Mapfile | None
    image_size: int | None


class ImageScreen(DeckScreen):
    """Facts above, the block map below when there is a map."""

    TITLE = "image"
    SCOPES = ("image", "map")
    BINDINGS = bindings("image")
    HELP = (
        "An image, and the ddrescue map that says which of its bytes were really read: without a map an unread area "
        "looks like zeros. Make a case of both to keep their history, and to go on with the rescue."
    )

    def __init__(self, image: Path | None, map: Path | None) -> None:
        super().__init__(str(image or map))
        self._image, self._map_path = image, map
        if image is None:
            self._title_row.name_text = "map"
        self._facts = Facts(label_width=7, id="image-facts")
        self._block_map = BlockMap(id="image-map")
        self._line = Static("", markup=False, id="image-cell")
        self._map: Mapfile | None = None
        self._ahead = Ahead(self, image) if image is not None else None

    def body(self) -> Iterable[Widget]:
        """Facts, map, and what is under its cursor."""
        yield self._facts
        yield self._block_map
        yield self._line

    def on_mount(self) -> None:
        """Read the map."""
        self._block_map.display = False

    def on_screen_resume(self) -> None:
        """Read it (again): it may have been edited."""
        super().on_screen_resume()
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read it again."""
        background.start(self, self._load, self._take, self._failed)

    def _load(self) -> _Loaded:
        from engine.mapfile import read_map

        loaded = read_map(self._map_path) if self._map_path is not None else None
        length: int | None = None
        if self._image is not None:
            try:
                length = image_size(self._image)
            except OSError as error:
                raise OutsideError("the image is not there", code="missing", path=self._image) from error
        return _Loaded(loaded, length)

    def _failed(self, error: RescueError) -> None:
        self._map = None
        self._block_map.display = False  # the map that was drawn is not the one that was asked for
        self._line.update("")
        self._facts.show([("error", Cell(str(error), "row--danger"))])
        self.tell_error(error)

    def _take(self, loaded: _Loaded) -> None:
        self._map = loaded.map
        self.refresh_bindings()
        if self._ahead is not None:
            self._ahead.map = self._map_path
            self._ahead.look()
        facts: list[Fact] = []
        if self._image is not None:
            facts.append(("image", f"{self._image.name}  {size(loaded.image_size)}"))
        if loaded.map is None:
            facts.append(("map", Cell("none: nobody can say which of its bytes were never read", "row--warning")))
            facts.append(("", "press m to lay a map over it, c to make a case of it"))
        else:
            totals = loaded.map.totals()
            domain = None if loaded.map.open_ended else totals.finished + totals.unfinished
            facts.append(("", totals_cells(MapTotals(totals.bytes, totals.areas, domain))))
            blocks = plural(len(loaded.map), "block", "blocks")
            facts.append(("map", f"{self._map_name()}  {blocks}, {plural(totals.areas[4], 'bad area', 'bad areas')}"))
        self._facts.show(facts)
        if loaded.map is not None:
            self._block_map.display = True
            self._block_map.show(loaded.map, domain=self._domain(loaded))
            self._block_map.focus()
            self._show_cell()

    def _map_name(self) -> str:
        assert self._map_path is not None
        beside = self._image is not None and self._image.parent == self._map_path.parent
        return self._map_path.name if beside else str(self._map_path)

    def _domain(self, loaded: _Loaded) -> tuple[int, int] | None:
        assert loaded.map is not None
        if not loaded.map.open_ended:
            return None
        # A map that does not know the drive's end reaches to 2^63: draw as far as there is anything.
        last = loaded.map.block(len(loaded.map) - 1)
        return loaded.map.start, max(last.start, loaded.image_size or 0, loaded.map.start + 512)

    def _show_cell(self) -> None:
        view = self._block_map.view
        self._line.update(cell_text(self._map, view, self._block_map.cursor, max(1, self.size.width)))

    def on_block_map_moved(self) -> None:
        """Another cell under the cursor."""
        self._show_cell()

    def on_block_map_view_changed(self) -> None:
        """Another zoom."""
        self._show_cell()

    def on_block_map_not_found(self, message: BlockMap.NotFound) -> None:
        """No further gap."""
        self.say("no further gap" if message.forwards else "no gap before this one")

    def action_lay_map(self) -> None:
        """Ask for the map of this image."""

        def take(path: str) -> None:
            self._map_path = written_path(path)
            self.action_refresh()

        self.prompt.read("map of this image:", take, complete=complete_path)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a map there is none to edit, without an image there are no partitions."""
        if action in ("partitions", "hex", "carve", "files", "recordings", "sectors", "array", "document"):
            return True if self._image is not None else None
        return True if action != "edit_map" or self._map_path is not None else None

    def action_partitions(self) -> None:
        """The partition tables of the image, under its map."""
        if self._image is not None:
            self.deck.open_partitions(self._image, self._map_path)

    def action_document(self) -> None:
        """The image as a damaged OLE2 document, whatever its name is."""
        if self._image is not None:
            self.deck.open_document(self._image, self._map_path)

    def action_carve(self) -> None:
        """Files in this image by their own structure."""
        if self._image is not None:
            self.deck.open_carving(self._image, self._map_path)

    def action_recordings(self) -> None:
        """The recordings in this image, under its map."""
        if self._image is not None:
            self.deck.open_recordings(self._image, self._map_path)

    def action_files(self) -> None:
        """The files in this image."""
        if self._image is not None:
            self.deck.open_files(self._image, self._map_path)

    def action_hex(self) -> None:
        """The bytes of the image, under its map."""
        if self._image is not None:
            self.deck.open_bytes(self._image, self._map_path)

    def action_sectors(self) -> None:
        """What sectors the image has."""
        if self._image is not None:
            self.deck.open_sectors(self._image, self._map_path)

    def action_array(self) -> None:
        """The image as a member of an array."""
        if self._image is not None:
            from engine.cases.arrays import Member

            self.deck.open_array([Member(self._image, self._map_path)])

    def action_edit_map(self) -> None:
        """The editor on the map."""
        if self._map_path is not None:
            self.deck.edit_map(self._map_path, image=self._image)

    def action_make_case(self) -> None:
        """Make a case that refers to image and map where they are."""

        def take(path: str) -> None:
            background.start(self, lambda: self._make_case(path), self.deck.open_path)

        start = str((self._image or self._map_path or Path.cwd()).with_suffix("")) + "-case"
        self.prompt.read("folder for the case:", take, value=start, complete=complete_path)

    def _make_case(self, path: str) -> str:
        where = written_path(path)
        case = create_case(where, image=self._image, map=self._map_path)
        record(case, "case-created", image=str(case.image), map=str(case.map))
        return str(where)
