"""Remaining time with honesty: rounded, capped, and silent where nothing can be known."""

from __future__ import annotations

from engine.jobs.model import Job

_TWO_DAYS_S = 2 * 86400
_SETTLE_S = 10.0


def remaining_text(job: Job) -> str:
    """The remaining time in words: ``about 12 min``, ``more than 2 days``, ``stands still``, ``not known yet`` ...

    Empty for a job that does not run. A failing drive gets slower, so this is what the present rate promises, not more:
    it is rounded to two digits, and beyond two days only the floor is told.
    """
    if not job.live:
        return ""
    progress = job.progress
    if progress.total is None:
        return "not known"
    if progress.done >= progress.total:
        return "almost done"
    if progress.rate is None or (job.elapsed_s < _SETTLE_S and job.runs <= 1):
        return "not known yet"
    if progress.rate == 0:
        return "stands still"
    return coarse((progress.total - progress.done) / progress.rate)


def coarse(seconds: float) -> str:
    """A duration with no more digits than an estimate deserves."""
    if seconds > _TWO_DAYS_S:
        return "more than 2 days"
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {_two_digits(seconds)} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"about {_two_digits(minutes)} min"
    hours = minutes / 60
    return f"about {hours:.1f} h" if hours < 10 else f"about {hours:.0f} h"


def _two_digits(value: float) -> int:
    return round(value) if value < 20 else round(value / 5) * 5
