"""A history of the rate in one row: one column for each span of time, newest at the right, nothing moves between."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

BARS = "▁▂▃▄▅▆▇█"
NOTHING = "."
"""A span in which no byte was rescued; a blank is a span nobody watched."""


def bars(rates: Sequence[float | None], width: int, top: float | None = None) -> str:
    """The last ``width`` rates as bar characters, right-aligned; ``top`` is the rate of a full bar (default: the
    highest on show). None draws a blank, 0 a dot, anything above 0 at least the lowest bar."""
    shown = list(rates[-width:]) if width > 0 else []
    highest = top if top is not None else max((rate for rate in shown if rate), default=0.0)
    out = []
    for rate in shown:
        if rate is None:
            out.append(" ")
        elif rate <= 0 or highest <= 0:
            out.append(NOTHING)
        else:
            out.append(BARS[min(len(BARS) - 1, int(rate / highest * len(BARS)))])
    return "".join(out).rjust(max(0, width))


class Spans:
    """Turns a running total into the mean rate of each ``span_s`` seconds; gaps in time become None."""

    def __init__(self, span_s: float = 10.0, keep: int = 240) -> None:
        self.span_s = span_s
        self.keep = keep
        self.rates: list[float | None] = []
        self._span: int | None = None
        self._since: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None

    def add(self, time_s: float, total: int) -> bool:
        """Take the running total at a time (any clock that only goes forwards, in seconds). Returns whether a span
        was closed, which is when there is something new to draw."""
        if self._last is not None and time_s <= self._last[0]:
            return False
        span = int(time_s // self.span_s)
        if self._span is None or self._since is None or self._last is None:
            self._span, self._since = span, (time_s, total)
            self._last = self._since
            return False
        closed = span != self._span
        if closed:
            at, before = self._since
            self.rates.append(max(0.0, (total - before) / (time_s - at)))
            missed = min(span - self._span - 1, self.keep)
            if missed > 0:
                # The total was not looked at in between; what it gained is spread over the spans it covers.
                self.rates.extend([self.rates[-1]] * missed)
            del self.rates[: -self.keep]
            self._span, self._since = span, (time_s, total)
        self._last = (time_s, total)
        return closed


class RateHistory(Widget):
    """The row itself. ``show`` repaints only when the picture changes."""

    COMPONENT_CLASSES = {"rate-history--bar"}
    DEFAULT_CSS = "RateHistory { height: 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rates: tuple[float | None, ...] = ()
        self._drawn = ""

    def show(self, rates: Sequence[float | None]) -> bool:
        """Show these rates (bytes per second, oldest first). Returns whether anything had to be repainted."""
        self._rates = tuple(rates)
        if bars(self._rates, self.size.width) == self._drawn:
            return False
        self.refresh()
        return True

    @property
    def top(self) -> float:
        """The rate that a full bar stands for, in bytes per second."""
        width = self.size.width
        return max((rate for rate in self._rates[-width:] if rate), default=0.0) if width else 0.0

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        self._drawn = bars(self._rates, width)
        style = self.get_component_rich_style("rate-history--bar")
        return Strip([Segment(self._drawn, style)], width)
