"""A picture in character cells: two pixels a cell as a half block, or brightness as letters where colours are few."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from engine.filesystems.preview import Picture

_RAMP = " .:-=+*#%@"
_HALF = "\N{UPPER HALF BLOCK}"


class PictureView(Widget):
    """``show`` takes a picture that fits: as wide as the widget, twice as high in pixels as it has rows."""

    DEFAULT_CSS = "PictureView { height: 1fr; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, letters: bool = False, id: str | None = None) -> None:
        """``letters``: brightness as letters, for terminals with few colours or without block characters."""
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._letters = letters

    def show(self, picture: Picture | None) -> None:
        """Show it, or nothing."""
        self._picture = picture
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Two rows of pixels."""
        picture, width = self._picture, self.size.width
        if picture is None or 2 * y >= picture.height:
            return Strip.blank(width)
        across = min(width, picture.width)
        left = (width - across) // 2
        segments = [Segment(" " * left)]
        segments += [self._cell(picture, x, 2 * y) for x in range(across)]
        return Strip([*segments, Segment(" " * (width - left - across))], width)

    def _cell(self, picture: Picture, x: int, y: int) -> Segment:
        upper = _pixel(picture, x, y)
        lower = _pixel(picture, x, y + 1) if y + 1 < picture.height else upper
        if self._letters:
            light = sum(upper) + sum(lower)
            return Segment(_RAMP[min(len(_RAMP) - 1, light * len(_RAMP) // (6 * 256))])
        return Segment(_HALF, Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower)))


def _pixel(picture: Picture, x: int, y: int) -> tuple[int, int, int]:
    at = 3 * (y * picture.width + x)
    red, green, blue = picture.pixels[at : at + 3]
    return red, green, blue
