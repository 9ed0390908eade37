"""``rescuedeck fs``: the files of a volume, what bad areas cost them, what must be read first, and getting them out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.text import format_exact, format_loss, format_size, parse_range, safe_text
from tui.commands.output import Output, common
from tui.file_words import kind_word, stamp, state_text
from tui.words import percent

if TYPE_CHECKING:
    from engine.cases.volumes import OpenVolume
    from engine.filesystems.index import Entry

_SHOWN = 40


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        verb = common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck fs {example}")
        verb.add_argument("source", metavar="SOURCE", help="an image, a device, disk.001, or a case")
        verb.add_argument("--map", metavar="FILE", help="a ddrescue mapfile: what it does not call finished is unread")
        verb.add_argument("--window", metavar="START+SIZE", help="only this part of the source")
        if name != "volumes":
            verb.add_argument("--volume", metavar="N", help="which volume: its number, or where it begins")
            verb.add_argument("--index", metavar="FILE", help="keep the index there (the case, or beside the image)")
            verb.add_argument("--again", action="store_true", help="walk the volume again, whatever index there is")
            verb.add_argument("--orphans", action="store_true", default=None,
                              help="deleted files without a name too (on FAT: reads the whole volume)")  # fmt: skip
        return verb

    leaf("volumes", "the volumes of a source, and whether their files can be read", "volumes disk.img")
    leaf("index", "walk a volume and keep what is where", "index disk.img --volume 2")
    verb = leaf("list", "files inside a volume", "list disk.img DCIM --recursive --json")
    verb.add_argument("path", metavar="PATH", nargs="?", default="", help="a directory or file on the volume")
    _paths_anywhere(verb)
    verb.add_argument("--deleted", action="store_true", help="deleted entries too, with what of them is still free")
    verb.add_argument("--recursive", action="store_true", help="everything below PATH")
    verb.add_argument("--search", metavar="NAME", help="entries whose name holds this (* and ? as in the shell)")
    verb = leaf("hit", "files that lie in unread areas, and what else those cost", "hit disk.img --map disk.map")
    verb.add_argument("--no-time", action="store_true", help="do not look into recordings for their playing time")
    verb = leaf("extract", "files and trees out of a volume", "extract disk.img DCIM -o photos --complete --verify")
    verb.add_argument("path", metavar="PATH", nargs="*", help="directories or files on the volume (default: all)")
    _paths_anywhere(verb)
    _out(verb, "DIR", "where the files go")
    verb.add_argument("--name", metavar="PATTERN", action="append", default=[], help="only names like this (*.doc)")
    verb.add_argument("--type", metavar="EXT", action="append", default=[],
                      help="only this extension, or photos, videos, music, documents")  # fmt: skip
    verb.add_argument("--complete", action="store_true", help="only files without a missing byte")
    verb.add_argument("--holed", action="store_true", help="only files with missing bytes")
    verb.add_argument("--deleted", action="store_true", help="deleted files too")
    verb.add_argument("--only-deleted", action="store_true", help="only deleted files")
    verb.add_argument("--verify", action="store_true", help="read every written file back and compare its SHA-256")
    verb.add_argument("--detach", action="store_true", help="do it in the background, as a job")
    for name, help_ in (("unallocated", "free space as one file, with a map of where each run was"),
                        ("slack", "slack as one file, with a map of where each run was and whose")):  # fmt: skip
        verb = leaf(name, help_, f"{name} disk.img -o {name}.bin")
        _out(verb, "OUT", "the file; OUT.map.json beside it tells where each run was")
        verb.add_argument("--non-zero", action="store_true", help="leave out regions that hold zeros only")
        verb.add_argument("--force", action="store_true", help="replace OUT if it exists")
    verb = leaf("domain", "what must be read first, as a ddrescue domain mapfile",
                "domain disk.img --what files --type photos -o first.map")  # fmt: skip
    verb.add_argument("--what", choices=("metadata", "used", "files", "free"), default="metadata",
                      help="the file system's own structures; everything in use; chosen files; free space")  # fmt: skip
    verb.add_argument("--path", metavar="PATH", action="append", default=[], help="with files: this tree or file")
    verb.add_argument("--type", metavar="EXT", action="append", default=[], help="with files: this kind")
    verb.add_argument("--bare", action="store_true", help="with files: without the file system's own structures")
    _out(verb, "OUT", "the mapfile")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists")


def _paths_anywhere(verb: argparse.ArgumentParser) -> None:
    """Let PATH stand behind options too: argparse takes all optional positionals with the first ones it meets."""
    parse = verb.parse_known_args

    def parse_known_args(args: Any = None, namespace: Any = None) -> tuple[argparse.Namespace, list[str]]:
        found, rest = parse(args, namespace)
        late = [word for word in rest if not word.startswith("-")]
        if isinstance(found.path, list):
            found.path += late
        elif late and not found.path:
            found.path = late.pop(0)
            return found, [word for word in rest if word.startswith("-")] + late
        else:
            return found, rest
        return found, [word for word in rest if word.startswith("-")]

    verb.parse_known_args = parse_known_args  # type: ignore[method-assign, assignment]


def _out(verb: argparse.ArgumentParser, name: str, help_: str) -> None:
    verb.add_argument("-o", "--output", metavar=name, required=True, help=help_)


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    verbs = {"volumes": _volumes, "index": _index, "list": _list, "hit": _hit, "extract": _extract,
             "unallocated": _regions, "slack": _regions, "domain": _domain}  # fmt: skip
    return verbs[args.verb](args, out)


@contextmanager
def _opened(args: argparse.Namespace, out: Output) -> Iterator[OpenVolume]:
    from engine.cases.volumes import open_volume

    reporter = out.reporter("listing files")
    window = None if args.window is None else parse_range(args.window)
    with open_volume(
        args.source, map=args.map, window=window, volume=args.volume, again=args.again, orphans=args.orphans,
        index=None if args.index is None else Path(args.index), reporter=reporter,
    ) as opened:  # fmt: skip
        reporter.close()
        if opened.stale:
            out.note("parts of the directories have been read since the index was made: --again finds more")
        yield opened


def _offset(args: argparse.Namespace) -> int:
    return 0 if args.window is None else parse_range(args.window)[0]


# --- looking


def _volumes(args: argparse.Namespace, out: Output) -> int:
    from engine.cases import open_source
    from engine.cases.volumes import list_volumes

    with open_source(args.source, map=args.map, window=args.window) as source:
        found = list_volumes(source)
    out.document({"volumes": [
        {"number": one.number, "start": one.start, "size": one.size, "kind": one.kind, "title": one.title,
         "label": one.label, "partition": one.partition, "readable": one.why_not is None, "why_not": one.why_not}
        for one in found
    ]})  # fmt: skip
    out.table(("N", "START (BYTES)", "SIZE", "FILE SYSTEM", "LABEL"),
              [(str(one.number), str(one.start), format_size(one.size), one.title, one.label) for one in found],
              right=(0, 1, 2))  # fmt: skip
    for one in found:
        if one.why_not is not None:
            out.line(f"volume {one.number}: {safe_text(one.why_not)}")
    return 0 if any(one.why_not is None for one in found) else 1


def _index(args: argparse.Namespace, out: Output) -> int:
    args.again = True
    with _opened(args, out) as opened:
        index = opened.index
        counts = index.counts
        out.document({**counts, "index": str(index.file), "volume": opened.volume.start, "size": index.size,
                      "copies": index.facts["copies"],
                      "problem_list": [{"path": _problem_path(opened, entry), "message": message}
                                       for entry, message in index.problems]})  # fmt: skip
        out.line(f"{opened.volume.title}, {format_exact(index.size)}: {counts['files']} files in "
                 f"{counts['directories']} directories, {counts['deleted']} deleted entries")  # fmt: skip
        for what, size in index.facts["copies"]:
            out.line(f"the {safe_text(what)} was not read at its place ({format_size(size)}): its copy stands in")
        if counts["unread_bytes"]:
            out.line(f"{format_exact(counts['unread_bytes'])} of what was asked for have never been read: "
                     "entries may be missing")  # fmt: skip
        for entry, message in index.problems[:_SHOWN]:
            out.line(f"! {safe_text(_problem_path(opened, entry) or '(volume)', 60)}: {safe_text(message, 200)}")
        return 1 if counts["unread_bytes"] or counts["problems"] else 0


def _problem_path(opened: OpenVolume, entry: int) -> str:
    found = opened.index.entries([entry]).get(entry)
    return "" if found is None else opened.index.path(found)


def _list(args: argparse.Namespace, out: Output) -> int:
    with _opened(args, out) as opened:
        index = opened.index
        entries = _wanted_entries(args, opened)
        if not args.deleted:
            entries = [entry for entry in entries if not entry.deleted]
        base = opened.volume.start + _offset(args)
        out.document({"entries": [_document(opened, entry, base) for entry in entries]})
        rows = []
        for entry in entries:
            name = index.path(entry) if args.recursive or args.search else entry.name
            rows.append((kind_word(entry), "" if entry.size is None else str(entry.size), stamp(entry.modified),
                         state_text(entry, _free_share(opened, entry)), name))  # fmt: skip
        out.table(("KIND", "SIZE", "MODIFIED (UTC)", "STATE", "NAME"), rows, right=(1,))
        return 0


def _wanted_entries(args: argparse.Namespace, opened: OpenVolume) -> list[Entry]:
    index = opened.index
    if args.search:
        return index.search(args.search)
    top = index.find(args.path)
    if args.recursive:
        numbers = set(index.below(top.id)) - {1}
        return [entry for entry in index.everything() if entry.id in numbers]
    children = index.children(top.id)
    return children if top.is_directory else [top, *children]


def _free_share(opened: OpenVolume, entry: Entry) -> tuple[int, int] | None:
    from engine.filesystems.hits import overwritten

    return overwritten(opened.index, entry) if entry.deleted else None


def _document(opened: OpenVolume, entry: Entry, base: int) -> dict[str, Any]:
    from engine.filesystems.index import marker
    from engine.filesystems.kinds import state_words

    extents: list[dict[str, Any]] = []
    for piece in opened.index.pieces(entry):
        one: dict[str, Any] = {"start": base + piece.start if piece.start >= 0 else None, "size": piece.size}
        if piece.start < 0:
            one["is"] = marker(piece.start)
        extents.append(one)
    row: dict[str, Any] = {
        "path": opened.index.path(entry), "kind": kind_word(entry), "size": entry.size, "modified": entry.modified,
        "deleted": entry.deleted, "extents": extents, "inode": entry.inode, "state": state_words(entry.state),
    }  # fmt: skip
    if entry.target is not None:
        row["target"] = entry.target
    if entry.lost:
        row["lost_bytes"] = entry.lost
    share = _free_share(opened, entry)
    if share is not None:
        row["free_bytes"], row["placed_bytes"] = share
    return row


# --- what is hit


def _hit(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.damage import damage, timed

    with _opened(args, out) as opened:
        told = damage(opened)
        files = list(told.files(0, None))
        times = {} if args.no_time else timed(opened, files)
        base = opened.volume.start + _offset(args)
        hits, sums = told.hits, told.hits.classes
        document = {
            "files": [
                {"path": hit.path, "size": hit.entry.size, "missing_bytes": hit.missing,
                 "ranges": [[low, high] for low, high in told.ranges(hit.entry)],
                 "missing_s": times.get(hit.entry.id), "kind": kind_word(hit.entry)}
                for hit in files
            ],
            "metadata_missing_bytes": sums.own, "unallocated_missing_bytes": sums.free,
            "unknown_missing_bytes": sums.unknown, "other_missing_bytes": sums.other,
            "file_missing_bytes": hits.missing, "missing_bytes": sums.holes, "lost_bytes": hits.lost,
            "directories": [{"path": hit.path, "missing_bytes": hit.missing} for hit in told.directories(0, None)],
            "unread_records": [told.path(number) for number in opened.index.unread()],
            "deleted_files": [{"path": hit.path, "missing_bytes": hit.missing} for hit in told.deleted(0, None)],
            "files_total": opened.index.counts["files"], "volume": base, "stale": opened.stale,
        }  # fmt: skip
        out.document(document)
        _hit_lines(out, told, files, times, opened)
        hurt = len(hits) or document["unread_records"] or sums.own or hits.directories.size
        return 1 if hurt or opened.index.counts["unread_bytes"] else 0


def _hit_lines(out: Output, told: Any, files: list[Any], times: dict[int, float], opened: OpenVolume) -> None:
    hits, sums = told.hits, told.hits.classes
    rows = [
        (str(hit.missing), percent(hit.missing, hit.entry.size) if hit.entry.size else "-",
         format_loss(times[hit.entry.id]) if hit.entry.id in times else "", hit.path)
        for hit in files[:_SHOWN]
    ]  # fmt: skip
    if rows:
        out.table(("MISSING (BYTES)", "OF IT", "TIME", "FILE"), rows, right=(0, 1, 2))
    if len(files) > _SHOWN:
        out.line(f"... and {len(files) - _SHOWN} more (--json lists all)")
    out.line(f"files hit: {len(hits)} of {opened.index.counts['files']}, {format_exact(hits.missing)} missing")
    if hits.lost:
        out.line(f"of these, nobody knows where they lie: {format_exact(hits.lost)}")
    unread = opened.index.unread()
    if unread:
        out.line(f"names of which nothing else is known, their records were never read: {len(unread)}")
        for number in unread[:10]:
            out.line(f"  {safe_text(told.path(number), 76)}")
    out.line(f"file system's own structures: {format_exact(sums.own)} missing")
    for hit in told.directories(0, 10):
        out.line(f"  directory {safe_text(hit.path or '/', 60)}: {hit.missing} B unread, entries may be missing")
    free = "not told by this file system" if sums.free is None else format_exact(sums.free)
    out.line(f"free space: {free}")
    if sums.unknown:
        out.line(f"free or not, nobody knows: {format_exact(sums.unknown)}")
    out.line(f"slack and what no directory names: {format_exact(sums.other)}")
    out.line(f"unread in all: {format_exact(sums.holes)}")


# --- what must be read first


def _domain(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.damage import make_domain
    from engine.filesystems.pick import Wish, types_of

    if (args.path or args.type) and args.what != "files":
        raise UsageError("--path and --type go with --what files")
    if args.what == "files" and not args.path and not args.type:
        raise UsageError("which files? name some", advice="--path DCIM, --type photos")
    with _opened(args, out) as opened:
        numbers = tuple(opened.index.find(path).id for path in args.path)
        wish = Wish(args.what, numbers, types_of(args.type), metadata=not args.bare)
        made = make_domain(opened, wish, Path(args.output), force=args.force, offset=_offset(args))
        out.document({"domain": str(args.output), "bytes": made.wanted.total, "areas": len(made.wanted),
                      "missing_bytes": made.missing, "size": made.size})  # fmt: skip
        out.line(f"{safe_text(args.output)}: {format_exact(made.wanted.total)} in {len(made.wanted)} areas; "
                 f"{format_exact(made.missing)} of it still to be read")  # fmt: skip
        out.line("read it first: rescuedeck rescue run SOURCE IMAGE MAP "
                 f"--option domain-mapfile={safe_text(args.output)}")  # fmt: skip
        return 0


# --- getting out


def _extract(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.taking import Choice, take
    from engine.filesystems.pick import types_of

    if args.complete and args.holed:
        raise UsageError("--complete and --holed leave nothing")
    deleted = None if args.only_deleted else args.deleted
    with _opened(args, out) as opened:
        numbers = tuple(opened.index.find(path).id for path in args.path)
        choice = Choice(numbers, tuple(args.name), types_of(args.type), args.complete, args.holed, deleted)
        if args.detach:
            return _detach(args, out, opened, choice)
        reporter = out.reporter("extracting")
        try:
            taken = take(opened, choice, Path(args.output), verify=args.verify, reporter=reporter)
        finally:
            reporter.close()
    out.document(taken.to_json())
    out.line(f"{taken.files} files, {format_exact(taken.bytes)}, in {safe_text(args.output)}")
    if taken.holed:
        out.line(f"{taken.holed} of them lack {format_exact(taken.missing)}: their names end in .holed, and their "
                 ".rescue.json tells where")  # fmt: skip
    for problem in taken.failed[:_SHOWN]:
        out.line(f"! {safe_text(problem.message)}")
    if args.verify:
        out.line(f"read back and compared: {taken.verified} files, {len(taken.mismatched)} differ")
    return 1 if taken.holed or taken.failed or taken.mismatched else 0


def _detach(args: argparse.Namespace, out: Output, opened: OpenVolume, choice: Any) -> int:
    from engine import jobs
    from engine.cases import is_case, load_case

    source = os.path.abspath(args.source)
    if not is_case(source) and source.startswith("/dev/"):
        raise UsageError("a device has no folder for jobs", path=source, advice="make a case for it")
    folder = load_case(source).jobs_dir if is_case(source) else f"{source}.jobs"
    arguments = {
        "source": source, "map": None if args.map is None else os.path.abspath(args.map),
        "window": None if args.window is None else list(parse_range(args.window)), "volume": opened.volume.start,
        "index": str(opened.index.file.absolute()), "choice": choice.to_json(),
        "target": os.path.abspath(args.output), "what": "files", "verify": args.verify,
    }  # fmt: skip
    job = jobs.start("file-extract", arguments, folder, title=args.source)
    out.document({"job": job.id, "directory": str(job.directory)})
    out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
    return 0


def _regions(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.taking import take_regions
    from engine.errors import OutsideError

    path = Path(args.output)
    if not args.force and os.path.lexists(path):
        raise OutsideError("the output file exists already", code="exists", path=path,
                           advice="name another one, or use --force")  # fmt: skip
    with _opened(args, out) as opened:
        reporter = out.reporter(args.verb)
        try:
            written, regions = take_regions(opened, args.verb, path, nonzero=args.non_zero, force=args.force,
                                            reporter=reporter)  # fmt: skip
        finally:
            reporter.close()
        base = opened.volume.start + _offset(args)
        out.document({
            "bytes": written.size, "path": str(written.path), "sha256": written.sha256,
            "missing_bytes": written.missing.total,
            "ranges": [{"start": base + one.start, "size": one.size, "what": one.what} for one in regions],
        })  # fmt: skip
        kinds: dict[str, int] = {}
        for one in regions:
            kinds[one.what] = kinds.get(one.what, 0) + one.size
        for what, size in kinds.items():
            out.line(f"{what}: {format_exact(size)}")
        out.line(f"{safe_text(str(written.path))}: {format_exact(written.size)} in {len(regions)} regions; "
                 f"{written.missing.total} B of it were never read")  # fmt: skip
        return 1 if written.missing else 0
