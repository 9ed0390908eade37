"""The strategy for a drive that drops off: which pass comes next, and why. See docs/drop-off-strategy.md.

``next_pass(map, history, costs)`` is a pure function. Its parts: ``records`` (what goes in and comes out), ``known``
(the state), ``belief`` of ``widths``, ``extents``, ``hazard`` and ``spacing``, ``field`` and ``candidates`` (what could
be done), ``edges`` (what comes last), ``budgets``, ``explain``, ``choice``. numpy is loaded when a pass is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.rescue.strategy.records import Costs, Done, How, Kind, Pass, Run

if TYPE_CHECKING:
    from engine.rescue.strategy.choice import next_pass

__all__ = ["Costs", "Done", "How", "Kind", "Pass", "Run", "next_pass"]


def __getattr__(name: str) -> Any:
    if name != "next_pass":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.choice").next_pass
