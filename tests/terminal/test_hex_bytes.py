"""How many bytes a key in the hex view costs on the line, at 80x24 in full colour, over bytes of noise."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.terminal.pty_program import PtyProgram
from tests.terminal.test_rescue_bytes import Watcher
from tests.terminal.tmux import DECK

pytestmark = pytest.mark.terminal
STEP, PAGE = 500, 4_000
"""A step of the cursor; a whole view of noise, in which nearly every cell differs (19 rows of 76 cells)."""


def test_a_step_and_a_page(tmp_path: Path) -> None:
    image = tmp_path / "noise.img"
    image.write_bytes(random.Random(8).randbytes(1 << 20))
    with PtyProgram([*DECK, "open", str(image), "--theme", "dark"], env={"COLORTERM": "truecolor"}) as program:
        watcher = Watcher(program)
        watcher.until("nobody can say")
        watcher.quiet()
        program.write(b"x")
        watcher.until("00000010")
        watcher.quiet()
        for key, shown, most in ((b"l", "0x1 ", STEP), (b"j", "0x11 ", STEP), (b"\x1b[6~", "0x131 ", PAGE)):
            before = watcher.seen
            program.write(key)
            watcher.until(shown)
            watcher.quiet()
            assert watcher.seen - before <= most, f"{key!r} cost {watcher.seen - before} bytes"
        program.write(b"\x11")
        program.wait()
