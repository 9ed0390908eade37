"""The sectors behind a partition, field by field: offset, raw bytes, meaning, what is wrong and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.partitions import Subject, fields_of
from engine.partitions.model import Node, Place, Tree
from engine.template import Field
from tui import background
from tui.keys import bindings
from tui.partition_view import field_facts, field_sections
from tui.partition_words import node_label
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.words import plural


class PartitionFieldsScreen(DeckScreen):
    """A list of fields, a section for each sector; the field under the cursor in full below."""

    TITLE = "sectors"
    SCOPES = ("fields", "list")
    BINDINGS = bindings("fields")
    HELP = (
        "The sectors that a partition was read from: its table entry, boot sector, the backup, FSInfo. Each field with "
        "its offset on the disk, its bytes, what they mean, and what is wrong with it: !! where nothing can be found "
        "without it, ! elsewhere. Bytes that nobody has read are question marks."
    )

    def __init__(self, subject: Subject, tree: Tree, node: Node) -> None:
        super().__init__(f"{node_label(node)} at {node.start}")
        self._subject, self._tree, self._node = subject, tree, node
        self._list = RowList(id="fields")
        self._facts = Facts(label_width=9)
        self._fields: dict[str, Field] = {}

    def body(self) -> Iterable[Widget]:
        """Fields and the one under the cursor."""
        yield self._list
        yield VerticalScroll(self._facts, id="field-pane")

    def on_mount(self) -> None:
        """Read the sectors."""
        self._list.focus()
        background.start(self, lambda: fields_of(self._subject, self._tree, self._node), self._take)

    def _take(self, opened: Sequence[tuple[Place, Sequence[Field]]]) -> None:
        sections, self._fields = field_sections(opened)
        self._list.show(sections)
        wrong = sum(one.problem is not None for one in self._fields.values())
        self.say(f"{plural(wrong, 'field is', 'fields are')} wrong or unread" if wrong else "every field is right",
                 "warning" if wrong else "info")  # fmt: skip
        self.refresh_bindings()

    def on_row_list_moved(self) -> None:
        """Another field."""
        row = self._list.chosen
        one = self._fields.get(row.id) if row is not None else None
        self._facts.show(field_facts(one) if one is not None else ())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only where something is wrong."""
        if action == "next_wrong":
            return True if any(one.problem for one in self._fields.values()) else None
        return True

    def action_next_wrong(self) -> None:
        """The next wrong field, from the top again after the last."""
        wrong = [key for key, one in self._fields.items() if one.problem]
        keys = list(self._fields)
        row = self._list.chosen
        at = keys.index(row.id) if row is not None and row.id in self._fields else -1
        after = [key for key in wrong if keys.index(key) > at]
        if wrong:
            self._list.choose((after or wrong)[0])
