"""The partitions of an image, a case or a device for a screen: looked at, opened, mended; images are searched too.

Every call opens the source read-only and closes it again, so that nothing holds it while a person thinks. Devices are
read and written in a process of their own (``aside``), never in the one that draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases.aside import aside
from engine.cases.opening import open_source
from engine.cases.repairing import RepairPlace, apply_repair, repair_place, undo_repair
from engine.cases.subject import Subject
from engine.edits import Applied, Journal, Undone, read_journal
from engine.errors import DamagedError, RefusedError, outside

if TYPE_CHECKING:
    from engine.edits import WritePlan
    from engine.partitions.model import Finding, Node, Place, Tree
    from engine.partitions.search import SearchResult, TablePlan
    from engine.source import Source
    from engine.source.base import Reading
    from engine.template import Field

_UNDO = ".undo"


@dataclass(frozen=True, slots=True)
class Looked:
    """The tree with its findings; ``mapped`` tells whether a map says what was read, ``unread`` how many bytes of the
    source nobody has read (by that map)."""

    tree: Tree
    mapped: bool
    unread: int


@contextmanager
def _opened(subject: Subject) -> Iterator[Source]:
    with open_source(subject.path, map=subject.map) as source:
        yield source


def _call(subject: Subject, name: str, *arguments: Any) -> Any:
    """A function below, here for an image or a case, in a process of its own for a device."""
    if subject.is_device:
        return aside(name, subject, *arguments)
    return _HERE[name](subject, *arguments)


def look_at(subject: Subject) -> Looked:
    """Every table, volume and finding. Raises ``RescueError``."""
    found: Looked = _call(subject, "look")
    return found


def look_here(subject: Subject) -> Looked:
    """``look_at`` in this process. Of a device only tables and boot sectors are read, not the FATs."""
    from engine.partitions.checks import examine

    with _opened(subject) as source:
        return Looked(
            examine(source, thorough=not subject.is_device), subject.is_device or subject.mapped, source.holes.total
        )


def fields_of(subject: Subject, tree: Tree, node: Node) -> list[tuple[Place, list[Field]]]:
    """The sectors that a node of ``tree`` comes from, field by field."""
    found: list[tuple[Place, list[Field]]] = _call(subject, "fields", tree, node)
    return found


def fields_here(subject: Subject, tree: Tree, node: Node) -> list[tuple[Place, list[Field]]]:
    """``fields_of`` in this process."""
    from engine.partitions.inspect import fields_at
    from engine.partitions.peek import Peek

    with _opened(subject) as source:
        peek = Peek(source)
        return [(place, fields_at(peek, tree, node, place)) for place in node.places]


def bytes_of(subject: Subject, offset: int, size: int) -> Reading:
    """Bytes with their holes; what the medium refuses is a hole too."""
    found: Reading = _call(subject, "bytes", offset, size)
    return found


def bytes_here(subject: Subject, offset: int, size: int) -> Reading:
    """``bytes_of`` in this process."""
    from engine.partitions.peek import Peek

    with _opened(subject) as source:
        return Peek(source).reading(offset, size)


def plan_for(subject: Subject, node: Node | None, finding: Finding) -> WritePlan:
    """The writes that mend a finding of a node (None: of the disk). Raises as ``plan_repair``."""
    found: WritePlan = _call(subject, "plan", finding.code, finding.offset if node is None else node.start, None)
    return found


def plan_change(subject: Subject, node: Node, repair: str, value: str | None = None) -> WritePlan:
    """The writes of a repair that a person asks for: ``type`` (with ``value`` as ``find_type`` takes it), ``active``
    or ``inactive``."""
    found: WritePlan = _call(subject, "plan", repair, node.start, value)
    return found


def plan_here(subject: Subject, code: str, at: int | None, value: str | None) -> WritePlan:
    """``plan_for`` and ``plan_change`` in this process."""
    from engine.partitions.repairs import Options, plan_repair

    with _opened(subject) as source:
        return plan_repair(source, code, at=at, options=Options(value))


def preview(subject: Subject, plan: WritePlan) -> Looked:
    """The disk as it would be when the plan was written, with what would be wrong then. Nothing is written."""
    found: Looked = _call(subject, "preview", plan)
    return found


def preview_here(subject: Subject, plan: WritePlan) -> Looked:
    """``preview`` in this process."""
    from engine.partitions.checks import examine
    from engine.source.patched import PatchedSource

    with _opened(subject) as source:
        made = PatchedSource(source, [(write.offset, write.new) for write in plan.writes])
        return Looked(
            examine(made, thorough=not subject.is_device), subject.is_device or subject.mapped, made.holes.total
        )


_HERE: dict[str, Callable[..., Any]] = {
    "look": look_here, "fields": fields_here, "bytes": bytes_here, "plan": plan_here, "preview": preview_here,
}  # fmt: skip


def plan_of_table(subject: Subject, table: TablePlan) -> WritePlan:
    """The writes that make a proposed table the disk's."""
    with _opened(subject) as source:
        return table.write_plan(source)


def propose_table(subject: Subject, found: SearchResult, chosen: Sequence[int] | None = None) -> tuple[TablePlan, Tree]:
    """One consistent table out of what was found, and the present one. ``chosen``: starts, then only these."""
    from engine.partitions.read import read_tree
    from engine.partitions.search import plan_table

    with _opened(subject) as source:
        if found.size != source.size:
            raise RefusedError("that search looked at an image of another size", code="other-source",
                               path=subject.path, advice="search again")  # fmt: skip
        tree = read_tree(source)
    return plan_table(found, tree, chosen=chosen), tree


def place_for(subject: Subject) -> RepairPlace:
    """Where repairs of it are written, and their undo files kept."""
    if subject.is_device:
        found: RepairPlace = aside("place", os.fspath(subject.path))
        return found
    return repair_place(subject.path)


def write_plan(subject: Subject, plan: WritePlan, place: RepairPlace, typed: str | None = None) -> Applied:
    """Write a plan. Of a device the read-only mode is lifted by ``typed``, the word of ``device_word``."""
    if subject.is_device:
        done: Applied = aside("apply", plan, place, typed=typed)
        return done
    return apply_repair(plan, place)


def take_back(subject: Subject, undo_file: Path, typed: str | None = None) -> Undone:
    """Undo a repair."""
    if subject.is_device:
        done: Undone = aside("undo", undo_file, typed=typed)
        return done
    return undo_repair(undo_file)


def undo_files(subject: Subject) -> list[Journal]:
    """Undo files of repairs that can be taken back, the newest first; those that were cut short are among them.

    What cannot be read as an undo file is passed over: it belongs to something else.
    """
    place = place_for(subject)
    try:
        names = sorted(name for name in os.listdir(place.undo_dir) if name.endswith(_UNDO))
    except OSError as error:
        raise outside(error, "cannot look into the folder for undo files", place.undo_dir) from error
    found = []
    for name in names:
        try:
            journal = read_journal(place.undo_dir / name)
        except DamagedError:
            continue
        undone = bool(journal.records) and journal.records[-1] == "undone"
        if journal.ready and not undone and os.path.realpath(journal.target) == os.path.realpath(place.path):
            found.append(journal)
    return sorted(found, key=lambda one: (one.time, one.path.name), reverse=True)
