"""Writes before they are made: where, the old bytes, the new bytes, why; and the question before they are."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from engine.cases.partitions import place_for, write_plan
from engine.cases.repairing import RepairPlace, device_word
from engine.cases.subject import Subject
from engine.edits import Applied, WritePlan
from engine.jobs import Job, start
from engine.jobs.repair_copy import KIND
from engine.text import format_exact, safe_text
from tui import background
from tui.dialogs.confirm import ConfirmDialog
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.partition_view import plan_section, write_facts
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.words import percent, plural


class PartitionPlanScreen(DeckScreen):
    """``written`` is called after the plan was written and read back."""

    TITLE = "what would be written"
    SCOPES = ("plan", "list")
    BINDINGS = bindings("plan")
    HELP = (
        "A repair before it is made: every run of bytes that changes, with the old and the new bytes and the reason, "
        "in the order of writing. Nothing has been written. w asks, saves the old bytes in an undo file, writes, and "
        "reads everything back; for a device the end of its serial number has to be typed, and the running system's "
        "disk is refused. c copies the image first and writes into the copy. v shows the partitions as they would be."
    )

    def __init__(self, subject: Subject, plan: WritePlan, written: Callable[[Applied], None]) -> None:
        super().__init__(str(subject.path))
        self._subject, self._plan, self._written = subject, plan, written
        self._words = Static("", markup=False, id="plan-words")
        self._list = RowList(id="plan-writes")
        self._facts = Facts(label_width=12)
        self._job = ""

    def body(self) -> Iterable[Widget]:
        """What it is about, the writes, the bytes of one."""
        yield self._words
        yield self._list
        yield VerticalScroll(self._facts, id="plan-pane")

    def on_mount(self) -> None:
        """Show it."""
        plan = self._plan
        told = f"{plan.title}: {plural(len(plan.writes), 'write', 'writes')}, {plural(plan.total, 'byte', 'bytes')}"
        lines = textwrap.wrap(safe_text(told), self.app.size.width - 2, initial_indent=" ", subsequent_indent=" ")
        for note in plan.notes:
            lines += textwrap.wrap(f"- {safe_text(note)}", self.app.size.width - 2, initial_indent=" ",
                                   subsequent_indent="   ")  # fmt: skip
        self._words.update("\n".join(lines))
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
        """Only when there is something to write; a device is not copied here: imaging does that."""
        if action == "copy" and self._subject.is_device:
            return None
        return True if action not in ("write", "copy", "preview") or self._plan.writes else None

    def action_preview(self) -> None:
        """The tree as it would be."""
        from tui.screens.partition_preview import PartitionPreviewScreen

        self.app.push_screen(PartitionPreviewScreen(self._subject, self._plan))

    # --- into it

    def action_write(self) -> None:
        """Where it would go, then the question."""
        background.start(self, self._look_where, self._ask)

    def _look_where(self) -> tuple[RepairPlace, str, dict[str, Any]]:
        place = place_for(self._subject)
        word, facts = device_word(place.path) if place.is_device else ("", {})
        return place, word, facts

    def _ask(self, found: tuple[RepairPlace, str, dict[str, Any]]) -> None:
        place, word, facts = found
        if place.is_device:
            self._ask_device(place, word, facts)
            return

        def answer(key: str) -> None:
            if key == "y":
                self._write(place, None)
            else:
                self.say("nothing has been written")

        self.prompt.ask(f"Write {plural(self._plan.total, 'byte', 'bytes')} into {place.path.rpartition('/')[2]}? "
                        "An undo file is kept.", answer)  # fmt: skip

    def _ask_device(self, place: RepairPlace, word: str, facts: dict[str, Any]) -> None:
        shown: list[Fact] = [
            ("device", f"{place.path}, {format_exact(place.size)}"),
            ("model", str(facts.get("model") or "not known")),
            ("serial", str(facts.get("serial") or "none")),
            ("repair", f"{self._plan.title}: {plural(self._plan.total, 'byte', 'bytes')}"),
        ]
        shown += [
            (f"0x{one.offset:x}", f"{one.old[:8].hex(' ')} -> {one.new[:8].hex(' ')}  {one.reason}")
            for one in self._plan.writes[:6]
        ]
        shown += [("", f"and {len(self._plan.writes) - 6} more")] if len(self._plan.writes) > 6 else []
        shown += [("undo file", f"in {place.undo_dir}")]

        def answer(good: bool | None) -> None:
            if good:
                self._write(place, word)
            else:
                self.say("nothing has been written; the device stays read-only")

        self.app.push_screen(ConfirmDialog("Lift the read-only mode of this device, for this one repair?", shown, word),
                             answer)  # fmt: skip

    def _write(self, place: RepairPlace, typed: str | None) -> None:
        self.say("writing ...")
        background.start(self, lambda: write_plan(self._subject, self._plan, place, typed), self._done)

    def _done(self, done: Applied) -> None:
        self.action_back()
        self._written(done)

    # --- into a copy

    def action_copy(self) -> None:
        """Ask for a name."""
        image = self._subject.path
        value = str(image.with_name(f"{image.stem}.repaired{image.suffix or '.img'}"))
        self.prompt.read("copy the image to:", self._copy_to, value=value, complete=complete_path)

    def _copy_to(self, text: str) -> None:
        out, subject = written_path(text), self._subject
        if os.path.lexists(out):
            self.say(f"{out} exists already: name a new file", "error")
            return
        arguments = {
            "source": os.path.abspath(subject.path), "out": str(out), "plan": self._plan.to_json(),
            "size": self._plan.size, "map": None if subject.map is None else os.path.abspath(subject.map),
        }  # fmt: skip
        self.say("starting ...")
        background.start(
            self, lambda: start(KIND, arguments, subject.jobs_dir, title=f"{subject.path.name} to {out.name}"),
            self._copying,
        )  # fmt: skip

    def _copying(self, job: Job) -> None:
        self._job = job.id
        self.deck.bridge.add_folder(self._subject.jobs_dir)
        self.follow_jobs(self._jobs)
        self.deck.bridge.look_now()

    def _jobs(self, jobs: tuple[Job, ...]) -> None:
        job = next((one for one in jobs if one.id == self._job), None)
        if job is None:
            return
        if job.live:
            self.say(f"copying: {percent(job.progress.done, job.progress.total or 1)}; it goes on when you leave")
        elif job.result is not None:
            self.say(f"this image is as it was; the repaired copy is {job.result.get('out')}")
        else:
            self.say(f"the copy was not made: {job.error or job.state}", "error")
