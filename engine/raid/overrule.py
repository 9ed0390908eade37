"""An assembly that a person chose by hand: how well the members bear it out, by the same measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.progress import SILENT, Reporter, check
from engine.raid.array import ArraySource
from engine.raid.confidence import whole
from engine.raid.model import Candidate
from engine.raid.proof import prove
from engine.raid.reading import Reading, measure
from engine.raid.sample import Sampler

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from engine.raid.layout import Geometry
    from engine.source import Source

_BUDGET = 8 << 20


def judge_geometry(members: Sequence[Source], geometry: Geometry, reporter: Reporter = SILENT) -> Candidate:
    """A candidate with the reasons for and against it. Raises ``RescueError`` when it cannot be assembled at all."""
    if any(number is not None and number >= len(members) for number in geometry.order):
        raise UsageError("the order names a member that is not there", code="raid-order")
    source = ArraySource(members, geometry, "by hand")
    proof = prove(source, geometry.strip * geometry.data_drives)
    share, words = _parity(members, geometry, reporter)
    strong = proof.strong and proof.weight > 0
    certainty = 0.5 if share is None else max(0.02, min(0.95, 1.4 * share - 0.4))
    score = whole(certainty, 1.0 if proof.good else 0.5, good=proof.good, strong=strong, weight=proof.weight,
                  offset_known=True)  # fmt: skip
    kinds = ", ".join(proof.kinds)
    told = f"{kinds}: {proof.good} places right, {proof.bad} wrong" if kinds else "no file system was found in it"
    return Candidate(geometry, score, (words, told, *proof.words), strong)


def _parity(members: Sequence[Source], geometry: Geometry, reporter: Reporter) -> tuple[float | None, str]:
    """The share of the evidence that agrees with where this geometry has its parity."""
    import numpy as np

    used = [number for number in geometry.order if number is not None]
    bases = [geometry.offsets[geometry.order.index(number)] for number in used]
    sampler = Sampler([members[number] for number in used], bases)
    try:
        sampler.extend(_BUDGET, lambda: check(reporter))
        sample = sampler.sample()
        if sample is None:
            return None, "the members hold nothing where they were looked at"
        columns = tuple(None if number is None else used.index(number) for number in geometry.order)
        measured = measure(sampler, sample, Reading(columns))
    finally:
        sampler.close()
    if measured is None or len(measured.sample) < 48:
        return None, "hardly a row balances (the XOR of all members is not zero)"
    position = measured.sample.position * sampler.granule
    drives = geometry.parity_drives(position // geometry.strip)
    mine: npt.NDArray[np.float64] = np.take_along_axis(measured.costs, drives[:, None], axis=1)[:, 0]
    chance = measured.costs.mean(axis=1)
    if float(chance.mean()) * 4096 / sampler.granule < 8:
        return None, "contents too even to tell where the parity lies"
    share = 1 - float(mine.sum()) / float(chance.sum())
    return max(0.0, share), f"{max(0.0, share):.0%} of the parity evidence agrees with it"
