"""``rescuedeck dvr``: recordings on the disks of video recorders: listed, looked into, extracted, found by their
clock."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import format_duration, format_exact, format_size, parse_range, parse_size, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.dvr import Recordings, Title
    from engine.recordings.extracting import Outcome
    from engine.recordings.look import Looked, Place

_STATE = ".dvr-scan"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck dvr {example}")

    verb = _disk(leaf("list", "which recorder wrote the disk, and its titles", "list disk.img --map disk.map"))
    verb.add_argument("--sort", default="disk", metavar="ORDER",
                      help="disk, name, date, size, length, missing, rung or channel")  # fmt: skip
    verb.add_argument("--descending", action="store_true", help="the largest first")
    verb.add_argument("--show", default="all", metavar="WHICH",
                      help="all, kept, deleted, whole, missing, 'play lists' or problems")  # fmt: skip
    verb.add_argument("--search", default="", metavar="WORDS", help="titles with all of these words")
    verb.add_argument("--list-files", action="store_true", help="the recorder's own files too")

    verb = _disk(leaf("extract", "recordings as files: exact bytes, resumable, hashed",
                      "extract disk.img t3 t7 -o films --remux mkv"))  # fmt: skip
    verb.add_argument("ids", metavar="ID", nargs="*", help="titles of dvr list (all, without one)")
    _target(verb)
    verb.add_argument("--files", action="store_true", help="the recorder's own files (IFO, VRO ...) under their names")
    verb.add_argument("--parts", action="store_true", help="each part of a title as a file of its own")
    verb.add_argument("--fill", action="store_true", help="fill what nobody has read with padding packs")
    _remux(verb)
    verb.add_argument("--scan", metavar="DIR", help="titles are those that dvr scan -o DIR found")
    verb.add_argument("--detach", action="store_true", help="write in the background, as a job")

    verb = _source(leaf("scan", "recordings by the MPEG clock, where the directory is gone",
                        "scan disk.img -o films"))  # fmt: skip
    _target(verb)
    verb.add_argument("--list", action="store_true", help="only look: write no recordings")
    verb.add_argument("--shortest", type=float, default=10.0, metavar="SECONDS",
                      help="recordings shorter than this are not written (10)")  # fmt: skip
    verb.add_argument("--join", metavar="START,START", action="append", default=[],
                      help="the piece at the second byte follows the one at the first (repeatable)")  # fmt: skip
    verb.add_argument("--apart", metavar="START,START", action="append", default=[], help="these two are not joined")
    verb.add_argument("--cut", metavar="BYTE", action="append", default=[], help="cut a piece there (a pack's start)")
    _remux(verb)

    verb = _disk(leaf("domain", "what a rescue should read first, as a ddrescue domain map",
                      "domain disk.img --map disk.map -o first.domain"))  # fmt: skip
    verb.add_argument("ids", metavar="ID", nargs="*", help="these titles too, besides the directory")
    verb.add_argument("-o", "--output", metavar="FILE", required=True, help="the domain map")
    verb.add_argument("--force", action="store_true", help="replace it (the one before stays as FILE.1)")

    verb = _disk(leaf("picture", "the first frame of a title as PNG", "picture disk.img t3 -o t3.png"))
    verb.add_argument("id", metavar="ID", help="a title of dvr list")
    verb.add_argument("-o", "--output", metavar="FILE", required=True, help="the picture")
    verb.add_argument("--at", type=float, default=0.0, metavar="PERCENT", help="so far into the title (0)")


def _source(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    verb.add_argument("source", metavar="SOURCE", help="an image, a device, disk.001, a case, or a folder with VROs")
    verb.add_argument("--map", metavar="FILE", help="a ddrescue mapfile: what it does not call finished is unread")
    verb.add_argument("--window", metavar="START+SIZE", help="only this part of the source")
    return verb


def _disk(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _source(verb)
    verb.add_argument("--deep", action="store_true", help="look through the whole disk for lost tables and titles")
    verb.add_argument("--understanding", type=int, default=1, metavar="N",
                      help="the N-th way in which the disk makes sense (1, the best)")  # fmt: skip
    return verb


def _target(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--output", metavar="DIR", required=True, help="the folder to write to")


def _remux(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--remux", choices=("mpg", "mkv"), help="put parts together with ffmpeg, without coding anew")
    verb.add_argument("--aspect", choices=("4:3", "16:9"), help="with --remux: the shape written into the stream")
    verb.add_argument("--keep", action="store_true", help="with --remux: keep the exact bytes too")
    verb.add_argument("--no-pictures", action="store_true", help="no PNG of the first frame beside each title")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    if getattr(args, "aspect", None) and not args.remux:
        raise UsageError("--aspect changes the stream, and so needs --remux mpg or mkv")
    verbs = {"list": _list, "extract": _extract, "scan": _scan, "domain": _domain, "picture": _picture}
    return verbs[args.verb](args, out)


def _place(args: argparse.Namespace) -> Place:
    from engine.recordings.look import Place

    window = None if args.window is None else parse_range(args.window)
    return Place(Path(args.source), None if args.map is None else Path(args.map), window)


def _looked(args: argparse.Namespace, out: Output) -> Looked:
    from engine.recordings import look

    reporter = out.reporter("looking")
    try:
        return look(_place(args), variant=max(0, args.understanding - 1), deep=args.deep, reporter=reporter)
    finally:
        reporter.close()


# --- list


def _list(args: argparse.Namespace, out: Output) -> int:
    from engine.dvr.document import recordings_document, title_document
    from engine.dvr.listing import FILTERS, ORDERS, arrange

    if args.sort not in ORDERS or args.show not in FILTERS:
        known = ORDERS if args.sort not in ORDERS else FILTERS
        raise UsageError("there is no such order or filter", advice=f"known: {', '.join(known)}")
    looked = _looked(args, out)
    recordings = looked.recordings
    titles = arrange(recordings.titles, order=args.sort, descending=args.descending, show=args.show,
                     search=args.search)  # fmt: skip
    document = recordings_document(recordings)
    document["titles"] = [title_document(title) for title in titles]
    document["others"] = [_finding(one) for one in looked.findings]
    document["unread_structures_bytes"] = looked.unread_structures
    out.document(document)
    out.lines(_head_lines(looked))
    out.lines(_title_lines(titles))
    if args.list_files:
        out.table(("SIZE", "MISSING", "FILE"), (
            (format_size(one.size), format_size(one.missing.bytes) if one.missing else "-", one.path)
            for one in recordings.files), right=(0, 1))  # fmt: skip
    return 0 if titles and recordings.finding.readable else 1


def _finding(one: Any) -> dict[str, Any]:
    return {
        "family": one.family, "variant": one.variant, "recorder": one.recorder,
        "confidence": round(one.confidence, 3), "reasons": list(one.reasons), "base": one.base,
        "swapped": one.swapped, "readable": one.readable, "advice": one.advice,
    }  # fmt: skip


def _head_lines(looked: Looked) -> Iterator[str]:
    recordings = looked.recordings
    finding = recordings.finding
    yield f"{safe_text(recordings.recorder)} ({safe_text(recordings.variant)}), {finding.confidence:.0%} sure"
    for reason in recordings.reasons:
        yield f"  because {safe_text(reason, 200)}"
    if not finding.readable:
        yield f"  it cannot be read: {safe_text(finding.advice, 400)}"
    if finding.rung != "directory":
        yield f"  found by its {finding.rung}, not by the directory itself"
    if looked.unread_structures:
        yield f"  {format_exact(looked.unread_structures)} of its directory were never read: rescuedeck dvr domain"
    for problem in recordings.problems[:10]:
        yield f"  ! {safe_text(problem.message, 200)}"
    if len(recordings.problems) > 10:
        yield f"  ! and {len(recordings.problems) - 10} more (--json)"


def _title_lines(titles: tuple[Title, ...]) -> Iterator[str]:
    if not titles:
        yield "no titles"
        return
    width = max(4, min(12, max(len(title.id) for title in titles)))
    yield f"{'ID':<{width}} {'DATE':<16} {'LENGTH':>8} {'SIZE':>9} {'MISSING':>9}  NAME"
    for title in titles:
        when = f"{title.recorded_at:%Y-%m-%d %H:%M}" if title.recorded_at else "-"
        missing = title.missing.amount
        notes = [word for word, said in (("deleted", title.deleted), ("locked", title.locked)) if said]
        notes += [title.rung] if title.rung != "directory" else []
        notes += [title.kind] if title.kind != "recording" else []
        notes += [str(edit.kind) for edit in title.edited if edit.kind != title.kind]
        notes += [f"{len(title.parts)} parts"] if len(title.parts) > 1 else []
        if title.missing.seconds:
            notes.append(f"{format_duration(title.missing.seconds)} lost")
        name = safe_text(title.shown_name, 60) + (f" ({', '.join(notes)})" if notes else "")
        length = hours(title.duration_s)
        yield f"{title.id:<{width}} {when:<16} {length:>8} {format_size(title.size):>9} {missing:>9}  {name}"


def hours(seconds: float | None) -> str:
    """``1:02:03``; ``-`` when unknown."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


