"""The part of the App that opens things: from a path, a device or a job to the screen on top."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.geometry import Size
from textual.screen import Screen

from engine.cases import Case
from engine.cases.arrays import Member
from engine.devices import Device
from engine.errors import RescueError
from tui import opening
from tui.power_watch import PowerAsked
from tui.screens.base import DeckScreen

if TYPE_CHECKING:
    from tui.screens.start import StartScreen

LOG = logging.getLogger(__name__)


class Opener(App[None]):
    """What every screen may ask of the App; errors a person can act on are shown where they arose."""

    start: StartScreen
    _asked: frozenset[tuple[Path, float]] = frozenset()

    def check_size(self, size: Size | None = None) -> None:
        """Called when a screen has come on top."""
        raise NotImplementedError

    def _open(self, make: Callable[[], DeckScreen]) -> None:
        try:
            self.push_screen(make())
        except RescueError as error:
            self.tell_error(error)
        else:
            self.call_after_refresh(self.check_size)

    def open_path(self, path: str, map: str | None = None) -> None:
        """Open whatever ``path`` is: a case, a job, an image (with its map), a map, a device, a folder of such."""
        try:
            folder = opening.plain_folder(path)
        except RescueError as error:
            self.tell_error(error)
            return
        if folder is not None and opening.has_recordings(folder):
            self.open_recordings(folder)
        elif folder is not None:
            self.start.look_at(folder)
        else:
            self._open(lambda: opening.screen_for(path, map))

    def open_device(self, path: str | None) -> None:
        """The devices, with the cursor on one."""
        self._open(lambda: opening.devices_screen(path))

    def open_jobs(self) -> None:
        """All jobs."""
        self._open(opening.jobs_screen)

    def open_job(self, directory: Path) -> None:
        """Watch a job."""
        self._open(lambda: opening.job_screen(directory))

    def open_rescue(self, target: Path) -> None:
        """The live rescue screen on a case or a job directory."""
        self._open(lambda: opening.rescue_screen(target))

    def edit_map(self, map: Path, case: Case | None = None, image: Path | None = None) -> None:
        """The editor on a mapfile; the one that is open on it already comes on top again."""
        if not self._return_to(lambda screen: opening.is_editor_of(screen, map)):
            self._open(lambda: opening.editor_screen(map, case, image))

    def _return_to(self, wanted: Callable[[Screen[Any]], bool]) -> bool:
        """Back to a screen that is open already; False when there is none."""
        place = next((n for n, screen in enumerate(self.screen_stack) if wanted(screen)), None)
        if place is None:
            return False
        for _ in range(len(self.screen_stack) - 1 - place):
            self.pop_screen()
        return True

    def open_partitions(self, path: Path, map: Path | None = None) -> None:
        """The partitions of a case, or of an image under a map."""
        self._open(lambda: opening.partitions_screen(path, map))

    def open_document(self, path: Path, map: Path | None = None) -> None:
        """An OLE2 document in the repair wizard."""
        self._open(lambda: opening.document_screen(path, map))

    def open_bytes(self, path: Path, map: Path | None = None, at: int = 0, template: str | None = None) -> None:
        """The bytes of a case, or of an image under a map, from ``at`` on under a structure."""
        self._open(lambda: opening.hex_screen(path, map, at, template))

    def open_carving(self, path: Path, map: Path | None = None) -> None:
        """Files by their own structure, in a case or in an image under a map."""
        self._open(lambda: opening.carving_screen(path, map))

    def image_device(self, device: Device) -> None:
        """Choose case and options for imaging a device."""
        self._open(lambda: opening.imaging_screen(device))

    def set_up_rescue(self, case: Path, domain: Path | None = None) -> None:
        """Choose options for the next pass of a case; ``domain``: a map of what must be read first."""
        self._open(lambda: opening.setup_screen(case, domain))

    def open_recordings(self, path: Path, map: Path | None = None) -> None:
        """The recordings in a case, in an image under a map, or in a folder."""
        self._open(lambda: opening.recordings_screen(path, map))

    def open_files(self, path: Path, map: Path | None = None, start: int | None = None) -> None:
        """The files in a case or in an image under a map; ``start``: of the volume that begins there."""
        if not self._return_to(lambda screen: opening.is_files_of(screen, path, start)):
            self._open(lambda: opening.files_screen(path, map, start))

    def open_array(self, members: Sequence[Member] = ()) -> None:
        """An array out of its members."""
        self._open(lambda: opening.raid_screen(members))

    def open_sectors(self, path: Path, map: Path | None = None) -> None:
        """The sectors of a case, or of an image under a map."""
        self._open(lambda: opening.sectors_screen(path, map))

    def on_power_asked(self, message: PowerAsked) -> None:
        """Drives wait for their power to be cut by hand."""
        for directory, since in message.asking:
            self.power_asked(directory, since)

    def power_asked(self, directory: Path, since: float) -> None:
        """A campaign waits for a person since then: a page of its own, once; whoever sees it first tells."""
        if (directory, since) not in self._asked:
            self._asked |= {(directory, since)}
            self.ask_for_power(directory)

    def ask_for_power(self, directory: Path) -> None:
        """The page that asks for a power cycle by hand, unless it is open already."""
        if not any(opening.is_request_of(screen, directory) for screen in self.screen_stack):
            self._open(lambda: opening.power_screen(directory))

    def tell_error(self, error: RescueError) -> None:
        """Show an error on the screen that is up."""
        if isinstance(self.screen, DeckScreen):
            self.screen.tell_error(error)
        else:
            LOG.warning(str(error))
