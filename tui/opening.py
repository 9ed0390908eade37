"""Which screen shows what: the only place that knows them all, each loaded when it is first opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases import is_case
from engine.cases.folder import is_map, map_beside
from engine.errors import RefusedError, UsageError, outside
from tui.dialogs.path import written_path

if TYPE_CHECKING:
    from textual.screen import Screen

    from engine.cases import Case
    from engine.cases.arrays import Member
    from engine.devices import Device
    from engine.jobs import Job
    from tui.screens.base import DeckScreen


def plain_folder(path: str) -> Path | None:
    """``path`` when it is a folder that is neither a case nor a job: one to look into. Raises ``UsageError``."""
    where = written_path(path)
    plain = os.path.isdir(where) and not is_case(where) and not os.path.isfile(where / "spec.json")
    # What cannot be looked into might be anything: ``screen_for`` tells why it cannot.
    return where if plain and os.access(where, os.R_OK | os.X_OK) else None


def screen_for(path: str, map: str | None = None) -> DeckScreen:
    """The screen for a case, a job, an image (with ``map``), a map or a device. Raises ``RescueError``."""
    where = written_path(path)
    try:
        mode = os.stat(where).st_mode
        if stat.S_ISDIR(mode) and not os.access(where, os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise outside(error, "cannot open that", where) from error
    if stat.S_ISDIR(mode):
        if is_case(where):
            from tui.screens.case import CaseScreen

            return CaseScreen(where)
        return job_screen(where)
    if stat.S_ISBLK(mode):
        return devices_screen(os.path.realpath(where))
    if not stat.S_ISREG(mode):
        raise UsageError("that is neither a file, a case nor a block device", path=where)
    if map is None and is_map(where):
        return editor_screen(where)
    from engine.cases.artifacts import recognise

    kind = recognise(where)
    if kind is not None:
        from tui.screens.artifact import ArtifactScreen

        return ArtifactScreen(where, kind, written_path(map) if map else map_beside(where))
    from engine.cases.document_desk import is_document

    if is_document(where):
        return document_screen(where, written_path(map) if map else map_beside(where))
    from tui.screens.image import ImageScreen

    return ImageScreen(where, written_path(map) if map else map_beside(where))


def editor_screen(map: Path, case: Case | None = None, image: Path | None = None) -> DeckScreen:
    """The editor on a map; ``image`` when the map belongs to no case."""
    from tui.screens.map_editor import MapEditorScreen

    return MapEditorScreen(map, case, image)


def partitions_screen(path: Path, map: Path | None) -> DeckScreen:
    """The partitions of a case, or of an image under a map."""
    from engine.cases.subject import Subject
    from tui.screens.partitions import PartitionsScreen

    return PartitionsScreen(Subject(path, map))


def hex_screen(path: Path, map: Path | None, at: int = 0, template: str | None = None) -> DeckScreen:
    """The bytes of a case, or of an image under a map."""
    from engine.cases.subject import Subject
    from tui.screens.hex import HexScreen

    return HexScreen(Subject(path, map), at, template)


def carving_screen(path: Path, map: Path | None) -> DeckScreen:
    """Files by their own structure, in a case or in an image under a map."""
    from engine.cases.subject import Subject
    from tui.screens.carving import CarvingScreen

    return CarvingScreen(Subject(path, map))


def document_screen(path: Path, map: Path | None) -> DeckScreen:
    """The wizard for an OLE2 document."""
    from tui.screens.ole2 import Ole2Screen

    return Ole2Screen(path, map)


def recordings_screen(path: Path, map: Path | None) -> DeckScreen:
    """The recordings in a case, in an image under a map, or in a folder."""
    from engine.recordings.look import Place
    from tui.screens.recordings import RecordingsScreen

    return RecordingsScreen(Place(path, map))


def files_screen(path: Path, map: Path | None, start: int | None = None) -> DeckScreen:
    """The volumes of a case or an image, or the files of the one that begins at ``start``."""
    from engine.cases.subject import Subject
    from tui.screens.file_volumes import FileVolumesScreen

    return FileVolumesScreen(Subject(path, map), start)


def is_editor_of(screen: Screen[Any], map: Path) -> bool:
    """Whether a screen is the editor on this very map."""
    path = getattr(screen, "edited_map", None)
    return isinstance(path, Path) and os.path.realpath(path) == os.path.realpath(map)


def is_files_of(screen: Screen[Any], path: Path, start: int | None) -> bool:
    """Whether a screen shows the files of the volume that begins there."""
    shown = getattr(screen, "shown_volume", None)
    return start is not None and shown == (path, start)


def devices_screen(path: str | None) -> DeckScreen:
    """The devices, with the cursor on the one at ``path``."""
    from tui.screens.devices import DevicesScreen

    return DevicesScreen(path)


def raid_screen(members: Sequence[Member] = ()) -> DeckScreen:
    """An array out of its members."""
    from tui.screens.raid import RaidScreen

    return RaidScreen(members)


def sectors_screen(path: Path, map: Path | None) -> DeckScreen:
    """The sectors of a case, or of an image under a map."""
    from engine.cases.subject import Subject
    from tui.screens.sectors import SectorsScreen

    return SectorsScreen(Subject(path, map))


def jobs_screen(chosen: Path | None = None) -> DeckScreen:
    """All jobs."""
    from tui.screens.jobs import JobsScreen

    return JobsScreen(chosen)


def job_screen(directory: Path) -> DeckScreen:
    """A job's own screen: the live rescue, the array that is looked at, or its place among the jobs."""
    from engine.jobs import load

    job = load(directory)
    if job.kind == "raid-detect":
        from engine.jobs.raid import members_of

        return raid_screen(members_of(job.arguments["members"]))
    if job.kind in ("recordings-extract", "recordings-scan"):
        return _recordings_job(job)
    if job.kind == "documents-repair":
        from tui.screens.ole2_many import Ole2ManyScreen

        return Ole2ManyScreen(directory)
    return rescue_screen(directory) if job.kind == "rescue" else jobs_screen(directory)


