"""Extraction of recordings: what and how, then the job with its figures, and what was written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.errors import DamagedError, outside
from engine.jobs import Job, start
from engine.jobs.eta import remaining_text
from engine.recordings.extracting import Order
from engine.recordings.job import EXTRACT
from engine.recordings.look import Place
from engine.recordings.pictures import can_picture
from engine.text import format_exact, format_rate, format_size
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import percent, plural

_OPTIONS = (Column("", 28, least=16), Column("", 100, flex=True, path=True))
_FILES = (
    Column("", 1, least=1),
    Column("written", 100, flex=True, least=20, path=True),
    Column("size", 10, right=True),
    Column("never read", 10, right=True),
)
_MAX = 64 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """What shall leave: an order, how many titles (or files) and bytes that are, and how the disk was understood.
    ``scan``: the folder of a clock scan whose recordings are meant."""

    order: Order
    count: int
    size: int
    way: int = 0
    deep: bool = False
    scan: Path | None = None


class RecordingsExtractScreen(JobScreen):
    """State above; options, or what was written, below."""

    TITLE = "extract"
    SCOPES = ("takings", "list")
    BINDINGS = bindings("takings")
    HELP = (
        "Recordings leave as files: exact bytes by default, named .part until they are complete, each with its SHA-256 "
        "and a .rescue.json that says where it stood and which of its bytes nobody has read (.holed in its name). The "
        "work is a job: it goes on when you leave, and after a stop or a crash where it was. With ffmpeg parts can be "
        "put together without coding anew."
    )

    def __init__(self, place: Place, request: Request, job: str | None = None) -> None:
        """``job``: the id of an extraction to watch."""
        super().__init__(str(place.path))
        self._place, self._request = place, request
        self._order = request.order
        self._target = place.exports_dir / "recordings"
        self._state = Facts(label_width=9, id="taking-state")
        self._list = RowList(id="takings")
        self._facts = Facts(label_width=9)
        self._job: Job | None = None
        self._mine = job
        self._written: dict[str, Any] | None = None
        self._read_of: tuple[str, int] | None = None

    def body(self) -> Iterable[Widget]:
        """State, options or files, one line in full."""
        yield self._state
        yield self._list
        yield VerticalScroll(self._facts, id="taking-pane")

    def on_mount(self) -> None:
        """Follow the extractions of this disk; one that is alive or can go on is taken up."""
        self._list.focus()
        self.deck.bridge.add_folder(self._place.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.deck.bridge.look_now()
        self._show()

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        where = os.path.abspath(self._place.path)
        mine = [job for job in jobs if job.kind == EXTRACT and job.arguments.get("source") == where]
        newest = max(mine, key=lambda job: (job.created, job.id), default=None)
        if self._mine is not None:
            newest = next((job for job in mine if job.id == self._mine), None)
        elif newest is not None and not (newest.live or newest.resumable):
            newest = None
        self._job = newest
        if newest is not None and newest.result is not None and self._read_of != (newest.id, newest.runs):
            self._read_of = (newest.id, newest.runs)
            background.start(self, lambda: _load(newest.directory / "written.json"), self._take_written)
        self._show()

    def _take_written(self, written: dict[str, Any]) -> None:
        self._written = written
        self._show()

    def _show(self) -> None:
        if self._job is None:
            self._state.show(request_facts(self._request, self._order))
            self._list.show([Section("", _OPTIONS, tuple(option_rows(self._order, self._target)))])
        else:
            self._state.show(job_facts(self._job))
            self._list.show([written_section(self._written)] if self._written is not None else [])
        self.on_row_list_moved()

    def on_row_list_moved(self) -> None:
        """The line in full."""
        row = self._list.chosen
        if row is None:
            self._facts.show([])
        elif self._job is None:
            place: list[Fact] = [("folder", str(self._target))] if row.id == "target" else []
            self._facts.show([*place, ("", _EXPLAIN.get(row.id, ""))])
        elif self._written is not None:
            self._facts.show(written_facts(self._written, row.id))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Options before it runs, stop and go on afterwards."""
        job = self._job
        if action in ("start", "change"):
            return job is None
        if action == "stop":
            return job is not None and job.live
        if action == "resume":
            return job is not None and not job.live and job.resumable
        if action == "anew":
            return job is not None and not job.live
        return True

    # --- options

    def on_row_list_opened(self) -> None:
        """A double click."""
        if self._job is None:
            self.action_change()

    def action_change(self) -> None:
        """The option under the cursor."""
        row = self._list.chosen
        if row is None:
            return
        order = self._order
        if row.id == "target":
            self.prompt.read("write to: ", self._take_target, value=str(self._target), complete=complete_path)
        elif row.id == "container":
            following = {None: "mkv", "mkv": "mpg", "mpg": None}
            container: Any = following[order.container]
            if container is not None and not can_picture():
                self.say("ffmpeg is not installed: apt install ffmpeg", "warning")
                return
            self._order = replace(order, container=container, aspect=order.aspect if container else "")
        elif row.id == "aspect":
            if order.container is None:
                self.say("the shape can only be changed when parts are put together", "warning")
                return
            self._order = replace(order, aspect={"": "4:3", "4:3": "16:9", "16:9": ""}[order.aspect])
        else:
            self._order = _turned(order, row.id)
        self._show()

    def _take_target(self, text: str) -> None:
        self._target = written_path(text)
        self._show()

    # --- the job

    def action_start(self) -> None:
        """Begin."""
        request = self._request
        arguments = {
            **self._place.arguments(), **self._order.arguments(), "target": str(self._target),
            "variant": request.way, "deep": request.deep,
            "scan": None if request.scan is None else str(request.scan),
        }  # fmt: skip
        title = f"{self._place.path.name}: {plural(request.count, 'recording', 'recordings')}"
        self.say("starting ...")
        background.start(self, lambda: start(EXTRACT, arguments, self._place.jobs_dir, title=title), self._begun)

    def _begun(self, job: Job) -> None:
        self._mine, self._written = job.id, None
        super()._begun(job)

    def action_anew(self) -> None:
        """Options again."""
        self._mine, self._job, self._written = "", None, None
        self._show()


