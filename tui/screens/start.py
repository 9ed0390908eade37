"""Start: what is here to work on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.widget import Widget

from engine.cases.folder import Folder, look_around
from engine.devices import Device, discover
from engine.host.roots import HERE, names_in
from engine.jobs.model import Job
from tui import background
from tui.keys import bindings
from tui.listing import DEVICE, FILE, at_hand, devices_section, files_section, jobs_section
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList


class StartScreen(DeckScreen, inherit_bindings=False):
    """Devices, images and cases in the current directory, running jobs."""

    TITLE = "rescuedeck"
    SCOPES = ("start", "list", "deck")
    BINDINGS = bindings("start")
    HELP = (
        "What is here to work on: unfinished jobs, the devices of this machine, and the cases, images and maps in the "
        "folder rescuedeck was started in. Open a failing device to see what it is, then image it into a case: that is "
        "the first thing to do with it. Everything else works on the image. Nothing on this screen reads a device."
    )

    def __init__(self) -> None:
        self._place = Path.cwd()
        super().__init__(str(self._place))
        self._list = RowList(id="things")
        self._devices: list[Device] | None = None
        self._folder: Folder | None = None
        self._jobs: tuple[Job, ...] = ()
        self._jobs_first = False
        self._looks: background.Latest[list[Device]] = background.Latest()
        self._folder_looks: background.Latest[Folder] = background.Latest()
        self._names: list[str] = []

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield self._list

    def on_mount(self) -> None:
        """Look around, follow the jobs, notice new disks."""
        self._show()
        self.follow_jobs(self._take_jobs)
        self.set_interval(2 * self.deck.options.poll_s, self._notice_disks)

    def on_screen_resume(self) -> None:
        """Coming back: cases may have been made meanwhile."""
        self.action_refresh()

    def action_refresh(self) -> None:
        """Look again for devices and files."""
        self._names = names_in(HERE.block)
        self._looks.start(self, discover, self._take_devices)
        self._folder_looks.start(self, lambda: look_around(self._place), self._take_folder)

    def look_at(self, folder: Path) -> None:
        """Show what is in another folder."""
        self._place = folder
        self.set_subject(str(folder))
        self._folder = None
        self._show()
        self.action_refresh()

    def _notice_disks(self) -> None:
        if self.on_top and names_in(HERE.block) != self._names:
            self.action_refresh()

    def _take_devices(self, devices: list[Device]) -> None:
        self._devices = devices
        self._show()

    def _take_folder(self, folder: Folder) -> None:
        self._folder = folder
        self._show()

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        self._jobs = tuple(at_hand(jobs))
        # Once jobs stand on top they stay there: nothing jumps under the cursor when the last one ends.
        self._jobs_first = self._jobs_first or bool(self._jobs)
        self._show()

    def _show(self) -> None:
        jobs = jobs_section(self._jobs, empty="none is unfinished; a rescue goes on when you leave or lose the line")
        rest = [devices_section(self._devices), files_section(self._folder)]
        self._list.show([jobs, *rest] if self._jobs_first else [*rest, jobs])
        self._offer()

    def _offer(self) -> None:
        row = self._list.chosen
        kind, path = row.id.partition(":")[::2] if row is not None else ("", "")
        name = path.rpartition("/")[2]
        if row is None:
            self.offer("plug the drive in: it appears here by itself" if self._devices is not None else "", None)
        elif kind + ":" == DEVICE:
            device = next((device for device in self._devices or () if device.path == path), None)
            free = device is not None and not device.is_system and not device.uses
            words = f"image {path} into a new case" if free else f"see what uses {path}"
            self.offer(words, self.action_image if free else self.action_open)
        elif kind + ":" == FILE:
            self.offer(f"open {name}: it says what comes next", self.action_open)
        else:
            self.offer("see how this job is doing", self.action_open)

    def on_row_list_moved(self) -> None:
        """What comes next belongs to the row."""
        self._offer()

    def action_open(self) -> None:
        """Open what the cursor is on."""
        row = self._list.chosen
        if row is None:
            self.say("nothing is chosen: press o to open something by its path")
            return
        kind, path = row.id.partition(":")[::2]
        if kind + ":" == FILE and self._folder is not None:
            find = next((find for find in self._folder.finds if str(find.path) == path), None)
            self.deck.open_path(path, str(find.map) if find is not None and find.kind == "image" and find.map else None)
        elif kind + ":" == DEVICE:
            self.deck.open_device(path)
        else:
            self.deck.open_job(Path(path))

    def on_row_list_opened(self, message: RowList.Opened) -> None:
        """A double click."""
        message.stop()
        self.action_open()

    def action_open_path(self) -> None:
        """Ask for a path."""
        from tui.dialogs.path import complete_path

        self.prompt.read("open:", self.deck.open_path, complete=complete_path)

    def action_array(self) -> None:
        """An array; the image under the cursor is its first member."""
        from engine.cases.arrays import Member

        row = self._list.chosen
        find = None
        if row is not None and row.id.startswith(FILE) and self._folder is not None:
            find = next((f for f in self._folder.finds if row.id == f"{FILE}{f.path}" and f.kind == "image"), None)
        self.deck.open_array([Member(find.path, find.map)] if find is not None else [])

    def action_recordings(self) -> None:
        """The recordings in the image or case under the cursor, or in this folder when it is a recorder's."""
        from tui.opening import has_recordings

        row = self._list.chosen
        find = None
        if row is not None and row.id.startswith(FILE) and self._folder is not None:
            find = next((f for f in self._folder.finds if row.id == f"{FILE}{f.path}" and f.kind != "map"), None)
        if find is not None:
            self.deck.open_recordings(find.path, find.map if find.kind == "image" else None)
        elif has_recordings(self._place):
            self.deck.open_recordings(self._place)
        else:
            self.say("put the cursor on an image or a case first", "warning")

    def action_image(self) -> None:
        """Image the device under the cursor."""
        row = self._list.chosen
        device = next((d for d in self._devices or () if row is not None and row.id == DEVICE + d.path), None)
        if device is None:
            self.say("put the cursor on a device first", "warning")
        else:
            self.deck.image_device(device)

    def action_devices(self) -> None:
        """The devices screen, on the device under the cursor."""
        row = self._list.chosen
        self.deck.open_device(row.id.removeprefix(DEVICE) if row is not None and row.id.startswith(DEVICE) else None)
