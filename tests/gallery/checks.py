"""What must hold of every picture, whatever it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

from tests.gallery.camera import Shot

_MARKUP = re.compile(r"\[/?(bold|dim|italic|reverse|red|green|blue|yellow|link|@click)[^\]]*\]")
_PYTHON = re.compile(
    r"<[A-Z]\w+[ .:]|\b[A-Z]\w+(State|Status|Kind|Phase|Severity|Verdict)\.[A-Z_]+|\bNone\b|object at 0x"
)
_CUT_KEY = re.compile(r"(…|\.\.\.)$")
_FRAMELESS = frozenset({"TooSmallScreen", "CommandPalette", "ConfirmDialog"})
"""Screens that lie over another one, or have room for nothing."""


def faults(shot: Shot) -> Iterator[str]:
    """What is wrong with a picture, in words."""
    width, height = (52, 14) if shot.scene == "too-small" else shot.size
    if len(shot.lines) != height:
        yield f"{len(shot.lines)} lines instead of {height}"
    for number, line in enumerate(shot.lines, 1):
        if cell_len(line) > width:
            yield f"line {number} is {cell_len(line)} cells wide"
        if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line):
            yield f"line {number} holds control characters"
        if shot.look == "ascii" and not line.isascii():
            yield f"line {number} is not ASCII: {line.strip()}"
        for pattern, what in ((_MARKUP, "markup"), (_PYTHON, "a name of the program's own")):
            found = pattern.search(line)
            if found is not None:
                yield f"line {number} shows {what}: {found.group()!r}"
    if shot.screen not in _FRAMELESS:
        yield from _frame(shot)


def _frame(shot: Shot) -> Iterator[str]:
    """Title and write state on top, keys below, something between."""
    title, keys = shot.lines[0], shot.lines[-1].rstrip()
    if not title.strip() or not title[1:2].strip():
        yield "the title row has no name"
    if "READ ONLY" not in title and "WRITES ON" not in title:
        yield "nothing says whether a source may be written to"
    if not re.search(r"\? help|Esc ", keys) and shot.screen != "HelpScreen":
        yield f"the way to help is not among the keys: {keys}"
    if not re.search(r"\b(back|close|quit|later|cancel)\b", keys):
        yield f"the way out is not among the keys: {keys}"
    if _CUT_KEY.search(keys):
        yield f"the keys are cut: {keys}"
    if not any(line.strip() for line in shot.lines[1:-2]):
        yield "the screen is empty"
