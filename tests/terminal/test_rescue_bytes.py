"""How many bytes the live rescue costs on the line, each second, at 80x24 in full colour."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from tests.terminal.pty_program import PtyProgram
from tests.terminal.tmux import DECK, PATIENCE_S
from tests.tui.fake_rescue import FakeRescue

pytestmark = pytest.mark.terminal
UPDATES, MOST = 5, 600


class Watcher:
    """Reads the deck's output as a terminal does, and counts."""

    def __init__(self, program: PtyProgram) -> None:
        self._program = program
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self.seen = 0

    def take(self) -> None:
        new = self._program.sent[self.seen :]
        self.seen += len(new)
        self._stream.feed(new)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def cells(self) -> list[object]:
        """Every cell with its colours."""
        return [self._screen.buffer[y][x] for y in range(24) for x in range(80)]

    def until(self, piece: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while piece not in self.text:
            assert time.monotonic() < end, f"{piece!r} never came:\n{self.text}"
            time.sleep(0.05)
            self.take()

    def quiet(self) -> None:
        """Wait until nothing more comes for a while: what is sent later belongs to the next update."""
        while True:
            before = self.seen
            time.sleep(0.4)
            self.take()
            if self.seen == before:
                return


def test_what_is_shown_is_what_a_full_repaint_shows(rescue: tuple[FakeRescue, bool]) -> None:
    """Only differences are sent; after every key the picture is the one that a repaint from nothing gives."""
    made, _hurt = rescue
    made.end("stopped")  # nothing changes any more by itself
    argv = [*DECK, "open", str(made.directory), "--theme", "dark"]
    with PtyProgram(argv, env={"COLORTERM": "truecolor"}) as program:
        watcher = Watcher(program)
        watcher.until("STOPPED")
        watcher.quiet()
        for keys in (b"+", b"++n", b"lljj", b"M", b"0", b"d", b"q", b"?", b"q", b"S", b"jjj", b"q"):
            program.write(keys)
            watcher.quiet()
            text, cells = watcher.text, watcher.cells()
            sent = watcher.seen
            program.write(b"\x0c")
            watcher.quiet()
            assert watcher.seen - sent > 2000, "all of it was sent again"
            assert watcher.text == text, keys
            assert watcher.cells() == cells, keys


def updates(rescue: FakeRescue, watcher: Watcher, advance: dict[str, int], jump: bool) -> list[int]:
    """Bytes of each update: from one state of the files to the next being on show."""
    found = []
    rng = random.Random(4)
    for _ in range(UPDATES):
        before = watcher.seen
        if jump:
            rescue.scrape_somewhere(rng)
        else:
            rescue.advance(1.0, **advance)
        watcher.until(f"0x{rescue.position:08X}")
        watcher.quiet()
        found.append(watcher.seen - before)
    return found


@pytest.fixture(params=["copying", "scraping a badly hurt drive"])
def rescue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[FakeRescue, bool]]:
    hurt = request.param != "copying"
    made = FakeRescue(tmp_path, bad=600 if hurt else 40)
    made.hold()
    made.event("pass", number=1, reason="nothing has been read yet: fast copy")
    made.advance(6000.0 if hurt else 2000.0)
    yield made, hurt
    made.let_go()


def test_an_update_stays_below_600_bytes(rescue: tuple[FakeRescue, bool]) -> None:
    made, hurt = rescue
    argv = [*DECK, "open", str(made.directory), "--theme", "dark"]
    with PtyProgram(argv, env={"COLORTERM": "truecolor"}) as program:
        watcher = Watcher(program)
        watcher.until(f"0x{made.position:08X}")
        watcher.quiet()
        first = watcher.seen
        found = updates(made, watcher, {}, hurt)
        print(f"first screens {first} bytes; updates {found}")
        assert max(found) < MOST, found
