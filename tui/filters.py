"""Line filters: the last step before a line is sent to the terminal."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter, NoColor

from tui.terminal import Terminal, to_ascii


class AsciiFilter(LineFilter):
    """Replace what the terminal cannot show by ASCII, cell for cell."""

    def __init__(self, *, letters: bool) -> None:
        super().__init__()
        self._letters = letters

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Translate the text of each segment; styles stay."""
        return [
            segment if segment.text.isascii() else Segment(to_ascii(segment.text, self._letters), segment.style)
            for segment in segments
        ]


def filters_for(terminal: Terminal, *, ascii: bool | None, no_color: bool) -> list[LineFilter]:
    """The filters this terminal needs; ``ascii`` is what the person decided about it (None: nothing)."""
    filters: list[LineFilter] = [NoColor()] if no_color else []
    if ascii or (ascii is None and not terminal.glyphs):
        filters.append(AsciiFilter(letters=bool(ascii) or not terminal.utf8))
    return filters
