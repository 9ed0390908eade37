"""How many bytes a campaign costs on the line each second at 80x24: while it reads, and while it waits for a person."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from engine.rescue.campaign.board import Phase
from tests.terminal.pty_program import PtyProgram
from tests.terminal.test_rescue_bytes import MOST, Watcher, updates
from tests.terminal.tmux import DECK
from tests.tui.fake_campaign import FakeCampaign

pytestmark = pytest.mark.terminal


def test_a_campaign_stays_below_the_same_budget(tmp_path: Path) -> None:
    made = FakeCampaign(tmp_path)
    made.hold()
    made.advance(2000.0)
    try:
        argv = [*DECK, "open", str(made.directory), "--theme", "dark"]
        with PtyProgram(argv, env={"COLORTERM": "truecolor"}) as program:
            watcher = Watcher(program)
            watcher.until(f"0x{made.position:08X}")
            watcher.quiet()
            found = updates(made, watcher, {}, False)
            assert max(found) < MOST, found
            made.phase(Phase.WAITING, "waiting for it to come back", until_s=60.0)
            watcher.until("WAITING")
            watcher.quiet()
            before, seen_at = watcher.seen, time.monotonic()
            while time.monotonic() - seen_at < 3:
                time.sleep(0.1)
                watcher.take()
            assert watcher.seen - before < 4 * MOST
            made.ask_person()
            watcher.until("CUT THE POWER")
            watcher.quiet()
            titles_left_out = re.sub(rb"\x1b\][^\x07]*\x07", b"", program.sent)
            assert titles_left_out.count(b"\x07") == 1, "one bell"
    finally:
        made.let_go()
