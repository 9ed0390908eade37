"""A map being edited: as last saved, as it is now, and every step between, to be undone and redone without limit.

One document belongs to one thread. It reads and writes small files beside the map only; nothing here touches a source.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.cases import Case, case_of_map, generations_folder, keep_map, record
from engine.errors import DamagedError, OutsideError, RefusedError, RescueError, UsageError
from engine.mapedit import access
from engine.mapedit.access import Reason
from engine.mapedit.edits import Clip, Edit, Restore, SetLine, SetStatus
from engine.mapedit.history import History, Step, step_of
from engine.mapedit.journal import Journal, Offer, Operation, state_of
from engine.mapedit.outcome import (
    Entry,
    Merged,
    Saved,
    again,
    digest_of,
    load,
    loses,
    stamp_of,
    state_edit,
)
from engine.mapedit.patch import Patch
from engine.mapedit.performing import Effect, Performed, perform
from engine.mapfile.check import Check
from engine.mapfile.diff import Move, moves
from engine.mapfile.lock import foreign_ddrescue, hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import Pathish, parse_map, read_file
from engine.mapfile.write import render_map, write_map
from engine.ranges import RangeSet

_FREE_WHEN_OPEN = (Clip, SetLine)
"""Edits that a map of unknown size may have."""


class Document:
    """A map file being edited. Make one with ``Document.open``.

    ``map`` is the present state, ``saved`` the one on disk (as it was read or saved last). Every change goes through
    ``apply`` or ``macro``; ``reasons`` says why it may not be changed or saved now. ``damage`` is set while a proposed
    repair waits to be accepted, ``offer`` while edits of a lost session wait for ``replay`` or ``discard_offer``.
    ``journal_problem`` says why the last edit could not be kept for a replay (no room): it is carried out all the same.
    """

    def __init__(self, path: Path, loaded: Mapfile, data: bytes, *, case: Case | None, size: int | None) -> None:
        self.path = path
        self.case = case
        self.size = size
        self.saved = loaded
        self.damage: Check | None = None
        self.offer: Offer | None = None
        self.ignored = ""
        self.journal_problem = ""
        self._history = History(loaded)
        self._saved_at: int | None = 0
        self._digest = digest_of(data)
        self._stamp = stamp_of(path)
        self._journal = Journal(path, self._digest)
        self._journal_from: int | None = 0  # the first step the journal knows; None: it knows states only
        self._journal_to = 0  # and up to which step
        self._macro: list[Performed] | None = None

    @classmethod
    def open(cls, path: Pathish, *, case: Case | None = None, size: int | None = None) -> Document:
        """Open a map for editing.

        ``size``: the source's size in bytes when it is known (a case's is taken by itself). A damaged map opens as the
        proposed repair, with ``damage`` set: nothing may be edited before ``accept_repair``. Raises ``OutsideError``,
        and ``DamagedError`` when nothing in the file can be read as a block.
        """
        where = Path(os.path.realpath(path))  # a link stays a link: its target is what is edited
        case = case or case_of_map(where)
        size = case.source_size if size is None and case is not None else size
        data = read_file(where)
        loaded, damage = load(data, where)
        made = cls(where, loaded, data, case=case, size=size)
        if damage is not None:
            made.damage, made._saved_at = damage, None
        made.offer, made.ignored = made._journal.offered()
        return made

    def accept_repair(self) -> None:
        """Go on with the proposed repair of a damaged map; saving keeps the damaged file as a generation."""
        if self.damage is None:
            raise UsageError("the map is not damaged", code="nothing-to-do")
        self.damage = None

    # -- looking --------------------------------------------------------------------------------------------------

    @property
    def map(self) -> Mapfile:
        """The present state."""
        return self._history.map

    @property
    def dirty(self) -> bool:
        """Whether saving would change the file."""
        return self._saved_at != self._history.at

    @property
    def history(self) -> Sequence[Entry]:
        """Every step, done and undone, oldest first."""
        return [
            Entry(number, step.title, step.words, number <= self._history.at, number == self._saved_at, step.time)
            for number, step in enumerate(self._history.steps, 1)
        ]

    @property
    def undo_title(self) -> str:
        """What ``undo`` would take back; empty at the beginning."""
        return self._history.steps[self._history.at - 1].title if self._history.at else ""

    @property
    def redo_title(self) -> str:
        """What ``redo`` would do again; empty at the end."""
        history = self._history
        return history.steps[history.at].title if history.at < len(history.steps) else ""

    @property
    def nbytes(self) -> int:
        """Memory that undo and redo take, in bytes."""
        return sum(step.nbytes for step in self._history.steps)

    def unsaved_moves(self) -> tuple[Move, ...]:
        """What saving would change on disk, in bytes per pair of statuses."""
        return moves(self.saved, self.map) if self.dirty else ()

    @property
    def generations_folder(self) -> Path:
        """Where older states are kept."""
        return generations_folder(self.path, self.case)

    def reasons(self, *, thorough: bool = True) -> tuple[Reason, ...]:
        """Why the map may not be edited or saved now; empty when it may. ``open-ended`` still allows a clip.

        Looks at files beside the map and, when ``thorough``, at all processes for a ddrescue started by hand. To be
        asked now and then, ``thorough`` and away from the screen: it also flushes the journal then, which takes time.
        """
        if thorough:
            self._flush()
        found = [
            access.DAMAGED if self.damage is not None else None,
            access.held_reason(self.path, thorough=thorough),
            access.CHANGED if self.changed_on_disk() else None,
            access.OFFERED if self.offer is not None else None,
            access.other_editor(other) if (other := self._journal.other_editor()) else None,
            access.OPEN_ENDED if self.map.open_ended else None,
            access.unwritable(self.path),
        ]
        return tuple(reason for reason in found if reason is not None)

    def changed_on_disk(self) -> bool:
        """Whether the file is another one than was read. Costs a stat; contents are compared when that differs."""
        stamp = stamp_of(self.path)
        if stamp == self._stamp:
            return False
        try:
            same = digest_of(read_file(self.path)) == self._digest
        except RescueError:  # gone, or no map any more
            return True
        if same:
            self._stamp = stamp
        return not same

    # -- changing -------------------------------------------------------------------------------------------------

    def preview(self, edit: Edit) -> Effect:
        """What an edit would do. Changes nothing; raises what the edit raises."""
        return perform(edit, self.map).effect

    def apply(self, edit: Edit, *, allow_loss: bool = False) -> Effect:
        """Carry out an edit. Raises ``RefusedError`` with the code of a reason, or ``loses-finished`` when finished
        bytes would be lost without ``allow_loss``; and what the edit raises. Nothing is changed then.
        """
        self._refuse_edits(edit)
        performed = perform(edit, self.map)
        if performed.effect.loses and not allow_loss:
            raise loses(performed.effect.loses, self.path)
        if self._macro is not None:
            self._macro.append(performed)
            self._history.map = performed.after
        elif not performed.patch.empty:
            self._push(step_of([performed]), performed.after)
        return performed.effect

    @contextmanager
    def macro(self, title: str) -> Iterator[None]:
        """Edits applied inside become one step of this title, or none when together they change nothing. An exception
        takes all of them back."""
        if self._macro is not None:
            raise UsageError("macros do not nest", code="nothing-to-do")
        before, self._macro = self._history.map, []
        try:
            yield
        except BaseException:
            self._history.map = before
            raise
        else:
            done, after = [each for each in self._macro if not each.patch.empty], self._history.map
            self._history.map = before
            if done and not Patch.between(before, after).empty:
                self._push(step_of(done, title), after)
        finally:
            self._macro = None

    def undo(self) -> Step:
        """Take back the last step. Raises ``UsageError`` when there is none."""
        before = self._history.at
        step = self._history.undo()
        self._move("undo", step, before - 1)
        return step

    def redo(self) -> Step:
        """Do the next undone step again. Raises ``UsageError`` when there is none."""
        before = self._history.at
        step = self._history.redo()
        self._move("redo", step, before)
        return step

    def _refuse_edits(self, edit: Edit) -> None:
        found = self.reasons(thorough=False)
        free = {"not-writable"} | ({"open-ended"} if isinstance(edit, _FREE_WHEN_OPEN) else set())
        access.refuse(found, self.path, frozenset(free))

    def _push(self, step: Step, after: Mapfile) -> None:
        if self._saved_at is not None and self._saved_at > self._history.at:
            self._saved_at = None
        self._history.push(step, after)
        self._journal_to = self._history.at
        self._note("do", step.edits, step.title)

    def _move(self, what: str, step: Step, index: int) -> None:
        """Journal an undo or redo of the step with this index; one that the journal does not know as a state."""
        if self._journal_from is not None and self._journal_from <= index < self._journal_to:
            self._note(what)
            return
        self._journal_from = None
        low = min(patch.low for patch in step.patches)
        high = max(patch.high for patch in step.patches)
        back = state_edit(self.map, f"before: {step.title}" if what == "undo" else step.title, low, high)
        self._note("do", (back,), f"{what} {step.title}")

    def _note(self, what: str, edits: tuple[Edit, ...] = (), title: str | None = None) -> None:
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            return  # said by ``reasons``: nothing can be kept here
        try:
            if not self.journal_problem:
                self._journal.add(what, self.map, edits, title)
            if self.journal_problem or self._journal.full:
                whole = Restore.from_map(self.map, "the edit journal, shortened")
                self._journal_from = None
                self._journal.shorten(whole, self.map, "edits before the journal was shortened")
            self.journal_problem = ""
        except OutsideError as error:
            self.journal_problem = str(error)

    def _flush(self) -> None:
        try:
            self._journal.flush()
        except OutsideError as error:
            self.journal_problem = str(error)

    # -- edits of a lost session -----------------------------------------------------------------------------------

    def replay(self) -> int:
        """Carry out the offered edits again; returns the number of steps in the history.

        Raises ``DamagedError`` (``bad-edit``) where an edit does not lead to the state it led to: what came before it
        is done, and the journal stays aside.
        """
        offer = self._offered()
        self.offer = None
        try:
            for number, operation in enumerate(offer.operations, 1):
                self._replay(operation, number)
        except RescueError:
            self._journal.put_aside()
            self._journal_from = None
            if self._history.at:
                self._note("do", (Restore.from_map(self.map, "a replay that stopped"),), "replayed edits")
            raise
        self._journal.adopt(len(offer.operations))
        self._journal_to = len(self._history.steps)
        return self._history.at

    def rehearse(self) -> None:
        """Carry out the offered edits in memory only: the offer stays, and nothing may be edited or saved here.

        Raises ``DamagedError`` as ``replay`` does.
        """
        for number, operation in enumerate(self._offered().operations, 1):
            self._replay(operation, number)

    def _replay(self, operation: Operation, number: int) -> None:
        if operation.what == "undo":
            self._history.undo()
        elif operation.what == "redo":
            self._history.redo()
        else:
            done, map_ = [], self.map
            for edit in operation.edits:
                done.append(perform(edit, map_))
                map_ = done[-1].after
            if self._saved_at is not None and self._saved_at > self._history.at:
                self._saved_at = None
            self._history.push(step_of(done, operation.title), map_)
        if state_of(self.map) != operation.state:
            self._history.undo()
            raise DamagedError(
                f"step {number} of the edit journal does not give what it gave then: replaying stopped before it",
                code="bad-edit", path=self._journal.path,
            )  # fmt: skip

    def discard_offer(self) -> None:
        """Begin without the offered edits; their journal is kept aside (``.NAME.edits.old``)."""
        self._offered()
        self._journal.put_aside()
        self.offer = None

    def _offered(self) -> Offer:
        if self.offer is None:
            raise UsageError("no edits wait to be replayed", code="nothing-to-do")
        return self.offer

    # -- the file -------------------------------------------------------------------------------------------------

    def save(self, note: str = "", *, command: str | None = None, allow_loss: bool = False) -> Saved:
        """Write the map; the state before it is kept as a generation with ``note`` (else the titles of the steps).

        Raises ``RefusedError``: a reason's code, ``loses-finished``, ``beyond-source``; ``OutsideError``.
        """
        free = frozenset({"open-ended", "edits-offered"} if not self.dirty else {"open-ended"})
        access.refuse(self.reasons(), self.path, free)
        if not self.dirty:
            return Saved(None, ())
        changes = self.unsaved_moves()
        lost = sum(move.bytes for move in changes if move.loses)
        if lost and not allow_loss:
            raise loses(lost, self.path)
        self._refuse_beyond()
        words = note or self._unsaved_titles()
        with hold_map(self.path, "rescuedeck map editor"):
            holder = foreign_ddrescue(self.path)
            if holder is not None:
                raise RefusedError(f"ddrescue (process {holder.pid}) writes that map", code="map-held", path=self.path)
            if self.changed_on_disk():
                raise access.CHANGED.error(self.path)
            generation = keep_map(
                self.path, self.generations_folder, f"before: {words}", command=command, insist=True
            )
            write_map(self.path, self.map)
            self._written(render_map(self.map))
        if self.case is not None:
            record(self.case, "map-edited", note=words, generation=generation.number if generation else None,
                   moves=[{"old": move.old, "new": move.new, "bytes": move.bytes} for move in changes])  # fmt: skip
        return Saved(generation, changes)

    def _written(self, data: bytes) -> None:
        self._digest, self._stamp = digest_of(data), stamp_of(self.path)
        self.saved = self.map
        self._saved_at = self._history.at
        self._history.anchor()
        self._journal.end(self._digest)
        self._journal_from = self._journal_to = self._history.at
        self.ignored = ""

    def _unsaved_titles(self) -> str:
        at, saved = self._history.at, self._saved_at
        if saved is not None and saved > at:
            return "undo of " + "; ".join(step.title for step in self._history.steps[at:saved][:3])
        steps = self._history.steps[saved or 0 : at]
        shown = "; ".join(step.title for step in steps[:3])
        return shown + (f"; and {len(steps) - 3} more" if len(steps) > 3 else "") or "repaired"

    def _refuse_beyond(self) -> None:
        if self.size is None or self.map.open_ended:
            return
        finished = self.map.ranges("+", self.size)
        if finished or (self.map.end > self.size and self.map.end > self.saved.end):
            raise RefusedError(
                f"the map reaches {self.map.end}, the source ends at {self.size}", code="beyond-source",
                path=self.path, advice="clip the map to the source's size",
            )  # fmt: skip

    def reload(self) -> bool:
        """Read the file again and drop unsaved edits (their journal is kept aside). True when the map is another one.

        The history begins anew: what was undone or redone belongs to a map that is no more. Raises ``OutsideError``,
        ``DamagedError`` (the map is being written this moment: try again).
        """
        data, loaded = self._read_again()
        if self.dirty:
            self._journal.put_aside()
        before = self.saved
        self._base(loaded, data)
        return loaded != before

    def _read_again(self) -> tuple[bytes, Mapfile]:
        data = read_file(self.path)
        loaded = parse_map(data, path=self.path)
        if loaded.end < self.saved.end and access.held_reason(self.path) is not None:
            # ddrescue writes its map in place: what is there may be the first half of it
            raise DamagedError("the map is being written this moment", code="map-held", path=self.path)
        return data, loaded

    def _base(self, loaded: Mapfile, data: bytes) -> None:
        self._digest, self._stamp = digest_of(data), stamp_of(self.path)
        self.saved, self.damage = loaded, None
        self._history, self._saved_at = History(loaded), 0
        self._journal.end(self._digest)
        self._journal_from = self._journal_to = 0
        self.offer, self.ignored = self._journal.offered()

    def follow(self) -> bool:
        """For a live view: take over what is on disk if it changed and nothing is unsaved; True when the map changed.

        A map that is being written this moment is left for the next call.
        """
        if self.dirty or self.offer is not None or not self.changed_on_disk():
            return False
        try:
            return self.reload()
        except (DamagedError, OutsideError):
            return False

    def merge(self) -> Merged:
        """Read the file again and carry out the unsaved steps on it. What was rescued meanwhile stays finished.

        Raises ``OutsideError``, ``DamagedError``.
        """
        data, loaded = self._read_again()
        saved_at = self._saved_at or 0
        steps = self._history.steps[saved_at : self._history.at]
        gained = [move.ranges for move in moves(self.saved, loaded) if move.new == "+"]
        self._journal.put_aside()
        self._base(loaded, data)
        done, failed = 0, []
        for step in steps:
            try:
                performed = again(step, self.map)
            except RescueError as error:
                failed.append(f"{step.title}: {error.message}")
                continue
            self._push(step_of(performed, step.title), performed[-1].after)
            done += 1
        kept = self._keep_gained(gained)
        return Merged(done, tuple(failed), kept)

    def _keep_gained(self, gained: list[RangeSet]) -> int:
        lost = RangeSet()
        for ranges in gained:
            inside = ranges.clip(self.map.start, self.map.end)
            lost = lost.union(inside.subtract(self.map.ranges("+")))
        if lost:
            performed = perform(SetStatus(lost, "+"), self.map)
            self._push(step_of([performed], "keep what was rescued meanwhile"), performed.after)
        return lost.total


