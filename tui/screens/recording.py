"""One recording: its parts, where it is unread, and a picture of it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget

from engine.dvr import Title
from engine.errors import RescueError
from engine.recordings.look import Looked, Place, place_of
from engine.recordings.pictures import Picture, frame_of
from tui import background
from tui.keys import bindings
from tui.recording_words import detail_sections, title_facts
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.half_picture import HalfPicture
from tui.widgets.row_list import RowList

_STEP = 0.1


class RecordingScreen(DeckScreen):
    """Facts and the picture above; parts, unread stretches, chapters below."""

    TITLE = "recording"
    SCOPES = ("recording", "list")
    BINDINGS = bindings("recording")
    HELP = (
        "One title before it is extracted: every part with its place on the disk, every stretch that nobody has read "
        "with its time in the programme, and the first frame as a small picture (+ and - for other places; it needs "
        "ffmpeg). Enter shows the bytes of the part or of the unread stretch."
    )

    def __init__(self, place: Place, looked: Looked, title: Title, way: int, deep: bool) -> None:
        super().__init__(str(place.path))
        self._place, self._looked, self._recording = place, looked, title
        self._way, self._deep = way, deep
        self._facts = Facts(label_width=9)
        self._picture = HalfPicture(id="recording-picture")
        self._list = RowList(id="recording-parts")
        self._at = 0.0
        self._frames: background.Latest[Picture] = background.Latest()

    def body(self) -> Iterable[Widget]:
        """Facts beside the picture, the parts below."""
        yield Horizontal(VerticalScroll(self._facts, id="recording-facts"), self._picture, id="recording-top")
        yield self._list

    def on_mount(self) -> None:
        """Show it; on a slow line the picture waits for p."""
        self._list.focus()
        self._facts.show(title_facts(self._recording))
        self._list.show(detail_sections(self._recording))
        if self.deck.options.link == "slow":
            self._picture.show(None, colour=False, words="p: picture")
        else:
            self.call_after_refresh(self.action_picture)

    def action_picture(self) -> None:
        """The frame at the chosen place."""
        place, looked, title, at = self._place, self._looked, self._recording, self._at
        size = self._picture.size
        width, height = max(8, size.width), max(8, size.height * 2)

        def work() -> Picture:
            return frame_of(place, looked.recordings, title, at=at, width=width, height=height)

        self._picture.show(None, colour=False, words="looking ...")
        self._frames.start(self, work, self._show_picture, self._no_picture)

    def _show_picture(self, picture: Picture) -> None:
        terminal = self.deck.terminal
        ascii_only = self.deck.options.ascii or not terminal.glyphs or self.deck.no_color
        self._picture.show(picture, colour=not ascii_only and terminal.colours in ("truecolor", "256"))

    def _no_picture(self, error: RescueError) -> None:
        self._picture.show(None, colour=False, words="no picture")
        self.say(str(error), "warning")

    def action_later(self) -> None:
        """Further on."""
        self._go(_STEP)

    def action_earlier(self) -> None:
        """Further back."""
        self._go(-_STEP)

    def _go(self, step: float) -> None:
        self._at = round(min(0.95, max(0.0, self._at + step)), 2)
        self.say(f"the first frame after {self._at:.0%} of the title")
        self.action_picture()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_bytes()

    def action_bytes(self) -> None:
        """The bytes of the part or the unread stretch under the cursor."""
        row = self._list.chosen
        if row is None:
            return
        kind, _, number = row.id.partition(":")
        start: int | None = None
        if kind == "part":
            part = self._recording.parts[int(number)]
            start = part.extents[0].start if part.extents else None
        elif kind == "gap":
            start = place_of(self._recording, self._recording.missing.gaps[int(number)].start)
        if start is None:
            self.say("that has no place on the disk")
        else:
            self.deck.open_bytes(self._place.path, self._place.map, start)

    def action_extract(self) -> None:
        """This one."""
        from engine.recordings.extracting import Order
        from tui.screens.recordings_extract import RecordingsExtractScreen, Request

        title = self._recording
        if not self._place.searchable:
            self.say(
                f"image the drive first, or: rescuedeck dvr extract {self._place.path} {title.id} -o DIR", "warning"
            )
            return
        request = Request(Order((title.id,)), 1, title.size, self._way, self._deep)
        self.app.push_screen(RecordingsExtractScreen(self._place, request))