# --- extract


def _extract(args: argparse.Namespace, out: Output) -> int:
    from engine.recordings import clockwork
    from engine.recordings.extracting import take
    from engine.recordings.look import opened

    if args.detach:
        return _detach(args, out)
    listed = None if args.scan is not None else _looked(args, out).recordings
    target = _writable(args)
    reporter = out.reporter("writing")
    try:
        with opened(_place(args)) as source:
            recordings = clockwork.load(Path(args.scan) / _STATE).recordings(source) if listed is None else listed
            done = take(source, recordings, target, _order(args, tuple(args.ids) or None), reporter=reporter)
    finally:
        reporter.close()
    out.document(done.document())
    out.lines(_written_lines(done))
    return 0 if done.taken and not done.problems and not any(one.missing_bytes for one in done.taken) else 1


def _detach(args: argparse.Namespace, out: Output) -> int:
    from engine import jobs
    from engine.cases import is_case
    from engine.recordings.job import EXTRACT

    place = _place(args)
    if not is_case(place.path) and place.path.resolve().is_block_device():
        raise UsageError("a device has no folder for jobs", path=place.path, advice="make a case for it")
    arguments = {
        **place.arguments(), **_order(args, tuple(args.ids) or None).arguments(),
        "target": str(_writable(args).absolute()), "variant": max(0, args.understanding - 1), "deep": args.deep,
        "scan": None if args.scan is None else str((Path(args.scan) / _STATE).absolute()),
    }  # fmt: skip
    job = jobs.start(EXTRACT, arguments, place.jobs_dir, title=f"{place.path.name}: recordings")
    out.document({"job": job.id, "directory": str(job.directory)})
    out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
    return 0


