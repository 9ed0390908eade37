"""Sizes, shares and states in the few words and cells that lists have."""

from __future__ import annotations

from datetime import datetime

from engine.text import format_size


def percent(done: int, total: int | None) -> str:
    """``87.2 %``; never rounded up to 100 % while something is missing, nor down to 0 % when something is there."""
    if not total:
        return "-"
    if done >= total:
        return "100 %"
    share = 100 * done / total
    if share > 99.9:
        return "> 99.9 %"
    if done > 0 and share < 0.1:
        return "< 0.1 %"
    return f"{share:.1f} %"


def size(value: int | None) -> str:
    """A size, or ``-`` when unknown."""
    return "-" if value is None else format_size(value)


def local_time(iso: str) -> str:
    """``2026-11-21 14:23`` in local time from ISO 8601; a text that is no time stays as it is."""
    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return iso


def plural(count: int, one: str, many: str) -> str:
    """``1 warning``, ``3 warnings``."""
    return f"{count} {one if count == 1 else many}"


def of_window(path: str, window: tuple[int, int] | None) -> str:
    """``disk.img``, or ``disk.img, bytes 512-4096``."""
    return path if window is None else f"{path}, bytes {window[0]}-{window[1]}"
