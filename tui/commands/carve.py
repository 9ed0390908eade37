"""``rescuedeck carve``: files found by their own structure, where no directory names them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import format_exact, format_size, parse_range, parse_size, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.carve.find import Find
    from engine.carve.missing import Missing
    from engine.ranges import RangeSet
    from engine.source import Source

_EXAMPLE = """rescuedeck carve disk.img --map disk.map -o found --types jpeg,zip
the same without writing files: rescuedeck carve disk.img --map disk.map --list"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    common(parser, example=_EXAMPLE)
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="an image, a device, a case")
    parser.add_argument("-o", "--output", metavar="DIR", help="the folder for the files")
    parser.add_argument("--list", action="store_true", help="show what there is, write nothing")
    parser.add_argument("--types", metavar="TYPES", help="types, categories or extensions, with commas")
    parser.add_argument("--list-types", action="store_true", help="what is known")
    parser.add_argument("--map", metavar="FILE", help="a ddrescue mapfile: what was never read")
    parser.add_argument("--window", metavar="START+SIZE", help="only this part of SOURCE")
    parser.add_argument("--sector-size", type=int, metavar="N", help="bytes a sector, as in 520")
    parser.add_argument("--block", metavar="SIZE", default="512", help="files begin at multiples of this (default 512)")
    parser.add_argument("--free", action="store_true",
                        help="only where no file lies: free clusters and space outside of volumes")  # fmt: skip
    parser.add_argument("--everywhere", action="store_true", help="files may begin at any byte; slower")
    parser.add_argument("--confidence", type=int, choices=range(5), default=1, metavar="0-4",
                        help="the least to list and write (default 1; 3: walked to the end, 4: checksums)")  # fmt: skip
    parser.add_argument("--whole", action="store_true", help="only files that are complete and wholly read")
    parser.add_argument("--domain", metavar="OUT", help="save a domain map of what the listed files lack")
    parser.add_argument("--catalogue", metavar="FILE", help="keep the catalogue of finds here")
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")
    parser.add_argument("--detach", action="store_true", help="scan in the background, as a job")


def run(args: argparse.Namespace, out: Output) -> int:
    """Scan, list, write."""
    if args.list_types:
        return _types(out)
    if args.source is None:
        raise UsageError("SOURCE is missing", advice="try: rescuedeck carve --help")
    if args.output is None and not args.list and not args.detach:
        raise UsageError("-o DIR is missing", advice="or --list, to write nothing")
    kinds = _kinds(args.types)
    block = parse_size(args.block)
    if block < 512 or block & block - 1:
        raise UsageError("--block is a power of two of at least 512")
    if args.detach:
        return _detach(args, out, kinds, block)
    with _open(args) as source:
        finds = _scan(args, out, source, kinds, block)
        return _results(args, out, source, finds)


def _open(args: argparse.Namespace) -> Source:
    from engine.cases import open_source

    window = None if args.window is None else parse_range(args.window)
    more: dict[str, Any] = {} if args.sector_size is None else {"sector_size": args.sector_size}
    return open_source(args.source, map=args.map, window=window, **more)


def _kinds(words: str | None) -> frozenset[str] | None:
    if words is None:
        return None
    from engine.carve.signatures import table

    wanted = frozenset(word.strip() for word in words.split(",") if word.strip())
    known = {name for s in table() for name in (s.kind, s.category, s.extension)}
    unknown = wanted - known
    if unknown or not wanted:
        advice = "carve --list-types shows what is known"
        raise UsageError(f"unknown types: {safe_text(', '.join(sorted(unknown)))}", advice=advice)
    return wanted


def _types(out: Output) -> int:
    from engine.carve.signatures import table

    kinds: dict[str, tuple[str, set[str]]] = {}
    for one in table():
        kinds.setdefault(one.kind, (one.category, set()))[1].add(one.extension)
    out.document({"types": [{"type": k, "category": c, "extensions": sorted(e)} for k, (c, e) in kinds.items()]})
    rows = [(kind, category, " ".join(sorted(extensions))) for kind, (category, extensions) in kinds.items()]
    out.table(("TYPE", "CATEGORY", "EXTENSIONS"), rows)
    return 0


def _scan(
    args: argparse.Namespace, out: Output, source: Source, kinds: frozenset[str] | None, block: int
) -> list[Find]:
    from engine.carve.areas import carve_areas
    from engine.carve.carving import carve
    from engine.carve.signatures import chosen

    areas = _free(args, out) if args.free else None
    reporter = out.reporter("carving")
    how: dict[str, Any] = {"block": block, "everywhere": args.everywhere, "reporter": reporter}
    try:
        if areas is not None:
            return list(carve_areas(source, areas, chosen(kinds), **how))
        return list(carve(source, chosen(kinds), **how))
    finally:
        reporter.close()


def _free(args: argparse.Namespace, out: Output) -> RangeSet:
    from engine.cases.free_space import free_space

    reporter = out.reporter("listing what is in use")
    try:
        window = None if args.window is None else parse_range(args.window)
        free, notes = free_space(args.source, map=args.map, window=window, reporter=reporter)
    finally:
        reporter.close()
    for note in notes:
        out.note(safe_text(note))
    out.note(f"free: {format_exact(free.total)}")
    return free


