"""The record length found again when the header is gone: by the rhythm of the flags and the stability of columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.artifacts.dbf.model import FLAGS, FieldDef
from engine.artifacts.dbf.rows import END
from engine.times import NotADate
from engine.times.fields import text_date

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LOOKED_AT = 1 << 18
"""Bytes of the table that are looked at."""
LONGEST = 4000
_LEAST_ROWS = 4
_NEARLY = 0.8
_LEAST_STABLE = 0.15


@dataclass(frozen=True, slots=True)
class Period:
    """Rows of ``length`` bytes from ``start`` on; ``stability`` up to 1 (``_stability``); ``rows`` were looked at."""

    start: int
    length: int
    stability: float
    rows: int


def find_period(data: bytes) -> Period | None:
    """The rhythm of records in ``data``, the beginning of a table with a destroyed or missing header; None without one.

    The rows are looked for from the first byte that is not zero; where that is no flag, backwards from the end.
    """
    data = data[:LOOKED_AT]
    body = data.rstrip(bytes([END])) or data
    start = next((at for at, byte in enumerate(body) if byte), None)
    if start is None:
        return None
    if body[start] in FLAGS:
        found = _best(body, start, _kept(body, start))
        if found is not None:
            return found
    return _from_end(body) if len(data) < LOOKED_AT else None


def _kept(body: bytes, start: int) -> list[int]:
    """The lengths at whose multiples every byte is a flag."""
    kept = []
    for length in range(2, min(LONGEST, (len(body) - start) // _LEAST_ROWS) + 1):
        flags = body[start::length]
        if not flags.strip(FLAGS):
            kept.append(length)
    return kept


def _best(body: bytes, start: int, kept: list[int]) -> Period | None:
    """The smallest kept length that is nearly as stable as the best, or a part of it that is as stable: text columns
    padded with blanks imitate other lengths, whose columns then mix, and multiples of the right one are as good."""
    if not kept:
        return None
    known = {length: _stability(body, start, length) for length in kept}
    enough = _NEARLY * max(known.values())
    length = next(one for one in kept if known[one] >= enough)
    length = next(one for one in kept if length % one == 0 and (
        known[one] >= _NEARLY * known[length] or _has_deleted(body, start, one, length // one)
    ))  # fmt: skip
    if known[length] < _LEAST_STABLE:
        return None
    return Period(start, length, round(known[length], 3), (len(body) - start) // length)


def _has_deleted(body: bytes, start: int, length: int, times: int) -> bool:
    """Whether flags that rows of ``times`` that length would not have say that a row is deleted: padding has blanks
    only. (Tables whose rows repeat in themselves look better at a multiple of their length.)"""
    flags = body[start::length]
    return any(flag == 0x2A for number, flag in enumerate(flags) if number % times)


def _from_end(body: bytes) -> Period | None:
    """Records counted back from the last byte: for a header that is overwritten with something else."""
    kept: dict[int, int] = {}
    for length in range(2, min(LONGEST, len(body) // _LEAST_ROWS) + 1):
        flags = body[len(body) - length :: -length]
        rows = len(flags) - len(flags.lstrip(FLAGS))
        if rows >= 8 and rows * length * 2 >= len(body):
            kept[length] = len(body) - rows * length
    if not kept:
        return None
    known = {length: _stability(body, start, length) for length, start in kept.items()}
    enough = _NEARLY * max(known.values())
    length = next(one for one in kept if known[one] >= enough)
    if known[length] < _LEAST_STABLE:
        return None
    return Period(kept[length], length, round(known[length], 3), (len(body) - kept[length]) // length)


def _table(body: bytes, start: int, length: int) -> npt.NDArray[np.uint8]:
    import numpy as np

    rows = (len(body) - start) // length
    return np.frombuffer(body, np.uint8, rows * length, start).reshape(rows, length)


def _classes() -> npt.NDArray[np.uint8]:
    """Digit, letter (or from 0x80 on), blank, ``*``, other."""
    import numpy as np

    kinds = np.full(256, 4, np.uint8)
    kinds[ord("0") : ord("9") + 1] = 0
    kinds[ord("A") : ord("Z") + 1] = kinds[ord("a") : ord("z") + 1] = 1
    kinds[128:] = 1
    kinds[ord(" ")], kinds[ord("*")] = 2, 3
    return kinds


def _stability(body: bytes, start: int, length: int) -> float:
    """How much more often two rows agree about the class of a byte in the same column than two bytes of the table
    anywhere: 0 for no more, 1 for always. Counted in pairs, so that few rows look no better than many."""
    import numpy as np

    kinds = _classes()[_table(body, start, length)]
    rows = kinds.shape[0]
    counts = np.stack([(kinds == kind).sum(axis=0) for kind in range(5)]).astype(np.float64)
    agreeing = float((counts * (counts - 1)).sum(axis=0).mean()) / (rows * (rows - 1))
    shares = counts.sum(axis=1) / kinds.size
    anywhere = float((shares * shares).sum())
    return (agreeing - anywhere) / (1 - anywhere) if anywhere < 1 else 0.0


def guess_fields(body: bytes, period: Period) -> tuple[FieldDef, ...]:
    """Fields made up from what stands in the columns: dates, numbers, true or false, and text. All are marked."""
    table = _table(body[:LOOKED_AT].rstrip(bytes([END])), period.start, period.length)[:, 1:]
    edges = _edges(table)
    fields = []
    for number, (low, high) in enumerate(zip(edges, edges[1:], strict=False), 1):
        cells = [bytes(row[low:high]) for row in table[:2000]]
        for part, (kind, length, offset) in enumerate(_kinds(cells, low)):
            name = f"FIELD{number}" if part == 0 else f"FIELD{number}_{part + 1}"
            fields.append(FieldDef(name, kind, length, 0, offset + 1, inferred=True))
    return tuple(fields)


def _edges(table: npt.NDArray[np.uint8]) -> list[int]:
    """Where fields begin: after blanks that end a text, before blanks that begin a number, where classes change."""
    import numpy as np

    kinds = _classes()[table]
    blank = (kinds == 2).mean(axis=0)
    digits = (np.isin(table, np.frombuffer(b"0123456789.-", np.uint8))).mean(axis=0)
    width = table.shape[1]
    edges = [0]
    for at in range(1, width):
        after_text = blank[at - 1] > 0.4 and blank[at] < 0.2
        filled = 1 - blank
        to_text = filled[at] > 0.6 and filled[at - 1] > 0.6 and abs(digits[at] - digits[at - 1]) > 0.8
        number_ends = filled[at - 1] > 0.9 and digits[at - 1] > 0.9 and blank[at] > 0.6
        if after_text and digits[at] > 0.6 and digits[at - 1] + blank[at - 1] > 0.95 and edges[-1] < at:
            continue  # a number that grows to the left: its leading blanks belong to it
        if after_text or to_text or number_ends:
            edges.append(at)
    return [*edges, width]


def _kinds(cells: list[bytes], low: int) -> list[tuple[str, int, int]]:
    """The type of a run of columns as (type, length, offset); eight digits that are dates become a field of their own.
    """
    length = len(cells[0])
    if length > 8 and all(cell[-8:].isdigit() or not cell[-8:].strip() for cell in cells) and _dates(
        [cell[-8:] for cell in cells]
    ):
        return [*_kinds([cell[:-8] for cell in cells], low), ("D", 8, low + length - 8)]
    filled = [cell for cell in cells if cell.strip()]
    if length == 8 and _dates(cells):
        return [("D", 8, low)]
    if length == 1 and filled and all(cell in b"TFYNtfyn?" for cell in filled):
        return [("L", 1, low)]
    numbers = [cell for cell in filled if not cell[-1:].isspace() and _is_number(cell)]
    if filled and len(numbers) == len(filled) and length <= 20:
        return [("N", length, low)]
    out = []
    while length > 254:
        out.append(("C", 254, low))
        length, low = length - 254, low + 254
    return [*out, ("C", length, low)]


def _is_number(cell: bytes) -> bool:
    text = cell.strip().lstrip(b"-+").replace(b".", b"", 1)
    return text.isdigit()


def _dates(cells: list[bytes]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    if not filled:
        return False
    for cell in filled:
        try:
            if not 1800 < int(text_date(cell).text[:4]) < 2200:
                return False
        except NotADate:
            return False
    return True
