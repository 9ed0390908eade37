"""Ways to read a set of members: complete, one missing, one that does not belong; and how well each explains them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.raid.fold import Fit, columns_of, costs_of, dominant, evidence, rank, sizes_to_try
from engine.raid.parity import xor_into

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.raid.sample import Sample, Sampler

Bytes = "npt.NDArray[np.uint8]"


@dataclass(frozen=True, slots=True)
class Reading:
    """The drives of an array as columns: member numbers, and None for one that is computed from the others.

    ``left_out``: the member that is not among them (stale or foreign); None when all are.
    """

    columns: tuple[int | None, ...]
    left_out: int | None = None

    @property
    def computed(self) -> int | None:
        """The column that is computed, if there is one."""
        return self.columns.index(None) if None in self.columns else None

    @property
    def drives(self) -> int:
        """How many drives the array has by this reading."""
        return len(self.columns)


def complete(members: int, left_out: int | None = None) -> Reading:
    """All members (but one) are the array."""
    return Reading(tuple(m for m in range(members) if m != left_out), left_out)


def lacking(members: int, left_out: int | None = None) -> Reading:
    """One member is missing; with ``left_out`` one that is there does not count (stale, or foreign)."""
    if left_out is None:
        return Reading((*range(members), None))
    return Reading(tuple(None if m == left_out else m for m in range(members)), left_out)


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading's granules: ``rows`` of the sample that it can use, their costs, and whether a column is empty
    there."""

    reading: Reading
    sample: Sample
    costs: npt.NDArray[np.float64]
    zero: npt.NDArray[np.bool_]

    @property
    def signal(self) -> float:
        """Mean difference between the highest and the lowest entropy of a granule, in bytes of 4096."""
        return float(self.costs.max(axis=1).mean()) * 4096 / self.sample.granule if len(self.sample) else 0.0


def measure(sampler: Sampler, sample: Sample, reading: Reading) -> Measured | None:
    """The costs of ``reading`` on the granules that it can use; None when there is none."""
    import numpy as np

    kept = [m for m in reading.columns if m is not None]
    if reading.computed is None:
        rows = sample.balanced if reading.left_out is None else sample.others[:, reading.left_out]
        entropy, zero = sample.entropy[:, kept], sample.zero[:, kept]
    else:
        rows = np.ones(len(sample), bool)
        if reading.left_out is None:
            total, empty = sample.total, sample.balanced
        else:
            total, empty = sampler.without(reading.left_out)
        entropy = np.empty((len(sample), reading.drives), np.float32)
        zero = np.empty((len(sample), reading.drives), bool)
        for column, member in enumerate(reading.columns):
            entropy[:, column] = total if member is None else sample.entropy[:, member]
            zero[:, column] = empty if member is None else sample.zero[:, member]
    rows = rows & ((~zero).sum(axis=1) >= 2)
    if not rows.any():
        return None
    return Measured(reading, sample.pick(rows), evidence(entropy[rows], sample.granule), zero[rows])


@dataclass(frozen=True, slots=True)
class Explained:
    """A reading with the best fit of its evidence. ``filler``: the member whose old filler had to be set aside."""

    reading: Reading
    measured: Measured
    fits: tuple[Fit, ...]
    filler: int | None = None

    @property
    def fit(self) -> Fit:
        """The best one."""
        return self.fits[0]

    @property
    def rotating(self) -> bool:
        """Whether the parity moves from drive to drive."""
        return self.fit.run > 0

    @property
    def strength(self) -> float:
        """For comparing readings: standard errors, nothing when it was seen too rarely or explains little."""
        fit = self.fit
        return fit.z * fit.quality if fit.enough and fit.quality > 0.4 else 0.0


def explain(measured: Measured, sizes: Sequence[int] | None, span: int) -> Explained:
    """Strip and sequence (or the fixed parity) that explain the evidence best, reused disks seen through."""
    sample, costs, granule = measured.sample, measured.costs, measured.sample.granule
    fits = rank(costs, sample.position, sample.window, granule, sizes=sizes, span=span)
    found = Explained(measured.reading, measured, tuple(fits))
    filler = dominant(costs, granule)
    if filler is None:
        return found
    rows = costs[:, filler] > granule / 64
    if int(rows.sum()) < 64:
        return found
    part = Measured(measured.reading, sample.pick(rows), costs[rows], measured.zero[rows])
    again = rank(part.costs, part.sample.position, part.sample.window, granule, sizes=sizes, span=span)
    second = Explained(measured.reading, part, tuple(again), filler)
    # Where the first search already saw it turn, the second has only fewer granules; where it saw it stand still, the
    # rows that this member cannot explain decide.
    if not found.rotating and second.rotating and second.strength > 2.0:
        return second
    return second if second.rotating and found.rotating and second.fit.z > found.fit.z + 2 else found


def sizes_for(granule: int) -> list[int]:
    """Strip sizes to try with granules of that size."""
    return sizes_to_try(granule) if granule >= 4096 else sizes_to_try(granule, 16 << 10)


def fetch(sampler: Sampler, reading: Reading, position: int, size: int) -> list[npt.NDArray[np.uint8]] | None:
    """Bytes of each column. What one member does not give is computed when all others are there; None when two lack."""
    import numpy as np

    if position < 0 or position + size > sampler.size:
        return None
    buffers, holes = sampler.fetch(position, size)
    kept = [buffers[m] for m in reading.columns if m is not None]
    lacking_ = [m for m in reading.columns if m is not None and holes[m]]
    if len(lacking_) + (reading.computed is not None) > 1:
        return None
    if reading.computed is None:
        if lacking_:
            whole = buffers[lacking_[0]]
            whole[:] = 0
            xor_into(whole, [buffers[m] for m in reading.columns if m is not None and m != lacking_[0]])
        return kept
    total = np.zeros(size, np.uint8)
    xor_into(total, kept)
    return [total if m is None else buffers[m] for m in reading.columns]


def to_members(reading: Reading, slots: Sequence[int]) -> tuple[int | None, ...]:
    """Columns as member numbers."""
    return tuple(reading.columns[column] for column in slots)


def with_phase(explained: Explained, phase: int) -> Explained:
    """The same with another phase; one that left the run turns the slots."""
    fit = explained.fit
    turns, phase = divmod(phase, fit.run)
    turns %= len(fit.slots)
    slots = fit.slots[-turns:] + fit.slots[:-turns] if turns else fit.slots
    return replace(explained, fits=(replace(fit, phase=phase, slots=slots), *explained.fits[1:]))


__all__ = [
    "Explained", "Measured", "Reading", "columns_of", "complete", "costs_of", "explain", "fetch", "lacking", "measure",
    "sizes_for", "to_members", "with_phase",
]  # fmt: skip
