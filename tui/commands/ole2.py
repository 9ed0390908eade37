"""``rescuedeck ole2``: OLE2 documents (.doc, .xls, .ppt, .msg ...): what is wrong, repair, salvage, many at once."""

from __future__ import annotations

import argparse
import os
import textwrap
from typing import TYPE_CHECKING, Any

from engine.errors import NotFoundError, UsageError
from engine.text import format_exact, format_size, parse_size, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.ole2.solver import Candidate, Choices
    from engine.source import Source

_WIDTH = 80


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def leaf(name: str, help_: str, example: str) -> argparse.ArgumentParser:
        return common(leaves.add_parser(name, help=help_, description=help_), example=f"rescuedeck ole2 {example}")

    def takes_file(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("file", metavar="FILE", help="the document, or an image with --window")
        verb.add_argument("--map", metavar="FILE", help="a ddrescue mapfile: what it does not call finished is unread")
        verb.add_argument("--window", metavar="START+SIZE", help="only this part of the file")
        return verb

    def takes_choices(verb: argparse.ArgumentParser) -> argparse.ArgumentParser:
        verb.add_argument("--base", metavar="OFFSET", help="where the header lies (or would lie)")
        verb.add_argument("--sector-size", type=int, choices=(512, 4096), help="instead of finding it out")
        verb.add_argument("--directory", metavar="SECTOR", type=int, help="first sector of the directory")
        verb.add_argument("--mini-fat", metavar="SECTOR", type=int, help="first sector of the mini FAT")
        verb.add_argument("--fat", metavar="S,S,...", help="the FAT's sectors in order")
        verb.add_argument("--set", metavar="FIELD=VALUE", action="append", default=[], help="a header field by hand")
        verb.add_argument("--donor", metavar="FILE", help="take standard header fields from this working document")
        return verb

    verb = takes_file(leaf("info", "the header field by field, and what is wrong", "info letter.doc"))
    verb.add_argument("--present", action="store_true", help="only what stands there; compute nothing")
    verb = takes_choices(takes_file(leaf("repair", "a repaired copy; the original is never changed",
                                         "repair letter.doc -o letter.repaired.doc")))  # fmt: skip
    verb.add_argument("-o", "--output", required=True, metavar="OUT", help="the copy")
    verb.add_argument("--force", action="store_true", help="replace OUT if it exists")
    verb.add_argument("--new", action="store_true", help="all streams in a new container instead of a patched copy")
    verb.add_argument("--cut", action="store_true", help="leave out what lies behind the document")
    verb.add_argument("--candidate", type=int, default=1, metavar="N", help="write the Nth candidate (default: best)")
    verb.add_argument("--thorough", action="store_true", help="look for earlier versions too")
    verb = takes_choices(takes_file(leaf("salvage", "stream by stream, with text, cells and pictures",
                                         "salvage letter.doc -o letter.parts")))  # fmt: skip
    verb.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for the files")
    verb.add_argument("--force", action="store_true", help="replace files that exist")
    verb.add_argument("--streams-only", action="store_true", help="no text, cells and pictures")
    verb = leaf("many", "every document of a folder, or found in an image, as a job", "many damaged/ -o repaired/")
    verb.add_argument("source", metavar="SOURCE", help="a folder of documents, or an image to search")
    verb.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for the copies")
    verb.add_argument("--map", metavar="FILE", help="a mapfile of the image")
    verb.add_argument("--force", action="store_true", help="replace files that exist")
    verb.add_argument("--no-streams", action="store_true", help="no streams where no copy can be made")
    verb.add_argument("--detach", action="store_true", help="in the background")
    verb = takes_file(leaf("scan", "documents in an image, headless ones too", "scan disk.img"))
    verb.add_argument("--fast", action="store_true", help="do not verify what has no header")


def run(args: argparse.Namespace, out: Output) -> int:
    """Run a verb."""
    return {"info": _info, "repair": _repair, "salvage": _salvage, "many": _many, "scan": _scan}[args.verb](args, out)


def _open(args: argparse.Namespace) -> Source:
    from engine.cases import open_source

    return open_source(args.file, map=args.map, window=args.window)


def _choices(args: argparse.Namespace) -> Choices:
    from engine.ole2.model import Header
    from engine.ole2.read import read_header
    from engine.ole2.solver import Choices

    fields: dict[str, int] = {}
    for word in args.set:
        name, found, value = word.partition("=")
        if not found or name not in Header.__dataclass_fields__ or not isinstance(getattr(Header(), name), int):
            known = ", ".join(n for n in Header.__dataclass_fields__ if isinstance(getattr(Header(), n), int))
            raise UsageError(f"{safe_text(word, 60)!r} is no field", advice=f"write FIELD=VALUE; fields: {known}")
        fields[name] = parse_size(value)
    fat = None
    if args.fat:
        fat = tuple(parse_size(word) for word in args.fat.split(","))
    donor = None
    if args.donor:
        from engine.cases import open_source

        with open_source(args.donor) as other:
            donor = read_header(other)[0]
    base = None if args.base is None else parse_size(args.base)
    return Choices(base, args.sector_size, fat, args.directory, args.mini_fat, fields, donor)


def _solve(source: Source, out: Output, **how: Any) -> Any:
    from engine.cases.documents import solve_document

    reporter = out.reporter("reading")
    try:
        return solve_document(source, reporter=reporter, **how)
    finally:
        reporter.close()


def _info(args: argparse.Namespace, out: Output) -> int:
    from engine.ole2.read import read_document, read_header
    from engine.ole2.sheet import header_sheet

    with _open(args) as source:
        header, holes = read_header(source)
        present = None if holes else header
        best = None if args.present else _solve(source, out).best
        document = read_document(source)
        lines = header_sheet(present, best)
        problems = [{"code": one.code, "message": safe_text(one.message), "offset": one.offset} for one in
                    document.problems]  # fmt: skip
        wrong = [line for line in lines if not line.ok]
        kind = None if best is None else best.verification.kind
        out.document({
            "fields": [line.to_json() for line in lines], "problems": problems,
            "kind": None if kind is None else kind.name, "sector_size": document.pages.sector_size,
            "streams": [] if best is None else _streams_json(best),
        })  # fmt: skip
        out.line(f"{safe_text(args.file)}: {format_exact(source.size)}" + (f", {kind.title}" if kind else ""))
        out.line(f"{'OFFSET':>6}  K  {'FIELD':<26} {'PRESENT':>18}  COMPUTED")
        for line in lines:
            same = "" if line.ok else f"  {_value(line.computed)}  WRONG: {line.why}"
            out.line(f"{line.offset:>#6x}  {line.letter}  {line.label:<26} {_value(line.present):>18}{same}")
        out.line("K: S standard (any file's), C critical (this file's own), i informative")
        for one in document.problems[:20]:
            out.lines(textwrap.wrap(f"problem: {safe_text(one.message)}", _WIDTH, subsequent_indent="  "))
    return 1 if wrong or problems or (best is None and not args.present) else 0


def _value(value: int | bytes | None) -> str:
    if value is None:
        return "never read"
    if isinstance(value, bytes):
        return value.hex(" ").upper() if any(value) and len(value) <= 8 else "zeros" if not any(value) else "..."
    names = {0xFFFFFFFF: "FFFFFFFF free", 0xFFFFFFFE: "FFFFFFFE end"}
    return names.get(value, str(value))


def _streams_json(candidate: Candidate) -> list[dict[str, Any]]:
    from engine.cases.documents import stream_json

    return [stream_json(one) for one in candidate.document.streams]


def _chosen(args: argparse.Namespace, source: Source, out: Output) -> tuple[Any, Candidate]:
    choices = _choices(args)
    number = getattr(args, "candidate", 1)
    thorough = getattr(args, "thorough", False) or number > 1
    solution = _solve(source, out, choices=choices, thorough=thorough)
    if not solution.candidates:
        raise NotFoundError("no document was found in it", code="ole2-nothing", path=args.file)
    if not 1 <= number <= len(solution.candidates):
        raise UsageError(f"there are {len(solution.candidates)} candidates", code="candidate")
    return solution, solution.candidates[number - 1]


def _repair(args: argparse.Namespace, out: Output) -> int:
    from pathlib import Path

    from engine.cases.documents import candidate_json, refuse_existing, refuse_source, save_copy

    with _open(args) as source:
        refuse_source(Path(args.output).absolute(), source)
        refuse_existing(Path(args.output).absolute(), force=args.force)
        solution, best = _chosen(args, source, out)
        saved = None
        if best.document.streams:
            reporter = out.reporter("writing")
            try:
                saved = save_copy(best, args.output, original=source, form="new" if args.new else "patched",
                                  force=args.force, reporter=reporter, cut=args.cut)  # fmt: skip
            finally:
                reporter.close()
        seen = saved.verification if saved is not None else best.verification
        guessed = {safe_text(name): safe_text(words) for name, words in best.guessed.items()}
        out.document({
            "candidates": [candidate_json(one) for one in solution.candidates],
            "chosen": solution.candidates.index(best),
            "verified": {"structure": seen.structure, "whole": seen.whole, "streams": seen.streams,
                         "streams_ok": seen.streams_ok},
            "written": None if saved is None else str(saved.path), "sha256": None if saved is None else saved.sha256,
            "missing_bytes": 0 if saved is None else saved.missing_bytes, "intact": best.intact, "guessed": guessed,
            "streams": _streams_json(best),
        })  # fmt: skip
        _tell(best, out)
        if saved is not None:
            out.line(f"written: {safe_text(str(saved.path))}, {format_exact(saved.size)}")
            if saved.missing_bytes:
                out.line(f"never read, and gaps in the copy: {format_exact(saved.missing_bytes)}")
        out.line("verified: " + ("whole" if seen.whole else "its structure" if seen.structure else "NO"))
    return 0 if saved is not None and seen.whole and not best.guessed else 1


def _tell(best: Candidate, out: Output) -> None:
    for reason in best.reasons:
        out.lines(textwrap.wrap(safe_text(reason), _WIDTH, subsequent_indent="  "))
    for check in best.verification.failed:
        out.lines(textwrap.wrap(f"WRONG: {check.name}: {safe_text(check.words)}", _WIDTH, subsequent_indent="  "))
    out.line(f"{'STATE':<8} {'SIZE':>12}  STREAM")
    for stream in best.document.streams:
        out.line(f"{stream.state:<8} {format_size(stream.size):>12}  {safe_text(stream.name)}")
        if stream.missing:
            out.line(f"{'':>22}missing: {format_exact(stream.missing)}")
        if stream.guessed:
            out.lines(textwrap.wrap(f"guessed: {safe_text(stream.guessed)}", _WIDTH, initial_indent=" " * 22,
                                    subsequent_indent=" " * 24))  # fmt: skip


def _salvage(args: argparse.Namespace, out: Output) -> int:
    from engine.cases.documents import save_streams

    with _open(args) as source:
        _, best = _chosen(args, source, out)
        reporter = out.reporter("writing")
        try:
            report = save_streams(best, args.output, derived=not args.streams_only, force=args.force, reporter=reporter)
        finally:
            reporter.close()
        listed = [
            {
                "path": safe_text(str(one.item.facts.get("stream") or one.item.name)), "kind": one.item.facts["kind"],
                "size": one.item.facts.get("size", one.size), "ok_bytes": one.size - one.missing.total,
                "written": str(one.path),
            }
            for one in report.written
        ]  # fmt: skip
        out.document({"streams": listed, "failed": [safe_text(one.problem.message) for one in report.failed]})
        out.table(("KIND", "BYTES", "MISSING", "FILE"),
                  [(one["kind"], str(one["ok_bytes"]), str(max(0, int(one["size"]) - int(one["ok_bytes"]))
                    if one["kind"] == "stream" else 0), os.path.relpath(str(one["written"]), args.output))
                   for one in listed], right=(1, 2))  # fmt: skip
        whole = best.verification.whole and not report.failed and not best.guessed
    return 0 if whole else 1


def _many(args: argparse.Namespace, out: Output) -> int:
    from engine import jobs

    source, target = os.path.abspath(args.source), os.path.abspath(args.output)
    arguments: dict[str, Any] = {
        "target": target, "force": args.force, "streams": not args.no_streams,
        "map": None if args.map is None else os.path.abspath(args.map),
    }  # fmt: skip
    arguments["folder" if os.path.isdir(source) else "image"] = source
    job = jobs.start("documents-repair", arguments, f"{target}.jobs", title=args.source)
    if args.detach:
        out.document({"job": job.id, "directory": str(job.directory)})
        out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
        return 0
    return _attend(job.directory, out)


def _attend(directory: Any, out: Output) -> int:
    import time

    from engine import jobs
    from engine.errors import OutsideError
    from engine.jobs.documents import load_outcomes, summary

    reporter = out.reporter("repairing")
    try:
        while True:
            job = jobs.load(directory)
            reporter.update(job.progress.done, job.progress.total, job.progress.unit, job.message)
            if not job.live:
                break
            time.sleep(0.1)
    except KeyboardInterrupt:
        jobs.stop(directory)
        raise
    finally:
        reporter.close()
    outcomes = load_outcomes(directory)
    out.document({"job": job.id, "outcomes": [one.to_json() for one in outcomes], **summary(outcomes)})
    rows = [(one.state, one.kind, f"{one.streams_ok}/{one.streams}", str(one.missing_bytes), one.place.title, one.words)
            for one in outcomes]  # fmt: skip
    out.table(("STATE", "KIND", "STREAMS", "MISSING", "DOCUMENT", ""), rows, right=(2, 3))
    if job.error is not None:
        raise OutsideError(job.error.message, code=job.error.code)
    return 0 if outcomes and all(one.state in ("right", "repaired") for one in outcomes) else 1


def _scan(args: argparse.Namespace, out: Output) -> int:
    from engine.ole2.scan import find_documents, scan

    reporter = out.reporter("looking for documents")
    try:
        with _open(args) as source:
            found = (scan if args.fast else find_documents)(source, reporter=reporter)
    finally:
        reporter.close()
    out.document({"documents": [
        {"start": one.start, "size": one.size, "sector_size": one.sector_size, "header": one.header, "votes": one.votes}
        for one in found
    ]})  # fmt: skip
    out.table(("START", "SIZE", "SECTORS", "HEADER", "VOTES"),
              [(str(one.start), format_size(one.size), str(one.sector_size), "yes" if one.header else "no",
                str(one.votes)) for one in found], right=(0, 1, 2, 4))  # fmt: skip
    return 0 if found else 1
