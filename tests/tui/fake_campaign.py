"""A campaign as its process leaves it on disk, on top of the fake rescue: for screens that only follow files."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.rescue.campaign.board import CampaignStatus, Decision, NextPass, Phase
from engine.rescue.status import State
from tests.tui.fake_rescue import GB, FakeRescue

MIB = 1 << 20
KILLERS = ((100 * GB, 100 * GB + 65536), (330 * GB, 330 * GB + 4 * MIB))
SKIPPED = ((400 * GB, 410 * GB),)
DRIVE = "ACME SSD 500 serial S1D5XYZ0"


class FakeCampaign(FakeRescue):
    """``phase`` writes a status in that phase."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, **more)
        spec_path = self.directory / "spec.json"
        spec = json.loads(spec_path.read_text())
        spec["arguments"] |= {"strategy": "drop-off", "campaign": {"switch": {"off_seconds": 20.0}}}
        spec_path.write_text(json.dumps(spec))
        self.campaign = CampaignStatus(
            phase=Phase.READING, waits_for="reading", since=time.time(), drive=DRIVE, node="/dev/sdb",
            switch="uhubctl -l 1-1 -p 2 -a cycle", cycles=3, max_cycles=20, end_time=time.time() + 30000,
            min_bytes_per_cycle=64 * MIB, cycle_bytes=(180 * GB, 60 * GB, 12 * GB, 300 * MIB), killers=KILLERS,
            skipped=SKIPPED, hang_limit_s=60.0,
            next=NextPass("jump", 331 * GB, 60 * GB, True, 65536, 60 * GB, 0.12, "the largest gap is entered from its "
                          "end: a killer of 4.0 MiB lies at its beginning"),
            reason="the largest gap is entered from its end", verdict="dropped",
            verdict_words="the drive fell off the bus at 0x5280000000",
            decisions=(
                Decision(time.time() - 90, "the drive fell off the bus at 0x5280000000: a killer"),
                Decision(time.time() - 40, "the drive is back as /dev/sdb: what was read before was read again"),
                Decision(time.time() - 30, "tries untried ground from its end: the largest gap"),
            ),
            requests=("pause", "take-over", "try-area", "end-pass", "options", "power-cycle", "budget", "skip-area",
                      "unskip-area"),
        )  # fmt: skip
        self.status = replace(
            self.status, strategy="drop-off", headline="Copying non-tried blocks... Pass 1 (backwards)",
            campaign=self.campaign, reason="the largest gap is entered from its end",
        )  # fmt: skip

    def phase(self, phase: Phase, waits_for: str, state: State = State.RUNNING, **more: Any) -> None:
        """Go into a phase, and write it."""
        since = self.campaign.since if phase is self.campaign.phase else time.time()
        facts: dict[str, Any] = {"since": since, "needs": "", "until_s": None, **more}
        self.campaign = replace(self.campaign, phase=phase, waits_for=waits_for, **facts)
        alert = self.campaign.needs
        self.save(state=state, headline=waits_for, alert=alert, campaign=self.campaign)

    def ask_person(self) -> None:
        """A person has to cut the power."""
        self.phase(
            Phase.NEEDS_POWER, "waiting for you: the drive fell off the bus", State.NEEDS_POWER, switch="",
            needs=f"cut the power of {DRIVE}, wait 20 seconds, restore it",
            requests=("power-done", "try-area", "budget", "skip-area", "unskip-area"),
        )  # fmt: skip
