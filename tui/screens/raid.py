"""An array out of its members: what belongs to it, how it was laid out, and the ways on from there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.arrays import Member, refuse_devices, save_assembly, written_sectors
from engine.cases.folder import look_around, map_beside
from engine.errors import RescueError
from engine.jobs import Job, start
from engine.jobs.raid import DETECT, EXPORT, arguments_of, load_detection
from engine.raid.description import SUFFIX
from engine.raid.layout import MAX_DRIVES
from engine.raid.model import Candidate, Detection
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.raid_view import (
    candidate_facts,
    candidate_section,
    member_facts,
    member_section,
    problem_facts,
    state_facts,
)  # fmt: skip
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.words import plural


class RaidScreen(JobScreen):
    """The answer above, members and assemblies in one list, what is under the cursor in full below."""

    TITLE = "array"
    SCOPES = ("raid", "list")
    BINDINGS = bindings("raid")
    HELP = (
        "RAID5 (and RAID4) without its controller. Add every member you have, in any order; one may be missing "
        "or stale. "
        "d looks for the parity in the contents: strip size and sequence first, then order and where the data begin, "
        "proven by what stands in the assembled array. It says how sure it is, and that it cannot tell when it cannot. "
        "v shows the evidence, o lets you say it by hand. Enter opens an assembly everywhere: partitions, "
        "files, bytes, "
        "recordings. Members are only read; a missing one is computed."
    )

    def __init__(self, members: Sequence[Member] = ()) -> None:
        super().__init__(str(members[0].path.parent) if members else "no members yet")
        self._members: list[Member] = list(members)
        self._state = Facts(label_width=8, id="raid-state")
        self._list = RowList(id="raid-list")
        self._facts = Facts(label_width=8)
        self._job: Job | None = None
        self._answer: Detection | None = None
        self._read_of: tuple[str, int] | None = None
        self._by_hand: Candidate | None = None
        self._exports: set[str] = set()

    def body(self) -> Iterable[Widget]:
        """State, list, one of it."""
        yield self._state
        yield self._list
        yield VerticalScroll(self._facts, id="raid-pane")

    def on_mount(self) -> None:
        """Follow the detections of these members."""
        self._list.focus()
        self._watch()
        self.follow_jobs(self._take_jobs)
        self._show()

    # -- members

    @property
    def jobs_dir(self) -> Path:
        """Where the jobs of this set are kept: beside its first member."""
        first = Path(os.path.abspath(self._members[0].path))
        return first.with_name(first.name + ".jobs")

    def _watch(self) -> None:
        if self._members:
            self.deck.bridge.add_folder(self.jobs_dir)
            self.deck.bridge.look_now()
            self.set_subject(f"{self._members[0].path.parent}: {plural(len(self._members), 'member', 'members')}")

    def _changed(self) -> None:
        """Another set: nothing that was found holds for it."""
        self._answer, self._read_of, self._job, self._by_hand = None, None, None, None
        self._watch()
        self._take_jobs(self.deck.jobs)
        self._show()

    def _put(self, paths: Iterable[Path]) -> int:
        have = {os.path.realpath(member.path) for member in self._members}
        added = 0
        for path in paths:
            if os.path.realpath(path) in have or len(self._members) >= MAX_DRIVES:
                continue
            have.add(os.path.realpath(path))
            sectors = self._members[0].sector_size if self._members else None
            self._members.append(Member(path, map_beside(path) if path.is_file() else None, sectors))
            added += 1
        return added

    def action_add(self) -> None:
        """Ask for one."""

        def take(text: str) -> None:
            path = written_path(text)
            if not path.exists():
                self.say(f"there is no {path}", "error")
            elif not self._put([path]):
                self.say("that one is a member already, or there are 16", "warning")
            else:
                self._changed()

        start_ = str(self._members[-1].path.parent) + "/" if self._members else ""
        self.prompt.read("member:", take, value=start_, complete=complete_path)

    def action_add_all(self) -> None:
        """All images of a folder."""

        def take(text: str) -> None:
            background.start(self, lambda: look_around(written_path(text)), self._take_folder)

        here = str(self._members[0].path.parent) if self._members else str(Path.cwd())
        self.prompt.read("all images of the folder:", take, value=here + "/", complete=complete_path)

    def _take_folder(self, folder) -> None:  # type: ignore[no-untyped-def]
        images = [find.path for find in folder.finds if find.kind == "image" and find.path.suffix != SUFFIX]
        added = self._put(images)
        self.say(
            f"{plural(added, 'image', 'images')} added" if added else "no image there that is not a member already"
        )
        if added:
            self._changed()

    def action_remove(self) -> None:
        """Take the one under the cursor out."""
        number = self._member
        if number is not None:
            del self._members[number]
            self._changed()

    def action_sectors(self) -> None:
        """Say that the members have strange sectors."""

        def take(text: str) -> None:
            chosen = written_sectors(text)
            self._members = [Member(m.path, m.map, chosen) for m in self._members]
            self._changed()

        now = self._members[0].sector_size if self._members else None
        self.prompt.read("sectors of the members (512, 520, 4160, 520@8 ...):", take, value=now or "520")

    # -- the detection

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        wanted = arguments_of(self._members)
        mine = [job for job in jobs if job.kind == DETECT and job.arguments.get("members") == wanted]
        self._job = job = max(mine, key=lambda one: (one.created, one.id), default=None)
        if job is not None and job.result is not None and self._read_of != (job.id, job.runs):
            self._read_of = (job.id, job.runs)
            background.start(self, lambda: load_detection(job.directory), self._take)
        for one in jobs:
            if one.kind == EXPORT and one.id in self._exports and not one.live:
                self._exports.discard(one.id)
                self._tell_export(one)
        self._show_state()

    def _tell_export(self, job: Job) -> None:
        if job.result is not None:
            missing = int(job.result.get("missing_bytes", 0))
            more = f"; {missing} bytes of it could not be computed" if missing else ""
            self.say(f"written: {job.result.get('written')}{more}", "warning" if missing else "info")
        elif job.error is not None:
            self.say(job.error.message, "error")

    def _take(self, answer: Detection) -> None:
        self._answer = answer
        self._show()
        if answer.candidates:
            self._list.choose("candidate:0")

    def _show_state(self) -> None:
        self._state.show(state_facts(self._answer, self._job))
        self._offer()
        self.refresh_bindings()

    def _offer(self) -> None:
        """Members, then how they stand together, then what is on the array."""
        if self.check_action("stop", ()):
            self.offer("", None)
        elif len(self._members) < 2:
            self.offer("add its members: all images of a folder", self.action_add_all)
        elif self._candidate is not None:
            self.offer("open this assembly: its partitions, files and bytes", self.action_open)
        elif self._answer is None:
            self.offer("find strip, sequence and order", self.action_detect)
        else:
            self.offer("", None)

    def _show(self) -> None:
        candidates = self._answer.candidates if self._answer is not None else ()
        self._list.show([candidate_section(candidates, self._by_hand), member_section(self._members, self._answer)])
        self._show_state()
        self.on_row_list_moved()

    @property
    def _member(self) -> int | None:
        row = self._list.chosen
        return int(row.id[7:]) if row is not None and row.id.startswith("member:") else None

    @property
    def _candidate(self) -> Candidate | None:
        row = self._list.chosen
        if row is None or not row.id.startswith("candidate:"):
            return None
        name = row.id[10:]
        if name == "hand":
            return self._by_hand
        return self._answer.candidates[int(name)] if self._answer is not None else None

    def on_row_list_moved(self) -> None:
        """Another member or assembly."""
        number, one = self._member, self._candidate
        if one is not None:
            told = problem_facts(self._answer) if self._answer is not None else []
            self._facts.show([*told, *candidate_facts(one)])
        elif number is not None and number < len(self._members):
            known = self._answer.members[number] if self._answer is not None else None
            self._facts.show(member_facts(self._members[number], known))
        else:
            self._facts.show(problem_facts(self._answer) if self._answer is not None else ())
        self._offer()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        live = self._job is not None and self._job.live
        if action == "detect":
            return True if len(self._members) >= 2 and not live else None
        if action == "stop":
            return live
        if action in ("open", "save", "export"):
            return True if self._candidate is not None else None
        if action in ("remove", "hex"):
            return True if self._member is not None else None
        if action == "heat":
            return True if self._answer is not None and self._answer.heat else None
        if action == "hand":
            return True if len(self._members) >= 2 else None
        return True

    def action_detect(self) -> None:
        """Begin the job."""
        arguments = {"members": arguments_of(self._members), "budget": None}
        title = f"array of {len(self._members)} members"
        background.start(self, lambda: start(DETECT, arguments, self.jobs_dir, title=title), self._begun)

    # -- what is done with an assembly

    def action_open(self) -> None:
        """Save it, then open it as an image; over devices it can only be saved, and read by commands and jobs."""
        try:
            refuse_devices(self._members)
        except RescueError as error:
            self.tell_error(error)
            return
        self._save_then(lambda path: self.deck.open_path(str(path)))

    def on_row_list_opened(self) -> None:
        """A double click."""
        if self._candidate is not None:
            self.action_open()

    def action_save(self) -> None:
        """Save it."""
        self._save_then(lambda path: self.say(f"saved: {path}; it opens everywhere as a source"))

    def _save_then(self, then) -> None:  # type: ignore[no-untyped-def]
        one = self._candidate
        if one is None:
            return

        def take(text: str) -> None:
            path = written_path(text if text.endswith(SUFFIX) else text + SUFFIX)
            members, note = list(self._members), f"sure {one.score:.3f}"

            def save() -> Path:
                save_assembly(path, members, one.geometry, note, force=path.exists())
                return path

            if path.exists():

                def answer(key: str) -> None:
                    if key == "y":
                        background.start(self, save, then)

                self.prompt.ask(f"{path.name} exists: replace it?", answer)
            else:
                background.start(self, save, then)

        folder = Path(os.path.abspath(self._members[0].path)).parent
        self.prompt.read(
            "description of the array:", take, value=str(folder / f"assembled{SUFFIX}"), complete=complete_path
        )

    def action_export(self) -> None:
        """Save it, ask for the image, begin the job."""

        def saved(path: Path) -> None:
            def take(text: str) -> None:
                target = written_path(text)
                arguments = {"source": str(path), "target": str(target), "force": False}
                folder = path.with_name(path.name + ".jobs")
                self.deck.bridge.add_folder(folder)
                background.start(
                    self, lambda: start(EXPORT, arguments, folder, title=f"array to {target.name}"), self._export_begun
                )

            self.prompt.read("image to write:", take, value=str(path.with_suffix(".img")), complete=complete_path)

        self._save_then(saved)

    def _export_begun(self, job: Job) -> None:
        self._exports.add(job.id)
        self.say("writing the image; it goes on when you leave (J shows it)")
        self.deck.bridge.look_now()

    def action_heat(self) -> None:
        """The evidence as a picture."""
        if self._answer is not None:
            from tui.screens.raid_heat import RaidHeatScreen

            self.app.push_screen(RaidHeatScreen(self._members, self._answer, self._candidate, self._use))

    def action_hand(self) -> None:
        """Say it by hand."""
        from tui.screens.raid_hand import RaidHandScreen

        one = self._candidate or (self._answer.best if self._answer is not None else None)
        geometry = one.geometry if one is not None else None
        self.app.push_screen(RaidHandScreen(self._members, geometry, self._use))

    def _use(self, one: Candidate) -> None:
        self._by_hand = one
        self._show()
        self._list.choose("candidate:hand")

    def action_hex(self) -> None:
        """The member's bytes, at its metadata when it has some."""
        number = self._member
        if number is None:
            return
        known = self._answer.members[number] if self._answer is not None else None
        supers = known.supers if known is not None else ()
        template = {"md-0.90": "md-superblock-0.90", "ldm": None, "ddf": "ddf-header"}
        at, name = 0, None
        if supers:
            at = supers[0].at
            name = template.get(supers[0].kind, "md-superblock-1")
        member = self._members[number]
        self.deck.open_bytes(member.path, member.map, at, name)
