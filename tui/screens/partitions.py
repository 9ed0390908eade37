"""Partitions of an image or a case: the tree, what is wrong, and the ways on from there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.partitions import Looked, look_at, plan_change, plan_for, take_back, undo_files
from engine.cases.repairing import device_word
from engine.cases.subject import Subject
from engine.edits import Applied, Journal, Undone, WritePlan
from engine.errors import RescueError
from engine.partitions.model import Finding, Node
from engine.partitions.repairs import repair_for
from engine.partitions.type_names import complete_type, find_type
from tui import background
from tui.dialogs.confirm import ConfirmDialog
from tui.keys import bindings
from tui.partition_view import DISK, disk_facts, node_facts, tree_section
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.words import local_time, plural


class PartitionsScreen(DeckScreen):
    """The tree above, the node under the cursor in full below."""

    TITLE = "partitions"
    SCOPES = ("partitions", "list")
    BINDINGS = bindings("partitions")
    HELP = (
        "Every partition table of the image with what lies in each partition, free stretches, and what is wrong: !! is "
        "an error, ! a warning, - a note. Enter opens the sectors behind a line field by field. f shows which bytes a "
        "repair would change; nothing is written before you say so there, and u takes it back. What the map does not "
        "call finished is unread, never zero. A device is read by a process of its own, tables and boot sectors only, "
        "and written to after a typed word; but a drive that fails is imaged first, and the image looked at."
    )

    def __init__(self, subject: Subject) -> None:
        super().__init__(str(subject.path))
        self._subject = subject
        self._list = RowList(id="partitions")
        self._facts = Facts(label_width=10)
        self._pane = VerticalScroll(self._facts, id="partition-pane")
        self._looked: Looked | None = None
        self._by_row: dict[str, Node] = {}
        self._everything = False
        self._sectors = False
        self._looks: background.Latest[Looked] = background.Latest()
        self._mended: tuple[int | None, str] | None = None
        self._undone = ""
        self._undo_file = ""

    def body(self) -> Iterable[Widget]:
        """Tree and facts."""
        yield self._list
        yield self._pane

    def on_mount(self) -> None:
        """Read the image."""
        self._list.focus()
        self.say("reading the tables ...")
        self.action_refresh()

    def action_refresh(self) -> None:
        """Read it again."""
        self._looks.start(self, lambda: look_at(self._subject), self._take, self._failed)

    def _failed(self, error: RescueError) -> None:
        self._looked, self._by_row = None, {}
        self._list.show(())
        self._facts.show([("error", str(error))])
        self.tell_error(error)
        self.refresh_bindings()

    def _take(self, looked: Looked) -> None:
        self._looked = looked
        self._show()
        self.say(self._told(looked), "warning" if self._still_there(looked) else "info")
        self._mended, self._undone = None, ""

    def _told(self, looked: Looked) -> str:
        """What is new since the last look: the repair that was made, or taken back."""
        if self._undone:
            return self._undone
        if self._mended is None:
            return ""
        if self._still_there(looked):
            return f"written and read back, but {self._mended[1]} is still there"
        return f"written and read back: {self._mended[1]} is gone; u takes it back ({self._undo_file})"

    def _still_there(self, looked: Looked) -> bool:
        return self._mended is not None and any(
            (node.start if node is not None else None, one.code) == self._mended for node, one in looked.tree.findings()
        )

    def _show(self) -> None:
        if self._looked is not None:
            sector = self._looked.tree.sector_size if self._sectors else None
            section, self._by_row = tree_section(self._looked, everything=self._everything, sector=sector)
            self._list.show([section])
            self._show_facts()

    @property
    def _node(self) -> Node | None:
        row = self._list.chosen
        return self._by_row.get(row.id) if row is not None else None

    @property
    def _on_disk(self) -> bool:
        row = self._list.chosen
        return row is not None and row.id == DISK

    def on_row_list_moved(self) -> None:
        """Another node."""
        self._show_facts()

    def _show_facts(self) -> None:
        if self._looked is not None:
            node = self._node
            self._facts.show(disk_facts(self._looked) if node is None else node_facts(node, self._looked.tree))
            self._pane.scroll_home(animate=False)
            self._offer()
        self.refresh_bindings()

    def _offer(self) -> None:
        """What is wrong is mended before its files are looked at; where nothing is, something may have been lost."""
        node = self._node
        if self.check_action("repair", ()):
            self.offer("see what would mend it: nothing is written before you say so", self.action_repair)
        elif node is not None and self.check_action("files", ()):
            self.offer("the files in this partition", self.action_files)
        elif self.check_action("search", ()):
            self.offer("search for lost partitions", self.action_search)
        else:
            self.offer("", None)

    def _fixable(self) -> list[Finding]:
        """What can be mended where the cursor is, one for each repair."""
        if self._looked is None or (self._node is None and not self._on_disk):
            return []
        problems = self._looked.tree.problems if self._node is None else self._node.problems
        found: dict[str, Finding] = {}
        for one in problems:
            if repair_for(one) is not None:
                found.setdefault(one.repair or "", one)
        return list(found.values())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what the node has not."""
        if action == "inspect":
            return True if self._node is not None and self._node.places else None
        if action == "files":
            node = self._node
            fits = node is not None and node.kind in ("primary", "logical", "volume") and not node.is_shadow
            return True if fits and not self._subject.is_device else None
        if action == "repair":
            return True if self._fixable() else None
        if action == "search":
            return True if self._looked is not None and self._subject.searchable else None
        if action == "undo":
            return True if self._looked is not None else None
        if action in ("type", "active"):
            return True if self._changeable(action) else None
        return True

    def _changeable(self, action: str) -> bool:
        node = self._node
        if node is None or node.is_shadow or node.kind not in ("primary", "extended", "logical") or not node.type:
            return False
        return action == "type" or (node.kind == "primary" and len(node.type) == 2)

    def on_row_list_opened(self) -> None:
        """A double click."""
        if self.check_action("inspect", ()):
            self.action_inspect()

    def action_inspect(self) -> None:
        """Its sectors."""
        if self._looked is not None and self._node is not None:
            from tui.screens.partition_fields import PartitionFieldsScreen

            self.app.push_screen(PartitionFieldsScreen(self._subject, self._looked.tree, self._node))

    def action_everything(self) -> None:
        """All rows, or those that matter."""
        self._everything = not self._everything
        self._show()
        self.say("everything is listed" if self._everything else "short gaps and sound EBRs are left out")

    def action_units(self) -> None:
        """Sectors or bytes."""
        self._sectors = not self._sectors
        self._show()

    def action_search(self) -> None:
        """Lost partitions."""
        from tui.screens.partition_search import PartitionSearchScreen

        self.app.push_screen(PartitionSearchScreen(self._subject, self.action_refresh))

    def action_files(self) -> None:
        """The files in the partition under the cursor."""
        if self._node is not None:
            self.deck.open_files(self._subject.path, self._subject.map, self._node.start)

    # --- repair and undo

    def action_repair(self) -> None:
        """The plan for what is wrong here; asked which, when there are several."""
        found, node = self._fixable()[:9], self._node
        if len(found) > 1:
            words = " ".join(f"{number} {one.repair}" for number, one in enumerate(found, 1))
            choices = "".join(str(number) for number in range(1, len(found) + 1))

            def answer(key: str) -> None:
                if key:
                    self._plan(node, found[int(key) - 1])

            self.prompt.ask(f"repair: {words}", answer, choices=choices, default="")
        elif found:
            self._plan(node, found[0])

    def _plan(self, node: Node | None, finding: Finding) -> None:
        background.start(self, lambda: plan_for(self._subject, node, finding), partial(self._planned, node, finding))

    def _planned(self, node: Node | None, finding: Finding, plan: WritePlan) -> None:
        from tui.screens.partition_plan import PartitionPlanScreen

        def written(done: Applied) -> None:
            self._undo_file = done.undo_file.name if done.undo_file is not None else ""
            self._mended = (node.start if node is not None else None, finding.code)
            self.action_refresh()

        self.app.push_screen(PartitionPlanScreen(self._subject, plan, written))

    def action_type(self) -> None:
        """Another type, by number, GUID or name; the writes are shown before they are made."""
        node = self._node
        if node is None:
            return
        gpt = len(node.type) != 2

        def take(text: str) -> None:
            self._change(node, "type", find_type(text, gpt=gpt))

        words = "type (a name or a GUID):" if gpt else "type (a name or two hex digits):"
        self.prompt.read(words, take, value=node.type_name if node.type_name != "unknown" else node.type,
                         complete=partial(complete_type, gpt=gpt))  # fmt: skip

    def action_active(self) -> None:
        """The active partition, or not any more."""
        node = self._node
        if node is not None:
            self._change(node, "inactive" if "active" in node.flags else "active", None)

    def _change(self, node: Node, repair: str, value: str | None) -> None:
        background.start(self, lambda: plan_change(self._subject, node, repair, value), partial(self._changing, repair))

    def _changing(self, repair: str, plan: WritePlan) -> None:
        from tui.screens.partition_plan import PartitionPlanScreen

        def written(done: Applied) -> None:
            self._undo_file = done.undo_file.name if done.undo_file is not None else ""
            self._undone = f"written and read back: {repair}; u takes it back ({self._undo_file})"
            self.action_refresh()

        if plan.writes:
            self.app.push_screen(PartitionPlanScreen(self._subject, plan, written))
        else:
            self.say("it is so already: there is nothing to write")

    def action_undo(self) -> None:
        """The newest repair that is not taken back yet."""
        background.start(self, lambda: undo_files(self._subject), self._ask_undo)

    def _ask_undo(self, found: list[Journal]) -> None:
        if not found:
            self.say("no repair of this image can be taken back")
            return
        one = found[0]
        cut = "" if one.finished else "CUT SHORT: "

        def answer(key: str) -> None:
            if key == "y":
                background.start(self, lambda: take_back(self._subject, one.path), self._taken_back)

        total = plural(one.plan.total, "byte", "bytes")
        question = f"{cut}Take back {one.plan.code} of {local_time(one.time)}, {total}?"
        if self._subject.is_device:
            background.start(self, lambda: device_word(one.target), partial(self._ask_device_undo, one, question))
        else:
            self.prompt.ask(question, answer)

    def _ask_device_undo(self, one: Journal, question: str, told: tuple[str, dict[str, Any]]) -> None:
        word, facts = told

        def answer(good: bool | None) -> None:
            if good:
                background.start(self, lambda: take_back(self._subject, one.path, word), self._taken_back)

        shown = [("device", one.target), ("model", str(facts.get("model"))), ("serial", str(facts.get("serial"))),
                 ("undo file", str(one.path))]  # fmt: skip
        self.app.push_screen(ConfirmDialog(question, shown, word), answer)

    def _taken_back(self, done: Undone) -> None:
        self._undone = f"taken back: {done.journal.plan.code}, {plural(done.written, 'byte', 'bytes')} as they were"
        self.action_refresh()
