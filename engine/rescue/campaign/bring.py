"""Bringing the drive back: node deleted, power cut and restored, waited for, recognised, proved with one good read.

The order is the one that is safe: reader ended, map saved, nothing of ours open on the dead node, then the power.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from engine.devices.probe import Place
from engine.devices.watch import wait_for
from engine.errors import OutsideError, RefusedError
from engine.mapfile.model import Mapfile
from engine.rescue.campaign import drive
from engine.rescue.campaign.aside import aside
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.desk import CampaignDesk
from engine.rescue.campaign.drive import Proof, Proved
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.power import Power
from engine.rescue.campaign.seating import SeatKeeper
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.campaign.show import Show
from engine.rescue.liveness import baseline
from engine.rescue.session import Session
from engine.text import safe_text

_TICK_S = 0.25
_RESCAN_S = 10.0
_PROBE_S = 2.0
_FREED_S = 30.0
_ALL_SAVED = "everything rescued so far is saved"


class BudgetSpent(Exception):
    """The budget does not allow another power cycle, or no further waiting. ``code`` is that of ``strategy.Done``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class _Acknowledged(Exception):
    """A person says that the power was cut and restored."""


class Bringing:
    """Brings the drive of a session back, as often as it is needed. ``keep`` saves the memory."""

    def __init__(
        self,
        session: Session,
        desk: CampaignDesk,
        memory: Memory,
        show: Show,
        settings: CampaignSettings,
        keep: Callable[[], None],
    ) -> None:
        self._session, self._desk, self._memory, self._show = session, desk, memory, show
        self._settings, self._keep = settings, keep
        self._power = Power(session, memory, show, settings, keep, self._tick)
        self._seat = SeatKeeper(session, memory, show, settings)
        self._asked = False  # a person was told, for the death at hand
        self._open = False  # and the answer is waited for
        self._since = 0.0
        self._known: Mapfile | None = None

    # -- the power ---------------------------------------------------------------------------------------------------

    def free(self) -> bool:
        """A reader hangs: cut the power, so that it can end. True when that was done; False: a person has to."""
        power = self._power
        if power.cut and time.monotonic() - power.cut_at < max(_FREED_S, self._settings.wait_s):
            return True
        if power.cut:
            power.in_vain()
        if power.by_hand:
            self._ask_person("a read hangs")
            return False
        return self._cut_power()

    def leave(self) -> None:
        """Somebody stops the campaign: a drive whose power was cut gets it back."""
        self._power.give_back()

    @property
    def powerless(self) -> bool:
        """The power was cut and is not restored."""
        return self._power.cut and not self._power.restored

    @property
    def was_cut(self) -> bool:
        """The power was cut by us for the death at hand."""
        return self._power.cut

    def _cut_power(self) -> bool:
        self._begin()
        return self._power.take()

    def _begin(self) -> None:
        self._since = self._since or time.monotonic()

    # -- bringing it back --------------------------------------------------------------------------------------------

    def back(self, known: Mapfile | None) -> None:
        """Until the drive can be read again: ``session.arguments.source`` is then where it is.

        Raises ``OutsideError`` (code ``not-returned``) when it does not come back, ``RefusedError`` (code
        ``other-drive`` or ``ambiguous-drive``) when another one did, ``BudgetSpent``, ``CancelledError``.
        """
        self._known = known
        self._begin()
        reason = self._memory.dead
        tries = 0
        while True:
            self._one_cycle(reason)
            tries += 1
            reason = self._recognise()
            if not reason:
                return
            self._decide(f"the drive is not back after power cycle {self._memory.cycles}: {reason}")
            if tries >= self._settings.tries and not self._power.by_hand:
                raise OutsideError(
                    f"the drive did not come back after {tries} power cycles: {reason}", code="not-returned",
                    advice=f"{_ALL_SAVED}; check cable and power supply, let it rest or cool, then resume",
                )  # fmt: skip
            self._power.next_cycle()
            self._asked = False

    def try_without(self, known: Mapfile | None) -> bool:
        """The drive may be back already (after a restart of this machine, say): look, and prove it, with no cycle."""
        self._known = known
        self._begin()
        self._show.phase(Phase.WAITING, "looking whether the drive is back already")
        assert self._memory.known is not None
        check = drive.content_check(self._places())
        sight = aside(lambda: drive.look_for(self._known_drive, check), self._tick)
        if sight.path is None:
            self._note_dead(drive.look_for_dead(self._known_drive))
            return False
        proved = self._settle_and_prove(sight.path)
        if proved.proof is Proof.OTHER:
            raise RefusedError(
                f"this is not the drive of this rescue: {proved.reason}", code="other-drive", path=sight.path,
                advice=f"{_ALL_SAVED}: connect the drive that is known ({self._words}), then resume",
            )  # fmt: skip
        if proved.proof is not Proof.SAME and not (proved.proof is Proof.NOTHING and not self._memory.dead):
            self._note_dead(sight.path)
            return False
        self._accept(sight.path, proved)
        return True

    def note_seat(self, path: str) -> None:
        """Note where the drive sits while it can be read."""
        self._seat.note(path)

    def _note_dead(self, path: str | None) -> None:
        """It does not answer here: after a reboot the dead one has another name and number, and a seat of its own."""
        if path is not None:
            self._seat.note_dead(path)

    def _recognise(self) -> str:
        """The power is on again: wait for the drive, recognise and accept it. Empty then, else why it was not.

        An error of the proof may only mean that it is not ready yet; one that hangs again needs its power cut at once.
        """
        end = time.monotonic() + self._settings.wait_s
        self._show.phase(Phase.WAITING, f"waiting for {self._words} to come back", until_s=self._settings.wait_s)
        self._seat.detach()  # a node that outlived the power cycle is in the way of the one that comes
        self._seat.rescan()
        while True:
            path, reason = self._wait_for_drive(max(0.0, end - time.monotonic()))
            if path is None:
                return reason
            proved = self._settle_and_prove(path)
            if proved.proof is Proof.OTHER:
                raise RefusedError(
                    f"another drive came back: {proved.reason}", code="other-drive", path=path,
                    advice=f"{_ALL_SAVED}: connect the drive that is known ({self._words}), then resume",
                )  # fmt: skip
            if proved.proof is not Proof.DEAD:
                self._accept(path, proved)
                return ""
            if proved.hangs or time.monotonic() >= end:
                return proved.reason
            self._pause(_PROBE_S)

    def _one_cycle(self, reason: str) -> None:
        power = self._power
        if not power.cut:
            self._afford()
            self._seat.detach()
        if power.by_hand:
            self._person(reason)
            return
        if not power.cut and not self._cut_power():
            self._person(reason)
            return
        if not power.restored:
            self._afford()
            self._seat.detach()
            if not power.restore():
                self._person("the power could not be restored")

    def _afford(self) -> None:
        budget, memory = self._memory.budget, self._memory
        if budget.max_cycles is not None and memory.cycles >= budget.max_cycles:
            raise BudgetSpent("cycles", f"all {budget.max_cycles} power cycles of the budget are used")
        self._in_time()

    def _in_time(self) -> None:
        end = self._memory.budget.end_time
        if end is not None and time.time() >= end:
            raise BudgetSpent("time", "the time of the budget is up")

    # -- a person ----------------------------------------------------------------------------------------------------

    def _ask_person(self, reason: str) -> None:
        off = self._settings.switch.off_seconds
        needs = f"cut the power of {self._words}, wait {off:g} seconds, restore it"
        waits = f"waiting for you: {reason}" if reason else "waiting for you"
        self._show.phase(Phase.NEEDS_POWER, safe_text(waits, 300), needs=needs)
        if not self._asked:
            self._asked = True
            self._begin()
            self._session.event("power", action="needs-person", message=needs, reason=reason)

    def _person(self, reason: str) -> None:
        """Until a person says that it is done, or the drive is seen to have come back."""
        self._ask_person(reason)
        self._open = True
        try:
            with contextlib.suppress(_Acknowledged):
                dead = _number_of(self._memory.dead_attachment)
                if self._known_drive.numbered and dead is not None:
                    self._wait_numbered(None, dead, lambda: self._ask_person(reason))
                else:
                    self._answers_again(reason)
        finally:
            self._open = False
        self._power.cycled_by_hand()

    def _answers_again(self, reason: str) -> None:
        """Where attachments have no number: a child reads again what is known good; a dead drive fails at once."""
        places, next_probe = self._places(), time.monotonic() + _PROBE_S
        was_away = False
        while True:
            self._tick()
            self._ask_person(reason)
            self._session.wait(_TICK_S)
            sight = drive.look_for(self._known_drive)
            if sight.path is None:
                was_away = True
            elif was_away:
                return
            elif places and time.monotonic() >= next_probe:
                if self._prove(sight.path, places).proof is not Proof.DEAD:
                    return
                next_probe = time.monotonic() + _PROBE_S

    # -- waiting, recognising, proving -------------------------------------------------------------------------------

    def _wait_for_drive(self, limit: float) -> tuple[str | None, str]:
        """Where the drive is, or None and why it is not seen."""
        if not self._known_drive.numbered:
            return self._wait_named(limit)
        try:
            return self._wait_numbered(limit, None, self._show.again), ""
        except RefusedError:
            raise
        except OutsideError as error:
            return None, error.message

    def _wait_named(self, limit: float) -> tuple[str | None, str]:
        end, rescan_at = time.monotonic() + limit, time.monotonic() + _RESCAN_S
        while True:
            sight = drive.look_for(self._known_drive)
            if sight.path is not None or time.monotonic() >= end:
                return sight.path, sight.reason
            if time.monotonic() >= rescan_at:
                self._seat.rescan()
                rescan_at = time.monotonic() + _RESCAN_S
            self._tick()
            self._show.again()
            self._session.wait(_TICK_S)

    def _wait_numbered(self, limit: float | None, dead: int | None, show: Callable[[], None]) -> str | None:
        identity = self._known_drive.identity
        assert identity is not None
        rescan_at = time.monotonic() + _RESCAN_S

        def pause(seconds: float) -> None:
            nonlocal rescan_at
            self._tick()
            show()
            if limit is not None and time.monotonic() >= rescan_at:
                self._seat.rescan()
                rescan_at = time.monotonic() + _RESCAN_S
            self._session.wait(min(seconds, 4 * _TICK_S))

        found = wait_for(
            identity, limit, _Ear(self._session), content=drive.content_check(self._places()), dead_attachment=dead,
            pause=pause,
        )  # fmt: skip
        return found.path

    def _settle_and_prove(self, path: str) -> Proved:
        settle = self._settings.settle_s
        words = f"the drive is back as {path}; it gets {settle:g} s"
        self._show.phase(Phase.SETTLING, words, node=path, until_s=settle)
        self._seat.protect(path)
        self._pause(settle)
        places = self._places()
        self._show.phase(Phase.PROVING, "reading a place that is known good")
        return self._prove(path, places)

    def _prove(self, path: str, places: list[Place]) -> Proved:
        return aside(lambda: drive.prove(path, places), self._tick)

    def _accept(self, path: str, proved: Proved) -> None:
        session, memory = self._session, self._memory
        session.arguments = dataclasses.replace(session.arguments, source=path)
        session.well = baseline(path)
        session.monitor.status = dataclasses.replace(session.monitor.status, source=path)
        self._seat.note(path)
        seconds = time.monotonic() - self._since
        if memory.dead and self._power.cut:
            memory.took(seconds)
        memory.dead = memory.dead_attachment = ""
        self._power.drive_is_back()
        self._asked, self._since = False, 0.0
        self._keep()
        session.event("returned", path=path, drive=self._words, message=proved.reason, seconds=round(seconds, 1))
        self._decide(f"the drive is back as {path}: {proved.reason}")
        self._show.phase(Phase.CHOOSING, "the drive is back", node=path)

    # -- small things ------------------------------------------------------------------------------------------------

    @property
    def _known_drive(self) -> drive.KnownDrive:
        assert self._memory.known is not None, "the campaign does not know its drive yet"
        return self._memory.known

    @property
    def _words(self) -> str:
        return self._known_drive.words

    def _places(self) -> list[Place]:
        options = self._session.options
        shift = 0 if options.output_position is None else options.output_position - (options.input_position or 0)
        return drive.places_of(self._known, self._session.arguments.image, shift)

    def _decide(self, text: str) -> None:
        self._memory.decide(safe_text(text, 400))

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._tick()
            self._session.wait(min(left, _TICK_S))

    def _tick(self) -> None:
        """Each moment of waiting: stop, time, requests."""
        self._session.stop_if_asked()
        self._in_time()
        request = self._desk.meanwhile("power-done")
        if request is None:
            return
        if request.action == "power-done":
            if self._open:
                self._open = False
                self._desk.answer(request, "looking for the drive")
                raise _Acknowledged
            self._desk.answer(request, "looking for the drive already" if self._asked else "no power is needed now")
        else:
            self._desk.put_off(request)


class _Ear:
    """Hears what the wait for a drive tells, and passes on what a person should know."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        return

    def event(self, kind: str, **facts: Any) -> None:
        if kind in ("other-drive", "not-sure"):
            self._session.event("note", code=kind, message=safe_text(str(facts.get("reason")), 300))

    def cancelled(self) -> bool:
        return self._session.job.cancelled()


def _number_of(token: str) -> int | None:
    """The ``diskseq`` of an attachment of this boot; None for another boot's, whose numbers mean nothing here."""
    boot, _, number = token.rpartition("/")
    here = drive.boot_of_this_machine()
    return int(number) if number.isdigit() and boot and boot == here else None
