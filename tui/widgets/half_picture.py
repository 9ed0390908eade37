"""A small picture in half blocks, two pixels in a cell, or in characters where there are no colours for it."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.recordings.pictures import Picture


class HalfPicture(Widget):
    """``show`` takes a picture (None: none) and whether colours can be shown; its size is the picture's."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._strips: list[Strip] = []
        self.words = ""

    def show(self, picture: Picture | None, *, colour: bool, words: str = "") -> None:
        """Show it; ``words`` stand there instead when there is none."""
        self._picture, self.words = picture, words
        if picture is None:
            self._strips = []
        elif colour:
            self._strips = [_half_blocks(picture, y) for y in range(0, picture.height - 1, 2)]
        else:
            self._strips = [Strip([Segment(line, self.rich_style)]) for line in picture.ascii()]
        self.refresh()

    @property
    def lines(self) -> list[str]:
        """The characters on show."""
        return [strip.text for strip in self._strips]

    def render_line(self, y: int) -> Strip:
        """One line: two rows of pixels."""
        width = self.size.width
        if y < len(self._strips):
            return self._strips[y].adjust_cell_length(width, self.rich_style)
        text = self.words[:width] if y == 0 and not self._strips else ""
        return Strip([Segment(text.ljust(width), self.rich_style)])


def _half_blocks(picture: Picture, y: int) -> Strip:
    segments: list[Segment] = []
    text, before = "", None
    for x in range(picture.width):
        colours = picture.pixel(x, y), picture.pixel(x, y + 1)
        if colours != before and before is not None:
            segments.append(Segment(text, _style(*before)))
            text = ""
        text, before = text + "\u2580", colours
    if before is not None:
        segments.append(Segment(text, _style(*before)))
    return Strip(segments, picture.width)


def _style(upper: tuple[int, int, int], lower: tuple[int, int, int]) -> Style:
    return Style.parse("rgb({},{},{}) on rgb({},{},{})".format(*upper, *lower))
