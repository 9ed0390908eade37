"""From a cell's paint code to its colours: the style classes of the block map, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from textual.widget import Widget

from themes.palettes import MARKS, ROLES
from tui.widgets import map_paint as paint


@dataclass(frozen=True, slots=True)
class Legend:
    """How the statuses of a map are shown, by their codes: the style classes of cells of one status and of mixed cells,
    and a letter each."""

    solid: tuple[str, ...]
    mixed: tuple[str, ...]
    glyphs: str


RESCUE = Legend(
    tuple(f"status--solid-{mark.name}" for mark in MARKS), tuple(f"status--{mark.name}" for mark in MARKS), paint.GLYPHS
)
"""The statuses of a rescue map."""
SECTORS = Legend(
    tuple(f"role--solid-{role.name}" for role in ROLES), tuple(f"role--{role.name}" for role in ROLES),
    "".join(role.letter for role in ROLES).ljust(16),
)  # fmt: skip
"""What the sectors of a document are (``engine.ole2.sector_map``)."""
# What lies over a cell, in the order in which it is laid.
_OVER = (
    (paint.BORDER, "block-map--border"),
    (paint.LEFT_OUT, "block-map--left-out"),
    (paint.KILLER, "block-map--killer"),
    (paint.SELECTED, "block-map--selected"),
    (paint.POSITION, "block-map--position"),
    (paint.CURSOR, "block-map--cursor"),
)
CLASSES = {
    *RESCUE.solid, *RESCUE.mixed, *SECTORS.solid, *SECTORS.mixed, *(name for _flag, name in _OVER),
    "block-map--mixed", "block-map--mostly", "block-map--blank",
}  # fmt: skip
"""Component classes that a widget needs to draw cells."""


def look(widget: Widget, code: int, legend: Legend = RESCUE) -> Style:
    """The style of a cell: filled when it is of one status, the bare letter when it is mixed."""
    status, mostly = code & paint.STATUS, paint.mostly(code)
    if status == paint.BLANK:
        base, more = "block-map--blank", ""
    elif mostly is not None:
        base, more = legend.solid[mostly], "block-map--mostly"
    elif code & paint.MIXED:
        base, more = legend.mixed[status], "block-map--mixed"
    else:
        base, more = legend.solid[status], ""
    style = widget.get_component_rich_style(base)
    for name in (more, *(name for flag, name in _OVER if code & flag)):
        if name:
            style += widget.get_component_rich_style(name, partial=True)
    both = paint.CURSOR | paint.SELECTED
    if code & both == both and widget.get_component_rich_style("block-map--selected", partial=True).reverse:
        style += Style(reverse=False)  # without colour the cursor is what is not reversed among the selected
    return style
