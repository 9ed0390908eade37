"""The volumes of an image, to choose whose files are shown; with one that can be read it steps aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.files_desk import FilesDesk, volumes
from engine.cases.next_steps import Step
from engine.cases.subject import Subject
from engine.cases.volumes import VolumeAt
from engine.errors import RescueError
from engine.text import format_exact
from tui import background
from tui.file_view import VOLUME_COLUMNS, volume_row
from tui.going_on import Ahead
from tui.keys import bindings
from tui.next_words import step_line
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Section


class FileVolumesScreen(DeckScreen):
    """A list of volumes, the one under the cursor in full below."""

    TITLE = "volumes"
    SCOPES = ("volumes", "list")
    BINDINGS = bindings("volumes")
    HELP = (
        "Every partition of the image that may hold files. FAT, exFAT, NTFS, ext2, ext3, ext4, HFS+, ISO 9660 and UFS "
        "are read; XFS, btrfs, APFS and others are named and refused. Disks of recorders hold recordings instead."
    )

    def __init__(self, subject: Subject, start: int | None = None) -> None:
        super().__init__(str(subject.path))
        self._subject, self._start = subject, start
        self._list = RowList(id="volumes")
        self._facts = Facts(label_width=9)
        self._volumes: list[VolumeAt] = []
        self._ahead = Ahead(self, subject.path, subject.map, self._own_step)
        self._stepped = False

    def body(self) -> Iterable[Widget]:
        """List and facts."""
        yield self._list
        yield VerticalScroll(self._facts, id="volume-pane")

    def on_mount(self) -> None:
        """Look at the tables."""
        self._list.focus()
        self.say("reading the tables ...")
        self.action_refresh()

    def action_refresh(self) -> None:
        """Look again."""
        background.start(self, lambda: volumes(self._subject), self._take, self._failed)

    def _failed(self, error: RescueError) -> None:
        self._facts.show([("error", str(error))])
        self.tell_error(error)

    def _take(self, found: list[VolumeAt]) -> None:
        self._volumes = found
        self.say("")
        section = Section("", VOLUME_COLUMNS, tuple(volume_row(one) for one in found), "no partition is there")
        self._list.show([section])
        self._show_facts()
        readable = [one for one in found if one.why_not is None]
        wanted = next((one for one in readable if one.start == self._start), None)
        if wanted is None and self._start is None and len(found) == 1 and readable:
            wanted = readable[0]
        if wanted is not None and not self._stepped:
            self._stepped = True
            self._enter(wanted, alone=len(found) == 1)
        elif self._start is not None and not self._stepped:
            self._stepped = True
            self._list.choose(str(self._start))

    def on_screen_resume(self) -> None:
        """Other screens may have done what was offered."""
        super().on_screen_resume()
        self._ahead.look()

    def _own_step(self, step: Step) -> tuple[str, Callable[[], None]] | None:
        volume = next((one for one in self._volumes if one.start == step.volume), None)
        return None if volume is None else (step_line(step), lambda: self._enter(volume))

    def _enter(self, volume: VolumeAt, *, alone: bool = False) -> None:
        from tui.screens.files import FilesScreen

        screen = FilesScreen(FilesDesk(self._subject, volume))
        if alone and self.on_top:
            self.app.switch_screen(screen)
        else:
            self.app.push_screen(screen)

    @property
    def _volume(self) -> VolumeAt | None:
        row = self._list.chosen
        return None if row is None else next((one for one in self._volumes if str(one.start) == row.id), None)

    def on_row_list_moved(self) -> None:
        """Another volume."""
        self._show_facts()

    def _show_facts(self) -> None:
        volume = self._volume
        facts: list[Fact] = []
        if volume is not None:
            facts = [("volume", f"{volume.title}, {format_exact(volume.size)} at {volume.start}")]
            if volume.label:
                facts.append(("label", volume.label))
            if volume.why_not is not None:
                facts.append(("files", Cell(volume.why_not, "row--warning")))
            elif not volume.kind:
                facts.append(("files", "no file system was recognised; opening tries to read one all the same"))
        self._facts.show(facts)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be read."""
        if action == "open":
            return True if self._volume is not None and self._volume.why_not is None else None
        return True

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_open()

    def action_open(self) -> None:
        """Its files."""
        volume = self._volume
        if volume is not None and volume.why_not is None:
            self._enter(volume)
