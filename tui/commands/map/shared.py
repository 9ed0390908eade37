"""What the verbs share: opening maps and older states, ranges as people name them, edits carried out and told."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import RefusedError, UsageError
from engine.mapedit.edits import Edit
from engine.mapedit.performing import Effect, perform
from engine.mapfile.diff import Move
from engine.mapfile.diff import moves as moves_between
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.status import CHARS, NAMES, char_of
from engine.ranges import RangeSet
from engine.text import format_exact, format_size, safe_text
from tui.commands.output import Output

MOST_RANGES = 1000
"""So many ranges of a kind are listed in a document."""


def open_map(text: str) -> Mapfile:
    """A map file, or an older state as ``MAP@NUMBER`` where no file has that name."""
    from engine.mapedit.generations import read_generation

    name, at, number = text.rpartition("@")
    if at and number.isdecimal() and not os.path.lexists(text):
        return read_generation(name, int(number))
    return read_map(text)


def ranges_of(text: str | None, map_: Mapfile | None = None) -> RangeSet | None:
    """Ranges from an argument: typed ones, ``all`` of the map, ``@FILE``, ``part:IMAGE[:NUMBER]``; None for None."""
    from engine.mapedit.overlays import read_overlays, union_of
    from engine.mapedit.selection import typed

    if text is None:
        return None
    if text.startswith("@"):
        return union_of(read_overlays(text[1:]))
    if text.startswith("part:"):
        from engine.mapedit.disk_overlays import partition_ranges

        image, colon, number = text[5:].rpartition(":")
        if colon and number.isdecimal():
            return partition_ranges(image, int(number))
        return partition_ranges(text[5:], None)
    if text == "all" and map_ is not None:
        return RangeSet.of(map_.start, map_.end)
    return typed(text)


def statuses_of(text: str) -> str:
    """Status characters from themselves or names with commas (``bad-sector,non-scraped``)."""
    if all(char in CHARS for char in text):
        return text
    return "".join(char_of(part) for part in text.split(","))


def document(map_: Mapfile) -> dict[str, Any]:
    """A map's status line and totals."""
    return {
        "position": map_.position,
        "status": map_.phase,
        "pass": map_.current_pass,
        "domain": {"start": map_.start, "end": map_.end},
        "blocks": len(map_),
        **map_.totals().as_dict(),
    }


def show(map_: Mapfile, out: Output, **more: Any) -> None:
    """The totals, as a document or a table."""
    value = document(map_)
    out.document(value | more)
    position = format_exact(map_.position)
    out.line(f"status   {map_.phase} {map_.phase_name}, pass {map_.current_pass}, position {position}")
    size = "open: the source's size is unknown" if map_.open_ended else format_exact(map_.end - map_.start)
    out.line(f"domain   {map_.start}-{map_.end}, {size}, {len(map_)} blocks")
    whole = map_.end - map_.start
    rows = []
    for char, name in zip(CHARS, NAMES, strict=True):
        amount = value["bytes"][name]
        share = f"{100 * amount / whole:.2f} %" if whole and not map_.open_ended else "-"
        rows.append((char, name.replace("_", "-"), str(amount), format_exact(amount).split(" (")[0], share,
                     str(value["areas"][name])))  # fmt: skip
    out.table(("", "status", "bytes", "size", "share", "areas"), rows, right=(2, 3, 4, 5))


def listed(ranges: RangeSet) -> list[dict[str, int]]:
    """Ranges for a document, at most ``MOST_RANGES``."""
    pairs = zip(ranges.starts[:MOST_RANGES].tolist(), ranges.ends[:MOST_RANGES].tolist(), strict=True)
    return [{"start": start, "end": end} for start, end in pairs]


def moves_document(moves: Sequence[Move]) -> list[dict[str, Any]]:
    """Bytes per pair of statuses; an empty status stands for "not in the map"."""
    return [
        {"old": move.old, "new": move.new, "bytes": move.bytes, "areas": len(move.ranges),
         "ranges": listed(move.ranges)}
        for move in moves
    ]  # fmt: skip


def show_moves(moves: Sequence[Move], out: Output) -> None:
    """A table of them, with the first places of each."""
    from engine.mapedit.words import spans

    if not moves:
        out.line("no status changes")
        return
    rows = [
        (move.old or "(none)", move.new or "(none)", str(move.bytes), format_size(move.bytes), spans(move.ranges))
        for move in moves
    ]
    out.table(("from", "to", "bytes", "size", "where"), rows, right=(2, 3))


def carry_out(args: argparse.Namespace, out: Output, edit: Edit, **more: Any) -> int:
    """An edit as the arguments want it: into a new file, in place, or only told."""
    if args.output is None and args.in_place:
        return _in_place(args, out, edit, more)
    if args.output is not None:
        from engine.mapfile.store import refuse_taken

        refuse_taken(args.output, force=args.force)
    performed = perform(edit, open_map(args.map))
    if args.output is not None:
        from engine.mapfile.store import save_as

        save_as(args.output, performed.after, force=args.force)
    _tell(performed.after, performed.effect, args.output, None, out, more)
    return 0


def _in_place(args: argparse.Namespace, out: Output, edit: Edit, more: dict[str, Any]) -> int:
    from engine.mapedit.document import Document

    opened = Document.open(args.map)
    if opened.ignored:
        out.note(opened.ignored)
    try:
        effect = opened.apply(edit, allow_loss=args.lose_finished)
        saved = opened.save(args.note, allow_loss=args.lose_finished)
    except RefusedError as error:
        if error.code == "loses-finished":
            error.advice = "add --lose-finished if that is meant"
        raise
    number = saved.generation.number if saved.generation is not None else None
    _tell(opened.map, effect, args.map, number, out, more)
    return 0


def _tell(
    map_: Mapfile, effect: Effect, written: str | None, generation: int | None, out: Output, more: dict[str, Any]
) -> None:
    facts = {
        "title": effect.title, "explain": list(effect.words), "changes": moves_document(effect.moves),
        "finished_lost": effect.loses, "written": written, "generation": generation,
    }  # fmt: skip
    show(map_, out, **(facts | more))
    out.line()
    out.line(safe_text(effect.title, 400))
    out.lines(safe_text(word, 1000) for word in effect.words)
    show_moves(effect.moves, out)
    if written is None:
        out.note("nothing was saved; name a file with -o, or change the map itself with --in-place")
    elif generation is not None:
        out.line(f"saved; the state before is generation {generation}")


def save_new(args: argparse.Namespace, out: Output, map_: Mapfile, **more: Any) -> int:
    """Save a map made anew under the output's name and show it."""
    from engine.mapfile.store import save_as

    save_as(args.output, map_, force=args.force)
    show(map_, out, written=args.output, **more)
    return 0


def number_of(text: str | None) -> int | None:
    """A size in bytes; None for None."""
    from engine.text import parse_size

    return None if text is None else parse_size(text)


def absolute(path: str) -> str:
    """An absolute path, links as they are."""
    return str(Path(os.path.abspath(path)))


def wanted(value: str | None, what: str) -> str:
    """An argument that must be there."""
    if value is None:
        raise UsageError(f"{what} is needed")
    return value


__all__ = [
    "absolute", "carry_out", "document", "listed", "moves_between", "moves_document", "number_of", "open_map",
    "ranges_of", "save_new", "show", "show_moves", "statuses_of", "wanted",
]  # fmt: skip
