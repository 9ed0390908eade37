"""Strange sectors of an image: what size they have, what stands beside the data, guards, and the way to plain ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from textual.widget import Widget

from engine.cases.arrays import Member, refuse_devices, save_sectors_view, written_sectors
from engine.cases.subject import Subject
from engine.jobs import Job, start
from engine.jobs.sectors import CONVERT, DETECT
from engine.sectors.model import TRAILERS
from engine.text import format_exact, format_size
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section

_SIZES = (Column("sector", 8, right=True), Column("score", 10, right=True), Column("on its grid", 12, right=True))
_BAD = (Column("bad guard at", 18, right=True), Column("bytes", 8, right=True), Column("", 40, flex=True, least=10))


class SectorsScreen(JobScreen):
    """The finding above, sizes that were tried and bad guards below."""

    TITLE = "sectors"
    SCOPES = ("sectors", "list")
    BINDINGS = bindings("sectors")
    HELP = (
        "Disks from storage arrays carry extra bytes beside each sector's data: 520, 524, 528, 4160, 4224. In a plain "
        "view everything is shifted and no file system is found. Here the size is found by structures that must "
        "begin a "
        "sector, and what stands beside the data is recognised; protection information has a guard for each sector: v "
        "checks them all. c writes the data as a plain image and keeps the rest beside it. Nothing is ever formatted: "
        "making such a disk 512 destroys what is on it."
    )

    def __init__(self, subject: Subject) -> None:
        super().__init__(str(subject.path))
        self._subject = subject
        self._state = Facts(label_width=9, id="sectors-state")
        self._list = RowList(id="sectors-list")
        self._job: Job | None = None
        self._found: Mapping[str, Any] | None = None
        self._asked = False
        self._told: set[str] = set()

    def body(self) -> Iterable[Widget]:
        """Finding and lists."""
        yield self._state
        yield self._list

    def on_mount(self) -> None:
        """Follow the jobs on this image; look, when nobody has yet."""
        self._list.focus()
        self.deck.bridge.add_folder(self._subject.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.deck.bridge.look_now()
        self.set_timer(0.6, self._look_once)

    def _look_once(self) -> None:
        if self._job is None and not self._asked:
            self.action_detect()

    @property
    def _where(self) -> str:
        return os.path.abspath(self._subject.path)

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        mine = [job for job in jobs if job.kind in (DETECT, CONVERT) and job.arguments.get("source") == self._where]
        self._job = max(mine, key=lambda job: (job.created, job.id), default=None)
        looks = [job for job in mine if job.kind == DETECT and job.result is not None]
        best = max(looks, key=lambda job: ("bad_guards" in (job.result or {}), job.created), default=None)
        if best is not None and best.result is not None and best.result != self._found:
            self._found = best.result
            self._show()
        for job in mine:
            if job.kind == CONVERT and not job.live and self._asked and job.id not in self._told:
                self._told.add(job.id)
                if job.result is not None:
                    self.say(
                        f"written: {job.result.get('written')}; the rest of each sector: {job.result.get('beside')}"
                    )
                elif job.error is not None:
                    self.say(job.error.message, "error")
        self._show_state()

    def _show_state(self) -> None:
        self._state.show(_facts(self._found, self._job))
        self.refresh_bindings()

    def _show(self) -> None:
        found = self._found or {}
        sections = []
        if "bad_guards" in found:
            rows = [Row(f"bad:{n}", (str(one["start"]), str(one["size"]), Cell("guard does not fit", "row--danger")))
                    for n, one in enumerate(found["bad_guards"])]  # fmt: skip
            rows += [Row(f"away:{n}", (str(one["start"]), str(one["size"]), Cell("belongs elsewhere", "row--warning")))
                     for n, one in enumerate(found["misplaced"])]  # fmt: skip
            sections.append(Section("", _BAD, tuple(rows), "every guard fits"))
        rows = [
            Row(
                f"size:{one['sector_size']}",
                (str(one["sector_size"]), f"{max(0.0, one['score']):.0f}", f"{one['share']:.0%}"),
            )
            for one in found.get("sizes", ())
        ]
        sections.append(Section("", _SIZES, tuple(rows), "no structure was found to judge by"))
        self._list.show(sections)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One job at a time; guards only where there are some."""
        live = self._job is not None and self._job.live
        found = self._found
        if action == "detect":
            return None if live else True
        if action == "stop":
            return live
        if action == "guards":
            return True if found is not None and found.get("protection") and not live else None
        if action in ("convert", "open"):
            return True if found is not None and not live else None
        return True

    def _start(self, kind: str, **arguments: Any) -> None:
        self._asked = True
        map_ = None if self._subject.map is None else os.path.abspath(self._subject.map)
        whole = {"source": self._where, "map": map_, **arguments}
        background.start(
            self, lambda: start(kind, whole, self._subject.jobs_dir, title=self._subject.path.name), self._begun
        )

    def _begun(self, job: Job) -> None:
        self.deck.bridge.look_now()

    def action_detect(self) -> None:
        """Look."""
        self._start(DETECT, guards=False)

    def action_guards(self) -> None:
        """Check all."""
        self.say("checking every guard; it goes on when you leave")
        self._start(DETECT, guards=True)

    def action_convert(self) -> None:
        """Ask how and where."""
        found = self._found or {}
        sure = bool(found.get("convert"))

        def take_format(text: str) -> None:
            def take(path: str) -> None:
                self._start(CONVERT, target=str(written_path(path)), format=text.strip() or None, force=False)

            name = self._subject.path.with_suffix(".plain.img")
            self.prompt.read("plain image to write:", take, value=str(name), complete=complete_path)

        if sure:
            take_format(str(found["format"]))
        else:
            self.prompt.read("not sure enough; sectors by hand (520, 520@8, 4160):", take_format,
                             value=str(found.get("format") or "520"))  # fmt: skip

    def action_open(self) -> None:
        """Save a description that reads them through, and open it."""
        found = self._found or {}

        def take_format(text: str) -> None:
            format = written_sectors(text)
            if format is None:
                self.say("these are plain sectors: open the image itself", "warning")
                return
            path = self._subject.path.with_name(self._subject.path.name + ".sectors")
            image, map_ = Path(self._where), self._subject.map

            def save() -> Path:
                refuse_devices([Member(image)])
                save_sectors_view(path, image, map_, format, force=True)
                return path

            background.start(self, save, lambda saved: self.deck.open_path(str(saved)))

        if found.get("convert"):
            take_format(str(found["format"]))
        else:
            self.prompt.read("not sure enough; sectors by hand (520, 520@8, 4160):", take_format,
                             value=str(found.get("format") or "520"))  # fmt: skip

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_open()

    def action_array(self) -> None:
        """As a member of an array."""
        from tui.screens.raid import RaidScreen

        found = self._found or {}
        format = str(found["format"]) if found.get("convert") else None
        self.app.push_screen(RaidScreen([Member(Path(self._where), self._subject.map, format)]))


