"""Sector size, phase and what stands beside the data, from an image alone.

First the anchors (structures that begin a sector) tell size and phase together. Without them the guard CRC is tried at
every phase, then columns that stand out. What none of these tells is not guessed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.progress import SILENT, Reporter, check
from engine.sectors.anchors import SHAPES, find_anchors, judge
from engine.sectors.columns import describe, find_by_columns
from engine.sectors.guard import guards
from engine.sectors.model import KNOWN, Protection, SectorFinding, SizeScore
from engine.sectors.protection import find_protection
from engine.source import SectorFormat
from engine.source.base import ReadError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.source import Source

WINDOW = 1 << 20
_WINDOWS = 64
_LEAST_ANCHORS = 12
_SAMPLE = 12_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the image without holes."""

    offset: int
    data: bytes


def detect(source: Source, *, reporter: Reporter = SILENT, windows: int = _WINDOWS) -> SectorFinding:
    """Look at ``windows`` stretches of 1 MiB. Holes are passed over."""
    import numpy as np

    pieces = read_pieces(source, windows, reporter)
    read = sum(len(piece.data) for piece in pieces)
    words: tuple[str, ...]
    seen = [one for piece in pieces for one in find_anchors(piece.data, piece.offset)]
    anchors = np.array([at for at, _ in seen], np.int64)
    if anchors.size >= _LEAST_ANCHORS:
        ranked = judge(anchors, np.array([kind for _, kind in seen], np.int64))
        found = _by_anchors(source, pieces, ranked, int(anchors.size), read)
        if found is not None:
            return found
        sizes = tuple(score for score, _ in ranked)
    else:
        sizes = ()
    for raw, data in SHAPES[1:]:
        phase = _scan_guards(pieces, raw, data)
        if phase is None:
            continue
        format = _placed(raw, data, phase, trailing=True)
        pi = find_protection(pieces, format)
        if pi is not None:
            words = (f"no structure is known in the contents, but the guards of {pi.right} sectors fit at this size",)
            return _finding(source, format, "t10-pi", 0.98, True, words, pi, sizes, int(anchors.size), read)
    by_columns = find_by_columns(pieces)
    if by_columns is not None:
        format, trailer, words = by_columns
        return _finding(source, format, trailer, 0.6, False, words, None, sizes, int(anchors.size), read)
    hint = _divides(source.size)
    words = ("no structure, no guard and no column stands out: contents are encrypted, empty, or plain 512", *hint)
    return SectorFinding(None, "unknown", 0.0, False, words, None, sizes, int(anchors.size), read, source.size)


