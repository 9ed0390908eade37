"""Metadata as one witness: what they say, where they agree with the findings, and where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.errors import Problem, RescueError
from engine.raid.array import ArraySource
from engine.raid.confidence import whole
from engine.raid.layout import MAX_DRIVES, MIN_DRIVES, Geometry, Layout, canonical_sequence, words_of_order
from engine.raid.metadata import Super
from engine.raid.model import Candidate, Detection
from engine.raid.proof import prove

if TYPE_CHECKING:
    from engine.source import Source


@dataclass(frozen=True, slots=True)
class Witness:
    """The superblocks of all members."""

    supers: tuple[tuple[Super, ...], ...]

    def all(self) -> Iterator[tuple[int, Super]]:
        """Member and superblock, for RAID4 and RAID5."""
        for member, found in enumerate(self.supers):
            for one in found:
                if one.level in (4, 5):
                    yield member, one

    def offsets(self) -> list[tuple[int, int]]:
        """Member and data offset."""
        return [(member, one.data_offset) for member, one in self.all() if one.data_offset is not None]

    def sets(self) -> dict[tuple[str, str], dict[int, Super]]:
        """By kind and array: the superblock of each member, the newest where there are two."""
        found: dict[tuple[str, str], dict[int, Super]] = {}
        for member, one in self.all():
            place = found.setdefault((one.kind, one.set_id), {})
            if member not in place or (one.updated or 0) > (place[member].updated or 0):
                place[member] = one
        return found

    def geometries(self) -> list[tuple[str, Geometry, tuple[str, ...]]]:
        """Arrays that the metadata describe well enough to be assembled: kind, geometry, what is odd about them."""
        made = []
        for (kind, _), by_member in self.sets().items():
            newest = max(by_member.values(), key=lambda one: (one.events or 0, one.updated or 0))
            layout, strip, drives = newest.layout, newest.strip, newest.drives
            if layout is None or strip is None or drives is None or not MIN_DRIVES <= drives <= MAX_DRIVES:
                continue
            order: list[int | None] = [None] * drives
            offsets: list[int | None] = [None] * drives
            notes = []
            for member, one in sorted(by_member.items(), key=lambda pair: -(pair[1].events or 0)):
                if one.events is not None and newest.events is not None and one.events < newest.events:
                    notes.append(f"member {member + 1} is stale: {one.events} events, the newest has {newest.events}")
                    continue
                if one.role is not None and one.role < drives and order[one.role] is None:
                    order[one.role], offsets[one.role] = member, one.data_offset or 0
            present = [offset for offset in offsets if offset is not None]
            if order.count(None) > 1 or not present:
                continue
            usual = max(set(present), key=present.count)
            sizes = [one.data_size // strip for one in by_member.values() if one.data_size]
            try:
                geometry = Geometry(layout, strip, tuple(order), tuple(usual if o is None else o for o in offsets),
                                    rows=min(sizes) if sizes else None)  # fmt: skip
            except RescueError:
                continue
            made.append((kind, geometry, tuple(notes)))
        return made

    def problems(self, answer: Detection) -> list[Problem]:
        """What the metadata say against each other and against the findings."""
        found = [
            Problem("metadata", f"member {member + 1}, {one.kind}: {why}")
            for member, supers in enumerate(self.supers)
            for one in supers
            for why in one.problems
        ]
        if len(self.sets()) > 1:
            kinds = ", ".join(sorted({kind for kind, _ in self.sets()}))
            found.append(Problem("metadata-several", f"metadata of {len(self.sets())} arrays lie on the members "
                                 f"({kinds}): one of them is older, or was made by mistake"))  # fmt: skip
        for kind, geometry, notes in self.geometries():
            found += [Problem("metadata-stale", f"{kind}: {note}") for note in notes]
            found += _against(kind, geometry, answer)
        return found


def _against(kind: str, geometry: Geometry, answer: Detection) -> list[Problem]:
    found = []
    if answer.sequence_score >= 0.8 and answer.run:
        if answer.strip_size and geometry.strip != answer.strip_size:
            found.append(
                Problem(
                    "metadata-disagrees",
                    f"{kind} says strips of {geometry.strip} bytes, the contents say "
                    f"{answer.strip_size}: the array was perhaps created anew over an older one",
                )
            )
        told, seen = canonical_sequence(geometry.sequence()), answer.sequence
        if seen is not None and None not in told and None not in seen and told != seen:
            found.append(
                Problem(
                    "metadata-disagrees",
                    f"{kind} says the sequence {words_of_order(told, '-')}, the contents "
                    f"say {words_of_order(seen, '-')}",
                )
            )
    best = answer.best
    if best is not None and best.score >= 0.9 and not _same(geometry, best.geometry):
        found.append(
            Problem(
                "metadata-disagrees",
                f"{kind} describes another assembly than the one that was proven: order "
                f"{words_of_order(geometry.order)}, {geometry.layout}, data from {geometry.data_offset}",
            )
        )
    return found  # fmt: skip


def _same(told: Geometry, found: Geometry) -> bool:
    """Whether two geometries are the same array, a drive left out on one side counted as the same.

    Parity that stands still on the first drive or on the last one makes the same volume.
    """
    told, found = _parity_last(told), _parity_last(found)
    if told.layout is not found.layout or told.strip != found.strip or told.drives != found.drives:
        return False
    pairs = zip(told.order, found.order, told.offsets, found.offsets, strict=True)
    return all((a is None or b is None or a == b) and (a is None or b is None or x == y) for a, b, x, y in pairs)


def _parity_last(geometry: Geometry) -> Geometry:
    if geometry.layout is not Layout.PARITY_FIRST:
        return geometry
    order, offsets = geometry.order, geometry.offsets
    return replace(geometry, layout=Layout.PARITY_LAST, order=order[1:] + order[:1], offsets=offsets[1:] + offsets[:1])


def common_bases(supers: Sequence[tuple[Super, ...]]) -> list[int]:
    """Where the members' data begin, when metadata say that this differs; else 0 for all.

    Compared at equal distances from there, not at equal places of the disks.
    """
    witness = Witness(tuple(supers))
    for by_member in witness.sets().values():
        offsets = {member: one.data_offset for member, one in by_member.items() if one.data_offset is not None}
        if len(offsets) == len(supers) and len(set(offsets.values())) > 1:
            return [offsets[member] for member in range(len(supers))]
    return [0] * len(supers)


def compare(candidates: Sequence[Candidate], witness: Witness) -> list[Candidate]:
    """Say of each candidate whether metadata describe it; agreement helps one that is not proven, a little."""
    told = [(kind, geometry) for kind, geometry, _ in witness.geometries()]
    found = []
    for one in candidates:
        kinds = [kind for kind, geometry in told if _same(geometry, one.geometry)]
        if kinds:
            score = one.score if one.proven else min(0.95, 1 - (1 - one.score) * 0.3)
            rows = next(geometry.rows for kind, geometry in told if _same(geometry, one.geometry))
            geometry = replace(one.geometry, rows=rows) if rows else one.geometry
            one = replace(one, score=score, geometry=geometry, evidence=(*one.evidence, f"{kinds[0]} metadata agree"))
        found.append(one)
    return sorted(found, key=lambda one: -one.score)


def from_metadata(sources: Sequence[Source], witness: Witness) -> Candidate | None:
    """The best assembly that metadata describe; its score is that of its proof, or a half when nothing can be
    proven."""
    best: Candidate | None = None
    for kind, geometry, notes in witness.geometries():
        try:
            proof = prove(ArraySource(sources, geometry, "metadata"), geometry.strip * geometry.data_drives)
        except RescueError:
            continue
        strong = proof.strong and proof.weight > 0
        score = whole(0.95, 1.0, good=proof.good, strong=strong, weight=proof.weight, offset_known=True)
        if not proof.good:
            score = 0.5
        words = (f"as {kind} metadata say; the contents could not confirm the layout", *notes, *proof.words)
        one = Candidate(geometry, score, words, strong)
        if best is None or one.score > best.score:
            best = one
    return best
