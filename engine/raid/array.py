"""The assembled array as a source: read through, missing strips computed by XOR, holes told honestly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import DamagedError, UsageError
from engine.raid.layout import Geometry
from engine.raid.parity import xor_into
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import Buffer, ReadError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Holes = tuple[tuple[int, int], ...]

_DIRECT_STRIP = 32 << 10
"""Strips of this size and more are read one by one into their place; shorter ones cost too many calls for that."""
_CHUNK = 16 << 20
"""Bytes of all drives that are held at a time when whole rows are read."""


class ArraySource(Source):
    """A RAID4/RAID5 volume over its members. Closes them when closed.

    ``members`` are sources by member number; None where a member cannot be used. A byte that its own drive does not
    give (missing drive, hole, unreadable sector) is the XOR of the others; it is a hole only when a second drive does
    not give that place either. An unreadable sector on two drives of one row raises ``ReadError``.
    """

    def __init__(self, members: Sequence[Source | None], geometry: Geometry, path: str) -> None:
        self.geometry, self.path = geometry, path
        self._sources: list[Source | None] = []
        for number in geometry.order:
            if number is not None and number >= len(members):
                raise UsageError(f"the order names member {number + 1}, but there are {len(members)}",
                                 code="raid-order", path=path)  # fmt: skip
            self._sources.append(None if number is None else members[number])
        if sum(source is None for source in self._sources) > 1:
            raise UsageError("more than one member is missing", code="raid-missing", path=path,
                             advice="with one parity only one can be computed")  # fmt: skip
        room = [
            (source.size - offset) // geometry.strip
            for source, offset in zip(self._sources, geometry.offsets, strict=True)
            if source is not None
        ]
        rows = min(room)
        if geometry.rows is not None:
            if rows < geometry.rows:
                short = room.index(rows)
                raise DamagedError(
                    f"a member holds {rows} rows of the array's {geometry.rows}", code="raid-short", path=path,
                    advice=f"drive {short} of the order is too short: is it the right image, imaged to its end?",
                )  # fmt: skip
            rows = geometry.rows
        if rows <= 0:
            raise DamagedError("no row of the array fits on its members", code="raid-short", path=path,
                               advice="check strip size and data offset")  # fmt: skip
        self.rows = rows
        self._row_size = geometry.strip * geometry.data_drives
        self.size = rows * self._row_size
        self._members = [member for member in members if member is not None]
        self._holes: RangeSet | None = None
        self._spare: list[npt.NDArray[np.uint8]] = []

    def close(self) -> None:
        for member in self._members:
            member.close()

    # --- reading

    def next_data(self, offset: int) -> int:
        """The next row in which a drive may hold something; where all drives are sparse, so is the volume."""
        if offset >= self.size:
            return self.size
        geometry = self.geometry
        row = offset // self._row_size
        at = row * geometry.strip
        found = min(
            source.next_data(start + at) - start
            for source, start in zip(self._sources, geometry.offsets, strict=True)
            if source is not None
        )
        return offset if found < at + geometry.strip else min(self.size, found // geometry.strip * self._row_size)

    def read_into(self, offset: int, buffer: Buffer) -> Holes:
        self.check_inside(offset, len(buffer))
        view = memoryview(buffer)
        geometry, row_size = self.geometry, self._row_size
        by_rows = geometry.missing is not None or geometry.strip < _DIRECT_STRIP
        holes: list[tuple[int, int]] = []
        while view:
            row, inside = divmod(offset, row_size)
            chunk = min(len(view) // row_size, max(1, _CHUNK // (geometry.strip * geometry.drives)))
            if by_rows and inside == 0 and chunk and geometry.strip <= _CHUNK // 4 and self._rows(row, chunk, view):
                count = chunk * row_size
            else:
                count = min(row_size - inside, len(view))
                holes += self._strips(row, inside, view[:count])
            view, offset = view[count:], offset + count
        return tuple(_joined(holes))

    def _strips(self, row: int, inside: int, view: memoryview) -> list[tuple[int, int]]:
        """Part of one row, from ``inside`` on, strip by strip; returns holes of the volume."""
        geometry = self.geometry
        holes: list[tuple[int, int]] = []
        base = row * self._row_size
        while view:
            index, at = divmod(inside, geometry.strip)
            count = min(geometry.strip - at, len(view))
            position = row * geometry.strip + at
            lost = self._piece(geometry.data_drive(row, index), position, view[:count])
            holes += [(base + inside + low - position, base + inside + high - position) for low, high in lost]
            view, inside = view[count:], inside + count
        return holes

    def _drive(self, drive: int, position: int, view: Buffer) -> Holes:
        """From the drive itself; ``position`` and holes count from row 0."""
        source, start = self._sources[drive], self.geometry.offsets[drive]
        if source is None:
            return ((position, position + len(view)),)
        return tuple((low - start, high - start) for low, high in source.read_into(start + position, view))

    def _piece(self, drive: int, position: int, view: memoryview) -> list[tuple[int, int]]:
        failed: ReadError | None = None
        try:
            bad = self._drive(drive, position, view)
        except ReadError as error:
            if error.code != "read-error":
                raise  # a drive that is gone is for the person, not for the parity
            failed, bad = error, ((position, position + len(view)),)
        lost: list[tuple[int, int]] = []
        for low, high in bad:
            lost += self._rebuild(drive, low, view[low - position : high - position], failed)
        return lost

    def _rebuild(self, drive: int, position: int, view: memoryview, failed: ReadError | None) -> list[tuple[int, int]]:
        """Fill ``view`` with the XOR of the other drives; returns where one of them has a hole too."""
        import numpy as np

        total = np.zeros(len(view), np.uint8)
        lost = RangeSet()
        for other in range(self.geometry.drives):
            if other == drive:
                continue
            data = bytearray(len(view))
            try:
                holes = self._drive(other, position, data)
            except ReadError as error:
                raise (failed or error) from error
            if holes:
                lost = lost.union(RangeSet(holes))
            xor_into(total, [np.frombuffer(data, np.uint8)])
        for low, high in lost:
            total[low - position : high - position] = 0
        view[:] = total.data
        return list(lost)

    def _rows(self, row: int, count: int, view: memoryview) -> bool:
        """``count`` whole rows at once, each drive read in one go; False when a hole or a read error is among them."""
        import numpy as np

        geometry = self.geometry
        size = count * geometry.strip
        scratch = self._take_scratch(size)
        try:
            for drive, source in enumerate(self._sources):
                if source is None:
                    continue
                try:
                    if source.read_into(geometry.offsets[drive] + row * geometry.strip, scratch[drive, :size].data):
                        return False
                except ReadError as error:
                    if error.code != "read-error":
                        raise
                    return False
            gone = geometry.missing
            if gone is not None:
                present = [scratch[drive, :size] for drive in range(geometry.drives) if drive != gone]
                total = scratch[gone, :size]
                total[:] = present[0]
                xor_into(total, present[1:])
            out = np.frombuffer(view[: count * self._row_size], np.uint8)
            self._place(out.reshape(count, geometry.data_drives, geometry.strip), scratch, row)
        finally:
            self._spare.append(scratch)
        return True

    def _take_scratch(self, size: int) -> npt.NDArray[np.uint8]:
        """Room for ``size`` bytes of each drive. Kept for the next call: fresh memory costs more than the reading."""
        import numpy as np

        try:
            scratch = self._spare.pop()
        except IndexError:
            scratch = np.empty((self.geometry.drives, size), np.uint8)
        if scratch.shape[1] < size:
            scratch = np.empty((self.geometry.drives, size), np.uint8)
        return scratch

    def _place(self, out: npt.NDArray[np.uint8], scratch: npt.NDArray[np.uint8], row: int) -> None:
        """Strips of each drive to their places in the volume."""
        import numpy as np

        geometry, count = self.geometry, out.shape[0]
        rows = np.arange(row, row + count, dtype=np.int64)
        for drive in range(geometry.drives):
            indexes = geometry.data_indexes(rows, drive)
            strips = scratch[drive, : count * geometry.strip].reshape(count, geometry.strip)
            if geometry.strip >= _DIRECT_STRIP // 4:
                for number, index in enumerate(indexes.tolist()):
                    if index >= 0:
                        out[number, index] = strips[number]
                continue
            for index in set(indexes.tolist()) - {-1}:
                where = indexes == index
                out[where, index] = strips[where]

    # --- holes

    @property
    def holes(self) -> RangeSet:
        """Places that two drives of a row do not give."""
        if self._holes is None:
            self._holes = self._find_holes()
        return self._holes

    def _find_holes(self) -> RangeSet:
        end = self.rows * self.geometry.strip
        unread = []
        for source, start in zip(self._sources, self.geometry.offsets, strict=True):
            if source is None:
                unread.append(RangeSet.of(0, end))
            else:
                unread.append(source.holes.clip(start, start + end).shift(-start))
        once = twice = RangeSet()
        for one in unread:
            twice = twice.union(once.intersect(one))
            once = once.union(one)
        found = RangeSet()
        for drive, one in enumerate(unread):
            lost = one.intersect(twice)
            if lost:
                found = found.union(self._in_volume(drive, lost))
        return found

    def _in_volume(self, drive: int, ranges: RangeSet) -> RangeSet:
        """Ranges of a drive (from row 0) as places of the volume; what is parity there has none."""
        import numpy as np

        strip = self.geometry.strip
        first, last = ranges.starts // strip, (ranges.ends - 1) // strip
        count = last - first + 1
        owner = np.repeat(np.arange(len(ranges)), count)
        rows = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count) + first[owner]
        low = np.maximum(ranges.starts[owner], rows * strip) - rows * strip
        high = np.minimum(ranges.ends[owner], (rows + 1) * strip) - rows * strip
        index = self.geometry.data_indexes(rows, drive)
        base = rows * self._row_size + index * strip
        keep = index >= 0
        return RangeSet.from_arrays((base + low)[keep], (base + high)[keep])


def _joined(holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return list(RangeSet(holes)) if len(holes) > 1 else holes
