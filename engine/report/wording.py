"""The words that both forms of a report share."""

from __future__ import annotations

from engine.report.model import CaseReport, Recording, Volume
from engine.text import format_exact, format_loss, format_size


def headline(report: CaseReport) -> str:
    """What came of it, in one sentence that promises nothing."""
    if report.map is None:
        return report.map_problem or "nothing has been read yet"
    if report.domain is None:
        return f"{format_exact(report.finished)} were read; the size of the source is not known from the map"
    if not report.missing:
        return f"every byte was read: {format_exact(report.finished)}"
    share = 100 * report.finished / report.domain if report.domain else 0.0
    shown = "more than 99.99" if share > 99.99 else f"{share:.2f}"
    return f"{shown} % was read ({format_exact(report.finished)}); {format_exact(report.missing)} were not"


def volume_words(volume: Volume) -> str:
    """What is known of a volume's files."""
    if volume.why_not:
        return volume.why_not
    if volume.hurt is None:
        return "its files were not listed, so nobody knows which of them are hit"
    of = f" of {volume.files}" if volume.files else ""
    return f"{volume.hurt}{of} files lack bytes; {format_size(volume.missing)} of the volume were never read"


def recording_words(recording: Recording) -> str:
    """Whole, or what it lacks."""
    if not recording.missing:
        return "all read"
    lost = "" if recording.missing_s is None else f", about {format_loss(recording.missing_s)} of programme"
    return f"{format_size(recording.missing)} never read{lost}"
