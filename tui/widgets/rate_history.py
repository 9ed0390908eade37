"""A history of the rate in one row: it grows to the right, and what is drawn once stays where it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.:-=+*#"
NOTHING = " "
"""A span in which no byte was rescued."""


def grouped(rates: Sequence[float], width: int) -> tuple[int, list[float]]:
    """At most ``width`` mean values, oldest first, and how many rates make one. Groups are a power of two, so that old
    ones keep their place for long; an unfinished last group is left out."""
    if width <= 0 or not rates:
        return 1, []
    size = 1
    while len(rates) > size * width:
        size *= 2
    whole = len(rates) // size
    return size, [sum(rates[at * size : (at + 1) * size]) / size for at in range(whole)]


def bars(values: Sequence[float], top: float | None = None, glyphs: str = BARS) -> str:
    """Each value as a bar; ``top`` is a full one (default: the highest). 0 is a blank, anything above it at least the
    lowest bar."""
    highest = max(values, default=0.0) if top is None else top
    return "".join(
        NOTHING if value <= 0 or highest <= 0 else glyphs[min(len(glyphs) - 1, int(value / highest * len(glyphs)))]
        for value in values
    )


class RateHistory(Widget):
    """The row itself. ``show`` repaints only when the picture changes."""

    COMPONENT_CLASSES = {"rate-history--bar"}
    DEFAULT_CSS = "RateHistory { height: 1; width: 1fr; }"
    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = BARS
        self._rates: tuple[float, ...] = ()
        self._drawn = ""
        self.group = 1
        self.top = 0.0

    def draw_plain(self) -> None:
        """Draw with ASCII characters that grow, instead of those that a filter would make of the bars."""
        self._glyphs = PLAIN_BARS
        self._draw()
        self.refresh()

    def show(self, rates: Sequence[float]) -> bool:
        """Show these rates (bytes per second, oldest first). Returns whether anything had to be repainted.

        Afterwards ``group`` is how many rates one column stands for, ``top`` what a full bar does.
        """
        self._rates = tuple(rates)
        before = self._drawn
        self._draw()
        if self._drawn == before:
            return False
        self.refresh()
        return True

    def _draw(self) -> None:
        width = self.size.width
        self.group, values = grouped(self._rates, width)
        self.top = max(values, default=0.0)
        self._drawn = bars(values, self.top, self._glyphs).ljust(width)

    def on_resize(self) -> None:
        self._draw()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(self._drawn, self.get_component_rich_style("rate-history--bar"))], len(self._drawn))
