"""The report as one HTML file with nothing outside it: no scripts, no fonts, no addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from engine.report.model import CaseReport
from engine.report.picture import to_svg
from engine.report.wording import headline, recording_words, volume_words
from engine.text import format_duration, format_exact, format_size, safe_text

_STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff; }
h1 { margin-bottom: 0; } h2 { margin-top: 2em; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; } td, th { padding: .15em .8em .15em 0; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } .head { font-size: 120%; font-weight: bold; }
code { font-size: 85%; overflow-wrap: anywhere; } .bad { color: #a00; } svg { width: 100%; height: auto; }
@media print { h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


def text(value: str, limit: int = 400) -> str:
    """Text from anywhere, safe in a page."""
    return escape(safe_text(value, limit))


def to_html(report: CaseReport) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: CaseReport) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f"<title>{text(report.title)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{text(report.title)}</h1>"
    yield f'<p class="head">{text(headline(report))}.</p>'
    yield f"<p>Case of {text(report.created)}; report of {report.made}.</p>"
    yield "<h2>Source</h2>"
    yield from _table((), report.source) if report.source else ("<p>none chosen</p>",)
    yield "<h2>Image and map</h2>"
    yield from _image(report)
    if report.volumes or report.volumes_problem:
        yield "<h2>Volumes and files</h2>"
        yield from _volumes(report)
    if report.recordings:
        yield f"<h2>Recordings ({text(report.recorder)})</h2>"
        yield from _table(("recording", "date", "length", "size", "state"), (
            (one.name, one.when, "" if one.duration_s is None else format_duration(one.duration_s),
             format_size(one.size), recording_words(one)) for one in report.recordings
        ), right=(2, 3))  # fmt: skip
    if report.saved:
        yield "<h2>Files that were got out</h2>"
        yield from _table(("file", "size", "never read", "SHA-256"), (
            (one.path, format_exact(one.size), format_exact(one.missing) if one.missing else "", one.sha256)
            for one in report.saved
        ), right=(1, 2))  # fmt: skip
        if report.saved_left_out:
            yield f"<p>and {report.saved_left_out} more</p>"
    yield "<h2>What was done</h2>"
    yield from _table((), ((step.when, step.what) for step in report.steps))
    if report.steps_left_out:
        yield f"<p>{report.steps_left_out} actions in between are in the case's history.</p>"
    if report.notes:
        yield "<h2>Remarks</h2><ul>"
        yield from (f"<li>{text(note)}</li>" for note in report.notes)
        yield "</ul>"
    yield "</body></html>"


def _image(report: CaseReport) -> Iterator[str]:
    size = "not begun" if report.image_size is None else format_exact(report.image_size)
    yield f"<p>{text(report.image)}, {size}</p>"
    if report.image_sha256:
        yield f"<p>SHA-256: <code>{report.image_sha256}</code></p>"
    if report.map is None:
        yield f'<p class="bad">{text(report.map_problem)}</p>'
        return
    yield from _table(("", "status", "bytes", "areas"), (
        (one.letter, one.words, format_exact(one.bytes), str(one.areas)) for one in report.amounts
    ), right=(2, 3))  # fmt: skip
    yield to_svg(report.map)


def _volumes(report: CaseReport) -> Iterator[str]:
    if report.volumes_problem:
        yield f'<p class="bad">{text(report.volumes_problem)}</p>'
    for volume in report.volumes:
        label = f" &quot;{text(volume.label)}&quot;" if volume.label else ""
        yield f"<h3>{text(volume.title)}{label}</h3>"
        yield f"<p>{format_size(volume.size)} from byte {volume.start}: {text(volume_words(volume))}</p>"
        if volume.hits:
            yield from _table(("file", "size", "never read"), (
                (path, format_exact(size), format_exact(missing)) for path, size, missing in volume.hits
            ), right=(1, 2))  # fmt: skip
            if volume.hurt is not None and volume.hurt > len(volume.hits):
                yield f"<p>and {volume.hurt - len(volume.hits)} more</p>"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], right: tuple[int, ...] = ()) -> Iterator[str]:
    def cell(tag: str, number: int, value: str) -> str:
        kind = ' class="n"' if number in right else ""
        return f"<{tag}{kind}>{text(value)}</{tag}>"

    yield "<table>"
    if heads:
        yield "<tr>" + "".join(cell("th", number, head) for number, head in enumerate(heads)) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(cell("td", number, value) for number, value in enumerate(row)) + "</tr>"
    yield "</table>"
