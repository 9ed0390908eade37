"""A look into a file: text, a picture in half blocks, or bytes; what nobody has read is told as such."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from textual.widget import Widget

from engine.cases.subject import Subject
from engine.errors import RescueError
from engine.filesystems.preview import Look
from engine.text import format_exact
from tui import background
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.long_list import LongList
from tui.widgets.picture import PictureView
from tui.widgets.rows import Cell, Column, Row
from tui.words import percent

_COLUMNS = (Column("", width=4000, flex=True),)


class Desk(Protocol):
    """Who has the files: of a volume, or carved ones. Called from background threads."""

    @property
    def subject(self) -> Subject:
        """What they are on."""
        ...

    def path(self, entry: Any) -> str:
        """What a file is called."""
        ...

    def preview(self, entry: Any, width: int, height: int) -> Look:
        """The first part of it. Raises ``RescueError``."""
        ...


class FileLookScreen(DeckScreen):
    """Name and lacks above, the content below."""

    TITLE = "look"
    SCOPES = ("look", "list")
    BINDINGS = bindings("look")
    HELP = (
        "The first part of the file, as text, as a picture (decoded in a process of its own with little memory), or as "
        "bytes. Bytes that were never read are zeros to a decoder: the line above tells how many of them there are."
    )

    def __init__(self, desk: Desk, files: Sequence[Any], at: int, *, letters: bool = False) -> None:
        super().__init__(str(desk.subject.path))
        self._desk, self._files, self._at = desk, files, at
        self._facts = Facts(label_width=8, id="look-facts")
        self._text = LongList(id="look-text")
        self._picture = PictureView(letters=letters, id="look-picture")
        self._looks: background.Latest[tuple[str, Look]] = background.Latest()
        self._look: Look | None = None
        self._hex = False

    def body(self) -> Iterable[Widget]:
        """Facts, then text or picture."""
        yield self._facts
        yield self._text
        yield self._picture

    def on_mount(self) -> None:
        """The first one."""
        self._picture.display = False
        self._text.focus()
        self.call_after_refresh(self._load)

    @property
    def _entry(self) -> Any:
        return self._files[self._at]

    def _load(self) -> None:
        entry, desk = self._entry, self._desk
        width, height = max(8, self.size.width), max(8, 2 * (self.size.height - 6))
        self.say("reading ...")
        self._looks.start(
            self, lambda: (desk.path(entry), desk.preview(entry, width, height)), self._take, self._failed
        )

    def _failed(self, error: RescueError) -> None:
        self._look = None
        self._facts.show([("file", str(getattr(self._entry, "name", ""))), ("", Cell(str(error), "row--warning"))])
        self._fill(())
        self._picture.show(None)
        self.tell_error(error)

    def _take(self, loaded: tuple[str, Look]) -> None:
        path, look = loaded
        self._look = look
        self.say("")
        facts: list[Fact] = [("file", f"{path}  {format_exact(look.size)}")]
        if look.holes:
            share = percent(look.holes.total, len(look.data))
            facts.append(("lacks", Cell(f"{format_exact(look.holes.total)} of what is shown were never read ({share})",
                                        "row--danger")))  # fmt: skip
        if look.picture is not None:
            facts.append(("picture", f"{look.picture.full[0]} x {look.picture.full[1]}"))
        elif look.cut:
            facts.append(("", f"the first {format_exact(len(look.data))}"))
        self._facts.show(facts)
        self._show()

    def _show(self) -> None:
        look = self._look
        if look is None:
            return
        picture = None if self._hex else look.picture
        self._picture.display, self._text.display = picture is not None, picture is None
        self._picture.show(picture)
        if picture is None:
            lines = None if self._hex else look.lines
            self._fill(lines if lines is not None else tuple(hex_lines(look)))
            self._text.focus()

    def _fill(self, lines: Sequence[str]) -> None:
        self._text.fill(_COLUMNS, len(lines), lambda n: Row(str(n), (lines[n],)), at=0)

    def action_next(self) -> None:
        """The next file."""
        self._go(1)

    def action_previous(self) -> None:
        """The one before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        if 0 <= self._at + step < len(self._files):
            self._at += step
            self._load()
        else:
            self.say("there are no more")

    def action_hex(self) -> None:
        """Bytes, or back."""
        self._hex = not self._hex
        self._show()


def hex_lines(look: Look) -> Iterable[str]:
    """16 bytes a line; ``..`` where nobody has read."""
    holes = look.holes
    for at in range(0, min(len(look.data), 65536), 16):
        part = look.data[at : at + 16]
        if holes.overlaps(at, at + 16):
            cells = [".." if at + n in holes else f"{byte:02x}" for n, byte in enumerate(part)]
            text = "".join("?" if at + n in holes else _char(byte) for n, byte in enumerate(part))
        else:
            cells = [f"{byte:02x}" for byte in part]
            text = "".join(map(_char, part))
        yield f"{at:08x}  {' '.join(cells[:8]):<23}  {' '.join(cells[8:]):<23}  {text}"


def _char(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 else "."
