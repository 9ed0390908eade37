"""What every sub-command prints through: one JSON document, or lines and tables for people; progress on stderr."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from engine.errors import RescueError
from engine.progress import RateMeter
from engine.text import format_duration, format_rate, format_size, safe_text
from tui.words import percent


def common(parser: argparse.ArgumentParser, *, example: str | None = None) -> argparse.ArgumentParser:
    """Add what every leaf command has: ``--json``, ``--quiet``, and an example in its help."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    if example:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = f"example: {example}"
    return parser


def error_document(code: str, message: str, offset: int | None) -> str:
    """The JSON document of an error, with its newline."""
    return json.dumps({"error": {"code": code, "message": message, "offset": offset}}) + "\n"


def print_error(error: RescueError, *, json_mode: bool) -> None:
    """One line on standard error; with ``--json`` the error document on standard output instead."""
    if json_mode:
        sys.stdout.write(error_document(error.code, str(error), error.offset))
        sys.stdout.flush()
    else:
        sys.stderr.write(f"rescuedeck: {safe_text(str(error))}\n")


class Output:
    """Where a command puts its results. With ``json`` only documents and events are printed."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    def document(self, value: dict[str, Any]) -> None:
        """The one JSON document; nothing without ``--json``."""
        if self.json:
            sys.stdout.write(json.dumps(value, indent=1) + "\n")

    def pieces(self, parts: Iterable[str]) -> None:
        """The one JSON document in parts that are JSON text already, for long lists; nothing without ``--json``."""
        if self.json:
            for part in parts:
                sys.stdout.write(part)

    def event(self, value: dict[str, Any]) -> None:
        """One event as one JSON line, at once; nothing without ``--json``."""
        if self.json:
            sys.stdout.write(json.dumps(value) + "\n")
            sys.stdout.flush()

    def line(self, text: str = "") -> None:
        """One line for people; strings from a disk must have gone through ``safe_text`` before."""
        if not self.json:
            sys.stdout.write(text.encode(sys.stdout.encoding or "ascii", "backslashreplace").decode(
                sys.stdout.encoding or "ascii") + "\n")

    def lines(self, texts: Iterable[str]) -> None:
        """Several lines for people."""
        for text in texts:
            self.line(text)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
        """An aligned table for people; ``right`` names the columns (from 0) to align right. Cells are made safe."""
        if self.json:
            return
        cells = [[safe_text(str(cell)) for cell in row] for row in rows]
        widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(headers)]
        for row in [list(headers), *cells]:
            parts = [
                cell.rjust(width) if i in right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.line("  ".join(parts).rstrip())

    def note(self, text: str) -> None:
        """A remark on standard error: not part of the result."""
        if not self.quiet:
            sys.stderr.write(f"rescuedeck: {safe_text(text)}\n")

    def reporter(self, message: str = "") -> StderrReporter:
        """A progress reporter: a live bar on a terminal, a plain line every few seconds otherwise."""
        return StderrReporter(message, quiet=self.quiet)


class StderrReporter:
    """Progress on standard error; Ctrl-C is the way to cancel, so ``cancelled`` never is."""

    def __init__(self, message: str, *, quiet: bool) -> None:
        self._message = message
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._meter = RateMeter(window_s=10)
        self._last = time.monotonic() - (1 if self._live else -4)

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        """Show progress, at most twice a second on a terminal and every five seconds elsewhere."""
        if self._quiet:
            return
        now = time.monotonic()
        if now - self._last < (0.5 if self._live else 5.0):
            return
        self._last = now
        self._meter.add(done, now)
        text = self._text(done, total, unit, message or self._message)
        sys.stderr.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def _text(self, done: int, total: int | None, unit: str, message: str) -> str:
        rate = self._meter.rate
        parts = [format_size(done) if unit == "B" else f"{done} {unit}"]
        if total:
            parts.append(percent(done, total))
        if rate:
            parts.append(format_rate(rate) if unit == "B" else f"{rate:.0f} {unit}/s")
            if total:
                parts.append(f"{format_duration((total - done) / rate)} left")
        message, figures = safe_text(message), "  ".join(parts)
        if self._live:  # the figures are what changes: they stay whole
            width = shutil.get_terminal_size().columns - 1
            room = width - len(figures) - 2
            if len(message) > room:
                message = message[: room - 3] + "..." if room > 6 else ""
            figures = figures[:width]
        return f"{message}  {figures}" if message else figures

    def event(self, kind: str, **facts: Any) -> None:
        """Events are part of journals, not of a progress bar."""
        return

    def cancelled(self) -> bool:
        """Never: Ctrl-C interrupts a plain command."""
        return False

    def close(self) -> None:
        """Wipe the live bar."""
        if self._live and not self._quiet:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
