"""The report as a file: the form by the name it is given."""

from __future__ import annotations

from pathlib import Path

from engine.atomic import output_file, write_all, write_atomic
from engine.errors import RefusedError
from engine.progress import SILENT, Reporter
from engine.report.gather import gather
from engine.report.html import to_html
from engine.report.markdown import to_markdown
from engine.report.model import CaseReport
from engine.report.wording import headline

PAGES = (".html", ".htm")


def render(report: CaseReport, name: str) -> bytes:
    """As a page for names that end like one, else as Markdown."""
    text = to_html(report) if name.lower().endswith(PAGES) else to_markdown(report)
    return text.encode("utf-8", "backslashreplace")


def save(report: CaseReport, path: Path, *, force: bool = False) -> None:
    """Write it, readable by its owner alone: it names a client's files. Raises ``OutsideError`` (also: exists)."""
    data = render(report, path.name)
    if force:
        if path.is_dir():
            raise RefusedError("that is a folder", code="exists", path=path, advice="name a file in it")
        write_atomic(path, data)
        return
    with output_file(path, "cannot write the report", mode=0o600) as fd:
        write_all(fd, data)


def write_report(case: Path, path: Path, *, replace: bool = False, reporter: Reporter = SILENT) -> str:
    """Gather and save; returns the headline."""
    report = gather(case, reporter=reporter)
    save(report, path, force=replace)
    return headline(report)
