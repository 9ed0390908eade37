"""ddrescue's mapfile: model, reading, writing, algebra, drawing, recipes.

The names below load their modules (and numpy) when first used, so that looking at a map's lock stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.mapfile.cells import Cells
    from engine.mapfile.lock import Holder, hold_map, map_holder
    from engine.mapfile.model import Block, Mapfile, Runs, Totals
    from engine.mapfile.parse import parse_map, read_map
    from engine.mapfile.write import render_map, write_map

_HOME = {
    "Block": "model", "Mapfile": "model", "Runs": "model", "Totals": "model",
    "parse_map": "parse", "read_map": "parse",
    "render_map": "write", "write_map": "write",
    "Holder": "lock", "hold_map": "lock", "map_holder": "lock",
    "Cells": "cells",
}  # fmt: skip

__all__ = [
    "Block", "Cells", "Holder", "Mapfile", "Runs", "Totals",
    "hold_map", "map_holder", "parse_map", "read_map", "render_map", "write_map",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
