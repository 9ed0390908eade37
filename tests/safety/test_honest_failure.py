"""What the machine may lack or do to the program: every time a message that says what to do, never a traceback."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.mapfile import read_map
from tests.safety.odd_fs import odd
from tests.safety.other_user import folder_for_all
from tests.support import find_tool, needs_fuse, needs_root, needs_tool

ROOT = Path(__file__).parents[2]
MAP = "0x0 ? 1\n0x0 0x100000 +\n0x100000 0x100000 ?\n"
INFO = ("map", "info", "disk.map")
SET = ("map", "set", "disk.map", "1M+64K", "bad-sector", "--in-place")
NO_PYTHON_HELP = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
Done = subprocess.CompletedProcess[str]


def call(folder: Path, *words: object, env: Mapping[str, str | None] | None = None, before: str = "", after: str = "",
         faketime: str | None = None) -> Done:  # fmt: skip
    """The program from a shell, as a person would call it. ``env`` None values are taken away."""
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
    for name, value in (env or {}).items():
        settings.pop(name, None)
        if value is not None:
            settings[name] = value
    argv = [*([str(find_tool("faketime")), "-f", faketime] if faketime else []), sys.executable, "-m", "tui"]
    line = f'{before} "$@" {after}'
    done = subprocess.run(["bash", "-c", line, "bash", *argv, *map(str, words)], cwd=folder, capture_output=True,
                          text=True, timeout=200, env=settings, errors="replace")  # fmt: skip
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "disk.map").write_text(MAP)
    return tmp_path


# --- surroundings


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "no home": {"HOME": None, "XDG_STATE_HOME": None},
    "a home that is not there": {"HOME": "/nonexistent/home", "XDG_STATE_HOME": None},
    "no folder for temporary files": {"TMPDIR": "/nonexistent"},
    "locale C": {"LC_ALL": "C", "LANG": None},
    "no locale": {"LC_ALL": None, "LANG": None, **NO_PYTHON_HELP},
    "a locale that is not there": {"LC_ALL": "xx_XX.UTF-8", "LANG": "xx_XX.UTF-8"},
    "no terminal type": {"TERM": None},
    "dumb": {"TERM": "dumb"},
    "vt100 without UTF-8": {"TERM": "vt100", "LC_ALL": "POSIX", **NO_PYTHON_HELP},
    "the console without UTF-8": {"TERM": "linux", "LC_ALL": "POSIX", **NO_PYTHON_HELP},
    "a terminal of no size": {"COLUMNS": "0", "LINES": "0"},
}


@pytest.mark.parametrize("name", sorted(SURROUNDINGS))
def test_plain_commands_in_poor_surroundings(folder: Path, name: str) -> None:
    (folder / "grün\udc80.map").write_text(MAP)
    done = call(folder, "map", "info", "grün\udc80.map", env=SURROUNDINGS[name])
    assert done.returncode == 0 and "1048576" in done.stdout, done.stderr


@pytest.mark.parametrize("redirected", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(folder: Path, redirected: str) -> None:
    """Nothing that is opened takes the place of a closed stream: what is printed goes into no map."""
    done = call(folder, *SET, after=redirected)
    assert done.returncode == 0, done.stderr
    assert read_map(folder / "disk.map").ranges("-").total == 65536


def test_a_reader_that_goes_and_a_full_output(folder: Path) -> None:
    done = call(folder, "map", "list", "disk.map", after="| head -c 1")
    assert done.returncode == 0 and done.stderr == ""
    done = call(folder, *INFO, after=">/dev/full")
    assert done.returncode == 3 and "full" in done.stderr


# --- what may not be opened or written


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("parts", "tree", "locked.img"), 3, "not open to you"),
        (("case", "create", "closed/case"), 3, "not open to you|not permitted|Permission"),
        (("map", "set", "closed/disk.map", "0+512", "-", "-o", "x.map"), 3, "not open to you"),
        (("parts", "tree", "nothing.img"), 3, "check the name"),
        (("parts", "tree", "closed"), 2, "a folder"),
    ],
)
def test_permission_denied(words: tuple[str, ...], code: int, said: str) -> None:
    """As a person who is not root."""
    needs_root()
    with folder_for_all() as folder:
        _try_as_nobody(folder, words, code, said)


def _try_as_nobody(folder: Path, words: tuple[str, ...], code: int, said: str) -> None:
    (folder / "locked.img").write_bytes(bytes(4096))
    (folder / "locked.img").chmod(0)
    (folder / "closed").mkdir(mode=0o700)
    (folder / "closed" / "disk.map").write_text(MAP)
    folder.chmod(0o777)
    setpriv = find_tool("setpriv")
    assert setpriv is not None
    done = call(folder, *words, before=f"{setpriv} --reuid 65534 --regid 65534 --clear-groups",
                env={"HOME": "/nonexistent", "XDG_STATE_HOME": None})  # fmt: skip
    if "No module named" in done.stderr or "Permission denied: '/" in done.stderr:
        pytest.skip("another user cannot run this checkout here")
    assert done.returncode == code, done.stderr
    assert re.search(said, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("ddrescue", ("rescue", "run", "disk.img", "out.img", "out.map")),
        ("ffmpeg", ("dvr", "picture", "disk.img", "1", "-o", "x.png")),
        ("smartctl", ("doctor",)),
        ("lsblk", ("devices",)),
        ("fusermount3", ("doctor",)),
    ],
)
def test_a_missing_tool_is_named(folder: Path, tool: str, words: tuple[str, ...]) -> None:
    (folder / "disk.img").write_bytes(bytes(1 << 20))
    done = call(folder, *words, env={f"RESCUEDECK_TOOL_{tool.upper()}": "/nonexistent"})
    if tool == "ddrescue":
        assert done.returncode == 3 and "ddrescue" in done.stderr and "apt install gddrescue" in done.stderr
        assert not (folder / "out.img").exists()
    elif words == ("doctor",):
        assert re.search(rf"{tool}\s.*(not|missing|NOT)|(not|missing|NOT).*{tool}", done.stdout), done.stdout
    else:
        assert done.returncode in (0, 1, 3)


def test_a_tool_of_the_wrong_version(folder: Path) -> None:
    """A ddrescue that is another program, and one that is too old: refused before anything is made."""
    (folder / "disk.img").write_bytes(bytes(1 << 20))
    for text, words in (("dd_rescue 1.99.8", "ddrescue"), ("GNU ddrescue 1.11", "1.11|old|ddrescue")):
        fake = folder / "fake"
        fake.write_text(f"#!/bin/sh\necho '{text}'\n")
        fake.chmod(0o755)
        done = call(folder, "rescue", "run", "disk.img", "out.img", "out.map",
                    env={"RESCUEDECK_TOOL_DDRESCUE": str(fake)})  # fmt: skip
        assert done.returncode == 3 and re.search(words, done.stderr), done.stderr
        assert not (folder / "out.img").exists()


# --- file systems that lack something


def _rescue(place: Path, tmp_path: Path) -> Done:
    source = tmp_path / "source.img"
    source.write_bytes(os.urandom(3_000_000))
    return call(place, "rescue", "run", source, "disk.img", "rescue.map", "--quiet", env={"XDG_STATE_HOME": None})


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.fuse
@pytest.mark.full
@pytest.mark.parametrize(
    ("lack", "words", "said"),
    [
        ("no-locks", SET, "no file locks"),
        ("no-locks", None, "no file locks"),
        ("no-links", SET, ""),
        ("no-links", None, ""),
        ("no-folder-sync", SET, ""),
        ("read-only", SET, "read-only: choose another place"),
        ("read-only", None, "read-only: choose another place"),
        ("large=1000000", None, "no file that large"),
        ("no-rename-over", SET, "cannot save"),
        ("stale", INFO, "file server"),
    ],
)
def test_a_file_system_that_lacks_something(
    tmp_path: Path, lack: str, words: tuple[str, ...] | None, said: str
) -> None:
    """It works all the same, or it says why not and leaves the map as it was. ``words`` None: a rescue."""
    needs_fuse()
    if words is None:
        needs_tool("ddrescue")
    with odd(tmp_path / "fs", lack) as place:
        (tmp_path / "fs" / "behind" / "disk.map").write_text(MAP)
        done = _rescue(place, tmp_path) if words is None else call(place, *words, env={"XDG_STATE_HOME": None})
        assert done.returncode == (3 if said else 0), done.stderr
        assert said in done.stderr
        if lack != "stale":
            changed = read_map(place / "disk.map").ranges("-").total
            assert changed == (65536 if not said and words == SET else 0)


# --- the clock


@pytest.mark.full
@needs_tool("faketime")
@needs_tool("ddrescue")
@pytest.mark.parametrize("jump", ["-1y", "+15y"])
def test_the_clock_was_set(tmp_path: Path, jump: str) -> None:
    """A case of today, looked at and gone on with a year before or after: nothing is negative, nothing is refused."""
    source = tmp_path / "source.img"
    source.write_bytes(os.urandom(300_000))
    assert call(tmp_path, "case", "create", "case", "--source", source).returncode == 0
    assert call(tmp_path, "rescue", "run", "case", "--quiet").returncode == 0
    for words in (("jobs", "list", "case"), ("jobs", "show", "case"), ("case", "show", "case"),
                  ("case", "history", "case"), ("map", "set", "case/rescue.map", "0+512", "?", "--in-place",
                  "--lose-finished"), ("rescue", "run", "case", "--quiet"), ("map", "generations", "case/rescue.map"),
                  ("report", "case", "-o", "r.html")):  # fmt: skip
        done = call(tmp_path, *words, faketime=jump)
        assert done.returncode in (0, 1), (words, done.stderr)
        assert not re.search(r"(?<![\w.:+-])-\d+(\.\d+)? ?(s|min|h|d|days|B|KiB)\b", done.stdout), (words, done.stdout)
    assert (tmp_path / "case" / "image.img").read_bytes() == source.read_bytes()


@pytest.mark.full
@needs_tool("faketime")
@pytest.mark.parametrize("jump", ["-1y", "+1y"])
def test_the_clock_jumps_while_a_job_runs(tmp_path: Path, jump: str) -> None:
    """Its own time is measured by a clock that nobody sets; it is not taken for dead."""
    from engine.jobs import create, load

    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    clock = tmp_path / "clock"
    clock.write_text("+0")
    job = create("self-test", {"steps": 12, "pause_s": 0.25}, tmp_path / "jobs")
    env = {**os.environ, "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
           "DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(ROOT)}  # fmt: skip
    child = subprocess.Popen([sys.executable, "-m", "engine.jobs.run", str(job.directory)], env=env, cwd=ROOT)
    end = time.monotonic() + 120
    while load(job.directory).progress.done < 3:
        assert time.monotonic() < end and child.poll() is None
        time.sleep(0.02)
    clock.write_text(jump)
    assert load(job.directory).live
    assert child.wait(timeout=120) == 0
    ended = load(job.directory)
    assert ended.state.value == "done"
    assert 0 < ended.elapsed_s < 600
    assert ended.progress.rate is None or 0 <= ended.progress.rate < 1000


# --- the terminal


@pytest.mark.terminal
def test_a_terminal_of_no_size_that_comes_back(tmp_path: Path) -> None:
    """Begun at 0x0, made 1x1, 0x0, 20x5 and 80x24: the deck is on show again, and has not failed on the way."""
    image = tmp_path / "patient.img"
    image.write_bytes(bytes(1 << 20))
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8", PYTHONPATH=str(ROOT), COLUMNS="", LINES="")
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name)
        os.execv("/bin/sh", ["sh", "-c", 'sleep 0.3; exec "$0" -m tui open "$1"', sys.executable, str(image)])
    try:
        for rows, columns, words in ((0, 0, b"patient"), (1, 1, b""), (0, 0, b""), (5, 20, b"need 60x16"),
                                     (24, 80, b"patient")):  # fmt: skip
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.kill(pid, signal.SIGWINCH)
            _until_said(fd, words)
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


def _until_said(fd: int, words: bytes) -> None:
    """Read what the terminal gets until it holds these words, or for a moment when there are none."""
    found, end = b"", time.monotonic() + (60 if words else 1)
    while (not words or words not in found) and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            found += os.read(fd, 1 << 16)
        assert b"Traceback" not in found and b"the deck failed" not in found, found[-2000:]
    assert words in found, found[-500:]
