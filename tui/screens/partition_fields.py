"""The sectors behind a partition: their bytes, and field by field what they mean, what is wrong and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.partitions import fields_of
from engine.cases.subject import Subject
from engine.hex.reading import Page
from engine.partitions.model import Node, Place, Tree
from engine.template import Field
from tui import background
from tui.hex_fields import field_spans
from tui.keys import bindings
from tui.partition_bytes import Pages, open_pages
from tui.partition_view import field_facts, field_sections
from tui.partition_words import node_label
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.hex_view import HexView
from tui.widgets.row_list import RowList
from tui.words import plural


@dataclass(frozen=True, slots=True)
class _Opened:
    fields: list[tuple[Place, list[Field]]]
    pages: Pages


class PartitionFieldsScreen(DeckScreen):
    """The bytes above, a list of fields with a section for each sector, the field under the cursor in full below."""

    TITLE = "sectors"
    SCOPES = ("fields", "list", "bytes")
    BINDINGS = bindings("fields")
    HELP = (
        "The sectors that a partition was read from: table entry, boot sector, the backup, FSInfo. Their bytes above, "
        "the chosen field brought out; below each field with its offset on the disk, its bytes, what they mean, and "
        "what is wrong with it: !! where nothing can be found without it, ! elsewhere. Tab changes between bytes and "
        "fields. Bytes that nobody has read are drawn by their status, never as zeros."
    )

    def __init__(self, subject: Subject, tree: Tree, node: Node) -> None:
        super().__init__(f"{node_label(node)} at {node.start}")
        self._subject, self._tree, self._node = subject, tree, node
        self._view = HexView(id="field-bytes")
        self._list = RowList(id="fields")
        self._facts = Facts(label_width=9)
        self._fields: dict[str, Field] = {}
        self._places: dict[str, Place] = {}
        self._pages: Pages | None = None

    def body(self) -> Iterable[Widget]:
        """Bytes, fields and the one under the cursor."""
        yield self._view
        yield self._list
        pane = VerticalScroll(self._facts, id="field-pane")
        pane.can_focus = False
        yield pane

    def on_mount(self) -> None:
        """Read the sectors."""
        self._list.focus()
        background.start(self, self._open, self._take)

    def on_unmount(self) -> None:
        """Give the descriptors back."""
        if self._pages is not None:
            self._pages.close()

    def _open(self) -> _Opened:
        fields = fields_of(self._subject, self._tree, self._node)
        return _Opened(fields, open_pages(self._subject, self._tree))

    def _take(self, opened: _Opened) -> None:
        if not self.is_attached:
            opened.pages.close()
            return
        self._pages = opened.pages
        sections, self._fields = field_sections(opened.fields)
        self._places = {f"{number}:{one.name}": place
                        for number, (place, found) in enumerate(opened.fields) for one in found}  # fmt: skip
        first = opened.fields[0][0].offset if opened.fields else 0
        self._view.show(opened.pages.size, at=min(first, max(0, opened.pages.size - 1)),
                        sector_size=self._tree.sector_size)  # fmt: skip
        self._view.overlay(field_spans(list(self._fields.values())))
        self._list.show(sections)
        wrong = sum(one.problem is not None for one in self._fields.values())
        self.say(f"{plural(wrong, 'field is', 'fields are')} wrong or unread" if wrong else "every field is right",
                 "warning" if wrong else "info")  # fmt: skip
        self.refresh_bindings()

    # -- bytes ----------------------------------------------------------------------------------------------------

    def on_hex_view_wanted(self, message: HexView.Wanted) -> None:
        """Read pages, off the event loop."""
        pages, wanted = self._pages, message.pages
        if pages is not None:
            background.start(self, lambda: {number: pages.page(number) for number in wanted}, self._supplied)

    def _supplied(self, pages: dict[int, Page]) -> None:
        self._view.supply(pages)

    def on_hex_view_moved(self) -> None:
        """The list follows the cursor among the bytes."""
        if self.focused is self._view:
            at = self._view.cursor
            key = next((key for key, one in self._fields.items() if one.offset <= at < one.offset + one.size), None)
            if key is not None:
                self._list.choose(key)

    # -- fields ---------------------------------------------------------------------------------------------------

    @property
    def _chosen(self) -> str | None:
        row = self._list.chosen
        return row.id if row is not None and row.id in self._fields else None

    def on_row_list_moved(self) -> None:
        """Another field: brought out among the bytes."""
        key = self._chosen
        one = self._fields[key] if key is not None else None
        self._facts.show(field_facts(one) if one is not None else ())
        self._view.mark_now((one.offset, one.offset + one.size) if one is not None else None)
        if one is not None and self.focused is not self._view:
            self._view.move_to(one.offset)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only where something is wrong; all bytes are shown of images only."""
        if action == "next_wrong":
            return True if any(one.problem for one in self._fields.values()) else None
        if action == "bytes":
            return True if self._chosen is not None and not self._subject.is_device else None
        return True

    def action_next_wrong(self) -> None:
        """The next wrong field, from the top again after the last."""
        wrong = [key for key, one in self._fields.items() if one.problem]
        keys = list(self._fields)
        at = keys.index(self._chosen) if self._chosen is not None else -1
        after = [key for key in wrong if keys.index(key) > at]
        if wrong:
            self._list.choose((after or wrong)[0])

    def action_bytes(self) -> None:
        """The hex view on this place."""
        key = self._chosen
        if key is not None:
            self.deck.open_bytes(self._subject.path, self._subject.map, self._fields[key].offset)
