"""Maps made anew: from a size, sector numbers or areas, from a list with gaps, as a domain."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.mapfile.status import MAX_POSITION, char_of
from engine.mapfile.store import refuse_taken
from engine.text import parse_size
from tui.commands.map.shared import number_of, open_map, ranges_of, save_new
from tui.commands.output import Output

if TYPE_CHECKING:
    from engine.ranges import RangeSet

_MAX_LIST = 1 << 30


def _create(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.parse import read_file
    from engine.mapfile.sectors import from_sectors, parse_numbers

    refuse_taken(args.output, force=args.force)
    size = number_of(args.size)
    if args.sectors is not None:
        data = sys.stdin.buffer.read(_MAX_LIST) if args.sectors == "-" else read_file(args.sectors)
        made = from_sectors(
            parse_numbers(data), parse_size(args.sector_size), listed=char_of(args.listed),
            rest=char_of(args.rest or "-"), end=MAX_POSITION if size is None else size,
        )  # fmt: skip
    elif args.areas is not None:
        ranges = ranges_of(args.areas)
        assert ranges is not None
        made = _painted(ranges, size, char_of(args.listed), char_of(args.rest or "-"))
    elif size:
        made = Mapfile.new(0, size, char_of(args.rest or "?"))
    else:
        raise UsageError("a map of what?", advice="give --size, --sectors or --areas")
    return save_new(args, out, made)


def _painted(ranges: RangeSet, size: int | None, listed: str, rest: str) -> Mapfile:
    from engine.mapedit.paint import paint

    if size is None:
        size = int(ranges.ends[-1]) if ranges else 0
    return paint(Mapfile.new(0, size, rest), ranges.clip(0, size), listed)


def _complete(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.loose import read_loose

    refuse_taken(args.output, force=args.force)
    return save_new(args, out, read_loose(args.map, char_of(args.status)))


def _domain(args: argparse.Namespace, out: Output) -> int:
    from engine.mapedit.selection import by_status

    refuse_taken(args.output, force=args.force)
    map_ = open_map(args.map)
    ranges = by_status(map_, args.status, ranges_of(args.range, map_))
    return save_new(args, out, _painted(ranges, map_.end, "+", "-"))


VERBS = {"create": _create, "complete": _complete, "domain": _domain}
