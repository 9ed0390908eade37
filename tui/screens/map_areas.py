"""Partitions and other labelled areas laid over a map: their borders on the map, and each to be selected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from textual.widget import Widget

from engine.mapedit import Overlay, partition_overlays, read_overlays
from engine.text import format_size
from tui import background
from tui.dialogs.path import complete_path
from tui.editor import words
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Column, Row, Section

AREA = "area:"
_COLUMNS = (
    Column("area", 60, flex=True, least=20),
    Column("begins", 12),
    Column("size", 11, right=True),
    Column("pieces", 7, right=True),
)


class MapAreasScreen(DeckScreen):
    """``take`` gets the areas when others are loaded; ``then`` the one that was chosen."""

    TITLE = "areas"
    SCOPES = ("areas", "list")
    BINDINGS = bindings("areas")
    HELP = (
        "Partitions, files or other areas of the drive, laid over the map: their borders are underlined there, and "
        "each can be selected to be edited or read. Partitions are read from the image, as far as their tables are "
        "rescued; other areas come from a file: the output of sfdisk --dump or --json, a list with START SIZE LABEL "
        "in each line, or a domain map, whose finished blocks are the area."
    )

    def __init__(
        self,
        overlays: Sequence[Overlay],
        take: Callable[[tuple[Overlay, ...]], None],
        then: Callable[[Overlay], None],
        map: Path,
        image: Path | None,
    ) -> None:
        """``image``: where partitions are read from when nothing is known yet."""
        super().__init__(map.name)
        self._overlays, self._take, self._then = tuple(overlays), take, then
        self._map, self._image = map, image
        self._list = RowList(id="areas-list")

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield self._list

    def on_mount(self) -> None:
        """Show them; without any look into the image, or ask for a file."""
        self._show()
        image = self._image
        if self._overlays:
            return
        if image is None or not image.exists():
            self.action_load()
            return
        self.say("reading the partition tables in the image ...")
        background.start(self, lambda: partition_overlays(str(image), self._map), self._partitions)

    def _partitions(self, overlays: tuple[Overlay, ...]) -> None:
        self._loaded(overlays)
        none = "no partitions are to be seen in the image so far; o reads areas from a file"
        self.say("" if overlays else none)

    def _show(self) -> None:
        self._list.show([Section("", _COLUMNS, area_rows(self._overlays), "none known yet: o reads them from a file")])

    def action_load(self) -> None:
        """From a file."""

        def read(path: str) -> None:
            where = Path(path.strip()).expanduser().absolute()
            background.start(self, lambda: read_overlays(where), self._loaded)

        self.prompt.read("areas from:", read, value=f"{self._map.parent}/", complete=complete_path)

    def _loaded(self, overlays: tuple[Overlay, ...]) -> None:
        self._overlays = overlays
        self._take(overlays)
        self._show()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Select the one under the cursor."""
        row = self._list.chosen
        if row is not None:
            self.action_back()
            self._then(self._overlays[int(row.id.removeprefix(AREA))])


def area_rows(overlays: Sequence[Overlay]) -> tuple[Row, ...]:
    """One row for each area."""
    return tuple(
        Row(
            f"{AREA}{number}",
            (
                one.label,
                words.place(int(one.ranges.starts[0])) if one.ranges else "",
                format_size(one.ranges.total),
                str(len(one.ranges)),
            ),
        )
        for number, one in enumerate(overlays)
    )
