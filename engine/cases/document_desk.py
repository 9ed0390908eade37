"""A document on the desk of the wizard: its source, what was found, what a person decided. Images only, no devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases.documents import Saved, look, save_copy, save_streams
from engine.cases.opening import open_source
from engine.errors import UsageError
from engine.ole2.alternatives import Alternatives, alternatives
from engine.ole2.evidence import Evidence, gather
from engine.ole2.model import Header, Stream
from engine.ole2.read import read_header
from engine.ole2.sector_map import SectorMap, by_chain, by_content
from engine.ole2.sheet import Line, header_sheet
from engine.ole2.solver import Candidate, Choices, Solution, solve
from engine.ole2.streams import content
from engine.ole2.structs import HEADER_SLOTS
from engine.ole2.triage import Triage
from engine.progress import SILENT, Reporter

if TYPE_CHECKING:
    from engine.extract import Report
    from engine.source import Source

_SUFFIXES = frozenset({
    ".doc", ".dot", ".xls", ".xlt", ".xla", ".ppt", ".pot", ".pps", ".msg", ".vsd", ".pub", ".mpp", ".msi", ".msp",
    ".hwp", ".wps", ".ole",
})  # fmt: skip


def is_document(path: str | os.PathLike[str]) -> bool:
    """Whether a file is opened by the wizard: it begins as an OLE2 document, or is named like one."""
    from engine.ole2.structs import SIGNATURE

    if Path(path).suffix.lower() in _SUFFIXES:
        return True
    try:
        with open(path, "rb") as stream:
            return stream.read(8) == SIGNATURE
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a document for given choices. ``chosen`` is the candidate that is shown."""

    size: int
    unread: int
    triage: Triage
    present: Header | None
    choices: Choices
    solution: Solution
    chosen: int
    sectors: SectorMap
    sheet: tuple[Line, ...]
    others: Alternatives | None

    @property
    def candidate(self) -> Candidate | None:
        """The one that is shown."""
        return self.solution.candidates[self.chosen] if self.solution.candidates else None


class Desk:
    """Keeps the source open and the evidence at hand; every call may take seconds and is made off the event loop."""

    def __init__(
        self, path: str | os.PathLike[str], map: str | os.PathLike[str] | None = None,
        window: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        if str(Path(path).resolve()).startswith("/dev/"):
            raise UsageError("a device is imaged first", path=path, advice="open the document in its image")
        self.path, self.map, self.window = Path(path), None if map is None else Path(map), window
        self.source: Source = open_source(path, map=map, window=window)
        self._evidence: dict[int, Evidence] = {}

    def evidence(self, phase: int, reporter: Reporter = SILENT) -> Evidence:
        """The pass at a phase; made once."""
        if phase not in self._evidence:
            self._evidence[phase] = gather(self.source, phase=phase, reporter=reporter)
        return self._evidence[phase]

    def examine(self, choices: Choices, *, thorough: bool = False, reporter: Reporter = SILENT) -> Seen:
        """Solve under these choices."""
        phase = (choices.base or 0) % 512
        first = self.evidence(phase, reporter)
        solution = solve(self.source, choices, reporter=reporter, evidence=first, thorough=thorough)
        if solution.evidence is not None:
            self._evidence[solution.evidence.phase] = solution.evidence
        return self.show(solution, choices, 0)

    def show(self, solution: Solution, choices: Choices, number: int) -> Seen:
        """Another candidate of a solution."""
        candidate = solution.candidates[number] if solution.candidates else None
        base = 0 if candidate is None else candidate.base
        header, holes = read_header(self.source, base)
        present = None if holes else header
        evidence = self.evidence(base % 512)
        if candidate is None:
            sectors, others = by_content(evidence), None
        else:
            sectors = by_chain(candidate.document, evidence, base, self.source.size)
            others = alternatives(self.source, evidence, candidate)
        return Seen(
            self.source.size, self.source.holes.total, look(self.source), present, choices, solution, number, sectors,
            header_sheet(present, candidate), others,
        )  # fmt: skip

    def donor(self, path: str | os.PathLike[str]) -> Header:
        """The header of a working document."""
        with open_source(path) as other:
            header, holes = read_header(other)
        if holes or header.sector_size is None or header.byte_order != 0xFFFE:
            raise UsageError("that file's header is no OLE2 header", path=path)
        return header

    def preview(
        self, candidate: Candidate, stream: Stream, limit: int = 4096
    ) -> tuple[bytes, tuple[tuple[int, int], ...]]:
        """The first bytes of a stream and what of them nobody has read."""
        reading = content(stream, candidate.document.source).read(0, limit)
        return reading.data, reading.holes

    def write(self, candidate: Candidate, out: str, form: str, *, force: bool = False) -> Saved:
        """A copy; see ``save_copy``."""
        return save_copy(candidate, out, original=self.source, form=form, force=force)

    def write_streams(self, candidate: Candidate, folder: str) -> Report:
        """The streams; see ``save_streams``."""
        return save_streams(candidate, folder)

    def close(self) -> None:
        """Give the file back."""
        self.source.close()


def with_field(choices: Choices, candidate: Candidate | None, name: str, value: int) -> Choices:
    """A header field by hand: slots of the FAT list and starts steer the search, others are put in as they are.

    Raises ``UsageError`` for a field that has no such value.
    """
    if not 0 <= value <= 0xFFFFFFFF:
        raise UsageError(f"{value} does not fit into the field")
    if name.startswith("difat[") and name != "difat[unused]":
        slot = int(name[6:-1])
        fat = list(candidate.header.difat[:HEADER_SLOTS]) if candidate is not None else []
        listed = list(candidate.document.fat_list) if candidate is not None else fat
        if slot >= len(listed):
            raise UsageError(f"there is no FAT sector {slot}")
        listed[slot] = value
        return replace(choices, fat=tuple(listed))
    if name == "directory_start":
        return replace(choices, directory=value)
    if name == "mini_fat_start" and value <= 0xFFFFFFFA:
        return replace(choices, mini_fat=value)
    if name == "sector_shift":
        if value not in (9, 12):
            raise UsageError("the sector shift is 9 or 12")
        return replace(choices, sector_size=1 << value)
    if not isinstance(getattr(Header(), name, None), int):
        raise UsageError("that field has one right value only")
    fields: Mapping[str, Any] = {**choices.fields, name: value}
    return replace(choices, fields=fields)
