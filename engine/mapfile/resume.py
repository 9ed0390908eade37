"""What the next plain run of ddrescue would make of a map's status line, and the line that makes it read what is meant.

With status ``?`` the copying phase goes on in ``current_pass`` at the position, and leaves out everything that this
pass would have met before. With any other status it begins at pass 1 from the edge. Measured on ddrescue 1.27 and 1.29.
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


def resume_of(map_: Mapfile, *, reverse: bool = False) -> Resume:
    """What a run would do with this map; ``reverse`` is its -R option."""
    first = 1
    if map_.phase == "?" and map_.current_pass <= LAST_PASS:
        first = map_.current_pass
    backwards = (first % 2 == 0) != reverse
    edge = map_.end if backwards else 0
    # a position beyond the source means the edge, and so does 0 for a run backwards
    goes_on = map_.phase == "?" and map_.position < map_.end and not (backwards and map_.position == 0)
    position = map_.position if goes_on else edge
    if not goes_on:
        left_out = RangeSet()
    elif backwards:
        left_out = map_.ranges("?", position, MAX_POSITION)
    else:
        left_out = map_.ranges("?", 0, position)
    return Resume(first, position, backwards, left_out, bool(left_out) and first == LAST_PASS)


def from_the_start(map_: Mapfile) -> Mapfile:
    """The map with a status line that makes the next run try everything non-tried: ``0x0 ? 1``."""
    return map_.with_status_line(0, "?", 1)


def reading_all(map_: Mapfile) -> tuple[Mapfile, bool]:
    """The map, reset to ``0x0 ? 1`` if its status line would leave non-tried areas out; and whether that was needed."""
    if not resume_of(map_).left_out:
        return map_, False
    return from_the_start(map_), True