def _facts(found: Mapping[str, Any] | None, job: Job | None) -> list[Fact]:
    facts: list[Fact] = []
    if job is not None and job.live:
        total = f" of {format_size(job.progress.total)}" if job.progress.total and job.progress.unit == "B" else ""
        done = format_size(job.progress.done) + total if job.progress.unit == "B" else ""
        facts.append(("running", f"{job.message or 'looking'}  {done}"))
    elif job is not None and job.error is not None:
        facts.append(("failed", Cell(job.error.message, "row--danger")))
    if found is None:
        return facts or [("", "not looked at yet")]
    size = found["sector_size"]
    if size is None:
        facts.append(("sectors", Cell("CANNOT BE TOLD", "row--warning")))
    else:
        before = f", data from byte {found['data_offset']}" if found["data_offset"] else ""
        cut = f"; the first whole one begins at byte {found['head']}" if found["head"] else ""
        style = "row--good" if found["confidence"] >= 0.9 else "row--warning"
        facts.append(("sectors", Cell(f"{size} bytes, {found['data_size']} of them data{before}{cut}", style)))
    facts.append(("beside", TRAILERS.get(str(found["trailer"]), "")))
    facts.append(("sure", f"{found['confidence']:.0%}"))
    if "bad_guards" in found:
        bad = int(found["bad_guard_bytes"])
        facts.append(("guards", Cell(f"{found['guards_checked']} checked; {format_exact(bad)} of data do not fit",
                                     "row--danger" if bad else "row--good")))  # fmt: skip
    facts += [("why" if n == 0 else "", str(words)) for n, words in enumerate(found["evidence"])]
    return facts
