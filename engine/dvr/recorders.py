"""The families behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.dvr import folder
from engine.dvr.meihdfs import probe as meihdfs_probe
from engine.dvr.meihdfs import read as meihdfs_read
from engine.dvr.model import Finding, Recordings
from engine.dvr.pioneer import probe as pioneer_probe
from engine.dvr.pioneer import read as pioneer_read
from engine.dvr.signatures import Hit
from engine.dvr.udf import probe as udf_probe
from engine.dvr.udf import read as udf_read
from engine.progress import SILENT, Reporter
from engine.source import Source


class Recorder(Protocol):
    """A family of recorders.

    ``probe`` looks at known places and at ``hits`` (signatures seen on the disk); ``search`` goes through the disk for
    structures that nothing points to any more; ``read`` gives titles with their extents. With ``swapped`` the source
    is a view with the bytes of each word exchanged.
    """

    family: str
    by_signature: bool
    """Whether ``probe`` finds more when more signatures were seen."""

    def probe(self, source: Source, hits: Sequence[Hit], *, swapped: bool) -> list[Finding]:
        """Findings, best first."""

    def search(self, source: Source, *, swapped: bool, deep: bool, reporter: Reporter = SILENT) -> list[Finding]:
        """Findings for a disk whose beginnings are lost; reads a lot."""

    def read(self, source: Source, finding: Finding, *, deep: bool, reporter: Reporter = SILENT) -> Recordings:
        """Titles under a finding of this family."""


class Pioneer:
    """Pioneer and Sony."""

    family = "pioneer"
    by_signature = False

    def probe(self, source: Source, hits: Sequence[Hit], *, swapped: bool) -> list[Finding]:
        """By pointers and known places; signatures there are none."""
        return pioneer_probe.probe(source, swapped=swapped)

    def search(self, source: Source, *, swapped: bool, deep: bool, reporter: Reporter = SILENT) -> list[Finding]:
        """By file tables that know their own numbers."""
        return pioneer_probe.search(source, swapped=swapped, deep=deep, reporter=reporter)

    def read(self, source: Source, finding: Finding, *, deep: bool, reporter: Reporter = SILENT) -> Recordings:
        """Titles from the three tables."""
        return pioneer_read.read(source, finding, deep=deep, reporter=reporter)


class Meihdfs:
    """Panasonic's file system."""

    family = "meihdfs"
    by_signature = True

    def probe(self, source: Source, hits: Sequence[Hit], *, swapped: bool) -> list[Finding]:
        """By superblocks seen."""
        places = [hit.place for hit in hits if hit.kind == "meihdfs" and hit.swapped == swapped]
        return meihdfs_probe.probe_at(source, places, swapped=swapped)

    def search(self, source: Source, *, swapped: bool, deep: bool, reporter: Reporter = SILENT) -> list[Finding]:
        """By inode tables."""
        return meihdfs_probe.search(source, swapped=swapped, deep=deep, reporter=reporter)

    def read(self, source: Source, finding: Finding, *, deep: bool, reporter: Reporter = SILENT) -> Recordings:
        """Titles from the IFO files in the tree."""
        return meihdfs_read.read(source, finding, deep=deep, reporter=reporter)


class Udf:
    """UDF, with or without a volume around it."""

    family = "udf"
    by_signature = True

    def probe(self, source: Source, hits: Sequence[Hit], *, swapped: bool) -> list[Finding]:
        """By volume descriptors, else by file set descriptors seen."""
        whole = udf_probe.probe(source, swapped=swapped)
        bases = {finding.base for finding in whole}
        places = [hit.place for hit in hits if hit.kind == "fsd" and hit.swapped == swapped and hit.place not in bases]
        return whole + udf_probe.probe_at(source, places, swapped=swapped)

    def search(self, source: Source, *, swapped: bool, deep: bool, reporter: Reporter = SILENT) -> list[Finding]:
        """By file entries that know their own block."""
        return udf_probe.search(source, swapped=swapped, deep=deep, reporter=reporter)

    def read(self, source: Source, finding: Finding, *, deep: bool, reporter: Reporter = SILENT) -> Recordings:
        """Titles from the IFO files in the tree."""
        return udf_read.read(source, finding, deep=deep, reporter=reporter)


class Folder:
    """A plain folder with DVD-VR files."""

    family = "dvd-vr"
    by_signature = False

    def probe(self, source: Source, hits: Sequence[Hit], *, swapped: bool) -> list[Finding]:
        """By the names in it."""
        return [] if swapped else folder.probe(source)

    def search(self, source: Source, *, swapped: bool, deep: bool, reporter: Reporter = SILENT) -> list[Finding]:
        """A folder hides nothing."""
        return []

    def read(self, source: Source, finding: Finding, *, deep: bool, reporter: Reporter = SILENT) -> Recordings:
        """Titles from its IFO files."""
        return folder.read(source, finding)


RECORDERS: tuple[Recorder, ...] = (Folder(), Pioneer(), Udf(), Meihdfs())
BY_FAMILY = {recorder.family: recorder for recorder in RECORDERS}
