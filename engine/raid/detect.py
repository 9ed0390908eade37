"""The detection from beginning to end: sample, triage, readings, strip and sequence, order, proof, verdict.

It reads little at first and more while it is unsure. Every step may end it with an answer that says why no more can be
told; a sure answer needs evidence at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.progress import SILENT, Reporter
from engine.raid.answers import answer, empty, undetermined
from engine.raid.confidence import SURE_Z
from engine.raid.layout import MAX_DRIVES
from engine.raid.metadata import read_supers
from engine.raid.model import Detection
from engine.raid.reading import Explained, complete, explain, lacking, measure, sizes_for
from engine.raid.sample import GRANULE, Sample, Sampler
from engine.raid.triage import COMPLETE, SOME, Triage, triage
from engine.raid.witness import common_bases
from engine.raid.work import Work

if TYPE_CHECKING:
    from engine.source import Source

BUDGETS = (16 << 20, 32 << 20, 64 << 20, 128 << 20, 256 << 20)
"""Bytes of each member that hold something, round by round."""
_FINE = 512
_STRONG = 2.0


def detect(
    members: Sequence[Source], *, bases: Sequence[int] | None = None, budget: int = BUDGETS[-1],
    sizes: Sequence[int] = (), reporter: Reporter = SILENT,
) -> Detection:  # fmt: skip
    """What array ``members`` are (were). Nothing is written, members stay open.

    ``bases``: bytes of each member before the place where all begin together (where their data starts differ); taken
    from metadata when None. ``budget``: most bytes of each member to read. ``sizes``: strip sizes to try besides the
    usual ones. Raises ``UsageError`` and what reading raises; ``CancelledError`` when stopped.
    """
    if not 2 <= len(members) <= MAX_DRIVES:
        raise UsageError(f"2 to {MAX_DRIVES} members, not {len(members)}", code="raid-members",
                         advice="name every member of the set; one may be missing")  # fmt: skip
    work = Work(members, [m.path for m in members], [read_supers(m) for m in members], reporter, budget, sizes,
                 list(range(len(members))))  # fmt: skip
    chosen = list(bases) if bases is not None else common_bases(work.supers)
    if len(chosen) != len(members) or any(not 0 <= b <= m.size for b, m in zip(chosen, members, strict=True)):
        raise UsageError("each member has one base, inside it", code="raid-base")
    work.bases = chosen
    sampler = _sampler(work)
    try:
        return _rounds(work, sampler)
    finally:
        sampler.close()


def _sampler(work: Work, granule: int = GRANULE) -> Sampler:
    return Sampler([work.sources[m] for m in work.active], [work.bases[m] for m in work.active], granule)


def _rounds(work: Work, sampler: Sampler) -> Detection:
    """Read more until the answer is sure, or all was read."""
    told: Detection | None = None
    rounds = [one for one in BUDGETS if one < work.budget] + [work.budget]
    for number, budget in enumerate(rounds):
        work.message = "reading samples of the members"
        new = sampler.extend(budget, work.step)
        work.read, work.probed = sampler.read, sampler.probed
        last = number == len(rounds) - 1 or sampler.exhausted or not new
        found = _judge(work, sampler, last)
        if isinstance(found, list):  # members that are no members: begin again without them
            sampler.close()
            rest = Work(work.sources, work.paths, work.supers, work.reporter, work.budget, work.more_sizes,
                         found, work.bases, work.standing, work.problems)  # fmt: skip
            again = _sampler(rest)
            try:
                return _rounds(rest, again)
            finally:
                again.close()
        told = found
        if last or (told is not None and told.z >= SURE_Z and told.verdict in ("found", "mirror", "raid6")):
            break
    assert told is not None
    return told


def _judge(work: Work, sampler: Sampler, last: bool) -> Detection | list[int] | None:
    """One round: an answer, None while there is not enough (and more can be read), or the members to go on with."""
    sample = sampler.sample()
    if sample is None:
        return empty(work, sampler, None, "not-enough-evidence", "the members hold nothing where they were looked at")
    state = triage(sample)
    if state.blank and len(work.active) - len(state.blank) >= 2:
        for member in state.blank:
            work.standing[work.active[member]] = (
                "blank", "empty where the others hold data: a spare, or a disk that was replaced"
            )  # fmt: skip
        return [m for at, m in enumerate(work.active) if at not in state.blank]
    if state.twins and len(work.active) == 2:
        return empty(work, sampler, sample, "mirror", "the two members are equal: a mirror (RAID1); use one of them")
    if state.twins:
        pairs = ", ".join(f"{work.active[a] + 1} and {work.active[b] + 1}" for a, b in state.twins)
        return empty(work, sampler, sample, "mirror", f"members {pairs} are equal: mirrors (RAID1 or RAID10), or the "
                      "same disk twice; leave one of each pair out")  # fmt: skip
    if state.raid6:
        return empty(work, sampler, sample, "raid6", "leaving out one member or another balances the rest row by row: "
                      "RAID6; its second parity is not computed here")  # fmt: skip
    explained = _best_reading(work, sampler, sample, state, last)
    if explained is None or explained.strength < 0.6:
        fine = _fine(work, state) if last or explained is None else None
        if fine is not None:
            return answer(work, fine[0], fine[1], state)
        if not last:
            return None
        return undetermined(work, sampler, sample, state, explained)
    if explained.rotating and explained.fit.run <= 2 * GRANULE:
        fine = _fine(work, state)
        if fine is not None:
            return answer(work, fine[0], fine[1], state)
    if not last and explained.fit.z < SURE_Z:
        return None
    return answer(work, sampler, explained, state)


def _best_reading(work: Work, sampler: Sampler, sample: Sample, state: Triage, last: bool) -> Explained | None:
    """The reading of the set that explains most; the dear ones only when the cheap ones fail."""
    count = len(work.active)
    cheap = []
    if state.balanced >= COMPLETE:
        cheap = [complete(count)]
    elif state.foreign is not None:
        cheap = [complete(count, state.foreign)]
    else:
        if state.balanced >= SOME and count >= 3:
            cheap.append(complete(count))
        if count < MAX_DRIVES:
            cheap.append(lacking(count))
    found = [one for one in (_explained(work, sampler, sample, reading) for reading in cheap) if one is not None]
    best = max(found, key=_rank, default=None)
    good = best is not None and best.rotating and best.strength >= _STRONG
    if good or state.balanced >= COMPLETE or state.foreign is not None or count < 3:
        return best
    if last or sampler.read >= 32 << 20:
        work.message = "trying each member as one that does not belong"
        for member in range(count):
            work.step()
            one = _explained(work, sampler, sample, lacking(count, member))
            if (
                one is not None
                and one.rotating
                and one.strength >= _STRONG
                and (best is None or _rank(one) > _rank(best))
            ):
                best = one
    return best


def _rank(one: Explained) -> tuple[bool, float]:
    return one.rotating and one.strength >= 1.0, one.strength


def _explained(work: Work, sampler: Sampler, sample: Sample, reading) -> Explained | None:  # type: ignore[no-untyped-def]
    work.step()
    measured = measure(sampler, sample, reading)
    if measured is None or len(measured.sample) < 48:
        return None
    sizes = sorted({*sizes_for(sampler.granule), *(s for s in work.more_sizes if s % sampler.granule == 0)})
    return explain(measured, sizes, sampler.size)


def _fine(work: Work, state: Triage) -> tuple[Sampler, Explained] | None:
    """The same with granules of a sector, for strips of 512 bytes to 8 KiB."""
    count = len(work.active)
    if state.balanced < COMPLETE and count >= MAX_DRIVES:
        return None
    work.message = "looking for strips of a few sectors"
    sampler = _sampler(work, _FINE)
    sampler.extend(8 << 20, work.step)
    sample = sampler.sample()
    if sample is None:
        return None
    reading = complete(count) if state.balanced >= COMPLETE else (
        complete(count, state.foreign) if state.foreign is not None else lacking(count)
    )  # fmt: skip
    explained = _explained(work, sampler, sample, reading)
    work.read += sampler.read
    if explained is None or not explained.rotating or explained.strength < _STRONG or explained.fit.run > 8192:
        return None
    return sampler, explained