def _recordings_job(job: Job) -> DeckScreen:
    from engine.recordings.look import Place

    place = Place.of(dict(job.arguments))
    if job.kind == "recordings-scan":
        from tui.screens.recordings_scan import RecordingsScanScreen

        return RecordingsScanScreen(place)
    from engine.recordings.extracting import Order
    from tui.screens.recordings_extract import RecordingsExtractScreen, Request

    return RecordingsExtractScreen(place, Request(Order.of(dict(job.arguments)), 0, 0), job.id)


def has_recordings(folder: Path) -> bool:
    """Whether a plain folder holds the files of a DVD-VR disc."""
    for place in (folder, folder / "DVD_RTAV"):
        if any((place / name).is_file() for name in ("VR_MANGR.IFO", "VR_MANGR.BUP", "VR_MOVIE.VRO")):
            return True
    return False


def rescue_screen(target: Path) -> DeckScreen:
    """The live rescue screen on a case or a job directory."""
    from tui.screens.rescue import RescueScreen

    return RescueScreen(target)


def power_screen(directory: Path) -> DeckScreen:
    """The page that asks for a power cycle by hand for the campaign in a job directory."""
    from tui.screens.power_request import PowerRequestScreen

    return PowerRequestScreen(directory)


def is_request_of(screen: Screen[Any], directory: Path) -> bool:
    """Whether a screen is the page that asks for this job."""
    return getattr(screen, "directory", None) == directory and type(screen).__name__ == "PowerRequestScreen"


def imaging_screen(device: Device) -> DeckScreen:
    """Where case and options for imaging a device are chosen. Raises ``RefusedError`` for the system's own disk."""
    if device.is_system:
        raise RefusedError(
            f"this disk carries the running system ({', '.join(device.system)})",
            code="system-disk",
            path=device.path,
            advice="start this machine from a rescue system to image it",
        )
    if not device.size:
        raise RefusedError(device.headline or "it has no size", code="no-medium", path=device.path)
    from tui.screens.rescue_setup import RescueSetupScreen

    return RescueSetupScreen(source=device.path)


def setup_screen(case: Path, domain: Path | None = None) -> DeckScreen:
    """Where options for the next pass of a case are chosen; ``domain``: a map of what must be read first."""
    from tui.screens.rescue_setup import RescueSetupScreen

    return RescueSetupScreen(case=case, domain=domain)
