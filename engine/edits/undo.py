"""Taking a plan back, or completing one that a crash cut short."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.edits.journal import SUFFIX, Journal, append, read_journal
from engine.edits.plan import SECTOR, Write
from engine.edits.target import Lift, Target, open_target
from engine.errors import DamagedError, NotFoundError, RefusedError, outside
from engine.host.roots import HERE, Roots


class State(StrEnum):
    """What a target holds of a plan."""

    UNTOUCHED = "untouched"  # all old bytes
    APPLIED = "applied"  # all new bytes
    PARTIAL = "partial"  # every sector old or new, some of each
    FOREIGN = "foreign"  # something else


@dataclass(frozen=True, slots=True)
class Undone:
    """The outcome: what the target held ``before``, and how many bytes were written to bring the rest about."""

    journal: Journal
    before: State
    written: int
    forward: bool = False


def examine(journal: Journal, target: Target) -> tuple[State, int | None]:
    """What the target holds of the plan, and the offset of the first foreign sector."""
    seen_old = seen_new = False
    for write in journal.plan.writes:
        now = target.read(write.offset, len(write.new))
        for start, end in _sectors(write):
            piece, old, new = now[start:end], write.old[start:end], write.new[start:end]
            if piece not in (old, new):
                return State.FOREIGN, write.offset + start
            if old != new:
                seen_old |= piece == old
                seen_new |= piece == new
    if seen_old and seen_new:
        return State.PARTIAL, None
    return (State.APPLIED if seen_new else State.UNTOUCHED), None


def _sectors(write: Write) -> list[tuple[int, int]]:
    """The write cut where a crash may have cut it."""
    cuts = [0, *range(SECTOR - write.offset % SECTOR, len(write.new), SECTOR), len(write.new)]
    return list(zip(cuts, cuts[1:], strict=False))


def unfinished(undo_dir: str | os.PathLike[str], target: str | os.PathLike[str]) -> list[Journal]:
    """Undo files in a folder whose plan for this target was cut short: neither done nor taken back.

    Files that cannot be read are passed over: they belong to something else, or never came to writing.
    """
    found = []
    try:
        names = sorted(name for name in os.listdir(undo_dir) if name.endswith(SUFFIX))
    except OSError as error:
        raise outside(error, "cannot look into the folder for undo files", undo_dir) from error
    for name in names:
        try:
            journal = read_journal(Path(undo_dir, name))
        except DamagedError:
            continue
        if not journal.finished and os.path.realpath(journal.target) == os.path.realpath(target):
            found.append(journal)
    return found


def undo(
    undo_file: str | os.PathLike[str],
    *,
    target: str | os.PathLike[str] | None = None,
    forward: bool = False,
    lift: Lift | None = None,
    roots: Roots = HERE,
) -> Undone:
    """Put the old bytes back, last write first; with ``forward`` complete a half-applied plan instead.

    ``target`` names the image when it was moved. Refused (``target-changed``) when the target holds something that is
    neither old nor new: somebody else has written. A target that holds what is asked for already is left alone.
    """
    journal = read_journal(undo_file)
    if not journal.ready:
        raise NotFoundError(
            "the repair was cut short before it wrote anything: there is nothing to undo", code="nothing-to-undo",
            path=undo_file,
        )  # fmt: skip
    path = journal.target if target is None else os.fspath(target)
    with open_target(path, lift=lift, keep=(journal.path,), roots=roots) as opened:
        if opened.size != journal.plan.size:
            raise RefusedError(
                f"the undo file belongs to a target of {journal.plan.size} bytes, this has {opened.size}",
                code="target-changed", path=path,
            )  # fmt: skip
        state, foreign = examine(journal, opened)
        if state is State.FOREIGN:
            raise RefusedError(
                "something else has been written there since", code="target-changed", path=path, offset=foreign,
                advice="compare the bytes with the undo file before you write by hand",
            )  # fmt: skip
        wanted = State.APPLIED if forward else State.UNTOUCHED
        if state is wanted:
            if not journal.finished:
                append(journal.path, "done" if forward else "undone")
            return Undone(journal, state, 0, forward)
        return Undone(journal, state, _write(journal, opened, forward), forward)


def _write(journal: Journal, target: Target, forward: bool) -> int:
    from engine.edits.apply import verify

    writes = journal.plan.writes if forward else tuple(reversed(journal.plan.writes))
    wanted = [(write.offset, write.new if forward else write.old) for write in writes]
    append(journal.path, "redoing" if forward else "undoing")
    written = 0
    for offset, data in wanted:
        if target.read(offset, len(data)) != data:
            target.write(offset, data)
            written += len(data)
    verify(target, wanted)
    append(journal.path, "done" if forward else "undone")
    return written
