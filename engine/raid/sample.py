"""What is read of the members: windows spread over them, and for each granule what XOR and entropy say.

Windows are drawn where data was seen, as far as that is known: a sparse set is found out by probing, and the empty part
of it is not read. A granule that any member does not give (hole, read error) is left out of all statistics.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.raid.entropy import entropies
from engine.raid.parity import nonzero_granules, xor_into
from engine.source.base import ReadError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.source import Source

Holes = tuple[tuple[int, int], ...]

WINDOW = 1 << 20
GRANULE = 4096
_PROBE = 16 << 10
_DENSE_HEAD = 24
"""MiB at the start of the members that are looked at without gaps when they hold data: volumes begin there."""


@dataclass(slots=True)
class Sample:
    """Granules that every member gives. All arrays have one row for each granule, ``member`` ones a column for each.

    ``position`` is the granule's number from the members' common start; ``window`` numbers the window it came from
    (ascending with position after ``sorted``). ``entropy`` in bytes; ``zero``: the member's granule is all zeros;
    ``others``: the member equals the XOR of all others; ``balanced``: the XOR of all members is zero; ``total``: the
    entropy of that XOR.
    """

    granule: int
    position: npt.NDArray[np.int64]
    window: npt.NDArray[np.int64]
    entropy: npt.NDArray[np.float32]
    zero: npt.NDArray[np.bool_]
    others: npt.NDArray[np.bool_]
    balanced: npt.NDArray[np.bool_]
    total: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.position.size)

    @property
    def members(self) -> int:
        """How many members it speaks of."""
        return int(self.entropy.shape[1])

    def pick(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Sample:
        """Only the granules that ``rows`` marks, or those with these numbers."""
        return Sample(
            self.granule, self.position[rows], self.window[rows], self.entropy[rows], self.zero[rows],
            self.others[rows], self.balanced[rows], self.total[rows],
        )  # fmt: skip


@dataclass(slots=True)
class Sampler:
    """Reads windows of ``members`` from their ``bases`` on and measures them.

    ``read`` counts bytes of one member, ``empty`` those windows whose probes were all zeros, ``unread`` granules left
    out because a member did not give them.
    """

    members: Sequence[Source]
    bases: Sequence[int]
    granule: int = GRANULE
    seed: int = 5
    read: int = 0
    probed: int = 0
    size: int = 0
    unread: int = 0
    windows: list[int] = field(default_factory=list)
    _parts: list[Sample] = field(default_factory=list)
    _seen: dict[int, bool] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)
    _pool: ThreadPoolExecutor | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        room = min(m.size - base for m, base in zip(self.members, self.bases, strict=True))
        self.size = max(0, room) // WINDOW * WINDOW or max(0, room) // self.granule * self.granule
        self._pool = ThreadPoolExecutor(len(self.members), "member")

    def close(self) -> None:
        """End the reading threads; the members stay open."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    @property
    def exhausted(self) -> bool:
        """Whether everything there is was looked at."""
        return len(self._seen) * WINDOW >= self.size

    # --- reading

    def fetch(self, position: int, size: int) -> tuple[list[npt.NDArray[np.uint8]], list[Holes]]:
        """``size`` bytes of each member from ``position`` (of the common start), and what each does not give."""
        import numpy as np

        buffers = [np.empty(size, np.uint8) for _ in self.members]

        def one(number: int) -> Holes:
            base = self.bases[number]
            try:
                found = self.members[number].read_into(base + position, buffers[number].data)
            except ReadError as error:
                if error.code != "read-error":
                    raise
                return ((position, position + size),)
            return tuple((low - base, high - base) for low, high in found)

        count = range(len(self.members))
        results = map(one, count) if self._pool is None or size <= _PROBE else self._pool.map(one, count)
        return buffers, list(results)

    def _occupied(self, position: int) -> bool:
        """Whether a few probes of the window at ``position`` see anything."""
        length = min(WINDOW, self.size - position)
        for at in range(0, length, WINDOW // 4):
            size = min(_PROBE, length - at)
            buffers, _ = self.fetch(position + at, size)
            self.probed += size
            if any(buffer.any() for buffer in buffers):
                return True
        return False

    def measure(self, position: int) -> Sample | None:
        """The window at ``position``: one granule after the other. None when no granule of it can be used."""
        import numpy as np

        granule = self.granule
        size = min(WINDOW, self.size - position) // granule * granule
        if size <= 0:
            return None
        buffers, holes = self.fetch(position, size)
        self.read += size
        count = size // granule
        keep = np.ones(count, bool)
        for low, high in (hole for of_one in holes for hole in of_one):
            keep[max(0, (low - position) // granule) : -(-(high - position) // granule)] = False
        self.unread += int(count - keep.sum())
        total = buffers[0].copy()
        xor_into(total, buffers[1:])
        occupied = np.stack([nonzero_granules(buffer, granule) for buffer in buffers], axis=1)
        odd = nonzero_granules(total, granule)
        same = []
        for buffer in buffers:
            differs = buffer.view(np.uint64) != total.view(np.uint64)
            same.append(~differs.reshape(count, -1).any(axis=1))
        keep &= occupied.any(axis=1)
        if not keep.any():
            return None
        entropy = np.stack(
            [entropies(buffer, granule, occupied[:, n] & keep) for n, buffer in enumerate(buffers)], axis=1
        )
        first = position // granule
        made = Sample(
            granule, np.arange(first, first + count, dtype=np.int64), np.full(count, position // WINDOW, np.int64),
            entropy, ~occupied, np.stack(same, axis=1), ~odd, entropies(total, granule, odd & keep),
        )  # fmt: skip
        return made.pick(keep)

    # --- choosing windows

    def extend(self, budget: int, step: Callable[[], None] | None = None) -> bool:
        """Read until ``budget`` bytes of each member hold something, or all was looked at; False when nothing was new.

        ``step`` is called for each window (progress, cancellation).
        """
        before = self.read
        for position in self._candidates():
            if self.read >= budget:
                break
            if position in self._seen:
                continue
            self._seen[position] = self._occupied(position)
            if step is not None:
                step()
            if not self._seen[position]:
                continue
            self.windows.append(position)
            made = self.measure(position)
            if made is not None:
                self._parts.append(made)
        return self.read > before

    def _candidates(self) -> list[int]:
        """Window positions in the order in which they are worth looking at."""
        count = -(-self.size // WINDOW)
        if count <= 4096:
            # All of it, at random: what is skipped as empty costs a probe only.
            order = list(range(count))
            self._random.shuffle(order)
            return [number * WINDOW for number in order]
        chosen = list(range(min(_DENSE_HEAD, count)))
        at = float(_DENSE_HEAD)
        while at < count:  # eight places in each doubling: data tends to lie near the start
            chosen.append(int(at))
            at *= 2**0.125
        for number in range(512):  # one place at random in each of 512 equal parts
            low, high = count * number // 512, count * (number + 1) // 512
            chosen.append(self._random.randrange(low, max(low + 1, high)))
        occupied = [at // WINDOW for at, found in self._seen.items() if found]
        near: list[int] = []
        if occupied:  # around what was found before
            for _ in range(4096):
                near.append(self._random.choice(occupied) + self._random.randint(-64, 64))
        self._random.shuffle(chosen)
        order = list(range(min(_DENSE_HEAD, count))) + near[:2048] + chosen + near[2048:]
        return [number * WINDOW for number in dict.fromkeys(order) if 0 <= number < count]

    # --- what is known

    def sample(self) -> Sample | None:
        """Everything measured so far, in order of position; None when nothing was."""
        import numpy as np

        if not self._parts:
            return None
        parts = self._parts
        if len(parts) > 1:
            names = ("position", "window", "entropy", "zero", "others", "balanced", "total")
            whole = Sample(self.granule, *(np.concatenate([getattr(one, name) for one in parts]) for name in names))
            self._parts = parts = [whole.pick(np.argsort(whole.position, kind="stable"))]
        return parts[0]

    def without(self, left_out: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Entropy and emptiness of the XOR of all members but one, for each granule of ``sample()``; reads again."""
        import numpy as np

        whole = self.sample()
        assert whole is not None
        entropy = np.zeros(len(whole), np.float32)
        zero = np.zeros(len(whole), bool)
        starts = np.searchsorted(whole.window, np.unique(whole.window))
        ends = np.append(starts[1:], len(whole))
        for low, high in zip(starts.tolist(), ends.tolist(), strict=True):
            position = int(whole.window[low]) * WINDOW
            size = min(WINDOW, self.size - position) // self.granule * self.granule
            buffers, _ = self.fetch(position, size)
            kept = [buffer for number, buffer in enumerate(buffers) if number != left_out]
            total = kept[0].copy()
            xor_into(total, kept[1:])
            at = whole.position[low:high] - position // self.granule
            wanted = np.zeros(size // self.granule, bool)
            wanted[at] = True
            odd = nonzero_granules(total, self.granule)
            entropy[low:high] = entropies(total, self.granule, wanted & odd)[at]
            zero[low:high] = ~odd[at]
        return entropy, zero
