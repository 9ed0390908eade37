"""What a rescue is about: the whole source, a range, or what a domain map marks; and the totals inside it."""

from __future__ import annotations

from engine.mapfile.loose import read_loose
from engine.mapfile.model import Mapfile, Totals
from engine.mapfile.parse import read_map
from engine.mapfile.status import CHARS, NON_TRIED
from engine.ranges import MAX_POSITION, RangeSet
from engine.rescue.options import RescueOptions


def domain_of(options: RescueOptions, size: int | None) -> RangeSet | None:
    """The positions that these options ask for; None for all of a source of unknown size.

    Raises ``OutsideError`` or ``DamagedError`` for a domain map that cannot be read.
    """
    start = options.input_position or 0
    end = MAX_POSITION if options.size is None else min(MAX_POSITION, start + options.size)
    if size is not None:
        end = min(end, size)
    whole = RangeSet.of(start, end)
    if options.domain_mapfile is not None:
        wanted = read_domain(options)
        return wanted.intersect(whole)
    return None if size is None and options.size is None and not start else whole


def read_domain(options: RescueOptions) -> RangeSet:
    """The finished blocks of the domain map."""
    path = options.domain_mapfile
    assert path is not None
    if options.loose_domain:
        return read_loose(path).ranges("+")
    return read_map(path).ranges("+")


def totals_in(known: Mapfile, domain: RangeSet | None) -> Totals:
    """Bytes and areas per status inside the domain; what the map does not cover counts as non-tried."""
    if domain is None:
        return known.totals()
    if len(domain) == 1 and int(domain.starts[0]) <= known.start and int(domain.ends[0]) == known.end:
        return known.totals()
    parts = [known.ranges(char).intersect(domain) for char in CHARS]
    amounts, areas = [part.total for part in parts], [len(part) for part in parts]
    uncovered = domain.subtract(RangeSet.of(known.start, known.end))
    amounts[NON_TRIED] += uncovered.total
    areas[NON_TRIED] += len(uncovered)
    return Totals(tuple(amounts), tuple(areas))  # type: ignore[arg-type]
