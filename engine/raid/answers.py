"""From a reading that explains the members (or none that does) to the answer: order, proof, verdict, reasons."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import Problem
from engine.raid import candidates as making
from engine.raid import fixed
from engine.raid.confidence import of_sequence
from engine.raid.delay import find_delay
from engine.raid.heat import health, heat_rows, heat_run
from engine.raid.layout import canonical_sequence
from engine.raid.model import Candidate, Detection, MemberFacts, SizeScore
from engine.raid.order import follow
from engine.raid.phase import refine
from engine.raid.reading import Explained, Measured, to_members
from engine.raid.sample import Sample, Sampler
from engine.raid.stale import find_stale
from engine.raid.triage import COMPLETE, SOME, Triage, triage
from engine.raid.witness import Witness, compare, from_metadata
from engine.raid.work import Work

_FEW_ROWS = 180


def _facts(work: Work, sample: Sample | None) -> tuple[MemberFacts, ...]:
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


def _base(work: Work, sampler: Sampler, sample: Sample | None, verdict: str, words: str) -> Detection:
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


def empty(work: Work, sampler: Sampler, sample: Sample | None, verdict: str, words: str) -> Detection:
    """An answer that needs no reading: nothing there, mirrors, RAID6."""
    return _base(work, sampler, sample, verdict, words)


def _columns(work: Work, explained: Explained) -> tuple[int | None, ...]:
    return tuple(None if c is None else work.active[c] for c in explained.reading.columns)


def _sizes(work: Work, explained: Explained) -> tuple[SizeScore, ...]:
    best = max(explained.fit.cost, 1e-9)
    found = []
    for fit in explained.fits[:14]:
        members = to_members(explained.reading, fit.slots)
        found.append(SizeScore(fit.run, fit.cost / best, tuple(None if m is None else work.active[m] for m in members)))
    return tuple(found)


def undetermined(
    work: Work, sampler: Sampler, sample: Sample, state: Triage, explained: Explained | None
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


def answer(work: Work, sampler: Sampler, explained: Explained, state: Triage) -> Detection:
    """From the reading that explains most to ranked assemblies and a verdict."""
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
    work: Work, sampler: Sampler, members: making.Members, explained: Explained, hints: list[int],
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


def _name_members(work: Work, sampler: Sampler, sample: Sample, explained: Explained, state: Triage) -> int | None:
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


def _standing_still(work: Work, sampler: Sampler, sample: Sample, explained: Explained, state: Triage) -> Detection:
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


def _with_witness(work: Work, answer: Detection) -> Detection:
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
