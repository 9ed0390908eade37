"""The deck as a person meets it: started, resized, hung up, on good and on poor terminals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.jobs import start, stop
from tests.support import needs_tool
from tests.terminal.pty_program import PtyProgram
from tests.terminal.tmux import CHECKOUT, DECK, Pane
from tests.tui.shell import HOSTILE

pytestmark = [pytest.mark.terminal, needs_tool("tmux")]

MAP = "0x00 + 1\n0x00 0x300000 +\n0x300000 0x0FE00 ?\n0x30FE00 0x200 -\n0x310000 0xF0000 ?\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an image under its map."""
    where = tmp_path / "place"
    where.mkdir()
    (where / "disk.img").touch()
    os.truncate(where / "disk.img", 4 << 20)
    (where / "disk.map").write_text(MAP)
    return where


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_start_open_and_leave(place: Path, size: tuple[int, int]) -> None:
    with Pane(cwd=place, size=size) as pane:
        shown = pane.until(r"disk\.img +image +4\.0 MiB +75\.0 %")
        assert len(shown.rstrip("\n").split("\n")) == size[1]
        assert re.search(r"sources READ ONLY$", shown.split("\n")[0])
        pane.keys("G")
        pane.until(r"^> disk\.img")
        pane.keys("Enter")
        pane.until(r"75\.0 % rescued  \+ 3\.0 MiB  \? 1023\.5 KiB  - 512 B")
        pane.keys("n")
        pane.until("0x00300000")
        pane.keys("?")
        pane.until("lay a ddrescue map over this image")
        pane.keys("q", "q")
        pane.until(r"^> disk\.img")
        pane.keys("q")
        assert pane.status == 0


def test_opens_a_path(place: Path) -> None:
    with Pane([*DECK, "open", "disk.map"], cwd=place) as pane:
        pane.until(r"^ map .*disk\.map")
        pane.keys("C-q")
        assert pane.status == 0


def test_too_small_and_back(place: Path) -> None:
    with Pane(cwd=place) as pane:
        pane.until("disk.img")
        pane.resize(52, 14)
        assert pane.until("terminal too small").strip() == "terminal too small: 52x14, need 60x16"
        pane.resize(60, 16)
        shown = pane.until(r"disk\.img")
        assert shown.rstrip().endswith("? help  q quit")


def test_resize_keeps_the_place(place: Path) -> None:
    for number in range(40):
        (place / f"a{number:02}.img").write_bytes(b"x")
    with Pane(cwd=place) as pane:
        pane.until("a00.img")
        pane.keys("G")
        pane.until(r"^> disk\.img")
        pane.resize(140, 50)
        pane.until(r"^> disk\.img")
        pane.resize(70, 20)
        pane.until(r"^> disk\.img")


def test_16_colours(place: Path) -> None:
    with Pane(cwd=place, env={"TERM": "linux", "COLORTERM": ""}) as pane:
        pane.until("disk.img")
        pane.settled()
        sent = pane.sent()
        assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", sent), "no 256 and no RGB colours"
        assert re.search(rb"\x1b\[[0-9;]*3[0-7]", sent), "but colours"


def test_no_color(place: Path) -> None:
    with Pane(cwd=place, env={"NO_COLOR": "1"}) as pane:
        pane.until("disk.img")
        pane.settled()
        for codes in re.findall(rb"\x1b\[([0-9;]*)m", pane.sent()):
            assert {int(code or b"0") for code in codes.split(b";")} <= {0, 1, 2, 4, 7, 39, 49}, codes
        assert re.search(r"\x1b\[[0-9;]*7m>", pane.styled()), "the cursor is reverse"


@pytest.mark.parametrize("env", [{"LANG": "C"}, {"LANG": "", "LC_ALL": "C"}])
def test_a_locale_without_utf8_gets_ascii(place: Path, env: dict[str, str]) -> None:
    (place / "Überspielung.img").write_bytes(b"x")
    with Pane([*DECK, "open", "disk.img"], cwd=place, env=env) as pane:
        pane.until(r"75\.0 %")
        pane.keys("q")
        pane.until(r"\?berspielung\.img")
        pane.keys("d")
        pane.until("^-{40}")
        pane.settled()
        assert pane.sent().isascii()


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_unusable_terminals_are_refused(place: Path, term: str) -> None:
    with Pane(cwd=place, env={"TERM": term}, unset=() if term else ("TERM",)) as pane:
        assert pane.status == 2
        sent = pane.until_sent(b"rescuedeck: this terminal cannot show the deck")
        assert b"plain commands work: rescuedeck devices" in sent
        assert b"\x1b" not in sent


