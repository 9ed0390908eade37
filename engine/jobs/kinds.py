"""The kinds of long work: the one table that says which function a job may run.

A job directory holds only the name of a kind. What that name means stands here, in code: a directory is data, and data
never chooses what is imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import safe_text

if TYPE_CHECKING:
    from engine.jobs.context import JobContext

JobFunction = Callable[[dict[str, Any], "JobContext"], dict[str, Any]]
"""``function(arguments, job)``: does the work, returns its result (JSON values). Ends early by ``CancelledError``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``target`` is ``module:function``; ``resumable`` says that running the same directory again goes on."""

    name: str
    target: str
    resumable: bool
    summary: str

    def function(self) -> JobFunction:
        """Import the module (heavy ones are imported here, in the job's own process) and return the function."""
        module, _, name = self.target.partition(":")
        found: JobFunction = getattr(importlib.import_module(module), name)
        return found


def table(*kinds: Kind) -> Mapping[str, Kind]:
    """Kinds by name."""
    return {kind.name: kind for kind in kinds}


KINDS: Mapping[str, Kind] = table(
    Kind("rescue", "engine.rescue.job:run", True, "images a failing drive with GNU ddrescue"),
    Kind("partition-search", "engine.jobs.partition_search:run", True, "looks for lost partitions on a disk or image"),
    Kind("carve-scan", "engine.carve.job:scan", True, "looks for files by their own structure"),
    Kind("carve-pieces", "engine.carve.job:pieces", False, "puts a broken file together from its pieces"),
    Kind("carve-write", "engine.carve.job:write", True, "writes files that a carving scan found"),
    Kind("file-index", "engine.jobs.files:index", True, "lists the files of a volume and where they lie"),
    Kind("file-extract", "engine.jobs.files:take", True, "takes files, free space or slack out of a volume"),
    Kind("hex-search", "engine.jobs.hex_search:run", True, "looks for bytes, text or a pattern in a disk or image"),
    Kind("repair-copy", "engine.jobs.repair_copy:run", False, "copies an image and repairs the copy"),
    Kind("raid-detect", "engine.jobs.raid:detect", False, "finds strip size, sequence and order of a RAID5's members"),
    Kind("raid-export", "engine.jobs.raid:export", True, "writes an assembled array as an image"),
    Kind("sectors-detect", "engine.jobs.sectors:detect", False, "finds out what sectors an image has, checks guards"),
    Kind("sectors-convert", "engine.jobs.sectors:run_convert", True, "writes strange sectors as plain ones"),
    Kind("recordings-extract", "engine.recordings.job:extract", True, "writes recordings as files"),
    Kind("recordings-scan", "engine.recordings.job:scan", True, "looks for recordings by the MPEG clock"),
    Kind("documents-repair", "engine.jobs.documents:run", True, "repairs OLE2 documents, many at once"),
    Kind("self-test", "engine.jobs.selftest:run", True, "writes and verifies a scratch file: do jobs work here?"),
)


@dataclass(frozen=True, slots=True)
class Runner:
    """The program that runs jobs: a module for ``python -m`` and the kinds it knows.

    Another runner (a test's, with kinds of its own) is chosen by the caller in code, never by the job directory.
    """

    module: str = "engine.jobs.run"
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)


RUNNER = Runner()


def find_kind(name: str, kinds: Mapping[str, Kind] = KINDS) -> Kind:
    """The kind of that name. Raises ``UsageError``."""
    kind = kinds.get(name)
    if kind is None:
        raise UsageError(
            f"{safe_text(name, 60)!r} is no kind of job that this version knows",
            code="job-kind",
            advice=f"known kinds: {', '.join(sorted(kinds))}",
        )
    return kind
