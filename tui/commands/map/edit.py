"""Edits: each verb makes one edit of its arguments and has it carried out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.mapedit import edits, selection
from engine.mapfile.status import char_of
from engine.ranges import RangeSet
from engine.text import parse_range, parse_size
from tui.commands.map.shared import carry_out, number_of, open_map, ranges_of, statuses_of
from tui.commands.output import Output

if TYPE_CHECKING:
    from engine.mapfile.model import Mapfile


def selected(args: argparse.Namespace, map_: Mapfile) -> RangeSet:
    """The ranges of an argument, narrowed, grown and aligned as the others say."""
    ranges = ranges_of(args.range, map_)
    assert ranges is not None
    extent = (map_.start, map_.end)
    if args.only is not None:
        ranges = selection.by_status(map_, statuses_of(args.only), ranges, number_of(args.at_least) or 0)
    elif args.at_least is not None:
        raise UsageError("--at-least goes with --only")
    if args.grow is not None:
        ranges = selection.grow(ranges, parse_size(args.grow), extent)
    if args.shrink is not None:
        ranges = selection.shrink(ranges, parse_size(args.shrink))
    if args.align is not None:
        ranges = selection.align(ranges, parse_size(args.align), extent)
    if args.align_inwards is not None:
        ranges = selection.align(ranges, parse_size(args.align_inwards), extent, outwards=False)
    return ranges


def _set(args: argparse.Namespace, out: Output) -> int:
    status = char_of(args.status)
    plain = (args.only, args.at_least, args.grow, args.shrink, args.align, args.align_inwards) == (None,) * 6
    if plain and args.range != "all":
        ranges = ranges_of(args.range)
        assert ranges is not None
    else:
        ranges = selected(args, open_map(args.map))
    return carry_out(args, out, edits.SetStatus(ranges, status))


def _header(args: argparse.Namespace, out: Output) -> int:
    position = None if args.position is None else parse_size(args.position)
    if position is None and args.status is None and args.number is None:
        raise UsageError("name what to write", advice="--position, --status or --pass")
    return carry_out(args, out, edits.SetLine(position, args.status, args.number))


def _split(args: argparse.Namespace, out: Output) -> int:
    return carry_out(args, out, edits.SplitAt(tuple(parse_size(text) for text in args.positions)))


def _merge(args: argparse.Namespace, out: Output) -> int:
    return carry_out(args, out, edits.MergeBlocks(ranges_of(args.range)))


def _shift(args: argparse.Namespace, out: Output) -> int:
    distance = parse_size(args.up) if args.up is not None else -parse_size(args.down)
    return carry_out(args, out, edits.Shift(distance))


def _clip(args: argparse.Namespace, out: Output) -> int:
    if args.domain is not None:
        return carry_out(args, out, edits.Clip.to_domain(ranges_of(args.domain) or RangeSet(), char_of(args.status)))
    if args.size is not None:
        start, end = 0, parse_size(args.size)
    else:
        ranges = ranges_of(args.range)
        if not ranges:
            raise UsageError("there is nothing in that range")
        start, end = int(ranges.starts[0]), int(ranges.ends[-1])
    if end <= start:
        raise UsageError("there is nothing in that range")
    return carry_out(args, out, edits.Clip(start, end))


def _extend(args: argparse.Namespace, out: Output) -> int:
    start, end = (0, parse_size(args.size)) if args.size is not None else parse_range(args.range)
    return carry_out(args, out, edits.Extend(start, end, char_of(args.status)))


def _change_types(args: argparse.Namespace, out: Output) -> int:
    return carry_out(args, out, edits.ChangeTypes(statuses_of(args.old), statuses_of(args.new), ranges_of(args.range)))


def _invert(args: argparse.Namespace, out: Output) -> int:
    return carry_out(args, out, edits.Invert(ranges_of(args.range)))


def _combine(args: argparse.Namespace, out: Output) -> int:
    if args.output is not None:
        from engine.mapfile.store import refuse_taken

        refuse_taken(args.output, force=args.force)
    edit = edits.Combine.with_map(args.verb, open_map(args.other), args.other, ranges_of(args.range))
    return carry_out(args, out, edit)


VERBS = {
    "set": _set, "header": _header, "split": _split, "merge": _merge, "shift": _shift, "clip": _clip,
    "extend": _extend, "change-types": _change_types, "invert": _invert, "and": _combine, "or": _combine,
    "xor": _combine, "minus": _combine,
}  # fmt: skip
