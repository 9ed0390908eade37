"""The map as a picture: SVG, one rectangle for each run of equal cells, with a pattern besides the colour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from engine.mapfile.model import Mapfile
from engine.mapfile.render import render_rows

WIDTH, HEIGHT, CELL = 120, 24, 8
_FILLS = {"+": "#3b8ea5", "?": "#d9d9d9", "*": "#f2c14e", "/": "#f08a4b", "-": "#b3001b"}
"""Told apart by people who see colours differently; bad areas also carry a dark edge."""
_NAMES = {"+": "read", "?": "not tried", "*": "not trimmed", "/": "not scraped", "-": "bad sectors"}


def to_svg(map_: Mapfile) -> str:
    """The whole map, worst status of each cell, with its legend."""
    rows = render_rows(map_, WIDTH, HEIGHT)
    tall = len(rows) * CELL
    return "".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * CELL} {tall + 28}" role="img" '
        'aria-label="map of what was read">', *_cells(rows), *_legend(tall), "</svg>",
    ))  # fmt: skip


def _cells(rows: list[str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        at = 0
        for letter, run in groupby(row):
            count = len(list(run))
            fill = _FILLS.get(letter)
            if fill is not None:
                edge = ' stroke="#600" stroke-width="1"' if letter == "-" else ""
                yield (f'<rect x="{at * CELL}" y="{number * CELL}" width="{count * CELL}" height="{CELL}" '
                       f'fill="{fill}"{edge}/>')  # fmt: skip
            at += count


def _legend(top: int) -> Iterator[str]:
    at = 0
    for letter, name in _NAMES.items():
        yield f'<rect x="{at}" y="{top + 10}" width="12" height="12" fill="{_FILLS[letter]}"/>'
        yield f'<text x="{at + 17}" y="{top + 20}" font-size="12" font-family="sans-serif">{letter} {name}</text>'
        at += 130
