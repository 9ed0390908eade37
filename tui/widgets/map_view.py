"""Which bytes stand in which cell of a block map: zoom, scrolling and cells as pure arithmetic, no drawing.

A view lays ``columns`` x ``rows`` cells of ``cell`` bytes each over a domain. The widest view fits the whole domain;
every closer one has cells of sector x 4^n, so that a cell begins and ends on a sector and the deepest cell is one
sector. Cells are counted from the beginning of the domain, rows are never shifted sideways: an offset keeps its
column while the view scrolls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

STEP = 4
"""How much closer one zoom step looks: 11 steps from a terabyte to its sectors, each a full repaint on a slow line."""


def fit_cell(size: int, cells: int, sector: int) -> int:
    """The smallest cell, whole sectors, with which ``cells`` cells cover ``size`` bytes."""
    if size <= 0 or cells <= 0:
        return sector
    per_cell = -(-size // cells)
    return max(sector, -(-per_cell // sector) * sector)


def levels(size: int, cells: int, sector: int) -> tuple[int, ...]:
    """Every cell size from the whole domain down to one sector, largest first."""
    widest = fit_cell(size, cells, sector)
    found = []
    cell = sector
    while cell < widest:
        found.append(cell)
        cell *= STEP
    # A last step of less than a half would repaint everything and show nothing new.
    if len(found) > 1 and widest < found[-1] * 2:
        found.pop()
    return (widest, *reversed(found))


@dataclass(frozen=True, slots=True)
class View:
    """A window of cells over the bytes ``[domain_start, domain_end)``; all offsets and sizes in bytes."""

    domain_start: int
    domain_end: int
    sector: int
    columns: int
    rows: int
    cell: int
    first: int = 0
    """Number of the first cell shown, counted from the beginning of the domain; a multiple of ``columns``."""

    @classmethod
    def fit(cls, domain_start: int, domain_end: int, sector: int, columns: int, rows: int) -> View:
        """The whole domain."""
        columns, rows = max(1, columns), max(1, rows)
        size = max(0, domain_end - domain_start)
        return cls(domain_start, domain_end, sector, columns, rows, fit_cell(size, columns * rows, sector))

    @property
    def size(self) -> int:
        """Bytes of the domain."""
        return max(0, self.domain_end - self.domain_start)

    @property
    def all_cells(self) -> int:
        """How many cells the domain has at this zoom."""
        return -(-self.size // self.cell)

    @property
    def count(self) -> int:
        """How many cells are on show and inside the domain."""
        return max(0, min(self.columns * self.rows, self.all_cells - self.first))

    @property
    def start(self) -> int:
        """Offset of the first byte on show."""
        return self.domain_start + self.first * self.cell

    @property
    def end(self) -> int:
        """Offset after the last byte on show (inside the domain)."""
        return min(self.domain_end, self.start + self.count * self.cell)

    @property
    def whole(self) -> bool:
        """Whether the whole domain is on show."""
        return self.first == 0 and self.count >= self.all_cells

    @property
    def levels(self) -> tuple[int, ...]:
        """The cell sizes zooming goes through, largest first."""
        return levels(self.size, self.columns * self.rows, self.sector)

    def index(self, offset: int) -> int | None:
        """Which cell on show holds the byte ``offset``; None when it is not on show."""
        if not self.domain_start <= offset < self.domain_end:
            return None
        index = (offset - self.domain_start) // self.cell - self.first
        return index if 0 <= index < self.count else None

    def bounds(self, index: int) -> tuple[int, int]:
        """The bytes ``[start, end)`` of the cell ``index`` on show."""
        start = self.start + index * self.cell
        return start, min(self.domain_end, start + self.cell)

    def clamp(self, offset: int) -> int:
        """``offset`` moved into the domain."""
        return max(self.domain_start, min(offset, max(self.domain_start, self.domain_end - 1)))

    def cell_start(self, offset: int) -> int:
        """The first byte of the cell that holds ``offset``."""
        offset = self.clamp(offset)
        return self.domain_start + (offset - self.domain_start) // self.cell * self.cell

    def stepped(self, offset: int, cells: int) -> int:
        """The first byte of the cell so many cells on; beyond the border of the domain fewer whole rows are taken, and
        the byte itself when there is none."""
        start = self.cell_start(offset)
        row = self.columns if cells > 0 else -self.columns
        while abs(cells) > self.columns and not self._inside(start + cells * self.cell):
            cells -= row
        target = start + cells * self.cell
        return target if self._inside(target) else offset

    def _inside(self, offset: int) -> bool:
        return self.domain_start <= offset < self.domain_end

    def _placed(self, cell: int, around: int, row: int) -> View:
        """Cells of ``cell`` bytes, with the byte ``around`` in row ``row`` where the domain's borders allow."""
        probe = replace(self, cell=cell, first=0)
        around_row = (probe.clamp(around) - self.domain_start) // cell // self.columns
        last_row = max(0, -(-probe.all_cells // self.columns) - self.rows)
        top = max(0, min(around_row - row, last_row))
        return replace(probe, first=top * self.columns)

    def _row(self, offset: int) -> int:
        index = self.index(offset)
        return self.rows // 2 if index is None else index // self.columns

    def zoomed_in(self, around: int) -> View:
        """One step closer, with the byte ``around`` staying in its row."""
        closer = [cell for cell in self.levels if cell < self.cell]
        return self._placed(closer[0], around, self._row(around)) if closer else self

    def zoomed_out(self, around: int) -> View:
        """One step back, with the byte ``around`` staying in its row."""
        wider = [cell for cell in self.levels if cell > self.cell]
        return self._placed(wider[-1], around, self._row(around)) if wider else self.fitted()

    def zoomed_to(self, start: int, end: int) -> View:
        """The closest zoom that still shows all of ``[start, end)``, which is put in the middle."""
        wanted = max(1, end - start)
        # One row of slack: a range rarely begins at the left border.
        cells = max(1, self.columns * max(1, self.rows - 1))
        fitting = [cell for cell in self.levels if cell * cells >= wanted]
        cell = fitting[-1] if fitting else self.levels[0]
        used_rows = min(self.rows, -(-wanted // (cell * self.columns)))
        return self._placed(cell, start, (self.rows - used_rows) // 2)

    def fitted(self) -> View:
        """The whole domain."""
        return View.fit(self.domain_start, self.domain_end, self.sector, self.columns, self.rows)

    def sectors(self, around: int) -> View:
        """One sector in each cell, around a byte."""
        return self._placed(self.levels[-1], around, self._row(around))

    def showing(self, offset: int) -> View:
        """Scrolled so that ``offset`` is on show: not at all when it is, else by half a view, which on a slow line
        costs a repaint every half view instead of one for each row."""
        offset = self.clamp(offset)
        if self.index(offset) is not None or self.size == 0:
            return self
        row = (offset - self.domain_start) // self.cell // self.columns
        top = self.first // self.columns
        return self._placed(self.cell, offset, 3 * self.rows // 4 if row < top else self.rows // 4)

    def resized(self, columns: int, rows: int, around: int) -> View:
        """For another size on the screen; a whole view stays whole, a close one keeps its zoom and ``around``."""
        columns, rows = max(1, columns), max(1, rows)
        if (columns, rows) == (self.columns, self.rows):
            return self
        if self.cell == self.fitted().cell:
            return View.fit(self.domain_start, self.domain_end, self.sector, columns, rows)
        other = replace(self, columns=columns, rows=rows, first=0)
        widest = other.fitted().cell
        if self.cell >= widest:
            return other.fitted()
        return other._placed(self.cell, around, rows // 2)

    def over(self, domain_start: int, domain_end: int, sector: int) -> View:
        """The same zoom and place over another domain (a map that grew); a whole view stays whole."""
        if (domain_start, domain_end, sector) == (self.domain_start, self.domain_end, self.sector):
            return self
        if self.whole or sector != self.sector:
            return View.fit(domain_start, domain_end, sector, self.columns, self.rows)
        other = replace(self, domain_start=domain_start, domain_end=domain_end, first=0)
        if self.cell >= other.fitted().cell:
            return other.fitted()
        return other._placed(self.cell, self.start, 0)
