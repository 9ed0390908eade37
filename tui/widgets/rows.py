"""Rows of a list laid out in columns: pure functions, no drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from engine.text import safe_text
from tui.widgets.labels import fit, fit_right

GAP = 2
_LONGEST = 400


class Cell(NamedTuple):
    """A cell with a style of its own: ``style`` is a component class of the list."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. It is ``width`` wide, or as wide as its longest cell between ``least`` and ``width``.

    ``flex`` columns share what is left; a column with ``drop`` goes first (largest number first) when room is short.
    """

    title: str = ""
    width: int = 12
    right: bool = False
    flex: bool = False
    least: int = 0
    drop: int = 0
    path: bool = False
    """The end of the text matters: when it is too long its middle gives way."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line that can be chosen. ``id`` keeps the cursor on it when the list changes."""

    id: str
    cells: tuple[str | Cell, ...]
    style: str = ""
    """Component class for the whole row."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, its rows, and what to say when there are none."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: str = ""


class Line(NamedTuple):
    """A line ready to draw: spans of (text, component class), and the row it stands for (None: heading, note)."""

    spans: tuple[tuple[str, str], ...]
    row: Row | None


def widths(columns: Sequence[Column], rows: Sequence[Row], width: int, lead: str = "") -> list[int]:
    """The width of each column (0: left out) so that all of them with their gaps fill at most ``width`` cells.

    ``lead`` is the section's name, which stands over the first column.
    """
    longest = [
        max([len(column.title), len(lead) if number == 0 else 0, *(_length(row.cells, number) for row in rows)])
        for number, column in enumerate(columns)
    ]
    used = [
        min(max(column.least, 8), size) if column.flex else max(column.least, min(column.width, size))
        for column, size in zip(columns, longest, strict=True)
    ]
    for number in range(1, len(used)):
        if rows and not any(_length(row.cells, number) for row in rows):
            used[number] = 0  # nobody has anything to say there
    while _total(used) > width:
        droppable = [number for number, column in enumerate(columns) if column.drop and used[number]]
        if not droppable:
            break
        used[max(droppable, key=lambda number: columns[number].drop)] = 0
    over = _total(used) - width
    for number in sorted((n for n, column in enumerate(columns) if column.flex), key=lambda n: -used[n]):
        # Nothing left to drop: the widest of the flexible columns give way.
        give = max(0, min(over, used[number] - 8))
        used[number] -= give
        over -= give
    flexible = [number for number, column in enumerate(columns) if column.flex and used[number]]
    left = width - _total(used)
    while left > 0 and flexible:
        # What one column does not need goes to the others.
        share = max(1, left // len(flexible))
        for number in list(flexible):
            more = min(share, left, max(0, longest[number] - used[number]))
            used[number] += more
            left -= more
            if more < share:
                flexible.remove(number)
    return used


def _total(used: Sequence[int]) -> int:
    return sum(used) + GAP * (sum(1 for size in used if size) - 1)


def _length(cells: tuple[str | Cell, ...], number: int) -> int:
    if number >= len(cells):
        return 0
    cell = cells[number]
    return cell_len(safe_text(cell.text if isinstance(cell, Cell) else cell, _LONGEST))


def lay_out(sections: Sequence[Section], width: int) -> list[Line]:
    """All lines of a list that is ``width`` cells wide; every text is made safe here."""
    lines: list[Line] = []
    for section in sections:
        if lines:
            lines.append(Line((), None))
        # Sections of the same kind stand under each other: their columns are in line.
        kin = [other for other in sections if other.columns == section.columns]
        lead = max((other.title for other in kin), key=len)
        sizes = widths(section.columns, [row for other in kin for row in other.rows], width - 2, lead)
        heading = _heading(section, sizes, width)
        if heading is not None:
            lines.append(heading)
        if not section.rows and section.empty:
            lines.append(Line((("  " + fit(safe_text(section.empty), width - 2), "row--empty"),), None))
        lines += [_line(row, section.columns, sizes, width) for row in section.rows]
    return lines


def _heading(section: Section, sizes: list[int], width: int) -> Line | None:
    titles = [column.title for column in section.columns]
    if section.title:
        titles[0] = section.title  # the section's name stands over its first column
    if not any(titles):
        return None
    shown = [
        _cell(title, column, size) for title, column, size in zip(titles, section.columns, sizes, strict=True) if size
    ]
    text = _join(shown) if section.rows else titles[0]
    return Line(((" " + set_cell_size(text, width - 1), "row--heading"),), None)


def _cell(text: str, column: Column, size: int) -> str:
    if cell_len(text) > size and not column.path:
        text = set_cell_size(text, max(0, size - 1)) + "…"
    return (fit_right if column.right else fit)(text, size)


def _join(parts: Sequence[str]) -> str:
    return (" " * GAP).join(parts)


def _line(row: Row, columns: Sequence[Column], sizes: list[int], width: int) -> Line:
    spans: list[tuple[str, str]] = []
    used = 2
    for number, (column, size) in enumerate(zip(columns, sizes, strict=True)):
        if not size:
            continue
        cell = row.cells[number] if number < len(row.cells) else ""
        text, style = (cell.text, cell.style) if isinstance(cell, Cell) else (cell, "")
        gap = " " * GAP if spans else ""
        spans.append((gap + _cell(safe_text(text, _LONGEST), column, size), style or row.style))
        used += len(gap) + size
    spans.append((" " * max(0, width - used), row.style))
    return Line(tuple(spans), row)
