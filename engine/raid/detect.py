"""The detection from beginning to end: sample, triage, readings, strip and sequence, order, proof, verdict.

It reads little at first and more while it is unsure. Every step may end it with an answer that says why no more can be
told; a sure answer needs evidence at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.errors import Problem, UsageError
from engine.progress import SILENT, Reporter, check
from engine.raid import candidates as making
from engine.raid import fixed
from engine.raid.confidence import SURE_Z, of_sequence
from engine.raid.delay import find_delay
from engine.raid.heat import health, heat_rows, heat_run
from engine.raid.layout import MAX_DRIVES, canonical_sequence
from engine.raid.metadata import Super, read_supers
from engine.raid.model import Candidate, Detection, MemberFacts, SizeScore
from engine.raid.order import follow
from engine.raid.phase import refine
from engine.raid.reading import Explained, Measured, complete, explain, lacking, measure, sizes_for, to_members
from engine.raid.sample import GRANULE, Sample, Sampler
from engine.raid.stale import find_stale
from engine.raid.triage import COMPLETE, SOME, Triage, triage
from engine.raid.witness import Witness, common_bases, compare, from_metadata

if TYPE_CHECKING:
    from engine.source import Source

BUDGETS = (16 << 20, 32 << 20, 64 << 20, 128 << 20, 256 << 20)
"""Bytes of each member that hold something, round by round."""
_FINE = 512
_FEW_ROWS = 180
_STRONG = 2.0


@dataclass(slots=True)
class _Work:
    """What a detection has gathered so far."""

    sources: Sequence[Source]
    paths: Sequence[str]
    supers: list[tuple[Super, ...]]
    reporter: Reporter
    budget: int
    more_sizes: Sequence[int]
    active: list[int]
    bases: list[int] = field(default_factory=list)
    standing: dict[int, tuple[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    read: int = 0
    probed: int = 0
    message: str = ""

    def step(self) -> None:
        check(self.reporter)
        self.reporter.update(self.read, None, "B", self.message)


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
    work = _Work(members, [m.path for m in members], [read_supers(m) for m in members], reporter, budget, sizes,
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


def _sampler(work: _Work, granule: int = GRANULE) -> Sampler:
    return Sampler([work.sources[m] for m in work.active], [work.bases[m] for m in work.active], granule)


def _rounds(work: _Work, sampler: Sampler) -> Detection:
    """Read more until the answer is sure, or all was read."""
    answer: Detection | None = None
    rounds = [one for one in BUDGETS if one < work.budget] + [work.budget]
    for number, budget in enumerate(rounds):
        work.message = "reading samples of the members"
        new = sampler.extend(budget, work.step)
        work.read, work.probed = sampler.read, sampler.probed
        last = number == len(rounds) - 1 or sampler.exhausted or not new
        found = _judge(work, sampler, last)
        if isinstance(found, list):  # members that are no members: begin again without them
            sampler.close()
            rest = _Work(work.sources, work.paths, work.supers, work.reporter, work.budget, work.more_sizes,
                         found, work.bases, work.standing, work.problems)  # fmt: skip
            again = _sampler(rest)
            try:
                return _rounds(rest, again)
            finally:
                again.close()
        answer = found
        if last or (answer is not None and answer.z >= SURE_Z and answer.verdict in ("found", "mirror", "raid6")):
            break
    assert answer is not None
    return answer


def _judge(work: _Work, sampler: Sampler, last: bool) -> Detection | list[int] | None:
    """One round: an answer, None while there is not enough (and more can be read), or the members to go on with."""
    sample = sampler.sample()
    if sample is None:
        return _empty(work, sampler, None, "not-enough-evidence", "the members hold nothing where they were looked at")
    state = triage(sample)
    if state.blank and len(work.active) - len(state.blank) >= 2:
        for member in state.blank:
            work.standing[work.active[member]] = (
                "blank", "empty where the others hold data: a spare, or a disk that was replaced"
            )  # fmt: skip
        return [m for at, m in enumerate(work.active) if at not in state.blank]
    if state.twins and len(work.active) == 2:
        return _empty(work, sampler, sample, "mirror", "the two members are equal: a mirror (RAID1); use one of them")
    if state.twins:
        pairs = ", ".join(f"{work.active[a] + 1} and {work.active[b] + 1}" for a, b in state.twins)
        return _empty(work, sampler, sample, "mirror", f"members {pairs} are equal: mirrors (RAID1 or RAID10), or the "
                      "same disk twice; leave one of each pair out")  # fmt: skip
    if state.raid6:
        return _empty(work, sampler, sample, "raid6", "leaving out one member or another balances the rest row by row: "
                      "RAID6; its second parity is not computed here")  # fmt: skip
    explained = _best_reading(work, sampler, sample, state, last)
    if explained is None or explained.strength < 0.6:
        fine = _fine(work, state) if last or explained is None else None
        if fine is not None:
            return _answer(work, fine[0], fine[1], state)
        if not last:
            return None
        return _undetermined(work, sampler, sample, state, explained)
    if explained.rotating and explained.fit.run <= 2 * GRANULE:
        fine = _fine(work, state)
        if fine is not None:
            return _answer(work, fine[0], fine[1], state)
    if not last and explained.fit.z < SURE_Z:
        return None
    return _answer(work, sampler, explained, state)


def _best_reading(work: _Work, sampler: Sampler, sample: Sample, state: Triage, last: bool) -> Explained | None:
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


def _explained(work: _Work, sampler: Sampler, sample: Sample, reading) -> Explained | None:  # type: ignore[no-untyped-def]
    work.step()
    measured = measure(sampler, sample, reading)
    if measured is None or len(measured.sample) < 48:
        return None
    sizes = sorted({*sizes_for(sampler.granule), *(s for s in work.more_sizes if s % sampler.granule == 0)})
    return explain(measured, sizes, sampler.size)


def _fine(work: _Work, state: Triage) -> tuple[Sampler, Explained] | None:
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


# --- answers


def _facts(work: _Work, sample: Sample | None) -> tuple[MemberFacts, ...]:
    found = []
    for number, source in enumerate(work.sources):
        standing, why = work.standing.get(number, ("unknown", ""))
        zero = entropy = 0.0
        if sample is not None and number in work.active:
            column = work.active.index(number)
            zero = float(sample.zero[:, column].mean())
            filled = sample.entropy[~sample.zero[:, column], column]
            entropy = float(filled.mean()) * 8 / sample.granule if filled.size else 0.0
        elif standing == "blank":
            zero = 1.0
        found.append(MemberFacts(number, work.paths[number], source.size, standing, why, zero, entropy,
                                 work.supers[number]))  # fmt: skip
    return tuple(found)


def _base(work: _Work, sampler: Sampler, sample: Sample | None, verdict: str, words: str) -> Detection:
    bars: tuple[tuple[int, str], ...] = ()
    if sample is not None:
        filled = (~sample.zero).sum(axis=1) >= 2
        bars = health(sample.balanced.tolist(), filled.tolist(), sample.position.tolist(), sample.granule,
                      sampler.size, 64)  # fmt: skip
    return Detection(
        verdict, words, _facts(work, sample), balanced=triage(sample).balanced if sample is not None else 0.0,
        read=work.read, probed=work.probed, granules=len(sample) if sample is not None else 0,
        unread=sampler.unread, bases=tuple(work.bases), problems=tuple(work.problems), health=bars,
    )  # fmt: skip


def _empty(work: _Work, sampler: Sampler, sample: Sample | None, verdict: str, words: str) -> Detection:
    return _base(work, sampler, sample, verdict, words)


def _columns(work: _Work, explained: Explained) -> tuple[int | None, ...]:
    return tuple(None if c is None else work.active[c] for c in explained.reading.columns)


def _sizes(work: _Work, explained: Explained) -> tuple[SizeScore, ...]:
    best = max(explained.fit.cost, 1e-9)
    found = []
    for fit in explained.fits[:14]:
        members = to_members(explained.reading, fit.slots)
        found.append(SizeScore(fit.run, fit.cost / best, tuple(None if m is None else work.active[m] for m in members)))
    return tuple(found)


def _undetermined(
    work: _Work, sampler: Sampler, sample: Sample, state: Triage, explained: Explained | None
) -> Detection:
    """No parity could be placed: say why, and try what metadata say."""
    measured: Measured | None = explained.measured if explained is not None else None
    signal = measured.signal if measured is not None else 0.0
    if state.granules < 200:
        verdict, words = "not-enough-evidence", "too little is written on the members to tell anything"
    elif state.balanced >= COMPLETE and signal < 24:
        verdict = "encrypted"
        words = ("the members belong together (their XOR is zero), but their contents are as even as random bytes: "
                 "encrypted or packed throughout. The layout cannot be told from them")  # fmt: skip
    elif state.balanced < SOME and signal < 24:
        verdict = "not-enough-evidence"
        words = (
            "contents as even as random bytes and no XOR that is zero: an encrypted set with a member missing, or none"
        )
    else:
        verdict = "not-enough-evidence"
        words = "no strip size and sequence explains the members clearly better than another"
    return _with_witness(work, replace(
        _base(work, sampler, sample, verdict, words), signal=signal,
        z=explained.fit.z if explained is not None else 0.0,
        columns=_columns(work, explained) if explained is not None else (),
        sizes=_sizes(work, explained) if explained is not None else (),
        heat=heat_rows(measured, None, heat_run(None, sampler.granule), 0) if measured is not None else (),
        heat_run=heat_run(None, sampler.granule),
    ))  # fmt: skip


def _answer(work: _Work, sampler: Sampler, explained: Explained, state: Triage) -> Detection:
    sample = sampler.sample()
    assert sample is not None
    if not explained.rotating:
        return _standing_still(work, sampler, sample, explained, state)
    work.message = "placing strip borders"
    explained = refine(sampler, explained)
    delay_found = find_delay(sampler, explained)
    delay = delay_found or 1
    work.message = "following data from strip to strip"
    ordering = follow(sampler, explained, delay, work.step)
    missing = _name_members(work, sampler, sample, explained, state)
    fit = explained.fit
    sequence_score = of_sequence(fit.z, fit.quality, fit.enough)
    witness = Witness(tuple(work.supers))
    hints = [o - work.bases[m] for m, o in witness.offsets() if m in work.active]
    work.message = "assembling and looking for file systems"
    members = making.Members(work.sources, work.active, [work.bases[m] for m in work.active])
    made = making.rotating(sampler, members, explained, delay, ordering, hints, missing, work.step)
    if delay_found is None and not any(one.proof and one.proof.strong and one.proof.weight > 0 for one in made):
        made += _other_delays(work, sampler, members, explained, hints, missing)
    ranked = compare(making.score(made, sequence_score), witness)
    if delay_found is None and ranked and not ranked[0].proven:
        ranked = [replace(one, score=one.score * 0.8) for one in ranked]
    best = ranked[0] if ranked else None
    sequence = tuple(None if m is None else work.active[m] for m in to_members(explained.reading, fit.slots))
    if best is not None and best.proven:
        sequence_score = max(sequence_score, 0.99)
    verdict, words = _verdict(best, sequence_score)
    strip = best.geometry.strip if best is not None and (best.score >= 0.5 or delay_found) else fit.run // delay
    answer = replace(
        _base(work, sampler, sample, verdict, words), candidates=tuple(ranked), run=fit.run, strip_size=strip,
        phase=fit.phase, sequence=canonical_sequence(sequence), sequence_score=sequence_score, z=fit.z,
        columns=_columns(work, explained), sizes=_sizes(work, explained),
        heat=heat_rows(explained.measured, explained, heat_run(strip, sampler.granule), fit.phase % strip),
        heat_run=heat_run(strip, sampler.granule), signal=explained.measured.signal,
    )  # fmt: skip
    return _with_witness(work, answer)


def _verdict(best: Candidate | None, sequence: float) -> tuple[str, str]:
    if best is not None and best.score >= 0.9:
        return "found", "strip, sequence and order are found, and file systems stand in the assembled array"
    if best is not None and best.score >= 0.5:
        return "likely", "the first candidate is likely right; look at what speaks for the others"
    if sequence >= 0.5:
        sure = "are found" if sequence >= 0.9 else "are likely right"
        return "sequence-only", f"strip size and sequence {sure}; the order of the drives is not known"
    return "not-enough-evidence", "what was read is not enough to tell strip size and sequence"


def _other_delays(
    work: _Work, sampler: Sampler, members: making.Members, explained: Explained, hints: list[int],
    missing: int | None,
) -> list[making.Assembly]:  # fmt: skip
    """Contents cannot tell whether the parity is delayed: perhaps a file system can."""
    found: list[making.Assembly] = []
    for delay in (2, 4, 8, 16, 32):
        if explained.fit.run % delay or explained.fit.run // delay < 4096:
            break
        ordering = follow(sampler, explained, delay, work.step, most_rows=_FEW_ROWS)
        tried = making.rotating(sampler, members, explained, delay, ordering, hints, missing, work.step)
        found += [one for one in tried if one.proof and one.proof.strong and one.proof.weight > 0]
        if found:
            break
    return found


def _name_members(work: _Work, sampler: Sampler, sample: Sample, explained: Explained, state: Triage) -> int | None:
    """Say of each member what it is; returns the column of a stale one that must not be used."""
    for member in work.active:
        work.standing.setdefault(member, ("member", ""))
    left = explained.reading.left_out
    if left is not None:
        number = work.active[left]
        if explained.reading.computed is None:
            why = "without it the XOR of all others is zero: it belongs elsewhere"
            work.standing[number] = ("foreign", why)
        else:
            agrees = state.balanced
            standing = "stale" if agrees > 0.01 else "foreign"
            why = f"the others fit together without it; {agrees:.0%} of the rows agree with it"
            work.standing[number] = (standing, why)
        return None
    if explained.reading.computed is not None:
        return None
    work.message = "looking for a stale member"
    stale = find_stale(sampler, sample, explained, work.step)
    if stale is None:
        return None
    if stale.member is None:
        work.problems.append(
            Problem(
                "xor-not-zero",
                f"{stale.share:.1%} of the rows do not balance, and no single "
                "member explains it: writes that were cut off, or a member that dropped out twice",
            )
        )
        return None  # fmt: skip
    number = work.active[stale.member]
    work.standing[number] = (
        "stale", f"{stale.share:.1%} of the rows changed without it: it is computed from the others instead"
    )  # fmt: skip
    return stale.member


def _standing_still(work: _Work, sampler: Sampler, sample: Sample, explained: Explained, state: Triage) -> Detection:
    """One column always looks like the parity."""
    column = explained.fit.slots[0]
    base = replace(
        _base(work, sampler, sample, "no-parity", ""), z=explained.fit.z, columns=_columns(work, explained),
        sizes=_sizes(work, explained),
        heat=heat_rows(explained.measured, explained, heat_run(None, sampler.granule), 0),
        heat_run=heat_run(None, sampler.granule), signal=explained.measured.signal,
    )  # fmt: skip
    if explained.reading.columns[column] is None or state.balanced < COMPLETE and state.foreign is None:
        words = ("no parity lies on these members: RAID0, single disks, disks that do not belong together, or too many "
                 "members are missing")  # fmt: skip
        return _with_witness(work, replace(base, words=words))
    missing = _name_members(work, sampler, sample, explained, state)
    members = making.Members(work.sources, work.active, [work.bases[m] for m in work.active])
    witness = Witness(tuple(work.supers))
    hints = [(s.strip or 65536, (s.data_offset or 0) - work.bases[m]) for m, s in witness.all() if m in work.active]
    work.message = "ordering the data drives of a parity that never moves"
    made = [] if missing is not None else fixed.assemblies(sampler, members, explained, hints[:1], work.step)
    sequence = of_sequence(explained.fit.z, explained.fit.quality, explained.fit.enough)
    ranked = [one if one.proven else replace(one, score=min(one.score, 0.4))
              for one in compare(making.score(made, sequence), witness)]  # fmt: skip
    best = ranked[0] if ranked else None
    drive = work.active[explained.reading.columns[column] or 0]
    words = f"the parity always lies on member {drive + 1}: RAID4, or parity-last or -first"
    verdict = (
        "found" if best and best.score >= 0.9 else "likely" if best and best.score >= 0.5 else "not-enough-evidence"
    )
    if best is None or best.score < 0.5:
        # Disks that were used before md made an array of them show the same picture in rows that were never written.
        sequence = min(sequence, 0.45)
        words = (f"member {drive + 1} looks like the parity everywhere: RAID4, or RAID5 on disks that were used "
                 f"before and "
                 "hold little that is new; no file system tells which")  # fmt: skip
    answer = replace(base, verdict=verdict, words=words, candidates=tuple(ranked), sequence=(drive,),
                     sequence_score=sequence, run=0, members=_facts(work, sample),
                     strip_size=best.geometry.strip if best and best.score >= 0.5 else None)  # fmt: skip
    return _with_witness(work, answer)


def _with_witness(work: _Work, answer: Detection) -> Detection:
    """Compare with the metadata; where contents could not tell, offer what metadata say, proven or not."""
    witness = Witness(tuple(work.supers))
    told = list(answer.problems) + witness.problems(answer)
    if answer.best is None or answer.best.score < 0.5:
        extra = from_metadata(work.sources, witness)
        if extra is not None and all(extra.geometry != one.geometry for one in answer.candidates):
            ranked = sorted([*answer.candidates, extra], key=lambda one: -one.score)
            answer = replace(answer, candidates=tuple(ranked))
            if extra.score >= 0.9:
                answer = replace(answer, verdict="found", strip_size=extra.geometry.strip,
                                 words="contents alone could not tell; metadata could, and file systems stand in what "
                                       "they describe")  # fmt: skip
    return replace(answer, problems=tuple(told))
