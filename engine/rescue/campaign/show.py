"""Keeping the campaign's part of the status up to date."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from engine.ranges import RangeSet
from engine.rescue.campaign.board import MAX_LISTED, CampaignStatus, NextPass, Phase
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.monitor import Monitor
from engine.rescue.status import State
from engine.rescue.strategy.records import Pass

_STATES = {
    Phase.CHECKING: State.CHECKING, Phase.ENDING: State.STOPPING, Phase.NEEDS_POWER: State.NEEDS_POWER,
    Phase.PAUSED: State.PAUSED, Phase.BY_HAND: State.PAUSED,
}  # fmt: skip
_ALWAYS = ("budget", "skip-area", "unskip-area")
_REQUESTS = {
    Phase.CHECKING: (),
    Phase.READING: ("pause", "take-over", "try-area", "end-pass", "options", "power-cycle"),
    Phase.ENDING: ("kill",),
    Phase.NEEDS_POWER: ("power-done", "try-area", "pause", "take-over"),
    Phase.PAUSED: ("resume", "take-over", "try-area", "options", "power-cycle"),
    Phase.BY_HAND: ("hand-back",),
    Phase.ENDED: (),
}
_WAITING = ("try-area", "pause", "take-over")
"""While the drive is brought back; they count as soon as it is there."""


class Show:
    """Writes what the campaign does into the status file of its rescue."""

    def __init__(self, monitor: Monitor, memory: Memory, settings: CampaignSettings) -> None:
        self._monitor, self._memory, self._settings = monitor, memory, settings
        self._status = CampaignStatus(switch=settings.switch.shown)
        self.finished = RangeSet()

    @property
    def status(self) -> CampaignStatus:
        """What was shown last."""
        return self._status

    def phase(self, phase: Phase, waits_for: str, **more: Any) -> None:
        """This is what happens now; written at once. ``more`` are fields of ``CampaignStatus`` (``needs``, ...)."""
        facts: dict[str, Any] = {"needs": "", "until_s": None, **more}
        self.note(phase=phase, waits_for=waits_for, **facts)
        alert = facts["needs"] or ("the map is free for editing" if phase is Phase.BY_HAND else "")
        self._monitor.write(_STATES.get(phase, State.RUNNING), waits_for, alert, stopping_s=None)

    def again(self) -> None:
        """Write the status once more: it must not look as if nobody lived here."""
        status = self._status
        self.phase(status.phase, status.waits_for, needs=status.needs, until_s=status.until_s)

    def note(self, **more: Any) -> None:
        """Take these fields and what the memory says into the status; written with whatever is written next."""
        memory, budget = self._memory, self._memory.budget
        phase = more.get("phase", self._status.phase)
        since = self._status.since if phase is self._status.phase and self._status.since else time.time()
        killers = memory.killers(self.finished)
        self._status = dataclasses.replace(
            self._status,
            since=since,
            drive=memory.known.words if memory.known is not None else "",
            cycles=memory.cycles,
            max_cycles=budget.max_cycles, end_time=budget.end_time, min_bytes_per_cycle=budget.min_bytes_per_cycle,
            hang_limit_s=budget.hang_limit_s,
            cycle_bytes=tuple(memory.cycle_bytes[-MAX_LISTED:]),
            killers=tuple(killers)[:MAX_LISTED],
            skipped=tuple(memory.skipped)[:MAX_LISTED],
            resets=memory.resets,
            decisions=tuple(memory.decisions[-60:]),
            requests=_requests(phase),
            **more,
        )  # fmt: skip
        self._monitor.status = dataclasses.replace(self._monitor.status, campaign=self._status)


def _requests(phase: Phase) -> tuple[str, ...]:
    own = _REQUESTS.get(phase, _WAITING)
    return own if phase in (Phase.CHECKING, Phase.ENDED, Phase.BY_HAND) else (*own, *_ALWAYS)


def shown_pass(made: Pass, by_hand: bool) -> NextPass:
    """A pass for the status."""
    kind = "by-hand" if by_hand else str(made.kind)
    return NextPass(
        kind, made.start, made.size, made.reverse, made.cluster_size, made.gain, round(made.risk, 3), made.reason
    )
