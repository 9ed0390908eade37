"""What the next plain run of ddrescue would make of a map's status line, and the line that makes it read what is meant.

With status ``?`` the copying phase goes on in ``current_pass`` at the position, and leaves out everything that this
pass would have met before. With any other status it begins at pass 1 from the edge. With status ``-`` the same holds
for retrying, if nothing comes before it. Where nothing is left in the direction of the pass, it begins at the edge
after all. Measured on ddrescue 1.27 and 1.29.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.mapfile.model import Mapfile
from engine.mapfile.status import MAX_POSITION
from engine.ranges import RangeSet

LAST_PASS = 5


@dataclass(frozen=True, slots=True)
class Resume:
    """The copying phase of the next run (without --cpass).

    ``position``: where it begins, in bytes; ``backwards``: in which direction; ``left_out``: non-tried areas that the
    first of its passes leaves out; ``never``: whether no later pass of the run comes back for them.
    """

    first_pass: int
    position: int
    backwards: bool
    left_out: RangeSet
    never: bool


def resume_of(
    map_: Mapfile, *, reverse: bool = False, unidirectional: bool = False, domain: RangeSet | None = None
) -> Resume:
    """What a run would do with this map; ``reverse`` and ``unidirectional`` are its -R and -u, ``domain`` what it is
    asked to read (None: everything).
    """
    first = 1
    if map_.phase == "?" and map_.current_pass <= LAST_PASS:
        first = map_.current_pass
    backwards = (first % 2 == 0 and not unidirectional) != reverse
    wanted = _inside(map_, "?", domain)
    position, left_out = _goes_on(map_, wanted, backwards, domain, resumes=map_.phase == "?")
    return Resume(first, position, backwards, left_out, bool(left_out) and first == LAST_PASS)


def resume_retrying(
    map_: Mapfile, *, reverse: bool = False, unidirectional: bool = False, domain: RangeSet | None = None,
    with_direction: bool = True,
) -> Resume:  # fmt: skip
    """What the retrying phase of a run with -r would do, when no phase before it has anything to read.

    ``with_direction`` False: the direction is not taken from the status line (that is so with --cpass). ``first_pass``
    is 1, whatever the status line says; ``never`` is about a run with a single retry pass.
    """
    even = map_.phase == "-" and map_.current_pass % 2 == 0 and with_direction and not unidirectional
    backwards = even != reverse
    wanted = _inside(map_, "-", domain)
    position, left_out = _goes_on(map_, wanted, backwards, domain, resumes=map_.phase == "-")
    return Resume(1, position, backwards, left_out, bool(left_out))


def _inside(map_: Mapfile, statuses: str, domain: RangeSet | None) -> RangeSet:
    found = map_.ranges(statuses)
    return found if domain is None else found.intersect(domain)


def _goes_on(
    map_: Mapfile, wanted: RangeSet, backwards: bool, domain: RangeSet | None, *, resumes: bool
) -> tuple[int, RangeSet]:
    """Where a phase begins, and what of ``wanted`` lies behind it."""
    low, high = 0, map_.end
    if domain:
        low, high = int(domain.starts[0]), min(high, int(domain.ends[-1]))
    edge = high if backwards else low
    if not resumes or not wanted:
        return edge, RangeSet()
    before, behind = wanted.clip(0, map_.position), wanted.clip(map_.position, MAX_POSITION)
    ahead, left_out = (before, behind) if backwards else (behind, before)
    if not ahead:
        return edge, RangeSet()
    return (min(map_.position, high) if backwards else max(map_.position, low)), left_out


def from_the_start(map_: Mapfile) -> Mapfile:
    """The map with a status line that makes the next run try everything non-tried: ``0x0 ? 1``."""
    return map_.with_status_line(0, "?", 1)


def reading_all(map_: Mapfile) -> tuple[Mapfile, bool]:
    """The map, reset to ``0x0 ? 1`` if its status line would leave non-tried areas out; and whether that was needed."""
    if not resume_of(map_).left_out:
        return map_, False
    return from_the_start(map_), True
