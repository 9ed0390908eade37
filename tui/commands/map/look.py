"""Looking at maps: totals, blocks, checks, pictures, sector numbers, differences, what the next run reads."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from engine.text import format_exact, parse_range, parse_size, safe_text
from tui.commands.map.shared import listed, moves_document, number_of, open_map, ranges_of, show, show_moves
from tui.commands.output import Output


def _info(args: argparse.Namespace, out: Output) -> int:
    show(open_map(args.map), out)
    return 0


def _list(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.status import CHARS, flags_of

    wanted = set(CHARS if args.status is None else args.status)
    flags_of(args.status or "")
    map_ = open_map(args.map)
    chosen = (block for block in map_ if block.status in wanted)
    if out.json:
        out.pieces(_blocks_json(chosen))
        return 0
    out.line(f"{'start':>20}  {'end':>20}  {'size':>20}  status")
    for start, size, status in chosen:
        out.line(f"{start:>20}  {start + size:>20}  {size:>20}  {status}")
    return 0


def _blocks_json(blocks: Iterator[tuple[int, int, str]]) -> Iterator[str]:
    yield '{"blocks": ['
    comma = "\n"
    for start, size, status in blocks:
        yield f'{comma}{{"start": {start}, "size": {size}, "status": "{status}"}}'
        comma = ",\n"
    yield "\n]}\n"


def _check(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.check import check_file
    from engine.mapfile.store import refuse_taken, save_as

    if args.fix is not None:
        refuse_taken(args.fix, force=args.force)
    found = check_file(args.map)
    written = None
    if args.fix is not None and found.repaired is not None:
        save_as(args.fix, found.repaired, force=args.force)
        written = args.fix
    problems = [{"line": each.line, "message": each.message, "code": each.code} for each in found.problems]
    out.document({
        "valid": found.valid, "problems": problems, "problem_count": found.count, "repair": list(found.notes),
        "written": written,
    })  # fmt: skip
    if found.valid:
        out.line("the map is well-formed")
    for problem in found.problems:
        out.line((f"line {problem.line}: " if problem.line is not None else "") + safe_text(problem.message))
    if found.count > len(found.problems):
        out.line(f"... and {found.count - len(found.problems)} more problems")
    for note in found.notes:
        out.line(f"repair: {safe_text(note)}")
    if written is not None:
        out.line(f"saved as {safe_text(written)}")
    elif args.fix is not None:
        out.line("nothing was saved: no block could be read")
    return 0 if found.valid else 1


def _render(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.render import render_rows

    window = None if args.window is None else parse_range(args.window)
    rows = render_rows(open_map(args.map), args.width, args.height, window)
    out.document({"rows": rows})
    out.lines(rows)
    return 0


def _sectors(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile.sectors import list_sectors

    map_ = open_map(args.map)
    numbers = list_sectors(map_, args.status, parse_size(args.sector_size), ranges_of(args.range, map_))
    if out.json:
        out.document({"sectors": numbers.tolist()})
        return 0
    for at in range(0, numbers.size, 1 << 16):
        out.line("\n".join(map(str, numbers[at : at + (1 << 16)].tolist())))
    return 0


def _diff(args: argparse.Namespace, out: Output) -> int:
    from engine.mapedit.generations import compare

    before, after = open_map(args.map), open_map(args.other)
    found = compare(before, after)
    out.document({
        "same": found.same, "gained": found.gained.total, "lost": found.lost.total,
        "status_line_changed": found.line_changed, "changes": moves_document(found.moves),
        "before": {"position": before.position, "status": before.phase, "pass": before.current_pass},
        "after": {"position": after.position, "status": after.phase, "pass": after.current_pass},
    })  # fmt: skip
    out.line(f"gained {format_exact(found.gained.total)}, lost {format_exact(found.lost.total)}")
    if found.line_changed:
        lines = [f"0x{map_.position:08X} {map_.phase} {map_.current_pass}" for map_ in (before, after)]
        out.line(f"status line {lines[0]} -> {lines[1]}")
    show_moves(found.moves, out)
    return 0 if found.same else 1


def _next(args: argparse.Namespace, out: Output) -> int:
    from engine.mapedit.preview import preview_run
    from engine.rescue.options import RescueOptions
    from tui.commands.rescue import options_from

    map_ = open_map(args.map)
    options = options_from(RescueOptions(), [args.recipe] if args.recipe else [], args.range, args.options)
    found = preview_run(map_, options, number_of(args.size))
    out.document({
        "phases": [
            {"name": phase.name, "status": phase.status, "pass": phase.first_pass, "position": phase.position,
             "direction": "backwards" if phase.backwards else "forwards", "bytes": phase.ranges.total,
             "areas": len(phase.ranges), "ranges": listed(phase.ranges)}
            for phase in found.phases
        ],
        "bytes": found.reads.total, "left_out": found.left_out.total, "never": found.never.total,
        "never_ranges": listed(found.never), "warnings": list(found.warnings),
    })  # fmt: skip
    out.lines(found.words)
    out.lines(f"warning: {warning}" for warning in found.warnings)
    return 0


VERBS = {
    "info": _info, "list": _list, "check": _check, "render": _render, "sectors": _sectors, "diff": _diff, "next": _next,
}  # fmt: skip
