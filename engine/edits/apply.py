"""Applying a plan: checked against the target as it is now, journalled, written, read back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.edits.journal import append, create_journal
from engine.edits.plan import WritePlan
from engine.edits.target import Lift, Target, open_target
from engine.edits.undo import unfinished
from engine.errors import DamagedError, RefusedError, RescueError
from engine.host.roots import HERE, Roots


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan that was written and read back. ``undo_file`` is None when there was nothing to write."""

    plan: WritePlan
    undo_file: Path | None


def apply_plan(
    plan: WritePlan,
    path: str | os.PathLike[str],
    *,
    undo_dir: str | os.PathLike[str],
    lift: Lift | None = None,
    identity: Mapping[str, Any] | None = None,
    named: str | os.PathLike[str] | None = None,
    roots: Roots = HERE,
) -> Applied:
    """Write a plan into the image or device at ``path``.

    The old bytes must still be there. The undo file in ``undo_dir`` is durable before the first byte is written; each
    write is made durable before the next; at the end everything is read back from the medium. ``identity`` are facts
    about a device for the undo file (model, serial number). ``named``: what a new copy at ``path`` will be called once
    it is complete; the undo file is made for that name. Raises ``RefusedError`` before anything is written,
    ``RescueError`` with the undo file's name when it fails on the way.
    """
    if not plan.writes:
        return Applied(plan, None)
    with open_target(path, lift=lift, keep=(undo_dir,), roots=roots) as target:
        check_present(plan, target)
        for journal in unfinished(undo_dir, target.path) if named is None else ():
            raise RefusedError(
                "an earlier repair of this target was cut short", code="half-applied", path=journal.path,
                advice="take it back or complete it with this undo file first",
            )  # fmt: skip
        name = target.path if named is None else os.fspath(named)
        undo_file = create_journal(undo_dir, plan, name, target.kind, dict(identity or {}) | {
            "sector_size": target.sector_size, "size": target.size,
        })  # fmt: skip
        try:
            for write in plan.writes:
                target.write(write.offset, write.new)
            verify(target, [(write.offset, write.new) for write in plan.writes])
        except RescueError as error:
            error.advice = f"the old bytes are kept in {undo_file}: undo with it"
            raise
        append(undo_file, "done")
    return Applied(plan, undo_file)


def check_present(plan: WritePlan, target: Target) -> None:
    """Refuse unless the target has the plan's size and holds its old bytes everywhere."""
    if target.size != plan.size:
        raise RefusedError(
            f"the plan was made for {plan.size} bytes, the target has {target.size}", code="target-changed",
            path=target.path, advice="look at it again and make the plan anew",
        )  # fmt: skip
    for write in plan.writes:
        if target.read(write.offset, len(write.old)) != write.old:
            raise RefusedError(
                "the bytes there are not those that were shown", code="target-changed", path=target.path,
                offset=write.offset, advice="look at it again and make the plan anew",
            )  # fmt: skip


def verify(target: Target, expected: list[tuple[int, bytes]]) -> None:
    """Read back from the medium. Raises ``DamagedError`` at the first difference."""
    target.forget()
    for offset, data in expected:
        if target.read(offset, len(data)) != data:
            words = "what was written reads back differently"
            raise DamagedError(words, code="verify", path=target.path, offset=offset)