def _results(args: argparse.Namespace, out: Output, source: Source, finds: list[Find]) -> int:
    from engine.carve.missing import missing_of, wanted

    holes = source.holes
    listed = [
        (find, missing) for find in finds
        if find.inside is None and find.confidence >= args.confidence
        for missing in (missing_of(find, holes),)
        if not args.whole or (find.proven and not missing.total)
    ]  # fmt: skip
    if args.catalogue is not None:
        _keep(args, source, finds)
    paths: dict[int, str] = {}
    sums: dict[int, str] = {}
    if args.output is not None and not args.list:
        from engine.carve.writing import write_finds

        reporter = out.reporter("writing")
        try:
            report = write_finds(source, [find for find, _ in listed], Path(args.output), reporter=reporter)
        finally:
            reporter.close()
        paths = {listed[one.index][0].start: str(one.path) for one in report.written}
        sums = {listed[one.index][0].start: one.sha256 for one in report.written}
        for failed in report.failed:
            out.note(f"not written: {safe_text(failed.problem.message)}")
    if args.domain is not None:
        from engine.priorities import write_domain

        write_domain(args.domain, wanted([missing for _, missing in listed]), source.size, force=args.force)
    entries = [_entry(find, missing, paths.get(find.start)) for find, missing in listed]
    first: dict[str, int] = {}
    for entry in entries:
        digest = sums.get(entry["start"])
        twin = None if digest is None else first.setdefault(digest, entry["start"])
        entry.update(sha256=digest, duplicate_of=None if twin == entry["start"] else twin)
    out.document({"files": entries})
    out.lines(_lines(listed, paths, source.size))
    return 0 if listed and all(find.proven and not m.total for find, m in listed) else 1


def _keep(args: argparse.Namespace, source: Source, finds: list[Find]) -> None:
    from engine.carve.catalogue import CatalogueWriter

    path = Path(args.catalogue)
    if path.exists() and not args.force:
        raise UsageError("the catalogue exists", path=path, advice="--force replaces it")
    about = {"source": os.path.abspath(args.source), "size": source.size,
             "map": None if args.map is None else os.path.abspath(args.map), "window": None}  # fmt: skip
    writer = CatalogueWriter(path, about)
    try:
        writer.add(finds)
        writer.sync()
    finally:
        writer.close()


def _entry(find: Find, missing: Missing, path: str | None) -> dict[str, Any]:
    return {
        "type": find.kind, "start": find.start, "size": find.size, "path": path,
        "complete": find.proven and not missing.total, "missing_bytes": missing.total,
        "status": find.status.value, "confidence": find.confidence, "reason": find.reason, "name": find.name,
        "extension": find.extension, "at": find.at, "extents": [list(extent) for extent in find.extents],
        "missing": [list(pair) for pair in missing.unread],
    }  # fmt: skip


def _lines(listed: list[tuple[Find, Missing]], paths: dict[int, str], size: int) -> Iterator[str]:
    whole = sum(find.proven and not missing.total for find, missing in listed)
    yield f"looked through {format_exact(size)}: {len(listed)} files, {whole} of them whole"
    if listed:
        yield f"{'START (BYTES)':>15} {'SIZE':>10}  {'TYPE':<8} SURE  STATE"
    for find, missing in listed:
        state = find.status.value
        if missing.total:
            state = f"{format_size(missing.total)} never read{' at least' if missing.open_end else ''}"
        elif find.status.value == "complete":
            state = "whole" if find.proven else "end not proven"
        name = safe_text(find.name, 30)
        yield f"{find.start:>15} {format_size(find.size):>10}  {find.extension:<8} {find.confidence}/4   {state}" + (
            f"  {name}" if name else ""
        )
    if paths:
        yield f"written: {len(paths)} files; what a file lacks stands in its name and in the .rescue.json beside it"


def _detach(args: argparse.Namespace, out: Output, kinds: frozenset[str] | None, block: int) -> int:
    from engine import jobs
    from engine.cases import is_case, load_case

    source = os.path.abspath(args.source)
    folder: str | os.PathLike[str] = load_case(source).jobs_dir if is_case(source) else f"{source}.jobs"
    if not is_case(source) and source.startswith("/dev/"):
        raise UsageError("a device has no folder for jobs", path=source, advice="make a case for it, and carve that")
    arguments: dict[str, Any] = {
        "source": source, "map": None if args.map is None else os.path.abspath(args.map),
        "window": None if args.window is None else list(parse_range(args.window)), "block": block,
        "types": None if kinds is None else sorted(kinds), "everywhere": args.everywhere, "free": args.free,
        "sector_size": args.sector_size,
        "catalogue": None if args.catalogue is None else os.path.abspath(args.catalogue),
    }  # fmt: skip
    job = jobs.start("carve-scan", arguments, folder, title=args.source)
    out.document({"job": job.id, "directory": str(job.directory)})
    out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
    return 0
