"""A screen of the deck as SVG: the very cells that go to the terminal, with nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.app import App

_WIDE, _TALL, _EDGE = 8.4, 18, 10
_DARK, _LIGHT = "#121212", "#e0e0e0"


def to_svg(app: App[Any]) -> str:
    """What is on show now."""
    rows = [list(strip) for strip in app.screen._compositor.render_strips()]
    wide = max(sum(cell_len(segment.text) for segment in row) for row in rows) * _WIDE + 2 * _EDGE
    tall = len(rows) * _TALL + 2 * _EDGE
    body = "".join(_row(number, row) for number, row in enumerate(rows))
    around = app.screen.styles.background
    ground = around.hex if around.a == 1 and around.ansi is None else _DARK
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {tall}" width="{wide:.0f}">'
        f'<rect width="100%" height="100%" rx="6" fill="{ground}"/>'
        '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">'
        f"{body}</g></svg>\n"
    )


def _row(number: int, row: list[Any]) -> str:
    return "".join(_runs(number * _TALL + _EDGE, row))


def _runs(top: int, row: list[Any]) -> Iterator[str]:
    at = 0
    for segment in row:
        text, style = segment.text, segment.style or Style()
        width = cell_len(text)
        front, back = _colour(style.color, _LIGHT), _colour(style.bgcolor, _DARK)
        if style.reverse:
            front, back = back, front
        left = _EDGE + at * _WIDE
        if back != _DARK:
            yield f'<rect x="{left:.1f}" y="{top}" width="{width * _WIDE + 0.3:.1f}" height="{_TALL}" fill="{back}"/>'
        if text.strip():
            bold = ' font-weight="bold"' if style.bold else ""
            yield (
                f'<text x="{left:.1f}" y="{top + 14}" textLength="{width * _WIDE:.1f}" fill="{front}"{bold}>'
                f"{escape(text)}</text>"
            )
        at += width


def _colour(colour: Color | None, other: str) -> str:
    if colour is None or colour.is_default:
        return other
    return str(colour.get_truecolor().hex)
