"""Where each byte of a RAID4/RAID5 volume lies: the arithmetic of rows, strips, parity and drives.

A row is the strips of all drives at the same member offset; a strip is ``strip`` consecutive bytes on one drive
(mdadm's
chunk). Names, numbers and formulas are those of md (``mdadm --layout``), whose volumes this arithmetic reproduces byte
for byte; delayed parity (Compaq and HP Smart Array, and others) leaves the parity on one drive for ``delay`` rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

MIN_DRIVES, MAX_DRIVES = 3, 16
SECTOR = 512


class Layout(StrEnum):
    """Rotation of the parity and where data restarts after it."""

    LEFT_SYMMETRIC = "left-symmetric"
    LEFT_ASYMMETRIC = "left-asymmetric"
    RIGHT_SYMMETRIC = "right-symmetric"
    RIGHT_ASYMMETRIC = "right-asymmetric"
    PARITY_FIRST = "parity-first"
    PARITY_LAST = "parity-last"

    @property
    def left(self) -> bool:
        """Whether parity moves from the last drive towards the first."""
        return self in (Layout.LEFT_SYMMETRIC, Layout.LEFT_ASYMMETRIC)

    @property
    def symmetric(self) -> bool:
        """Whether data restarts behind the parity strip and wraps."""
        return self in (Layout.LEFT_SYMMETRIC, Layout.RIGHT_SYMMETRIC)

    @property
    def rotating(self) -> bool:
        """Whether the parity moves at all."""
        return self not in (Layout.PARITY_FIRST, Layout.PARITY_LAST)

    @property
    def short(self) -> str:
        """mdadm's two letters, for narrow columns."""
        return {"parity-first": "pf", "parity-last": "pl"}.get(
            self.value, "".join(word[0] for word in self.value.split("-"))
        )


