"""Changes to an existing image or device: planned, shown, journalled, applied, and taken back.

This is the only room that opens an image or a device for writing. The way: a ``Draft`` over a source becomes a
``WritePlan``; ``apply_plan`` writes it; ``undo`` takes it back from the undo file, also after a crash.
"""

from engine.edits.apply import Applied, apply_plan
from engine.edits.journal import Journal, read_journal
from engine.edits.plan import Draft, Write, WritePlan
from engine.edits.target import Lift
from engine.edits.undo import State, Undone, examine, undo, unfinished

__all__ = [
    "Applied",
    "Draft",
    "Journal",
    "Lift",
    "State",
    "Undone",
    "Write",
    "WritePlan",
    "apply_plan",
    "examine",
    "read_journal",
    "undo",
    "unfinished",
]
