"""One row of a hex view as runs of text and style: pure functions, no drawing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from themes.palettes import BY_LETTER

if TYPE_CHECKING:
    from engine.hex.reading import Page

FIELD_CLASSES = ("hex--field-a", "hex--field-b", "hex--field-c")
WRONG, NOW, SELECTED, CURSOR, CURSOR_SOFT, FOUND, SOFT = (
    "hex--wrong", "hex--now", "hex--selected", "hex--cursor", "hex--cursor-soft", "hex--found", "hex--offset",
)  # fmt: skip
CLASSES = {
    *FIELD_CLASSES, WRONG, NOW, SELECTED, CURSOR, CURSOR_SOFT, FOUND, SOFT,
    "status--finished", "status--non-tried", "status--non-trimmed", "status--non-scraped", "status--bad",
}  # fmt: skip
_PRINTED = "".join(chr(code) if 32 <= code < 127 else "." for code in range(256))


class Span(NamedTuple):
    """Bytes ``[start, end)`` with a component class."""

    start: int
    end: int
    style: str


class Run(NamedTuple):
    """Text of one style; ``style`` is a component class, empty for plain."""

    text: str
    style: str


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a row is divided: ``columns`` bytes, an offset of ``digits`` hex digits."""

    columns: int
    digits: int

    @classmethod
    def fit(cls, width: int, size: int) -> Geometry:
        """The widest of 32, 16, 8, 4 or 1 bytes that fits ``width`` cells for a source of ``size`` bytes."""
        digits = max(8, len(f"{max(0, size - 1):x}"))
        for columns in (32, 16, 8, 4, 2):
            if cls(columns, digits).width <= width:
                return cls(columns, digits)
        return cls(1, digits)

    @property
    def gaps(self) -> int:
        """Extra blanks between groups of eight bytes."""
        return max(0, (self.columns - 1) // 8)

    @property
    def width(self) -> int:
        """Cells of a whole row."""
        return self.text_at + self.columns

    @property
    def bytes_at(self) -> int:
        """Where the first byte stands."""
        return self.digits + 2

    @property
    def text_at(self) -> int:
        """Where the text of the row stands."""
        return self.bytes_at + self.columns * 3 - 1 + self.gaps + 2

    def column_of(self, x: int) -> int | None:
        """Which byte of the row stands at cell ``x``; None beside the bytes."""
        if self.text_at <= x < self.text_at + self.columns:
            return x - self.text_at
        for column in range(self.columns):
            at = self.bytes_at + column * 3 + column // 8
            if at <= x < at + 3:
                return column
        return None


class Spans:
    """Spans that do not overlap, found by position."""

    def __init__(self, spans: Sequence[Span] = ()) -> None:
        kept: list[Span] = []
        for span in sorted(spans):
            if span.end > span.start and (not kept or span.start >= kept[-1].end):
                kept.append(span)
        self._spans = kept
        self._starts = [span.start for span in kept]

    def at(self, offset: int) -> str:
        """The style of a byte; empty outside of all."""
        index = bisect_right(self._starts, offset) - 1
        return self._spans[index].style if index >= 0 and offset < self._spans[index].end else ""


def row_runs(
    geometry: Geometry,
    offset: int,
    end: int,
    page: Page | None,
    *,
    spans: Spans,
    selection: tuple[int, int] | None = None,
    now: tuple[int, int] | None = None,
    found: Spans | None = None,
    cursor: int | None = None,
    cursor_style: str = CURSOR,
) -> list[Run]:
    """The runs of the row at ``offset`` of a source that ends at ``end``; ``page`` holds the whole row, None when it
    was not read yet (the row is then blank)."""
    columns = geometry.columns
    count = max(0, min(columns, end - offset))
    if not count:
        return [Run(" " * geometry.width, "")]
    head = Run(f"{offset:0{geometry.digits}x}  ", SOFT)
    if page is None:
        return [head, Run(" " * (geometry.width - len(head.text)), "")]
    cells: list[str] = []
    chars: list[str] = []
    styles: list[str] = []
    data = page.data[offset - page.offset : offset - page.offset + count]
    unread = any(one.start < offset + count and one.end > offset for one in page.unread)
    for number, value in enumerate(data):
        at = offset + number
        letter = page.letter_at(at) if unread else None
        if letter is not None:
            cells.append(letter * 2)
            chars.append(letter)
            style = f"status--{BY_LETTER[letter].name}"
        else:
            cells.append(f"{value:02x}")
            chars.append(_PRINTED[value])
            style = spans.at(at)
            if found is not None and found.at(at):
                style = FOUND
            if now is not None and now[0] <= at < now[1]:
                style = NOW
        if selection is not None and selection[0] <= at < selection[1]:
            style = SELECTED
        styles.append(cursor_style if at == cursor else style)
    runs = [head]
    for number in range(columns):
        inside = number < len(cells)
        runs.append(Run(cells[number] if inside else "  ", styles[number] if inside else ""))
        if number + 1 < columns:
            same = number + 1 < len(cells) and styles[number] == styles[number + 1]
            blank = "  " if number % 8 == 7 else " "
            runs.append(Run(blank, styles[number] if same else ""))
    runs.append(Run("  ", ""))
    runs += [Run(char, style) for char, style in zip(chars, styles, strict=True)]
    runs.append(Run(" " * (columns - len(chars)), ""))
    return joined(runs)


def joined(runs: Sequence[Run]) -> list[Run]:
    """Neighbours of one style as one run; blanks between plain bytes belong to them."""
    out: list[Run] = []
    for run in runs:
        if not run.text:
            continue
        if out and out[-1].style == run.style:
            out[-1] = Run(out[-1].text + run.text, run.style)
        else:
            out.append(run)
    return out