def test_without_a_terminal_it_says_what_to_use(place: Path) -> None:
    done = subprocess.run(
        DECK, cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("rescuedeck: the deck needs a terminal; plain commands work without one")
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("what", ["nowhere", "a\x1b[31mb"])
def test_a_path_that_is_not_there(place: Path, what: str) -> None:
    with Pane([*DECK, "open", what], cwd=place) as pane:
        assert pane.status == 3
        assert b"\x1b" not in pane.until_sent(b"rescuedeck: there is nothing at that path")


@pytest.mark.parametrize("_attempt", range(4))
def test_hang_up_ends_it_cleanly(_attempt: int) -> None:
    """Several times: a hang-up brings SIGCONT with it, and the order in which the two are handled varies."""
    with PtyProgram() as deck:
        deck.until(b"READ ONLY")
        deck.hang_up()
        assert deck.wait() == 128 + signal.SIGHUP


def test_termination_gives_the_terminal_back() -> None:
    with PtyProgram() as deck:
        deck.until(b"READ ONLY")
        deck.process.send_signal(signal.SIGTERM)
        assert deck.wait() == 128 + signal.SIGTERM
        deck.until(b"\x1b[?1049l")
        deck.until(b"\x1b[?25h")


def test_leaving_does_not_wait_for_a_stuck_look_around(place: Path) -> None:
    code = (
        "import time, threading, tui.screens.start as s\n"
        "s.discover = lambda: time.sleep(3600)\n"
        "from tui.__main__ import main\n"
        "raise SystemExit(main([]))\n"
    )
    with Pane([sys.executable, "-c", code], cwd=place) as pane:
        pane.until("looking for devices")
        pane.until("disk.img")
        pane.keys("q")
        assert pane.status == 0


def test_a_crash_leaves_two_lines_and_a_file(place: Path) -> None:
    code = (
        "import tui.screens.start as s\n"
        "def fail(self):\n"
        "    clients_secret = 'hunter2'\n"
        "    raise RuntimeError('broken \\x1b[31m on purpose')\n"
        "s.StartScreen.action_devices = fail\n"
        "from tui.__main__ import main\n"
        "raise SystemExit(main([]))\n"
    )
    with Pane([sys.executable, "-c", code], cwd=place, size=(200, 24)) as pane:
        pane.until("disk.img")
        pane.keys("d")
        assert pane.status == 1
        sent = pane.until_sent(b".txt\r\n").decode()
        lines = sent[sent.index("rescuedeck: the deck failed") :].splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("rescuedeck: the deck failed (RuntimeError: broken \\x1b[31m on purpose)")
        report = Path(lines[1].partition("details: ")[2]).read_text()
        assert "Traceback (most recent call last)" in report
        assert "TERM=tmux-256color" in report
        assert "textual 8." in report
        assert "hunter2" not in report.replace("clients_secret = 'hunter2'", ""), "no values of variables"
        assert "\x1b" not in report


def test_hostile_names_reach_the_terminal_as_text(tmp_path: Path) -> None:
    place = tmp_path / "hostile"
    place.mkdir()
    for name in HOSTILE:
        plain = name.replace("/", "|").replace("\0", "")[:80].strip()
        if plain:
            (place / os.fsdecode(f"{plain}.img".encode("utf-8", "surrogatepass"))).write_bytes(b"x")
    with Pane(cwd=place, size=(100, 40)) as pane:
        pane.until(r"\\x1b\]52;c;aGVsbG8=\\x07\.img")
        pane.keys("G", "o", "Tab", "Tab")
        pane.until("^ open:")
        pane.keys("Escape")
        pane.until("^ Enter open")  # an Escape with a letter close behind it would be read as Alt and that letter
        pane.keys("g")
        pane.settled()
        sent = pane.sent()
        assert b"aGVsbG8=" in sent
        assert b"\x1b]52" not in sent
        assert b"\x1b]0;title" not in sent
        assert b"\x1b[31mred" not in sent
        for code in (*range(0x80, 0xA0), 0x202E, 0x2066, 0x2028, 0x2029):
            assert chr(code).encode() not in sent, hex(code)
        pane.keys("q")
        assert pane.status == 0


@pytest.mark.parametrize("option", ["--link=slow", "--no-mouse"])
def test_slow_links_and_no_mouse(place: Path, option: str) -> None:
    with Pane([*DECK, "open", option], cwd=place) as pane:
        pane.until("disk.img")
        pane.settled()
        assert b"\x1b[?1000h" not in pane.sent(), "the mouse is left to the terminal"
        rgb = re.search(rb"\x1b\[[0-9;]*[34]8;2;", pane.sent())
        assert (rgb is None) == (option == "--link=slow"), "16 colours cost half the bytes"


def test_an_idle_screen_sends_nothing(place: Path) -> None:
    with Pane(cwd=place) as pane:
        pane.until("disk.img")
        pane.until("DEVICES")
        before = pane.settled(1.5)
        time.sleep(3)
        assert len(pane.sent()) == before


def test_a_step_and_a_question_cost_little(place: Path) -> None:
    for number in range(5):
        (place / f"a{number}.img").write_bytes(b"x")
    with Pane(cwd=place) as pane:
        pane.until("disk.img")
        for keys, most in ((("down",), 500), (("o",), 1000), (("x",), 400), (("escape",), 1300)):
            before = pane.settled()
            pane.keys(*(key.capitalize() if len(key) > 1 else key for key in keys))
            after = pane.settled()
            assert 0 < after - before <= most, keys


def test_a_running_job_costs_less_than_a_kilobyte_a_second(place: Path, tmp_path: Path) -> None:
    job = start("self-test", {"steps": 100000, "pause_s": 0.01}, tmp_path / "jobs", title="a trial of many steps")
    try:
        with Pane(cwd=place) as pane:
            pane.until("a trial of many.* running")
            for opens, shows in (("", "FILES HERE"), ("J", "worked")):
                if opens:
                    pane.keys(opens)
                pane.until(shows)
                time.sleep(1.5)
                before = len(pane.sent())
                time.sleep(5)
                assert 0 < len(pane.sent()) - before < 5000, shows
    finally:
        stop(job.directory, force=True)
