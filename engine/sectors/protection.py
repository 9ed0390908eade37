"""Protection information in a sample, and over a whole image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet
from engine.sectors.guard import big16, big32, guards
from engine.sectors.model import GuardCheck, Protection
from engine.source import SectorFormat, SectorSource
from engine.source.base import ReadError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.sectors.detect import Piece
    from engine.source import Source

    Rows = npt.NDArray[np.uint8]

_MOST = 12_000
_RIGHT = 0.99
_LEAST = 16
_TOGETHER = 64
_CHUNK = 4 << 20


def _forms(format: SectorFormat) -> list[tuple[int, int]]:
    """Interval and offset of the first tuple, for each way in which tuples can stand behind the data."""
    end = format.before + format.data
    found = [(format.data, end)] if format.raw - end >= 8 else []
    if format.data == 4096 and format.raw - end >= 64:
        found.append((512, end))
    return found


def _rows(pieces: Sequence[Piece], format: SectorFormat) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Raw sectors of a sample and their numbers."""
    import numpy as np

    rows, numbers = [], []
    for piece in pieces:
        skip = (format.head - piece.offset) % format.raw
        count = (len(piece.data) - skip) // format.raw
        if count > 0:
            array = np.frombuffer(piece.data, np.uint8)
            rows.append(array[skip : skip + count * format.raw].reshape(count, format.raw))
            numbers.append((piece.offset + skip - format.head) // format.raw + np.arange(count))
    if not rows:
        return np.empty((0, format.raw), np.uint8), np.empty(0, np.int64)
    both, named = np.concatenate(rows), np.concatenate(numbers)
    if both.shape[0] > _MOST:
        # Neighbours stay together: whether tags rise by one shows between them only.
        starts = np.linspace(0, both.shape[0] - _TOGETHER, _MOST // _TOGETHER).astype(int)
        chosen = (starts[:, None] + np.arange(_TOGETHER)).ravel()
        both, named = both[chosen], named[chosen]
    return both, named


def find_protection(pieces: Sequence[Piece], format: SectorFormat) -> Protection | None:
    """T10 PI behind the data, when nearly all guards fit."""
    import numpy as np

    rows, numbers = _rows(pieces, format)
    used = rows[:, format.before : format.before + format.data].any(axis=1) if len(rows) else np.zeros(0, bool)
    rows, numbers = rows[used], numbers[used]
    if not len(rows):
        return None
    for interval, offset in _forms(format):
        right, written, references = _compare(rows, format, interval, offset)
        checked = int(written.sum())
        if checked < _LEAST or int((right & written).sum()) < _RIGHT * checked:
            continue
        kind, start = _kind(references[:, 0], numbers, written[:, 0], format.data // interval)
        return Protection(interval, offset, kind, start, checked, int((right & written).sum()), int((~written).sum()))
    return None


def _compare(
    rows: Rows, format: SectorFormat, interval: int, offset: int
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """For each sector and interval: guard right, tuple written (not all FF), reference tag."""
    import numpy as np

    count = format.data // interval
    data = rows[:, format.before : format.before + format.data].reshape(-1, interval)
    tuples = rows[:, offset : offset + 8 * count].reshape(-1, 8)
    right = guards(data) == big16(tuples[:, :2])
    written = ~(tuples == 0xFF).all(axis=1)
    shape = (rows.shape[0], count)
    return right.reshape(shape), written.reshape(shape), np.asarray(big32(tuples[:, 4:])).reshape(shape)


def _kind(
    references: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], written: npt.NDArray[np.bool_], step: int
) -> tuple[int, int | None]:
    """1: the tag is the LBA; 2: it rises, but not with the sector's number all over the image; 3: it does not."""
    import numpy as np

    references, numbers = references[written], numbers[written]
    if references.size < _LEAST:
        return 3, None
    bases = (references - numbers * step) & 0xFFFFFFFF
    values, counts = np.unique(bases, return_counts=True)
    best = int(counts.argmax())
    if counts[best] >= 0.98 * references.size:
        # Type 1 when it is the LBA: counted from the drive's beginning, or from where the image was cut.
        return 1, int(values[best])
    following = (np.diff(references) == step * np.diff(numbers)).mean() if references.size > 1 else 0
    return (2, None) if following > 0.5 else (3, None)


def check_guards(source: Source, format: SectorFormat, pi: Protection, reporter: Reporter = SILENT) -> GuardCheck:
    """Every guard of an image. Sectors with a hole, or that cannot be read, are ``unread``, not bad."""
    import numpy as np

    view = SectorSource(source, format)
    together = max(1, _CHUNK // format.raw)
    bad: list[tuple[int, int]] = []
    misplaced: list[tuple[int, int]] = []
    unread: list[tuple[int, int]] = []
    checked = escaped = 0
    for first in range(0, view.count, together):
        check(reporter)
        reporter.update(first * format.raw, source.size, "B", "checking guards")
        count = min(together, view.count - first)
        try:
            raw, holes = view.raw_sectors(first, count)
        except ReadError as error:
            if error.code != "read-error":
                raise
            unread.append((first * format.data, (first + count) * format.data))
            continue
        rows = np.frombuffer(raw, np.uint8).reshape(count, format.raw)
        right, written, references = _compare(rows, format, pi.interval, pi.offset)
        known = np.ones(count, bool)
        for low, high in holes:
            start = (low - format.head) // format.raw - first
            known[start : -(-(high - format.head) // format.raw) - first] = False
        written &= known[:, None]
        checked += int(written.sum())
        escaped += int((~written & known[:, None]).sum())
        unread += _ranges(~known, first * format.data, format.data)
        wrong = (~right & written).ravel()
        bad += _ranges(wrong, first * format.data, pi.interval)
        if pi.kind == 1 and pi.start is not None:
            each = format.data // pi.interval
            numbers = (np.arange(first * each, (first + count) * each) + pi.start) & 0xFFFFFFFF
            away = written.ravel() & right.ravel() & (references.ravel() != numbers)
            misplaced += _ranges(away, first * format.data, pi.interval)
    return GuardCheck(checked, escaped, RangeSet(bad), RangeSet(misplaced), RangeSet(unread), view.size)


def _ranges(marks: npt.NDArray[np.bool_], base: int, size: int) -> list[tuple[int, int]]:
    import numpy as np

    at = np.flatnonzero(marks)
    return [(base + int(k) * size, base + (int(k) + 1) * size) for k in at]