def read_pieces(source: Source, windows: int, reporter: Reporter) -> list[Piece]:
    """The image's beginning, and stretches spread over the rest; only what was read and is not all zero."""
    count = max(1, -(-source.size // WINDOW))
    chosen = list(range(min(8, count)))
    rng = random.Random(17)
    parts = max(1, windows - len(chosen))
    if count > windows:
        chosen += [rng.randrange(count * k // parts, max(count * k // parts + 1, count * (k + 1) // parts))
                   for k in range(parts)]  # fmt: skip
    else:
        chosen = list(range(count))
    found: list[Piece] = []
    for done, number in enumerate(sorted(set(chosen))):
        check(reporter)
        reporter.update(done, len(chosen), "windows", "reading samples")
        position = number * WINDOW
        if number >= 8:
            position = min(max(position, source.next_data(position)), max(0, source.size - WINDOW))
        try:
            reading = source.read(position, WINDOW)
        except ReadError as error:
            if error.code != "read-error":
                raise
            continue
        edge = position
        for low, high in (*reading.holes, (position + len(reading.data),) * 2):
            part = reading.data[edge - position : low - position]
            if len(part) >= 65536 and any(part):
                found.append(Piece(edge, part))
            edge = high
    return found


def _by_anchors(
    source: Source, pieces: list[Piece], ranked: list[tuple[SizeScore, int]], anchors: int, read: int
) -> SectorFinding | None:
    sizes = tuple(score for score, _ in ranked)
    words: tuple[str, ...]
    plain = next((score, phase) for score, phase in ranked if score.raw == 512)
    ninth = next(((score, phase) for score, phase in ranked if score.raw == 4608), None)
    rivals = [pair for pair in ranked if pair[0].raw not in (512, 4608)]
    (best, phase), runner = rivals[0], max(plain[0].score, rivals[1][0].score)
    if best.score > 2 * max(plain[0].score, 1.0) and best.score > 20:
        data = dict(SHAPES)[best.raw]
        format = _placed(best.raw, data, phase, trailing=True)
        pi = find_protection(pieces, format)
        trailer, told = ("t10-pi", []) if pi is not None else describe(pieces, best.raw, data, phase)
        if pi is None:
            format = _placed(best.raw, data, phase, trailing=False)
        share = f"{best.share:.0%} of {anchors} structures sit on a grid of {best.raw} bytes"
        words = (f"{share} ({plain[0].share:.0%} on 512)",)
        convert = best.score > 2 * runner or pi is not None
        confidence = 0.99 if convert else 0.7
        return _finding(source, format, trailer, confidence, convert, (*words, *told), pi, sizes, anchors, read)
    if plain[0].score > 20 and plain[0].score >= best.score:
        turns = [(ninth[1] + 512 * turn) % 4608 for turn in range(9)] if ninth is not None else []
        foreign = next((turn for turn in turns if _ninth_is_foreign(pieces, turn)), None)
        if foreign is not None:
            format = SectorFormat(4608, 4096, 0, foreign)
            words = (
                "structures sit on a grid of 512 bytes, but every ninth sector holds 64 bytes and is empty behind",
            )
            return _finding(source, format, "vendor", 0.9, True, words, None, sizes, anchors, read)
        words = (f"{plain[0].share:.0%} of {anchors} structures sit on a grid of 512 bytes: plain sectors",)
        head = SectorFormat(512, 512, 0, plain[1] % 512)
        return _finding(source, head, "none", 0.99, bool(head.head), words, None, sizes, anchors, read)
    return None


def _placed(raw: int, data: int, phase: int, *, trailing: bool) -> SectorFormat:
    """Where data begin in the sector and the sector in the image, from where data begin in the image.

    A phase that fits into the bytes beside the data means bytes before them (the image begins with a whole sector),
    unless protection behind the data was proven: then the image was cut.
    """
    if not trailing and 0 < phase <= raw - data:
        return SectorFormat(raw, data, phase, 0)
    return SectorFormat(raw, data, 0, phase)


def _scan_guards(pieces: list[Piece], raw: int, data: int) -> int | None:
    """The phase at which a CRC equals the two bytes behind the data at nearly all of a few places; None when there is
    none. A guard covers all data or, with tuples in a row behind 4096 bytes, the first 512 of them."""
    import numpy as np

    tally, tried = np.zeros((2, raw), int), np.zeros((2, raw), int)
    covers = (data, 512) if data == 4096 and raw - data >= 64 else (data,)
    for start, array in _full_places(pieces, raw, 10 if data == 512 else 5):
        rows = np.lib.stride_tricks.sliding_window_view(array, data + 2)[:raw]
        phases = (start + np.arange(rows.shape[0])) % raw
        written = rows[:, data].astype(np.uint16) << 8 | rows[:, data + 1]
        for form, cover in enumerate(covers):
            useful = rows[:, :cover].any(axis=1)
            right = guards(rows[:, :cover]) == written
            np.add.at(tally[form], phases[useful & right], 1)
            np.add.at(tried[form], phases[useful], 1)
    for form in range(len(covers)):
        best = int(tally[form].argmax())
        if tally[form][best] >= max(3, 0.7 * tried[form][best]):
            return best
    return None


def _full_places(pieces: list[Piece], raw: int, count: int) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Stretches of three raw sectors that hold something throughout, spread over the pieces."""
    import numpy as np

    found = 0
    for turn in range(4 * count):
        piece = pieces[turn * 7 % len(pieces)] if pieces else None
        if piece is None or len(piece.data) < 4 * raw or found >= count:
            continue
        at = turn * 7919 * 64 % (len(piece.data) - 3 * raw)
        array = np.frombuffer(piece.data, np.uint8)[at : at + 3 * raw]
        if all(part.any() for part in np.array_split(array, 24)):
            found += 1
            yield piece.offset + at, array


def _ninth_is_foreign(pieces: list[Piece], phase: int) -> bool:
    """Whether the sector behind each 4096 bytes holds 64 bytes only."""
    import numpy as np

    total = foreign = 0
    for piece in pieces:
        array = np.frombuffer(piece.data, np.uint8)
        skip = (phase - piece.offset) % 4608
        count = (array.size - skip) // 4608
        if count <= 0:
            continue
        rows = array[skip : skip + count * 4608].reshape(count, 4608)
        used = rows[:, :4096].any(axis=1) & rows[:, 4096:4160].any(axis=1)
        total += int(used.sum())
        foreign += int((used & ~rows[:, 4160:].any(axis=1)).sum())
    return total >= 32 and foreign >= 0.97 * total


def _divides(size: int) -> tuple[str, ...]:
    fits = [str(raw) for raw, _ in SHAPES[1:] if size % raw == 0 and size % 512]
    return (f"the image's size divides by {', '.join(fits)} and not by 512",) if fits else ()


def _finding(
    source: Source, format: SectorFormat, trailer: str, confidence: float, convert: bool, words: tuple[str, ...],
    pi: Protection | None, sizes: tuple[SizeScore, ...], anchors: int, read: int,
) -> SectorFinding:  # fmt: skip
    told = list(words)
    if pi is not None:
        told.append(
            f"the guards of {pi.right} of {pi.checked} sectors fit, {pi.escaped} were never written: T10 type {pi.kind}"
        )
        if pi.kind == 1 and pi.start is not None:
            told.append(f"the first sector calls itself LBA {pi.start}")
    known = KNOWN.get((format.raw, format.data, format.before))
    if known:
        told.append(f"known from: {known}")
    told += _divides(source.size)
    return SectorFinding(format, trailer, confidence, convert, tuple(told), pi, sizes, anchors, read, source.size)
