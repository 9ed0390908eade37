"""``rescuedeck report``: what was done with a case and what was saved."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui.commands.output import Output, common

_EXAMPLE = "rescuedeck report /cases/smith -o smith.html"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    common(parser, example=_EXAMPLE)
    parser.add_argument("case", metavar="CASE", help="a case directory")
    parser.add_argument("-o", "--output", metavar="FILE", required=True,
                        help="where to: .html for a page with a picture, else Markdown")  # fmt: skip
    parser.add_argument("--digest", action="store_true", help="the image's SHA-256 too (reads all of it)")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(args: argparse.Namespace, out: Output) -> int:
    """Gather, write, tell."""
    from engine.report import gather
    from engine.report.steps import note
    from engine.report.wording import headline
    from engine.report.writing import PAGES, save
    from engine.text import safe_text

    reporter = out.reporter("reading the case")
    try:
        report = gather(args.case, digest=args.digest, reporter=reporter)
    finally:
        reporter.close()
    save(report, Path(args.output), force=args.force)
    note(Path(args.case), Path(args.output).absolute())
    page = args.output.lower().endswith(PAGES)
    out.document({
        "written": args.output, "form": "html" if page else "markdown", "finished_bytes": report.finished,
        "missing_bytes": report.missing, "files_hit": sum(one.hurt or 0 for one in report.volumes),
        "recordings": len(report.recordings), "files_saved": len(report.saved) + report.saved_left_out,
        "image_sha256": report.image_sha256, "notes": list(report.notes),
    })  # fmt: skip
    out.line(f"{safe_text(args.output)}: {headline(report)}")
    return 0
