"""A case at one moment, and what can be done with it next: pure functions from the engine's values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.cases import Action, Case, Generation, list_generations, load_case, read_history
from engine.cases.next_steps import State, Step, next_steps
from engine.cases.state import state_of
from engine.devices import Identity
from engine.errors import RescueError
from engine.jobs import Job
from engine.report.steps import sentence
from engine.text import format_size
from themes.palettes import MARKS
from tui import next_words
from tui.listing import job_row, jobs_order, unfinished
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import local_time, percent, size

HISTORY = 200
STEP, GENERATION, ACTION = "step:", "generation:", "action:"


@dataclass(frozen=True, slots=True)
class MapTotals:
    """Bytes and areas per status in the order of ``MARKS``; ``domain`` is None when the map does not know its end."""

    bytes: tuple[int, ...]
    areas: tuple[int, ...]
    domain: int | None

    @property
    def finished(self) -> int:
        """Rescued bytes."""
        return self.bytes[0]

    @property
    def whole(self) -> bool:
        """Every byte of the domain was read."""
        return self.domain is not None and self.finished >= self.domain > 0


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything that the case screen shows. ``image_size`` and ``image_used`` are None while there is no image."""

    case: Case
    image_size: int | None
    image_used: int | None
    totals: MapTotals | None
    map_problem: str | None
    generations: tuple[Generation, ...]
    history: tuple[Action, ...]
    state: State


def read_totals(path: Path) -> MapTotals:
    """The totals of a mapfile. Raises ``RescueError``."""
    from engine.mapfile import read_map

    loaded = read_map(path)
    totals = loaded.totals()
    domain = None if loaded.open_ended else totals.finished + totals.unfinished
    return MapTotals(totals.bytes, totals.areas, domain)


def view_case(directory: Path) -> CaseView:
    """Read a case. Raises ``RescueError`` when it is none; a damaged map is told in ``map_problem``."""
    case = load_case(directory)
    totals: MapTotals | None = None
    problem: str | None = None
    if os.path.lexists(case.map):
        try:
            totals = read_totals(case.map)
        except RescueError as error:
            problem = str(error)
    try:
        image = os.stat(case.image)
    except OSError:
        image = None
    return CaseView(
        case=case,
        image_size=None if image is None else image.st_size,
        image_used=None if image is None else image.st_blocks * 512,
        totals=totals,
        map_problem=problem,
        generations=tuple(list_generations(case)),
        history=tuple(read_history(case, last=HISTORY)),
        state=state_of(directory),
    )


def totals_cells(totals: MapTotals) -> tuple[Cell, ...]:
    """``87.2 %`` and the amount of each status that is there, with its letter."""
    share = Cell(f"{percent(totals.finished, totals.domain)} rescued", "row--strong")
    amounts = [
        Cell(f"{mark.letter} {format_size(amount)}", f"status--{mark.name}")
        for mark, amount in zip(MARKS, totals.bytes, strict=True)
        if amount
    ]
    return (share, *amounts)


def case_facts(view: CaseView) -> list[Fact]:
    """Source, image and map of a case."""
    case = view.case
    facts: list[Fact] = [("case", Cell(f"{case.title}   since {local_time(case.created)}", "row--strong"))]
    if case.source_path is None:
        facts.append(("source", Cell("none chosen yet", "row--warning")))
    else:
        known = _identity(case).words if case.identity else size(case.source_size)
        facts.append(("source", f"{known}, last seen as {case.source_path}"))
    if view.image_size is None:
        facts.append(("image", Cell(f"{case.image.name}: not begun", "row--soft")))
    else:
        facts.append(("image", f"{_shown(case, case.image)}  {size(view.image_size)}, {size(view.image_used)} on disk"))
    if view.totals is not None:
        facts.append(("map", totals_cells(view.totals)))
    elif view.map_problem:
        facts.append(("map", Cell(view.map_problem, "row--danger")))
    else:
        facts.append(("map", Cell("none: nothing has been read yet", "row--soft")))
    return facts


def _identity(case: Case) -> Identity:
    identity = Identity.from_facts(case.identity)
    return identity if identity.size_bytes else replace(identity, size_bytes=case.source_size or 0)


def _shown(case: Case, path: Path) -> str:
    return path.name if path.parent == case.directory else str(path)


def steps_now(view: CaseView, jobs: Sequence[Job]) -> tuple[Step, ...]:
    """What comes next, with the jobs as they are now."""
    rescues = [job for job in jobs if job.kind == "rescue"]
    live = any(job.live for job in rescues)
    resting = not live and (view.state.resting or any(unfinished(job) and job.resumable for job in rescues))
    return next_steps(replace(view.state, running=live, resting=resting))


def next_rows(view: CaseView, jobs: Sequence[Job]) -> list[Row]:
    """What can be done now, the natural thing first. Ids are ``step:NUMBER``, ``step:map``, ``step:edit``."""
    rows = [
        (str(number), next_words.step_words(step), step.reason)
        for number, step in enumerate(steps_now(view, jobs))
    ]  # fmt: skip
    totals = view.totals
    if totals is not None:
        words = "everything was read" if totals.whole else "see what is missing, and where"
        rows.append(("map", "look at the map", words))
        live = any(job.live for job in jobs)
        note = "it follows the rescue and edits nothing" if live else "mark, try again, recipes, kept maps"
        rows.append(("edit", "edit the map by hand", note))
    return [Row(STEP + name, (text, Cell(note, "row--soft"))) for name, text, note in rows]


def inside_rows() -> list[Row]:
    """What can be looked for in an image, with the key that opens it from anywhere on the screen."""
    rows = (
        ("files", "files", "F", "which are hit, what to read first, extraction"),
        ("partitions", "partitions", "t", "tables, lost volumes, repairs with a way back"),
        ("recordings", "recordings", "V", "titles of a recorder's disk, or by their clock"),
        ("carve", "files by signature", "C", "where no directory names them"),
        ("hex", "bytes", "x", "structures, search, values at the cursor"),
        ("report", "report", "P", "a page for the customer and the next technician"),
    )
    return [Row(STEP + name, (f"{text}  ({key})", Cell(note, "row--soft"))) for name, text, key, note in rows]


def case_sections(view: CaseView, jobs: Sequence[Job]) -> list[Section]:
    """Next steps, jobs, generations and history as lists."""
    wide = Column("", 60, flex=True, least=16)
    sections = [Section("NEXT", (Column("", 34), wide), tuple(next_rows(view, jobs)))]
    if jobs:
        columns = (wide, Column("", 9), Column("", 8, right=True), wide)
        sections.append(Section("JOBS", columns, tuple(job_row(job) for job in jobs_order(jobs))))
    if view.image_size is not None:
        sections.append(Section("INSIDE", (Column("", 34), wide), tuple(inside_rows())))
    sections.append(
        Section(
            "KEPT MAPS",
            (Column("", 12), Column("", 16), wide),
            tuple(_generation(entry) for entry in reversed(view.generations)),
            "none yet: one is kept before each pass and each edit",
        )
    )
    sections.append(
        Section(
            "HISTORY",
            (Column("", 16), wide),
            tuple(_action(number, entry) for number, entry in reversed(list(enumerate(view.history)))),
            "nothing has been done yet",
        )
    )
    return sections


def _generation(entry: Generation) -> Row:
    return Row(f"{GENERATION}{entry.number}", (f"number {entry.number}", local_time(entry.time), entry.note))


def _action(number: int, entry: Action) -> Row:
    return Row(f"{ACTION}{number}", (local_time(entry.time), sentence(entry).what))
