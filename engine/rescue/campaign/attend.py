"""Watching a pass of a campaign: slowness, the end of the time, signs of the kernel; and freeing a read that hangs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.bring import Bringing
from engine.rescue.campaign.desk import CampaignDesk
from engine.rescue.campaign.kernel import KernelLog, Names, Sign, sign_of
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.campaign.show import Show
from engine.rescue.liveness import Alive, Liveness
from engine.rescue.passrun import Ran, Why
from engine.rescue.session import Session
from engine.rescue.status import Snapshot, State
from engine.rescue.strategy.records import Pass
from engine.text import format_rate, safe_text

_RATE_S = 3.0
_STILL_S = 2.0
_GONE_WORDS = "no longer returns data"


class SlowWatch:
    """Whether a drive has become slow: below a share of its best rate for long enough, while it still reads."""

    def __init__(self, best: float, share: float, after_s: float) -> None:
        self.best = best
        self._share, self._after_s = share, after_s
        self._rates: deque[tuple[float, float]] = deque()

    def add(self, now: float, rate: float) -> float | None:
        """Another second at this rate; the mean rate of the last seconds when that is slow, else None."""
        self._rates.append((now, rate))
        while len(self._rates) > 1 and now - self._rates[1][0] >= max(_RATE_S, self._after_s):
            self._rates.popleft()
        recent = [one for at, one in self._rates if now - at <= _RATE_S]
        if now - self._rates[0][0] >= _RATE_S:
            self.best = max(self.best, sum(recent) / len(recent))
        if now - self._rates[0][0] < self._after_s:
            return None
        late = [one for at, one in self._rates if now - at <= self._after_s]
        mean = sum(late) / len(late)
        return mean if mean < self.best * self._share else None


class CampaignAttendant:
    """Attends one pass. ``signs`` are those of the kernel's log since it began."""

    def __init__(
        self,
        session: Session,
        desk: CampaignDesk,
        memory: Memory,
        show: Show,
        settings: CampaignSettings,
        bringing: Bringing,
        made: Pass,
        log: KernelLog,
        names: Names | None,
        rescued: int,
        slot: int,
        hung: Callable[[int | None], None],
    ) -> None:
        self._session, self._desk, self._memory, self._show, self._bringing = session, desk, memory, show, bringing
        self._made, self._log, self._names, self._rescued, self._hung = made, log, names, rescued, hung
        self._slow = SlowWatch(memory.best_rate, settings.slow_share, settings.slow_after_s)
        self._slot, self._before = slot, memory.cycle_bytes[slot]
        self.signs: dict[Sign, int] = {}
        self._told = False

    @property
    def hang_limit_s(self) -> float:
        """As the person set it, also meanwhile."""
        return self._memory.budget.hang_limit_s

    def look(self, snap: Snapshot) -> tuple[Why, str] | None:
        """Each second of the pass."""
        self._listen()
        totals = self._session.monitor.totals
        if totals is not None:
            self._memory.cycle_bytes[self._slot] = self._before + max(0, totals.finished - self._rescued)
        ending = snap.still_s >= self.hang_limit_s
        self._show.note(
            phase=Phase.ENDING if ending else Phase.READING,
            waits_for=snap.message or "ddrescue", needs="", until_s=None,
        )  # fmt: skip
        end = self._memory.budget.end_time
        if end is not None and time.time() >= end:
            return Why.TIME, "the time of the budget is up"
        rate = float(snap.current_rate or 0) if snap.still_s < _STILL_S else 0.0
        slow = self._slow.add(time.monotonic(), rate) if snap.current_rate is not None else None
        self._memory.best_rate = max(self._memory.best_rate, self._slow.best)
        if slow is not None and self._made.stop_when_slow:
            words = f"only {format_rate(slow)} for a while, where it was {format_rate(self._slow.best)}"
            return Why.SLOW, f"the drive has become slow: {words}"
        return None

    def hangs(self, snap: Snapshot) -> State:
        """The reader was asked to end and cannot: only the drive's power can free it."""
        if not self._told:
            self._told = True
            self._hung(snap.position if snap.exact else None)
        if self._bringing.free():
            self._show.note(phase=Phase.ENDING, waits_for="the power was cut: the read that hangs comes back", needs="")
            return State.STOPPING
        self._desk.needs_power = True
        return State.NEEDS_POWER

    def liveness(self, ran: Ran) -> Liveness | None:
        """What is known of the drive without touching it again."""
        self._desk.needs_power = False
        self._listen()
        if self._bringing.was_cut:
            return Liveness(Alive.NO, "a read did not come back, and its power was cut")
        if _GONE_WORDS in ran.stderr:
            return Liveness(Alive.NO, "what was just read could not be read again")
        return None

    def _listen(self) -> None:
        if self._names is None:
            return
        for line in self._log.lines():
            sign = sign_of(line, self._names)
            if sign is None:
                continue
            self.signs[sign] = self.signs.get(sign, 0) + 1
            if sign is Sign.RESET:
                self._memory.resets += 1
            if self.signs[sign] == 1:
                self._session.event("note", code=f"kernel-{sign}", message=safe_text(f"the kernel: {line}", 200))