def _writable(args: argparse.Namespace) -> Path:
    from engine.extract.apart import refuse_same_disk

    target = Path(args.output)
    refuse_same_disk([args.source], target)
    return target


def _order(args: argparse.Namespace, ids: tuple[str, ...] | None) -> Any:
    from engine.recordings.extracting import Order

    return Order(
        ids, files=getattr(args, "files", False), parts=getattr(args, "parts", False),
        fill=getattr(args, "fill", False), container=args.remux, aspect=args.aspect or "", keep=args.keep,
        pictures=not args.no_pictures,
    )  # fmt: skip


def _written_lines(done: Outcome) -> Iterator[str]:
    for one in done.taken:
        missing = f", {format_exact(one.missing_bytes)} never read" if one.missing_bytes else ""
        yield f"{safe_text(str(one.path))}  {format_size(one.size)}{missing}"
    for problem in done.problems:
        yield f"! {safe_text(problem.message, 300)}"
    if not done.taken:
        yield "nothing was written"


# --- scan


def _scan(args: argparse.Namespace, out: Output) -> int:
    from engine.recordings import clockwork
    from engine.recordings.extracting import Outcome, take
    from engine.recordings.look import opened

    target = _writable(args)
    state = target / _STATE
    state.mkdir(parents=True, exist_ok=True)
    reporter = out.reporter("scanning")
    try:
        with opened(_place(args)) as source:
            work = clockwork.scan_into(source, state, reporter)
            decisions = _decisions(args)
            if decisions is not None:
                work = clockwork.decide(source, work, decisions, state)
            recordings = work.recordings(source, shortest_s=args.shortest)
            done = Outcome()
            if not args.list and recordings.titles:
                done = take(source, recordings, target, _order(args, None), reporter=reporter)
    finally:
        reporter.close()
    out.document({
        "chunks": clockwork.chunks_document(work),
        "joins": [clockwork.join_document(work, join) for join in work.puzzle.joins],
        "ties": [[clockwork.join_document(work, join) for join in tie] for tie in work.open_ties],
        "swapped": work.swapped, "unread_bytes": work.unread.total, **done.document(),
    })  # fmt: skip
    out.lines(_scan_lines(work, recordings, done, listed=args.list))
    return 0 if recordings.titles and not done.problems else 1


