"""Trying a power switch before a rescue depends on it. It cuts the power of whatever hangs on it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine import tools
from engine.errors import OutsideError, UsageError
from engine.rescue.campaign.drive import KnownDrive, look_for
from engine.rescue.campaign.settings import PowerSwitch
from engine.text import safe_text

_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. ``went``, ``came``: the drive was seen to go and to come back (None: it was not looked for)."""

    seconds: float
    went: bool | None = None
    came: bool | None = None

    @property
    def words(self) -> str:
        """In a sentence."""
        ran = f"the power commands ran in {self.seconds:.1f} s"
        if self.came is None:
            return ran
        if not self.came:
            return f"{ran}, but the drive did not come back: cut and restore its power by hand"
        return f"{ran}; the drive went and came back" if self.went else f"{ran}, but the drive was never seen to go"

    @property
    def good(self) -> bool:
        """Nothing speaks against the switch."""
        return self.came is not False and self.went is not False


def try_switch(switch: PowerSwitch, known: KnownDrive | None = None, *, wait_s: float = 60.0) -> Trial:
    """Cut and restore the power once, and look whether the drive (``known``) goes and comes back within ``wait_s``.

    The drive is not read. Power is restored whatever happens in between. Raises ``UsageError`` for a switch without
    commands, ``OutsideError`` for a command that fails.
    """
    if not switch.automatic:
        raise UsageError("there is no power command to try")
    begun = time.monotonic()
    went = False
    if switch.cycle:
        _run(switch.cycle, switch.limit_s)
    else:
        try:
            _run(switch.off, switch.limit_s)
            went = _away(known, switch.off_seconds)
        finally:
            _run(switch.on, switch.limit_s)
    seconds = time.monotonic() - begun
    if known is None:
        return Trial(seconds)
    if switch.cycle:
        went = _away(known, 2.0)
    return Trial(seconds, went if switch.off else went or None, _back(known, wait_s))


def _run(command: tuple[str, ...], limit_s: float) -> None:
    done = tools.run(command, timeout_s=limit_s)
    if done.status != 0:
        said = safe_text((done.stderr.strip() or done.stdout.strip())[-200:] or "it said nothing", 300)
        raise OutsideError(f"the power command failed with status {done.status}: {said}", code="power-command")


def _away(known: KnownDrive | None, seconds: float) -> bool:
    """Wait for so long; whether the drive was seen to be away meanwhile."""
    end, away = time.monotonic() + seconds, False
    while True:
        away = away or (known is not None and look_for(known).path is None)
        if time.monotonic() >= end:
            return away
        time.sleep(min(_LOOK_S, max(0.0, end - time.monotonic())))


def _back(known: KnownDrive, limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while look_for(known).path is None:
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK_S)
    return True
