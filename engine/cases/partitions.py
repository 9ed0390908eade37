"""The partitions of an image or a case for a screen: looked at, opened, mended, searched. Devices are refused here.

Every call opens the image read-only and closes it again, so that nothing holds it while a person thinks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cases.case import is_case, load_case
from engine.cases.opening import open_source
from engine.cases.repairing import repair_place
from engine.edits import Journal, read_journal
from engine.errors import DamagedError, RefusedError, outside

if TYPE_CHECKING:
    from engine.edits import WritePlan
    from engine.partitions.model import Finding, Node, Place, Tree
    from engine.partitions.search import SearchResult, TablePlan
    from engine.source import Source
    from engine.template import Field

_UNDO = ".undo"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: a case directory, or an image with the map that lies over it (None: no map)."""

    path: Path
    map: Path | None = None

    @property
    def jobs_dir(self) -> Path:
        """Where its searches are kept: in the case, or in a folder beside the image."""
        if is_case(self.path):
            return load_case(self.path).jobs_dir
        return self.path.with_name(self.path.name + ".jobs")


@dataclass(frozen=True, slots=True)
class Looked:
    """The tree with its findings; ``mapped`` tells whether a map says what was read, ``unread`` how many bytes of the
    source nobody has read (by that map)."""

    tree: Tree
    mapped: bool
    unread: int


@contextmanager
def _opened(subject: Subject) -> Iterator[Source]:
    image = load_case(subject.path).image if is_case(subject.path) else subject.path
    try:
        mode = os.stat(image).st_mode
    except OSError as error:
        raise outside(error, "cannot open the image", image) from error
    if not stat.S_ISREG(mode):
        raise RefusedError(
            "partitions are shown of images, not of devices", code="device", path=image,
            advice="image the device first; rescuedeck parts tree reads a device on the command line",
        )  # fmt: skip
    with open_source(subject.path, map=subject.map) as source:
        yield source


def look_at(subject: Subject) -> Looked:
    """Every table, volume and finding. Raises ``RescueError``."""
    from engine.partitions.checks import examine

    with _opened(subject) as source:
        mapped = subject.map is not None or (is_case(subject.path) and load_case(subject.path).map.exists())
        return Looked(examine(source), mapped, source.holes.total)


def fields_of(subject: Subject, tree: Tree, node: Node) -> list[tuple[Place, list[Field]]]:
    """The sectors that a node of ``tree`` comes from, field by field."""
    from engine.partitions.inspect import fields_at
    from engine.partitions.peek import Peek

    with _opened(subject) as source:
        peek = Peek(source)
        return [(place, fields_at(peek, tree, node, place)) for place in node.places]


def plan_for(subject: Subject, node: Node | None, finding: Finding) -> WritePlan:
    """The writes that mend a finding of a node (None: of the disk). Raises as ``plan_repair``."""
    from engine.partitions.repairs import plan_repair

    with _opened(subject) as source:
        return plan_repair(source, finding.code, at=finding.offset if node is None else node.start)


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


def undo_files(subject: Subject) -> list[Journal]:
    """Undo files of repairs that can be taken back, the newest first; those that were cut short are among them.

    What cannot be read as an undo file is passed over: it belongs to something else.
    """
    place = repair_place(subject.path)
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