def _turned(order: Order, name: str) -> Order:
    if name == "parts":
        return replace(order, parts=not order.parts)
    if name == "fill":
        return replace(order, fill=not order.fill)
    if name == "keep":
        return replace(order, keep=not order.keep)
    return replace(order, pictures=not order.pictures) if name == "pictures" else order


def _load(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            value = json.loads(stream.read(_MAX))
    except OSError as error:
        raise outside(error, "cannot read what was written", path) from error
    except ValueError as error:
        raise DamagedError("the list of what was written is damaged", path=path) from error
    if not isinstance(value, dict):
        raise DamagedError("the list of what was written is damaged", path=path)
    return value


_EXPLAIN = {
    "target": "The folder to write to, on another disk than the one that is read. Files there are never replaced.",
    "container": "Exact bytes keep their check sums. mkv or mpg: ffmpeg puts the parts of each title together without "
    "coding anew, with clocks that go on, chapters and the title's name.",
    "aspect": "Writes another picture shape into the stream (camcorders that say 4:3 for 16:9).",
    "parts": "A file for every part (as the recorder kept them), or one file for each title.",
    "fill": "What nobody has read becomes padding packs, so that players go on; told by .filled in the name. "
    "Otherwise it stays a sparse gap, told by .holed.",
    "keep": "The exact bytes stay beside what was put together.",
    "pictures": "The first frame of each title as PNG beside it (needs ffmpeg).",
}


def option_rows(order: Order, target: Path) -> list[Row]:
    """What can be chosen."""
    def yes(value: bool) -> str:
        return "yes" if value else "no"

    rows = [Row("target", ("write to", str(target)))]
    if order.files:
        return rows
    made = {None: "exact bytes", "mkv": "put together as .mkv", "mpg": "put together as .mpg"}[order.container]
    rows.append(Row("container", ("what is written", made)))
    if order.container is None:
        rows.append(Row("parts", ("a file for each part", yes(order.parts))))
    else:
        rows.append(Row("aspect", ("picture shape", order.aspect or "as it is")))
        rows.append(Row("keep", ("keep the exact bytes too", yes(order.keep))))
    rows.append(Row("fill", ("fill gaps with padding", yes(order.fill))))
    rows.append(Row("pictures", ("picture beside each title", yes(order.pictures))))
    return rows


def request_facts(request: Request, order: Order) -> list[Fact]:
    """What shall leave."""
    what = plural(request.count, "file of the recorder", "files of the recorder") if order.files else plural(
        request.count, "title", "titles"
    )  # fmt: skip
    twice = "; twice that for a while" if order.container is not None else ""
    return [("extract", Cell(f"{what}, {format_exact(request.size)}{twice}", "row--strong")), ("", "s starts it")]


def job_facts(job: Job) -> list[Fact]:
    """How far it is: all of it, and the title at hand."""
    done = job.progress
    words = f"{percent(done.done, done.total)}  {format_size(done.done)} of {format_size(done.total or 0)}"
    facts: list[Fact] = []
    if job.live:
        facts.append((str(job.state), Cell(f"{words} at {format_rate(done.rate)}", "row--strong")))
        facts.append(("left", remaining_text(job)))
    elif job.error is not None:
        facts.append(("failed", Cell(job.error.message, "row--danger")))
        facts.append(("", words + ("; u goes on" if job.resumable else "")))
    elif job.result is None:
        facts.append((str(job.state), Cell(words + ("; u goes on" if job.resumable else ""), "row--warning")))
    else:
        facts.append(("done", _result(job.result)))
    item = job.facts.get("item")
    if isinstance(item, dict) and job.result is None:
        number, items = item.get("number"), item.get("items")
        share = percent(int(item.get("done") or 0), int(item.get("size") or 0))
        facts.append(("title", f"{number} of {items}: {item.get('name')}  {share}"))
    if job.live and job.message:
        facts.append(("now", job.message))
    facts.append(("to", str(job.arguments.get("target"))))
    return facts


def _result(result: Mapping[str, Any]) -> Cell:
    files, missing = int(result.get("written", 0)), int(result.get("missing_bytes", 0))
    words = f"{plural(files, 'file', 'files')}, {format_exact(int(result.get('bytes', 0)))}"
    if missing:
        words += f"; {format_exact(missing)} of them were never read"
    problems = int(result.get("problems", 0))
    if problems:
        words += f"; {plural(problems, 'problem', 'problems')}"
    return Cell(words, "row--warning" if missing or problems else "row--good")


def written_section(written: dict[str, Any]) -> Section:
    """The files."""
    rows = []
    for number, one in enumerate(written.get("written", ())):
        missing = int(one.get("missing_bytes", 0))
        mark = Cell("!", "row--danger") if missing else Cell("+", "row--good")
        lost: str | Cell = Cell(format_size(missing), "row--danger") if missing else "-"
        name = os.path.basename(str(one.get("path")))
        rows.append(Row(f"file:{number}", (mark, name, format_size(int(one.get("size", 0))), lost)))
    for number, one in enumerate(written.get("problems", ())):
        rows.append(Row(f"problem:{number}", (Cell("!", "row--danger"), str(one.get("message")), "", "")))
    return Section("", _FILES, tuple(rows), "nothing was written")


def written_facts(written: dict[str, Any], row: str) -> list[Fact]:
    """One file in full."""
    kind, _, number = row.partition(":")
    if kind == "problem":
        return [("problem", Cell(str(written["problems"][int(number)].get("message")), "row--danger"))]
    one = written["written"][int(number)]
    facts: list[Fact] = [("file", str(one.get("path"))), ("sha256", str(one.get("sha256")))]
    if one.get("missing_bytes"):
        words = f"{format_exact(int(one['missing_bytes']))}: they are in its .rescue.json"
        facts.append(("unread", Cell(words, "row--danger")))
    if one.get("thumbnail"):
        facts.append(("picture", str(one["thumbnail"])))
    return facts
