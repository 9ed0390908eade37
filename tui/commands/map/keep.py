"""Older states and lost sessions: generations, going back, unsaved edits replayed or discarded."""

from __future__ import annotations

import argparse
from typing import Any

from engine.errors import NotFoundError, RescueError
from engine.mapedit.document import Document
from engine.mapedit.edits import Restore
from engine.mapedit.generations import generations_of, read_generation
from engine.text import format_size, safe_text
from tui.commands.map.shared import carry_out, moves_document, ranges_of, show, show_moves
from tui.commands.output import Output


def _generations(args: argparse.Namespace, out: Output) -> int:
    if args.restore is not None:
        args.number, args.range, args.output, args.in_place = args.restore, None, None, True
        return _restore(args, out)
    found = generations_of(args.map)
    rows: list[dict[str, Any]] = []
    for one in found:
        try:
            totals = read_generation(args.map, one.number).totals()
        except RescueError as error:
            totals = None
            out.note(f"generation {one.number}: {error}")
        rows.append({
            "number": one.number, "time": one.time, "note": one.note, "command": one.command, "path": str(one.path),
            "finished": None if totals is None else totals.finished,
            "unfinished": None if totals is None else totals.unfinished,
        })  # fmt: skip
    out.document({"generations": rows})
    for row in rows:
        size = "unreadable" if row["finished"] is None else f"{format_size(row['finished'])} finished"
        out.line(f"{row['number']:>4}  {row['time']}  {size}  {safe_text(row['note'], 300)}")
        if row["command"]:
            out.line(f"      {safe_text(row['command'], 2000)}")
    if not rows:
        out.line("no older states are kept")
    return 0


def _restore(args: argparse.Namespace, out: Output) -> int:
    older = read_generation(args.map, args.number)
    edit = Restore.from_map(older, f"generation {args.number}", ranges_of(args.range))
    args.note = args.note or f"going back to generation {args.number}"
    return carry_out(args, out, edit)


def _undo_log(args: argparse.Namespace, out: Output) -> int:
    opened = Document.open(args.map)
    offer = opened.offer
    out.document({
        "offered": offer is not None, "ignored": opened.ignored, "edits": list(offer.titles) if offer else [],
        "since": offer.since if offer else None, "until": offer.until if offer else None,
        "cut": offer.cut if offer else False,
    })  # fmt: skip
    if offer is not None:
        out.line(f"{len(offer.titles)} unsaved edits, {offer.since} to {offer.until}:")
        out.lines(f"{number:>4}  {safe_text(title, 300)}" for number, title in enumerate(offer.titles, 1))
        if offer.cut:
            out.line("what came last was cut off and is lost")
        out.line("carry them out: rescuedeck map replay MAP --in-place; or drop them: --discard")
    else:
        out.line(safe_text(opened.ignored, 600) or "no unsaved edits")
    return 0


def _replay(args: argparse.Namespace, out: Output) -> int:
    if args.output is not None:
        from engine.mapfile.store import refuse_taken

        refuse_taken(args.output, force=args.force)
    opened = Document.open(args.map)
    if opened.offer is None:
        raise NotFoundError(opened.ignored or "there are no unsaved edits", code="nothing-to-do", path=args.map)
    if args.discard:
        titles = list(opened.offer.titles)
        opened.discard_offer()
        out.document({"discarded": titles})
        out.line(f"{len(titles)} unsaved edits are put aside")
        return 0
    if args.output is not None:
        opened.rehearse()
    else:
        opened.replay()
    titles = [entry.title for entry in opened.history if entry.done]
    changes = opened.unsaved_moves()
    generation = None
    if args.output is not None:
        from engine.mapfile.store import save_as

        save_as(args.output, opened.map, force=args.force)
    else:
        saved = opened.save(args.note, allow_loss=args.lose_finished)
        generation = saved.generation.number if saved.generation is not None else None
    show(opened.map, out, edits=titles, changes=moves_document(changes), generation=generation,
         written=args.output or args.map)  # fmt: skip
    out.line()
    out.lines(safe_text(title, 300) for title in titles)
    show_moves(changes, out)
    return 0


VERBS = {"generations": _generations, "restore": _restore, "undo-log": _undo_log, "replay": _replay}
