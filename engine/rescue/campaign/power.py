"""The power of the drive at hand: cut, restored, counted; by commands, or by a person where they fail."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine import tools
from engine.errors import CancelledError, OutsideError
from engine.rescue.campaign.aside import aside
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.campaign.show import Show
from engine.rescue.session import Session
from engine.text import safe_text

_TICK_S = 0.25
_COMMAND_TRIES = 2
_DID = {"cycle": "cutting and restoring the power", "off": "cutting the power", "on": "restoring the power"}


class Power:
    """What was done with the power for the death at hand. ``keep`` saves the memory, ``tick`` is called while it waits
    and may raise.

    ``cut``: it was cut; ``restored``: and is on again; ``cut_at`` monotonic seconds; ``by_hand``: a person does it.
    """

    def __init__(
        self,
        session: Session,
        memory: Memory,
        show: Show,
        settings: CampaignSettings,
        keep: Callable[[], None],
        tick: Callable[[], None],
    ) -> None:
        self._session, self._memory, self._show = session, memory, show
        self._settings, self._keep, self._tick = settings, keep, tick
        self.cut = self.restored = False
        self.by_hand = not settings.switch.automatic
        self.cut_at = 0.0
        self._vain = 0

    def take(self) -> bool:
        """Cut it (a switch that only cycles also restores it); False when the command failed: a person is needed."""
        switch = self._settings.switch
        if switch.cycle:
            self._count()
        command, word = (switch.cycle, "cycle") if switch.cycle else (switch.off, "off")
        self._show.phase(Phase.CUTTING, "cutting the drive's power", until_s=switch.limit_s)
        if not self._command(command, word):
            return False
        self.cut, self.restored, self.cut_at = True, bool(switch.cycle), time.monotonic()
        return True

    def restore(self) -> bool:
        """After its time without power, put it on again; False when the command failed. Raises ``CancelledError``, with
        the power on."""
        switch = self._settings.switch
        self._show.phase(Phase.OFF, "the drive is without power", until_s=switch.off_seconds)
        end = time.monotonic() + switch.off_seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self._tick()
                self._session.job.wait(min(left, _TICK_S))
        except CancelledError:
            self.give_back()
            raise
        self._count()
        self._show.phase(Phase.RESTORING, "the drive's power comes on", until_s=switch.limit_s)
        self.restored = self._command(switch.on, "on")
        return self.restored

    def give_back(self) -> None:
        """A drive whose power was cut gets it back, if a command can."""
        if self.cut and not self.restored and self._settings.switch.on:
            self._count()
            self._command(self._settings.switch.on, "on")
            self.restored = True

    def in_vain(self) -> None:
        """The power was cut, and the read hangs all the same; after some times a person is asked instead."""
        self._vain += 1
        self.by_hand = self.by_hand or self._vain >= self._settings.tries
        self._memory.decide("the power was cut, and the read hangs all the same")

    def cycled_by_hand(self) -> None:
        """A person cut and restored it."""
        self.cut = self.restored = True
        self._count()

    def next_cycle(self) -> None:
        """The drive did not come back by this one."""
        self.cut = self.restored = False

    def drive_is_back(self) -> None:
        """All is well: the next death begins anew, with the commands where there are some."""
        self.next_cycle()
        self.by_hand = not self._settings.switch.automatic
        self._vain = 0

    def _count(self) -> None:
        """One more power cycle; known before it happens, so that a kill in between cannot lose it."""
        self._memory.cycles += 1
        self._memory.cycle_bytes.append(0)
        self._keep()

    def _command(self, command: tuple[str, ...], word: str) -> bool:
        """Run a power command; a second time when it fails. After that a person has to."""
        for attempt in range(_COMMAND_TRIES):
            problem = aside(lambda: self._run(command), self._show.again)
            message = f"{_DID[word]} failed: {problem}" if problem else _DID[word]
            self._session.event(
                "power", action=word, message=message, command=self._settings.switch.shown, problem=problem or None
            )
            if not problem:
                return True
            if attempt + 1 < _COMMAND_TRIES:
                self._session.job.wait(1.0)
        self.by_hand = True
        self._memory.decide(safe_text(f"the power command failed ({problem}): a person is needed", 400))
        return False

    def _run(self, command: tuple[str, ...]) -> str:
        try:
            done = tools.run(command, timeout_s=self._settings.switch.limit_s)
        except OutsideError as error:
            return safe_text(error.message, 300)
        said = done.stderr.strip() or done.stdout.strip()
        return "" if done.status == 0 else safe_text(f"status {done.status}: {said[-200:] or 'it said nothing'}", 300)
