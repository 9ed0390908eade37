"""A table that names what a search found: looked at, saved as a script, or turned into a plan of writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Static

from engine.atomic import output_file, write_all
from engine.cases.partitions import plan_of_table
from engine.cases.subject import Subject
from engine.edits import Applied, WritePlan
from engine.partitions.model import Tree
from engine.partitions.search import TablePlan
from engine.text import format_exact
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.partition_view import table_sections, wanted_kind
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.words import plural


class PartitionTableScreen(DeckScreen):
    """Partitions of the proposed table, and what it leaves out."""

    TITLE = "proposed table"
    SCOPES = ("table", "list")
    BINDINGS = bindings("table")
    HELP = (
        "One table without overlaps out of what was found and what the present table names. New lines are marked; what "
        "cannot be in it is listed with the reason. See the disk with it as a tree, save a script (for sfdisk, or "
        "parts repair --layout), or see the bytes that it would change: nothing is written before you say so there."
    )

    def __init__(self, subject: Subject, plan: TablePlan, tree: Tree, written: Callable[[], None]) -> None:
        super().__init__(str(subject.path))
        self._subject, self._plan, self._present, self._written = subject, plan, tree, written
        self._words = Static("", markup=False, id="table-words")
        self._list = RowList(id="table")
        self._line = Facts(label_width=9, id="table-line")

    def body(self) -> Iterable[Widget]:
        """What kind of table, then its lines."""
        yield self._words
        yield self._list
        yield self._line

    def on_row_list_moved(self) -> None:
        """The line under the cursor in full."""
        row = self._list.chosen
        kind, _, number = row.id.partition(":") if row is not None else ("", "", "")
        if kind == "wanted":
            one = self._plan.wanted[int(number)]
            words = [f"{wanted_kind(one)} at {one.start}, {format_exact(one.size)}", one.type]
            self._line.show([("in it", " ".join(filter(None, (*words, one.name))))])
        elif kind == "left":
            left = self._plan.left_out[int(number)]
            self._line.show([("not in it", f"{left.what} at {left.start}, {format_exact(left.size)}: {left.reason}")])
        else:
            self._line.show(())

    def on_mount(self) -> None:
        """Show it."""
        plan = self._plan
        kind = "GPT" if plan.label == "gpt" else "MBR"
        logical = sum(one.logical for one in plan.wanted)
        known = {(node.start, node.size) for node in self._present.partitions()}
        same = bool(plan.wanted) and all((one.start, one.size) in known for one in plan.wanted)
        count = sum(not one.extended for one in plan.wanted)
        told = f"{kind}, {plural(count, 'partition', 'partitions')}, {logical} of them logical"
        self._words.update(f" {told}" + ("\n The present table names all of it." if same else ""))
        self._list.show(table_sections(plan, self._present))
        self._list.focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An empty table is neither saved nor written."""
        return True if action not in ("save", "apply", "preview") or self._plan.wanted else None

    def action_save(self) -> None:
        """As a script beside the image."""

        def take(text: str) -> None:
            path = written_path(text)
            background.start(self, lambda: save_script(self._plan, path), self._saved)

        value = str(self._subject.path.with_suffix(".sfdisk"))
        self.prompt.read("save the script as:", take, value=value, complete=complete_path)

    def _saved(self, path: Path) -> None:
        self.say(f"saved as {path}")

    def action_preview(self) -> None:
        """The disk with this table."""
        from tui.screens.partition_preview import PartitionPreviewScreen

        def show(plan: WritePlan) -> None:
            self.app.push_screen(PartitionPreviewScreen(self._subject, plan, self._present))

        background.start(self, lambda: plan_of_table(self._subject, self._plan), show)

    def action_apply(self) -> None:
        """The writes."""
        background.start(self, lambda: plan_of_table(self._subject, self._plan), self._planned)

    def _planned(self, plan: WritePlan) -> None:
        from tui.screens.partition_plan import PartitionPlanScreen

        def written(_done: Applied) -> None:
            self.say("written and read back; u on the partitions takes it back")
            self._written()

        self.app.push_screen(PartitionPlanScreen(self._subject, plan, written))


def save_script(plan: TablePlan, path: Path) -> Path:
    """Write the script into a new file. Raises ``OutsideError``; an existing file is refused."""
    data = plan.script().encode("ascii", "backslashreplace")
    with output_file(path, "cannot save the script") as fd:
        write_all(fd, data)
    return path
