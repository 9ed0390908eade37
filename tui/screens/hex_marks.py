"""The bookmarks of a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.widget import Widget

from engine.cases.subject import Subject
from engine.hex.bookmarks import Bookmark, load_bookmarks, remove_bookmark
from engine.text import format_size
from tui import background
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Column, Row, Section

_COLUMNS = (
    Column("place", 18, right=True), Column("bytes", 10, right=True), Column("structure", 16, drop=1),
    Column("name", 60, flex=True, least=20),
)  # fmt: skip


class BookmarksScreen(DeckScreen):
    """A list in the order of the places."""

    TITLE = "bookmarks"
    SCOPES = ("marks", "list")
    BINDINGS = bindings("marks")
    HELP = (
        "Places that were given a name with b in the hex view. They are kept in the case, or in a file beside the "
        "image (IMAGE.bookmarks.json). Enter goes there."
    )

    def __init__(self, subject: Subject, then: Callable[[Bookmark], None]) -> None:
        super().__init__(str(subject.path))
        self._subject, self._then = subject, then
        self._list = RowList(id="marks")
        self._marks: Sequence[Bookmark] = ()

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield self._list

    def on_mount(self) -> None:
        """Read them."""
        self._list.focus()
        background.start(self, lambda: load_bookmarks(self._subject), self._take)

    def _take(self, marks: Sequence[Bookmark]) -> None:
        self._marks = marks
        self._list.show([section(marks)])
        self.refresh_bindings()

    @property
    def _chosen(self) -> Bookmark | None:
        row = self._list.chosen
        return self._marks[int(row.id)] if row is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only where there is one."""
        return True if action not in ("go", "remove") or self._marks else None

    def on_row_list_opened(self) -> None:
        """A double click goes there."""
        self.action_go()

    def action_go(self) -> None:
        """Back to the bytes, at this place."""
        mark = self._chosen
        if mark is not None:
            self.action_back()
            self._then(mark)

    def action_remove(self) -> None:
        """Remove it."""
        mark = self._chosen
        if mark is not None:
            background.start(self, lambda: remove_bookmark(self._subject, mark), self._take)


def section(marks: Sequence[Bookmark]) -> Section:
    """One row for each."""
    rows = tuple(
        Row(str(number), (f"0x{mark.offset:x}", format_size(mark.size) if mark.size else "", mark.template, mark.name))
        for number, mark in enumerate(marks)
    )
    return Section("", _COLUMNS, rows, "no bookmarks yet: b in the hex view makes one")
