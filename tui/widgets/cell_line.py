"""The row below a block map: what exactly is in the cell under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.text import format_size
from themes.palettes import MARKS
from tui.widgets.map_view import View

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile


def mix(map: Mapfile, start: int, end: int) -> tuple[int, ...]:
    """Bytes of each status code inside ``[start, end)``."""
    piece = map.runs(start, end)
    sizes = np.diff(piece.bounds)
    return tuple(int(sizes[piece.codes == code].sum()) for code in range(len(MARKS)))


def size_text(size: int, sector: int) -> str:
    """A size that is exact wherever it is small: sectors below 64 KiB, else the unit."""
    if size < 65536 and size % sector == 0 and size:
        count = size // sector
        return f"{count} sector" + ("s" if count != 1 else "")
    return format_size(size)


def cell_text(map: Mapfile | None, view: View, cursor: int, width: int) -> str:
    """``0x00E3C00000 910.4 MiB  1.0 MiB here: + 1000.0 KiB  - 48 sectors``, and the block when all is of one status."""
    if map is None or not view.size:
        return ""
    start = view.cell_start(cursor)
    end = min(view.domain_end, start + view.cell)
    at = f"0x{cursor:08X} {format_size(cursor)}"
    amounts = mix(map, start, end)
    present = [(mark, amount) for mark, amount in zip(MARKS, amounts, strict=True) if amount]
    if not present:
        return f"{at}  outside of the map"[:width]
    if len(present) > 1:
        # The worst first: when the row is too short, it is the harmless end that is cut off.
        listed = "  ".join(f"{mark.letter} {size_text(amount, view.sector)}" for mark, amount in reversed(present))
        return f"{at}  mixed: {listed}"[:width]
    mark = present[0][0]
    index = map.index_at(cursor)
    block = map.block(index) if index is not None else None
    of = f", block 0x{block.start:08X} + {size_text(block.size, view.sector)}" if block is not None else ""
    return f"{at}  {mark.letter} {mark.label}{of}"[:width]
