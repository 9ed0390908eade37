"""The disk as it would be when a plan was written: the same tree, before a byte has changed."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.partitions import Looked, preview
from engine.cases.subject import Subject
from engine.edits import WritePlan
from engine.errors import RescueError
from engine.partitions.model import Node, Tree
from tui import background
from tui.keys import bindings
from tui.partition_view import DISK, changes, disk_facts, node_facts, preview_sections
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.words import plural


class PartitionPreviewScreen(DeckScreen):
    """The tree to come above, a node in full below; what is new and what would be gone is said."""

    TITLE = "as it would be"
    SCOPES = ("to-come", "list")
    BINDINGS = bindings("to-come")
    HELP = (
        "The partitions as every tool would see them if the writes were made. They have not been made. + stands before "
        "what is new; what would be gone is listed last; what would be wrong then is marked as on the partitions."
    )

    def __init__(self, subject: Subject, plan: WritePlan, present: Tree | None = None) -> None:
        super().__init__(str(subject.path))
        self._subject, self._plan, self._present = subject, plan, present
        self._list = RowList(id="preview")
        self._facts = Facts(label_width=10)
        self._looked: Looked | None = None
        self._by_row: dict[str, Node] = {}

    def body(self) -> Iterable[Widget]:
        """Tree and facts."""
        yield self._list
        yield VerticalScroll(self._facts, id="partition-pane")

    def on_mount(self) -> None:
        """Lay the plan over the source and read that."""
        self._list.focus()
        self.say("reading it as it would be ...")
        background.start(self, self._look, self._take, self._failed)

    def _look(self) -> tuple[Looked, Tree]:
        from engine.cases.partitions import look_at

        return preview(self._subject, self._plan), self._present or look_at(self._subject).tree

    def _failed(self, error: RescueError) -> None:
        self.tell_error(error)

    def _take(self, found: tuple[Looked, Tree]) -> None:
        self._looked, before = found
        sections, self._by_row = preview_sections(self._looked, before)
        self._list.show(sections)
        new, gone = changes(before, self._looked.tree)
        self.say(f"not written yet; {plural(len(new), 'partition is', 'partitions are')} new, {len(gone)} gone")
        self.on_row_list_moved()

    def on_row_list_moved(self) -> None:
        """Another node."""
        row = self._list.chosen
        if self._looked is None or row is None:
            return
        node = self._by_row.get(row.id)
        if node is not None:
            self._facts.show(node_facts(node, self._looked.tree))
        else:
            self._facts.show(disk_facts(self._looked) if row.id == DISK else ())
