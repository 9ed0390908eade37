"""ddrescue's own screen, read from its standard output as it comes.

It is written to a pipe exactly as to a terminal: refreshed at most once a second by moving the cursor up, numbers cut
to six digits with units. Positions on it are therefore not exact, and nothing comes while a read hangs. With
``--data-preview`` it also carries bytes of the disk, which may say anything: those lines are never read as figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from engine.text import safe_text

_SPLIT = re.compile(r"\r|\n|\x1b\[A")
_PREVIEW = re.compile(r"\s*[0-9A-Fa-f]{8,}  (?:[0-9A-Fa-f]{2} ){2}")
_FIGURE = re.compile(
    r"(ipos|opos|non-tried|non-trimmed|non-scraped|bad-sector|bad areas|pct rescued|rescued|read errors|slow reads"
    r"|current rate|average rate|error rate|run time|remaining time|time since last successful read):\s*"
    r"(n/a|[0-9.]+%|\d+ ?[a-zA-Z]*B(?:/s)?|(?:\d+[ydhms]\s*)+|\d+)(?=\s*(?:,|$))"
)
_MESSAGE = re.compile(
    r"(?P<phase>[A-Z][a-z]+) [a-z][a-z -]*\.\.\.(?: [A-Z][a-z]+ (?P<number>\d+))?(?: \((?P<way>\w+)\))?\s*\Z"
)
_SIZE = re.compile(r"(\d+) ?([kKMGTPEZYRQ]?)(i?)B")
_TIME = re.compile(r"(\d+)([ydhms])")
_SECONDS = {"y": 365 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_ENDINGS = (
    "Finished",
    "Interrupted by user",
    "Too many read errors",
    "Too many slow reads",
    "Timeout expired",
    "Too many bad areas",
    "Too high error rate",
    "Mapfile error",
    "Nothing to do",
)
_MAX_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Screen:
    """The figures as last shown; None where they were not shown or ``n/a``. Bytes (rounded), seconds, bytes/s.

    ``refreshes`` counts complete screens; ``first_direction`` is that of the run's beginning. ``ending`` is the last
    line ddrescue writes ("Finished", a limit, ...).
    """

    ipos: int | None = None
    opos: int | None = None
    non_tried: int | None = None
    non_trimmed: int | None = None
    non_scraped: int | None = None
    bad_sector: int | None = None
    rescued: int | None = None
    bad_areas: int | None = None
    read_errors: int | None = None
    slow_reads: int | None = None
    current_rate: int | None = None
    average_rate: int | None = None
    error_rate: int | None = None
    run_time: int | None = None
    remaining_time: int | None = None
    since_good_read: int | None = None
    phase: str = ""
    message: str = ""
    pass_number: int | None = None
    direction: str = ""
    first_direction: str = ""
    refreshes: int = 0
    ending: str = ""


_LONGEST_NUMBER = 60
_NAMES = {
    "time since last successful read": "since_good_read",
    "pct rescued": "",
    "run time": "run_time",
    "remaining time": "remaining_time",
}


def parse_size(text: str) -> int | None:
    """Bytes of ``21168 kB``, ``21037 kB/s``, ``12 MiB``, ``0 B``; None for anything else."""
    match = _SIZE.match(text)
    if not match:
        return None
    power = " kMGTPEZYRQ".index(match[2].replace("K", "k") or " ")
    return int(match[1]) * int((1024 if match[3] else 1000) ** power)


def parse_time(text: str) -> int | None:
    """Seconds of ``1s``, ``2m  3s``, ``10h 10m``, ``3d  4h``; None for anything else."""
    found = _TIME.findall(text)
    return sum(int(number) * _SECONDS[unit] for number, unit in found) if found else None


class ScreenParser:
    """Feed it what comes from the pipe, in pieces of any size; ``screen`` is what it says so far."""

    def __init__(self) -> None:
        self.screen = Screen()
        self._tail = ""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *lines, self._tail = _SPLIT.split(self._tail + data.decode("ascii", "replace"))
        for line in lines:
            self._line(line)
        if len(self._tail) > _MAX_TAIL:
            self._tail = self._tail[-1024:]
        self._message(self._tail)  # the phase stands at the end, without a newline until the next refresh

    def _line(self, line: str) -> None:
        if _PREVIEW.match(line):
            return
        if self._message(line):
            return
        text = line.strip()
        if text.startswith(_ENDINGS):
            self.screen = replace(self.screen, ending=safe_text(text, 200))
            return
        for name, value in _FIGURE.findall(line):
            self._figure(name, value.strip())

    def _figure(self, name: str, value: str) -> None:
        field = _NAMES.get(name, name.replace(" ", "_").replace("-", "_"))
        if not field:
            return
        number: int | None
        if value == "n/a" or len(value) > _LONGEST_NUMBER:
            number = None
        elif field in ("run_time", "remaining_time", "since_good_read"):
            number = parse_time(value)
        elif value.isdecimal():
            number = int(value)
        else:
            number = parse_size(value)
        shown: dict[str, Any] = {field: number}
        if field == "since_good_read":  # the last line of each refresh
            shown["refreshes"] = self.screen.refreshes + 1
        self.screen = replace(self.screen, **shown)

    def _message(self, line: str) -> bool:
        match = _MESSAGE.match(line.strip())
        if not match:
            return False
        self.screen = replace(
            self.screen,
            phase=match["phase"].lower(),
            message=safe_text(line.strip(), 200),
            pass_number=int(match["number"]) if match["number"] else None,
            direction=match["way"] or "",
            first_direction=self.screen.first_direction or match["way"] or "",
        )
        return True
