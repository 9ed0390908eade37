"""Writes before they are made: where, the old bytes, the new bytes, why; and the question before they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from engine.cases.partitions import Subject
from engine.cases.repairing import RepairPlace, apply_repair, repair_place
from engine.edits import Applied, WritePlan
from engine.text import safe_text
from tui import background
from tui.keys import bindings
from tui.partition_view import plan_section, write_facts
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.words import plural


class PartitionPlanScreen(DeckScreen):
    """``written`` is called after the plan was written and read back."""

    TITLE = "what would be written"
    SCOPES = ("plan", "list")
    BINDINGS = bindings("plan")
    HELP = (
        "A repair before it is made: every run of bytes that changes, with the old and the new bytes and the reason, "
        "in the order of writing. Nothing has been written. w asks, saves the old bytes in an undo file, writes, and "
        "reads everything back. Only images are written to here."
    )

    def __init__(self, subject: Subject, plan: WritePlan, written: Callable[[Applied], None]) -> None:
        super().__init__(str(subject.path))
        self._subject, self._plan, self._written = subject, plan, written
        self._words = Static("", markup=False, id="plan-words")
        self._list = RowList(id="plan-writes")
        self._facts = Facts(label_width=12)

    def body(self) -> Iterable[Widget]:
        """What it is about, the writes, the bytes of one."""
        yield self._words
        yield self._list
        yield VerticalScroll(self._facts, id="plan-pane")

    def on_mount(self) -> None:
        """Show it."""
        plan = self._plan
        told = f"{plan.title}: {plural(len(plan.writes), 'write', 'writes')}, {plural(plan.total, 'byte', 'bytes')}"
        self._words.update("\n".join(safe_text(f" {line}") for line in (told, *(f"- {note}" for note in plan.notes))))
        self.set_writes(self._subject.path.name if plan.writes else "")
        self._list.show([plan_section(plan)])
        self._list.focus()
        if plan.writes:
            self.say("nothing has been written yet")
        self.refresh_bindings()

    def on_row_list_moved(self) -> None:
        """The bytes of the write under the cursor."""
        row = self._list.chosen
        self._facts.show(write_facts(self._plan, int(row.id.partition(":")[2])) if row is not None else ())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only when there is something to write."""
        return True if action != "write" or self._plan.writes else None

    def action_write(self) -> None:
        """Where it would go, then the question."""
        background.start(self, lambda: repair_place(self._subject.path), self._ask)

    def _ask(self, place: RepairPlace) -> None:
        if place.is_device:
            self.say("devices are not written to here: rescuedeck parts repair does it, after a typed word", "error")
            return

        def answer(key: str) -> None:
            if key == "y":
                self.say("writing ...")
                background.start(self, lambda: apply_repair(self._plan, place), self._done)
            else:
                self.say("nothing has been written")

        self.prompt.ask(f"Write {plural(self._plan.total, 'byte', 'bytes')} into {place.path.rpartition('/')[2]}? "
                        "An undo file is kept.", answer)  # fmt: skip

    def _done(self, done: Applied) -> None:
        self.action_back()
        self._written(done)
