"""``map read``: a rescue of just the named ranges, on this map."""

from __future__ import annotations

import argparse

from engine.errors import UsageError
from engine.mapedit.document import Document
from engine.mapedit.preview import read_selection
from engine.mapedit.selection import by_status
from engine.text import safe_text
from tui.commands.map.shared import absolute, listed, ranges_of, statuses_of
from tui.commands.output import Output


def _read(args: argparse.Namespace, out: Output) -> int:
    from engine import jobs
    from engine.rescue.arguments import default_options
    from tui.commands.rescue import follow, options_from

    opened = Document.open(args.map)
    ranges = ranges_of(args.range, opened.map)
    assert ranges is not None
    if args.only is not None:
        ranges = by_status(opened.map, statuses_of(args.only), ranges)
    source = absolute(args.source) if args.source else (opened.case.source_path if opened.case else None)
    if source is None:
        raise UsageError("reading needs the source and the image", advice="--source and --image")
    base = default_options(source)
    ready = read_selection(
        opened, ranges, source=source, image=absolute(args.image) if args.image else None, recipe=args.recipe,
        retries=args.retries, options=options_from(base, [], None, args.options), dry_run=args.dry_run,
    )  # fmt: skip
    if ready.arguments is None:
        out.document({"bytes": ready.reads.total, "ranges": listed(ready.reads), "explain": list(ready.words)})
        out.lines(ready.words)
        return 0
    if not out.json:
        out.lines(safe_text(word, 1000) for word in ready.words)
    job = jobs.start("rescue", ready.arguments.to_json(), ready.arguments.jobs_directory, title=source)
    if args.detach:
        out.document({"job": job.id, "directory": str(job.directory)})
        out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
        return 0
    return follow(job, out)


VERBS = {"read": _read}
