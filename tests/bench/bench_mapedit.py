"""The map editor's document against ddrescuelog: open, edit, undo, redo, change everything, forecast, save.

Ours is an edit inside a running program with everything that belongs to it: the journal line on disk, the moves per
status, the history's words. The anchor is what does the same to a file without an editor: a run of ddrescuelog with
-i, -s and -a (or -n, -y) into a new file. It has no undo: the anchor there is the run that sets the range back.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.mapedit import (
    ApplyRecipe,
    ChangeTypes,
    Combine,
    Document,
    Invert,
    SetLine,
    SetStatus,
    preview_run,
    selection,
)
from engine.mapedit.edits import Edit
from engine.mapfile.parse import read_map
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from engine.tools import find_tool
from tests.bench.bench_mapfile import random_map
from tests.bench.report import Report, command


def run(report: Report) -> None:
    """All sizes."""
    tool = find_tool("ddrescuelog")
    if tool is None:
        report.skip("ddrescuelog is not installed")
        return
    for count in report.sizes(1_000, 100_000, 1_000_000):
        _size(report, tool, count)


def _size(report: Report, tool: str, count: int) -> None:
    path, other, theirs = (report.folder / f"{name}-{count}" for name in ("map", "other", "theirs"))
    write_map(path, random_map(count, 1).merged(), durable=False)
    write_map(other, random_map(count, 2).merged(), durable=False)
    report.against(f"open, {count} blocks", lambda: Document.open(path), command([tool, "-t", path]), "-t")
    document = Document.open(path)
    end = document.map.end
    start = end // 2 // 512 * 512
    size = min(64 << 20, end - start)
    # a step below all others: going back to the very beginning would find the original again and cost nothing
    document.apply(SetLine(512, "?", 1))
    local = SetStatus(RangeSet.of(start, start + size), "?")
    before, journal = document.nbytes, path.with_name(f".{path.name}.edits")
    written = journal.stat().st_size
    document.apply(local, allow_loss=True)
    report.value(f"memory of a 64 MiB edit's undo, {count} blocks", document.nbytes - before, "B")
    report.value(f"its journal line, {count} blocks", journal.stat().st_size - written, "B")
    document.undo()
    for name, edit, words in (
        ("edit of 64 MiB", local, [f"-i{start}", f"-s{size}", "-a+*/-,????"]),
        ("change types", ChangeTypes("*/", "?"), ["-a*/,?"]), ("invert", Invert(), ["-n"]),
        ("and", Combine.with_map("and", read_map(other)), ["-y", other]),
        ("all - of half the disk", SetStatus(selection.by_status(document.map, "-", RangeSet.of(0, start)), "?"),
         [f"-s{start}", "-a-,?"]), ("keep-finished", ApplyRecipe("keep-finished"), ["-a*/-,?"]),
    ):  # fmt: skip
        anchor = command([tool, *words, path], theirs)
        option = " ".join(str(word) for word in words if word is not other)
        report.against(f"{name}, {count} blocks", _done(document, edit), anchor, option)
        report.against(f"  undo and redo of it, {count} blocks", _there_and_back(document), anchor, option)
        document.undo()
    report.time(f"forecast of the next run, {count} blocks", lambda: preview_run(document.map))
    report.time(f"save with generation, durable, {count} blocks", _saved(document, local))


def _done(document: Document, edit: Edit) -> Callable[[], None]:
    """The edit, always as the second step: the one before it is taken back first, at the cost of an undo."""

    def work() -> None:
        if len([entry for entry in document.history if entry.done]) > 1:
            document.undo()
        document.apply(edit, allow_loss=True)

    return work


def _there_and_back(document: Document) -> Callable[[], None]:
    def work() -> None:
        document.undo()
        document.redo()

    return work


def _saved(document: Document, edit: Edit) -> Callable[[], None]:
    def work() -> None:
        if document.redo_title:
            document.redo()
        elif len(document.history) > 1:
            document.undo()
        else:
            document.apply(edit, allow_loss=True)
        document.save(allow_loss=True)

    return work
