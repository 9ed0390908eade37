"""What a block map draws: anything that lies on bytes and has a status for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile


class Folded(Protocol):
    """A row of cells: the worst status code of each (255: nothing there), whether it is mixed, bytes by code."""

    @property
    def worst(self) -> npt.NDArray[np.uint8]: ...

    @property
    def mixed(self) -> npt.NDArray[np.bool_]: ...

    @property
    def bytes(self) -> npt.NDArray[np.int64] | None: ...


class Picture(Protocol):
    """Offsets are bytes. Codes count upwards to what matters most in a cell of several."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    def cells(self, start: int, end: int, count: int, *, with_bytes: bool) -> Folded:
        """``[start, end)`` folded into at most ``count`` cells."""

    def worst_at(self, start: int, end: int) -> int:
        """The first byte of the worst status in ``[start, end)``."""

    def block_at(self, offset: int) -> tuple[int, int] | None:
        """The stretch of one status around a byte."""

    def seek(self, offset: int, statuses: str, *, forwards: bool) -> int | None:
        """Where the next (or the previous) stretch of one of these statuses, by their letters, begins."""


class RescuePicture:
    """A rescue map as a picture."""

    def __init__(self, map: Mapfile) -> None:
        self.map = map

    @property
    def start(self) -> int:
        return self.map.start

    @property
    def end(self) -> int:
        return self.map.end

    def cells(self, start: int, end: int, count: int, *, with_bytes: bool) -> Folded:
        from engine.mapfile.cells import cells

        return cells(self.map, start, end, count, with_bytes=with_bytes)

    def worst_at(self, start: int, end: int) -> int:
        piece = self.map.runs(start, end)
        return int(piece.bounds[int(np.argmax(piece.codes))])

    def block_at(self, offset: int) -> tuple[int, int] | None:
        index = self.map.index_at(offset)
        if index is None:
            return None
        block = self.map.block(index)
        return block.start, block.end

    def seek(self, offset: int, statuses: str, *, forwards: bool) -> int | None:
        from engine.mapfile.cells import next_block, previous_block

        index = (next_block if forwards else previous_block)(self.map, offset, statuses)
        return None if index is None else self.map.block(index).start