def _decisions(args: argparse.Namespace) -> Any:
    from engine.dvr.clock.model import Decisions

    if not args.join and not args.apart and not args.cut:
        return None

    def pair(text: str) -> tuple[int, int]:
        first, comma, second = text.partition(",")
        if not comma:
            raise UsageError(f"{safe_text(text, 40)!r} is no pair of bytes", advice="write START,START")
        return parse_size(first), parse_size(second)

    return Decisions(
        tuple(pair(text) for text in args.join), tuple(pair(text) for text in args.apart),
        tuple(parse_size(text) for text in args.cut),
    )  # fmt: skip


def _scan_lines(work: Any, recordings: Recordings, done: Outcome, *, listed: bool) -> Iterator[str]:
    puzzle = work.puzzle
    yield f"{len(puzzle.pieces)} pieces, {len(puzzle.joins)} joins, {len(recordings.titles)} recordings"
    if work.unread.total:
        yield f"never read, and so not searched: {format_exact(work.unread.total)}"
    yield f"{'ID':<10} {'LENGTH':>8} {'SIZE':>9} {'PIECES':>6}  BEGINS AT BYTE"
    for title in recordings.titles:
        start = title.extents[0].start
        size = format_size(title.size)
        yield f"{title.id:<10} {hours(title.duration_s):>8} {size:>9} {len(title.parts):>6}  {start}"
    for tie in work.open_ties:
        best = tie[0]
        one, two = puzzle.piece(best.first), puzzle.piece(best.second)
        yield f"undecided: does {two.start} follow {one.start}? ({len(tie)} ways) --join {one.start},{two.start}"
    if not listed:
        yield from _written_lines(done)


# --- domain, picture


def _domain(args: argparse.Namespace, out: Output) -> int:
    from engine.priorities import write_domain
    from engine.recordings.items import chosen
    from engine.recordings.wanted import structures_wanted, titles_wanted

    looked = _looked(args, out)
    wanted = structures_wanted(looked.recordings, looked.size)
    if args.ids:
        wanted = titles_wanted(looked.recordings, chosen(looked.recordings, args.ids), looked.size)
    domain = write_domain(args.output, wanted, looked.size, unit=2048, force=args.force)
    out.document({
        "path": args.output, "wanted_bytes": domain.wanted.total, "size": domain.size,
        "ranges": [[low, high] for low, high in domain.wanted],
    })  # fmt: skip
    what = "the directory and the chosen titles" if args.ids else "the directory"
    out.line(f"{safe_text(args.output)}: {what}, {format_exact(domain.wanted.total)}; ddrescue takes it with -m")
    return 0


def _picture(args: argparse.Namespace, out: Output) -> int:
    from engine.recordings.items import chosen
    from engine.recordings.look import opened
    from engine.recordings.pictures import sample, save_png

    looked = _looked(args, out)
    (title,) = chosen(looked.recordings, [args.id])
    with opened(_place(args)) as source:
        save_png(sample(looked.recordings, title, source, args.at / 100), Path(args.output), aspect=title.aspect)
    out.document({"id": title.id, "path": args.output})
    out.line(f"{safe_text(args.output)}: {safe_text(title.shown_name)}")
    return 0
