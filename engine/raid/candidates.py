"""Whole assemblies: orderings at every place where the volume may begin, proven by assembling them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import RescueError
from engine.raid.array import ArraySource
from engine.raid.confidence import of_orders, whole
from engine.raid.header import find_starts
from engine.raid.layout import ROTATING, Geometry, Layout
from engine.raid.model import Candidate
from engine.raid.order import Ordering, Way
from engine.raid.proof import Proof, prove
from engine.raid.reading import Explained

if TYPE_CHECKING:
    from engine.raid.sample import Sampler
    from engine.source import Source

_MOST_PROOFS = 40
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Assembly:
    """One candidate before it has a score."""

    geometry: Geometry
    behind: float
    gain: float
    proof: Proof | None
    start: str
    offset_known: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Members:
    """The sources by number, what of them the sampler sees (``active``), and where their common start lies."""

    sources: Sequence[Source]
    active: Sequence[int]
    bases: Sequence[int]

    def geometry(
        self, layout: Layout, strip: int, columns: Sequence[int | None], offset: int, delay: int, first: int
    ) -> Geometry:
        """Columns of active members as an order of all members."""
        order = tuple(None if column is None else self.active[column] for column in columns)
        present = [self.bases[column] for column in columns if column is not None]
        offsets = tuple(
            offset + (self.bases[column] if column is not None else max(set(present), key=present.count))
            for column in columns
        )
        return Geometry(layout, strip, order, offsets, delay, first)


def proof_of(members: Members, geometry: Geometry) -> Proof | None:
    """What stands in the array that ``geometry`` makes; None when it cannot be assembled."""
    try:
        source = ArraySource(members.sources, geometry, "candidate")
        return prove(source, geometry.strip * geometry.data_drives)
    except RescueError:
        return None


def at_offset(
    members: Members, explained: Explained, delay: int, way: Way, offset: int, missing: int | None = None
) -> Geometry:
    """The geometry of ``way`` with row 0 at ``offset`` (of the common start). ``missing``: a column not to be used."""
    fit = explained.fit
    strip = fit.run // delay
    inside = (offset - fit.phase) % fit.run
    columns = [None if column == missing else explained.reading.columns[column] for column in way.drives(fit.slots)]
    return members.geometry(way.layout, strip, columns, offset, delay, max(1, delay - inside // strip))


def rotating(
    sampler: Sampler, members: Members, explained: Explained, delay: int, ordering: Ordering,
    hints: Sequence[int], missing: int | None, step: Callable[[], None] | None = None,
) -> list[Assembly]:  # fmt: skip
    """Assemblies for a moving parity, proven, in no order."""
    fit = explained.fit
    strip, drives = fit.run // delay, len(fit.slots)
    behind = {one.way: one for one in ordering.ways}
    starts = find_starts(sampler, explained, strip, hints)
    tried: list[tuple[Geometry, Way, str, bool]] = []
    seen: set[Geometry] = set()

    def add(offset: int, column: int | None, kind: str, known: bool) -> None:
        turn = (offset - fit.phase) // fit.run % drives
        for layout in ROTATING:
            way = Way(layout, turn)
            geometry = at_offset(members, explained, delay, way, offset, missing)
            first = way.drives(fit.slots)[geometry.data_drive(0, 0)]
            if (column is None or column == first) and geometry not in seen:
                seen.add(geometry)
                tried.append((geometry, Way(layout, 0 if layout.symmetric else turn), kind, known))

    for start in starts:
        add(start.offset, start.column, start.kind, True)
    for hint in hints:
        if hint >= 0 and (hint - fit.phase) % strip == 0:
            add(hint, None, "metadata", True)
    if not tried:
        base = fit.phase % strip
        for turn in range(drives * delay):
            add(base + turn * strip, None, "", False)
    tried.sort(key=lambda one: (not one[3], behind[one[1]].z if one[1] in behind else 9.0))
    found: list[Assembly] = []
    for geometry, way, kind, known in tried[:_MOST_PROOFS]:
        if step is not None:
            step()
        followed = behind.get(way)
        proof = proof_of(members, geometry) if known or not starts else None
        found.append(Assembly(geometry, followed.z if followed and ordering.rows else 0.0,
                              followed.gain if followed else 0.0, proof, kind, known))  # fmt: skip
    return found


def score(assemblies: Sequence[Assembly], sequence: float) -> list[Candidate]:
    """Ranked candidates with their confidence and reasons."""
    weights = [one.proof.weight if one.proof is not None else 0.0 for one in assemblies]
    shares = of_orders([one.behind for one in assemblies], weights)
    found = []
    for one, share in zip(assemblies, shares, strict=True):
        proof = one.proof
        good = proof.good if proof is not None else 0
        strong = proof is not None and proof.strong
        weight = proof.weight if proof is not None else 0.0
        proven = strong and weight > 0
        known = one.offset_known or proven  # what stands in many rows of it proves where it begins
        confidence = whole(sequence, share, good=good, strong=strong, weight=weight, offset_known=known)
        found.append(Candidate(one.geometry, confidence, tuple(_reasons(one, known)), proven, known))
    found.sort(key=lambda one: -one.score)
    return found[:_MOST_SHOWN]


def _reasons(one: Assembly, offset_known: bool) -> list[str]:
    proof = one.proof
    found = list(one.notes)
    if proof is not None and proof.good:
        kinds = ", ".join(proof.kinds) or "a table"
        found.append(f"{kinds}: {proof.good} places right, {proof.bad} wrong, in {proof.spread} rows")
        found += proof.words
    elif one.start and one.start != "metadata":
        found.append(f"row 0 looks like the start of {one.start}, but nothing in it could be checked")
    else:
        found.append("no file system was found in it")
    if proof is not None and proof.encrypted:
        found.append("the volume is encrypted: its contents prove nothing")
    if one.gain or one.behind:
        words = "data goes on from strip to strip best this way" if not one.behind else (
            f"data goes on less well than in the best order, by {one.behind:.1f} standard errors"
        )  # fmt: skip
        found.append(words)
    if not offset_known:
        found.append("where row 0 begins was not seen: the volume's start may be wrong by whole rows")
    return found
