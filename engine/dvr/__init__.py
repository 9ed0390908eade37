"""File systems of video recorders: which recorder wrote a disk, its titles, and where every byte of them stands.

    findings = probe(source)                   # [Finding], best first; nobody names a variant or an offset
    recordings = read(source)                  # Recordings of the best finding, with what the source's holes hide
    recordings = read(source, findings[1])     # ... of another one

A folder with IFO and VRO files is a source too: ``engine.dvr.folder.FolderSource``. The data classes are in ``model``.
"""

from engine.dvr.model import (
    Chapter,
    Edit,
    EditKind,
    Extent,
    Finding,
    Gap,
    Missing,
    Part,
    RecorderFile,
    Recordings,
    Rung,
    TimeMap,
    Title,
)
from engine.dvr.probing import probe, read

__all__ = [
    "Chapter",
    "Edit",
    "EditKind",
    "Extent",
    "Finding",
    "Gap",
    "Missing",
    "Part",
    "RecorderFile",
    "Recordings",
    "Rung",
    "TimeMap",
    "Title",
    "probe",
    "read",
]
