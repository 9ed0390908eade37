"""The report as Markdown. Text from disks is made safe and never becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.mapfile.render import render_rows
from engine.report.model import CaseReport
from engine.report.wording import headline, recording_words, volume_words
from engine.text import format_duration, format_exact, format_size, safe_text

_MARKUP = re.compile(r"([\\`*_\[\]<>|~&]|^[#+-])")


def plain(text: str, limit: int = 400) -> str:
    """Text that no renderer takes for markup."""
    return _MARKUP.sub(r"\\\1", safe_text(text, limit))


def to_markdown(report: CaseReport) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: CaseReport) -> Iterator[str]:
    yield f"# {plain(report.title)}"
    yield ""
    yield f"**{plain(headline(report))}.**"
    yield ""
    yield f"Case of {plain(report.created)}; report of {report.made}."
    yield from _section("Source", [f"- {name}: {plain(text)}" for name, text in report.source] or ["none chosen"])
    yield from _section("Image and map", list(_image(report)))
    if report.volumes or report.volumes_problem:
        yield from _section("Volumes and files", list(_volumes(report)))
    if report.recordings:
        yield from _section(f"Recordings ({plain(report.recorder)})", list(_recordings(report)))
    if report.saved:
        yield from _section("Files that were got out", list(_saved(report)))
    yield from _section("What was done", list(_steps(report)))
    if report.notes:
        yield from _section("Remarks", [f"- {plain(note)}" for note in report.notes])


def _section(title: str, lines: list[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines


def _image(report: CaseReport) -> Iterator[str]:
    size = "not begun" if report.image_size is None else format_exact(report.image_size)
    yield f"- image: {plain(report.image)}, {size}"
    if report.image_sha256:
        yield f"- SHA-256 of the image: `{report.image_sha256}`"
    if report.map is None:
        yield f"- map: {plain(report.map_problem)}"
        return
    yield ""
    yield "| status | meaning | bytes | areas |"
    yield "| --- | --- | ---: | ---: |"
    for one in report.amounts:
        yield f"| `{one.letter}` | {one.words} | {format_exact(one.bytes)} | {one.areas} |"
    yield ""
    yield "```"
    yield from render_rows(report.map, 78, 16)
    yield "```"


def _volumes(report: CaseReport) -> Iterator[str]:
    if report.volumes_problem:
        yield plain(report.volumes_problem)
    for volume in report.volumes:
        label = f' "{plain(volume.label)}"' if volume.label else ""
        place = f"{format_size(volume.size)} from byte {volume.start}"
        yield f"- **{plain(volume.title)}**{label}, {place}: {plain(volume_words(volume))}"
        if volume.hits:
            yield ""
            yield "  | file | size | never read |"
            yield "  | --- | ---: | ---: |"
            for path, size, missing in volume.hits:
                yield f"  | {plain(path)} | {format_exact(size)} | {format_exact(missing)} |"
            if volume.hurt is not None and volume.hurt > len(volume.hits):
                yield f"  | and {volume.hurt - len(volume.hits)} more | | |"
            yield ""


def _recordings(report: CaseReport) -> Iterator[str]:
    yield "| recording | date | length | size | state |"
    yield "| --- | --- | ---: | ---: | --- |"
    for one in report.recordings:
        length = "" if one.duration_s is None else format_duration(one.duration_s)
        yield f"| {plain(one.name)} | {one.when} | {length} | {format_size(one.size)} | {recording_words(one)} |"


def _saved(report: CaseReport) -> Iterator[str]:
    whole = sum(not one.missing for one in report.saved)
    yield f"{len(report.saved) + report.saved_left_out} files; of those listed {whole} are whole."
    yield ""
    yield "| file | size | never read | SHA-256 |"
    yield "| --- | ---: | ---: | --- |"
    for one in report.saved:
        lacks = format_exact(one.missing) if one.missing else ""
        yield f"| {plain(one.path)} | {format_exact(one.size)} | {lacks} | `{plain(one.sha256, 64)}` |"
    if report.saved_left_out:
        yield f"| and {report.saved_left_out} more | | | |"


def _steps(report: CaseReport) -> Iterator[str]:
    if not report.steps:
        yield "nothing yet"
    for step in report.steps:
        yield f"- {plain(step.when)}: {plain(step.what)}"
    if report.steps_left_out:
        yield f"- {report.steps_left_out} actions in between are in the case's history"