ROTATING = (
    Layout.LEFT_SYMMETRIC, Layout.LEFT_ASYMMETRIC, Layout.RIGHT_SYMMETRIC, Layout.RIGHT_ASYMMETRIC,
)  # fmt: skip
MD_NUMBERS = {
    0: Layout.LEFT_ASYMMETRIC, 1: Layout.RIGHT_ASYMMETRIC, 2: Layout.LEFT_SYMMETRIC, 3: Layout.RIGHT_SYMMETRIC,
    4: Layout.PARITY_FIRST, 5: Layout.PARITY_LAST,
}  # fmt: skip
"""md's numbers of RAID5 layouts (superblock field ``layout``)."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How an array is laid out over its drives.

    ``order[d]`` is the number (from 0, as given) of the member that is drive ``d``; None where it is missing.
    ``offsets[d]`` is the byte on that member where row 0 begins. ``delay`` is how many rows the parity stays on one
    drive, ``first_delay`` how long the first stay is (1..delay). ``rows``: how many rows there are, None for as many
    as the shortest member holds.
    """

    layout: Layout
    strip: int
    order: tuple[int | None, ...]
    offsets: tuple[int, ...]
    delay: int = 1
    first_delay: int = 1
    rows: int | None = None

    def __post_init__(self) -> None:
        drives = len(self.order)
        present = [member for member in self.order if member is not None]
        if not MIN_DRIVES <= drives <= MAX_DRIVES:
            raise UsageError(f"an array has {MIN_DRIVES} to {MAX_DRIVES} drives, not {drives}", code="raid-drives")
        if len(set(present)) != len(present) or any(member < 0 for member in present):
            raise UsageError("the order names a member twice", code="raid-order")
        if drives - len(present) > 1:
            raise UsageError(
                "two drives are missing: with one parity only one can be computed", code="raid-missing",
                advice="find another member, even an older one",
            )  # fmt: skip
        if self.strip < SECTOR or self.strip % SECTOR or self.strip > 1 << 30:
            raise UsageError(f"a strip is a multiple of {SECTOR} bytes, up to 1 GiB", code="raid-strip")
        if len(self.offsets) != drives or any(offset < 0 for offset in self.offsets):
            raise UsageError("each drive has one data offset, not below 0", code="raid-offset")
        if not 1 <= self.delay <= 1 << 20 or not 1 <= self.first_delay <= self.delay:
            raise UsageError(
                "the parity stays 1 row or more on a drive, the first stay is no longer", code="raid-delay"
            )
        if self.rows is not None and self.rows < 0:
            raise UsageError("there are not fewer than 0 rows", code="raid-rows")

    @property
    def drives(self) -> int:
        """How many drives the array has, missing ones counted."""
        return len(self.order)

    @property
    def data_drives(self) -> int:
        """Strips of data in a row."""
        return len(self.order) - 1

    @property
    def missing(self) -> int | None:
        """The drive that no member stands for."""
        return self.order.index(None) if None in self.order else None

    @property
    def period(self) -> int:
        """Rows after which the pattern repeats."""
        return self.drives * self.delay if self.layout.rotating else 1

    @property
    def data_offset(self) -> int:
        """The data offset in bytes that most drives share."""
        return max(set(self.offsets), key=self.offsets.count)

    def parity_drives(self, rows: Ints) -> Ints:
        """The drive that holds the parity, for an array of row numbers."""
        import numpy as np

        last = self.drives - 1
        if self.layout is Layout.PARITY_FIRST:
            return np.zeros_like(rows)
        if self.layout is Layout.PARITY_LAST:
            return np.full_like(rows, last)
        turn = (rows + (self.delay - self.first_delay)) // self.delay % self.drives
        return last - turn if self.layout.left else turn

    def parity_drive(self, row: int) -> int:
        """The drive that holds the parity of ``row``."""
        last = self.drives - 1
        if not self.layout.rotating:
            return 0 if self.layout is Layout.PARITY_FIRST else last
        turn = (row + self.delay - self.first_delay) // self.delay % self.drives
        return last - turn if self.layout.left else turn

    def data_drive(self, row: int, index: int) -> int:
        """The drive of data strip ``index`` (from 0) of ``row``."""
        parity = self.parity_drive(row)
        if self.layout.symmetric:
            return (parity + 1 + index) % self.drives
        return index + (index >= parity)

    def data_indexes(self, rows: Ints, drive: int) -> Ints:
        """Which data strip of its row ``drive`` holds, for an array of rows; -1 where it holds the parity."""
        import numpy as np

        parity = self.parity_drives(rows)
        index = (drive - parity - 1) % self.drives if self.layout.symmetric else drive - (drive > parity)
        return np.where(parity == drive, -1, index)

    def with_offset(self, offset: int) -> Geometry:
        """The same with one data offset for all drives."""
        return replace(self, offsets=(offset,) * self.drives)

    def sequence(self) -> tuple[int | None, ...]:
        """The members in the order in which the parity visits them from row 0 on (cyclic); one for fixed parity."""
        if not self.layout.rotating:
            return (self.order[self.parity_drive(0)],)
        return tuple(self.order[::-1] if self.layout.left else self.order)


def canonical_sequence(sequence: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """A cyclic sequence turned so that the highest member stands first, a missing one nowhere first if it can be."""
    if not sequence:
        return sequence
    start = max(range(len(sequence)), key=lambda at: -1 if sequence[at] is None else sequence[at] or 0)
    return sequence[start:] + sequence[:start]


def words_of_order(order: tuple[int | None, ...], between: str = ",") -> str:
    """Members as people number them, from 1; ``x`` is a missing drive."""
    return between.join("x" if member is None else str(member + 1) for member in order)


def order_of_words(text: str) -> tuple[int | None, ...]:
    """``3,1,x,2`` read back. Raises ``UsageError``."""
    order: list[int | None] = []
    for word in text.replace("-", ",").split(","):
        word = word.strip()
        if word.lower() in ("x", "missing", "-"):
            order.append(None)
        elif word.isdecimal() and 1 <= int(word) <= MAX_DRIVES:
            order.append(int(word) - 1)
        else:
            raise UsageError(
                f"{word[:20]!r} is no member of an order", code="raid-order",
                advice="members are numbered from 1 as given; x stands for a missing drive: 3,1,x,2",
            )  # fmt: skip
    return tuple(order)
